"""One network's training: its whole state, and how it is taken some epochs further.

The state is plain tensors and numbers, so that it can travel between processes: a worker is given a state and
gives one back. Random numbers are named by seed, epoch and step and so need no state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taut.engine.torch.adamw import FlatAdamW
from taut.engine.torch.architecture import Module
from taut.engine.torch.attached import Attached, key_of, step_units, step_weights
from taut.engine.torch.examples import Batches, Inputs, call, mapped
from taut.engine.torch.objective import OwnLoss, as_rows, check_rows, outputs_of, training_loss
from taut.errors import TrainingError
from taut.learning.objective import Floats, Objective
from taut.learning.problem import Problem
from taut.learning.training import Curve, Fitted, Member, Status, Training
from taut.streams import Stream, generator, seed_of
from taut.techniques.base import Hooks

_EVALUATED = 512  # rows at a time
#: Training rows whose loss is measured every epoch, at most.
MOST_SAMPLED = 500


@dataclass
class State:
    """All of a network in training.

    Parameters
    ----------
    net : dict
        The module's parameters and buffers by name; those of batch norms that were put in are called
        ``taut.0.weight`` and so on.
    optimizer : dict
        Its state_dict.
    nets : list of dict, or None
        Those of every epoch, where training again would not end with the same numbers.
    """

    net: dict[str, Tensor]
    optimizer: dict[str, Any]
    epoch: int = 0
    total: int = 0
    status: Status = Status.RUNNING
    best_epoch: int = 0
    best_loss: float = math.inf
    best_net: dict[str, Tensor] | None = None
    lines: list[tuple[float, float, float]] = field(default_factory=list)
    losses: list[NDArray[np.float32]] = field(default_factory=list)
    correct: list[NDArray[np.bool_]] = field(default_factory=list)
    outputs: list[Floats] = field(default_factory=list)
    nets: list[dict[str, Tensor]] | None = None
    seconds: float = 0.0


@final
@dataclass(frozen=True, eq=False)
class FittedModule(Fitted):
    """A module that can predict, by its numbers.

    Parameters
    ----------
    architecture : Module
    state : dict of tensor
        The person's own keys, batch norm folded in.
    penalized : tuple of (str, array)
    objective : Objective
        What its outputs mean.
    """

    architecture: Module
    state: dict[str, Tensor]
    penalized: tuple[tuple[str, Floats], ...]
    objective: Objective

    def penalized_weights(self) -> tuple[tuple[str, Floats], ...]:
        """Those that L1 and L2 act on, before anything was folded into them."""
        return self.penalized

    def module(self) -> nn.Module:
        """A module with these numbers, in evaluation mode: the person's own class and keys."""
        with torch.random.fork_rng(devices=[]):
            found = self.architecture.make()
        found.load_state_dict(self.state)
        return found.eval()


@final
class TorchTraining(Training):
    """A member, with where it stands."""

    def __init__(self, member: Member, state: State, objective: Objective) -> None:
        self._member, self.state, self._objective = member, state, objective

    @property
    def member(self) -> Member:
        """What is being trained."""
        return self._member

    @property
    def status(self) -> Status:
        """How it stands."""
        return self.state.status

    @property
    def epoch(self) -> int:
        """Whole epochs trained."""
        return self.state.epoch

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 1; without patience the last one."""
        return self.state.best_epoch if stops_early(self._member) else self.state.epoch

    @property
    def curve(self) -> Curve:
        """Losses of all whole epochs so far."""
        return Curve(*np.array(self.state.lines, dtype=np.float64).reshape(-1, 3).T.copy())

    @property
    def seconds(self) -> float:
        """Time spent on it."""
        return self.state.seconds

    def losses(self, epoch: int) -> NDArray[np.float32] | None:
        """Losses of the validation rows in one epoch, where they are kept."""
        return self.state.losses[epoch - 1].copy() if self._has(epoch, self._member.keep_losses) else None

    def correct(self, epoch: int) -> NDArray[np.bool_] | None:
        """Whether the validation rows' classes were right in one epoch, where that is kept."""
        kept = self._has(epoch, self._member.keep_losses) and self.state.correct
        return self.state.correct[epoch - 1].copy() if kept else None

    def outputs(self, epoch: int) -> Floats | None:
        """Outputs for the validation rows in one epoch, where they are kept."""
        return self.state.outputs[epoch - 1].copy() if self._has(epoch, self._member.keep_outputs) else None

    def _has(self, epoch: int, kept: bool) -> bool:
        return kept and len(self._member.fold.validation) > 0 and 0 < epoch <= self.state.epoch

    def weights(self, which: Literal["kept", "last"] = "kept") -> dict[str, Floats]:
        """All numbers by name, batch norms that were put in as ``taut.0.weight`` and so on."""
        return {name: one.numpy() for name, one in self._net(which).items()}

    def fitted(self, which: Literal["kept", "last"] = "kept") -> FittedModule:
        """The network as it is now."""
        return fitted_of(self._member, self._net(which), self._objective)

    def checkpoint(self, epoch: int) -> FittedModule | None:
        """The network of an earlier epoch, where every epoch is kept."""
        nets = self.state.nets or []
        known = 0 < epoch <= len(nets)
        return fitted_of(self._member, nets[epoch - 1], self._objective) if known else None

    def _net(self, which: Literal["kept", "last"]) -> dict[str, Tensor]:
        best = which == "kept" and stops_early(self._member) and self.state.best_net is not None
        return self.state.best_net if best and self.state.best_net else self.state.net


def stops_early(member: Member) -> bool:
    """Whether the best epoch's weights are the ones to keep."""
    return member.hooks.patience is not None and len(member.fold.validation) > 0


def fitted_of(member: Member, net: dict[str, Tensor], objective: Objective) -> FittedModule:
    """Fold batch norm in, and leave the rest as it is."""
    architecture = module_of(member)
    penalized = tuple((name, net[name].numpy().copy()) for name in architecture.plan.penalized)
    if not member.hooks.normalize:
        own = {name: one.clone() for name, one in net.items()}
        return FittedModule(architecture, own, penalized, objective)
    with torch.random.fork_rng(devices=[]):
        module = architecture.make()
    attached = Attached(module, architecture.plan, member.hooks, member.seed)
    load(module, attached, net)
    attached.strip()
    own = {name: one.detach().clone() for name, one in module.state_dict().items()}
    return FittedModule(architecture, own, penalized, objective)


def module_of(member: Member) -> Module:
    """The architecture, which has to be one of this engine's.

    Raises
    ------
    TrainingError
    """
    if not isinstance(member.architecture, Module):
        raise TrainingError(
            f"The PyTorch engine trains modules, and this network is {member.architecture.label}."
        )
    if member.average:
        raise TrainingError("The PyTorch engine keeps the weights of a step, and no averages over the steps.")
    return member.architecture


def new_state(member: Member, *, keep_epochs: bool = False) -> State:
    """A member before its first epoch; its weights follow from its seed alone."""
    architecture = module_of(member)
    with torch.random.fork_rng(devices=[]):
        # That of a GPU is the caller's, which torch.manual_seed would set too.
        torch.default_generator.manual_seed(seed_of(member.seed, Stream.MODULE_WEIGHTS))
        module = architecture.make()
    attached = Attached(module, architecture.plan, member.hooks, member.seed)
    return State(numbers_of(module, attached), {}, nets=[] if keep_epochs else None)


def numbers_of(module: nn.Module, attached: Attached) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, contiguous and on the CPU."""
    own = {name: _copied(one) for name, one in module.state_dict().items()}
    return own | {f"taut.{name}": _copied(one) for name, one in attached.norms.state_dict().items()}


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def load(module: nn.Module, attached: Attached, net: dict[str, Tensor]) -> None:
    """Give a module, and the batch norms that were put in, these numbers."""
    module.load_state_dict({name: one for name, one in net.items() if not name.startswith("taut.")})
    attached.norms.load_state_dict(
        {name.removeprefix("taut."): one for name, one in net.items() if name.startswith("taut.")}
    )


def advance(
    problem: Problem,
    member: Member,
    state: State,
    goal: int,
    patient: bool,
    device: torch.device,
    should_stop: Callable[[], bool],
) -> State:
    """Take a network to an epoch, to its own stop, or as far as it is let.

    Parameters
    ----------
    problem : Problem
    member : Member
    state : State
        It is changed in place, and given back.
    goal : int
        Epoch.
    patient : bool
        Whether its own patience may end it before.
    device : torch.device
    should_stop : callable
        Asked before every step; an epoch that was begun then is thrown away.

    Raises
    ------
    TrainingError
        Where the module raises, or gives what does not fit the target; it names shapes.
    """
    if not goes_on(member, state, goal, patient):
        return state
    begun = time.perf_counter()
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        work = Work(problem, member, state, device)
        while state.status is Status.RUNNING and state.epoch < goal:
            if not work.epoch(state.epoch, should_stop):
                break
            record(work, state, patient)
    state.seconds += time.perf_counter() - begun
    return state


def goes_on(member: Member, state: State, goal: int, patient: bool) -> bool:
    """Whether there is an epoch to train; sets the status that this asks for."""
    patience = member.hooks.patience if stops_early(member) else None
    if state.status is Status.STOPPED and not patient and state.epoch < goal:
        state.status = Status.RUNNING
    if state.status is Status.RUNNING and patient and patience:
        if state.epoch - state.best_epoch >= patience:
            state.status = Status.STOPPED
    return state.status is Status.RUNNING and state.epoch < goal


def record(work: Work, state: State, patient: bool) -> None:
    """Score a network after an epoch, keep it, and say how it stands."""
    member = work.member
    patience = member.hooks.patience if stops_early(member) else None
    line, results, outputs = work.evaluated()
    state.epoch += 1
    state.total = work.total
    state.lines.append(line)
    if member.keep_losses and results is not None:
        state.losses.append(results.losses)
        if results.correct is not None:
            state.correct.append(results.correct)
    if member.keep_outputs and outputs is not None:
        state.outputs.append(outputs)
    work.keep(state)
    finite = all(math.isfinite(one) for one in line[: 2 if len(member.fold.validation) else 1])
    if not finite or not work.is_finite():
        state.status = Status.DIVERGED
        return
    if patience is not None and line[1] < state.best_loss - member.hooks.min_delta:
        state.best_loss, state.best_epoch = line[1], state.epoch
        state.best_net = state.net
    if patient and patience is not None and state.epoch - state.best_epoch >= patience:
        state.status = Status.STOPPED


@final
class Work:
    """A live module with its optimizer, for as long as one call takes."""

    def __init__(self, problem: Problem, member: Member, state: State, device: torch.device) -> None:
        self.problem, self.member, self.device = problem, member, device
        self.architecture = module_of(member)
        plan = self.architecture.plan
        self.module = self.architecture.make().to(device)
        self.attached = Attached(self.module, plan, member.hooks, member.seed)
        load(self.module, self.attached, state.net)
        self.pictures = any(isinstance(one, nn.Conv2d) for one in self.module.modules())
        if self.pictures:
            self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = dict(self.module.named_parameters())
        self.parameters = [p for p in named.values() if p.requires_grad]
        self.parameters += list(self.attached.norms.parameters())
        self.penalized = [named[name] for name in plan.penalized]
        self.units = [named[name] for name in plan.units]
        self.weights = self.penalized
        self.optimizer: Any
        # The penalized ones first: a step on weights is one operation then.
        chosen = {id(p) for p in self.penalized}
        self.flat = [*self.penalized, *(p for p in self.parameters if id(p) not in chosen)]
        if self.architecture.optimizer is None:
            self.optimizer = FlatAdamW(self.flat, member.learning_rate)
            self.weights = [self.optimizer.numbers[: sum(p.numel() for p in self.penalized)]]
        else:
            self.optimizer = self.architecture.optimizer(self.parameters)
        if state.optimizer:
            self.optimizer.load_state_dict(state.optimizer)
        self.total = state.total
        self.target = target_of(problem).to(device)
        self.weight = None if problem.fit_weight is None else torch.as_tensor(problem.fit_weight).to(device)
        self.factor = self.factor_of(problem, member)

    @staticmethod
    def factor_of(problem: Problem, member: Member) -> float:
        """What makes the mean weight of the rows that train 1."""
        if problem.fit_weight is None:
            return 1.0
        rows = problem.fit_weight[member.fold.train].astype(np.float64)
        return len(rows) / float(rows.sum())

    def epoch(self, number: int, should_stop: Callable[[], bool]) -> bool:
        """Train one epoch (from 0); says whether it was trained to its end."""
        member = self.member
        self.module.train()
        order = epoch_order(member, number)
        base = seed_of(member.seed, Stream.MODULE_STEP, number)
        step_seed = torch.default_generator.manual_seed
        for step, rows in enumerate(parts_of_order(order, member.batch_size)):
            if should_stop():
                return False
            step_seed(key_of(base, step))
            if self.device.type != "cpu":
                torch.cuda.manual_seed(key_of(base, step))
            self.step(rows, number, step)
        return True

    def step(self, rows: Tensor, number: int, step: int) -> None:
        """One step of an epoch on these rows."""
        member = self.member
        self.attached.begin_step(number, step, self.total)
        inputs = self._inputs(_batches(self.problem), rows, training=True)
        if member.hooks.input_noise or member.hooks.input_drop:
            inputs = disturbed(inputs, member.hooks, key_of(noise_seed(member, number), step), self.device)
        chosen = rows.to(self.device)
        loss = training_loss(
            self._outputs(inputs, len(rows)),
            self.target[chosen],
            None if self.weight is None else self.weight[chosen] * self.factor,
            self.problem.objective,
            member.hooks.smoothing,
        )
        self.optimizer.zero_grad()
        try:
            loss.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise self._failed("has no gradient", inputs, error) from error
        self.optimizer.step()
        self._act()
        self.total += 1

    def _act(self) -> None:
        """What acts on weights after a step."""
        hooks, rate = self.member.hooks, self.member.learning_rate
        if self.architecture.optimizer is not None:
            rate = float(self.optimizer.param_groups[0]["lr"])
        if any(hooks.weight_amounts):
            step_weights([one.detach() for one in self.weights], hooks, rate)
        if any(hooks.unit_amounts):
            for weight in self.units:
                step_units(weight.detach(), hooks, rate)

    def _inputs(self, examples: Batches, rows: Tensor, *, training: bool) -> Any:
        inputs = examples.batch(rows, self.device, training=training)
        if not self.pictures:
            return inputs
        return mapped(
            inputs, lambda x: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
        )

    def _outputs(self, inputs: Any, n_rows: int) -> Tensor:
        try:
            found = call(self.module, inputs)
        except Exception as error:  # whatever the person's code raises
            raise self._failed("failed", inputs, error) from error
        outputs = outputs_of(found, self.problem.objective, self.architecture.name)
        check_rows(outputs, n_rows, self.architecture.name)
        return outputs

    def _failed(self, what: str, inputs: Any, error: Exception) -> TrainingError:
        shapes = mapped(inputs, lambda x: tuple(x.shape))  # type: ignore[arg-type,return-value]
        return TrainingError(
            f"{self.architecture.name} {what} on inputs of shape {shapes}: {type(error).__name__}: {error}"
        )

    def evaluated(self) -> tuple[tuple[float, float, float], Any, Floats | None]:
        """The epoch's line of the curve; the validation rows' results and outputs."""
        fold, problem = self.member.fold, self.problem
        sample = fold.sample
        if len(sample) > MOST_SAMPLED:
            sample = sample[np.linspace(0, len(sample) - 1, MOST_SAMPLED).astype(np.int64)]
        train, _, _ = self._judged(sample)
        if not len(fold.validation):
            return (train, math.nan, math.nan), None, None
        loss, results, outputs = self._judged(fold.validation)
        correct = math.nan
        if results.correct is not None:
            counted = None if problem.row_weight is None else problem.row_weight[fold.validation]
            correct = float(np.average(results.correct, weights=counted))
        return (train, loss, correct), results, outputs

    def _judged(self, rows: NDArray[np.int32]) -> tuple[float, Any, Floats]:
        outputs = self.predicted(torch.from_numpy(rows.astype(np.int64)))
        results = self.problem.row_results(outputs, rows)
        weight = None if self.problem.score_weight is None else self.problem.score_weight[rows]
        return float(np.average(results.losses.astype(np.float64), weights=weight)), results, outputs

    def predicted(self, rows: Tensor) -> Floats:
        """Outputs in evaluation mode: shape (n, n_outputs)."""
        self.module.eval()
        examples = _batches(self.problem)
        with torch.no_grad():
            parts = [
                as_rows(self._outputs(self._inputs(examples, some, training=False), len(some)))
                for some in torch.split(rows, _EVALUATED)
            ]
        found: Floats = torch.cat(parts).numpy()
        return found

    def is_finite(self) -> bool:
        """Whether all weights are numbers."""
        if self.architecture.optimizer is None:
            return bool(torch.isfinite(self.optimizer.numbers).all())
        return all(bool(torch.isfinite(p).all()) for p in self.parameters)

    def keep(self, state: State) -> None:
        """Copy what has been reached into the state."""
        state.net = numbers_of(self.module, self.attached)
        if state.nets is not None:
            state.nets.append(state.net)
        state.optimizer = _optimizer_state(self.optimizer)


def epoch_order(member: Member, epoch: int) -> Tensor:
    """The rows that train, as they come in an epoch (from 0): int64, shape (n,)."""
    rows = torch.from_numpy(member.fold.train.astype(np.int64))
    stream = generator(member.seed, Stream.MODULE_ORDER, epoch)
    return rows[torch.from_numpy(stream.permutation(len(rows)))]


def noise_seed(member: Member, epoch: int) -> int:
    """Below which the random numbers for an epoch's inputs are."""
    return seed_of(member.seed, Stream.MODULE_NOISE, epoch)


def disturbed(inputs: Inputs, hooks: Hooks, key: int, device: torch.device) -> Inputs:
    """What the recipe does to inputs that train."""
    stream = torch.Generator(device).manual_seed(key)

    def change(part: Tensor) -> Tensor:
        if not part.is_floating_point():
            return part
        if hooks.input_noise:
            noise = torch.empty_like(part).normal_(generator=stream)
            part = part + hooks.input_noise * noise
        if hooks.input_drop:
            keep = 1.0 - hooks.input_drop
            part = part * torch.empty_like(part).bernoulli_(keep, generator=stream).div_(keep)
        return part

    return mapped(inputs, change)


def _optimizer_state(optimizer: Any) -> dict[str, Any]:
    """A copy: a state_dict shares its tensors with the optimizer."""

    def copied(tree: Any) -> Any:
        if isinstance(tree, Tensor):
            return tree.detach().clone()
        if isinstance(tree, dict):
            return {name: copied(one) for name, one in tree.items()}
        return [copied(one) for one in tree] if isinstance(tree, list) else tree

    found: dict[str, Any] = copied(optimizer.state_dict())
    return found


def parts_of_order(order: Tensor, size: int) -> list[Tensor]:
    """Batches; a last one of a single row joins the one before it, for batch norm needs two."""
    parts = list(torch.split(order, size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def target_of(problem: Problem) -> Tensor:
    """The target as the loss takes it."""
    target = torch.from_numpy(np.ascontiguousarray(problem.target))
    if problem.objective.n_classes:
        return target.long()
    return target if isinstance(problem.objective, OwnLoss) else target.float()


def _batches(problem: Problem) -> Batches:
    examples: Any = problem.examples
    if not hasattr(examples, "batch"):
        raise TrainingError(
            f"The PyTorch engine trains on tensors, and these examples are {type(examples).__name__}."
        )
    found: Batches = examples
    return found
