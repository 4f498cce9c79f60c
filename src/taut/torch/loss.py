"""What a module is trained for: the objective that the loss, the target and the outputs ask for."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taut.engine.torch.objective import OwnLoss, outputs_of, unwrapped
from taut.errors import DataError, ParameterError, TrainingError
from taut.learning.objective import CrossEntropy, Objective, SquaredError


def objective_of(
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
    found = unwrapped(outputs)
    shape = tuple(found.shape) if isinstance(found, Tensor) else ()
    if y.ndim > 1 and y.dtype.kind in "iub" and len(shape) > y.ndim and shape[2:] == y.shape[1:]:
        raise ParameterError(
            f"y has a whole number at each of {y.shape[1:]} places, and {name} gives {shape[1]} numbers "
            "there: if these are classes, say so with loss=torch.nn.CrossEntropyLoss()."
        )
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
