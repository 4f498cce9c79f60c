"""From totals to lines that add up, on made-up losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from taut.evidence.contribution_lines import MOST_EXACT, Changes, Game, changes_of
from taut.evidence.contribution_units import Draws, Totals, Units
from taut.evidence.contributions import Contributions
from taut.learning.problem import Problem
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.selection.helpers import folds_of, table

N, N_SEEDS = 120, 3


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand of them are for figures that people read."""
    monkeypatch.setattr("taut.evidence.contribution_units.RESAMPLES", 300)


PLAYERS = (L1(0.1), L2(0.1), Dropout(0.1), BatchNorm())


def units_of(task: Any) -> tuple[Problem, Units]:
    problem = table(N, task=task)
    return problem, Units.of(problem, tuple(folds_of(problem)), None, 0)


def totals(mean: float, rng: np.random.Generator, task: str, noise: float = 0.1) -> Totals:
    """Losses around a mean; noise of rows and seeds is the totals' own."""
    losses = mean + noise * rng.standard_normal((N_SEEDS, N))
    return Totals(losses, (losses < mean).astype(float) if task == "classification" else None)


def changes(
    worth: dict[int, float] | None = None,
    n_players: int = 3,
    task: str = "classification",
    figure: Any = "loss",
    *,
    most_exact: int = 5,
    failed: tuple[int, ...] = (),
    unstopped: float | None = None,
    seed: int = 0,
    noise: float = 0.1,
) -> Changes:
    """From 5 without anything to 4 with early stopping, 3 with its rate, and by coalition what is given."""
    rng = np.random.default_rng(seed)
    _, units = units_of(task)
    game = Game.of(n_players, seed, most_exact)
    nan = units.totals(None, N_SEEDS)
    worth = worth or {c: 3.0 - 0.5 * c.bit_count() for c in range(1 << n_players)}
    found = Contributions(
        players=PLAYERS[:n_players],
        nothing=totals(5.0, rng, task, noise),
        stopped=totals(4.0, rng, task, noise),
        coalitions={c: nan if c in failed else totals(worth[c], rng, task, noise) for c in game.coalitions},
        rates={},
        unstopped=None if unstopped is None else totals(unstopped, rng, task, noise),
        n_networks=0,
    )
    return changes_of(found, game, units, Draws.of(units.n_units, N_SEEDS, seed), seed, figure)


def sum_of(found: Changes) -> float:
    last = found.without_early_stopping
    steps = [found.early_stopping, found.learning_rate, *found.techniques, *([last] if last else [])]
    return math.fsum(step.value for step in steps)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("figure", ["loss", "score"])
@pytest.mark.parametrize("most_exact", [5, 2])
@pytest.mark.parametrize("n_players", [0, 1, 3, 4])
def test_lines_add_up(task: str, figure: str, most_exact: int, n_players: int) -> None:
    found = changes(n_players=n_players, task=task, figure=figure, most_exact=most_exact, unstopped=2.0)
    assert len(found.techniques) == n_players
    assert sum_of(found) == pytest.approx(found.end - found.start, abs=1e-12)
    assert found.total.value == pytest.approx(found.end - found.start, abs=1e-12)


def test_each_step_is_its_own_difference() -> None:
    found = changes(noise=1e-9)
    assert found.start == pytest.approx(5)
    assert found.end == pytest.approx(1.5)
    assert found.early_stopping.value == pytest.approx(-1)
    assert found.learning_rate.value == pytest.approx(-1)
    assert [step.value for step in found.techniques] == pytest.approx([-0.5] * 3)
    assert [one.value for one in found.interactions] == pytest.approx([0] * 3, abs=1e-6)
    assert found.without_early_stopping is None


def test_the_last_step_takes_early_stopping_away() -> None:
    found = changes(noise=1e-9, unstopped=2.5)
    assert found.without_early_stopping is not None
    assert found.without_early_stopping.value == pytest.approx(1.0)
    assert found.end == pytest.approx(2.5)


def test_two_that_replace_each_other_share_and_interact() -> None:
    found = changes({0: 3.0, 1: 2.0, 2: 2.0, 3: 2.0}, n_players=2, noise=1e-9)
    assert [step.value for step in found.techniques] == pytest.approx([-0.5, -0.5])
    assert [one.value for one in found.interactions] == pytest.approx([1.0])
    assert not found.interactions[0].spans_zero


def test_intervals_hold_their_value_and_tell_an_effect_from_none() -> None:
    found = changes({0: 3.0, 1: 2.9, 2: 3.0, 3: 2.9}, n_players=2)
    for step in (found.total, found.early_stopping, found.learning_rate, *found.techniques):
        assert step.low <= step.value <= step.high
    assert not found.techniques[0].spans_zero
    assert found.techniques[1].spans_zero


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Two lines that are truly nothing, over 60 draws of rows and networks."""
    held = [
        step.spans_zero
        for seed in range(60)
        for step in changes(dict.fromkeys(range(4), 3.0), n_players=2, seed=seed).techniques
    ]
    assert 0.9 <= np.mean(held) <= 1.0


def test_lines_that_need_what_diverged_are_nan_and_the_others_are_not() -> None:
    found = changes(failed=(2,), n_players=2)
    assert all(math.isnan(step.value) for step in found.techniques)
    assert math.isnan(found.interactions[0].value)
    assert found.total.value == pytest.approx(-3, abs=0.1)
    assert not math.isnan(found.learning_rate.value)
    found = changes(failed=(0,), n_players=0)
    assert math.isnan(found.end)
    assert math.isnan(found.learning_rate.high)
    assert not math.isnan(found.early_stopping.value)


# --- many players -----------------------------------------------------------------------------------------


def test_up_to_five_players_all_combinations_are_trained() -> None:
    assert Game.of(5, 0, MOST_EXACT).coalitions == list(range(32))
    game = Game.of(7, 0, MOST_EXACT)
    assert game.orders is not None
    assert len(game.orders) == 6
    assert len(game.coalitions) <= 6 * 6 + 2
    assert {0, 127} <= set(game.coalitions)
    assert Game.of(7, 0, MOST_EXACT) == game


def test_sampled_shares_have_the_samplings_chance_in_their_intervals() -> None:
    """Without other noise: exact shares are known exactly, sampled ones are not."""
    worth = {c: 3.0 - math.sqrt(c) for c in range(16)}
    exact = changes(worth, n_players=4, noise=1e-12)
    sampled = changes(worth, n_players=4, noise=1e-12, most_exact=2, seed=2)
    assert sampled.interactions == ()
    for one, other in zip(exact.techniques, sampled.techniques, strict=True):
        assert one.high - one.low < 1e-9
        assert other.high - other.low > 1e-3
        assert other.low <= other.value <= other.high


def test_other_units() -> None:
    found = changes(unstopped=2.0)
    scaled = found.times(100.0)
    assert scaled.total.low == pytest.approx(100 * found.total.low)
    assert scaled.start == 100 * found.start
    assert sum_of(scaled) == pytest.approx(100 * sum_of(found))
    assert scaled.interactions[0].high == pytest.approx(100 * found.interactions[0].high)
