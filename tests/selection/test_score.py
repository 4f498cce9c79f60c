"""From curves to a score: the epoch that scores a fold is chosen on the other folds."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from taut.recipe import Recipe
from taut.selection.score import CandidateScore, choose_epochs, failed_score, score_candidate
from taut.techniques import L2, BatchNorm, EarlyStopping
from tests.selection.helpers import curve

EARLY = Recipe(EarlyStopping())
losses = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7),
    elements=st.floats(0, 1e6, allow_subnormal=False),
)


def scored(*validation: Any, recipe: Recipe = EARLY, variances: Any = None, **more: Any) -> CandidateScore:
    curves = [one if not isinstance(one, list) else curve(one) for one in validation]
    usual: dict[str, Any] = {"zero_share": 0.25, "complete": True, "seconds": 1.5}
    return score_candidate(recipe, curves, variances, **{**usual, **more})


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


# --- a candidate's score ----------------------------------------------------------------------------------


def test_losses_and_scores_are_those_of_the_chosen_epochs() -> None:
    score = scored([5.0, 1.0, 4.0], [6.0, 5.0, 1.5], [7.0, 2.0, 5.0])
    assert score.epoch == 2  # the sums are 18, 8, 10.5
    assert score.fold_epochs.tolist() == [3, 2, 3]  # the others' sums are 13 7 6.5, 12 3 9, 11 6 5.5
    assert score.validation_loss.tolist() == [4.0, 5.0, 5.0]


def test_losses_scores_and_sample_losses_come_from_the_same_epochs() -> None:
    rng = np.random.default_rng(1)
    curves = [curve(*rng.random((3, 9))) for _ in range(4)]
    score = scored(*curves)
    for k, epoch in enumerate(score.fold_epochs - 1):
        assert score.validation_loss[k] == curves[k].validation[epoch]
        assert score.train_loss[k] == curves[k].train[epoch]
        assert score.score[k] == curves[k].hits[epoch]
    assert score.loss == pytest.approx(np.mean(score.validation_loss))
    assert score.gap == pytest.approx(np.mean(score.validation_loss) - np.mean(score.train_loss))
    assert score.loss_se == pytest.approx(np.std(score.validation_loss, ddof=1) / 2)


def test_without_early_stopping_the_last_epoch_scores() -> None:
    score = scored([1.0, 2.0, 3.0], [1.0, 2.0, 5.0], recipe=Recipe(L2(0.1)))
    assert (score.epoch, score.fold_epochs.tolist(), score.loss) == (3, [3, 3], 4.0)


def test_one_fold_has_its_own_best_epoch_and_no_standard_error() -> None:
    score = scored([3.0, 1.0, 2.0])
    assert (score.epoch, score.fold_epochs.tolist(), score.loss) == (2, [2], 1.0)
    assert math.isnan(score.loss_se)


def test_longer_curves_are_cut_to_the_shortest_and_the_longest_is_told() -> None:
    score = scored([3.0, 2.0, 0.0], [3.0, 2.0])
    assert (score.epoch, score.fold_epochs.tolist(), score.epochs_trained) == (2, [2, 2], 3)
    assert score.loss == 2.0


def test_r_squared_is_one_less_the_share_of_variance_that_is_left() -> None:
    score = scored([2.0, 1.0], [2.0, 1.0], [2.0, 1.0], variances=np.array([4.0, 1.0, 0.0]))
    assert score.score[:2].tolist() == [0.75, 0.0]
    assert math.isnan(score.score[2])  # a held-out target that does not vary has none


def test_what_was_given_is_kept() -> None:
    score = scored([2.0, 1.0], zero_share=0.5, complete=False, seconds=9.0)
    assert (score.recipe, score.zero_share, score.complete, score.seconds) == (EARLY, 0.5, False, 9.0)
    assert score.failed == ""


# --- failure, units, JSON ---------------------------------------------------------------------------------


def test_a_failed_candidate_is_named_and_has_no_numbers() -> None:
    score = failed_score(EARLY, 3, "diverged", 2.0)
    assert score.failed == "diverged"
    assert math.isnan(score.loss)
    assert math.isnan(score.loss_se)
    assert math.isnan(score.gap)
    assert score.validation_loss.shape == score.fold_epochs.shape == (3,)


def test_other_units_change_losses_and_nothing_else() -> None:
    score = scored([4.0, 2.0], [3.0, 1.0], variances=np.array([8.0, 8.0]))
    other = score.in_units(100.0)
    assert other.validation_loss.tolist() == [200.0, 100.0]
    assert other.train_loss.tolist() == [100.0, 50.0]
    assert other.loss == 150.0
    assert other.loss_se == pytest.approx(100 * score.loss_se)
    assert other.score.tolist() == score.score.tolist()
    assert other.fold_epochs.tolist() == score.fold_epochs.tolist()


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


@pytest.mark.parametrize("through", [lambda data: data, without_nan])
@pytest.mark.parametrize(
    "score",
    [
        scored([0.1, 0.3], [0.2, 0.7], recipe=Recipe(L2(0.1), BatchNorm(), EarlyStopping(7))),
        scored([0.1, 0.3], [0.2, 0.7], variances=np.array([0.0, 0.3]), complete=False),
        failed_score(EARLY, 2, "diverged", 0.25),
    ],
)
def test_json_gives_the_same_score_again(score: CandidateScore, through: Any) -> None:
    text = json.dumps(through(score.to_json()))
    assert_same(CandidateScore.from_json(json.loads(text)), score)
