"""The one place that asks an engine for networks."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.trainer import Settings, Trainer
from taut.streams import Stream, seed_of
from taut.techniques import L2, BatchNorm, Dropout, EarlyStopping
from tests.engine.helpers import each_loss
from tests.learning.toy import Logistic, ToyEngine, fold, pictures
from tests.selection.helpers import (
    EARLY,
    NONE,
    CountingEngine,
    ScriptedEngine,
    WrappedEngine,
    bits,
    folds_of,
    settings,
    table,
)

CANDIDATE = Candidate(Recipe(L2(0.3), Dropout(0.2), BatchNorm(), EarlyStopping(3)), 0.007, MLP((5, 6)))
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def trainer(engine: Any = None, task: Any = "classification", **changes: Any) -> Trainer:
    return Trainer(engine or CompiledEngine(1), table(task=task), settings(**changes))


def test_settings_are_a_value() -> None:
    assert settings() == Settings(32, 60, 0)
    with pytest.raises(FrozenInstanceError):
        settings().seed = 1  # type: ignore[misc]


def test_a_member_has_the_candidates_numbers_and_the_common_ones() -> None:
    made = trainer(max_epochs=33, batch_size=17)
    for number, one in enumerate(folds_of(made.problem)):
        member = made.member(CANDIDATE, one, number)
        assert member.architecture is CANDIDATE.architecture
        assert member.fold is one
        assert member.hooks == CANDIDATE.recipe.hooks()
        assert (member.learning_rate, member.batch_size, member.max_epochs) == (0.007, 17, 33)
        assert not member.keep_losses
        assert not member.keep_outputs


def test_a_members_seed_goes_by_the_folds_number_and_no_candidate() -> None:
    made = trainer(seed=3)
    one = folds_of(made.problem)[0]
    for number in range(4):
        seeds = {made.member(candidate, one, number).seed for candidate in (EARLY, NONE, CANDIDATE)}
        assert seeds == {seed_of(3, Stream.MEMBER, number)}
    assert len({made.member(EARLY, one, number).seed for number in range(4)}) == 4
    assert trainer(seed=4).member(EARLY, one, 0).seed != made.member(EARLY, one, 0).seed


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_that_is_given_is_the_members(seed: int) -> None:
    made = trainer()
    assert made.member(EARLY, folds_of(made.problem)[0], 2, seed).seed == seed


def test_it_trains_as_the_engine_does() -> None:
    made = trainer()
    members = [made.member(CANDIDATE, one, k) for k, one in enumerate(folds_of(made.problem))]
    found = made.train(members, until_epoch=10)
    alone = made.engine.train(made.problem, members, until_epoch=10)
    assert [bits(one.fitted()) for one in found] == [bits(one.fitted()) for one in alone]  # type: ignore[comparison-overlap]
    # And goes on with what is given.
    again = made.train(found, until_epoch=[20, 30, 40])
    assert all(one is other for one, other in zip(again, found, strict=True))
    assert [one.epoch for one in again] == [20, 30, 40]


def test_what_it_is_asked_for_reaches_the_engine() -> None:
    given: list[dict[str, Any]] = []

    class Noting(WrappedEngine):
        def train(self, problem: Any, members: Any, **how: Any) -> Any:
            given.append({"problem": problem, "members": members, **how})
            return super().train(problem, members, **how)

    made = trainer(Noting(ScriptedEngine(lambda member, stage: [1.0] * 60, [])))
    members, control = [made.member(EARLY, folds_of(made.problem)[0], 0)], Control()
    made.train(members, until_epoch=4, respect_patience=True, control=control)
    made.train(members)
    usual = {"problem": made.problem, "members": members}
    assert given == [
        {**usual, "until_epoch": 4, "respect_patience": True, "control": control},
        {**usual, "until_epoch": None, "respect_patience": None, "control": None},
    ]


def test_the_engine_says_how_many_there_is_memory_for() -> None:
    class Small(WrappedEngine):
        def affordable(self, problem: Any, members: Any) -> int:
            assert problem is made.problem
            return len(members) // 2

    made = trainer(Small(CompiledEngine(1)))
    members = [made.member(EARLY, one, k) for k, one in enumerate(folds_of(made.problem))]
    assert made.affordable(members) == 1
    # Where an engine does not know, it is all of them.
    assert trainer(CountingEngine(ToyEngine())).affordable(members) == 3


@tasks
def test_outputs_and_results_are_those_of_the_rows_that_are_asked_for(task: Any) -> None:
    made = trainer(task=task)
    one = folds_of(made.problem)[0]
    (training,) = made.train([made.member(CANDIDATE, one, 0)])
    network, rows = training.fitted(), np.array([5, 3, 200, 3], dtype=np.int32)
    outputs = made.outputs(network, rows)
    assert outputs.shape == (4, made.problem.objective.n_outputs)
    np.testing.assert_array_equal(outputs, made.engine.predict(made.problem.examples, network)[rows])
    found = made.row_results(network, rows)
    np.testing.assert_allclose(found.losses, each_loss(made.problem, outputs, rows), rtol=1e-5, atol=1e-6)
    if task == "regression":
        assert found.correct is None
    else:
        assert found.correct is not None
        assert found.correct.tolist() == (outputs.argmax(axis=1) == made.problem.target[rows]).tolist()


def test_it_knows_nothing_of_tables() -> None:
    made = Trainer(ToyEngine(), pictures(), settings(max_epochs=5))
    candidate = Candidate(Recipe(L2(0.1), EarlyStopping()), 0.01, Logistic())
    one = fold(range(100), range(100, 160))
    (training,) = made.train([made.member(candidate, one, 0)])
    assert training.epoch == 5
    results = made.row_results(training.fitted("last"), one.validation)
    assert results.losses.mean() == pytest.approx(training.curve.validation[-1], rel=1e-6)
