"""What an average of more networks loses, from single networks and averages of a few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.evidence.averaging import Averaging, factor_of

LOSSES = st.floats(1e-6, 1e6)


def test_it_is_nearly_exact_for_squared_errors_that_averaging_hardly_changes() -> None:
    """Predictions of independent errors around the truth and a common one: V (1 - 1 / n) comes off."""
    common, own = 1.0, 0.02
    of = {n: common + own / n for n in (1, 3, 5, 15)}
    for n in (5, 15):
        assert of[1] * factor_of(of[1], of[3], 3, n) == pytest.approx(of[n], rel=1e-4)


@given(LOSSES, LOSSES, st.integers(2, 10), st.integers(2, 50))
def test_more_networks_change_more_the_same_way(
    single: float, several: float, n_several: int, n: int
) -> None:
    here, more = (factor_of(single, several, n_several, k) for k in (n, n + 1))
    assert here > 0.0
    assert (here - 1.0) * (several - single) >= 0.0
    assert abs(np.log(more)) >= abs(np.log(here))


@given(LOSSES, LOSSES, st.integers(2, 10))
def test_as_many_as_were_measured_have_what_was_measured(single: float, several: float, n: int) -> None:
    assert single * factor_of(single, several, n, n) == pytest.approx(several)


@pytest.mark.parametrize(("single", "several", "n"), [(0.0, 0.0, 5), (1.0, 0.0, 5), (1.0, 0.9, 1)])
def test_without_a_ratio_nothing_is_claimed(single: float, several: float, n: int) -> None:
    assert factor_of(single, several, 3, n) == 1.0


def test_rows_without_an_average_have_a_single_networks_figures_by_the_factor() -> None:
    averaging = Averaging(5, 0.5, 0.25, np.array([np.nan, 3.0]), np.array([1.0, np.nan]))
    single = np.array([2.0, 8.0])
    assert averaging.losses_of(single).tolist() == [1.0, 3.0]
    assert averaging.badness_of(single).tolist() == [1.0, 2.0]
    assert Averaging().losses_of(single) is single
