from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.paths.grid import default_strengths, given_epochs, given_strengths, path_range, thinned_epochs
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping


def test_a_grid_goes_from_hardly_anything_to_far_too_much_on_the_techniques_scale() -> None:
    for kind, even in ((L2, np.log), (Dropout, np.asarray)):
        grid = default_strengths(kind, 50)
        assert len(grid) == 50
        span = path_range(kind)
        assert (grid[0], grid[-1]) == (span.low, span.high)
        steps = np.diff(even(grid))
        assert steps.max() < 1.1 * steps.min()
    assert path_range(L2).low < L2.search_range.low
    assert path_range(EarlyStopping) is EarlyStopping.search_range


def test_a_top_that_was_found_takes_the_low_end_along() -> None:
    grid = default_strengths(L1, 7, top=0.0456)
    assert grid[-1] == 0.0456
    assert grid[0] == pytest.approx(0.0456 * path_range(L1).low / path_range(L1).high)
    assert len(grid) == 7


def test_a_switch_has_one_strength_whatever_was_asked_for() -> None:
    assert default_strengths(BatchNorm, 50) == (1.0,)


def test_given_strengths_are_sorted_each_once_and_without_off() -> None:
    assert given_strengths(L2, [1, 0.1, 0, 1.0, 10]) == (0.1, 1.0, 10.0)
    assert given_strengths(L2, np.array([0.5])) == (0.5,)
    assert given_strengths(BatchNorm, [0, 1]) == (1.0,)


@pytest.mark.parametrize(
    ("kind", "strengths", "message"),
    [
        (L2, [0], "no strength at which the technique does anything"),
        (L2, [], "no strength at which the technique does anything"),
        (L2, [-1], "L2's strength"),
        (L2, [float("nan")], "L2's strength"),
        (L2, "0.1,1", "must be a number of strengths, or a list"),
        (L2, None, "must be a number of strengths, or a list"),
        (Dropout, [0.5, 1.0], "Dropout's rate"),
    ],
)
def test_wrong_strengths_are_named(kind: Any, strengths: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        given_strengths(kind, strengths)


def test_given_epochs_are_whole_and_within_max_epochs() -> None:
    assert given_epochs([30, 5, 5.0], 30) == (5, 30)
    for epochs, message in (
        ([], "no epoch"), ([0], "epoch"), ([2.5], "epoch"), ([31], "epoch 31, and max_epochs is 30"),
        (None, "a number of epochs, or a list"), ("12", "a number of epochs, or a list"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            given_epochs(epochs, 30)


@given(st.integers(1, 400), st.integers(1, 2000))
def test_thinned_epochs_have_both_ends_and_about_as_many_as_were_asked_for(n: int, last: int) -> None:
    epochs = thinned_epochs(n, last)
    assert epochs[0] == 1
    assert epochs[-1] == last
    assert list(epochs) == sorted(set(epochs))
    assert min(n, last) <= len(epochs) <= max(2, min(last, n + 40))
    if len(epochs) > 4:
        gaps = np.diff(epochs)
        assert gaps[0] <= gaps[-1]


def test_thinned_epochs_of_the_usual_size() -> None:
    assert len(thinned_epochs(50, 300)) in (50, 51)
    assert thinned_epochs(10, 4) == (1, 2, 3, 4)
