from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from taut.estimators import TautClassifier, TautRegressor
from taut.paths.plane import Plane, plane_of


def of(X: Any, y: Any, task: str = "classification") -> Plane | None:
    estimator = TautClassifier() if task == "classification" else TautRegressor()
    return plane_of(estimator._problem(X, y, None, None, None, None), seed=3)


STREAM = np.random.default_rng(0)
X = STREAM.normal(size=(500, 2)) * [1.0, 100.0]


def test_a_plane_has_room_around_the_rows_and_x_runs_fastest() -> None:
    plane = of(X, X[:, 0] > 0)
    assert plane is not None
    assert plane.names == ("x0", "x1")
    assert plane.x[0] < np.percentile(X[:, 0], 1)
    assert plane.y[-1] > np.percentile(X[:, 1], 99)
    points = plane.points
    assert points.shape == (len(plane.x) * len(plane.y), 2)
    assert points.dtype == np.float32
    assert points[1] == pytest.approx([plane.x[1], plane.y[0]], rel=1e-6)


def test_columns_far_from_zero_are_told_in_their_own_units() -> None:
    """The matrix has another origin and unit then, and the networks see these."""
    far = X * 1e-3 + 2e9
    plane = of(far, X[:, 0] > 0)
    assert plane is not None
    assert plane.x[0] < np.percentile(far[:, 0], 1)
    assert plane.x[-1] < far[:, 0].max() + 1
    assert plane.rows.min() > 1.9e9
    assert abs(plane.points).max() < 1e6


def test_a_few_rows_are_shown_with_their_targets_in_their_own_units() -> None:
    y = 1000.0 + X[:, 0]
    plane = of(X, y, "regression")
    assert plane is not None
    assert plane.rows.shape == (300, 2)
    assert plane.targets == pytest.approx(1000.0 + plane.rows[:, 0], rel=1e-6)
    again = of(X, y, "regression")
    assert again is not None
    assert (again.rows == plane.rows).all()


def test_rows_with_a_gap_are_not_on_it_and_one_far_value_does_not_stretch_it() -> None:
    odd = X.copy()
    odd[::7, 0] = np.nan
    odd[3, 1] = 1e9
    plane = of(odd, X[:, 0] > 0)
    assert plane is not None
    assert np.isfinite(plane.rows).all()
    assert plane.y[-1] < 1000


@pytest.mark.parametrize(
    "table",
    [
        X[:, :1],
        np.column_stack([X, X[:, 0]]),
        pd.DataFrame({"a": X[:, 0], "town": ["x", "y"] * 250}),
        pd.DataFrame({"a": X[:, 0], "day": pd.date_range("2020", periods=500)}),
        np.column_stack([X[:, 0], np.full(500, np.nan)]),
    ],
)
def test_other_tables_are_no_plane(table: Any) -> None:
    assert of(table, X[:, 0] > 0) is None


def test_a_constant_column_is_left_out_and_so_is_the_plane() -> None:
    assert of(np.column_stack([X, np.ones(500)]), X[:, 0] > 0) is not None
    assert of(np.column_stack([X[:, 0], np.ones(500)]), X[:, 0] > 0) is None
