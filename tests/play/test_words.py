"""Each sentence has its case, and none claims more than was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.learning.training import Control
from taut.play.run import Run
from taut.play.words import Standing, paired, seen, standing
from taut.techniques import L2, Dropout, EarlyStopping
from tests.play.helpers import finished, quick, run_of

#: A run whose losses fall, and then hardly.
CALM = Standing(
    epoch=6, kept=6, train=0.30, validation=0.31, last_train=0.30, last_validation=0.31, best=6,
    best_train=0.30, best_validation=0.31, score=0.9, constant=0.69, rise=0.0, rise_error=0.0,
)  # fmt: skip


@cache
def usual() -> Run:
    return finished(quick())


@cache
def stopping() -> Run:
    return finished(quick(EarlyStopping()))


def rising(rise: float, error: float, *, train: float = 0.1) -> Standing:
    """From 0.31 at epoch 4; the training loss was 0.2 there."""
    return replace(
        CALM, best=4, best_train=0.2, best_validation=0.31, last_train=train, last_validation=0.31 + rise,
        validation=0.31 + rise, rise=rise, rise_error=error,
    )  # fmt: skip


def test_a_rise_beyond_chance_is_learning_by_heart() -> None:
    assert seen(usual(), rising(0.3, 0.1)) == (
        "Training loss 0.1, validation 0.61 and rising since epoch 4: it learns rows by heart; the last "
        "epoch is kept all the same: early stopping is off."
    )


def test_early_stopping_keeps_the_best_epoch_and_says_so() -> None:
    now = replace(rising(0.3, 0.1), kept=4, validation=0.31)
    assert seen(stopping(), now).endswith("it learns rows by heart; epoch 4 is kept, with 0.31.")
    assert seen(stopping(), replace(now, rise_error=0.2)).endswith(
        "which may be chance with 40 held-out rows; epoch 4 is kept, with 0.31."
    )


def test_a_rise_within_its_interval_may_be_chance() -> None:
    assert seen(usual(), rising(0.1, 0.1)) == (
        "Training loss 0.1, validation 0.41: a gap of 0.31; validation rose by 0.1 ± 0.196 since epoch 4, "
        "which may be chance with 40 held-out rows."
    )


def test_a_rise_whose_error_nobody_knows_is_no_claim() -> None:
    text = seen(usual(), rising(0.3, math.nan))
    assert "by heart" not in text
    assert "validation rose by 0.3 since epoch 4, which may be chance" in text


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.01, 1))
def test_learning_by_heart_is_never_said_of_a_rise_within_its_interval(
    rise: float, error: float, train: float
) -> None:
    text = seen(usual(), rising(rise, error, train=train))
    claimed = "it learns rows by heart" in text
    assert claimed == (error > 0 and rise > 1.96 * error and train <= 0.2)


def test_where_training_goes_wrong_too_it_is_no_learning_by_heart() -> None:
    text = seen(usual(), rising(0.3, 0.1, train=0.5))
    assert "both rising since epoch 4: that is not learning by heart; lower the learning rate" in text


def test_no_better_than_a_constant() -> None:
    now = replace(CALM, validation=0.7, last_validation=0.7, best_validation=0.7)
    assert seen(usual(), now) == (
        "Training loss 0.3, validation 0.7: on held-out rows it is no better than the same answer for every "
        "row (0.69)."
    )


def test_a_gap_at_the_lowest_validation_loss() -> None:
    now = replace(CALM, train=0.1, last_train=0.1)
    assert seen(usual(), now) == (
        "Training loss 0.1, validation 0.31: a gap of 0.21, and validation is at its lowest."
    )


def test_no_gap_and_a_loss_that_still_falls() -> None:
    run = finished(quick())
    assert "hardly a gap, and the training loss still falls, so that more epochs may help" in seen(run, CALM)


def test_no_gap_and_a_loss_that_is_where_it_ends() -> None:
    run = finished(quick(learning_rate=1e-7, max_epochs=20))
    assert seen(run, CALM).endswith("hardly a gap, so it does not learn rows by heart.")


def test_no_gap_because_nothing_is_learned() -> None:
    run = finished(quick(learning_rate=1e-7, max_epochs=20))
    now = replace(
        CALM, train=0.66, last_train=0.66, validation=0.67, last_validation=0.67, best_validation=0.67
    )
    assert seen(run, now) == (
        "Training loss 0.66, validation 0.67: hardly a gap, but hardly better than the same answer for every "
        "row (0.69): it learns too little."
    )


def test_of_the_first_epochs_the_losses_alone() -> None:
    run = run_of(quick())
    run.train(Control(), 2)
    now = standing(run)
    text = seen(run, now)
    assert text.startswith("Training loss ")
    assert ":" not in text


@pytest.mark.parametrize("techniques", [(L2(1e308),), (L2(1e7), EarlyStopping())])
def test_a_network_that_diverged(techniques: tuple[L2]) -> None:
    run = finished(quick(*techniques))
    now = standing(run)
    assert seen(run, now).startswith(f"Training diverged in epoch {now.epoch}: lower the learning rate")
    assert math.isnan(now.rise_error)


# --- where a run stands -----------------------------------------------------------------------------------


def test_a_standing_is_what_the_estimator_has() -> None:
    run = finished(quick(EarlyStopping(patience=3), Dropout(0.2), max_epochs=60, learning_rate=0.05))
    now, model = standing(run), run.fitted()
    history = model.history_
    assert (now.epoch, now.kept) == (model.n_iter_, model.best_epoch_)
    assert now.validation == pytest.approx(history["validation_loss"][now.kept - 1])
    assert now.last_train == pytest.approx(history["train_loss"][-1])
    assert now.best == 1 + int(np.argmin(history["validation_loss"]))
    assert now.score == pytest.approx(model.score(*run.split.held_out_rows))
    assert now.rise == pytest.approx(now.last_validation - now.best_validation, abs=1e-6)
    losses = run.row_losses(now.epoch) - run.row_losses(now.best)  # type: ignore[operator]
    assert now.rise_error == pytest.approx(losses.std(ddof=1) / math.sqrt(len(losses)))


def test_of_amounts_the_score_is_r2() -> None:
    run = finished(quick(problem="diabetes", max_epochs=10))
    assert standing(run).score == pytest.approx(run.fitted().score(*run.split.held_out_rows), abs=1e-5)


def test_a_paired_difference() -> None:
    one, other = np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 2.0])
    mean, error = paired(one, other)
    assert (mean, error) == (pytest.approx(5 / 3), pytest.approx(np.std([0, 1, 4], ddof=1) / math.sqrt(3)))
    for unknown in ((None, one), (one, None), (one[:1], other[:1]), (one * np.inf, other)):
        assert all(math.isnan(value) for value in paired(*unknown))
