from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.evidence.signs.leaks import leaks, power_together
from tests.evidence.signs.helpers import case, only, plain


def _noisy_copy(y: Any, rng: Any) -> Any:
    if y.dtype.kind == "f":
        return y + 0.1 * y.std() * rng.standard_normal(len(y))
    return np.where(rng.random(len(y)) < 0.02, rng.permutation(y), y)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_noisy_copy_of_the_target_is_named(task: str) -> None:
    columns, y = plain(600, task=task)
    columns['it\'s "z"'] = _noisy_copy(y, np.random.default_rng(1))
    sign = only(leaks(case(columns, y).view))
    assert sign.kind == "leak"
    assert sign.columns == ('it\'s "z"',)
    assert sign.severity == "severe" if task == "regression" else sign.severity
    name = "r2" if task == "regression" else "auc"
    assert sign.figures[name] > sign.figures[f"{name}_others"] + 0.05
    assert repr('it\'s "z"') in sign.text
    assert "Leave it out" in sign.text


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_nothing_is_said_of_honest_columns(task: str) -> None:
    for seed in range(3):
        assert leaks(case(*plain(400, seed=seed, task=task)).view) == []


def test_a_strong_column_is_let_pass_where_the_others_do_as_well() -> None:
    columns, y = plain(800, task="regression")
    rng = np.random.default_rng(2)
    columns["sum"] = y + 0.25 * y.std() * rng.standard_normal(800)
    columns["first"] = 0.5 * y + rng.standard_normal(800)
    columns["rest"] = y - columns["first"]  # first + rest is the target
    view = case(columns, y).view
    assert power_together(view, [0, 1, 4, 5]) > 0.8
    assert leaks(view) == []


def test_two_copies_do_not_excuse_each_other() -> None:
    columns, y = plain(600, task="regression")
    rng = np.random.default_rng(1)
    columns |= {"z1": _noisy_copy(y, rng), "z2": _noisy_copy(y, rng)}
    assert {sign.columns for sign in leaks(case(columns, y).view)} == {("z1",), ("z2",)}


@pytest.mark.parametrize("text", [False, True])
def test_missing_values_that_give_the_target_away(text: bool) -> None:
    columns, y = plain(600)
    rng = np.random.default_rng(1)
    gone = (y == "yes") ^ (rng.random(600) < 0.02)
    values: Any = rng.choice(["u", "v"], 600).astype(object) if text else rng.standard_normal(600)
    columns["left on"] = np.where(gone, None if text else np.nan, values)
    sign = only(leaks(case(columns, y).view))
    assert sign.columns == ("left on",)
    assert "missing" in sign.text


def test_honest_missing_values_are_let_pass() -> None:
    columns, y = plain(600)
    rng = np.random.default_rng(1)
    columns["c"] = np.where(rng.random(600) < np.where(y == "yes", 0.6, 0.2), np.nan, columns["c"])
    assert leaks(case(columns, y).view) == []


def test_without_other_columns_the_others_know_nothing() -> None:
    view = case(*plain(100)).view
    assert power_together(view, []) == 0.5
    assert power_together(case(*plain(100, task="regression")).view, []) == 0.0
