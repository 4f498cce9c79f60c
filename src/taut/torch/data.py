"""A person's data, read: examples that an engine can take batches of, and the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    default_collate,
    default_convert,
)

from taut.engine.torch.examples import DatasetExamples, Inputs, TensorExamples, parts_of, with_parts
from taut.errors import DataError


def read_data(
    data: Any, collate: Callable[[list[Any]], Any] | None
) -> tuple[DatasetExamples | TensorExamples, NDArray[Any]]:
    """Examples, and the target as it was given.

    A DataLoader stands for its dataset and its collate function.

    Raises
    ------
    DataError
        Where the data cannot be used as they are.
    """
    views = _views_of(data)
    if loaders := loaders_of(data):
        own = loaders[0].collate_fn
        if collate is None and own not in (default_collate, default_convert):
            collate = own
        views = [one.dataset if isinstance(one, DataLoader) else one for one in views]
    if len(views) == 1 and isinstance(views[0], TensorDataset) and collate is None:
        *inputs, y = views[0].tensors
        return _tensors(inputs[0] if len(inputs) == 1 else tuple(inputs), _target(y))
    if all(isinstance(one, Dataset) for one in views):
        return _dataset(views[0], views[-1], collate)
    if len(views) != 2:
        raise DataError(
            f"data must be (X, y), a Dataset, or two Datasets for training and for evaluation, and it is "
            f"{type(data).__name__}."
        )
    X, y = views
    return _tensors(_inputs(X), _target(y))


def loaders_of(data: Any) -> list[DataLoader[Any]]:
    """The DataLoaders that stand for data."""
    return [one for one in _views_of(data) if isinstance(one, DataLoader)]


def _views_of(data: Any) -> list[Any]:
    """For training and for evaluation; X and y; or one for both."""
    return list(data) if isinstance(data, (tuple, list)) and len(data) == 2 else [data]


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
    y = [_target_of(evaluation, i) for i in range(len(evaluation))]
    if len({one.shape for one in y}) > 1:
        raise DataError("the targets of a Dataset's items must have one shape.")
    if len(y) < 2:
        raise DataError(f"there are {len(y)} examples, and at least 2 are needed.")
    return DatasetExamples(train, evaluation, collate or default_collate), _target(np.stack(y))


def _target_of(dataset: Any, i: int) -> NDArray[Any]:
    try:
        item = dataset[i]
    except Exception as error:
        raise DataError(
            f"{type(dataset).__name__} gives no item {i} of its {len(dataset):,}: {type(error).__name__}: "
            f"{error}"
        ) from error
    try:
        return np.asarray(item[1])
    except (TypeError, IndexError, KeyError) as error:
        raise DataError(f"a Dataset's items must be (inputs, target): {error!r}.") from error


def joined(examples: Any, y: NDArray[Any], more: Any, y_more: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
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
