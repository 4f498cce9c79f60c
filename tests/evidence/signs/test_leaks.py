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


@pytest.mark.fault(64)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_noisy_copy_of_the_target_is_named(task: str) -> None:
    columns, y = plain(600, task=task)
    columns['it\'s "z"'] = _noisy_copy(y, np.random.default_rng(1))
    sign = only(leaks(case(columns, y).view))
    assert (sign.kind, sign.severity) == ("leak", "severe")
    assert sign.columns == ('it\'s "z"',)
    assert repr('it\'s "z"') in sign.text
    if task == "classification":
        assert "gives the target away: it is a copy in 99 % of the rows. Leave it out" in sign.text
    else:
        assert "alone it predicts it with R squared 0.98, and no other comes near." in sign.text
        assert sign.figures["r2"] > sign.figures["r2_others"] + 0.05


def test_a_number_that_tells_the_classes_among_noise_is_no_severe_sign() -> None:
    """As in many a made-up table; a number with the classes far apart is one all the same."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 4))
    columns = {f"x{i}": X[:, i] for i in range(4)}
    y = np.where(X[:, 0] > 0, "yes", "no")
    assert only(leaks(case(columns, y).view)).severity == "worth a look"
    columns["x0"] = (y == "yes") + 0.05 * rng.standard_normal(500)
    assert only(leaks(case(columns, y).view)).severity == "severe"


def test_suspects_that_come_near_each_other_are_named_in_the_sentence() -> None:
    """As radius, perimeter and area of one thing."""
    rng = np.random.default_rng(0)
    y = rng.uniform(1, 2, 600)
    columns = {f"x{i}": rng.standard_normal(600) + y for i in range(3)}
    columns["area"] = y**2 + 0.02 * rng.standard_normal(600)
    columns["edge"] = 6 * y + 0.05 * rng.standard_normal(600)
    texts = {sign.columns[0]: sign.text for sign in leaks(case(columns, y).view)}
    assert "and only 'edge' comes near. It may be made" in texts["area"]
    assert "and only 'area' comes near. It may be made" in texts["edge"]


def test_one_column_alone_is_no_leak() -> None:
    x = np.linspace(0, 1, 200)
    assert leaks(case({"x": x}, 2 * x).view) == []


@pytest.mark.fault(64)
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_column_that_is_filled_for_one_class_is_named(share: float) -> None:
    columns, y = plain(600)
    rng = np.random.default_rng(1)
    columns["closed on"] = np.where(
        (y == "yes") & (rng.random(600) < share), rng.standard_normal(600), np.nan
    )
    sign = only(leaks(case(columns, y).view))
    assert (sign.columns, sign.severity) == (("closed on",), "severe")
    assert "nearly all rows with a value in it are of one class" in sign.text


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
    gone = (y == "yes") & (rng.random(600) > 0.08)
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
