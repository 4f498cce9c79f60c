from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taut.evidence.importance import Owners
from taut.paths.columns import column_norms, holding_out
from taut.paths.training import FAILED, PathRow, Weights
from taut.table import BooleanColumn, DateColumn, Frame, NumberColumn, TextColumn, describe
from taut.table.schema import Schema
from tests.paths.helpers import made


def schema() -> Schema:
    rng = np.random.default_rng(0)
    n = 60
    days = np.datetime64("2024-01-01", "us") + rng.integers(0, 500, n).astype("timedelta64[D]")
    return describe(
        Frame(
            (
                TextColumn("city", rng.integers(0, 3, n).astype(np.int32), ("a", "b", "c")),
                NumberColumn("constant", np.ones(n)),
                NumberColumn("age", rng.standard_normal(n)),
                DateColumn("when", days),
                BooleanColumn("large", rng.integers(0, 2, n).astype(np.float64)),
            ),
            n,
        )
    )


def row(squares: np.ndarray) -> PathRow:
    some = np.zeros(len(squares))
    return PathRow(
        None, Weights(some, some, some, some.astype(np.int64), squares, np.zeros(1, dtype=np.int64))
    )


def test_all_parts_of_a_column_are_taken_together_and_dropped_ones_are_not_there() -> None:
    about = schema()
    n_numbers, names = len(about.numbers), list(about.matrix_names)
    assert n_numbers > 3  # a date has several
    squares = np.zeros((2, len(names)))
    squares[0, names.index("age")], squares[1, names.index("age")] = 4.0, 16.0
    squares[:, names.index("city")] = 9.0
    dates = [i for i, name in enumerate(names) if name.startswith("when")]
    assert len(dates) > 1
    squares[:, dates] = 1.0
    owners = Owners(tuple(column.name for column in about.kept), about.owners)
    found, norms = column_norms([row(squares), FAILED], owners)
    assert found == ("city", "age", "when", "large")
    assert norms[0] == pytest.approx([3.0, (2 + 4) / 2, np.sqrt(len(dates)), 0.0])
    assert np.isnan(norms[1]).all()


def test_columns_are_ordered_by_the_share_of_weight_they_have_left_where_most_are_zero() -> None:
    path = made("l1")
    norms = np.array(
        [
            [4.0, 1.0, 2.0],
            [4.0, 0.1, 2.0],  # before half of the weights are zero nothing counts
            [1.0, 0.6, 0.1],
            [0.5, 0.5, 0.0],
            [0.0, 0.0, 0.0],
        ]
    )
    assert holding_out(replace(path, column_norms=norms)) == [1, 0, 2]


def test_failed_points_and_columns_without_weight_are_no_trouble() -> None:
    path = made("l1", failed=[3])
    assert sorted(holding_out(path)) == [0, 1, 2]
    norms = path.column_norms.copy()
    norms[:, 1] = 0.0
    assert holding_out(replace(path, column_norms=norms))[-1] == 1
    assert holding_out(replace(path, column_norms=norms[:, :0], column_names=())) == []
