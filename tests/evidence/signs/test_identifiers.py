from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.evidence.signs.identifiers import identifiers
from tests.evidence.signs.helpers import case, only, plain

pytestmark = pytest.mark.filterwarnings("ignore:column .* every value is a different integer")
RNG = np.random.default_rng(7)
N = 300


def _signs(name: str, values: Any, *, sort: bool = False) -> Any:
    columns, y = plain(N)
    return identifiers(case({**columns, name: values}, np.sort(y) if sort else y).view)


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("n", np.arange(N), "counts with the rows"),
        ("n", 5_000_000_000 + 10 * np.arange(N), "counts with the rows"),
        ("n", np.arange(N)[::-1], "counts with the rows"),
        ("n", RNG.permutation(N), "without a gap"),
        ("customer_id", RNG.permutation(10**6)[:N], "name and its values"),
        ("n", np.cumsum(RNG.random(N)), "in the rows' order"),
        ("day", np.datetime64("2024-01-01") + np.arange(N) * np.timedelta64(1, "D"), "in the rows' order"),
        ("patientId", RNG.integers(0, 60, N), "come again"),
    ],
)
def test_identifiers_are_named_with_the_reason(name: str, values: Any, why: str) -> None:
    sign = only(_signs(name, values))
    assert sign.kind == "identifier"
    assert sign.columns == (name,)
    assert sign.severity == "worth a look"
    assert why in sign.text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", RNG.permutation(10**6)[:N]),  # an income, say
        ("n", RNG.integers(0, 60, N)),
        ("paid", RNG.integers(0, 60, N)),
        ("idea", RNG.integers(0, 60, N)),
        ("n", RNG.standard_normal(N)),
        ("price_index", RNG.integers(50, 150, N)),
        ("n", np.where(RNG.random(N) < 0.5, np.nan, np.arange(N))),
    ],
)
def test_honest_columns_are_let_pass(name: str, values: Any) -> None:
    assert _signs(name, values) == []


def test_an_identifier_that_tells_the_target_is_severe() -> None:
    sign = only(_signs("n", np.arange(N), sort=True))
    assert sign.severity == "severe"
    assert sign.figures["auc"] > 0.9


def test_categories_with_almost_as_many_values_as_rows() -> None:
    values = np.array([f"u{i}" for i in RNG.integers(0, 300, N)])
    sign = only(_signs("who", values))
    assert sign.columns == ("who",)
    assert sign.figures["share"] == pytest.approx(len(np.unique(values)) / N)
    assert "almost one for each row" in sign.text
    assert _signs("who", np.array([f"u{i}" for i in RNG.integers(0, 80, N)])) == []


def test_a_category_with_the_name_of_an_identifier() -> None:
    sign = only(_signs("user_id", np.array([f"u{i}" for i in RNG.integers(0, 40, N)])))
    assert "groups" in sign.text


def test_names_may_hold_anything() -> None:
    name = "{x} '\"\n<b> id"
    assert repr(name) in only(_signs(name, np.arange(N))).text
