from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from taut.play.data import REAL, Data, real_table
from taut.play.toys import toy


def classes(counts: list[int], groups: np.ndarray | None = None) -> Data:
    y = np.repeat(np.arange(len(counts)), counts)
    return Data(np.arange(len(y), dtype=float)[:, None], y, "classification", "made", groups=groups)


def test_rows_are_split_as_train_test_split_does() -> None:
    X, y = toy("moons", 101)
    split = Data(X, y, "classification", "made").split(0.3, 7)
    train, held_out = train_test_split(np.arange(101), test_size=0.3, random_state=7, stratify=y)
    assert split.train.tolist() == train.tolist()
    assert split.validation.tolist() == held_out.tolist()
    assert (split.training_rows[0] == X[train]).all()
    assert (split.held_out_rows[1] == y[held_out]).all()


def test_amounts_are_split_at_random() -> None:
    X, y = toy("sine", 60)
    split = Data(X, y, "regression", "made").split(0.5, 0)
    assert (
        split.validation.tolist()
        == train_test_split(np.arange(60), test_size=0.5, random_state=0)[1].tolist()
    )


def test_each_class_is_on_both_sides_where_it_can_be() -> None:
    split = classes([40, 4]).split(0.5, 0)
    assert np.bincount(split.training_rows[1]).tolist() == [20, 2]


@pytest.mark.parametrize(
    ("counts", "held_out", "stratified"),
    [([10, 10], 0.5, True), ([19, 1], 0.5, False), ([5, 5, 5, 5], 0.1, False), ([5, 5, 5, 5], 0.9, False)],
)
def test_a_class_with_one_row_or_a_side_with_fewer_rows_than_classes_is_not_stratified(
    counts: list[int], held_out: float, stratified: bool
) -> None:
    data = classes(counts)
    assert data.stratifies(held_out) is stratified
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split = data.split(held_out, 0)
    assert len(split.train) + len(split.validation) == len(data)


def test_identical_rows_stay_on_one_side() -> None:
    groups = np.repeat(np.arange(20), 3)
    split = classes([30, 30], groups).split(0.3, 0)
    assert not set(groups[split.train]) & set(groups[split.validation])
    assert len(split.train) + len(split.validation) == 60


@pytest.mark.parametrize("name", REAL)
def test_a_real_table_is_what_it_is_said_to_be(name: str) -> None:
    title, task, target = REAL[name]
    data = real_table(name)
    assert (data.title, data.task, data.target) == (title, task, target)
    assert f"({len(data)} rows)" in title
    if task == "classification":
        assert set(data.y) == {"benign", "malignant"}
