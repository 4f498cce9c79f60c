"""The search: who wins, what is kept, and what it does with what goes wrong. Nobody is dropped here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import RepeatedKFold, ShuffleSplit

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import fit_fold
from taut.errors import TrainingError
from taut.learning.architecture import MLP
from taut.learning.problem import Fold
from taut.learning.training import Status
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.failures import describe_failures
from taut.selection.final import N_REFIT, Finish
from taut.selection.folds import Split, make_fold
from taut.selection.runner import Job
from taut.selection.search import Search
from taut.selection.stages import Stages
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.engine.helpers import each_loss
from tests.selection.helpers import (
    EARLY,
    NONE,
    SPACE,
    STOP,
    CountingEngine,
    ScriptedEngine,
    assert_same_result,
    assert_same_score,
    bits,
    folds_of,
    key_of,
    networks_of,
    of,
    search,
    table,
    tag_of,
    tagged,
)

RECIPES = [
    Recipe(L2(1.0), STOP),
    Recipe(L1(0.01), STOP),
    Recipe(Dropout(0.3), STOP),
    Recipe(BatchNorm(), STOP),
    Recipe(L2(0.1)),
    Recipe(L2(0.3), Dropout(0.2), BatchNorm(), STOP),
]
EXPLODES = Recipe(L2(1e6), STOP)  # takes a thousand times the weight from the weight
OTHERS = [
    Candidate(Recipe(BatchNorm(), STOP), 0.003, MLP((8,))),
    Candidate(Recipe(BatchNorm(), STOP), 0.01, MLP((5, 5))),
]
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def all_jobs(made: Search, place: int, candidate: Candidate) -> list[Job]:
    return [Job(place, candidate, k) for k in range(len(made.stages.folds))]


# --- who wins ---------------------------------------------------------------------------------------------


@tasks
def test_the_lowest_mean_validation_loss_wins(task: Any) -> None:
    made = search(CompiledEngine(1), [*RECIPES, *OTHERS], task)
    result = made.run()
    tried = [EARLY, NONE, *(SPACE.usual(recipe) for recipe in RECIPES), *OTHERS]
    assert [score.candidate for score in result.candidates] == tried
    assert result.best is result.candidates[result.chosen]
    lowest = min(score.loss for score in result.candidates)
    assert result.best.loss == lowest or result.best.recipe == EARLY.recipe
    assert result.best.loss <= of(result, EARLY).loss
    assert result.best.loss <= of(result, NONE).loss
    # Early stopping alone is told too: it is a point of the space, as no regularization is not.
    told = [result.candidates[0], *result.candidates[2:]]
    assert made.proposer.told == told  # type: ignore[attr-defined]
    assert not result.interrupted
    assert all(score.complete and not score.failed for score in result.candidates)
    assert [score.batch for score in result.candidates] == [-1, -1] + [0] * 8
    assert result.seconds > 0.0


def test_where_nothing_is_better_a_baseline_wins() -> None:
    result = search(CompiledEngine(1), [Recipe(Dropout(0.95), STOP), Recipe(L2(30.0), STOP)]).run()
    assert result.best.candidate in (EARLY, NONE)


@tasks
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_the_networks_at_the_chosen_epochs(task: Any, weighted: bool) -> None:
    weight = np.random.default_rng(3).random(240).astype(np.float32) if weighted else None
    given = table(task=task, fit_weight=weight, score_weight=weight)
    engine, candidate = CompiledEngine(1), OTHERS[0]
    made = search(engine, [candidate], task, given=given)
    score = of(made.run(), candidate)
    problem = made.trainer.problem
    for k, fold in enumerate(made.stages.folds):
        member = made.trainer.member(candidate, fold, k)
        (training,) = engine.train(problem, [member], until_epoch=int(score.fold_epochs[k]))
        out = made.trainer.outputs(training.fitted("last"), fold.validation).astype(np.float64)
        y, w = problem.target[fold.validation], None if weight is None else weight[fold.validation]
        if task == "regression":
            loss = mean_squared_error(y, out[:, 0], sample_weight=w)
            skill = r2_score(y, out[:, 0], sample_weight=w)
        else:
            loss = log_loss(y, softmax(out, axis=1), sample_weight=w)
            skill = accuracy_score(y, out.argmax(axis=1), sample_weight=w)
        assert score.validation_loss[k] == pytest.approx(loss, rel=1e-5)
        assert score.score[k] == pytest.approx(skill, rel=1e-5)


def test_a_scorer_chooses_and_the_loss_is_told_all_the_same() -> None:
    asked: list[int] = []

    def few_of_the_first_class(fold: int, outputs: Any) -> float:
        asked.append(fold)
        assert outputs.shape == (80, 3)
        return -float(np.mean(outputs.argmax(axis=1) == 0))

    result = search(CompiledEngine(1), RECIPES, scorer=few_of_the_first_class).run()
    figures = [score.scoring.mean() for score in result.candidates if score.scoring is not None]
    assert len(figures) == 8
    assert result.best.scoring is not None
    assert result.best.scoring.mean() == max(figures)
    assert set(asked) == {0, 1, 2}
    usual = search(CompiledEngine(1), RECIPES).run()
    for one, other in zip(result.candidates, usual.candidates, strict=True):
        assert (one.candidate, one.state) == (other.candidate, other.state)
        if one.recipe.hooks().patience is None:  # else the scorer decides the epoch too
            assert_same_score(one, other, but=["seconds", "scoring"])


def test_one_standard_error_takes_the_smallest_gap_among_the_near() -> None:
    """Rows differ by 1 or so: means that are 0.05 apart are near, and those that are 1 apart are not."""
    means = {0: 5.1, 1: 4.9, 2: 4.95, 3: 4.94, 4: 6.0, 5: 5.12}
    gaps = {0: 0.5, 1: 0.5, 2: 0.3, 3: 0.2, 4: 0.0, 5: 0.1}
    problem = table()
    stages = Stages(tuple(folds_of(problem)))

    def script(member: Any, stage: int) -> list[Any]:
        own = np.random.default_rng((tag_of(member), stage)).standard_normal(80)
        return [means[tag_of(member)] + own - own.mean() + worse for worse in (0.0, 1.0)]

    found = {}
    for selection in ("best", "1se"):
        engine = ScriptedEngine(script, stages.all, gap=lambda member: gaps[tag_of(member)])
        tried = [tagged(tag) for tag in range(1, 6)]
        made = search(engine, tried, given=problem, stages=stages, max_epochs=2, selection=selection)
        found[selection] = made.run()
    # The fifth is near too, with a smaller gap, and worse than early stopping alone; the fourth is far.
    assert found["best"].best.candidate == tagged(1)
    assert found["1se"].best.candidate == tagged(3)
    for one, other in zip(found["best"].candidates, found["1se"].candidates, strict=True):
        assert_same_score(one, other)


# --- folds in step, and the networks kept -----------------------------------------------------------------


@pytest.mark.parametrize("recipe", [EARLY.recipe, Recipe(L2(0.1), BatchNorm(), STOP)], ids=Recipe.describe)
def test_shorter_folds_go_on_to_the_longest_ones_epoch(recipe: Recipe) -> None:
    engine = CompiledEngine(1)
    made = search(engine, [recipe] if recipe != EARLY.recipe else [], learning_rate=0.03, max_epochs=200)
    candidate = Candidate(recipe, 0.03, MLP((8,)))
    alone = [
        engine.train(made.trainer.problem, [made.trainer.member(candidate, fold, k)])[0]
        for k, fold in enumerate(made.stages.folds)
    ]
    longest = max(training.epoch for training in alone)
    assert min(training.epoch for training in alone) < longest < 200
    assert all(training.status is Status.STOPPED for training in alone)
    result = made.run()
    place = 0 if recipe == EARLY.recipe else 2
    assert result.candidates[place].epochs_trained == 3 * longest
    for k, training in enumerate(alone):
        curve = made._scored.trials[place].runs[k].curve
        assert len(curve) == longest
        assert curve.validation[: training.epoch].tobytes() == training.curve.validation.tobytes()


@tasks
@pytest.mark.parametrize("recipes", [[], RECIPES[:1], RECIPES[3:4], [Recipe(L2(1.0))]], ids=str)
def test_the_networks_are_those_of_the_epoch_best_on_all_folds(task: Any, recipes: list[Recipe]) -> None:
    engine = CompiledEngine(1)
    made = search(engine, recipes, task, learning_rate=0.03, max_epochs=120)
    result = made.run()
    curves = result.curves["chosen"]
    assert len({len(curve) for curve in curves}) == 1
    mean = np.mean([curve.validation for curve in curves], axis=0)
    if STOP in result.best.recipe.techniques:
        assert result.best.epoch == np.argmin(mean) + 1
    else:
        assert result.best.epoch == len(mean)
    members = [
        made.trainer.member(result.best.candidate, fold, k) for k, fold in enumerate(made.stages.folds)
    ]
    again = engine.train(made.trainer.problem, members, until_epoch=result.best.epoch)
    assert networks_of(result) == [bits(training.fitted("last")) for training in again]


def test_refit_networks_are_trained_on_all_rows_to_that_epoch() -> None:
    problem = table()
    split = Split(np.arange(240, dtype=np.int32), np.empty(0, dtype=np.int32))
    everyone: Fold = make_fold(split, problem, 0)
    engine = CountingEngine(CompiledEngine(1))
    made = search(engine, RECIPES, given=problem, finish=Finish("refit", everyone))
    result = made.run()
    assert len(result.networks) == N_REFIT
    encoder = fit_fold(problem, everyone).encoder.to_json()
    assert all(network.encoder.to_json() == encoder for network in result.networks)  # type: ignore[attr-defined]
    seeds = {made.trainer.member(EARLY, fold, k).seed for k, fold in enumerate(made.stages.folds)}
    refit = [epochs for (_, _, seed), epochs in engine.epochs.items() if seed not in seeds]
    assert refit == [result.best.epoch] * N_REFIT
    # What is found is the same as with the folds' networks.
    bag = search(CompiledEngine(1), RECIPES).run()
    for one, other in zip(result.candidates, bag.candidates, strict=True):
        assert_same_score(one, other)


def test_the_curves_are_those_of_the_baselines_and_the_chosen_one() -> None:
    result = search(CompiledEngine(1), RECIPES).run()
    assert set(result.curves) == {"early_stopping", "none", "chosen"}
    by_name = {"early_stopping": of(result, EARLY), "none": of(result, NONE), "chosen": result.best}
    for name, curves in result.curves.items():
        assert [3 * len(curve) for curve in curves] == [by_name[name].epochs_trained] * 3
        for k, curve in enumerate(curves):
            assert curve.validation[by_name[name].fold_epochs[k] - 1] == by_name[name].validation_loss[k]
    assert len(result.curves["none"][0]) == 60


def test_the_baselines_are_one_training_looked_at_twice() -> None:
    engine = CountingEngine(CompiledEngine(1))
    made = search(engine, [], max_epochs=200)
    result = made.run()
    early, none = result.curves["early_stopping"], result.curves["none"]
    for one, other in zip(early, none, strict=True):
        assert len(one) < len(other) == 200
        assert one.validation.tobytes() == other.validation[: len(one)].tobytes()
    members = [made.trainer.member(EARLY, fold, k) for k, fold in enumerate(made.stages.folds)]
    assert engine.epochs.keys() == {key_of(member) for member in members}
    # And the networks, which may be gone by then.
    assert set(engine.epochs.values()) <= {200, 200 + result.best.epoch}
    assert made.proposer.asked == [(0, 8)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("epochs", [7, 60])
def test_what_was_begun_is_continued(epochs: int) -> None:
    plain = search(CompiledEngine(1), RECIPES)
    expected = plain.run()
    engine = CountingEngine(CompiledEngine(1))
    made = search(engine, RECIPES, stages=plain.stages, given=plain.trainer.problem)
    members = [made.runner.member(Job(0, made.baselines[0], k)) for k in (0, 2)]
    made.begun = made.trainer.train(members, until_epoch=epochs, respect_patience=True)
    before = sum(one.epoch for one in made.begun)
    engine.epochs.clear()
    assert_same_result(made.run(), expected)
    trained = [engine.epochs[key_of(member)] for member in members]
    whole = search(CountingEngine(CompiledEngine(1)), RECIPES)
    whole.run()
    assert sum(trained) == sum(whole.trainer.engine.epochs[key_of(m)] for m in members) - before  # type: ignore[attr-defined]


# --- the rows' losses -------------------------------------------------------------------------------------


@tasks
def test_row_losses_are_those_of_the_networks_that_score_the_folds(task: Any) -> None:
    engine = CompiledEngine(1)
    made = search(engine, RECIPES[:2], task)
    result = made.run()
    assert set(result.row_losses) == {0, 1, 2, 3}
    for place, score in enumerate(result.candidates):
        rows = result.row_losses[place]
        assert (rows.dtype, rows.shape) == (np.float32, (240,))
        for k, fold in enumerate(made.stages.folds):
            member = made.trainer.member(score.candidate, fold, k)
            (training,) = engine.train(made.trainer.problem, [member], until_epoch=int(score.fold_epochs[k]))
            z = made.trainer.outputs(training.fitted("last"), fold.validation)
            expected = each_loss(made.trainer.problem, z, fold.validation)
            np.testing.assert_allclose(rows[fold.validation], expected, rtol=1e-4, atol=1e-5)


def test_where_folds_repeat_a_rows_loss_is_its_mean() -> None:
    problem = table()
    stages = Stages(tuple(folds_of(problem, cv=RepeatedKFold(n_splits=2, n_repeats=3, random_state=0))))
    made = search(CompiledEngine(1), RECIPES[:1], given=problem, stages=stages)
    result = made.run()
    for place, score in enumerate(result.candidates):
        runs = made._scored.trials[place].runs
        own = np.full((6, 240), np.nan)
        for k, fold in enumerate(stages.folds):
            own[k, fold.validation] = runs[k].losses[int(score.fold_epochs[k])]
        assert (np.isfinite(own).sum(axis=0) == 3).all()
        np.testing.assert_allclose(result.row_losses[place], np.nanmean(own, axis=0), rtol=1e-6)
        assert score.n_repeats == 3


def test_rows_that_nobody_holds_out_have_none() -> None:
    problem = table()
    stages = Stages(tuple(folds_of(problem, cv=ShuffleSplit(1, test_size=0.3, random_state=0))))
    result = search(CompiledEngine(1), RECIPES[:1], given=problem, stages=stages).run()
    held_out = np.isin(np.arange(240), stages.folds[0].validation)
    for rows in result.row_losses.values():
        assert np.isfinite(rows[held_out]).all()
        assert np.isnan(rows[~held_out]).all()
    assert len(result.networks) == 1


# --- the same numbers -------------------------------------------------------------------------------------


@tasks
def test_threads_and_batches_of_candidates_change_nothing(task: Any) -> None:
    usual = search(CompiledEngine(1), RECIPES, task).run()
    assert_same_result(search(CompiledEngine(2), RECIPES, task).run(), usual)
    for other in (
        search(CompiledEngine(1), RECIPES, task, at_a_time=1).run(),
        search(CompiledEngine(2), RECIPES[::-1], task).run(),
    ):
        assert networks_of(other) == networks_of(usual)
        for score in usual.candidates:
            assert_same_score(of(other, score.candidate), score, but=["seconds", "batch"])


def test_batches_are_asked_for_until_all_have_been_tried() -> None:
    made = search(CompiledEngine(2), RECIPES, at_a_time=4)
    result = made.run()
    assert [score.batch for score in result.candidates] == [-1, -1, 0, 0, 0, 0, 1, 1]
    assert made.proposer.asked == [(0, 4), (1, 4), (2, 4)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("n", "asked", "n_tried"),
    [
        (2, [], 2),
        (3, [(0, 1)], 3),
        (6, [(0, 4)], 6),
        (7, [(0, 4), (1, 1)], 7),
        (99, [(0, 4), (1, 4), (2, 4)], 8),
    ],
)
def test_the_number_of_candidates_counts_the_baselines(n: int, asked: Any, n_tried: int) -> None:
    made = search(CompiledEngine(2), RECIPES, at_a_time=4, n_candidates=n, max_epochs=5)
    assert len(made.run().candidates) == n_tried
    assert made.proposer.asked == asked  # type: ignore[attr-defined]


# --- divergence -------------------------------------------------------------------------------------------


def test_a_candidate_that_diverges_is_counted_and_named_and_harms_nobody() -> None:
    with_it = search(CompiledEngine(2), [*RECIPES[:2], EXPLODES, *RECIPES[2:]]).run()
    without = search(CompiledEngine(2), RECIPES).run()
    failed = of(with_it, EXPLODES)
    assert (failed.failed, failed.state) == ("diverged", "failed")
    assert math.isnan(failed.loss)
    assert failed.epochs_trained > 0
    assert np.isnan(with_it.row_losses[4]).all()
    assert len(with_it.candidates) == len(without.candidates) + 1
    sentence = describe_failures(with_it.candidates)
    assert sentence == f"1 of 9 candidates have no score: {EXPLODES.describe()} (diverged)."
    assert describe_failures(without.candidates) == ""
    assert networks_of(with_it) == networks_of(without)
    for score in without.candidates:
        assert_same_score(of(with_it, score.candidate), score)


def test_where_all_diverge_the_error_names_the_likely_cause() -> None:
    with pytest.raises(TrainingError, match="Every candidate diverged.*lower learning_rate"):
        search(CompiledEngine(2), RECIPES, learning_rate=1e30).run()


def scripted(losses: Any, recipes: list[Recipe], max_epochs: int = 10) -> Search:
    problem = table()
    stages = Stages(tuple(folds_of(problem)))
    engine = ScriptedEngine(losses, stages.all)
    return search(engine, recipes, given=problem, stages=stages, max_epochs=max_epochs)


def test_baselines_that_diverge_at_once_are_counted_and_named_too() -> None:
    wins = Recipe(BatchNorm(), STOP)

    def losses(member: Any, fold: int) -> list[float]:
        return [1.0] * 10 if member.hooks.normalize else [math.nan] * 10

    result = scripted(losses, [wins]).run()
    assert result.best.recipe == wins
    assert [score.failed for score in result.candidates] == ["diverged", "diverged", ""]
    assert describe_failures(result.candidates).startswith("2 of 3 candidates have no score")


def test_a_baseline_that_diverges_on_one_fold_has_failed() -> None:
    def losses(member: Any, fold: int) -> list[float]:
        return [math.nan] if fold == 1 and not member.hooks.normalize else [1.0] * 10

    result = scripted(losses, [Recipe(BatchNorm(), STOP)]).run()
    assert [score.failed for score in result.candidates] == ["diverged", "diverged", ""]


def test_a_candidate_diverges_where_one_of_its_folds_does() -> None:
    def losses(member: Any, fold: int) -> list[float]:
        return [1.0, 1.0, math.nan] if member.hooks.normalize and fold == 1 else [2.0] * 10

    result = scripted(losses, [Recipe(BatchNorm(), STOP)]).run()
    assert [score.failed for score in result.candidates] == ["", "", "diverged"]
    assert result.best.candidate == EARLY


def test_early_stopping_stands_where_only_what_comes_after_it_diverges() -> None:
    def losses(member: Any, fold: int) -> list[float]:
        return [3.0, 2.0, *[4.0] * 30, math.nan, *[math.nan] * 70]

    result = scripted(losses, [], max_epochs=100).run()
    assert [score.failed for score in result.candidates] == ["", "diverged"]
    assert result.best.candidate == EARLY
    assert (result.best.epoch, result.best.epochs_trained) == (2, 3 * 22)
    # Weights of a script are the epoch that they come from.
    assert [float(network.weights["layers.0.weight"][0, 0]) for network in result.networks] == [2.0] * 3
