"""From curves to a score: the epoch that scores a fold is chosen on the other folds."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import r2_score

from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy, SquaredError
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.score import (
    CandidateScore,
    FoldScores,
    choose_epochs,
    failed_score,
    score_folds,
    standard_error,
)
from taut.techniques import L2, BatchNorm, EarlyStopping
from tests.selection.helpers import EARLY, assert_same_score, curve, folds_of, score, table

losses = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7),
    elements=st.floats(0, 1e6, allow_subnormal=False),
)
NAN = math.nan


def scored(*validation: Any, early: bool = True, variances: Any = None, others: Any = None) -> FoldScores:
    curves = [one if not isinstance(one, list) else curve(one) for one in validation]
    objective = CrossEntropy(3) if variances is None else SquaredError()
    spreads = np.full(len(curves), NAN) if variances is None else variances
    return score_folds(curves, early, objective, spreads, others)


def dropped(validation: list[float], **changes: Any) -> CandidateScore:
    """A score of those folds only whose loss is not NaN."""
    epochs = np.where(np.isnan(validation), 0, 3)
    return score(validation, state="dropped", fold_epochs=epochs, loss=5.0, **changes)


# --- the epochs -------------------------------------------------------------------------------------------


@given(losses)
def test_each_fold_is_scored_where_the_other_folds_are_best(validation: Any) -> None:
    kept, epochs = choose_epochs(validation, early=True)
    n_folds = len(validation)
    assert validation.sum(axis=0)[kept] == validation.sum(axis=0).min()
    assert len(epochs) == n_folds
    if n_folds == 1:
        assert epochs.tolist() == [kept]
        return
    for k, epoch in enumerate(epochs):
        others = np.delete(validation, k, axis=0).sum(axis=0)
        assert others[epoch] == others.min()
        assert (others[:epoch] > others[epoch]).all()  # of equal ones the first


@given(losses, st.data())
def test_no_fold_has_a_say_in_its_own_epoch(validation: Any, data: Any) -> None:
    k = data.draw(st.integers(0, len(validation) - 1))
    if len(validation) == 1:
        return
    _, before = choose_epochs(validation, early=True)
    changed = validation.copy()
    # Very large too: it must not drown the others' figures.
    own = arrays(np.float64, validation.shape[1], elements=st.floats(0, 1e30))
    changed[k] = data.draw(own)
    _, after = choose_epochs(changed, early=True)
    assert after[k] == before[k]


@given(losses)
def test_without_early_stopping_it_is_the_last_epoch(validation: Any) -> None:
    kept, epochs = choose_epochs(validation, early=False)
    last = validation.shape[1] - 1
    assert kept == last
    assert epochs.tolist() == [last] * len(validation)


def test_choosing_among_noisy_epochs_is_no_skill() -> None:
    """On pure noise the score is right on average; chosen on the rows that score it, it is far too good."""
    rng = np.random.default_rng(0)
    here, own = [], []
    for _ in range(400):
        noise = 1.0 + 0.1 * rng.standard_normal((5, 60))
        _, epochs = choose_epochs(noise, early=True)
        here.append(noise[np.arange(5), epochs].mean())
        own.append(noise.min(axis=1).mean())
    standard_error = 0.1 / math.sqrt(5 * 400)
    assert abs(np.mean(here) - 1.0) < 4 * standard_error
    assert np.mean(own) < 1.0 - 50 * standard_error


def test_where_folds_repeat_rows_have_no_say_in_their_own_epoch() -> None:
    """As above, but every row is held out four times; all the other folds would know a fold's own rows."""
    rng = np.random.default_rng(0)
    here, all_others = [], []
    for _ in range(200):
        noise = 1.0 + 0.1 * rng.standard_normal((60, 40))
        held = [part for _ in range(4) for part in rng.permutation(60).reshape(5, 12)]
        validation = np.array([noise[part].mean(axis=0) for part in held])
        apart = np.array([[not set(a) & set(b) for b in held] for a in held])
        places = np.arange(20)
        here.append(validation[places, choose_epochs(validation, True, apart)[1]].mean())
        all_others.append(validation[places, choose_epochs(validation, True)[1]].mean())
    standard_error = 0.1 / math.sqrt(60 * 200)
    assert abs(np.mean(here) - 1.0) < 4 * standard_error
    assert np.mean(all_others) < 1.0 - 15 * standard_error


# --- folds, scored ----------------------------------------------------------------------------------------


def test_losses_and_scores_are_those_of_the_chosen_epochs() -> None:
    found = scored([5.0, 1.0, 4.0], [6.0, 5.0, 1.5], [7.0, 2.0, 5.0])
    assert found.epoch == 2  # the sums are 18, 8, 10.5
    assert found.fold_epochs.tolist() == [3, 2, 3]  # the others' sums are 13 7 6.5, 12 3 9, 11 6 5.5
    assert found.validation_loss.tolist() == [4.0, 5.0, 5.0]


def test_losses_and_scores_come_from_the_same_epochs() -> None:
    rng = np.random.default_rng(1)
    curves = [curve(*rng.random((3, 9))) for _ in range(4)]
    found = scored(*curves)
    for k, epoch in enumerate(found.fold_epochs - 1):
        assert found.validation_loss[k] == curves[k].validation[epoch]
        assert found.train_loss[k] == curves[k].train[epoch]
        assert found.score[k] == curves[k].correct[epoch]


def test_without_early_stopping_the_last_epoch_scores() -> None:
    found = scored([1.0, 2.0, 3.0], [1.0, 2.0, 5.0], early=False)
    assert (found.epoch, found.fold_epochs.tolist()) == (3, [3, 3])
    assert found.validation_loss.tolist() == [3.0, 5.0]


def test_one_fold_has_its_own_best_epoch() -> None:
    found = scored([3.0, 1.0, 2.0])
    assert (found.epoch, found.fold_epochs.tolist(), found.validation_loss.tolist()) == (2, [2], [1.0])


def test_longer_curves_are_cut_to_the_shortest() -> None:
    found = scored([3.0, 2.0, 0.0], [3.0, 2.0])
    assert (found.epoch, found.fold_epochs.tolist()) == (2, [2, 2])
    assert found.validation_loss.tolist() == [2.0, 2.0]


def test_folds_that_share_rows_have_no_say_in_one_anothers_epoch() -> None:
    validation = ([9.0, 1.0, 9.0], [9.0, 9.0, 1.0], [5.0, 6.0, 7.0], [6.0, 5.0, 7.0])
    others = np.array([[0, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 0]], dtype=bool)
    assert scored(*validation, others=others).fold_epochs.tolist() == [1, 1, 2, 3]
    assert scored(*validation).fold_epochs.tolist() == [3, 2, 2, 2]


def test_r_squared_is_one_less_the_share_of_variance_that_is_left() -> None:
    found = scored([2.0, 1.0], [2.0, 1.0], [2.0, 1.0], variances=np.array([4.0, 1.0, 0.0]))
    assert found.score[:2].tolist() == [0.75, 0.0]
    assert math.isnan(found.score[2])  # a held-out target that does not vary has none


@pytest.mark.parametrize("weighted", [False, True])
def test_the_variance_is_that_of_r_squared(weighted: bool) -> None:
    weight = np.random.default_rng(0).random(240).astype(np.float32) if weighted else None
    problem = table(task="regression", score_weight=weight)
    folds = folds_of(problem)
    variances = problem.spreads(folds)
    guess = np.random.default_rng(1).normal(20.0, 3.0, 240)
    for fold, variance in zip(folds, variances, strict=True):
        y, w = problem.target[fold.validation], None if weight is None else weight[fold.validation]
        loss = np.average((y - guess[fold.validation]) ** 2, weights=w)
        expected = r2_score(y, guess[fold.validation], sample_weight=w)
        assert 1.0 - loss / variance == pytest.approx(expected, rel=1e-6)


def test_classes_have_no_variance() -> None:
    problem = table()
    assert np.isnan(problem.spreads(folds_of(problem))).all()


# --- a candidate's score ----------------------------------------------------------------------------------


def test_figures_over_the_folds() -> None:
    one = score((1.0, 2.0, 6.0), train_loss=np.array([0.5, 1.5, 1.0]))
    assert one.recipe is EARLY.recipe
    assert one.folds.tolist() == [True] * 3
    assert one.gap == pytest.approx(2.0)
    assert one.loss_se == pytest.approx(np.std([1.0, 2.0, 6.0], ddof=1) / math.sqrt(3))
    assert one.merit == -one.loss == -3.0
    assert one.complete
    assert not score(state="cut off").complete


def test_a_dropped_one_has_figures_of_the_folds_that_it_has() -> None:
    one = dropped([1.0, 3.0, NAN, NAN], train_loss=np.array([0.5, 0.5, NAN, NAN]))
    assert one.folds.tolist() == [True, True, False, False]
    assert one.gap == 1.5
    assert one.loss_se == pytest.approx(1.0)
    assert one.loss == 5.0  # which is anchored, and not the mean of these
    assert not one.complete
    # After the low-fidelity stage it has none.
    nothing = dropped([NAN, NAN])
    assert math.isnan(nothing.gap)
    assert math.isnan(nothing.loss_se)


def test_with_a_scorer_the_merit_is_its_mean() -> None:
    figures = np.array([0.5, 0.7])
    assert score(scoring=figures).merit == pytest.approx(0.6)
    assert score(scoring=figures, state="cut off").merit == pytest.approx(0.6)


def test_one_fold_has_no_standard_error() -> None:
    assert math.isnan(score((2.0,)).loss_se)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.integers(1, 20))
def test_repeated_folds_add_no_rows_to_the_standard_error(values: list[float], n_repeats: int) -> None:
    array = np.array(values)
    error = standard_error(array, n_repeats)
    expected = np.std(values, ddof=1) * math.sqrt(min(n_repeats, len(values)) / len(values))
    assert error == pytest.approx(expected, abs=1e-12)
    assert standard_error(array, 1) <= error <= np.std(values, ddof=1) * (1 + 1e-12)
    assert score(values, n_repeats=n_repeats).loss_se == error


def test_folds_repeated_say_the_same_as_the_folds() -> None:
    """Each fold twice, with the same loss: nothing is known better than before."""
    once = np.array([1.0, 2.0, 4.0, 7.0, 3.0])
    twice = standard_error(np.tile(once, 2), 2)
    # The formula's n - 1 counts the folds that are there, which are twice as many.
    assert twice == pytest.approx(standard_error(once, 1) * math.sqrt(8 / 9))


# --- failure, units, JSON ---------------------------------------------------------------------------------


def test_a_failed_candidate_is_named_and_has_no_numbers() -> None:
    failed = failed_score(EARLY, 4, 3, "diverged", 17, 2.0)
    assert (failed.candidate, failed.batch, failed.failed, failed.state) == (EARLY, 4, "diverged", "failed")
    assert (failed.epochs_trained, failed.seconds, failed.epoch) == (17, 2.0, 0)
    for number in (failed.loss, failed.loss_se, failed.gap, failed.merit, failed.zero_share):
        assert math.isnan(number)
    assert failed.validation_loss.shape == failed.fold_epochs.shape == (3,)
    assert not failed.folds.any()


def test_other_units_change_losses_and_nothing_else() -> None:
    one = score((2.0, 3.0), scoring=np.array([0.5, 0.6]))
    other = one.in_units(100.0)
    assert other.validation_loss.tolist() == [200.0, 300.0]
    assert other.train_loss.tolist() == [100.0, 150.0]
    assert other.loss == 250.0
    assert other.loss_se == pytest.approx(100 * one.loss_se)
    assert_same_score(one, other, but=["loss", "train_loss", "validation_loss"])


def without_nan(value: Any) -> Any:
    """As a store without NaN writes it."""
    if isinstance(value, dict):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def assert_same(a: CandidateScore, b: CandidateScore) -> None:
    for field in fields(CandidateScore):
        one, other = getattr(a, field.name), getattr(b, field.name)
        assert type(one) is type(other), field.name
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other or (math.isnan(one) and math.isnan(other)), field.name


MIXTURE = Candidate(Recipe(L2(0.1), BatchNorm(), EarlyStopping(7)), 3e-4, MLP((64, 32)))


@pytest.mark.parametrize("through", [lambda data: data, without_nan])
@pytest.mark.parametrize(
    "one",
    [
        score((0.1, 0.3), candidate=MIXTURE, n_repeats=4),
        score((0.1, 0.3), score=np.array([NAN, 0.3]), state="cut off", batch=-1),
        score((0.1, 0.3), scoring=np.array([0.5, -0.25])),
        score((0.1, 0.3), scoring=np.array([0.5, NAN])),
        dropped([0.1, NAN, NAN]),
        failed_score(MIXTURE, 3, 2, "diverged", 5, 0.25),
    ],
    ids=["complete", "cut off", "scorer", "scorer without", "dropped", "failed"],
)
def test_json_gives_the_same_score_again(one: CandidateScore, through: Any) -> None:
    before = one.to_json()
    text = json.dumps(through(before))
    assert_same(CandidateScore.from_json(json.loads(text), MLP(())), one)
    assert_same(CandidateScore.from_json(before, MLP(())), one)
    assert before.keys() == {field.name for field in fields(CandidateScore)}


def test_to_read_it_leaves_what_was_read_alone() -> None:
    data = replace(score(), candidate=MIXTURE).to_json()
    before = json.dumps(data)
    CandidateScore.from_json(data, MLP(()))
    assert json.dumps(data) == before
