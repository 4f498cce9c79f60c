from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.table.dates import parse_dates


def parse(text: str, day_first: bool | None = None) -> str | None:
    reading = parse_dates([text], [1], day_first=day_first)
    return str(reading.values[0])[:19] if reading.is_date[0] else None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-01", "2024-02-01T00:00:00"),
        ("2024-2-1", "2024-02-01T00:00:00"),
        ("2024/02/01", "2024-02-01T00:00:00"),
        ("2024.02.01", "2024-02-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("2024-02-01 10:30", "2024-02-01T10:30:00"),
        ("2024-02-01T10:30:15.25", "2024-02-01T10:30:15"),
        ("2024-02-01T10:30:15Z", "2024-02-01T10:30:15"),
        ("2024-02-01T10:30:15+02:00", "2024-02-01T08:30:15"),
        ("2024/02/01 10:30:15 +0200", "2024-02-01T08:30:15"),
        ("2024/02/01 10:30 -0130", "2024-02-01T12:00:00"),
        ("13/2/2024", "2024-02-13T00:00:00"),
        ("2/13/2024", "2024-02-13T00:00:00"),
        ("13.02.24", "2024-02-13T00:00:00"),
        ("13-02-1999 5:05 PM", "1999-02-13T17:05:00"),
        ("12/25/69 12:30 am", "1969-12-25T00:30:00"),
        ("1 Feb 2024", "2024-02-01T00:00:00"),
        ("1-Feb-24", "2024-02-01T00:00:00"),
        ("1. February 2024", "2024-02-01T00:00:00"),
        ("Feb 1, 2024", "2024-02-01T00:00:00"),
        ("September 3rd 2024 08:00", "2024-09-03T08:00:00"),
        ("1/2/2024", "2024-01-02T00:00:00"),
        ("1.2.2024", "2024-02-01T00:00:00"),
        ("1-2-2024", "2024-02-01T00:00:00"),
    ],
)
def test_dates_in_many_forms(text: str, moment: str) -> None:
    assert parse(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "abc",
            "2024",
            "20240201",
            "2024-13-01",
            "2024-02-30",
            "30/2/2024",
            "32/13/2024",
            "1/2",
            "1/2-2024",
        ),
        *(
            "10:30",
            "1 Foo 2024",
            "2024-02-01x",
            "2023.01",
            "13:00 PM",
            "0-0-0",
            "1/2/2024 13:00 PM",
            "1.2.3.4",
        ),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert parse(text) is None


def test_the_values_decide_which_comes_first() -> None:
    reading = parse_dates(["1/2/2024", "13/2/2024"], [1, 1])
    assert reading.values.astype("datetime64[D]").astype(str).tolist() == ["2024-02-01", "2024-02-13"]
    assert (reading.day_first, reading.in_doubt) == (True, False)
    reading = parse_dates(["1/2/2024", "2/13/2024"], [1, 1])
    assert reading.values.astype("datetime64[D]").astype(str).tolist() == ["2024-01-02", "2024-02-13"]
    assert (reading.day_first, reading.in_doubt) == (False, False)


def test_a_doubt_is_said_and_decided_by_the_mark_or_the_file() -> None:
    assert parse_dates(["1/2/2024"], [1]).in_doubt
    assert parse_dates(["1/2/2024"], [1]).day_first is False
    assert parse_dates(["1.2.2024"], [1]).day_first is True
    assert parse_dates(["1/2/2024"], [1], otherwise=True).day_first is True
    known = parse_dates(["1/2/2024"], [1], day_first=True)
    assert (known.day_first, known.in_doubt) == (True, False)
    assert parse_dates(["2024-01-02"], [1]).day_first is None


def test_a_few_faults_do_not_turn_the_others() -> None:
    reading = parse_dates(["13/1/2024", "1/13/2024"], [9, 1])
    assert reading.day_first is True
    assert reading.is_date.tolist() == [True, False]


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),
    st.sampled_from(["iso", "day", "month", "name"]),
)
def test_a_written_date_is_read_back(moment: datetime, style: str) -> None:
    moment = moment.replace(microsecond=0)
    text = {
        "iso": moment.isoformat(sep=" "),
        "day": f"{moment.day}.{moment.month}.{moment.year:04d} {moment:%H:%M:%S}",
        "month": f"{moment.month}/{moment.day}/{moment.year:04d} {moment.hour % 12 or 12}:{moment:%M:%S %p}",
        "name": f"{moment.day:02d}-{'JanFebMarAprMayJunJulAugSepOctNovDec'[3 * moment.month - 3 :][:3]}-"
        f"{moment.year:04d} {moment:%H:%M:%S}",
    }[style]
    reading = parse_dates([text], [1], day_first=style == "day")
    assert reading.values[0] == np.datetime64(moment)


@given(st.text(alphabet="0123456789-/.: TZJanPM+", max_size=25))
def test_no_text_breaks_the_parser(text: str) -> None:
    reading = parse_dates([text], [1])
    assert reading.is_date[0] == (not np.isnat(reading.values[0]))
