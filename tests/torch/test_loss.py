from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from taut.engine.torch.objective import OwnLoss
from taut.errors import DataError, ParameterError, TrainingError
from taut.learning.objective import CrossEntropy, SquaredError
from taut.torch.loss import objective_of

LOGITS = torch.randn(4, 3)


def read(outputs: Any, y: Any, loss: Any = None) -> Any:
    return objective_of(outputs, np.asarray(y), loss, "Net", [])


@pytest.mark.parametrize("loss", [None, nn.CrossEntropyLoss()])
@pytest.mark.parametrize("y", [[0, 2, 1, 1], ["b", "a", "c", "a"]])
def test_whole_numbers_and_text_are_classes(loss: Any, y: Any) -> None:
    objective, target, classes = read(LOGITS, y, loss)
    assert isinstance(objective, CrossEntropy)
    assert target.tolist() == [sorted(set(y)).index(one) for one in y]
    assert classes.tolist() == sorted(set(y))


def test_numbers_are_amounts() -> None:
    for loss in (None, nn.MSELoss()):
        objective, target, classes = read(torch.randn(4, 1), [0.5, 1.0, 2.0, 0.0], loss)
        assert isinstance(objective, SquaredError)
        assert (target.tolist(), classes) == ([0.5, 1.0, 2.0, 0.0], None)
    objective, _, _ = read(torch.randn(4, 2), np.ones((4, 2)))
    assert isinstance(objective, OwnLoss)
    assert objective.loss_name == "squared error"


@pytest.mark.fault(40)
def test_a_class_at_every_place_has_to_be_asked_for() -> None:
    outputs, y = torch.randn(4, 3, 5, 6), np.zeros((4, 5, 6), dtype=int)
    with pytest.raises(ParameterError, match=r"at each of \(5, 6\) places.*CrossEntropyLoss"):
        read(outputs, y)
    objective, target, _ = read(outputs, y, nn.CrossEntropyLoss())
    assert isinstance(objective, OwnLoss)
    losses = objective.row_loss(outputs, torch.from_numpy(target))
    expected = nn.functional.cross_entropy(outputs, torch.from_numpy(y), reduction="none").mean(dim=(1, 2))
    assert torch.allclose(losses, expected)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(TrainingError, match="2 logits a row, and y has 3 classes"):
        read(torch.randn(4, 2), [0, 1, 2, 2])
    with pytest.raises(DataError, match="3 logits a row, and y has 2 classes that are no numbers from 0"):
        read(LOGITS, ["a", "b", "a", "b"])
    with pytest.raises(ParameterError, match="must be an instance"):
        read(LOGITS, [0, 1, 2, 2], nn.CrossEntropyLoss)
    with pytest.raises(ParameterError, match="reduction='none'"):
        read(LOGITS, np.ones((4, 3)), lambda outputs, y: (outputs - y).square().mean())
