"""The fingerprint: another one for anything that changes the training, and the same for the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.learning import examples as module
from taut.learning.objective import CrossEntropy, SquaredError
from taut.learning.problem import Fold, Problem
from taut.selection.fingerprint import fingerprint
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from tests.selection.helpers import matrix_of


def examples(values: Any) -> TableExamples:
    return TableExamples(Matrix(values, ("a", "b"), 2, ()))


def table() -> tuple[Problem, tuple[Fold, ...]]:
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    problem = Problem(examples(values), np.array([0.0, 1, 0, 1, 0, 1]), CrossEntropy(2))
    rows = np.arange(6, dtype=np.int32)
    return problem, (Fold(rows[:4], rows[4:], rows[:2]), Fold(rows[2:], rows[:2], rows[3:5]))


def test_it_is_a_sha_256_that_is_the_same_on_every_machine() -> None:
    # A figure written down, so that a change of the rule is seen: old trial stores would be refused.
    expected = "18dcb97d9b069bca9e2f8cbeebd8e4876229fc46765fcc6ffe9021fdb1d05889"
    assert fingerprint(*table()) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"examples": examples(np.arange(12, dtype=np.float64).reshape(6, 2))},
        {"examples": examples(np.arange(12, dtype=np.float32).reshape(2, 6))},
        {"examples": examples(np.arange(12, dtype=np.float32).reshape(6, 2)[::-1])},
        {
            "examples": examples(
                np.where(np.arange(12) == 5, np.nan, np.arange(12)).astype(np.float32).reshape(6, 2)
            )
        },
        {"target": np.array([0.0, 1, 0, 1, 1, 0])},
        {"target": np.array([-0.0, 1, 0, 1, 0, 1])},
        {"objective": SquaredError()},
        {"objective": CrossEntropy(3)},
        {"fit_weight": np.ones(6)},
        {"score_weight": np.ones(6)},
    ],
)
def test_any_change_of_the_data_changes_it(change: dict[str, Any]) -> None:
    problem, folds = table()
    assert fingerprint(replace(problem, **change), folds) != fingerprint(problem, folds)


def test_the_two_weights_are_not_mistaken_for_each_other() -> None:
    problem, folds = table()
    both = [replace(problem, **{name: np.full(6, 2.0)}) for name in ("fit_weight", "score_weight")]
    assert fingerprint(both[0], folds) != fingerprint(both[1], folds)


@pytest.mark.parametrize("part", ["train", "validation", "sample"])
def test_any_change_of_a_fold_changes_it(part: str) -> None:
    problem, folds = table()
    rows = getattr(folds[1], part)
    for other in (rows[::-1], rows[:-1], rows[:0], rows.astype(np.int64)):
        changed = (folds[0], replace(folds[1], **{part: other}))
        assert fingerprint(problem, changed) != fingerprint(problem, folds)


def test_the_folds_count_in_their_order() -> None:
    problem, folds = table()
    assert len({fingerprint(problem, some) for some in (folds, folds[::-1], folds[:1], (), folds * 2)}) == 5


def test_how_the_numbers_lie_in_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, folds = table()
    expected = fingerprint(problem, folds)
    values = matrix_of(problem).values
    for other in (np.asfortranarray(values), values.astype(">f4"), np.repeat(values, 2, 0)[::2]):
        assert fingerprint(replace(problem, examples=examples(other)), folds) == expected
    monkeypatch.setattr(module, "_BLOCK_BYTES", 20)  # two rows and a half
    assert fingerprint(problem, folds) == expected


def test_nan_is_a_number_like_any_other() -> None:
    problem, folds = table()
    nothing = (np.full((6, 2), np.nan, dtype=np.float32) for _ in range(2))
    missing = [replace(problem, examples=examples(values)) for values in nothing]
    assert fingerprint(missing[0], folds) == fingerprint(missing[1], folds)


def test_a_table_without_columns_or_rows_has_one_too() -> None:
    _, folds = table()
    empty = [
        Problem(examples(np.empty(shape, dtype=np.float32)), np.empty(0), SquaredError())
        for shape in ((0, 3), (6, 0))
    ]
    assert fingerprint(empty[0], ()) != fingerprint(empty[1], folds)
