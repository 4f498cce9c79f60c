"""The corrected estimate where a scorer chose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from taut.evidence.estimate import Estimate, estimate_by_folds
from tests.evidence.estimate_helpers import lowest


def of(scoring: np.ndarray, chosen: int | None = None, **changes: Any) -> Estimate:
    rows = np.random.default_rng(0).exponential(size=100)
    usual: dict[str, Any] = {
        "fold_losses": 1.0 - scoring, "row_losses": rows, "weight": None,
        "choosing": lowest(len(scoring)), "score_name": "roc_auc", "n_repeats": 1, "seed": 0,
    }  # fmt: skip
    chosen = int(scoring.mean(axis=1).argmax()) if chosen is None else chosen
    return estimate_by_folds(scoring, chosen=chosen, **{**usual, **changes})


def noise(n: int = 40, n_folds: int = 5, seed: int = 0) -> np.ndarray:
    """Candidates that are all as good: their scores have a mean of 0.7."""
    return 0.7 + 0.05 * np.random.default_rng(seed).standard_normal((n, n_folds))


def test_of_one_candidate_it_is_the_mean() -> None:
    scoring = noise(1)
    found = of(scoring)
    assert found.naive_score == pytest.approx(scoring.mean())
    assert found.score.value == pytest.approx(scoring.mean(), abs=0.005)
    assert found.loss.value == pytest.approx(1 - scoring.mean(), abs=0.005)
    assert (found.score_name, found.n_candidates) == ("roc_auc", 1)


def test_who_chose_among_noise_is_told_the_truth() -> None:
    found = [of(noise(seed=seed), seed=seed) for seed in range(20)]
    naive = np.mean([one.naive_score for one in found]) - 0.7
    corrected = np.mean([one.score.value for one in found]) - 0.7
    assert naive > 0.03
    assert abs(corrected) < 0.5 * naive
    assert all(one.price > 0 for one in found)


def test_one_fold_corrects_nothing_and_has_no_interval_of_the_score() -> None:
    scoring = noise(n_folds=1)
    found = of(scoring)
    assert found.score.value == found.naive_score == scoring.max()
    assert found.loss.value == found.naive_loss == 1.0 - scoring.max()
    assert math.isnan(found.score.low)
    assert math.isnan(found.score.high)
    assert found.loss.low < found.loss.high


def test_the_scores_interval_is_by_students_t_over_the_folds() -> None:
    scoring = noise(1)
    found = of(scoring)
    reach = 2.7764451 * scoring.std(ddof=1) / math.sqrt(5)  # t with 4 degrees of freedom
    assert found.score.high - found.score.value == pytest.approx(reach)
    assert found.score.value - found.score.low == pytest.approx(reach)


def test_repeated_folds_add_no_rows() -> None:
    once = noise(1)
    twice = np.hstack([once, once])
    assert of(twice, n_repeats=2).score.high - of(twice, n_repeats=2).score.value == pytest.approx(
        2.7764451 * twice.std(ddof=1) / math.sqrt(5)
    )


def test_a_choice_that_the_losses_would_not_have_made_is_replayed() -> None:
    """By the scorer the second is best on every fold; its losses are worse, and they are what is told."""
    scoring = np.vstack([np.full(5, 0.6), np.full(5, 0.8)])
    losses = np.vstack([np.full(5, 0.3), np.full(5, 0.5)])
    found = of(scoring, fold_losses=losses)
    assert found.naive_loss == found.loss.value == pytest.approx(0.5)
    assert found.score.value == pytest.approx(0.8)


def test_the_losses_interval_is_of_the_rows_that_were_held_out() -> None:
    rows = np.random.default_rng(0).exponential(size=100)
    holes = np.append(rows, np.full(30, math.nan))
    weight = np.ones(130)
    assert of(noise(), row_losses=holes).loss == of(noise(), row_losses=rows).loss
    assert of(noise(), row_losses=holes, weight=weight).loss == of(noise(), row_losses=rows).loss


def test_the_same_seed_gives_the_same() -> None:
    assert of(noise(), seed=3) == of(noise(), seed=3)
    assert of(noise(), seed=3).score != of(noise(), seed=4).score


@pytest.mark.fault(75)
def test_the_scores_interval_keeps_to_what_the_score_can_be() -> None:
    scoring = np.array([[0.99, 1.0, 0.9, 1.0, 1.0]])
    assert of(scoring).score.high > 1
    found = of(scoring, bounds=(0.0, 1.0)).score
    assert found.high == 1.0
    assert found.low == of(scoring).score.low
