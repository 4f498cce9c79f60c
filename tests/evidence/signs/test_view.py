from __future__ import annotations

import numpy as np

from taut.evidence.signs.view import View, one_hot, thinned
from taut.streams import Stream
from tests.evidence.signs.helpers import case, plain


def test_rows_without_weight_are_passed_over() -> None:
    columns, y = plain(60)
    weight = np.ones(60, dtype=np.float32)
    weight[:5] = 0
    view = case(columns, y, score_weight=weight).view
    np.testing.assert_array_equal(view.rows, np.arange(5, 60))
    np.testing.assert_array_equal(view.sample, view.rows)
    assert view.n_classes == 2


def test_columns_of_the_matrix_have_the_persons_names() -> None:
    columns, y = plain(60)
    columns["day"] = np.datetime64("2024-01-01") + np.arange(60) * np.timedelta64(7, "D")
    view = case(columns, y).view
    assert set(view.names) == {"a", "b", "c", "day", "kind"}
    assert len(view.names) == view.matrix.values.shape[1]
    assert view.level_count(len(view.names) - 1) == 5  # three, other, missing
    assert view.level_count(0) == 0


def test_amounts_have_no_classes() -> None:
    made = case(*plain(60, task="regression"))
    assert made.view.n_classes == 0


def test_drawn_rows_are_the_same_again_and_in_order() -> None:
    rows = np.arange(0, 1000, 2)
    drawn = thinned(rows, 100, 3, Stream.SIGN_ROWS)
    assert len(np.unique(drawn)) == 100
    assert (np.diff(drawn) > 0).all()
    assert np.isin(drawn, rows).all()
    np.testing.assert_array_equal(drawn, thinned(rows, 100, 3, Stream.SIGN_ROWS))
    np.testing.assert_array_equal(thinned(rows, 500, 3, Stream.SIGN_ROWS), rows)


def test_one_hot() -> None:
    np.testing.assert_array_equal(one_hot(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
    assert isinstance(case(*plain(60)).view, View)
