"""Underfits, fits or overfits, by made-up variants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.evidence import verdict as module
from taut.evidence.interval import Interval
from taut.evidence.variants import Side, Variant
from taut.evidence.verdict import STRONGER_MATTERS, WEAKER_MATTERS, Fit, Gain, Verdict, gain_of, verdict_of
from tests.evidence.variants_helpers import variant


def rows(mean: float = 1.0, n: int = 400, seed: int = 0) -> np.ndarray:
    return mean * np.random.default_rng(seed).exponential(size=n)


BASE = rows()


def like(share: float, spread: float = 0.05, seed: int = 1, n: int = 400) -> np.ndarray:
    """Losses that are lower than BASE by this share, more or less."""
    return np.abs(BASE[:n] * (1 - share) + spread * np.random.default_rng(seed).standard_normal(n))


def judged(weaker: float = 0.0, stronger: float = 0.0, **how: Any) -> Verdict:
    return verdict_of(
        [
            variant("as it is", "own", BASE),
            variant("dropout 0.5", "weaker", like(weaker)),
            variant("batch norm", "other", like(0.8, seed=3)),
            variant("twice as wide", "stronger", like(stronger, seed=2)),
        ],
        how.get("weight"),
        how.get("seed", 0),
    )


# --- the verdict ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weaker", "stronger", "fit", "degree"),
    [
        (0.0, 0.0, "fits", ""),
        (-0.5, -0.5, "fits", ""),
        (0.07, 0.0, "overfits", "slightly"),
        (0.3, 0.0, "overfits", "clearly"),
        (0.7, 0.0, "overfits", "badly"),
        (0.0, 0.07, "underfits", "slightly"),
        (-0.2, 0.3, "underfits", "clearly"),
        (0.0, 0.7, "underfits", "badly"),
        (0.3, 0.6, "underfits", "badly"),  # both: the larger
        (0.6, 0.3, "overfits", "badly"),
        (0.005, 0.025, "fits", ""),  # a trifle, however sure; regularization matters earlier
        (0.025, 0.025, "overfits", "slightly"),
    ],
)
def test_what_would_lower_the_loss_decides(weaker: float, stronger: float, fit: str, degree: str) -> None:
    found = judged(weaker, stronger)
    assert (found.fit, found.degree) == (fit, degree)
    assert found.weaker.best == "dropout 0.5"
    assert found.stronger.best == "twice as wide"
    assert found.weaker.share.value == pytest.approx(weaker, abs=0.02)
    assert found.stronger.share.value == pytest.approx(stronger, abs=0.02)


def test_the_gain_is_that_of_the_verdicts_side() -> None:
    assert judged(0.3, 0.2).gain.best == "dropout 0.5"
    assert judged(0.2, 0.3).gain.best == "twice as wide"
    neither = judged(-0.1, -0.3)
    assert neither.gain == neither.weaker


def test_others_have_no_part_in_the_verdict() -> None:
    assert judged().fit == "fits"


@pytest.mark.parametrize(("error", "fit"), [(0.08, "fits"), (0.04, "overfits"), (0.01, "overfits")])
def test_chance_is_no_verdict(error: float, fit: str) -> None:
    """A loss that is lower by 5 %, and by its standard error at the least."""
    noise = np.random.default_rng(4).standard_normal(400)
    noise = (noise - noise.mean()) / noise.std()
    own = np.full(400, 1.0)
    other = 0.95 + error * 20 * noise
    found = verdict_of([variant("as it is", "own", own), variant("L2 5", "weaker", other)], None, 0)
    assert found.weaker.measured == pytest.approx(0.05)
    assert found.weaker.share.high - found.weaker.share.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.fit == fit


def test_without_alternatives_it_fits() -> None:
    found = verdict_of([variant("as it is", "own", BASE)], None, 0)
    assert found.fit == "fits"
    assert found.weaker.best == found.stronger.best == ""
    assert not found.weaker.matters(0.0)


@pytest.mark.parametrize(("side", "fit"), [("weaker", "overfits"), ("stronger", "underfits")])
def test_a_network_that_diverges_has_everything_to_gain(side: Side, fit: Fit) -> None:
    own = variant("as it is", "own", BASE, failed=True)
    found = verdict_of([own, variant("other", side, BASE)], None, 0)
    assert (found.fit, found.degree) == (fit, "badly")
    assert found.gain.share == Interval(1.0, 1.0, 1.0)


def test_batch_norm_may_keep_a_network_from_diverging() -> None:
    own = variant("as it is", "own", BASE, failed=True)
    others = [variant("batch norm", "other", BASE), variant("twice as wide", "stronger", BASE)]
    found = verdict_of([own, variant("L2 5", "weaker", BASE, failed=True), *others], None, 0)
    assert (found.fit, found.weaker.best) == ("overfits", "batch norm")


def test_where_both_sides_help_a_network_that_diverges_it_overfits() -> None:
    own = variant("as it is", "own", BASE, failed=True)
    found = verdict_of(
        [own, variant("L2 5", "weaker", BASE), variant("twice as wide", "stronger", BASE)], None, 0
    )
    assert found.fit == "overfits"


# --- the gain ---------------------------------------------------------------------------------------------


def gain(*others: np.ndarray, own: np.ndarray = BASE, **how: Any) -> Gain:
    tried = [variant(f"L2 {i}", "weaker", losses) for i, losses in enumerate(others)]
    return gain_of(variant("as it is", "own", own), tried, how.get("weight"), how.get("seed", 0))


def test_a_gain_has_the_interval_of_a_paired_ratio() -> None:
    other = like(0.3, spread=0.3)
    found = gain(other)
    share = 1 - other.mean() / BASE.mean()
    error = np.std(other - (1 - share) * BASE) / BASE.mean() / math.sqrt(len(BASE))
    assert found.share.value == pytest.approx(share, abs=0.005)
    assert found.share.high - found.share.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.share.low < found.share.value < found.share.high
    assert found.measured == pytest.approx(share)


def test_having_picked_the_best_is_taken_off() -> None:
    found, naive = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        own = 1 + 0.5 * rng.exponential(size=100)
        others = own + 0.5 * rng.standard_normal((10, 100))
        one = gain(*others, own=own, seed=seed)
        found.append(one.share.value)
        naive.append(one.measured)
        assert one.measured == pytest.approx(1 - others.mean(axis=1).min() / own.mean())
    assert np.mean(naive) > 0.04
    assert abs(np.mean(found)) < 0.5 * np.mean(naive)


def test_the_best_is_named_and_those_that_diverged_are_passed_over() -> None:
    own = variant("as it is", "own", BASE)
    tried = [
        variant("L2 0", "weaker", like(0.9), failed=True),
        variant("L2 1", "weaker", like(0.1)),
        variant("L2 2", "weaker", like(0.3, seed=5)),
    ]
    found = gain_of(own, tried, None, 0)
    assert found.best == "L2 2"
    assert found.share.value == pytest.approx(0.3, abs=0.02)
    nobody = gain_of(own, tried[:1], None, 0)
    assert nobody.best == ""
    assert nobody.share.value == nobody.measured == -math.inf


def test_rows_that_were_never_held_out_are_left_out() -> None:
    other = like(0.3)
    holes = np.append(other, np.full(50, math.nan))
    found = gain(holes, own=np.append(BASE, np.full(50, math.nan)))
    assert found.share == gain(other).share
    weighted = gain(holes, own=np.append(BASE, np.full(50, math.nan)), weight=np.ones(450))
    assert weighted.share == found.share


def test_rows_with_little_weight_have_little_say() -> None:
    other = np.concatenate([BASE[:200] * 0.5, BASE[200:] * 2.0])
    weight = np.concatenate([np.ones(200), np.full(200, 1e-6)]).astype(np.float32)
    assert gain(other).share.value < 0
    assert gain(other, weight=weight).share.value == pytest.approx(0.5, abs=0.01)


def test_many_rows_are_dealt_into_groups_and_that_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    own = rows(n=3000)
    other = own * 0.9 + 0.2 * np.random.default_rng(2).standard_normal(3000)
    grouped = gain(other, own=own)
    monkeypatch.setattr(module, "_MOST_GROUPS", 3000)
    single = gain(other, own=own)
    assert grouped.share != single.share
    assert grouped.share.value == pytest.approx(single.share.value, abs=0.002)
    assert grouped.share.high - grouped.share.low == pytest.approx(
        single.share.high - single.share.low, rel=0.15
    )


@settings(max_examples=10)
@given(st.integers(0, 20), st.floats(0.01, 100.0))
def test_units_change_nothing(seed: int, factor: float) -> None:
    other = like(0.2, spread=0.3, seed=seed)
    plain, scaled = gain(other).share, gain(factor * other, own=factor * BASE).share
    for name in ("value", "low", "high"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), abs=1e-9)


def test_the_same_seed_gives_the_same() -> None:
    assert judged(0.1, 0.1, seed=4) == judged(0.1, 0.1, seed=4)
    assert judged(0.1, 0.1, seed=4) != judged(0.1, 0.1, seed=5)


@pytest.mark.parametrize(
    ("measured", "half", "best", "matters"),
    [
        (0.1, 0.05, "L2", True),
        (0.1, 0.05, "", False),
        (0.02, 0.001, "L2", False),
        (0.021, 0.001, "L2", True),
        (0.1, 0.3, "L2", False),  # less than a standard error
        (0.1, 0.15, "L2", True),
        (-0.1, 0.05, "L2", False),
        (-math.inf, math.nan, "", False),
        (math.nan, math.nan, "L2", False),
    ],
)
def test_what_matters(measured: float, half: float, best: str, matters: bool) -> None:
    """More than 2 %, here, and a half width by 1.96; and something of it is left with the correction."""
    assert Gain(Interval(0.01, 0.01 - half, 0.01 + half), best, measured).matters(0.02) is matters
    assert not Gain(Interval(0.001, 0.001 - half, 0.001 + half), best, measured).matters(0.02)
    assert 0 < WEAKER_MATTERS <= STRONGER_MATTERS < 0.1


def test_a_network_without_any_loss_has_nothing_to_gain() -> None:
    zero = np.zeros(50)
    found: Variant = variant("as it is", "own", zero)
    verdict = verdict_of(
        [found, variant("L2 5", "weaker", zero), variant("twice as wide", "stronger", zero)], None, 0
    )
    assert verdict.fit == "fits"
