"""Text -> dates: ISO 8601, day first, month first, and months by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import final

import numpy as np

from taut.table.frame import Dates, Mask

_TIME = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_TIME}"
)
_MONTH_ONLY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})")
_YEAR_LAST = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<mark>[-/.])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
_DAY_NAME = re.compile(
    rf"(?P<day>\d{{1,2}})[ .-]{{1,2}}(?P<name>[A-Za-z]{{3,9}})[ .,-]{{1,2}}(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
_NAME_DAY = re.compile(
    rf"(?P<name>[A-Za-z]{{3,9}})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_TIME}"
)
_ISO_DAYS = re.compile(r"(?:(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2} ?)+")
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_OF = {name: 1 + index for index, month in enumerate(_MONTHS) for name in (month, month[:3])} | {
    "sept": 9
}


@final
@dataclass(frozen=True, slots=True)
class DateReading:
    """The result of reading texts as dates.

    Attributes
    ----------
    values : datetime64[us] (n_levels,)
        NaT where it is not a date. A time with a zone is given in UTC.
    is_date : bool (n_levels,)
    day_first : bool or None
        How "1/2/2024" was read; None where there were no such dates.
    in_doubt : bool
        Whether no value shows which comes first.
    """

    values: Dates
    is_date: Mask
    day_first: bool | None
    in_doubt: bool


def parse_dates(
    levels: Sequence[str],
    weights: Sequence[int],
    *,
    day_first: bool | None = None,
    otherwise: bool | None = None,
) -> DateReading:
    """Read texts as dates.

    "2024-02-01", "2024/2/1 10:30", "2024-02", "1.2.2024", "1-Feb-24", "Feb 1, 2024" and their like. For
    "1/2/2024" the values decide: a number above 12 is a day. Where none is above 12, day first is assumed
    between dots and dashes, and month first between slashes.

    Parameters
    ----------
    levels : sequence of str
    weights : sequence of int
        The number of rows of each.
    day_first : bool, optional
        The order, if it is already known.
    otherwise : bool, optional
        The order where no value decides, instead of the rule by the mark.
    """
    quick = _iso_days(levels)
    if quick is not None:
        return DateReading(quick, ~np.isnat(quick), day_first, False)
    in_doubt = False
    if day_first is None:
        day_first, in_doubt = _order(levels, weights, otherwise)
    values = np.full(len(levels), np.datetime64("NaT"), dtype="datetime64[us]")
    for index, level in enumerate(levels):
        value = _date(level.strip(), bool(day_first))
        if value is not None:
            values[index] = value
    return DateReading(values, ~np.isnat(values), day_first, in_doubt)


def _iso_days(levels: Sequence[str]) -> Dates | None:
    """Read texts that all are as "2024-02-01", at once; None where one is not."""
    if not levels or levels[0][4:5] != "-" or not _ISO_DAYS.fullmatch(" ".join(levels)):
        return None
    try:
        return np.array(levels, dtype="datetime64[us]")
    except ValueError:  # a 30th of February
        return None


@final
@dataclass(frozen=True, slots=True)
class OrderVotes:
    """What dates like "1/2/2024" tell about their order.

    Attributes
    ----------
    day_first, month_first : int
        The unambiguous rows.
    proofs : dict of bool to str
        The first date that shows that the day comes first, and that the month does.
    example : str
        The first date of all; "" where there is none.
    usual : bool
        Whether the day comes first as a rule, by the mark of the first.
    """

    day_first: int
    month_first: int
    proofs: dict[bool, str]
    example: str
    usual: bool

    @property
    def shown(self) -> bool | None:
        """Whether the day comes first, where the dates show it."""
        return None if self.day_first == self.month_first else self.day_first > self.month_first


def order_votes(levels: Sequence[str], weights: Sequence[int]) -> OrderVotes:
    """Count what dates tell about their order: a number above 12 is a day."""
    votes = {True: 0, False: 0}
    proofs: dict[bool, str] = {}
    example, usual = "", False
    for level, weight in zip(levels, weights, strict=True):
        match = _YEAR_LAST.fullmatch(level.strip())
        if match is None:
            continue
        if not example:
            example, usual = level, match["mark"] != "/"
        for order, part in ((True, "one"), (False, "two")):
            if int(match[part]) > 12:
                votes[order] += weight
                proofs.setdefault(order, level)
    return OrderVotes(votes[True], votes[False], proofs, example, usual)


def of_two_forms(levels: Sequence[str]) -> tuple[str, str] | None:
    """Find a date with slashes and one with points, whose order may differ; None where there are not both."""
    found: dict[str, str] = {}
    for level in levels:
        match = _YEAR_LAST.fullmatch(level.strip())
        if match is not None:
            found.setdefault(match["mark"], level)
    return (found["/"], found["."]) if {"/", "."} <= found.keys() else None


def _order(levels: Sequence[str], weights: Sequence[int], otherwise: bool | None) -> tuple[bool | None, bool]:
    """Decide between day first and month first: (day first, in doubt)."""
    votes = order_votes(levels, weights)
    if not votes.example:
        return None, False
    if votes.shown is None:
        return (votes.usual if otherwise is None else otherwise), True
    return votes.shown, False


def _date(text: str, day_first: bool) -> datetime | None:
    if not text[:1].isalnum():
        return None
    if text[4:5] == "-" and text[7:8] == "-":
        try:
            return _utc(datetime.fromisoformat(text))  # the quick way for the common form
        except ValueError:
            pass
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _DAY_NAME, _NAME_DAY, _MONTH_ONLY):
        match = pattern.fullmatch(text)
        if match is not None:
            try:
                return _built(match.groupdict(), day_first)
            except (ValueError, OverflowError):  # a 30th of February
                return None
    return None


def _built(parts: dict[str, str | None], day_first: bool) -> datetime | None:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 2000 if year <= 68 else 1900  # as POSIX does
    if parts.get("name"):
        month = _MONTH_OF.get(str(parts["name"]).lower(), 0)
        day = int(parts["day"] or 0)
    elif parts.get("one"):
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        day, month = (one, two) if day_first else (two, one)
    else:
        month, day = int(parts["month"] or 0), int(parts.get("day") or 1)
    hour = int(parts.get("hour") or 0)
    if parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (str(parts["half"])[0] in "pP")
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    moment = datetime(year, month, day, hour, minute, second, microsecond)
    zone = parts.get("zone")
    if zone and zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    return moment


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
