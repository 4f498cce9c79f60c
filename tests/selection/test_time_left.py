from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taut.selection.time_left import FIRST_TAKES, LATER_TAKE, TimeLeft

# Searches as they went, on a clock of processor time: seconds, and 0 for a training, 1 for the end of a race.
RECORDED = json.loads(Path(__file__).with_name("time_left.json").read_text(encoding="utf-8"))


def guesses(found: dict[str, Any]) -> list[tuple[float, float]]:
    """When something was told, and what was said to be left."""
    first, *later = found["trainings"]
    batches = [first * FIRST_TAKES, *(one * LATER_TAKE for one in later)]
    time_left = TimeLeft(batches, found["each"])
    told = [(0.0, time_left.seconds(0.0))]
    for second, over in found["events"]:
        if over:
            time_left.batch_is_over()
        else:
            time_left.done()
        told.append((second, time_left.seconds(second)))
    return told


@pytest.mark.fault(94)
@pytest.mark.parametrize("found", RECORDED, ids=lambda one: one["what"])
def test_the_time_left_never_more_than_doubles_after_a_tenth(found: dict[str, Any]) -> None:
    told = guesses(found)
    end = told[-1][0]
    late = [left for second, left in told if found["before"] + second >= 0.1 * (found["before"] + end)]
    lowest = late[0]
    for left in late:
        assert left <= max(2 * lowest, 0.1 * end)
        lowest = min(lowest, left)
    assert told[-1][1] == 0.0
    halfway = next(left for second, left in told if second >= end / 2)
    assert 0.5 < halfway / (end / 2) < 2.0


@pytest.mark.fault(94)
def test_what_is_remembered_counts_with_the_time_that_it_took() -> None:
    afresh, resumed = TimeLeft([40.0, 20.0], 1.0), TimeLeft([40.0, 20.0], 1.0)
    for second in range(1, 31):
        afresh.done()
        resumed.done()  # at once, and each took a second then
        assert resumed.seconds(float(second)) == afresh.seconds(float(second))
    assert resumed.seconds(30.0) == pytest.approx(30.0)


def test_a_race_that_takes_more_than_thought_is_nearly_over_and_one_that_takes_less_is_over() -> None:
    time_left = TimeLeft([10.0, 10.0], 1.0)
    for _ in range(25):
        time_left.done()
    assert 10 < time_left.seconds(10.0) < 12
    time_left.batch_is_over()
    assert time_left.seconds(10.0) == pytest.approx(10.0)
    time_left.batch_is_over()
    assert time_left.seconds(10.0) == 0.0
    time_left.batch_is_over()  # a batch that nobody thought of
    assert time_left.seconds(10.0) == 0.0
