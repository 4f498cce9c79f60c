"""A search in which candidates are dropped: who leads, who is spared, what is told of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.errors import TrainingWarning
from taut.recipe import Recipe
from taut.selection.race import NO_CUTS, Rule
from taut.selection.search import Search
from taut.selection.stages import Stages
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import (
    EARLY,
    NONE,
    SPACE,
    STOP,
    Clock,
    CountingEngine,
    ScriptedEngine,
    assert_same_result,
    assert_same_score,
    folds_of,
    of,
    search,
    table,
    tag_of,
    tagged,
)

N = 40  # rows that a fold holds out
HARSH = Rule(chance=0.05, share=1.0, again=1.0)  # only who has no chance is dropped
HARSHEST = Rule(chance=1.1, share=1e-9, again=1.0)


@pytest.fixture(autouse=True)
def two_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The race is judged after the first fold and after the second, however many it is by default."""
    monkeypatch.setattr("taut.selection.stages._SINGLY", 2)
    monkeypatch.setattr("taut.selection.search._FIRST_BATCH_FOLDS", 1)


def at_once(rows: Any) -> list[Any]:
    """The best epoch is the first one: its losses are these, and later ones are worse."""
    return [np.asarray(rows, dtype=np.float64) + worse for worse in (0.0, 1.0, 2.0)]


def raced(
    losses: Any, tried: Sequence[Any], rule: Rule, *, low_fidelity: bool = False, clock: Clock | None = None,
    epochs: Any = at_once, **changes: Any,
) -> Search:  # fmt: skip
    """A search over candidates whose losses are written by tag (0 for the baselines) and stage."""
    problem = table(n=4 * N)
    folds = tuple(folds_of(problem, cv=4))
    stages = Stages(folds, folds_of(problem, cv=4, seed=1)[0] if low_fidelity else None)

    def script(member: Any, stage: int) -> Any:
        return epochs(losses(tag_of(member), stage))

    engine = ScriptedEngine(script, stages.all, clock)
    given: dict[str, Any] = {"given": problem, "stages": stages, "rule": rule, "max_epochs": 3}
    return search(engine, tried, **{**given, **changes})


def states(result: Any) -> list[str]:
    return [score.state for score in result.candidates]


def n_folds(result: Any) -> list[int]:
    return [int(score.folds.sum()) for score in result.candidates]


# --- the leader -------------------------------------------------------------------------------------------


def test_the_best_so_far_leads_the_next_batch() -> None:
    means = {0: 5.0, 1: 3.0, 2: 6.0, 3: 4.0, 4: 2.0}
    made = raced(lambda tag, stage: means[tag], [tagged(tag) for tag in (1, 2, 3, 4)], HARSH, at_a_time=2)
    result = made.run()
    # The third is better than the baselines, and worse than the first, which leads by then.
    assert states(result) == ["complete"] * 3 + ["dropped", "dropped", "complete"]
    assert n_folds(result) == [4, 4, 4, 1, 1, 4]
    assert result.best.candidate == tagged(4)


# Each fold by itself is best somewhere else, so that early stopping's epochs, which are chosen on the others,
# are bad; at the last epoch no regularization is better.
UNLUCKY = {0: [1.0, 9.0, 9.0], 1: [9.0, 9.0, 2.0], 2: [9.0, 9.0, 2.0], 3: [2.0, 9.0, 1.9], 4: [7.0, 8.0, 8.0]}


def unlucky(tag: int, stage: int) -> list[float]:
    return [5.0, 6.0, 7.0] if tag else UNLUCKY[stage]


def test_the_better_baseline_leads_the_first_batch() -> None:
    made = raced(unlucky, [tagged(1)], HARSH, epochs=list)
    result = made.run()
    assert [score.loss for score in result.candidates[:2]] == pytest.approx([28.9 / 4, 14.9 / 4])
    # On the first fold the candidate loses to early stopping's own best epoch, and wins against the last one.
    assert result.candidates[2].state == "complete"


def test_baselines_are_never_dropped() -> None:
    made = raced(
        lambda tag, stage: 1.0 if tag else 5.0, [tagged(tag) for tag in range(1, 8)], HARSHEST, at_a_time=3
    )
    result = made.run()
    assert states(result) == ["complete"] * 2 + ["dropped"] * 7
    assert n_folds(result) == [4, 4] + [1] * 7
    # Nobody else has all folds, so that a baseline is chosen, however good the others looked.
    assert result.best.candidate == EARLY
    assert result.candidates[2].loss == 1.0


def test_without_a_baseline_that_stands_nobody_is_dropped_at_first_and_then_the_best_leads() -> None:
    means = {0: math.nan, 1: 9.0, 2: 7.0, 3: 8.0, 4: 6.0}
    made = raced(lambda tag, stage: means[tag], [tagged(tag) for tag in (1, 2, 3, 4)], HARSH, at_a_time=2)
    result = made.run()
    assert states(result) == ["failed", "failed", "complete", "complete", "dropped", "complete"]
    # The loss of who was dropped is measured from the first that stands.
    assert result.candidates[4].loss == pytest.approx(9.0 - 1.0)
    assert result.best.candidate == tagged(4)


# --- techniques alone -------------------------------------------------------------------------------------


def test_the_best_of_each_technique_alone_has_all_folds_in_the_first_batch_only() -> None:
    tried = [
        tagged(1, L1(0.1)), tagged(2, L1(0.2)), tagged(3, Dropout(0.3)), tagged(4, L2(0.1), BatchNorm()),
        tagged(5, L1(0.3)), tagged(6, BatchNorm()),
    ]  # fmt: skip
    made = raced(lambda tag, stage: 5.0 + tag, tried, HARSH, at_a_time=4)
    result = made.run()
    assert [score.batch for score in result.candidates] == [-1, -1, 0, 0, 0, 0, 1, 1]
    assert n_folds(result) == [4, 4, 4, 1, 4, 1, 1, 1]
    assert states(result)[2:] == ["complete", "dropped", "complete", "dropped", "dropped", "dropped"]


# --- what is told of who was dropped ----------------------------------------------------------------------


def test_the_loss_of_who_was_dropped_is_measured_from_early_stopping_alone() -> None:
    """Folds differ more from one another than candidates do: on the first one all losses are low."""

    def losses(tag: int, stage: int) -> Any:
        return np.linspace(0.0, 1.0, N) + [10.0, 50.0, 60.0, 80.0][stage] + {0: 0.0, 1: 2.0, 2: -1.0}[tag]

    result = raced(losses, [tagged(1), tagged(2)], HARSH).run()
    assert states(result) == ["complete", "complete", "dropped", "complete"]
    early, dropped = result.candidates[0], result.candidates[2]
    assert early.loss == pytest.approx(50.5)
    assert dropped.loss == pytest.approx(52.5)
    np.testing.assert_allclose(dropped.validation_loss, [12.5, math.nan, math.nan, math.nan], equal_nan=True)


def test_it_is_told_to_the_proposer_and_is_never_chosen() -> None:
    """Of two that are better, one has all folds; the other would have been better still."""

    def losses(tag: int, stage: int) -> float:
        return {0: 9.0, 1: 3.0, 2: 4.0 if stage == 0 else 0.0}[tag]

    made = raced(losses, [tagged(1), tagged(2)], Rule(0.0, 0.5, 1.0), selection="1se")
    result = made.run()
    assert states(result)[2:] == ["complete", "dropped"]
    assert result.best.candidate == tagged(1)
    told = [result.candidates[0], *result.candidates[2:]]
    assert made.proposer.told == told  # type: ignore[attr-defined]
    assert [score.loss for score in result.candidates[2:]] == [3.0, 4.0]


def test_its_row_losses_are_those_of_the_folds_that_it_has() -> None:
    made = raced(lambda tag, stage: np.arange(N) + 100.0 * tag, [tagged(1), tagged(2)], HARSH)
    result = made.run()
    first = made.stages.folds[0].validation
    rows = result.row_losses[2]
    np.testing.assert_array_equal(rows[first], np.arange(N) + 100.0)
    assert np.isnan(np.delete(rows, first)).all()
    assert np.isfinite(result.row_losses[0]).all()


def test_a_scorer_is_asked_of_those_with_all_folds_only() -> None:
    asked = []

    def scorer(fold: int, outputs: Any) -> float:
        asked.append((int(outputs[0, 1]), fold))
        return float(-outputs[0, 1])

    means = {0: 5.0, 1: 4.0, 9: 9.0}
    made = raced(lambda tag, stage: means[tag], [tagged(1), tagged(9)], HARSH, scorer=scorer)
    made.runner.keeps_outputs = False  # a script has none
    with pytest.warns(TrainingWarning, match="and the loss the epoch of each"):
        result = made.run()
    assert states(result)[2:] == ["complete", "dropped"]
    assert asked == [(tag, fold) for tag in (0, 0, 1) for fold in range(4)]
    assert result.best.candidate == EARLY  # by the scorer
    assert result.candidates[3].scoring is None


# --- with cuts and without --------------------------------------------------------------------------------

MANY = [
    Recipe(*techniques, STOP)
    for techniques in (
        [L1(0.01)], [L2(0.1)], [Dropout(0.3)], [BatchNorm()], [L1(1.0)], [L2(30.0)], [Dropout(0.9)],
        [L2(0.1), L1(0.02)], [L2(0.3), Dropout(0.2)], [L1(0.5), Dropout(0.8)], [BatchNorm(), L2(20.0)],
        [BatchNorm(), L1(0.03)],
    )
]  # fmt: skip


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_who_has_all_folds_is_scored_as_without_cuts(task: Any) -> None:
    engines = [CountingEngine(CompiledEngine(1)) for _ in range(2)]
    full = search(engines[0], MANY, task).run()
    some = search(engines[1], MANY, task, rule=Rule(0.1, 0.5, 0.7)).run()
    assert set(states(full)) == {"complete"}
    dropped = [score for score in some.candidates if score.state == "dropped"]
    assert 4 <= len(dropped) <= 10
    for score in some.candidates:
        if score.complete:
            assert_same_score(score, of(full, score.candidate))
        else:
            assert score.epochs_trained < of(full, score.candidate).epochs_trained
    assert sum(engines[1].epochs.values()) < 0.9 * sum(engines[0].epochs.values())
    # Only those that are bad were dropped here.
    assert some.best.candidate == full.best.candidate
    assert min(score.loss for score in dropped) > full.best.loss


def test_threads_change_nothing() -> None:
    one, two = (search(CompiledEngine(n), MANY, rule=Rule(0.1, 0.5, 0.7), at_a_time=5).run() for n in (1, 2))
    assert_same_result(one, two)
    assert "dropped" in states(one)


def test_who_was_dropped_is_let_go_of() -> None:
    made = search(CompiledEngine(1), MANY, rule=Rule(0.1, 0.5, 0.7), at_a_time=5)
    result = made.run()
    held = {number for number, _ in made.runner._live}
    leader = min(range(len(result.candidates)), key=lambda i: result.candidates[i].loss)
    assert held <= {0, 1, result.chosen, leader}


# --- the low-fidelity stage --------------------------------------------------------------------------------


def test_the_low_fidelity_stage_is_raced_and_has_no_part_in_the_score() -> None:
    def losses(tag: int, stage: int) -> float:
        if stage == 4:
            return {0: 50.0, 1: 20.0, 2: 60.0, 3: 50.0}[tag]
        return {0: 5.0, 1: 6.0, 2: 1.0, 3: 4.0}[tag]

    result = raced(losses, [tagged(1), tagged(2), tagged(3)], HARSH, low_fidelity=True).run()
    # The first is better on the low-fidelity stage only, the second on the folds only.
    assert states(result)[2:] == ["dropped", "dropped", "complete"]
    assert n_folds(result) == [4, 4, 1, 0, 4]
    # No regularization is two epochs later, which is worse by 2.
    assert [score.loss for score in result.candidates] == [5.0, 7.0, 6.0, 5.0 + 10.0, 4.0]
    assert result.best.candidate == tagged(3)
    assert np.isnan(result.row_losses[3]).all()


@pytest.mark.parametrize("rule", [NO_CUTS, Rule(0.0, 1.0, 1.0)])
def test_with_a_low_fidelity_stage_and_without_cuts_scores_are_the_same(rule: Rule) -> None:
    problem = table()
    folds = tuple(folds_of(problem))
    tasting = Stages(folds, folds_of(problem, cv=5, seed=1)[0])
    found = [
        search(CompiledEngine(1), MANY[:6], given=problem, stages=stages, rule=rule).run()
        for stages in (Stages(folds), tasting)
    ]
    for one, other in zip(found[0].candidates, found[1].candidates, strict=True):
        assert_same_score(one, other, but=["seconds", "epochs_trained"])
        # No regularization is not raced, so that it needs none.
        assert other.epochs_trained > one.epochs_trained or other.candidate == NONE
    assert found[0].chosen == found[1].chosen
    for place, rows in found[0].row_losses.items():
        assert rows.tobytes() == found[1].row_losses[place].tobytes()
    assert len(found[1].networks) == 3


def test_no_regularization_can_lead_where_there_is_a_low_fidelity_stage() -> None:
    made = raced(unlucky, [tagged(1), tagged(2)], HARSH, low_fidelity=True, epochs=list)
    result = made.run()
    early, none = result.candidates[:2]
    assert none.loss < early.loss
    assert len(result.candidates) == 4


def test_a_low_fidelity_stage_that_the_time_limit_cuts_off(monkeypatch: Any) -> None:
    """Early stopping alone has no low-fidelity stage then, and nobody else has time for one."""
    clock = Clock(monkeypatch)
    made = raced(lambda tag, stage: 5.0, [tagged(1)], HARSH, low_fidelity=True, clock=clock)
    # Its folds take 12 seconds, its low-fidelity stage would take 3; half of the time is for the baselines.
    made.deadline = clock.now + 2 * 13
    result = made.run()
    assert result.best.candidate in (EARLY, NONE)
    assert len(result.networks) == 4


def test_a_recipe_with_another_patience_is_a_candidate_like_others() -> None:
    recipe = Recipe(EarlyStopping(3))
    result = search(CompiledEngine(1), [recipe], rule=HARSH).run()
    assert of(result, SPACE.usual(recipe)).state in ("complete", "dropped")
    assert of(result, EARLY).batch == -1


# --- where a batch begins ---------------------------------------------------------------------------------


def test_the_first_batch_has_two_folds_and_each_batch_begins_with_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("taut.selection.search._FIRST_BATCH_FOLDS", 2)
    tried = [tagged(tag) for tag in (1, 2, 3, 4, 5)]
    made = raced(lambda tag, stage: 9.0 if tag else 5.0, tried, HARSHEST, at_a_time=1)
    result = made.run()
    assert [np.flatnonzero(score.folds).tolist() for score in result.candidates[2:]] == [
        [0, 1], [1], [2], [3], [0],
    ]  # fmt: skip
