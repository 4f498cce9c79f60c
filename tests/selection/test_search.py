"""The search: who wins, what is kept, and what it does with what goes wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from taut.engine.base import Status
from taut.engine.compiled.engine import CompiledEngine
from taut.errors import TrainingError, TrainingWarning
from taut.estimators.model import softmax
from taut.recipe import Recipe
from taut.selection.candidates import BASELINES
from taut.selection.score import CandidateScore
from taut.selection.search import Search, SearchResult, describe_failures
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import Fixed, ScriptedEngine, bits, folds_of, search, settings, table

EARLY, NONE = BASELINES
STOP = EarlyStopping()
RECIPES = [
    Recipe(L2(1.0), STOP),
    Recipe(L1(0.01), STOP),
    Recipe(Dropout(0.3), STOP),
    Recipe(BatchNorm(), STOP),
    Recipe(L2(0.1)),
    Recipe(L2(0.3), Dropout(0.2), BatchNorm(), STOP),
]
EXPLODES = Recipe(L2(1e6), STOP)  # takes a thousand times the weight from the weight
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def losses_of(result: SearchResult) -> list[float]:
    return [candidate.loss for candidate in result.candidates]


def networks_of(result: SearchResult) -> list[dict[str, bytes]]:
    return [bits(network) for network in result.networks]


def assert_same(a: CandidateScore, b: CandidateScore) -> None:
    """All but the time that it took."""
    one, other = a.to_json(), b.to_json()
    one.pop("seconds")
    other.pop("seconds")
    np.testing.assert_equal(one, other)


# --- who wins ---------------------------------------------------------------------------------------------


@tasks
def test_the_lowest_mean_validation_loss_wins(task: Any) -> None:
    made = search(CompiledEngine(1), RECIPES, task)
    result = made.run()
    assert [candidate.recipe for candidate in result.candidates] == [EARLY, NONE, *RECIPES]
    assert result.best in result.candidates
    assert result.best.loss == min(losses_of(result))
    for baseline in BASELINES:
        score = result.of(baseline)
        assert score is not None
        assert result.best.loss <= score.loss
    assert made.proposer.told == list(result.candidates[2:])  # type: ignore[attr-defined]
    assert result.of(Recipe(L2(77.0))) is None
    assert not result.interrupted
    assert all(candidate.complete and not candidate.failed for candidate in result.candidates)


def test_where_nothing_is_better_a_baseline_wins() -> None:
    result = search(CompiledEngine(1), [Recipe(Dropout(0.95), STOP), Recipe(L2(30.0), STOP)]).run()
    assert result.best.recipe in BASELINES


@tasks
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_the_networks_at_the_chosen_epochs(task: Any, weighted: bool) -> None:
    weight = np.random.default_rng(3).random(240).astype(np.float32) if weighted else None
    given = table(task=task, fit_weight=weight, score_weight=weight)
    engine, recipe = CompiledEngine(1), Recipe(L2(0.1), BatchNorm(), STOP)
    made = search(engine, [recipe], task, given=given)
    score = made.run().of(recipe)
    assert score is not None
    data = made.data
    for k, fold in enumerate(made.folds):
        member = made.settings.member(recipe, fold, k, data.n_outputs)
        (training,) = engine.train(data, [member], until_epoch=int(score.fold_epochs[k]))
        out = engine.predict(data.values, training.trained("last"), fold.validation).astype(np.float64)
        y, w = data.target[fold.validation], None if weight is None else weight[fold.validation]
        if task == "regression":
            loss = mean_squared_error(y, out[:, 0], sample_weight=w)
            skill = r2_score(y, out[:, 0], sample_weight=w)
        else:
            loss = log_loss(y, softmax(out), sample_weight=w)
            skill = accuracy_score(y, out.argmax(axis=1), sample_weight=w)
        assert score.validation_loss[k] == pytest.approx(loss, rel=1e-5)
        assert score.score[k] == pytest.approx(skill, rel=1e-5)


# --- folds in step, and the networks kept -----------------------------------------------------------------


@pytest.mark.parametrize("recipe", [EARLY, Recipe(L2(0.1), BatchNorm(), STOP)], ids=Recipe.describe)
def test_shorter_folds_go_on_to_the_longest_ones_epoch(recipe: Recipe) -> None:
    engine = CompiledEngine(1)
    made = search(engine, [recipe] if recipe != EARLY else [], learning_rate=0.03, max_epochs=200)
    alone = [
        engine.train(made.data, [made.settings.member(recipe, fold, k, 3)])[0]
        for k, fold in enumerate(made.folds)
    ]
    longest = max(training.epoch for training in alone)
    assert min(training.epoch for training in alone) < longest < 200
    assert all(training.status is Status.STOPPED for training in alone)
    curves = {}
    made._take = lambda score, group: curves.update({score.recipe: [t.curve for t in group]})  # type: ignore[method-assign]
    with pytest.raises(TrainingError):  # nobody was taken in
        made.run()
    for curve, training in zip(curves[recipe], alone, strict=True):
        assert len(curve) == longest
        assert curve.validation[: training.epoch].tobytes() == training.curve.validation.tobytes()


@tasks
@pytest.mark.parametrize("recipes", [[], RECIPES[:1], RECIPES[3:4], [Recipe(L2(1.0))]], ids=str)
def test_the_networks_are_those_of_the_epoch_best_on_all_folds(task: Any, recipes: list[Recipe]) -> None:
    engine = CompiledEngine(1)
    made = search(engine, recipes, task, learning_rate=0.03, max_epochs=120)
    result = made.run()
    curves = result.curves[result.best.recipe]
    assert len({len(curve) for curve in curves}) == 1
    mean = np.mean([curve.validation for curve in curves], axis=0)
    if STOP in result.best.recipe.techniques:
        assert result.best.epoch == np.argmin(mean) + 1
    else:
        assert result.best.epoch == len(mean)
    members = [
        made.settings.member(result.best.recipe, fold, k, made.data.n_outputs)
        for k, fold in enumerate(made.folds)
    ]
    begun = engine.train(made.data, members, until_epoch=1)
    again = engine.replay(made.data, begun, result.best.epoch)
    assert networks_of(result) == [bits(training.trained("last")) for training in again]


def test_the_curves_are_those_of_the_baselines_and_the_chosen_one() -> None:
    result = search(CompiledEngine(1), RECIPES).run()
    assert set(result.curves) == {EARLY, NONE, result.best.recipe}
    for recipe, curves in result.curves.items():
        score = result.of(recipe)
        assert score is not None
        assert [len(curve) for curve in curves] == [score.epochs_trained] * 3
    assert len(result.curves[NONE][0]) == 60


# --- the same numbers -------------------------------------------------------------------------------------


@tasks
def test_threads_and_batches_of_candidates_change_nothing(task: Any) -> None:
    usual = search(CompiledEngine(1), RECIPES, task).run()
    for other in (
        search(CompiledEngine(2), RECIPES, task).run(),
        search(CompiledEngine(1), RECIPES, task, batch_size_=1).run(),
        search(CompiledEngine(2), RECIPES[::-1], task).run(),
    ):
        assert networks_of(other) == networks_of(usual)
        for candidate in usual.candidates:
            score = other.of(candidate.recipe)
            assert score is not None
            assert_same(score, candidate)


def test_all_recipes_start_from_the_same_weights_and_each_fold_from_its_own() -> None:
    data, matrix = table()
    fold = folds_of(data, matrix)[0]
    make = settings().member
    assert make(EARLY, fold, 0, 3).seed == make(RECIPES[0], fold, 0, 3).seed != make(EARLY, fold, 1, 3).seed
    assert settings(seed=1).member(EARLY, fold, 0, 3).seed != make(EARLY, fold, 0, 3).seed


# --- divergence -------------------------------------------------------------------------------------------


def test_a_candidate_that_diverges_is_counted_and_named_and_harms_nobody() -> None:
    with_it = search(CompiledEngine(2), [*RECIPES[:2], EXPLODES, *RECIPES[2:]]).run()
    without = search(CompiledEngine(2), RECIPES).run()
    failed = with_it.of(EXPLODES)
    assert failed is not None
    assert failed.failed == "diverged"
    assert math.isnan(failed.loss)
    assert len(with_it.candidates) == len(without.candidates) + 1
    sentence = describe_failures(with_it.candidates)
    assert (
        sentence
        == f"1 of {len(with_it.candidates)} candidates have no score: {EXPLODES.describe()} (diverged)."
    )
    assert describe_failures(without.candidates) == ""
    assert networks_of(with_it) == networks_of(without)
    for candidate in without.candidates:
        score = with_it.of(candidate.recipe)
        assert score is not None
        assert_same(score, candidate)


def test_where_all_diverge_the_error_names_the_likely_cause() -> None:
    with pytest.raises(TrainingError, match="Every candidate diverged.*lower learning_rate"):
        search(CompiledEngine(2), RECIPES, learning_rate=1e30).run()


def scripted(losses: Any, recipes: list[Recipe]) -> Search:
    data, matrix = table()
    folds = folds_of(data, matrix)
    return Search(ScriptedEngine(losses, folds), data, folds, settings(max_epochs=10), Fixed(recipes))


def test_baselines_that_diverge_at_once_are_counted_and_named_too() -> None:
    wins = Recipe(BatchNorm(), STOP)

    def losses(hooks: Any, fold: int) -> list[float]:
        return [1.0] * 10 if hooks.normalize else [math.nan] * 10

    result = scripted(losses, [wins]).run()
    assert result.best.recipe == wins
    assert [candidate.failed for candidate in result.candidates] == ["diverged", "diverged", ""]
    assert describe_failures(result.candidates).startswith("2 of 3 candidates have no score")


def test_a_candidate_diverges_where_one_of_its_folds_does() -> None:
    def losses(hooks: Any, fold: int) -> list[float]:
        return [1.0, 1.0, math.nan] if hooks.normalize and fold == 1 else [2.0] * 10

    result = scripted(losses, [Recipe(BatchNorm(), STOP)]).run()
    assert [candidate.failed for candidate in result.candidates] == ["", "", "diverged"]
    assert result.best.recipe == EARLY


def test_early_stopping_stands_where_only_what_comes_after_it_diverges() -> None:
    def losses(hooks: Any, fold: int) -> list[float]:
        return [3.0, 2.0, *[4.0] * 30, math.nan, *[math.nan] * 70]

    data, matrix = table()
    folds = folds_of(data, matrix)
    made = Search(ScriptedEngine(losses, folds), data, folds, settings(max_epochs=100), Fixed([]))
    result = made.run()
    assert [candidate.failed for candidate in result.candidates] == ["", "diverged"]
    assert result.best.recipe == EARLY
    assert (result.best.epoch, result.best.epochs_trained) == (2, 22)
    # Weights of a script are the epoch that they come from.
    assert [float(network.weights["layers.0.weight"][0, 0]) for network in result.networks] == [2.0] * 3


# --- limits -----------------------------------------------------------------------------------------------


def test_no_time_at_all_gives_one_epoch_of_early_stopping_alone_and_warns() -> None:
    with pytest.warns(TrainingWarning, match="time limit was over before one epoch.*Give more time"):
        result = search(CompiledEngine(1), RECIPES, deadline=0.0).run()
    assert result.best.recipe == EARLY
    assert not result.best.complete
    assert (result.best.epoch, result.best.epochs_trained) == (1, 1)
    assert [len(curve) for curve in result.curves[EARLY]] == [1, 1, 1]
    assert {candidate.recipe for candidate in result.candidates} <= set(BASELINES)
    assert len(result.networks) == 3
    assert all(
        np.isfinite(weights).all() for network in result.networks for weights in network.weights.values()
    )
    assert not result.interrupted


# --- progress ---------------------------------------------------------------------------------------------


def test_progress_counts_up_to_all_candidates() -> None:
    seen: list[Any] = []
    made = search(CompiledEngine(2), RECIPES, on_progress=seen.append)
    made.n_candidates = 8
    result = made.run()
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert max(done) == 8
    assert {progress.total for progress in seen} == {8}
    last = seen[-1]
    assert last.finishing
    assert [progress.finishing for progress in seen[:-1]] == [False] * (len(seen) - 1)
    assert (last.best, last.best_recipe) == (result.best.loss, result.best.recipe)
    assert last.baseline == losses_of(result)[0]
    assert last.in_units(4.0).best == 4.0 * last.best
    assert last.in_units(4.0).baseline == 4.0 * last.baseline
    assert all(progress.seconds_left is None or progress.seconds_left >= 0.0 for progress in seen)
    best = [progress.best for progress in seen if not math.isnan(progress.best)]
    assert best == sorted(best, reverse=True)
