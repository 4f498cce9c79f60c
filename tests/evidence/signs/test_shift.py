from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.evidence.signs.shift import Difference, shift, significant
from taut.evidence.signs.sign import Sign
from tests.evidence.signs.helpers import case, plain, second


def _signs(change: dict[str, Any], n: int = 800) -> list[Sign]:
    columns, y = plain(n)
    made = case(columns, y)
    fresh, _ = plain(n, seed=5)
    return shift(made.view, second(made, fresh | change))


def test_a_file_of_the_same_kind_is_no_sign() -> None:
    for seed in range(4):
        columns, y = plain(400, seed=seed)
        made = case(columns, y)
        assert shift(made.view, second(made, plain(400, seed=seed + 50)[0])) == []


@pytest.mark.parametrize(
    ("change", "column", "how"),
    [
        ({"a": np.random.default_rng(1).standard_normal(800) + 0.7}, "a", "values"),
        ({"kind": np.random.default_rng(1).choice(["red", "red", "red", "blue"], 800)}, "kind", "values"),
        ({"kind": np.random.default_rng(1).choice(["red", "green", "blue", "black"], 800)}, "kind", "unseen"),
        ({"b": np.where(np.arange(800) % 4 == 0, np.nan, np.arange(800) % 7)}, "b", "missing"),
    ],
)
def test_a_column_that_differs_is_named(change: dict[str, Any], column: str, how: str) -> None:
    first, *others = _signs(change)
    assert first.kind == "shift"
    assert first.columns == (column,)
    assert how in first.figures
    assert repr(column) in first.text
    assert all(sign.columns[0] == column for sign in others)


def test_a_difference_of_all_columns_together_is_found() -> None:
    rng = np.random.default_rng(3)
    columns, y = plain(800)
    made = case(columns, y)
    a = rng.standard_normal(800)  # each column as before, but a and b go together now
    signs = shift(made.view, second(made, {**plain(800, seed=5)[0], "a": a, "b": a}))
    assert [sign.columns for sign in signs if "auc" in sign.figures]
    assert {name for sign in signs for name in sign.columns} <= {"a", "b"}
    assert signs[-1].figures["auc_lower"] > 0.55


def test_trifles_among_many_rows_are_let_pass() -> None:
    rng = np.random.default_rng(3)
    columns, y = plain(20_000)
    made = case(columns, y)
    fresh, _ = plain(20_000, seed=5)
    assert shift(made.view, second(made, fresh | {"a": rng.standard_normal(20_000) + 0.08})) == []


def test_too_few_rows_say_nothing() -> None:
    columns, y = plain(100)
    made = case(columns, y)
    assert shift(made.view, second(made, {name: values[:20] for name, values in columns.items()})) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_leaves_the_smallest_and_no_more_than_alone(chances: list[float]) -> None:
    found = [Difference(str(i), "values", 1.0, p) for i, p in enumerate(chances)]
    left = significant(found)
    kept = sorted(one.p for one in left)
    assert kept == sorted(chances)[: len(kept)]
    assert all(p <= 0.01 for p in kept)
    n = len(chances)
    expected = 0
    while expected < n and sorted(chances)[expected] <= 0.01 / (n - expected):
        expected += 1
    assert len(kept) == expected
