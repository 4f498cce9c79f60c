"""What is trained to tell contributions by, and how the learning rates are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.contribution_training import Watch
from taut.evidence.contribution_units import Totals, Units
from taut.evidence.contributions import FACTORS, Contributions, ContributionWork, members_of, players_of
from taut.learning.architecture import MLP
from taut.learning.training import Control, Curve, Status
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.runs import FoldRun
from taut.selection.trainer import Trainer
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import EARLY, NONE, folds_of, search, settings, table

STOP = EarlyStopping(patience=5)


def work(task: Any = "classification", n_seeds: int = 2, cv: Any = 3, **changes: Any) -> ContributionWork:
    problem = table(120, task=task)
    folds = tuple(folds_of(problem, cv))
    return ContributionWork(
        Trainer(CompiledEngine(1), problem, settings(max_epochs=25)),
        folds,
        MLP((8,)),
        units=Units.of(problem, folds, None, 0),
        n_seeds=n_seeds,
        control=Control(),
        **changes,
    )


def trained(recipe: Recipe, task: Any = "classification", **changes: Any) -> Contributions:
    n = 1 << len(players_of(recipe))
    return work(task, **changes).train(recipe, 0.01, 0.01, range(n))


def test_players_are_what_acts_but_early_stopping() -> None:
    recipe = Recipe(L2(0.1), L1(0), Dropout(0.2), STOP)
    assert players_of(recipe) == (L2(0.1), Dropout(0.2))
    assert members_of(players_of(recipe), 2) == [Dropout(0.2)]
    assert players_of(Recipe(STOP)) == ()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_ends_are_the_searchs_baselines(task: Any) -> None:
    """Under the first seed, row by row: early stopping alone, and no regularization."""
    problem = table(120, task=task)
    found = trained(Recipe(EarlyStopping()), task)
    result = search(CompiledEngine(1), [], given=problem, max_epochs=25).run()
    numbers = {one.candidate: i for i, one in enumerate(result.candidates)}
    for totals, baseline in ((found.stopped, EARLY), (found.nothing, NONE)):
        rows = result.row_losses[numbers[baseline]]
        np.testing.assert_allclose(totals.losses[0], rows, rtol=1e-5)
        assert (totals.losses[1] != totals.losses[0]).any()
        assert (totals.correct is None) == (task == "regression")


def test_combinations_share_seeds_and_networks() -> None:
    arrived: list[int] = []
    expected: list[int] = []
    watch = Watch(lambda total, more_work: expected.append(total), lambda: arrived.append(1))
    found = trained(Recipe(L2(0.05), BatchNorm(), STOP), watch=watch)
    assert found.players == (L2(0.05), BatchNorm())
    assert sorted(found.coalitions) == [0, 1, 2, 3]
    assert len(arrived) == expected[-1] == found.n_networks
    # Early stopping alone at the usual rate is also one of the three rates of nobody's.
    n_rates = sum(len(set(rates)) for rates in found.rates.values())
    both = 0.01 in found.rates[0]
    assert found.n_networks == 3 * (2 + (4 * 3 - 1) + n_rates - both)
    for coalition, totals in found.coalitions.items():
        assert totals.losses.shape == (2, 120)
        assert set(found.rates[coalition]) <= {factor * 0.01 for factor in FACTORS}
    if set(found.rates[0]) == {0.01}:
        assert (found.coalitions[0].losses == found.stopped.losses).all()
    assert found.unstopped is None


@pytest.mark.fault(94)
def test_the_work_is_known_before_a_tenth_of_it_is_done() -> None:
    """Training on to the last epoch is work, and most combinations take more than one learning rate."""
    done: list[float] = []
    expected: list[float] = []
    watch = Watch(
        lambda total, more_work: expected.append(total + more_work), lambda: done.append(1.0), done.append
    )
    trained(Recipe(Dropout(0.3)), watch=watch, n_seeds=3)
    assert np.isnan(expected[0])  # nobody knows when networks stop
    assert sum(done) == pytest.approx(expected[-1])
    assert all(0.7 <= one / expected[-1] <= 1.4 for one in expected[1:])


def test_a_recipe_without_early_stopping_ends_at_the_last_epoch() -> None:
    found = trained(Recipe(L2(0.05)))
    assert found.unstopped is not None
    assert (found.unstopped.losses != found.coalitions[1].losses).any()
    nobody = trained(Recipe())
    assert nobody.unstopped is nobody.nothing


def test_memory_decides_only_how_many_calls_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(L2(0.05), STOP)
    usual = trained(recipe)
    monkeypatch.setattr("taut.evidence.contribution_training._MOST_BYTES", 1)
    alone = trained(recipe)
    assert usual.n_networks == alone.n_networks
    for coalition, totals in usual.coalitions.items():
        assert totals.losses.tobytes() == alone.coalitions[coalition].losses.tobytes()


def test_who_diverges_at_every_rate_has_no_figures() -> None:
    found = trained(Recipe(L2(1e7), STOP))
    assert not found.coalitions[1].is_finite
    assert np.isnan(found.rates[1]).all()
    assert found.coalitions[0].is_finite
    assert isinstance(found.nothing, Totals)
    assert found.nothing.is_finite


# --- how rates are chosen ---------------------------------------------------------------------------------


def run_of(validation: Sequence[float]) -> FoldRun:
    losses = np.array(validation)
    curve = Curve(losses, losses, losses)
    return FoldRun(Status.STOPPED, len(losses), int(np.argmin(losses)) + 1, curve, 0.0, 0.0)


def picked(curves: Sequence[Any], n_folds: int = 3) -> list[float] | None:
    """Rates that are picked from curves by rate and fold; a rate without any diverged."""
    made = work(cv=n_folds)
    line = [Candidate(Recipe(STOP), factor, MLP((8,))) for factor in FACTORS]
    for one, each in zip(line, curves, strict=True):
        runs = None if each is None else [run_of(curve) for curve in each]
        made._training._runs[one, 0] = runs
    found = made._pick(line)
    return None if found is None else [one.learning_rate for one in found]


def test_a_folds_own_rows_have_no_say_in_its_rate() -> None:
    flat = [[1.0, 1.0]] * 3
    better_on_the_first = [[0.1, 0.1], [1.01, 1.01], [1.01, 1.01]]
    # For the second and third fold it is the first that speaks; the first fold itself does not hear itself.
    assert picked([flat, better_on_the_first, flat]) == [1.0, 1 / 3, 1 / 3]


def test_the_rate_with_the_lowest_loss_on_the_other_folds_is_taken() -> None:
    high, low, middle = [[2.0, 2.0]] * 3, [[3.0, 0.5]] * 3, [[1.0, 1.5]] * 3
    assert picked([high, low, middle]) == [1 / 3] * 3
    assert picked([high, None, middle]) == [3.0] * 3
    assert picked([middle, middle, middle]) == [1.0] * 3  # of equal ones the recipe's own


def test_without_a_sound_rate_nothing_is_taken() -> None:
    assert picked([None, None, None]) is None


def test_chance_in_the_rates_is_not_mistaken_for_skill() -> None:
    """On losses that are pure noise, the picked rates are no better than any."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(30):
        noise = 1.0 + 0.1 * rng.standard_normal((3, 5, 2))
        rates = picked(noise.tolist(), n_folds=5)
        assert rates is not None
        gains.append(np.mean([noise[FACTORS.index(rate), k].mean() - 1.0 for k, rate in enumerate(rates)]))
    assert abs(np.mean(gains)) < 3 * 0.1 / np.sqrt(30 * 5 * 2)
