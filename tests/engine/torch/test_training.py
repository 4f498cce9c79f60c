from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from taut.engine.torch.adamw import FlatAdamW
from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine
from taut.engine.torch.examples import TensorExamples
from taut.engine.torch.objective import OwnLoss
from taut.engine.torch.plan import find_plan
from taut.engine.torch.training import noise_seed
from taut.engine.torch.workers import InProcess, Processes
from taut.errors import TrainingError, TrainingWarning
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Member, Status
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping, InputNoise
from tests.engine.helpers import AfterLooks, assert_same, assert_same_weights, rows
from tests.engine.torch.modules import (
    Pictures,
    Raw,
    Recurrent,
    Sequences,
    Two,
    deep,
    inputs_of,
    plain,
    with_own_dropout,
)

MIXTURE = Recipe(L2(0.1), L1(0.01), Dropout(0.3), BatchNorm(), EarlyStopping(3))


def problem_of(make: Any, n: int = 60) -> Problem:
    target = np.random.default_rng(0).integers(0, 5 if make is Raw else 3, n).astype(float)
    return Problem(TensorExamples(inputs_of(make, n)), target, CrossEntropy(5 if make is Raw else 3))


def member_of(make: Any, recipe: Recipe = MIXTURE, **changes: Any) -> Member:
    plan = find_plan(make(), inputs_of(make))
    architecture = Module(make, plan, "Net", changes.pop("optimizer", None))
    fold = changes.pop("fold", Fold(rows(0, 41), rows(41, 60), rows(0, 20)))
    usual = {"learning_rate": 0.01, "batch_size": 20, "max_epochs": 4, "seed": 5, "keep_losses": True}
    return Member(architecture, recipe.hooks(), fold, **(usual | changes))


@pytest.mark.parametrize("make", [Pictures, Sequences, Recurrent, deep, Raw, Two, with_own_dropout])
def test_members_are_strangers_and_can_be_continued(make: Any) -> None:
    problem, member, engine = problem_of(make), member_of(make), TorchEngine()
    (whole,) = engine.train(problem, [member])
    torch.manual_seed(123)  # the caller's random numbers have no part in it
    other = replace(member, seed=6)
    first, again, _ = engine.train(problem, [other, member, other])
    assert_same(whole, again)
    assert first.weights("last").keys() == whole.weights("last").keys()
    parts = engine.train(problem, [member], until_epoch=0)
    for epoch in (1, 2, 4):
        engine.train(problem, parts, until_epoch=epoch, respect_patience=True)
    assert_same(parts[0], whole)


def test_a_state_is_not_changed_by_going_on() -> None:
    problem, member, engine = problem_of(plain), member_of(plain, Recipe()), TorchEngine()
    (training,) = engine.train(problem, [member], until_epoch=2)
    kept = training.fitted("last")
    before = {name: one.clone() for name, one in kept.state.items()}
    engine.train(problem, [training], until_epoch=4)
    assert all(torch.equal(one, before[name]) for name, one in kept.state.items())


def test_the_best_epoch_is_kept_whatever_ended_training() -> None:
    problem, engine = problem_of(plain), TorchEngine()
    member = member_of(plain, Recipe(EarlyStopping(2)), learning_rate=0.05, max_epochs=30)
    (training,) = engine.train(problem, [member])
    assert training.status is Status.STOPPED
    assert training.best_epoch == int(np.argmin(training.curve.validation)) + 1
    losses = problem.row_results(
        engine.predict(problem.examples, training.fitted(), member.fold.validation), member.fold.validation
    ).losses
    assert training.curve.validation[training.best_epoch - 1] == pytest.approx(losses.mean(), rel=1e-5)


def test_worker_processes_give_the_same_and_one_that_dies_is_started_again(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    problem = problem_of(plain)
    members = [member_of(plain, seed=seed) for seed in range(4)]
    here = TorchEngine().train(problem, members)
    engine = TorchEngine(executor=Processes(2))
    done: list[int] = []
    there = engine.train(problem, members, control=Control(on_done=done.append))
    for one, other in zip(here, there, strict=True):
        assert_same(one, other)
    assert sorted(done) == [0, 1, 2, 3]
    executor: Any = engine.executor
    pool = executor._pool
    assert pool is not None
    for process in list(pool._processes.values()):
        os.kill(process.pid, signal.SIGKILL)
    again = engine.train(problem, members)
    for one, other in zip(here, again, strict=True):
        assert_same(one, other)
    assert executor._pool is not pool
    stopped = engine.train(problem, members, control=Control(deadline=0.0))
    assert all(training.epoch == 0 for training in stopped)


def kills(make: Any) -> nn.Module:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    found: nn.Module = make()
    return found


@pytest.mark.fault(52)
def test_a_network_whose_worker_dies_three_times_is_given_up_by_name(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    members = [replace_make(member_of(plain, seed=seed), partial(kills, four)) for seed in range(11)]
    engine = TorchEngine(executor=Processes(1))
    with pytest.raises(TrainingError, match="died 3 times while it trained Net .*enough memory"):
        engine.train(problem_of(plain), members)


@pytest.mark.fault(52)
def test_who_kills_its_worker_is_found_among_those_that_ran_beside_it(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    problem, engine = problem_of(plain), TorchEngine(executor=Processes(2))
    members = [member_of(plain, seed=seed) for seed in range(12)]
    engine.train(problem, members)  # workers are known to work
    members[9] = replace_make(members[9], partial(kills, four))
    done: list[int] = []
    with pytest.warns(TrainingWarning, match="died 3 times while it trained Net.* the others go on"):
        found = engine.train(problem, members, control=Control(on_done=done.append))
    assert [i for i, one in enumerate(found) if one.status is Status.DIVERGED] == [9]
    assert sorted(done) == list(range(12))
    assert [one.epoch for one in found] == [0 if i == 9 else members[0].max_epochs for i in range(12)]
    for one, other in zip(found[:9], TorchEngine().train(problem, members[:9]), strict=True):
        assert_same(one, other)


class Elsewhere(nn.Linear):
    """Of a module that a worker does not find."""

    def __reduce__(self) -> Any:
        return __import__, ("only_in_the_notebook",)


def test_what_a_worker_cannot_import_is_said_and_no_death(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    members = [member_of(plain, seed=seed) for seed in range(10)]
    made = Elsewhere(4, 3)
    members = [replace_make(one, partial(copied, made)) for one in members]
    with pytest.raises(TrainingError, match=r"processes \(ModuleNotFoundError: .*only_in_the_notebook"):
        TorchEngine(executor=Processes(1)).train(problem_of(plain), members)


def copied(made: nn.Linear) -> nn.Module:
    found = nn.Linear(made.in_features, made.out_features)
    found.load_state_dict(made.state_dict())
    return found


class Odd(Exception):
    """Cannot travel back to the parent."""

    def __reduce__(self) -> Any:
        raise TypeError("no pickle")


class FailsInAWorker(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if multiprocessing.parent_process() is not None:
            raise Odd("too far from home")
        return super().forward(x)


def test_what_a_module_raises_in_a_worker_is_told_and_ends_the_workers(monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    make = partial(FailsInAWorker, 4, 3)
    members = [replace_make(member_of(plain, seed=seed), make) for seed in range(11)]
    executor = Processes(2)
    with pytest.raises(TrainingError, match=r"failed on inputs of shape \(20, 4\): Odd: too far from home"):
        TorchEngine(executor=executor).train(problem_of(plain), members)
    assert executor._pool is None


def four() -> nn.Module:
    return nn.Linear(4, 3)


def test_the_callers_state_is_as_before() -> None:
    problem, engine = problem_of(with_own_dropout), TorchEngine()
    member = member_of(with_own_dropout)
    torch.manual_seed(7)
    stream, threads = torch.get_rng_state(), torch.get_num_threads()
    (training,) = engine.train(problem, [member])
    engine.predict(problem.examples, training.fitted())
    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.get_num_threads() == threads


def test_ones_own_optimizer_goes_on_where_it_was() -> None:
    problem, engine = problem_of(plain), TorchEngine()
    member = member_of(
        plain, Recipe(L1(0.5)), optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01)
    )
    (whole,) = engine.train(problem, [member])
    parts = engine.train(problem, [member], until_epoch=1)
    engine.train(problem, parts)
    assert_same(whole, parts[0])
    assert whole.fitted().zero_share > 0.1  # exact zeros, under any optimizer


def test_a_hot_network_diverges_and_leaves_the_others_alone() -> None:
    problem, member, engine = problem_of(plain), member_of(plain, Recipe()), TorchEngine()
    (alone,) = engine.train(problem, [member])
    hot = replace(member, learning_rate=1e30)
    first, second = engine.train(problem, [hot, member])
    assert first.status is Status.DIVERGED
    assert_same(second, alone)


def test_an_interruption_leaves_whole_epochs() -> None:
    problem, member, engine = problem_of(plain), member_of(plain), TorchEngine()
    (cut,) = engine.train(problem, [member], control=Control(cancelled=AfterLooks(7)))
    assert 0 < cut.epoch < member.max_epochs
    (whole,) = engine.train(problem, engine.train(problem, [cut]))
    assert_same(whole, engine.train(problem, [member])[0])


def test_our_adamw_is_pytorchs_own_bit_for_bit() -> None:
    # With one seed in five, the last bits of these pictures' weights differ after four steps.
    torch.manual_seed(0)
    one, other = Pictures(), Pictures()
    other.load_state_dict(one.state_dict())
    one.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    other.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    flat = FlatAdamW(list(one.parameters()), 0.01)
    theirs = torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.0, fused=True)
    x, y = inputs_of(Pictures), torch.arange(12) % 3
    for _ in range(4):
        for net, optimizer in ((one, flat), (other, theirs)):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
    assert_same_weights(
        *({name: p.detach().numpy().copy() for name, p in net.named_parameters()} for net in (one, other))
    )


def test_a_last_batch_of_one_row_joins_the_one_before() -> None:
    problem = problem_of(plain)
    member = member_of(plain, Recipe(BatchNorm()), fold=Fold(rows(0, 41), rows(41, 60), rows(0, 20)))
    (training,) = TorchEngine().train(problem, [member])  # batches of 20, 21: one row has no variance
    assert np.isfinite(training.curve.train).all()


def test_what_does_not_fit_is_named_with_its_shapes() -> None:
    problem = problem_of(plain)
    engine = TorchEngine()
    with pytest.raises(TrainingError, match=r"Net failed on inputs of shape \(20, 4\)"):
        engine.train(problem, [replace_make(member_of(plain), lambda: nn.Linear(5, 3))])
    with pytest.raises(
        TrainingError, match=r"outputs of shape \(20, 2\).*each of 3 classes: shape \(20, 3\)"
    ):
        engine.train(problem, [replace_make(member_of(plain), lambda: nn.Linear(4, 2))])


def replace_make(member: Member, make: Any) -> Member:
    plan = find_plan(make(), torch.zeros(4, make().in_features))
    return replace(member, hooks=Recipe().hooks(), architecture=Module(make, plan, "Net"))


def test_a_loss_of_ones_own() -> None:
    def pinball(outputs: Any, target: Any) -> Any:
        error = target - outputs[:, 0]
        return torch.maximum(0.9 * error, -0.1 * error)

    examples = TensorExamples(inputs_of(plain, 60))
    objective = OwnLoss(pinball, "pinball loss", 1, (1,))
    target = np.random.default_rng(1).normal(size=60).astype(np.float32)
    problem = Problem(examples, target, objective)
    make = partial(nn.Linear, 4, 1)
    member = replace(
        member_of(plain, Recipe(), learning_rate=0.05, max_epochs=60),
        architecture=Module(make, find_plan(make(), inputs_of(plain)), "Net"),
    )
    (training,) = TorchEngine().train(problem, [member])
    above = (problem.target > TorchEngine().predict(examples, training.fitted())[:, 0])[:41].mean()
    assert above < 0.3  # the 90 % quantile, not the mean


@pytest.mark.parametrize("recipe", [Recipe(InputNoise(0.3)), Recipe(Dropout(0.0, input_rate=0.3))])
def test_every_epoch_has_its_own_noise_on_the_inputs(recipe: Recipe) -> None:
    members = [member_of(plain, recipe, seed=seed) for seed in (1, 2)]
    seeds = {noise_seed(member, epoch) for member in members for epoch in range(3)}
    assert len(seeds) == 6


@pytest.mark.parametrize("executor", [InProcess(), InProcess(stack=True)], ids=["one by one", "stacked"])
def test_where_a_training_cannot_be_repeated_every_epoch_is_kept(
    monkeypatch: pytest.MonkeyPatch, executor: InProcess
) -> None:
    problem, member, engine = problem_of(plain), member_of(plain), TorchEngine(executor=executor)
    to_each = [engine.train(problem, [member], until_epoch=epoch)[0] for epoch in (1, 2, 3)]
    assert to_each[2].checkpoint(2) is None
    monkeypatch.setattr(TorchEngine, "replays_exactly", False)
    (training,) = engine.train(problem, engine.train(problem, [member], until_epoch=2), until_epoch=3)
    for epoch, there in enumerate(to_each, 1):
        state, own = training.checkpoint(epoch).state, there.fitted("last").state
        assert all(torch.equal(state[name], one) for name, one in own.items())
    assert training.checkpoint(0) is training.checkpoint(4) is None
