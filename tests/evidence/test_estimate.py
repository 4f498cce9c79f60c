"""What a chosen recipe is worth, corrected for having been chosen."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.evidence import estimate as module
from taut.evidence.averaging import Averaging
from taut.evidence.estimate import Estimate, RowFigures, estimate, estimate_by_folds, interval_of_loss
from taut.evidence.interval import Interval
from taut.evidence.skew import skewed_interval
from taut.learning.objective import SquaredError
from taut.selection.choice import Choosing
from tests.evidence.estimate_helpers import lowest


def noise(n_candidates: int, n: int = 200, seed: int = 0) -> np.ndarray:
    """Candidates that are all as good: their losses have a mean of 1."""
    return np.random.default_rng(seed).exponential(size=(n_candidates, n))


def of(
    losses: np.ndarray,
    rule: Choosing | None = None,
    chosen: int | None = None,
    badness: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    seed: int = 0,
    averaging: Averaging | None = None,
) -> Estimate:
    rule = rule or lowest(len(losses))
    if chosen is None:
        mean = np.nanmean(losses, axis=1) if weight is None else np.average(losses, axis=1, weights=weight)
        chosen = int(rule.winners(mean[None, :])[0])
    badness = (losses > 1.0).astype(np.float64) if badness is None else badness
    figures = RowFigures(losses, badness, weight)
    return estimate(figures, rule, chosen, "accuracy", seed, averaging=averaging)


def replayed(losses: np.ndarray, rule: Choosing, seed: int, times: int = 1500) -> float:
    """The same by a loop: mean loss on the rows left out of whom the rows drawn choose."""
    rng, found = np.random.default_rng(seed), []
    n = losses.shape[1]
    for _ in range(times):
        drawn = rng.integers(0, n, n)
        out = np.setdiff1d(np.arange(n), drawn)
        winner = rule.winners(losses[:, drawn].mean(axis=1)[None, :])[0]
        found.append(losses[winner, out].mean())
    return float(np.mean(found))


# --- one candidate, and many ------------------------------------------------------------------------------


def test_of_one_candidate_it_is_the_mean() -> None:
    losses = noise(1)
    found = of(losses)
    assert found.naive_loss == pytest.approx(losses.mean())
    assert found.loss.value == pytest.approx(losses.mean(), rel=0.005)
    assert found.naive_score == pytest.approx(np.mean(losses <= 1.0))
    assert found.score.value == pytest.approx(found.naive_score, abs=0.005)
    assert found.price == pytest.approx(0.0, abs=0.005)
    assert (found.n_candidates, found.n_resamples, found.score_name) == (1, 1000, "accuracy")


def test_who_chose_among_noise_is_told_the_truth() -> None:
    """Of 60 candidates that are all as good, the lowest mean is far below the truth, which is 1."""
    naive, corrected, held = [], [], 0
    for seed in range(20):
        found = of(noise(60, seed=seed), seed=seed)
        naive.append(found.naive_loss)
        corrected.append(found.loss.value)
        held += found.loss.low <= 1.0 <= found.loss.high
        assert found.price > 0
        assert found.score.value < found.naive_score
    assert 1 - np.mean(naive) > 0.13
    assert abs(1 - np.mean(corrected)) < 0.2 * (1 - np.mean(naive))
    assert held >= 18


def test_a_candidate_that_is_surely_better_costs_nothing() -> None:
    losses = noise(10)
    losses[3] *= 0.2
    found = of(losses)
    assert found.naive_loss == pytest.approx(losses[3].mean())
    assert found.price == pytest.approx(0.0, abs=0.003)
    assert found.naive_score == pytest.approx(np.mean(losses[3] <= 1.0))


def test_the_middle_is_that_of_a_plain_loop() -> None:
    losses = noise(8, n=60)
    assert of(losses).loss.value == pytest.approx(replayed(losses, lowest(8), 1), abs=0.01)


def test_one_se_is_replayed() -> None:
    """All are within a standard error; the smallest gap is always chosen, so that there is no price."""
    losses = noise(20, n=100)
    rule = lowest(20, selection="1se", errors=np.full((20, 20), 9.0), gaps=1.0 - (np.arange(20) == 7))
    rule = lowest(
        20,
        selection="1se",
        errors=rule.errors,
        gaps=rule.gaps,
        is_baseline=np.arange(20) == losses.sum(1).argmax(),
    )  # the worst is the baseline, and 7 is not worse
    found = of(losses, rule)
    assert found.naive_loss == pytest.approx(losses[7].mean())
    assert found.loss.value == pytest.approx(replayed(losses, rule, 1), abs=0.015)
    assert found.price < 0.5 * of(losses).price


def test_caution_is_replayed() -> None:
    """Early stopping alone is preferred to whoever is not surely better: less is chosen, and less is paid."""
    losses = noise(20, n=100)
    errors = np.full((20, 20), 0.22)
    rule = lowest(20, errors=errors, is_alone=np.arange(20) == 0)
    found = of(losses, rule)
    assert found.naive_loss == pytest.approx(losses[0].mean())
    assert found.loss.value == pytest.approx(replayed(losses, rule, 1), abs=0.015)


# --- the interval -----------------------------------------------------------------------------------------


def test_the_interval_is_halls_around_the_corrected_middle_and_a_little_wider() -> None:
    losses = noise(30)
    found = of(losses)
    at = int(losses.mean(axis=1).argmin())
    usual = skewed_interval(found.loss.value, losses[at], None)
    assert found.loss.low < usual.low < found.loss.value < usual.high < found.loss.high
    assert (found.loss.high - found.loss.low) / (usual.high - usual.low) == pytest.approx(1.2, abs=0.02)
    assert found.loss.high - found.loss.value > found.loss.value - found.loss.low
    assert found.score.low < found.score.value < found.score.high <= 1.0


def test_a_loss_is_not_below_zero_and_a_score_not_above_one() -> None:
    losses = np.full((1, 12), 1e-6)
    losses[0, 0] = 1.5
    found = of(losses)
    assert found.loss.low == 0.0
    assert found.score.high == 1.0


def test_rows_that_are_nan_have_no_part_in_the_interval() -> None:
    rows = noise(1)[0]
    holes = np.append(rows, [math.nan, math.nan])
    weight = np.ones(len(holes))
    assert interval_of_loss(1.0, holes, weight) == interval_of_loss(1.0, rows, None)


# --- rows -------------------------------------------------------------------------------------------------


def test_rows_that_were_never_held_out_are_left_out() -> None:
    losses = noise(5)
    badness = (losses > 1.0).astype(np.float64)
    wanted = of(losses)
    pad = np.full((5, 40), math.nan)
    weight = np.ones(240)
    found = of(
        np.hstack([losses, pad]), chosen=int(losses.mean(axis=1).argmin()), badness=np.hstack([badness, pad])
    )
    assert found == wanted
    weighted = of(
        np.hstack([losses, pad]),
        chosen=int(losses.mean(axis=1).argmin()),
        badness=np.hstack([badness, pad]),
        weight=weight,
    )
    assert weighted.loss.value == pytest.approx(wanted.loss.value)


def test_weights_of_zero_and_one_leave_out_rows() -> None:
    losses = noise(6, n=400)
    weight = (np.arange(400) % 2).astype(np.float32)
    found, wanted = of(losses, weight=weight), of(losses[:, 1::2])
    assert found.naive_loss == pytest.approx(wanted.naive_loss)
    assert found.naive_score == pytest.approx(wanted.naive_score)
    assert found.loss.value == pytest.approx(wanted.loss.value, rel=0.02)
    assert found.loss.high - found.loss.low == pytest.approx(wanted.loss.high - wanted.loss.low, rel=0.02)


def test_weights_weigh() -> None:
    losses = np.vstack([np.r_[np.full(50, 1.0), np.full(50, 3.0)]])
    weight = np.r_[np.full(50, 3.0), np.full(50, 1.0)]
    found = of(losses, weight=weight)
    assert found.naive_loss == pytest.approx(1.5)
    assert found.loss.value == pytest.approx(1.5, abs=0.03)


def test_a_resample_of_rows_without_weight_chooses_nothing() -> None:
    losses = noise(3, n=100)
    weight = np.zeros(100)
    weight[:2] = 1.0
    found = of(losses, weight=weight)
    assert math.isfinite(found.loss.value)
    assert min(losses[:, :2].ravel()) <= found.loss.value <= max(losses[:, :2].ravel())


def test_many_rows_are_dealt_into_groups_and_that_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = noise(20, n=3000)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 3000)
    grouped = of(losses, weight=weight)
    monkeypatch.setattr(module, "_MOST_GROUPS", 3000)
    single = of(losses, weight=weight)
    assert grouped.naive_loss == single.naive_loss
    assert grouped.loss != single.loss
    assert grouped.loss.value == pytest.approx(single.loss.value, abs=0.004)
    assert grouped.price == pytest.approx(single.price, abs=0.25 * single.price)


def test_very_few_rows_still_have_an_estimate() -> None:
    """Of one row no resample leaves any out; of three most do."""
    one = of(np.array([[0.5], [0.7]]))
    assert (one.loss.value, one.naive_loss) == (0.5, 0.5)
    assert math.isnan(one.loss.high)
    assert math.isfinite(of(noise(2, n=3)).loss.high)


@given(st.integers(0, 50), st.floats(0.1, 50.0))
def test_other_units_change_nothing_else(seed: int, factor: float) -> None:
    losses = noise(4, n=40, seed=seed)
    badness = (losses > 1.0).astype(np.float64)
    found, wanted = of(factor * losses, badness=badness), of(losses, badness=badness).in_units(factor)
    for name in ("value", "low", "high"):
        assert getattr(found.loss, name) == pytest.approx(getattr(wanted.loss, name), rel=1e-9)
    assert found.naive_loss == pytest.approx(wanted.naive_loss)
    assert found.price == pytest.approx(wanted.price, abs=1e-9 * factor)
    assert found.score == wanted.score


def test_the_same_seed_gives_the_same() -> None:
    losses = noise(7)
    assert of(losses, seed=3) == of(losses, seed=3)
    assert of(losses, seed=3).loss.value != of(losses, seed=4).loss.value
    assert of(losses, seed=3).loss.value == pytest.approx(of(losses, seed=4).loss.value, abs=0.02)


# --- amounts ----------------------------------------------------------------------------------------------


def amounts(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = 5.0 + rng.gamma(2.0, 1.0, n)
    losses = (rng.standard_normal((3, n)) * np.array([[0.5], [0.8], [1.2]])) ** 2
    return losses, y


def test_shares_have_one_less_r_squared_for_a_mean() -> None:
    losses, y = amounts()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    shares = SquaredError().shortfalls(losses, None, y, None)
    np.testing.assert_allclose(shares.mean(axis=1), losses.mean(axis=1) / y.var())
    weighted = SquaredError().shortfalls(losses, None, y, weight)
    mean = np.average(y, weights=weight)
    variance = np.average((y - mean) ** 2, weights=weight)
    np.testing.assert_allclose(
        np.average(weighted, axis=1, weights=weight), np.average(losses, axis=1, weights=weight) / variance
    )


def test_shares_have_the_spread_of_the_ratio() -> None:
    """As a bootstrap of loss by variance shows it; and not that of losses by a variance that is known."""
    losses, y = amounts(n=800)
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(600):
        rows = rng.integers(0, len(y), len(y))
        ratios.append(losses[1, rows].mean() / y[rows].var())
    spread = SquaredError().shortfalls(losses, None, y, None)[1].std() / math.sqrt(len(y))
    assert spread == pytest.approx(float(np.std(ratios)), rel=0.1)
    assert (losses[1] / y.var()).std() / math.sqrt(len(y)) < 0.85 * np.std(ratios)


def test_shares_of_rows_never_held_out_are_unknown() -> None:
    losses, y = amounts()
    wanted = SquaredError().shortfalls(losses, None, y, None)
    more = np.hstack([losses, np.full((3, 9), math.nan)])
    target, weight = np.append(y, np.full(9, 1000.0)), np.ones(len(y) + 9)
    found = SquaredError().shortfalls(more, None, target, weight)
    np.testing.assert_allclose(found[:, :-9], wanted)
    assert np.isnan(found[:, -9:]).all()


def test_a_constant_target_has_no_score() -> None:
    losses, _ = amounts()
    shares = SquaredError().shortfalls(losses, None, np.full(300, 4.0), None)
    assert np.isnan(shares).all()
    found = of(losses, badness=shares)
    assert math.isfinite(found.loss.high)
    assert all(math.isnan(end) for end in found.score.to_dict().values())
    assert math.isnan(found.naive_score)


# --- what it gives ----------------------------------------------------------------------------------------


def test_units_are_of_losses_alone() -> None:
    found = Estimate(
        Interval(1.0, 0.5, 2.0),
        Interval(0.8, 0.7, 0.9),
        "r2",
        0.9,
        0.85,
        bag_loss=0.95,
        bag_score=0.82,
        n_bagged=3,
        price=0.1,
        score_price=-0.05,
    )
    other = found.in_units(10.0)
    assert other.loss == Interval(10.0, 5.0, 20.0)
    assert (other.naive_loss, other.bag_loss) == (9.0, 9.5)
    assert (other.score, other.naive_score, other.bag_score) == (found.score, 0.85, 0.82)
    assert (other.price, other.score_price) == (pytest.approx(1.0), -0.05)


def test_plain_values() -> None:
    found: Any = of(noise(3)).to_dict()
    assert list(found) == [
        "loss", "score", "score_name", "naive_loss", "naive_score", "bag_loss", "bag_score", "n_bagged",
        "price", "score_price", "n_averaged", "n_candidates", "n_resamples", "gains", "n_rows",
    ]  # fmt: skip
    assert found["loss"]["low"] < found["loss"]["value"] < found["loss"]["high"]
    assert math.isnan(found["bag_loss"])
    assert json.loads(json.dumps(found))["n_candidates"] == 3


@pytest.mark.fault(75)
def test_a_saved_interval_that_leaves_its_range_is_cut_when_it_is_read() -> None:
    written: Any = of(noise(1)).to_dict()
    written |= {"score": {"value": 0.976, "low": 0.949, "high": 1.119}, "score_name": "roc_auc"}
    written |= {"loss": {"value": 0.5, "low": 0.4, "high": 0.6}, "naive_loss": 0.45, "naive_score": 0.98}
    for name in ("gains", "n_rows", "price", "score_price", "n_averaged"):  # as models of before have it
        del written[name]
    found = Estimate.from_dict(written)
    assert found.score == Interval(0.976, 0.949, 1.0)
    assert (found.gains, found.n_rows, found.n_averaged) == ({}, 0, 1)
    assert (found.price, found.score_price) == (pytest.approx(0.05), pytest.approx(-0.004))


# --- of an average ----------------------------------------------------------------------------------------


def test_an_average_lowers_the_figures_by_its_factors() -> None:
    losses = noise(5)
    single = of(losses)
    averaging = Averaging(5, 0.9, 0.8, losses[0] * 0.5, losses[0] * 0.5)
    found = of(losses, averaging=averaging)
    assert found.loss.value == pytest.approx(0.9 * single.loss.value)
    assert 1.0 - found.score.value == pytest.approx(0.8 * (1.0 - single.score.value))
    assert found.loss.high - found.loss.low < single.loss.high - single.loss.low
    assert (found.naive_loss, found.price) == (single.naive_loss, single.price)
    assert (found.naive_score, found.score_price) == (single.naive_score, single.score_price)
    assert found.gains == single.gains
    assert (found.n_averaged, single.n_averaged) == (5, 1)


def test_an_average_changes_a_scorers_folds() -> None:
    scores, losses = np.array([[0.7, 0.8, 0.9, 0.8]]), np.array([[1.0, 0.9, 0.8, 1.1]])
    changes = np.array([0.0, 0.1, -0.02, 0.04])
    given: Any = (scores, losses, np.arange(1.0, 41.0), None, lowest(1), 0, "roc_auc", 1, 0)
    single = estimate_by_folds(*given)
    found = estimate_by_folds(*given, averaging=Averaging(5, 0.5, score_changes=changes))
    assert found.score.value == pytest.approx(single.score.value + changes.mean())
    assert found.loss.value == pytest.approx(0.5 * single.loss.value)
    assert found.naive_score == single.naive_score


@pytest.mark.fault(93)
def test_the_gain_over_a_baseline_is_corrected_for_choosing() -> None:
    losses = noise(40, n=300)
    losses[0] = losses.mean(axis=0)  # as good as all the others
    figures = RowFigures(losses, losses, None)
    best = int(losses.mean(axis=1).argmin())
    rule = lowest(len(losses))
    found = estimate(figures, rule, best, "accuracy", 0, {"none": 0, "early_stopping": best})
    assert list(found.gains) == ["none"]  # who is chosen is compared with nobody
    gain = found.gains["none"]
    assert gain.spans_zero
    assert gain.value < 1 - losses[best].mean() / losses[0].mean()
    assert Estimate.from_dict(found.to_dict()).gains == found.gains
    losses[best] *= 0.5
    sure = estimate(RowFigures(losses, losses, None), rule, best, "accuracy", 0, {"none": 0}).gains["none"]
    assert 0.3 < sure.low < 0.5 < sure.high < 0.7
