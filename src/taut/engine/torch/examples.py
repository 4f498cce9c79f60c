"""Examples for a module: tensors in memory, or a person's dataset."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taut.errors import DataError
from taut.learning.examples import Examples, hash_array

#: What a module is called with: one tensor, several in order, or several by name.
Inputs: TypeAlias = Tensor | tuple[Tensor, ...] | dict[str, Tensor]


class Batches(Examples, Protocol):
    """Examples that give a module's inputs for some rows."""

    def batch(self, rows: Tensor, device: torch.device, *, training: bool) -> Inputs:
        """The inputs of some rows: int64 tensor, shape (n,).

        Parameters
        ----------
        rows : tensor
        device : torch.device
        training : bool
            Whether they train: a dataset may augment them then.
        """


def parts_of(inputs: Inputs) -> list[tuple[str, Tensor]]:
    """The tensors of inputs, each with a name."""
    if isinstance(inputs, Tensor):
        return [("inputs", inputs)]
    if isinstance(inputs, Mapping):
        return [(str(name), part) for name, part in inputs.items()]
    return [(str(i), part) for i, part in enumerate(inputs)]


def mapped(inputs: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """The same inputs with every tensor changed."""
    if isinstance(inputs, Tensor):
        return change(inputs)
    if isinstance(inputs, Mapping):
        return {name: change(part) for name, part in inputs.items()}
    return tuple(change(part) for part in inputs)


def with_parts(like: Inputs, parts: Mapping[str, Tensor]) -> Inputs:
    """Inputs of the same kind with other tensors, by the names of :func:`parts_of`."""
    if isinstance(like, Tensor):
        return parts["inputs"]
    if isinstance(like, Mapping):
        return {name: parts[name] for name in like}
    return tuple(parts[str(i)] for i in range(len(like)))


def call(module: torch.nn.Module, inputs: Inputs) -> Any:
    """Call a module with one tensor, with several in order, or by name."""
    if isinstance(inputs, Tensor):
        return module(inputs)
    return module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)


@final
@dataclass(frozen=True, eq=False)
class TensorExamples:
    """Tensors whose first axis counts the examples.

    Parameters
    ----------
    inputs : tensor, tuple of tensor, or dict of tensor
        Each of shape (n_examples, ...).
    """

    inputs: Inputs

    def __len__(self) -> int:
        return len(parts_of(self.inputs)[0][1])

    def hash_into(self, digest: Any) -> None:
        """Feed names, types, shapes and numbers."""
        for name, part in parts_of(self.inputs):
            hash_array(digest, name, part.detach().cpu().numpy())

    def duplicate_groups(self) -> NDArray[np.integer]:
        """Examples whose numbers are identical, bit for bit, share a number."""
        n = len(self)
        rows = [part.detach().cpu().contiguous().numpy().reshape(n, -1) for _, part in parts_of(self.inputs)]
        seen: dict[bytes, int] = {}
        found = [seen.setdefault(b"".join(row[i].tobytes() for row in rows), i) for i in range(n)]
        return np.array(found, dtype=np.int64)

    def batch(self, rows: Tensor, device: torch.device, *, training: bool) -> Inputs:
        """The rows of every tensor."""
        return mapped(self.inputs, lambda part: part[rows.to(part.device)].to(device, non_blocking=True))


@final
@dataclass(frozen=True, eq=False)
class DatasetExamples:
    """A map-style dataset, with augmentation where rows train and without where they are scored.

    Parameters
    ----------
    train, evaluation : sequence
        Views of the same examples, in the same order: ``dataset[i]`` is ``(inputs, target)``.
    collate : callable
        Makes one batch ``(inputs, target)`` of a list of such items.
    """

    train: Any
    evaluation: Any
    collate: Callable[[list[Any]], Any]

    def __len__(self) -> int:
        return len(self.evaluation)

    def hash_into(self, digest: Any) -> None:
        """Feed the inputs of every example as they are scored."""
        for start in range(0, len(self), 256):
            rows = torch.arange(start, min(start + 256, len(self)))
            for name, part in parts_of(self.batch(rows, torch.device("cpu"), training=False)):
                hash_array(digest, name, part.numpy())

    def duplicate_groups(self) -> NDArray[np.integer]:
        """Each example has a number of its own: taut does not look inside a dataset."""
        return np.arange(len(self))

    def batch(self, rows: Tensor, device: torch.device, *, training: bool) -> Inputs:
        """The collated items, less their targets."""
        view = self.train if training else self.evaluation
        if training:
            # By the seed of the step: augmentations draw from these streams as often as from torch's.
            seed = torch.initial_seed() % 2**32
            np.random.seed(seed)
            random.seed(seed)
        items = [view[int(i)] for i in rows]
        try:
            inputs = self.collate(items)[0]
        except (RuntimeError, TypeError, ValueError) as error:
            raise DataError(
                f"The items of {type(view).__name__} do not fit into one batch: {error}. As collate give a "
                "function that can, for example one that pads."
            ) from error
        return mapped(as_inputs(inputs), lambda part: part.to(device, non_blocking=True))


def as_inputs(inputs: Any) -> Inputs:
    """A batch's inputs, where a list is as good as a tuple.

    Raises
    ------
    DataError
        Where there is something other than tensors.
    """
    if isinstance(inputs, Sequence) and not isinstance(inputs, (tuple, str)):
        inputs = tuple(inputs)
    several = (
        inputs.values() if isinstance(inputs, Mapping) else inputs if type(inputs) is tuple else [inputs]
    )
    other = next((one for one in several if not isinstance(one, Tensor)), None)
    if other is not None or not several:
        raise DataError(
            f"a batch's inputs must be a tensor, a tuple or a dict of tensors, and there is "
            f"{type(other).__name__}: of sequences give the padded ones and their lengths, for example."
        )
    found: Inputs = inputs
    return found
