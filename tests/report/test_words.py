from __future__ import annotations

from typing import Any

import pytest

from taut.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (3.14, "3.1 s"),
        (59.4, "59 s"),
        (125.2, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_times(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0 %"), (0.0001, "< 0.1 %"), (0.25, "25.0 %")]
)
def test_shares(value: float | None, text: str) -> None:
    assert words.share(value) == text


def test_changes_have_a_sign_and_the_same_decimals() -> None:
    losses: Any = [{"value": -0.2338}, {"value": 0.0041}]
    assert words.change(-0.2338, losses) == "−0.2338"
    assert words.change(0.0041, losses) == "+0.0041"
    assert words.change(0.00001, losses) == "0.0000"
    assert words.change(None, losses) == "–"
