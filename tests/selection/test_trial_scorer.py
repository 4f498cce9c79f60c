"""From a trial of the race to its score: complete, dropped, failed or cut off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import RepeatedKFold

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.learning.training import Control, Status
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import without_shared_rows
from taut.selection.race import NO_CUTS, Race, Trial
from taut.selection.runner import Runner
from taut.selection.score import CandidateScore, score_folds
from taut.selection.scored_epochs import FoldScorer
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.selection.trial_scorer import TrialScorer
from taut.techniques import L1, BatchNorm, EarlyStopping
from tests.selection.helpers import (
    EARLY,
    SPACE,
    Clock,
    Script,
    ScriptedEngine,
    folds_of,
    settings,
    table,
    tag_of,
)

NAN = math.nan
PATIENT = EarlyStopping(2)
NOW = Control(deadline=0.0)


def trial_scorer(
    script: Script | None = None, task: Any = "classification", *, scorer: FoldScorer | None = None,
    low_fidelity: bool = False, cv: Any = 3, weight: Any = None, max_epochs: int = 8,
) -> TrialScorer:  # fmt: skip
    problem = table(task=task, score_weight=weight)
    folds = tuple(folds_of(problem, cv=cv))
    stages = Stages(folds, folds_of(problem, cv=4, seed=1)[0] if low_fidelity else None)
    engine = CompiledEngine(1) if script is None else ScriptedEngine(script, stages.all)
    runner = Runner(Trainer(engine, problem, settings(max_epochs=max_epochs)), stages)
    return TrialScorer(runner, Race(runner, NO_CUTS), scorer)


def trial(
    made: TrialScorer, tag: int, stages: Any = (0, 1, 2), recipe: Recipe | None = None, number: int = 5
) -> Trial:
    """A candidate that has trained these stages, each to its own stop."""
    one = Trial(number, Candidate(recipe or Recipe(PATIENT), float(tag), MLP((8,))))
    runs: Any = made._runner.first([one.job(stage) for stage in stages], Control())
    one.runs.update(zip(stages, runs, strict=True))
    if any(run.status is Status.DIVERGED for run in runs):
        one.ended = "failed"
    return one


def finished(made: TrialScorer, one: Trial, control: Control | None = None) -> CandidateScore:
    score = made.finish(one, 3, control or Control())
    assert score is not None
    return score


# Best at 2, at 4 and at 3 by itself.
LINES = {
    0: [5.0, 1.0, 4.0, 3.0, 3.0, 6.0, 6.0, 6.0],
    1: [8.0, 7.0, 6.0, 2.0, 5.0, 6.0, 6.0, 6.0],
    2: [9.0, 5.0, 3.0, 4.0, 4.5, 6.0, 6.0, 6.0],
}


# --- complete ---------------------------------------------------------------------------------------------


def test_shorter_folds_go_on_to_the_longest_ones_epoch_and_each_is_scored_on_the_others() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage])
    one = trial(made, 1)
    assert [run.epoch for run in one.runs.values()] == [4, 6, 5]
    score = finished(made, one)
    assert [run.epoch for run in one.runs.values()] == [6, 6, 6]
    # The sums are 22 13 13 9 12.5; of the others: 17 12 9 6 9.5, 14 6 7 7 7.5, 13 8 10 5 8.
    assert (score.epoch, score.fold_epochs.tolist()) == (4, [4, 2, 4])
    assert score.validation_loss.tolist() == [3.0, 7.0, 4.0]
    assert score.train_loss.tolist() == [1.5, 3.5, 2.0]
    assert score.score.tolist() == pytest.approx([0.7, 0.3, 0.6])
    assert score.loss == pytest.approx(14 / 3)
    assert (score.state, score.batch, score.failed) == ("complete", 3, "")
    assert score.candidate is one.candidate
    assert score.epochs_trained == 18
    assert score.n_repeats == 1
    assert score.scoring is None


def test_the_rows_losses_of_the_epochs_that_score_are_had() -> None:
    made = trial_scorer(lambda member, stage: [np.arange(80) + worse for worse in LINES[stage]])
    one = trial(made, 1)
    score = finished(made, one)
    for k, epoch in enumerate(score.fold_epochs.tolist()):
        losses = one.runs[k].losses[epoch]
        assert losses.tolist() == (np.arange(80) + LINES[k][epoch - 1]).tolist()
        assert losses.mean() == pytest.approx(score.validation_loss[k])


def test_without_early_stopping_the_last_epoch_scores() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage])
    score = finished(made, trial(made, 1, recipe=Recipe(L1(0.1))))
    assert (score.epoch, score.fold_epochs.tolist(), score.loss) == (8, [8, 8, 8], 6.0)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_the_curves(task: Any, weighted: bool) -> None:
    weight = np.random.default_rng(0).random(240).astype(np.float32) if weighted else None
    made = trial_scorer(task=task, weight=weight, max_epochs=60)
    one = Trial(6, SPACE.usual(Recipe(L1(0.3), BatchNorm(), EarlyStopping(5))))
    one.runs.update(enumerate(made._runner.first([one.job(k) for k in range(3)], Control())))  # type: ignore[arg-type]
    score = finished(made, one)
    curves = [one.runs[k].curve for k in range(3)]
    assert len({len(curve) for curve in curves}) == 1
    folds = made._runner.stages.folds
    problem = made._runner.problem
    expected = score_folds(curves, True, problem.objective, problem.spreads(folds))
    assert score.epoch == expected.epoch
    for name in ("fold_epochs", "train_loss", "validation_loss", "score"):
        np.testing.assert_array_equal(getattr(score, name), getattr(expected, name))
    assert (0.5 if task == "classification" else 0.2) < score.score.mean() < 1.0
    assert score.zero_share == pytest.approx(np.mean([run.zero_share for run in one.runs.values()]))
    assert 0.0 < score.zero_share < 1.0
    assert score.seconds == pytest.approx(sum(run.seconds for run in one.runs.values()))
    for k, fold in enumerate(folds):
        w = None if weight is None else weight[fold.validation]
        losses = one.runs[k].losses[int(score.fold_epochs[k])].astype(np.float64)
        assert np.average(losses, weights=w) == pytest.approx(score.validation_loss[k], rel=1e-5)


def test_where_folds_repeat_shared_rows_have_no_say_and_the_repeats_are_counted() -> None:
    cv = RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)
    rng = np.random.default_rng(0)
    lines = {stage: rng.random(8) for stage in range(6)}
    made = trial_scorer(lambda member, stage: lines[stage], cv=cv)
    one = trial(made, 1, stages=range(6), recipe=Recipe(EarlyStopping()))
    score = finished(made, one)
    folds = made._runner.stages.folds
    others = without_shared_rows(folds, 240)
    assert others is not None
    curves = [one.runs[k].curve for k in range(6)]
    expected = score_folds(curves, True, CrossEntropy(3), np.full(6, NAN), others)
    assert score.fold_epochs.tolist() == expected.fold_epochs.tolist()
    assert score.n_repeats == 3


def test_a_scorer_is_given_every_folds_outputs_at_the_epoch_that_scores() -> None:
    seen = []

    def scorer(k: int, outputs: Any) -> float:
        seen.append((k, outputs.shape, *outputs[0].tolist()))
        return k + outputs[0, 0] / 10

    made = trial_scorer(lambda member, stage: LINES[stage], scorer=scorer)
    score = finished(made, trial(made, 7))
    # A scripted network's outputs are the epoch and the learning rate that it comes from.
    assert seen == [(0, (80, 2), 4.0, 7.0), (1, (80, 2), 2.0, 7.0), (2, (80, 2), 4.0, 7.0)]
    assert score.scoring is not None
    assert score.scoring.tolist() == pytest.approx([0.4, 1.2, 2.4])
    assert score.merit == pytest.approx(4 / 3)
    assert score.loss == pytest.approx(14 / 3)  # which is reported all the same


# --- failed -----------------------------------------------------------------------------------------------


def test_who_diverged_has_failed() -> None:
    made = trial_scorer(lambda member, stage: [5.0, NAN] if stage == 1 else LINES[stage])
    one = trial(made, 1)
    score = finished(made, one)
    assert (score.state, score.failed, score.batch) == ("failed", "diverged", 3)
    assert score.epochs_trained == 4 + 1 + 5
    assert math.isnan(score.loss)
    assert score.fold_epochs.tolist() == [0, 0, 0]
    assert score.candidate is one.candidate


def test_who_diverges_on_the_way_to_the_longest_ones_epoch_has_failed_too() -> None:
    made = trial_scorer(lambda member, stage: [5.0, 1.0, 4.0, 3.0, NAN] if stage == 0 else LINES[stage])
    one = trial(made, 1)
    assert one.ended == ""
    score = finished(made, one)
    assert (score.state, score.failed, one.ended) == ("failed", "diverged", "failed")
    assert score.epochs_trained == 4 + 6 + 6


# --- cut off ----------------------------------------------------------------------------------------------


def test_who_was_cut_off_in_the_race_does_not_count() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage])
    one = trial(made, 1, stages=(0,))
    one.ended = "cut off"
    assert made.finish(one, 3, Control()) is None


def test_who_is_cut_off_after_its_folds_have_ended_is_scored_as_far_as_they_go_together() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage])
    score = finished(made, trial(made, 1), NOW)
    # The shortest has 4 epochs: the same as above, for these are enough here.
    assert (score.state, score.epoch, score.fold_epochs.tolist()) == ("cut off", 4, [4, 2, 4])
    assert score.epochs_trained == 4 + 6 + 5
    assert not score.complete
    # Where all are of one length there is nothing to cut off.
    same = trial_scorer(lambda member, stage: LINES[0])
    assert finished(same, trial(same, 1), NOW).complete


def by_epoch(k: int, outputs: Any) -> float:
    return float(outputs[0, 0])


def test_a_candidate_cut_off_before_the_scorer_has_its_networks_does_not_count() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage], scorer=by_epoch)
    # The second fold's network at the second epoch has to be made again.
    assert made.finish(trial(made, 1), 3, NOW) is None
    # Without a scorer no network is needed.
    without = trial_scorer(lambda member, stage: LINES[stage])
    assert finished(without, trial(without, 1), NOW).state == "cut off"


@pytest.mark.fault(44)
def test_the_scorer_is_only_asked_where_it_will_be_done_in_time(monkeypatch: Any) -> None:
    clock = Clock(monkeypatch)

    def slow(k: int, outputs: Any) -> float:
        clock.now += 10.0
        return by_epoch(k, outputs)

    made = trial_scorer(lambda member, stage: LINES[0], scorer=slow)
    assert made.scoring_seconds == 0.0
    one, other, third = (trial(made, tag, number=tag) for tag in (1, 2, 3))
    assert made.finish(one, 3, Control(deadline=clock.now + 30)) is not None
    assert made.scoring_seconds == 30.0
    # What does not fit in is not begun.
    assert made.finish(other, 3, Control(deadline=clock.now + 29)) is None
    assert clock.now == 1050.0
    assert made.finish(third, 3, NOW) is None
    assert clock.now == 1050.0
    assert made.finish(third, 3, Control()) is not None


def test_a_baseline_has_its_figures_whatever_the_time() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage], scorer=by_epoch)
    score = made.finish(trial(made, 1), -1, NOW, Control())
    assert score is not None
    assert score.state == "cut off"
    assert score.scoring is not None
    assert score.scoring.tolist() == [4.0, 2.0, 4.0]
    assert score.merit == pytest.approx(10 / 3)


def test_a_candidate_that_there_was_no_time_to_score_is_named() -> None:
    made = trial_scorer(lambda member, stage: LINES[stage], scorer=by_epoch)
    score = made.unscored(trial(made, 1), -1)
    assert (score.state, score.failed) == ("failed", "no time was left to score it")


# --- dropped ----------------------------------------------------------------------------------------------


def anchored(made: TrialScorer, loss: float) -> TrialScorer:
    alone = trial(made, 0, stages=range(len(made._runner.stages.all)), recipe=EARLY.recipe, number=0)
    made.anchor = (alone, loss)
    return made


def rows(shift: dict[tuple[int, int], float]) -> Script:
    """Row losses about the stage's own level, those of tag 0 less so; the second epoch is the best one."""

    def script(member: Any, stage: int) -> Any:
        n = len(member.fold.validation)
        line = 100.0 * stage + np.arange(n) + shift.get((tag_of(member), stage), 0.0)
        return [line + worse for worse in (1.0, 0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)]

    return script


@pytest.mark.parametrize(
    ("stages", "difference"),
    [((0,), 3.0), ((0, 1), 4.0), ((3,), -10.0), ((0, 3), 3.0), ((0, 1, 3), 4.0)],
    ids=str,
)
def test_the_loss_of_who_was_dropped_is_the_anchors_and_the_difference_on_what_both_have(
    stages: tuple[int, ...], difference: float
) -> None:
    made = anchored(trial_scorer(rows({(1, 0): 3.0, (1, 1): 5.0, (1, 3): -10.0}), low_fidelity=True), 20.0)
    one = trial(made, 1, stages=stages)
    one.ended = "dropped"
    score = finished(made, one)
    assert score.state == "dropped"
    assert score.loss == pytest.approx(20.0 + difference)
    has = [stage in stages for stage in range(3)]
    assert score.folds.tolist() == has
    assert score.fold_epochs.tolist() == [2 * one for one in has]
    expected = [100.0 * k + 39.5 + {0: 3.0, 1: 5.0}[k] if has[k] else NAN for k in range(3)]
    np.testing.assert_allclose(score.validation_loss, expected)
    np.testing.assert_allclose(score.train_loss, np.array(expected) / 2)
    np.testing.assert_allclose(score.score, 1.0 - np.array(expected) / 10)
    assert score.epoch == (2 if any(has) else 0)
    assert score.epochs_trained == 4 * len(stages)
    assert (score.scoring, score.failed, score.batch) == (None, "", 3)
    assert score.zero_share == 0.0


def test_rows_of_more_weight_count_more_in_the_difference() -> None:
    weight = np.random.default_rng(0).uniform(0.1, 3.0, 240).astype(np.float32)
    slope = np.linspace(-1.0, 4.0, 80)

    def script(member: Any, stage: int) -> Any:
        return [50.0 + tag_of(member) * slope, np.full(80, 99.0), np.full(80, 99.0), np.full(80, 99.0)]

    made = anchored(trial_scorer(script, weight=weight, max_epochs=4), 20.0)
    one = trial(made, 1, stages=(0, 1))
    one.ended = "dropped"
    folds = made._runner.stages.folds
    w = np.concatenate([weight[folds[k].validation] for k in (0, 1)])
    expected = np.average(np.tile(slope, 2), weights=w)
    assert finished(made, one).loss == pytest.approx(20.0 + expected, rel=1e-6)


def test_r_squared_of_who_was_dropped() -> None:
    made = anchored(trial_scorer(rows({}), "regression"), 20.0)
    one = trial(made, 1, stages=(0, 1))
    one.ended = "dropped"
    score = finished(made, one)
    variances = made._runner.problem.spreads(made._runner.stages.folds)
    np.testing.assert_allclose(score.score[:2], 1.0 - score.validation_loss[:2] / variances[:2])
    assert math.isnan(score.score[2])


def test_a_scorer_is_not_asked_of_who_was_dropped_or_failed() -> None:
    def scorer(k: int, outputs: Any) -> float:
        raise AssertionError("asked")

    made = anchored(trial_scorer(rows({}), scorer=scorer), 20.0)
    one, other = trial(made, 1, stages=(0,)), trial(made, 2, stages=(0,))
    one.ended, other.ended = "dropped", "failed"
    assert finished(made, one).scoring is None
    assert finished(made, other).scoring is None
