"""What a technique did is measured against the same network without it."""

from __future__ import annotations

from typing import Any

import pytest

from taut.learning.training import Control
from taut.play.without import Without, without_each
from taut.play.words import paired, standing
from taut.techniques import L1, L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping, LabelSmoothing
from tests.play.helpers import finished, quick, run_of


def compared(*techniques: Any, **changes: Any) -> dict[str, Without]:
    run = finished(quick(*techniques, **changes))
    return {one.technique: one for one in without_each(run, Control())}


def test_each_technique_that_is_on_is_compared_in_the_order_of_all() -> None:
    found = compared(EarlyStopping(patience=3), L2(0.1), Dropout(0.2), BatchNorm(), LabelSmoothing(0.1))
    assert list(found) == [kind.name for kind in TECHNIQUES if kind.name in found]
    assert set(found) == {"early_stopping", "l2", "dropout", "batch_norm", "label_smoothing"}
    for one in found.values():
        assert one.sentence.startswith("Validation loss ")
        assert one.sentence.endswith(".")


def test_the_difference_is_that_of_two_networks_trained_by_hand() -> None:
    settings = quick(L2(3.0), Dropout(0.2), max_epochs=40)
    found = compared(L2(3.0), Dropout(0.2), max_epochs=40)["l2"]
    run, other = finished(settings), finished(quick(Dropout(0.2), max_epochs=40))
    kept = standing(run).kept, standing(other).kept
    change, error = paired(run.row_losses(kept[0]), other.row_losses(kept[1]))
    assert (found.change, found.error) == (pytest.approx(change), pytest.approx(error))


def test_what_did_nothing_is_no_claim() -> None:
    found = compared(L2(1e-9))["l2"]
    assert not found.is_sure
    assert "a difference of" in found.sentence
    assert "which may be chance" in found.sentence


def test_what_surely_harms_is_said_to() -> None:
    found = compared(L2(100.0), problem="needles", n_rows=400, noise=0.0, max_epochs=30)["l2"]
    assert found.is_sure
    assert found.change > 0
    assert ": higher by " in found.sentence


def test_zeros_and_epochs_are_told() -> None:
    found = compared(L1(1.0), EarlyStopping(patience=5), max_epochs=200, learning_rate=0.05)
    assert "of the weights zero instead of none" in found["l1"].sentence
    assert "; epoch " in found["early_stopping"].sentence


def test_nothing_is_said_of_a_run_that_changed_on_the_way_or_diverged() -> None:
    run = run_of(quick())
    run.train(Control(), 2)
    run.change(quick(L2(0.1)))
    run.train(Control())
    assert list(without_each(run, Control())) == []
    assert compared(L2(1e308)) == {}


def test_a_new_wish_ends_it() -> None:
    run, control = finished(quick(L2(0.1), Dropout(0.2))), Control()
    found = without_each(run, control)
    next(found)
    control.cancelled.set()
    assert list(found) == []
