"""Stacked networks are strangers, bit for bit, and end as in the ordinary way, up to rounding."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine
from taut.engine.torch.examples import TensorExamples
from taut.engine.torch.objective import OwnLoss
from taut.engine.torch.plan import find_plan
from taut.engine.torch.stacked import SIZES, stack_key, why_not
from taut.engine.torch.workers import InProcess, Processes, Task, bundled
from taut.learning.objective import CrossEntropy, SquaredError
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Member, Status
from taut.recipe import Recipe
from taut.techniques import (
    L1,
    L2,
    TECHNIQUES,
    BatchNorm,
    Dropout,
    EarlyStopping,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
)
from tests.engine.helpers import (
    TASKS,
    AfterLooks,
    StackedEngine,
    assert_same,
    assert_same_weights,
    make_member,
    make_problem,
    rows,
)
from tests.engine.torch.modules import (
    MODULES,
    Pictures,
    Recurrent,
    Sequences,
    Twice,
    Two,
    inputs_of,
    plain,
    with_own_dropout,
)

CPU = torch.device("cpu")
EVERYTHING = Recipe(
    L2(0.1), L1(0.001), Dropout(0.3, input_rate=0.1), BatchNorm(), EarlyStopping(3), InputNoise(0.1),
    LabelSmoothing(0.1), MaxNorm(0.5),
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_sizes(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The check of a stack of every size takes half a second: only one test has all of them."""
    if "every_size" not in request.node.name:
        monkeypatch.setattr("taut.engine.torch.stacked.SIZES", (1, 2, 5, 32))
        monkeypatch.setattr("taut.engine.torch.workers.SIZES", (1, 2, 5, 32))


class Normed(nn.Module):
    """A batch norm of its own, a dropout of its own, and a frozen layer."""

    def __init__(self, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.one, self.norm = nn.Linear(4, 32), nn.BatchNorm1d(32, momentum=momentum)
        self.drop, self.two, self.three = nn.Dropout(0.2), nn.Linear(32, 16), nn.Linear(16, 3)
        self.two.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.three(F.silu(self.two(self.drop(F.gelu(self.norm(self.one(x)))))))
        return found


class Refused(nn.Module):
    """What PyTorch or the check refuses, by name."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 3)
        self.register_buffer("seen", torch.zeros(8))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.one(x))
        if self.what == "if" and h.mean() > 0:
            h = 2 * h
        if self.what == "item":
            h = h * h.max().item()
        if self.what == "functional dropout":
            h = F.dropout(h, 0.3, self.training)
        if self.what == "fresh zeros":
            fresh = torch.zeros(len(h), 8)
            fresh[:, :4] = h[:, :4]
            h = fresh
        if self.what == "buffer":  # right at the first step, and silently wrong at the second
            h = h + self.seen
            self.seen = (self.seen + h.detach().mean(dim=0)).detach()
        found: Tensor = self.two(h)
        return found


@cache  # what was checked of a problem and an architecture is kept
def problem_of(make: Any, objective: Any = None, n: int = 100) -> Problem:
    rng = np.random.default_rng(0)
    objective = objective or CrossEntropy(3)
    target = rng.integers(0, 3, n).astype(float) if objective.n_classes else rng.normal(5, 2, n)
    return Problem(TensorExamples(inputs_of(make, n)), target, objective)


@cache
def architecture_of(make: Any, *arguments: Any) -> Module:
    def made() -> nn.Module:
        found: nn.Module = make(*arguments)
        return found

    kind = make if make in MODULES else plain
    return Module(made, find_plan(made(), inputs_of(kind)), "Net")


def stacked_engine() -> TorchEngine:
    return TorchEngine(executor=InProcess(stack=True))


def member_of(architecture: Module, recipe: Recipe = EVERYTHING, **changes: Any) -> Member:
    fold = Fold(rows(0, 67), rows(67, 100), rows(0, 20))
    usual = {"learning_rate": 0.01, "batch_size": 16, "max_epochs": 3, "seed": 5, "keep_losses": True}
    return Member(architecture, recipe.hooks(), fold, **(usual | changes))


TABLES = {task: make_problem(task=task) for task in TASKS}


def company(member: Member, n: int) -> list[Member]:
    """Others of every recipe, rate and seed that it can be stacked with."""
    return [
        replace(
            member,
            seed=100 + i,
            learning_rate=0.001 * (1 + i % 7),
            hooks=replace(
                member.hooks,
                drop=(i % 4) / 10,
                weight_amounts=(0.01 * (i % 3), 0.001 * (i % 2)),
                input_noise=0.0,
            ),
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("make", [plain, with_own_dropout, Normed, Two])
@pytest.mark.parametrize("recipe", [Recipe(), EVERYTHING], ids=["plain", "everything"])
def test_a_network_is_the_same_alone_and_in_any_company(make: Any, recipe: Recipe) -> None:
    problem, architecture = problem_of(make), architecture_of(make)
    member = member_of(architecture, recipe)
    assert why_not(problem, member, CPU) is None
    (alone,) = stacked_engine().train(problem, [member])
    for n in (1, 4, 31):
        others = company(member, n)
        among = stacked_engine().train(problem, [*others[: n // 2], member, *others[n // 2 :]])
        assert_same(among[n // 2], alone)


def test_stacks_of_every_size() -> None:
    problem, architecture = problem_of(plain), architecture_of(plain)
    members = [member_of(architecture, Recipe(Dropout(0.2)), max_epochs=2, seed=seed) for seed in range(66)]
    together = stacked_engine().train(problem, members)
    for i in (0, 40, 63, 65):
        assert_same(together[i], stacked_engine().train(problem, [members[i]])[0])


@pytest.mark.parametrize("objective", [CrossEntropy(3), SquaredError()], ids=["classes", "amounts"])
@pytest.mark.parametrize(
    ("recipe", "rate"),
    # The slope of a bias before a batch norm is nothing but rounding, of which AdamW makes a whole step.
    [(Recipe(), 0.01), (EVERYTHING.without(BatchNorm), 0.01), (EVERYTHING, 1e-5)],
    ids=["plain", "techniques", "everything"],
)
def test_stacked_ends_as_one_by_one_up_to_rounding(objective: Any, recipe: Recipe, rate: float) -> None:
    n_outputs = objective.n_outputs
    architecture = architecture_of(lambda: nn.Sequential(nn.Linear(4, 9), nn.SiLU(), nn.Linear(9, n_outputs)))
    if not objective.n_classes:
        recipe = recipe.without(LabelSmoothing)
    problem = problem_of(plain, objective)
    members = [member_of(architecture, recipe, seed=seed, learning_rate=rate) for seed in range(3)]
    stacked = stacked_engine().train(problem, members)
    ordinary = TorchEngine(executor=InProcess()).train(problem, members)
    for a, b in zip(stacked, ordinary, strict=True):
        own, other = a.weights("last"), b.weights("last")  # type: ignore[attr-defined]
        assert own.keys() == other.keys()
        for name, array in own.items():
            np.testing.assert_allclose(array, other[name], atol=1e-3, err_msg=name)
        np.testing.assert_allclose(a.curve.validation, b.curve.validation, rtol=1e-3)


def test_weights_of_rows_count() -> None:
    problem = problem_of(plain)
    weight = np.random.default_rng(1).uniform(0.1, 3, len(problem)).astype(np.float32)
    problem = replace(problem, fit_weight=weight)
    members = [member_of(architecture_of(plain), Recipe(), max_epochs=2)]
    (a,) = stacked_engine().train(problem, members)
    (b,) = TorchEngine(executor=InProcess()).train(problem, members)
    np.testing.assert_allclose(a.curve.train, b.curve.train, rtol=1e-4)


def test_a_loss_of_ones_own() -> None:
    loss = OwnLoss(lambda z, y: (z[:, 0] - y).abs(), "absolute error", 1, (1,))
    architecture = architecture_of(lambda: nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 1)))
    problem = replace(problem_of(plain, SquaredError()), objective=loss)
    member = member_of(architecture, Recipe(Dropout(0.2)))
    assert why_not(problem, member, CPU) is None
    (a,) = stacked_engine().train(problem, [member])
    (b,) = TorchEngine(executor=InProcess()).train(problem, [member])
    np.testing.assert_allclose(a.curve.validation, b.curve.validation, rtol=1e-3)


@pytest.mark.parametrize("n", [1, 4])
def test_a_neighbour_that_diverges_leaves_the_others_alone(n: int) -> None:
    problem, architecture = problem_of(plain), architecture_of(plain)
    member = member_of(architecture)
    wild = replace(member, learning_rate=1e30, seed=9)
    (alone,) = stacked_engine().train(problem, [member])
    first, *_, second, last = stacked_engine().train(problem, [*[wild] * n, member, wild])
    assert_same(second, alone)
    assert_same(first, last)
    assert first.status is Status.DIVERGED
    assert stacked_engine().train(problem, [first], until_epoch=50)[0].epoch == first.epoch


def test_continued_in_other_company_and_after_an_interruption() -> None:
    problem, architecture = problem_of(plain), architecture_of(plain)
    member = member_of(architecture, max_epochs=6)
    engine = stacked_engine()
    (whole,) = engine.train(problem, [member], until_epoch=6)
    others = company(member, 5)
    begun = engine.train(problem, [member, *others[:2]], until_epoch=2)
    later = engine.train(problem, [*others[2:], begun[0], begun[1]], until_epoch=6)
    assert_same(later[3], whole)
    assert_same(later[4], engine.train(problem, [others[0]], until_epoch=6)[0])
    for looks in (1, 3, 9):
        cut = engine.train(
            problem, [member, *others], until_epoch=6, control=Control(cancelled=AfterLooks(looks))
        )
        assert cut[0].epoch < 6
        assert_same(engine.train(problem, cut, until_epoch=6)[0], whole)


def test_each_stops_by_its_own_patience() -> None:
    problem, architecture = problem_of(plain), architecture_of(plain)
    members = [
        member_of(architecture, Recipe(EarlyStopping(p)), max_epochs=30, learning_rate=0.05, seed=p)
        for p in (1, 2, 3, 5, 8)
    ]
    together = stacked_engine().train(problem, members)
    for one, member in zip(together, members, strict=True):
        assert_same(one, stacked_engine().train(problem, [member])[0])
    assert len({one.epoch for one in together}) > 1


@pytest.mark.parametrize("what", ["if", "item", "functional dropout", "fresh zeros", "buffer"])
def test_what_cannot_be_stacked_runs_one_by_one(what: str) -> None:
    problem, architecture = problem_of(plain), architecture_of(Refused, what)
    member = member_of(architecture, Recipe(L2(0.1)))
    why = why_not(problem, member, CPU)
    assert why is not None
    assert why == why_not(problem, replace(member, seed=77), CPU)
    (alone,) = TorchEngine(executor=InProcess()).train(problem, [member])
    assert_same(stacked_engine().train(problem, [member, replace(member, seed=6)])[0], alone)


@pytest.mark.parametrize("make", [Pictures, Sequences, Recurrent, Twice])
def test_convolutions_attention_and_recurrent_layers_are_not_stacked(make: Any) -> None:
    assert why_not(problem_of(make), member_of(architecture_of(make), Recipe()), CPU) is not None


def test_batch_norm_without_momentum_and_an_optimizer_of_ones_own_are_not_stacked() -> None:
    problem = problem_of(plain)
    assert why_not(problem, member_of(architecture_of(Normed, None), Recipe()), CPU) is not None
    own = replace(architecture_of(plain), optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    assert why_not(problem, member_of(own), CPU) == "it has an optimizer of its own"


def test_bundles_of_every_size_have_one_key_each_and_give_every_worker_some() -> None:
    problem, architecture = problem_of(plain), architecture_of(plain)
    members = [
        member_of(architecture, Recipe(BatchNorm()) if i % 2 else Recipe(L2(0.1 * i)), seed=i)
        for i in range(21)
    ]
    tasks = [Task(i, member, None, 3, False) for i, member in enumerate(members)]  # type: ignore[arg-type]
    found = bundled(problem, tasks, CPU, 2, stack=True)
    assert sorted(task.index for one in found for task in one.tasks) == list(range(21))
    assert [len(one.tasks) for one in found] == [6, 5, 5, 5]
    assert all(one.stacked for one in found)
    assert all(len({stack_key(problem, task.member) for task in one.tasks}) == 1 for one in found)
    assert [len(one.tasks) for one in bundled(problem, tasks, CPU, 2, stack=False)] == [1] * 21
    assert SIZES[0] == 1


def test_workers_are_given_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taut.engine.torch.workers._WORTHWHILE", 0.0)
    problem, architecture = problem_of(plain), architecture_of(plain)
    members = [member_of(architecture, seed=seed) for seed in range(14)]
    here = stacked_engine().train(problem, members)
    there = TorchEngine(executor=Processes(2, stack=True)).train(problem, members)
    for a, b in zip(here, there, strict=True):
        assert_same(a, b)


# --- a selection of the laws that every engine keeps (tests/engine/test_laws.py) --------------------------


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", [k for k in TECHNIQUES if k is not EarlyStopping], ids=lambda k: k.name)
def test_off_equals_absent(task: Any, kind: Any) -> None:
    problem = TABLES[task]
    recipe = EVERYTHING if task == "classification" else EVERYTHING.without(LabelSmoothing)
    if task == "regression" and kind is LabelSmoothing:
        return
    off = make_member(problem, recipe.with_(kind.at(0)))
    absent = make_member(problem, recipe.without(kind))
    assert_same(*StackedEngine(1).train(problem, [off, absent], until_epoch=3))


def test_a_rate_that_drops_nothing_equals_absence() -> None:
    problem = TABLES["classification"]
    for recipe in (Recipe(), EVERYTHING):
        tiny = make_member(problem, recipe.with_(Dropout(1e-9, input_rate=1e-12)))
        absent = make_member(problem, recipe.without(Dropout))
        a, b = StackedEngine(1).train(problem, [tiny, absent], until_epoch=3)
        assert_same_weights(a.weights("last"), b.weights("last"))


def test_l1_gives_exact_zeros() -> None:
    problem = TABLES["classification"]
    members = [make_member(problem, Recipe(L1(s)), max_epochs=30) for s in (0.0, 0.03, 30.0)]
    shares = [one.fitted().zero_share for one in StackedEngine(1).train(problem, members)]
    assert shares[0] == 0.0 < shares[1] < shares[2] == 1.0
