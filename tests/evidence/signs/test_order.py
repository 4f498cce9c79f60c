from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from taut.evidence.signs.order import consecutive, drift, order
from tests.evidence.signs.helpers import Case, case, only, plain


def _in(columns: dict[str, Any], y: Any, rows: Any) -> tuple[dict[str, Any], Any]:
    return {name: values[rows] for name, values in columns.items()}, y[rows]


def _outputs(made: Case) -> Any:
    """What a network would put out that sees the first two columns."""
    signal = made.matrix.values[:, 0] - made.matrix.values[:, 1]
    return signal[:, None] if made.classes is None else np.column_stack([0 * signal, signal])


def _signs(made: Case) -> Any:
    return order(made.view, made.folds, _outputs(made))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_in_no_order_are_no_sign(task: str) -> None:
    for seed in range(20):
        assert _signs(case(*plain(300, seed=seed, task=task))) == []


def test_chance_seldom_finds_a_drift() -> None:
    rng = np.random.default_rng(0)
    found = [drift(rng.standard_exponential((200, 1))).found for _ in range(500)]
    assert sum(found) <= 1


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_sorted_by_the_target_are_worth_a_look(task: str) -> None:
    columns, y = plain(400, task=task)
    sign = only(_signs(case(*_in(columns, y, np.argsort(y, kind="stable")))))
    assert (sign.kind, sign.severity) == ("order", "worth a look")
    assert "sorted by the target" in sign.text
    assert sign.figures["blocks"] > 0.9


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_in_an_order_that_the_columns_show_are_severe(task: str) -> None:
    columns, y = plain(400, task=task)
    sign = only(_signs(case(*_in(columns, y, np.argsort(columns["a"])))))
    assert sign.severity == "severe"
    assert "by time" in sign.text


def test_neighbours_that_are_alike_are_found_without_a_trend() -> None:
    rng = np.random.default_rng(0)
    level = np.repeat(rng.standard_normal(500), 2)[:, None]  # pairs
    found = drift(level + 0.5 * rng.standard_normal((1000, 1)))
    assert found.found
    assert found.next == pytest.approx(0.4, abs=0.1)


def test_folds_of_consecutive_rows_are_asked_about() -> None:
    columns, y = plain(400, task="regression")
    made = case(*_in(columns, y, np.argsort(y)), cv=KFold(4))
    assert consecutive(made.folds)
    assert "consecutive rows" in only(_signs(made)).text
    assert not consecutive(case(columns, y).folds)


def test_few_rows_and_a_constant_say_nothing() -> None:
    columns, y = plain(40, task="regression")
    assert _signs(case(*_in(columns, y, np.argsort(y)))) == []
    assert not drift(np.ones((100, 1))).found


def test_without_outputs_the_target_alone_is_looked_at() -> None:
    columns, y = plain(400)
    made = case(*_in(columns, y, np.argsort(columns["a"])))
    assert only(order(made.view, made.folds, made.blank)).severity == "worth a look"
