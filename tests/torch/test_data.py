from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from taut.engine.torch.examples import DatasetExamples, TensorExamples
from taut.errors import DataError
from taut.torch.data import joined, read_data

X, Y = torch.randn(6, 4), torch.arange(6) % 3


class Items(Dataset[Any]):
    """Items that are numbered; one of them cannot be read."""

    def __init__(self, broken: int | None = None, n: int = 6) -> None:
        self.broken, self.n = broken, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        if i == self.broken:
            raise OSError("truncated.png is no picture")
        return X[i % 6], i % 3


def own_collate(items: list[Any]) -> Any:
    return default_collate(items)


def test_tensors_in_a_dataset_are_taken_at_once() -> None:
    for data in ((X, Y), [X.numpy(), Y.numpy()], TensorDataset(X, Y), DataLoader(TensorDataset(X, Y))):
        examples, y = read_data(data, None)
        assert isinstance(examples, TensorExamples)
        assert torch.equal(examples.inputs, X)  # type: ignore[arg-type]
        assert y.tolist() == Y.tolist()


def test_two_views_may_be_datasets_or_loaders_of_them() -> None:
    train, evaluation = Items(), Items()
    for data in (
        (train, evaluation),
        (DataLoader(train, collate_fn=own_collate), DataLoader(evaluation)),
        [DataLoader(train, collate_fn=own_collate), evaluation],
    ):
        examples, y = read_data(data, None)
        assert isinstance(examples, DatasetExamples)
        assert (examples.train, examples.evaluation) == (train, evaluation)
        assert examples.collate is (default_collate if data == (train, evaluation) else own_collate)
        assert y.tolist() == Y.tolist()


def test_an_item_that_cannot_be_read_is_named() -> None:
    with pytest.raises(DataError, match=r"Items gives no item 4 of its 6: OSError: truncated\.png"):
        read_data(Items(broken=4), None)
    with pytest.raises(DataError, match=r"must be \(inputs, target\)"):
        read_data(TensorDataset(X), own_collate)
    with pytest.raises(DataError, match="training view has 6 examples, and the evaluation view 5"):
        read_data((Items(), Items(n=5)), None)


def test_held_out_examples_come_after_the_others() -> None:
    both, y = joined(*read_data((X, Y), None), *read_data((X[:2] + 1, Y[:2]), None))
    assert torch.equal(both.inputs, torch.cat([X, X[:2] + 1]))
    assert y.tolist() == [*Y.tolist(), 0, 1]
    views, y = joined(*read_data(Items(), None), *read_data(Items(n=2), None))
    assert len(views) == len(y) == 8
    with pytest.raises(DataError, match="must be of one kind"):
        joined(*read_data(Items(), None), *read_data((X, Y), None))


def test_names_of_inputs_must_agree() -> None:
    first = read_data(({"a": X, "b": X}, np.zeros(6)), None)
    with pytest.raises(DataError, match=r"valid has the inputs \['a'\], and data \['a', 'b'\]"):
        joined(*first, *read_data(({"a": X}, np.zeros(6)), None))
