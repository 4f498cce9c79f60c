"""A person's module and data, read: what is trained, checked by one forward pass before anything else."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.pool import n_threads
from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine, unchanged
from taut.engine.torch.examples import Inputs, TensorExamples, call, mapped, parts_of
from taut.engine.torch.objective import check_rows, unwrapped
from taut.engine.torch.plan import Plan, check_where, find_plan
from taut.engine.torch.workers import InProcess, Processes
from taut.errors import ParameterError, TrainingError
from taut.estimators.groups import group_codes
from taut.learning.architecture import Architecture
from taut.learning.engine import Engine
from taut.learning.objective import Objective
from taut.learning.problem import Fold, Problem
from taut.parameters import MOST_EPOCHS, real, whole
from taut.selection.folds import Split, cross_validation_splits, make_folds
from taut.selection.trainer import Settings, Trainer
from taut.torch.data import joined, loaders_of, read_data
from taut.torch.loss import objective_of
from taut.torch.plain_mlp import PlainMLP, find_plain_mlp, table_of

#: Gives a new module with new weights; or one, which is copied and given new weights.
GivenModule: TypeAlias = Callable[[], nn.Module] | nn.Module

#: "auto" is the compiled engine for a plain MLP.
EngineName: TypeAlias = Literal["auto", "torch"]

_TRACED = 4  # rows of the forward pass that is followed


@final
@dataclass(frozen=True, kw_only=True)
class Options:
    """What tuning, diagnosis and paths are asked for alike; see :func:`taut.torch.tune`."""

    loss: Callable[..., Tensor] | None
    valid: Any
    cv: Any
    groups: Any
    where: str | Sequence[str]
    optimizer: Callable[[Any], torch.optim.Optimizer] | None
    learning_rate: float | None
    max_epochs: int
    batch_size: int
    collate: Callable[[list[Any]], Any] | None
    engine: EngineName
    device: str
    n_jobs: int | None
    random_state: int


@final
@dataclass(frozen=True, eq=False)
class Given:
    """A module and data, ready to be trained.

    Parameters
    ----------
    trainer : Trainer
    folds : tuple of Fold
    architecture : Architecture
        What the engine trains: the module, or the MLP that it is.
    module : Module
    plain : PlainMLP or None
        Where the compiled engine trains it.
    learning_rate : float
    n_train : int
        Examples that may train; those of ``valid`` come after them.
    classes : array, shape (n_classes,), or None
    groups : intp array, shape (n_train,), or None
        Examples of one group stay together.
    notes : tuple of str
        What a person has to know of how the data and the module were taken.
    """

    trainer: Trainer
    folds: tuple[Fold, ...]
    architecture: Architecture
    module: Module
    plain: PlainMLP | None
    learning_rate: float
    n_train: int
    classes: NDArray[Any] | None
    groups: NDArray[np.intp] | None
    notes: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        """What can be put into the module, and where."""
        return self.module.plan


@unchanged()  # a dataset and a module may draw random numbers
def read(module: GivenModule, data: Any, options: Options, *, many: bool = False) -> Given:
    """Read a module and data.

    Parameters
    ----------
    module : callable or module
    data : as for tune
    options : Options
    many : bool
        Whether many networks will be trained by one call; those that are small are stacked then.

    Raises
    ------
    ParameterError
        Where a parameter is out of its range.
    DataError
        Where the data cannot be used as they are.
    TrainingError
        Where the module raises, or gives what does not fit the target.
    """
    notes: list[str] = []
    examples: Any
    examples, y = read_data(data, options.collate)
    n_train = len(y)
    if loaders_of(data):
        notes.append(
            "Of a DataLoader, its dataset and its collate function are taken: batches have batch_size="
            f"{options.batch_size} examples, shuffled anew every epoch, without its sampler or workers."
        )
    if options.valid is not None:
        if options.groups is not None:
            raise ParameterError("groups are for cross-validation, and valid takes its place: give one.")
        examples, y = joined(examples, y, *read_data(options.valid, options.collate))
    device = _device(options.device)
    first = examples.batch(torch.arange(min(_TRACED, len(y))), torch.device("cpu"), training=False)
    make = _maker(module, first, notes)
    net = make()
    name = type(net).__name__
    _check_module(net, name)
    check_where(net, options.where)
    batch_size = whole("batch_size", options.batch_size)
    outputs, plan = _first_pass(net, first, min(_TRACED, len(y)), options.where, name)
    if batch_size == 1:
        plan = _without_norms(plan, "No batch norm: a batch of one example has no variance.")
    objective, target, classes = objective_of(outputs, y, options.loss, name, notes)
    optimizer, rate = _optimizer(options, net)
    own = Module(
        make,
        plan,
        name,
        optimizer,
        "AdamW" if optimizer is None else getattr(optimizer, "__qualname__", repr(optimizer)),
        all(part.is_floating_point() for _, part in parts_of(first)),
    )
    plain = _plain(make, examples, objective, own, options)
    problem = Problem(examples if plain is None else table_of(examples.inputs), target, objective)
    settings = Settings(
        batch_size=batch_size,
        max_epochs=whole("max_epochs", options.max_epochs, high=MOST_EPOCHS),
        seed=whole("random_state", options.random_state, low=0, high=2**31 - 1),
    )
    groups = None if options.groups is None else group_codes(options.groups, n_train)
    splits = _splits(problem, n_train, groups, options, settings.seed)
    engine: Engine
    if plain is not None:
        notes.append(plain.note(name))
        engine = CompiledEngine(options.n_jobs)
    else:
        n_workers = n_threads(options.n_jobs) if device.type == "cpu" else 1
        # One network alone in a stack is slower than without on a processor, and as fast on a GPU.
        stack = many or device.type != "cpu"
        executor = Processes(n_workers, stack=stack) if n_workers > 1 else InProcess(stack=stack)
        engine = TorchEngine(device, executor)
    return Given(
        trainer=Trainer(engine, problem, settings),
        folds=tuple(make_folds(splits, problem, settings.seed)),
        architecture=own if plain is None else plain.architecture,
        module=own,
        plain=plain,
        learning_rate=rate,
        n_train=n_train,
        classes=classes,
        groups=groups,
        notes=tuple(notes),
    )


def prepare(given: Given) -> float:
    """Compile what has to be, once a machine; gives the seconds, which are not counted."""
    begun = time.monotonic()
    given.trainer.engine.prepare()
    return time.monotonic() - begun


def _plain(
    make: Callable[[], nn.Module], examples: Any, objective: Objective, own: Module, options: Options
) -> PlainMLP | None:
    """The plain MLP that a module is, where the compiled engine can train it."""
    if options.engine not in ("auto", "torch"):
        raise ParameterError(f"engine must be 'auto' or 'torch', and it is {options.engine!r}.")
    asked = (options.engine, options.where, options.optimizer) == ("auto", "everywhere", None)
    if not asked or options.device not in ("auto", "cpu") or not isinstance(examples, TensorExamples):
        return None
    if not isinstance(examples.inputs, Tensor):
        return None
    return find_plain_mlp(make, examples.inputs, objective, own.name)


def _splits(
    problem: Problem, n_train: int, groups: NDArray[np.intp] | None, options: Options, seed: int
) -> list[Split]:
    n = len(problem)
    if n > n_train:
        return [Split(np.arange(n_train, dtype=np.int32), np.arange(n_train, n, dtype=np.int32))]
    target = problem.target
    stratify = problem.objective.stratify
    labels = target.astype(np.int64) if stratify else target
    duplicates = problem.examples.duplicate_groups()
    return cross_validation_splits(options.cv, labels, groups, stratify, seed, duplicates)


# --- the module -------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Copied:
    """Copies a module and gives it new weights."""

    template: nn.Module

    def __call__(self) -> nn.Module:
        found = copy.deepcopy(self.template)
        for one in found.modules():
            reset = _reset_of(one)
            if reset is not None:
                reset()
        return found


def _reset_of(module: nn.Module) -> Callable[[], None] | None:
    """What gives a module's own parameters new numbers; attention has it by another name."""
    found = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    return found if callable(found) else None


@final
@dataclass(frozen=True)
class _Initialized:
    """Makes a module whose lazy layers have seen a batch."""

    make: Callable[[], nn.Module]
    inputs: Inputs

    def __call__(self) -> nn.Module:
        found = self.make()
        with torch.no_grad():
            call(found.eval(), self.inputs)
        return found.train()


def _maker(module: GivenModule, inputs: Inputs, notes: list[str]) -> Callable[[], nn.Module]:
    if isinstance(module, nn.Module):
        notes.append(
            f"The {type(module).__name__} that was given is copied, and every copy gets new weights by "
            "reset_parameters(): give a function that makes one where that is not what is meant."
        )
        without = [
            name or type(one).__name__
            for name, one in module.named_modules()
            if any(True for _ in one.parameters(recurse=False)) and _reset_of(one) is None
        ]
        if without:
            notes.append(f"These have no reset_parameters() and begin as they are: {', '.join(without)}.")
        make: Callable[[], nn.Module] = _Copied(module)
        try:
            copy.deepcopy(module)
        except Exception as error:
            raise ParameterError(
                f"The {type(module).__name__} cannot be copied: give a function that makes one. {error}"
            ) from error
    elif callable(module):
        make = module
    else:
        raise ParameterError(f"the module must be a function that makes one, and it is {module!r:.80}.")
    made = make()
    if not isinstance(made, nn.Module):
        raise ParameterError(f"the function must make a torch.nn.Module, and it gives {made!r:.80}.")
    if made is make():
        raise ParameterError("the function must make a new module every time, and it gives the same one.")
    return _Initialized(make, inputs) if any(is_lazy(p) for p in made.parameters()) else make


def _check_module(net: nn.Module, name: str) -> None:
    if isinstance(net, torch.jit.ScriptModule):
        raise ParameterError(
            f"{name} is a ScriptModule, into which nothing can be put: give the module it was made of."
        )
    kinds = {p.dtype for p in net.parameters() if p.requires_grad}
    if not kinds:
        raise ParameterError(f"{name} has no parameters that training changes.")
    if len(kinds) > 1:
        listed = " and ".join(sorted(str(one).removeprefix("torch.") for one in kinds))
        raise ParameterError(f"{name} has parameters of {listed}, and taut trains those of one type.")


def _first_pass(
    net: nn.Module, inputs: Inputs, n: int, where: str | Sequence[str], name: str
) -> tuple[Any, Plan]:
    """What the module gives in evaluation mode, and its plan; or in a sentence why it gives nothing."""
    try:
        with torch.no_grad():
            outputs = call(net.eval(), inputs)
        plan = find_plan(net, inputs, where)
    except Exception as error:
        shapes = mapped(inputs, lambda x: tuple(x.shape))  # type: ignore[arg-type,return-value]
        raise TrainingError(
            f"{name} failed on {n} examples, inputs of shape {shapes}: {type(error).__name__}: {error}"
        ) from error
    found = unwrapped(outputs)
    if isinstance(found, Tensor):
        check_rows(found, n, name)
    if isinstance(found, Tensor) and bool(torch.isnan(found).any()):
        raise TrainingError(f"{name} gives NaN before any training: its outputs must be numbers.")
    return outputs, plan


def _without_norms(plan: Plan, why: str) -> Plan:
    steps = tuple(one for one in plan.steps if one != "[batch norm]")
    return replace(plan, norms=(), steps=steps, declined=(*plan.declined, why))


def _optimizer(
    options: Options, net: nn.Module
) -> tuple[Callable[[Any], torch.optim.Optimizer] | None, float]:
    """The person's function, and the learning rate of its first group."""
    if options.optimizer is None:
        rate = 1e-3 if options.learning_rate is None else real("learning_rate", options.learning_rate)
        if rate == 0.0:
            raise ParameterError("learning_rate must be above 0, and it is 0.")
        return None, rate
    if options.learning_rate is not None:
        raise ParameterError("learning_rate is what the optimizer's function says: give one of them.")
    if not callable(options.optimizer):
        raise ParameterError(
            f"optimizer must be a function that gives an optimizer for parameters, and it is "
            f"{options.optimizer!r:.80}."
        )
    made = options.optimizer([p for p in net.parameters() if p.requires_grad])
    if not isinstance(made, torch.optim.Optimizer):
        raise ParameterError(
            f"optimizer must be a function that gives an optimizer for parameters, and it gives {made!r:.80}."
        )
    if isinstance(made, torch.optim.LBFGS):
        raise ParameterError(
            "LBFGS looks at a batch many times in one step, which taut's loop does not let it do: train with "
            "it in a loop of your own, with taut.torch.attach."
        )
    return options.optimizer, float(made.param_groups[0]["lr"])


def _device(name: object) -> torch.device:
    """The device, tried: that there is none of its kind is found out by PyTorch only when it is used."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as error:
        raise ParameterError(f"device must be 'auto' or one of PyTorch's, and it is {name!r}.") from error
    try:
        torch.zeros(1, device=found).item()
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise ParameterError(
            f"device is {str(found)!r}, and PyTorch finds none that it can use ({reason.rstrip('.')}): "
            "'auto' takes a GPU where there is one, and else the processor."
        ) from error
    assert isinstance(found, torch.device)
    return found
