"""Ambiguous texts, "7,125" and "2/11/2020": what other columns and training tell about them.

In a table to be predicted, its own evidence comes first: the column's other values, then the other
columns, compared with what training found in them. Then training decides, unless the file's layout speaks
against it, or training has never met numbers of that form: such a column is refused rather than guessed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from taut.errors import DataError
from taut.table.dates import order_votes
from taut.table.frame import (
    Column,
    DateColumn,
    Decimal,
    Note,
    NumberColumn,
    NumberText,
    Reading,
    TextColumn,
    warn,
)
from taut.table.numbers import (
    CURRENCY,
    MARKS,
    NO_PERCENT,
    THOUSANDS,
    decimal_votes,
    parse_numbers,
    seen_marks,
)
from taut.table.schema import ColumnSchema
from taut.table.texts import NO_DATE_TELLS, NO_VALUE_TELLS, Hints, clean, typed

Pairs: TypeAlias = Sequence[tuple[ColumnSchema, Column]]
Typed: TypeAlias = tuple[Column, list[Note]]

_NAMES: dict[Decimal, str] = {".": "point", ",": "comma"}


def settle(found: list[Typed], raw: Mapping[int, TextColumn], hints: Hints) -> list[Typed]:
    """Read the ambiguous columns of a training table again, where its other columns agree on the answer.

    Parameters
    ----------
    found : list of (column, notes)
        All columns of the table.
    raw : mapping of int to TextColumn
        By their indices, the ambiguous ones, as they stand in the file.
    hints : Hints
        By which they were read.
    """
    marks: dict[Decimal, str] = {}
    orders: dict[bool, str] = {}
    for index, (column, _) in enumerate(found):
        if index in raw:
            continue
        if isinstance(column, NumberColumn) and column.text is not None:
            mark = _mark(column.text)
            if mark is not None:
                marks.setdefault(mark, column.name)
        if isinstance(column, DateColumn) and column.day_first is not None:
            orders.setdefault(column.day_first, column.name)
    settled = list(found)
    for index, texts in raw.items():
        column, other = found[index][0], ""
        better = hints
        if isinstance(column, NumberColumn) and len(marks) == 1:
            ((mark, other),) = marks.items()
            better = replace(hints, decimal=mark)
        elif isinstance(column, DateColumn) and len(orders) == 1:
            ((order, other),) = orders.items()
            better = replace(hints, day_first=order)
        if better == hints or not other:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were shown before
            column, notes = typed(texts, better)
        shown = [
            replace(note, what=f"{note.what.rstrip('.')}, as in column {other!r}.")
            if note.what.startswith((NO_DATE_TELLS, NO_VALUE_TELLS))
            else note
            for note in notes
        ]
        settled[index] = column, shown
    return settled


def in_doubt(notes: Sequence[Note]) -> bool:
    """Whether a column was read by what is usual, and not by its own evidence."""
    return any(note.what.startswith((NO_DATE_TELLS, NO_VALUE_TELLS)) for note in notes)


def decimal_marks(pairs: Pairs, reading: Reading | None, notes: list[Note]) -> dict[str, Decimal]:
    """Decide by which decimal mark the texts of each column of numbers are read.

    Parameters
    ----------
    pairs : sequence of (ColumnSchema, Column)
        What each column of numbers was in training, and what it is now.
    reading : Reading or None
        How the file was read; None where there is none.
    notes : list of Note
        What was found is added.

    Raises
    ------
    DataError
        If a column's numbers may be read in two ways, or have percent signs now and had none in training,
        or the other way round.

    Warns
    -----
    DataWarning
        If amounts are in another currency than in training.
    """
    votes = {}
    shown: dict[str, Decimal] = {}
    for column, given in pairs:
        mark = None
        if isinstance(given, TextColumn):
            texts = clean(given)
            votes[column.name] = found = decimal_votes(texts.levels, texts.counts().tolist())
            mark = found.shown
            _check_signs(column, texts.levels, notes)
        elif isinstance(given, NumberColumn) and given.text is not None:
            mark = _mark(given.text)
            if given.text.seen is not None:
                _check_percent(column, given.text.seen, bool((abs(given.values) > 0).any()))
        elif isinstance(given, NumberColumn) and _had_percent(column.text) and (abs(given.values) > 0).any():
            what = "its numbers had percent signs in training, and have none now; 5 % is 0.05, and not 5."
            notes.append(warn(Note(column.name, what)))
        if mark is not None:
            shown[column.name] = mark
    trained = {column.name: column.text or NumberText() for column, _ in pairs}
    decided: dict[str, Decimal] = {}
    for name, found in votes.items():
        text = trained[name]
        decided[name] = shown.get(name, text.decimal)
        if name not in shown and found.doubts:
            others = {_then(trained[other], text, now) for other, now in shown.items()}
            decided[name] = _settled(name, found.doubts, text, others, reading)
    for name, mark in (shown | decided).items():
        text = trained[name]
        if mark != text.decimal and _is_firm(text):
            why = "" if name in shown else ", as in other columns"
            what = f"its decimal mark is a {_NAMES[mark]}{why}; in training it was a {_NAMES[text.decimal]}."
            notes.append(Note(name, what))
    return decided


def _mark(text: NumberText) -> Decimal | None:
    """The decimal mark that a column's numbers had; None where there was none, or both."""
    had = [mark for mark, name in MARKS.items() if name in (text.seen or ())]
    return had[0] if len(had) == 1 else None


def _had_percent(text: NumberText | None) -> bool:
    """Whether all numbers of a column had percent signs."""
    seen = (text and text.seen) or ()
    return "%" in seen and NO_PERCENT not in seen


def _is_firm(text: NumberText) -> bool:
    """Whether numbers had marks at all in training; where that is not known, they may have had."""
    return text.seen is None or any(name in text.seen for name in (*MARKS.values(), THOUSANDS))


def _then(other: NumberText, own: NumberText, now: Decimal) -> Decimal:
    """The mark that another column's mark makes likely: changed since training if that one is."""
    if not _is_firm(own) or not _is_firm(other):
        return now
    return own.decimal if now == other.decimal else _other(own.decimal)


def _other(mark: Decimal) -> Decimal:
    return "." if mark == "," else ","


def _settled(
    name: str, doubts: Mapping[Decimal, str], text: NumberText, others: set[Decimal], reading: Reading | None
) -> Decimal:
    usual = None if reading is None or reading.kind != "text" else ("," if reading.separator == ";" else ".")
    if not others and usual is not None and reading is not None and reading.decimal != usual:
        others = {reading.decimal}  # its first rows show it, in columns that the model does not use
    if len(others) == 1:
        return next(iter(others))
    for char, example in doubts.items():
        is_decimal = char == text.decimal
        met = text.seen is None or (MARKS[char] if is_decimal else THOUSANDS) in text.seen
        # A comma inside a field of a file with commas between is quoted, and tells nothing.
        silent = usual is None or reading is None or reading.separator not in (";", ",")
        against = not silent and usual != text.decimal and not (usual == "." and char == ",")
        fine = met or not against if is_decimal else met and not against
        if others or not fine:
            raise DataError(_refusal(name, example, text))
    return text.decimal


def _refusal(name: str, example: str, text: NumberText) -> str:
    values = [float(parse_numbers([example], mark)[0][0]) for mark in (".", ",")]
    either = " or ".join(f"{value:.15g}" for value in sorted(values))
    if _mark(text) is None:
        then = "in training it had no decimal mark"
    else:
        then = f"in training its decimal mark was a {_NAMES[text.decimal]}"
    return (
        f"column {name!r}: {example!r} may be {either}, and no number here tells which; {then}. Write the "
        f"numbers without thousands marks and with a decimal {_NAMES[text.decimal]}."
    )


def _check_signs(column: ColumnSchema, levels: Sequence[str], notes: list[Note]) -> None:
    """Compare percent and currency signs with those of training."""
    known = column.text
    if known is None or known.seen is None:
        return
    joined = "\n".join(levels)
    if "%" not in joined and "%" not in known.seen and not CURRENCY.search(joined):
        return
    seen = seen_marks(levels, known.decimal)
    present = [level for level in levels if any("1" <= char <= "9" for char in level)]
    _check_percent(column, seen, bool(present))
    before = [sign for sign in known.seen if CURRENCY.fullmatch(sign)]
    now = [sign for sign in seen if CURRENCY.fullmatch(sign) and sign not in before]
    if before and now:
        text = f"amounts are in {' and '.join(now)}, and were in {' and '.join(before)} in training"
        notes.append(warn(Note(column.name, f"{text}; they are not converted.")))


def _check_percent(column: ColumnSchema, seen: Sequence[str], some: bool) -> None:
    known = None if column.text is None else column.text.seen
    if known is None or not some or NO_PERCENT in known:
        return
    if "%" in known and ("%" not in seen or NO_PERCENT in seen):
        raise DataError(
            f"column {column.name!r} has numbers without a percent sign, and all had one in training; write "
            "them as in training."
        )
    if "%" in seen and "%" not in known:
        raise DataError(
            f"column {column.name!r} has percent signs, and had none in training; write its numbers as in "
            "training."
        )


def date_orders(pairs: Pairs, reading: Reading | None, notes: list[Note]) -> dict[str, bool | None]:
    """Decide for each column of dates whether the day comes first in "1/2/2024".

    Parameters
    ----------
    pairs : sequence of (ColumnSchema, Column)
        What each column of dates was in training, and what it is now.
    reading : Reading or None
    notes : list of Note
        What was found is added.

    Raises
    ------
    DataError
        If no date decides, and this table and training contradict each other.

    Warns
    -----
    DataWarning
        If the order is another than in training.
    """
    votes = {}
    for column, given in pairs:
        if isinstance(given, TextColumn):
            texts = clean(given)
            votes[column.name] = order_votes(texts.levels, texts.counts().tolist())
    trained = {column.name: column.day_first for column, _ in pairs}
    shown = {name: found.shown for name, found in votes.items() if found.shown is not None}
    decided: dict[str, bool | None] = {}
    for name, found in votes.items():
        then = trained[name]
        order = shown.get(name)
        if order is None:
            order = then
            if found.example:
                order = _order(name, found.example, found.usual, trained, shown, reading, notes)
        elif then not in (None, order):
            text = f"its dates are read {_order_text(order)}, as {found.proofs[order]!r} shows, and were read"
            notes.append(warn(Note(name, f"{text} {_order_text(not order)} in training.")))
        decided[name] = order
    return decided


def _order(
    name: str,
    example: str,
    usual: bool,
    trained: Mapping[str, bool | None],
    shown: Mapping[str, bool],
    reading: Reading | None,
    notes: list[Note],
) -> bool:
    """Decide the order of a column none of whose dates decides it."""
    then = trained[name]
    likely: dict[bool, str] = {}
    for other, now in shown.items():
        before = trained[other]
        same = now if then is None or before is None else then == (now == before)
        likely.setdefault(same, other)
    if len(likely) == 1:
        ((order, other),) = likely.items()
        if order != then:
            text = f"{NO_DATE_TELLS} whether the day or the month comes first in {example!r}"
            notes.append(Note(name, f"{text}; it was read {_order_text(order)}, as in column {other!r}."))
        return order
    if then is None:
        comma = reading is not None and reading.kind == "text" and reading.decimal == ","
        order = comma or usual
        text = f"{NO_DATE_TELLS} whether the day or the month comes first"
        notes.append(Note(name, f"{text}; they were read {_order_text(order)}."))
        return order
    if likely or (not then and "." in example[:3]):
        why = "other columns differ" if likely else "dates with points have the day first as a rule"
        raise DataError(
            f"column {name!r}: no date tells whether the day or the month comes first in {example!r}; in "
            f"training it was the {'day' if then else 'month'}, but {why}. Write the dates as in 2024-12-31."
        )
    return then


def _order_text(day_first: bool) -> str:
    return "day first" if day_first else "month first"
