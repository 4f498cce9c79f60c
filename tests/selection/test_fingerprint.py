"""The fingerprint: another one for anything that changes the training, and the same for the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.base import Data, Fold
from taut.selection import fingerprint as module
from taut.selection.fingerprint import fingerprint
from taut.table.encoder import Encoder


def encoder() -> Encoder:
    none = np.empty(0, dtype=np.int32)
    ones = np.ones(2, dtype=np.float32)
    return Encoder(2, ones, ones, none, np.zeros(1, dtype=np.int32), none, ("a", "b"))


def table() -> tuple[Data, tuple[Fold, ...]]:
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    data = Data(values, np.array([0.0, 1, 0, 1, 0, 1]), "classification", 2)
    rows = np.arange(6, dtype=np.int32)
    folds = (
        Fold(rows[:4], rows[4:], rows[:2], encoder()),
        Fold(rows[2:], rows[:2], rows[3:5], encoder()),
    )
    return data, folds


def test_it_is_a_sha_256_that_is_the_same_on_every_machine() -> None:
    # A figure written down, so that a change of the rule is seen: old trial stores would be refused.
    expected = "18dcb97d9b069bca9e2f8cbeebd8e4876229fc46765fcc6ffe9021fdb1d05889"
    assert fingerprint(*table()) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"values": np.arange(12, dtype=np.float64).reshape(6, 2)},
        {"values": np.arange(12, dtype=np.float32).reshape(2, 6)},
        {"values": np.arange(12, dtype=np.float32).reshape(6, 2)[::-1]},
        {"values": np.where(np.arange(12) == 5, np.nan, np.arange(12)).astype(np.float32).reshape(6, 2)},
        {"target": np.array([0.0, 1, 0, 1, 1, 0])},
        {"target": np.array([-0.0, 1, 0, 1, 0, 1])},
        {"task": "regression"},
        {"n_outputs": 3},
        {"fit_weight": np.ones(6)},
        {"score_weight": np.ones(6)},
    ],
)
def test_any_change_of_the_data_changes_it(change: dict[str, Any]) -> None:
    data, folds = table()
    assert fingerprint(replace(data, **change), folds) != fingerprint(data, folds)


def test_the_two_weights_are_not_mistaken_for_each_other() -> None:
    data, folds = table()
    both = [replace(data, **{name: np.full(6, 2.0)}) for name in ("fit_weight", "score_weight")]
    assert fingerprint(both[0], folds) != fingerprint(both[1], folds)


@pytest.mark.parametrize("part", ["train", "validation", "sample"])
def test_any_change_of_a_fold_changes_it(part: str) -> None:
    data, folds = table()
    rows = getattr(folds[1], part)
    for other in (rows[::-1], rows[:-1], rows[:0], rows.astype(np.int64)):
        changed = (folds[0], replace(folds[1], **{part: other}))
        assert fingerprint(data, changed) != fingerprint(data, folds)


def test_the_folds_count_in_their_order() -> None:
    data, folds = table()
    assert len({fingerprint(data, some) for some in (folds, folds[::-1], folds[:1], (), folds * 2)}) == 5


def test_how_the_numbers_lie_in_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data, folds = table()
    expected = fingerprint(data, folds)
    for values in (
        np.asfortranarray(data.values),
        data.values.astype(">f4"),
        np.repeat(data.values, 2, 0)[::2],
    ):
        assert fingerprint(replace(data, values=values), folds) == expected
    monkeypatch.setattr(module, "_BLOCK_BYTES", 20)  # two rows and a half
    assert fingerprint(data, folds) == expected


def test_nan_is_a_number_like_any_other() -> None:
    data, folds = table()
    missing = [replace(data, values=np.full((6, 2), np.nan, dtype=np.float32)) for _ in range(2)]
    assert fingerprint(missing[0], folds) == fingerprint(missing[1], folds)


def test_a_table_without_columns_or_rows_has_one_too() -> None:
    _, folds = table()
    data = [
        Data(np.empty(shape, dtype=np.float32), np.empty(0), "regression", 1) for shape in ((0, 3), (6, 0))
    ]
    assert fingerprint(data[0], ()) != fingerprint(data[1], folds)
