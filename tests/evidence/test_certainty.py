"""Sure, likely, not shown: one rule, and its words."""

from __future__ import annotations

import math

import pytest

from taut.evidence.certainty import certainty_of, change_text, share_text
from taut.evidence.interval import NONE, Interval

SURE, LIKELY, NOT_SHOWN = Interval(0.22, 0.15, 0.29), Interval(0.13, -0.01, 0.25), Interval(0.05, -0.1, 0.2)


@pytest.mark.fault(93)
@pytest.mark.parametrize(
    ("change", "certainty"),
    [
        (SURE, "sure"),
        (Interval(-0.22, -0.29, -0.15), "sure"),
        (LIKELY, "likely"),
        (Interval(-0.13, -0.25, 0.01), "likely"),
        (NOT_SHOWN, "not shown"),
        (Interval(0.0, 0.0, 0.0), "not shown"),
        (Interval(0.2, 0.0, 0.4), "likely"),
        (Interval(0.5, math.nan, math.nan), "unknown"),
        (NONE, "unknown"),
    ],
)
def test_only_an_interval_without_zero_is_sure(change: Interval, certainty: str) -> None:
    assert certainty_of(change) == certainty


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (SURE, "22 % (95 % interval 15 to 29 %) lower than before"),
        (LIKELY, "13 % (95 % interval -1 to 25 %) lower than before, which may be chance"),
        (
            Interval(-0.13, -0.25, 0.01),
            "13 % (95 % interval -1 to 25 %) higher than before, which may be chance",
        ),
        (Interval(0.021, 0.016, 0.027), "2.1 % (95 % interval 1.6 to 2.7 %) lower than before"),
        (Interval(0.5, math.nan, math.nan), "50 % lower than before"),
    ],
)
def test_changes_in_words(change: Interval, text: str) -> None:
    assert change_text(change, than="before") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Interval(0.0004, 0.0001, 0.0007), "less than 0.1 % (95 % interval 0.0 to 0.1 %)"),
        (Interval(0.9999, 0.999, 1.0), "99.99 % (95 % interval 99.9 to 100.0 %)"),
        (Interval(0.05, -0.004, 0.1), "5 % (95 % interval 0 to 10 %)"),
    ],
)
def test_shares_are_never_more_than_they_are(share: Interval, text: str) -> None:
    assert share_text(share) == text
