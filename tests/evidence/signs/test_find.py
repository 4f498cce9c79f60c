from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from taut.evidence.signs import find_signs
from taut.evidence.signs.view import rows_in
from tests.evidence.signs.helpers import Case, case, kinds, plain, second


def _look(made: Case, outputs: Any = None, test: Any = None) -> Any:
    outputs = made.blank if outputs is None else outputs
    return find_signs(made.schema, made.matrix, made.problem, made.classes, made.folds, outputs, test, seed=0)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_clean_table_has_no_sign(task: str) -> None:
    made = case(*plain(300, task=task))
    assert _look(made, test=second(made, plain(300, seed=8)[0])) == ()


@pytest.mark.filterwarnings("ignore:.*every value is a different integer")
def test_everything_at_once_the_severe_first() -> None:
    columns, y = plain(400)
    order = np.argsort(y, kind="stable")
    columns, y = {name: values[order] for name, values in columns.items()}, y[order]
    columns["n"] = np.arange(400)
    y[:12] = "rare"
    made = case(columns, y)
    moved = {**plain(400, seed=8)[0], "n": np.arange(400)}
    moved["a"] = moved["a"] + 1.0
    signs = _look(made, test=second(made, moved))
    assert {"identifier", "order", "small class", "shift"} <= set(kinds(signs))
    severe = [sign.severity == "severe" for sign in signs]
    assert severe == sorted(severe, reverse=True)
    assert severe[0]
    json.dumps([sign.to_dict() for sign in signs], allow_nan=False)


def test_the_same_seed_sees_the_same() -> None:
    columns, y = plain(300)
    columns["z"] = np.where(np.random.default_rng(0).random(300) < 0.02, "no", y)
    made = case(columns, y)
    one, other = _look(made), _look(made)
    assert [sign.to_dict() for sign in one] == [sign.to_dict() for sign in other]
    assert "leak" in kinds(one)


@pytest.mark.fault(44)
def test_in_little_time_fewer_rows_are_looked_at() -> None:
    assert rows_in(5.0) < rows_in(60.0) == rows_in(float("inf"))
