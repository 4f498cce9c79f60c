"""A person's module and data, read: what is trained, checked by one forward pass before anything else."""

from __future__ import annotations

import copy
import inspect
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    default_collate,
    default_convert,
)

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.pool import n_threads
from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine, unchanged
from taut.engine.torch.examples import (
    DatasetExamples,
    Inputs,
    TensorExamples,
    call,
    mapped,
    parts_of,
    with_parts,
)
from taut.engine.torch.objective import OwnLoss, check_rows, outputs_of, unwrapped
from taut.engine.torch.plan import Plan, check_where, find_plan
from taut.engine.torch.workers import InProcess, Processes
from taut.errors import DataError, ParameterError, TrainingError
from taut.estimators.groups import group_codes
from taut.learning.architecture import Architecture
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.learning.problem import Fold, Problem
from taut.parameters import MOST_EPOCHS, real, whole
from taut.selection.folds import Split, cross_validation_splits, make_folds
from taut.selection.trainer import Settings, Trainer
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
    examples, y = _read_data(data, options.collate)
    n_train = len(y)
    if options.valid is not None:
        if options.groups is not None:
            raise ParameterError("groups are for cross-validation, and valid takes its place: give one.")
        examples, y = _joined(examples, y, *_read_data(options.valid, options.collate))
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
    objective, target, classes = _objective(outputs, y, options.loss, name, notes)
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


# --- the data ---------------------------------------------------------------------------------------------


def _read_data(data: Any, collate: Callable[[list[Any]], Any] | None) -> tuple[Any, NDArray[Any]]:
    """Examples, and the target as it was given."""
    if isinstance(data, DataLoader):
        if collate is None and data.collate_fn not in (default_collate, default_convert):
            collate = data.collate_fn
        data = data.dataset
    if isinstance(data, TensorDataset) and collate is None:
        *inputs, y = data.tensors
        return _tensors(inputs[0] if len(inputs) == 1 else tuple(inputs), _target(y))
    if isinstance(data, Dataset):
        return _dataset(data, data, collate)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise DataError(
            f"data must be (X, y), a Dataset, or two Datasets for training and for evaluation, and it is "
            f"{type(data).__name__}."
        )
    if all(isinstance(one, Dataset) for one in data):
        return _dataset(data[0], data[1], collate)
    X, y = data
    return _tensors(_inputs(X), _target(y))


def _tensors(inputs: Inputs, y: NDArray[Any]) -> tuple[TensorExamples, NDArray[Any]]:
    for name, part in parts_of(inputs):
        if len(part) != len(y):
            raise DataError(f"{name} has {len(part):,} rows, and y has {len(y):,}.")
        if part.is_floating_point() and not bool(torch.isfinite(part).all()):
            bad = int((~torch.isfinite(part.reshape(len(part), -1)).all(dim=1)).nonzero()[0]) + 1
            raise DataError(f"{name} has a number that is missing or infinite in row {bad:,}.")
    if len(y) < 2:
        raise DataError(f"there are {len(y)} rows, and at least 2 are needed.")
    return TensorExamples(inputs), y


def _inputs(X: Any) -> Inputs:
    if isinstance(X, dict):
        return {str(name): _tensor(part) for name, part in X.items()}
    if isinstance(X, (tuple, list)) and X and all(isinstance(one, (np.ndarray, Tensor)) for one in X):
        return tuple(_tensor(part) for part in X)
    return _tensor(X)


def _tensor(given: Any) -> Tensor:
    if isinstance(given, Tensor):
        found = given.detach().cpu()
    else:
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise DataError(f"X must be numbers, and it is of type {array.dtype}.")
        found = torch.from_numpy(np.ascontiguousarray(array))
    return found.float() if found.dtype in (torch.float64, torch.float16, torch.bfloat16) else found


def _target(given: Any) -> NDArray[Any]:
    y = given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 0:
        raise DataError("y must have a value for each row.")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise DataError("y has a number that is missing or infinite.")
    return y


def _dataset(
    train: Any, evaluation: Any, collate: Callable[[list[Any]], Any] | None
) -> tuple[DatasetExamples, NDArray[Any]]:
    for one in (train, evaluation):
        if isinstance(one, IterableDataset) or not hasattr(one, "__len__"):
            raise DataError(f"{type(one).__name__} is not map-style: taut needs its length and its items.")
    if len(train) != len(evaluation):
        raise DataError(
            f"the training view has {len(train):,} examples, and the evaluation view {len(evaluation):,}: "
            "they must be the same examples in the same order."
        )
    try:
        y = [np.asarray(evaluation[i][1]) for i in range(len(evaluation))]
    except (TypeError, IndexError, KeyError) as error:
        raise DataError(f"a Dataset's items must be (inputs, target): {error!r}.") from error
    if len({one.shape for one in y}) > 1:
        raise DataError("the targets of a Dataset's items must have one shape.")
    if len(y) < 2:
        raise DataError(f"there are {len(y)} examples, and at least 2 are needed.")
    return DatasetExamples(train, evaluation, collate or default_collate), _target(np.stack(y))


def _joined(examples: Any, y: NDArray[Any], more: Any, y_more: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
    """Both, the rows that are only held out last."""
    if type(examples) is not type(more):
        raise DataError("data and valid must be of one kind: both arrays, or both Datasets.")
    if y.shape[1:] != y_more.shape[1:]:
        raise DataError(f"y has the shape {y.shape}, and that of valid {y_more.shape}.")
    if isinstance(examples, DatasetExamples):
        both = DatasetExamples(
            torch.utils.data.ConcatDataset([examples.train, more.train]),
            torch.utils.data.ConcatDataset([examples.evaluation, more.evaluation]),
            examples.collate,
        )
        return both, np.concatenate([y, y_more])
    parts, others = parts_of(examples.inputs), dict(parts_of(more.inputs))
    if [name for name, _ in parts] != list(others):
        raise DataError(f"valid has the inputs {list(others)}, and data {[name for name, _ in parts]}.")
    for name, part in parts:
        if part.shape[1:] != others[name].shape[1:]:
            raise DataError(
                f"{name} has the shape {tuple(part.shape)}, and that of valid {tuple(others[name].shape)}."
            )
    joined = {name: torch.cat([part, others[name]]) for name, part in parts}
    return TensorExamples(with_parts(examples.inputs, joined)), np.concatenate([y, y_more])


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


def _objective(
    outputs: Any, y: NDArray[Any], loss: Callable[..., Tensor] | None, name: str, notes: list[str]
) -> tuple[Objective, NDArray[Any], NDArray[Any] | None]:
    """The objective, the target as numbers, and the classes' names."""
    if isinstance(loss, type):
        raise ParameterError(f"loss must be an instance, such as torch.nn.{loss.__name__}().")
    classes_asked = y.ndim == 1 and _is_plain(loss) and _is_of_classes(loss, outputs, y)
    amounts_asked = isinstance(loss, nn.MSELoss)
    if loss is not None and not classes_asked and not (amounts_asked and y.ndim == 1):
        return _own_loss(outputs, y, loss, name)
    if classes_asked or (loss is None and y.ndim == 1 and y.dtype.kind not in "f"):
        found = outputs_of(outputs, CrossEntropy(_width(outputs)), name)
        n = found.shape[1]
        codes = y.astype(np.int64) if y.dtype.kind in "iubf" else None
        if codes is not None and (codes == y).all() and codes.min() >= 0 and codes.max() < n:
            return CrossEntropy(n), codes.astype(np.float64), np.arange(n)
        classes, at = np.unique(y, return_inverse=True)
        if len(classes) > n:
            raise TrainingError(
                f"{name} gives {n} logits a row, and y has {len(classes)} classes: {classes[:5].tolist()}..."
            )
        if len(classes) < n:
            raise DataError(
                f"{name} gives {n} logits a row, and y has {len(classes)} classes that are no numbers from 0."
            )
        notes.append(f"Classes in the order of their names: {', '.join(map(str, classes.tolist()))}.")
        return CrossEntropy(n), at.astype(np.float64), classes
    if y.dtype.kind not in "fiub":
        raise DataError(f"y is of type {y.dtype}, and its loss needs numbers.")
    if y.ndim > 1:
        return _own_loss(outputs, y, nn.MSELoss(), name, "squared error")
    outputs_of(outputs, SquaredError(), name)
    return SquaredError(), y.astype(np.float64), None


def _is_of_classes(loss: Any, outputs: Any, y: NDArray[Any]) -> bool:
    """Whether a loss takes y for one class a row: neither shares of classes nor a class for every pixel."""
    if isinstance(loss, nn.BCEWithLogitsLoss):
        found = unwrapped(outputs)
        single = isinstance(found, Tensor) and found.numel() == len(found)
        return single and (y.dtype.kind not in "iuf" or bool(np.isin(y, (0, 1)).all()))
    return isinstance(loss, nn.CrossEntropyLoss)


def _is_plain(loss: Any) -> bool:
    """Whether a loss is the usual one, without weights of classes and the like."""
    plain = getattr(loss, "weight", None) is None and getattr(loss, "pos_weight", None) is None
    return plain and not getattr(loss, "label_smoothing", 0.0) and getattr(loss, "ignore_index", -100) < 0


def _width(outputs: Any) -> int:
    found = unwrapped(outputs)
    if isinstance(found, Tensor) and found.dim() == 2 and found.shape[1] > 1:
        return int(found.shape[1])
    return 2


def _own_loss(
    outputs: Any, y: NDArray[Any], loss: Callable[..., Tensor], name: str, called: str | None = None
) -> tuple[Objective, NDArray[Any], None]:
    by_row = _RowLoss(_unreduced(loss))
    found = outputs_of(outputs, OwnLoss(by_row, "", 0, ()), name)
    target = y if y.dtype.kind in "iu" else y.astype(np.float32)
    try:
        with warnings.catch_warnings():
            # Each of PyTorch's losses would compare all outputs with all targets then.
            warnings.filterwarnings("error", message="Using a target size")
            losses = by_row(found, torch.from_numpy(np.ascontiguousarray(target[: len(found)])))
    except Exception as error:
        raise TrainingError(
            f"the loss failed on outputs of shape {tuple(found.shape)} and a target of shape "
            f"{(len(found), *y.shape[1:])}: {error}"
        ) from error
    if losses.shape != (len(found),):
        raise ParameterError(
            f"the loss gives a result of shape {tuple(losses.shape)} for {len(found)} rows, and taut needs "
            "the loss of each row, so that rows can be compared: give one with reduction='none'."
        )
    title = called or str(getattr(loss, "__name__", type(loss).__name__))
    shape = tuple(found.shape[1:])
    return OwnLoss(by_row, title, int(np.prod(shape, dtype=int)), shape), target, None


@final
@dataclass(frozen=True)
class _RowLoss:
    """The mean of a loss over all but the first axis."""

    loss: Callable[..., Tensor]

    def __call__(self, outputs: Any, target: Tensor) -> Tensor:
        if outputs.dim() == 2 and outputs.shape[1] == 1 and target.dim() == 1:
            outputs = outputs[:, 0]
        found = self.loss(outputs, target)
        return found.flatten(1).mean(dim=1) if found.dim() > 1 else found


def _unreduced(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same loss for each row, where it can be asked for that."""
    if isinstance(loss, nn.Module) and hasattr(loss, "reduction"):
        found = copy.copy(loss)
        setattr(found, "reduction", "none")  # noqa: B010 - mypy takes attributes of modules for tensors
        return found
    try:
        known = inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return loss
    if "reduction" in known:
        return _Unreduced(loss)
    return loss


@final
@dataclass(frozen=True)
class _Unreduced:
    loss: Callable[..., Tensor]

    def __call__(self, outputs: Any, target: Tensor) -> Tensor:
        return self.loss(outputs, target, reduction="none")


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
