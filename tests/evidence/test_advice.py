from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.errors import DataError
from taut.evidence.advice import Advice, advise, measured
from taut.evidence.advice_rules import order_of
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.evidence.test_advice_rules import profile


def losses(seed: int = 0, n: int = 400) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.exponential(size=n)


def test_advice_before_training_follows_the_rules_and_measured_nothing() -> None:
    given = profile(n_classes=10)
    found = advise(given)
    assert tuple(advice.technique for advice in found) == order_of(given)
    assert all(advice.measured is None and advice.lowered is None and not advice.is_shown for advice in found)
    assert all(advice.reason.endswith(".") and advice.source for advice in found)


def test_what_was_measured_comes_in_its_order_with_its_interval() -> None:
    rng, alone = losses()
    noise = 0.2 * rng.standard_normal((3, len(alone)))
    found = measured(
        alone,
        {
            Dropout(0.3): alone + 0.1 + noise[0],
            L1(0.1): alone - 0.1 + noise[1],
            BatchNorm(): alone + noise[2],
        },
    )
    assert [advice.technique for advice in found] == [L1, BatchNorm, Dropout]
    assert [advice.is_shown for advice in found] == [True, False, True]
    first = found[0]
    assert first.lowered is not None
    d = -(noise[1] - 0.1)
    half = 1.959964 * d.std(ddof=1) / np.sqrt(len(d))
    assert first.lowered.value == pytest.approx(d.mean())
    assert first.lowered.low == pytest.approx(d.mean() - half, rel=1e-5)
    assert first.lowered.high == pytest.approx(d.mean() + half, rel=1e-5)
    assert first.measured == L1(0.1)
    assert first.reason.startswith("L1 0.1 lowered the loss by 0.1")
    assert first.source == "measured here: 400 held-out rows, each compared with early stopping alone"
    assert "Batch norm made no difference that these data can show" in found[1].reason
    assert found[2].reason.startswith("Dropout 0.3 raised the loss by 0.09")


def test_losses_are_in_the_targets_units_and_the_share_in_none() -> None:
    rng, alone = losses()
    better = alone * 0.9 + 0.01 * rng.standard_normal(len(alone))
    (plain,) = measured(alone, {L2(1.0): better})
    (scaled,) = measured(alone, {L2(1.0): better}, loss_unit=1e6)
    assert plain.lowered is not None
    assert scaled.lowered is not None
    assert scaled.lowered.value == pytest.approx(1e6 * plain.lowered.value)
    share = 100 * (1 - better.mean() / alone.mean())
    assert f"({share:.1f} %;" in plain.reason
    assert f"({share:.1f} %;" in scaled.reason


def test_rows_that_were_not_held_out_and_rows_without_weight_do_not_count() -> None:
    rng, alone = losses()
    other = alone - 0.1 + 0.2 * rng.standard_normal(len(alone))
    wanted = measured(alone[:300], {L1(0.1): other[:300]})
    holes = other.copy()
    holes[300:] = np.nan
    assert measured(alone, {L1(0.1): holes}) == wanted
    weights = np.where(np.arange(len(alone)) < 300, 2.0, 0.0)
    (weighted,) = measured(alone, {L1(0.1): other}, weights)
    assert weighted.lowered is not None
    assert wanted[0].lowered is not None
    assert weighted.lowered.low == pytest.approx(wanted[0].lowered.low)
    assert weighted.source == wanted[0].source


def test_the_best_strength_stands_for_its_kind_with_a_wider_interval() -> None:
    rng, alone = losses()
    some = alone - 0.1 + 0.2 * rng.standard_normal(len(alone))
    (one,) = measured(alone, {Dropout(0.3): some})
    (best,) = measured(alone, {Dropout(0.1): alone, Dropout(0.3): some, Dropout(0.5): alone + 0.1})
    assert best.measured == Dropout(0.3)
    assert one.lowered is not None
    assert best.lowered is not None
    assert best.lowered.value == one.lowered.value
    ratio = (best.lowered.high - best.lowered.low) / (one.lowered.high - one.lowered.low)
    assert ratio == pytest.approx(2.393980 / 1.959964, rel=1e-5)  # normal quantiles of 1 - .025 / 3 and .975
    assert "the best of 3 strengths" in best.source


def test_a_strength_with_fewer_rows_counts_as_tried_and_is_not_the_best() -> None:
    _, alone = losses()
    dropped = np.full(len(alone), np.nan)
    dropped[:80] = alone[:80] - 0.5
    (found,) = measured(alone, {L2(0.1): alone - 0.1, L2(10.0): dropped})
    assert found.measured == L2(0.1)
    assert "the best of 2 strengths" in found.source


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_turning_the_comparison_around_turns_the_figures_around(seed: int) -> None:
    rng, alone = losses(seed, 60)
    other = alone + 0.2 * rng.standard_normal(60)
    (one,) = measured(alone, {L1(0.1): other})
    (back,) = measured(other, {L1(0.1): alone})
    assert one.lowered is not None
    assert back.lowered is not None
    assert back.lowered.value == pytest.approx(-one.lowered.value)
    assert back.lowered.low == pytest.approx(-one.lowered.high)
    assert one.is_shown == back.is_shown


def test_the_interval_of_the_best_of_many_strengths_that_do_nothing_seldom_misses_zero() -> None:
    shown = 0
    for seed in range(200):
        rng, alone = losses(seed, 100)
        same = {Dropout(0.1 * k): alone + rng.standard_normal(100) for k in range(1, 7)}
        shown += measured(alone, same)[0].is_shown
    assert shown <= 14  # one-sided 2.5 % of 200 are 5; without the correction it is one in seven


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.zeros(7), "losses of L1 0.1 are of 7 rows and those of early stopping alone of 400"),
        (np.full(400, np.nan), "L1 0.1 has 0 rows in common with early stopping alone"),
    ],
)
def test_losses_that_cannot_be_compared_are_named(other: np.ndarray, message: str) -> None:
    _, alone = losses()
    with pytest.raises(DataError, match=message):
        measured(alone, {L1(0.1): other})


def test_advice_as_plain_values() -> None:
    _, alone = losses()
    before, after = advise(profile())[0], measured(alone, {L1(0.1): alone - 0.1})[0]
    assert isinstance(before, Advice)
    assert json.loads(json.dumps(before.to_dict()))["measured"] is None
    said = json.loads(json.dumps(after.to_dict()))
    assert said["technique"] == "l1"
    assert said["measured"] == "L1 0.1"
    assert set(said["lowered"]) == {"value", "low", "high"}
