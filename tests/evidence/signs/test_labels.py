from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.evidence.signs.labels import labels
from tests.evidence.signs.helpers import Case, case, only

N = 800


def _made(task: str, n_wrong: int, seed: int = 0) -> tuple[Case, Any, Any]:
    """A table, what good networks say of it, and the rows whose target was replaced."""
    rng = np.random.default_rng(seed)
    columns = {"a": rng.standard_normal(N), "b": rng.standard_normal(N)}
    signal = 6 * (columns["a"] - columns["b"])
    wrong = rng.permutation(N)[:n_wrong]
    if task == "regression":
        y: Any = signal + rng.standard_normal(N)
        y[wrong] = rng.permutation(y)[:n_wrong]
        return case(columns, y), signal[:, None], wrong
    yes = rng.random(N) < 1 / (1 + np.exp(-signal))
    yes[wrong] = ~yes[wrong]
    return case(columns, np.where(yes, "yes", "no")), np.column_stack([0 * signal, signal]), wrong


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_wrong_targets_are_found_and_ranked(task: str) -> None:
    made, outputs, wrong = _made(task, 40)
    sign = only(labels(made.view, outputs))
    assert (sign.kind, sign.severity) == ("labels", "severe")
    assert sign.figures["rate"] == pytest.approx(0.05, abs=0.02)
    assert np.isin(sign.rows, wrong).mean() > 0.7
    assert np.isin(sign.rows[:10], wrong).mean() >= 0.9  # the worst first
    right = (~np.isin(sign.rows, wrong)).sum()
    assert abs(sign.figures["right_after_all"] - right) < 8
    assert "look wrong" in sign.text


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_honest_targets_are_let_pass(task: str) -> None:
    for seed in range(6):
        made, outputs, _ = _made(task, 0, seed)
        assert labels(made.view, outputs) == []


def test_rows_that_were_never_held_out_are_passed_over() -> None:
    made, outputs, wrong = _made("classification", 40)
    outputs[wrong[:10]] = np.nan
    assert not np.isin(only(labels(made.view, outputs)).rows, wrong[:10]).any()
    assert labels(made.view, made.blank) == []


def test_networks_that_know_nothing_accuse_nobody() -> None:
    made, outputs, _ = _made("regression", 0)
    assert labels(made.view, np.random.default_rng(0).permutation(outputs)) == []
    made, outputs, _ = _made("classification", 0)
    assert labels(made.view, np.random.default_rng(0).permutation(outputs)) == []


def test_a_slip_of_the_unit_is_named() -> None:
    made, outputs, _ = _made("regression", 0)
    made.problem.target[5] += 3000.0
    sign = only(labels(made.view, outputs))
    assert sign.severity == "worth a look"
    np.testing.assert_array_equal(sign.rows, [5])
    assert "unit" in sign.text


def test_a_constant_target_says_nothing() -> None:
    made, outputs, _ = _made("regression", 0)
    made.problem.target[:] = 1.0
    assert labels(made.view, outputs) == []
