"""The race: who is dropped, who goes on, and by which rows that is decided."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.training import Control, Member
from taut.recipe import Recipe
from taut.selection.bootstrap import probability_better
from taut.selection.candidate import EARLY_STOPPING_ALONE, Candidate
from taut.selection.race import NO_CUTS, Race, Rule, Trial, race_losses
from taut.selection.runner import Job, Runner
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.streams import Stream, seed_of
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import (
    EARLY,
    SPACE,
    ScriptedEngine,
    folds_of,
    settings,
    table,
    tag_of,
    tagged,
)

N = 60  # rows that a fold holds out
HARSH = Rule(chance=0.05, share=1.0, again=1.0)  # only who has no chance is dropped
Rows = Callable[[int, int], Any]


@pytest.fixture(autouse=True)
def two_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The race is judged after the first fold and after the second, however many it is by default."""
    monkeypatch.setattr("taut.selection.stages._SINGLY", 2)


def at_once(rows: Any) -> list[Any]:
    """The best epoch is the first one: its losses are these, and later ones are worse."""
    return [np.asarray(rows, dtype=np.float64) + worse for worse in (0.0, 1.0, 2.0)]


def race(
    rows: Rows, rule: Rule, *, cv: int = 4, low_fidelity: bool = False, weight: Any = None, seed: int = 0
) -> Race:
    """A race in which a candidate's rows have the losses that are written by its tag and the stage."""
    problem = table(n=N * cv, score_weight=weight)
    folds = tuple(folds_of(problem, cv=cv))
    stages = Stages(folds, folds_of(problem, cv=cv, seed=1)[2] if low_fidelity else None)

    def script(member: Member, stage: int) -> Any:
        return at_once(rows(tag_of(member), stage))

    engine = ScriptedEngine(script, stages.all)
    return Race(Runner(Trainer(engine, problem, settings(max_epochs=3, seed=seed)), stages), rule)


def led(made: Race) -> Trial:
    """The leader: the candidate with tag 0, on all stages."""
    trial = Trial(0, EARLY)
    jobs = [trial.job(stage) for stage in range(len(made._runner.stages.all))]
    runs: Any = made._runner.first(jobs, Control())
    trial.runs.update(enumerate(runs))
    return trial


def trials(*candidates: Any) -> list[Trial]:
    """By tag, or as they are; numbered from 2."""
    tried = [tagged(one) if isinstance(one, int) else one for one in candidates]
    return [Trial(i, one) for i, one in enumerate(tried, start=2)]


def ended(going: Sequence[Trial]) -> list[str]:
    return [trial.ended for trial in going]


def stages(going: Sequence[Trial]) -> list[int]:
    """How many stages each has."""
    return [len(trial.runs) for trial in going]


def run(made: Race, going: Sequence[Trial], **how: Any) -> None:
    leader = how.pop("leader", None) or led(made)
    made.run(going, leader, Control(), **how)


# --- who has no chance ------------------------------------------------------------------------------------


def noise(tag: int, stage: int) -> Any:
    """The rows of one candidate on one stage, about 0."""
    return np.random.default_rng((tag, stage)).standard_normal(N)


def test_who_is_worse_beyond_doubt_is_dropped_after_one_fold() -> None:
    means = {0: 5.0, 1: 4.0, 2: 5.0, 3: 6.0}
    made = race(lambda tag, stage: means[tag] + noise(tag, stage), HARSH)
    going = trials(1, 2, 3)
    run(made, going)
    assert ended(going) == ["", "", "dropped"]
    assert stages(going) == [4, 4, 1]


def test_who_turns_out_worse_on_the_next_fold_is_dropped_there() -> None:
    def rows(tag: int, stage: int) -> Any:
        worse = {1: (0, 0, 9, 9), 2: (0, 1, 0, 0), 3: (0, 0, 0, 0)}.get(tag, (0,) * 4)[stage]
        return 5.0 + worse + noise(tag, stage)

    made = race(rows, HARSH)
    going = trials(1, 2, 3)
    run(made, going)
    # After the second fold nobody is dropped any more: the rest are trained at once.
    assert ended(going) == ["", "dropped", ""]
    assert stages(going) == [4, 2, 4]


def test_both_folds_count_where_there_are_two() -> None:
    """Lost narrowly on the first, won by far on the second; and the other way round."""

    def rows(tag: int, stage: int) -> Any:
        lead = {1: (0.1, -9.0), 2: (-9.0, 0.1), 3: (-0.1, 9.0)}.get(tag, (0.0, 0.0))
        return 20.0 + (lead[stage] if stage < 2 else 0.0) + noise(tag, stage)

    going = trials(1, 2, 3)
    run(race(rows, HARSH), going)
    assert ended(going) == ["", "", "dropped"]


def test_the_chance_is_that_of_the_paired_bootstrap() -> None:

    def rows(tag: int, stage: int) -> Any:
        return 5.0 + 0.15 * (tag > 0) + noise(tag, stage)

    chance = probability_better(
        (rows(1, 0) - rows(0, 0)).astype(np.float32).astype(np.float64), None, seed_of(0, Stream.RACE, 0)
    )
    assert 0.05 < chance < 0.95
    for rule, expected in ((Rule(chance - 0.01, 1.0, 1.0), 2), (Rule(chance + 0.01, 1.0, 1.0), 1)):
        made = race(rows, rule, cv=2)
        going = trials(1)
        run(made, going)
        assert stages(going) == [expected]


def test_rows_are_paired() -> None:
    """All rows differ far more from one another than candidates do: alone, the folds would say nothing."""
    made = race(lambda tag, stage: 500.0 + 100.0 * noise(99, stage) + 0.1 * tag, HARSH)
    going = trials(1)
    run(made, going)
    assert ended(going) == ["dropped"]


def test_a_row_of_infinite_loss_loses() -> None:
    def rows(tag: int, stage: int) -> Any:
        found = np.full(N, 5.0 - tag)
        found[:20] = 1e39 if tag == 1 else found[:20]  # beyond float32
        return found

    made = race(rows, HARSH)
    going = trials(1, 2)
    with np.errstate(over="ignore"):
        run(made, going)
    assert ended(going) == ["dropped", ""]


def test_the_weights_of_rows_count() -> None:
    def rows(tag: int, stage: int) -> Any:
        better = np.where(np.arange(N) < N // 3, -1.0, 1.0)  # than the leader, on a third of the rows
        return 5.0 + tag * better

    plain = trials(1)
    run(race(rows, HARSH), plain)
    assert ended(plain) == ["dropped"]
    unweighted = race(rows, HARSH)
    weight = np.ones(4 * N, dtype=np.float32)
    for fold in unweighted._runner.stages.folds:
        weight[fold.validation[: N // 3]] = 50.0
    weighted = race(rows, HARSH, weight=weight)
    going = trials(1)
    run(weighted, going)
    assert ended(going) == [""]
    assert weighted.loss(going[0], [0, 1]) == pytest.approx(5.0 + (40 - 1000) / 1040)
    assert unweighted.loss(plain[0], [0]) == pytest.approx(5.0 + 1 / 3)


# --- the best share ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "n", "going_on"),
    [
        (Rule(0.0, 1 / 3, 1 / 3), 9, [3, 1]),
        (Rule(0.0, 0.5, 0.5), 10, [5, 3]),  # a part of one is one
        (Rule(0.0, 0.5, 1.0), 8, [4, 4]),
        (Rule(0.0, 1.0, 0.25), 8, [8, 2]),
        (Rule(0.0, 1.0, 1.0), 5, [5, 5]),
        (Rule(0.0, 1e-9, 1.0), 6, [1, 1]),
        (Rule(0.0, 0.01, 0.01), 1, [1, 1]),
    ],
)
def test_at_most_this_share_goes_on_and_the_best_of_them(rule: Rule, n: int, going_on: list[int]) -> None:
    order = np.random.default_rng(0).permutation(n)
    made = race(lambda tag, stage: 5.0 + 0.01 * (order[tag - 1] if tag else 0), rule)
    going = trials(*range(1, n + 1))
    run(made, going)
    by_rank = [stages(going)[i] for i in np.argsort(order)]
    first, second = going_on
    assert by_rank == [4] * second + [2] * (first - second) + [1] * (n - first)
    assert ended(going).count("dropped") == n - second


def test_the_low_fidelity_stage_is_a_round_of_its_own() -> None:
    made = race(lambda tag, stage: 5.0 + tag, Rule(0.0, 0.5, 0.5), low_fidelity=True)
    going = trials(*range(1, 17))
    run(made, going)
    assert stages(going) == [5, 5, 3, 3, 2, 2, 2, 2] + [1] * 8


def test_who_diverges_leaves_its_place_to_others() -> None:
    made = race(lambda tag, stage: math.nan if tag in (1, 2) else 5.0 + tag, Rule(0.0, 0.5, 1.0))
    going = trials(*range(1, 7))
    run(made, going)
    assert ended(going) == ["failed", "failed", "", "", "", "dropped"]


def test_of_equal_ones_the_first_go_on() -> None:
    made = race(lambda tag, stage: 5.0, Rule(0.0, 0.5, 1.0), cv=2)
    going = trials(4, 3, 2, 1)
    run(made, going)
    assert ended(going) == ["", "", "dropped", "dropped"]


def test_who_has_no_chance_takes_no_place() -> None:
    """Three may go on, and of those with a chance there are two."""
    means = {0: 5.0, 1: 4.8, 2: 9.0, 3: 8.0, 4: 4.9, 5: 7.0}
    made = race(lambda tag, stage: means[tag], Rule(0.05, 0.6, 1.0))
    going = trials(1, 2, 3, 4, 5)
    run(made, going)
    assert stages(going) == [4, 1, 1, 4, 1]


def test_the_harshest_rule_leaves_one_or_nobody() -> None:
    made = race(lambda tag, stage: 5.0 + tag, Rule(1.1, 1.0, 1.0))
    going = trials(1, 2)
    run(made, going)
    assert stages(going) == [1, 1]
    lenient = trials(1, 2)
    run(race(lambda tag, stage: 5.0 + tag, Rule(0.0, 1e-9, 1.0)), lenient)
    assert stages(lenient) == [4, 1]


def test_without_cuts_everybody_has_all_folds() -> None:
    made = race(lambda tag, stage: 5.0 + 100.0 * tag, NO_CUTS, low_fidelity=True)
    going = trials(*range(1, 9))
    run(made, going)
    assert ended(going) == [""] * 8
    assert stages(going) == [5] * 8


def test_without_a_leader_nobody_is_dropped() -> None:
    made = race(lambda tag, stage: 5.0 + 100.0 * tag, Rule(1.1, 1e-9, 1.0), low_fidelity=True)
    going = trials(1, 2, 3)
    made.run(going, None, Control())
    assert stages(going) == [5, 5, 5]
    assert ended(going) == ["", "", ""]


def test_one_fold_is_no_race() -> None:
    problem = table()
    fold = folds_of(problem)[0]
    engine = ScriptedEngine(lambda member, stage: at_once(5.0 + tag_of(member)), [fold])
    made = Race(
        Runner(Trainer(engine, problem, settings(max_epochs=3)), Stages((fold,))), Rule(1.1, 1e-9, 1.0)
    )
    going = trials(1, 2)
    run(made, going)
    assert stages(going) == [1, 1]
    assert ended(going) == ["", ""]


# --- techniques alone -------------------------------------------------------------------------------------

ALONE = [
    tagged(1, L1(0.1)), tagged(2, L1(0.2)), tagged(3, L2(0.1)), tagged(4, L2(0.2)), tagged(5, Dropout(0.3)),
    tagged(6, BatchNorm()), tagged(7, L2(0.1), Dropout(0.3)), tagged(8, L1(0.1), BatchNorm()),
]  # fmt: skip
# By tag; 5.0 is the leader's.
MEANS = {0: 5.0, 1: 9.0, 2: 8.0, 3: 7.0, 4: 7.5, 5: 20.0, 6: 30.0, 7: 4.0, 8: 6.0}


def test_the_best_of_each_technique_alone_has_all_folds() -> None:
    made = race(
        lambda tag, stage: MEANS[tag] + noise(tag, stage) / 10, Rule(0.05, 0.25, 1.0), low_fidelity=True
    )
    going = trials(*ALONE)
    run(made, going, keep_singles=True)
    assert stages(going) == [1, 5, 5, 1, 5, 5, 5, 1]
    without = trials(*ALONE)
    run(made, without)
    assert stages(without) == [1, 1, 1, 1, 1, 1, 5, 1]


def test_they_take_nobodys_place() -> None:
    """Three of eight may go on besides them."""
    means = {**MEANS, 1: 4.1, 2: 4.2, 3: 4.3, 4: 4.4, 5: 4.5, 6: 4.6, 7: 4.7, 8: 4.8}
    made = race(lambda tag, stage: means[tag], Rule(0.0, 2 / 8, 1.0), cv=2)
    going = trials(*ALONE)
    run(made, going, keep_singles=True)
    # Kept are 1, 3, 5 and 6; of the others the best two go on.
    assert ended(going) == ["", "", "", "", "", "", "dropped", "dropped"]


def test_which_is_the_best_is_looked_at_again_on_the_next_round() -> None:
    """The first wins the first fold, the second both together; then the leader beats them."""
    means = {0: (5.5, 1.0, 1.0), 1: (5.0, 5.0, 5.0), 2: (5.4, 3.0, 3.0)}
    made = race(lambda tag, stage: means[tag][stage], HARSH, cv=3)
    going = trials(ALONE[0], ALONE[1])
    run(made, going, keep_singles=True)
    assert ended(going) == ["dropped", ""]
    assert stages(going) == [2, 3]


def test_what_is_not_alone_with_early_stopping_is_not_kept() -> None:
    bare = Candidate(Recipe(L2(0.1)), 3.0, MLP((8,)))
    mixture = tagged(4, L2(0.1), L1(0.1))
    nothing = Candidate(Recipe(), 5.0, MLP((8,)))
    made = race(lambda tag, stage: 5.0 + tag, HARSH)
    going = trials(bare, mixture, nothing)
    run(made, going, keep_singles=True)
    assert ended(going) == ["dropped"] * 3


def test_early_stopping_alone_is_kept_at_every_learning_rate() -> None:
    alone = [Candidate(EARLY_STOPPING_ALONE, float(tag), MLP((8,))) for tag in (3, 4)]
    going = trials(tagged(2), *alone)
    run(race(lambda tag, stage: 5.0 + tag, HARSH), going, keep_singles=True)
    assert ended(going) == ["dropped", "", ""]
    going = trials(tagged(2), *alone)
    run(race(lambda tag, stage: 5.0 + tag, HARSH), going)
    assert ended(going) == ["dropped"] * 3


# --- the low-fidelity stage --------------------------------------------------------------------------------


def test_the_low_fidelity_stage_comes_first_and_has_its_own_leaders_rows() -> None:
    def rows(tag: int, stage: int) -> Any:
        low_fidelity = {0: 50.0, 1: 49.0, 2: 51.0, 3: 49.0}
        fold = {0: 5.0, 1: 4.0, 2: 1.0, 3: 6.0}
        return low_fidelity[tag] if stage == 4 else fold[tag]

    going = trials(1, 2, 3)
    run(race(rows, HARSH, low_fidelity=True), going)
    assert [sorted(trial.runs) for trial in going] == [[0, 1, 2, 3, 4], [4], [0, 4]]
    assert ended(going) == ["", "dropped", "dropped"]


def test_folds_are_compared_without_the_low_fidelity_stage() -> None:
    """What was won by far on the low-fidelity stage has no say in the folds."""
    made = race(lambda tag, stage: 5.0 - 100.0 * tag * (stage == 4) + 0.5 * tag, HARSH, low_fidelity=True)
    going = trials(1)
    run(made, going)
    assert sorted(going[0].runs) == [0, 4]
    assert made.loss(going[0], [0]) == pytest.approx(5.5)


# --- failures, ends ---------------------------------------------------------------------------------------


def test_who_diverges_is_out_and_counts_for_nobody() -> None:
    def rows(tag: int, stage: int) -> Any:
        return math.nan if tag == 1 or (tag == 3 and stage == 2) else 5.0

    made = race(rows, Rule(0.0, 0.5, 1.0))
    going = trials(1, 2, 3, 4)
    run(made, going)
    # Two of four go on.
    assert ended(going) == ["failed", "", "failed", "dropped"]
    assert stages(going) == [1, 4, 4, 1]


def test_nobody_left_is_the_end() -> None:
    made = race(lambda tag, stage: math.nan if tag else 5.0, HARSH)
    going = trials(1, 2)
    run(made, going)
    assert ended(going) == ["failed", "failed"]


def test_who_is_cut_off_is_told_so() -> None:
    """Cut off after any number of networks: nobody is dropped without having lost."""
    means = {0: 5.0, 1: 4.0, 2: 9.0, 3: 4.5}
    for n_done in range(0, 10):
        made = race(lambda tag, stage: means[tag], HARSH)
        going, leader = trials(1, 2, 3), led(made)
        cancelled = threading.Event()
        seen: list[Job] = []

        def arrived(job: Job, seen: Any = seen, cancelled: Any = cancelled, n: int = n_done) -> None:
            seen.append(job)
            if len(seen) >= n:
                cancelled.set()

        if n_done == 0:
            cancelled.set()
        made.run(going, leader, Control(cancelled=cancelled), arrived)
        assert len(seen) == n_done == sum(stages(going))
        finished = [trial for trial in going if len(trial.runs) == 4]
        assert all(trial.ended == "" for trial in finished)
        assert all(trial.ended in ("cut off", "dropped") for trial in going if trial not in finished)
        assert going[1].ended == ("dropped" if n_done >= 2 else "cut off")
        assert [trial.ended for trial in (going[0], going[2])].count("dropped") == 0


def test_jobs_arrive_stage_by_stage() -> None:
    made = race(lambda tag, stage: 5.0, NO_CUTS, low_fidelity=True)
    seen: list[Job] = []
    run(made, trials(1, 2), on_done=seen.append)
    assert [(job.number, job.stage) for job in seen] == [
        (2, 4), (3, 4), (2, 0), (3, 0), (2, 1), (3, 1), (2, 2), (2, 3), (3, 2), (3, 3),
    ]  # fmt: skip


# --- the numbers ------------------------------------------------------------------------------------------


def test_a_run_races_by_its_own_best_epoch() -> None:
    """Whatever came later: it is what it was when it stopped."""
    made = race(lambda tag, stage: 5.0 + tag, NO_CUTS)
    (trial,) = trials(1)
    run(made, [trial])
    for one in trial.runs.values():
        assert (one.best_epoch, one.epoch) == (1, 3)
        np.testing.assert_array_equal(race_losses(one), np.full(N, 6.0, dtype=np.float32))
    assert made.loss(trial, [0, 1, 2, 3]) == 6.0


def test_the_loss_is_the_mean_over_all_rows_of_the_stages() -> None:
    made = race(lambda tag, stage: np.arange(N) * 1.0 + 100 * stage, NO_CUTS)
    (trial,) = trials(1)
    run(made, [trial])
    assert made.loss(trial, [2]) == pytest.approx(200 + (N - 1) / 2)
    assert made.loss(trial, [0, 3]) == pytest.approx(150 + (N - 1) / 2)


def test_a_trial_counts_its_epochs_and_seconds() -> None:
    problem = table()
    folds = tuple(folds_of(problem))
    made = Race(Runner(Trainer(CompiledEngine(1), problem, settings()), Stages(folds)), NO_CUTS)
    trial = Trial(2, SPACE.usual(Recipe(L2(0.1), EarlyStopping(3))))
    made.run([trial], None, Control())
    assert trial.epochs == sum(len(one.curve) for one in trial.runs.values())
    assert trial.seconds == pytest.approx(sum(one.seconds for one in trial.runs.values()))
    assert trial.job(2) == Job(2, trial.candidate, 2)


def test_threads_change_nothing() -> None:
    problem = table()
    shared = Stages(tuple(folds_of(problem)))
    tried = [SPACE.usual(Recipe(one, EarlyStopping(5))) for one in (L2(0.1), L2(30.0), L1(1.0), Dropout(0.9))]
    found = []
    for threads in (1, 2):
        trainer = Trainer(CompiledEngine(threads), problem, settings())
        made = Race(Runner(trainer, shared), Rule(0.001, 0.5, 1.0))
        going = trials(*tried)
        made.run(going, led(made), Control())
        found.append((ended(going), stages(going)))
    assert found[0] == found[1]
    assert "dropped" in found[0][0]
    assert "" in found[0][0]
