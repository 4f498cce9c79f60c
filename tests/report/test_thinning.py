from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from taut.report.thinning import short, thinned


@given(st.integers(0, 5000), st.integers(0, 6000), st.integers(2, 400))
def test_both_ends_and_the_kept_epoch_stay(length: int, kept: int, most: int) -> None:
    places = thinned(length, kept, most)

    assert places == sorted(set(places))
    assert len(places) <= most + 2
    assert set(places) <= set(range(length))
    if length:
        assert {0, length - 1} <= set(places)
    if 1 <= kept <= length:
        assert kept - 1 in places
    if length <= most:
        assert places == list(range(length))


@given(st.floats())
def test_five_digits_are_kept_and_what_is_no_number_is_none(value: float) -> None:
    if math.isfinite(value):
        assert short(value) == float(f"{value:.5g}")
    else:
        assert short(value) is None
    assert short(None) is None
