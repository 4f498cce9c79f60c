"""Text -> numbers: decimal commas, thousands marks, currencies, percent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, final

import numpy as np

from taut.table.frame import Decimal, Floats, Mask
from taut.table.words import MISSING_WORDS

_SIGNS = "$€£¥₹₽₩₺₪฿₫₦₱₴₡₲₵¢"
# In this case only: "FR2" and "KR5" are codes.
_NAMES = (
    r"USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|"
    r"RUB|TRY|KRW|SGD|HKD|THB|US\$|R\$|Rs\.?|kr\.?|Fr\.|Ft|zł|Kč|руб\.?|円|元|원"
)
#: A currency, as a sign or as letters.
CURRENCY = re.compile(rf"[{_SIGNS}]|(?<![^\W\d_])(?:{_NAMES})(?![^\W\d_])")

#: Names of marks, as ``seen_marks`` gives them.
MARKS: dict[Decimal, str] = {".": "decimal point", ",": "decimal comma"}
THOUSANDS = "thousands marks"
NO_PERCENT = "no %"  # beside "%"

# What is left of a number without sign, currency, percent and spaces around.
_BODY = re.compile(r"(?:\d[\d., '’\u00a0\u2009\u202f]*|[.,]\d+)(?:[eE][+-]?\d+)?")
_SPACED = re.compile(r"\d{1,3}(?:[ '’\u00a0\u2009\u202f]\d{3})+(?=[.,]\d+$|$)")
_SPACES = re.compile(r"[ '’\u00a0\u2009\u202f]")
_GROUPED = {  # two digits between commas as well: 12,34,567 is how India writes
    ",": re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}"),
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+"),
}
_AMOUNT = re.compile(r"\d[\d.,]*[.,]\d+")
_SIMPLE = re.compile(r"[+-]?\d*([.,])\d+")
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # 1,234 or 1.234: only the other values can tell

# Cells for "missing" in their usual spelling; other spellings are read more slowly.
_MISSING_CELLS = frozenset(
    [word for lower in MISSING_WORDS for word in (lower, lower.upper(), lower.capitalize())]
    + ["NaN", "NaT", " "]
)

#: Beyond this integer, float64 leaves some out.
EXACT = 2**53

_UNSPACED = str.maketrans("", "", " '’\u00a0\u2009\u202f")


@final
@dataclass(frozen=True, slots=True, eq=False)
class PlainNumbers:
    """Cells that are numbers as float() reads them, but for a decimal comma, or words for "missing".

    Attributes
    ----------
    values : float64 (n_rows,)
        NaN where missing.
    decimal : ".", "," or ""
        The mark in them; "" where there is none.
    proven : bool
        Whether some number shows that it is a decimal mark, as "12.5" does and "1.234" does not.
    """

    values: Floats
    decimal: Literal[".", ",", ""]
    proven: bool

    @property
    def seen(self) -> tuple[str, ...]:
        """The marks in them, as ``seen_marks`` gives them."""
        return (MARKS[self.decimal],) if self.decimal else ()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> PlainNumbers | None:
        """Join parts of one column; None where their marks differ."""
        if len(parts) == 1:
            return parts[0]
        decimals = {part.decimal for part in parts if part.decimal}
        if len(decimals) > 1:
            return None
        values = np.concatenate([part.values for part in parts])
        return PlainNumbers(values, decimals.pop() if decimals else "", any(part.proven for part in parts))


def plain_numbers(cells: Sequence[str]) -> PlainNumbers | None:
    """Read cells quickly that are all plain numbers or missing.

    Parameters
    ----------
    cells : sequence of str

    Returns
    -------
    PlainNumbers, or None where a cell is something else: text, a number with another mark, or one that may
    be a code (leading zeros, many figures).
    """
    numbers = cells
    values = _floats(cells)
    missing = None
    if values is None or np.isnan(values).any():
        missing = np.fromiter(map(_MISSING_CELLS.__contains__, cells), np.bool_, len(cells))
        if not missing.any():
            return None
        numbers = [cell for cell in cells if cell not in _MISSING_CELLS]
        values = _floats(numbers)
        if values is None or np.isnan(values).any():
            return None
    text = "".join(numbers)
    point, comma = "." in text, "," in text
    if "_" in text or (point and comma):
        return None
    decimal: Literal[".", ",", ""] = "." if point else "," if comma else ""
    if not decimal and not _are_plain_integers(numbers, values):
        return None
    proven = bool(decimal) and any(
        decimal in cell and not _EITHER.fullmatch(cell.strip().lstrip("+-")) for cell in numbers
    )
    if missing is not None:
        values, present = np.full(len(cells), np.nan), values
        values[~missing] = present
    return PlainNumbers(values, decimal, proven)


def _floats(cells: Sequence[str]) -> Floats | None:
    """Read what float() reads, with a decimal comma too."""
    try:
        if "," in "".join(cells):
            cells = [cell.replace(",", ".") for cell in cells]
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None


def _are_plain_integers(cells: Sequence[str], values: Floats) -> bool:
    if not (np.abs(values) < EXACT).all():
        return False
    return list(map(str, values.astype(np.int64).tolist())) == [cell.strip() for cell in cells]


def parse_numbers(levels: Sequence[str], decimal: Decimal) -> tuple[Floats, Mask]:
    """Read texts as numbers.

    Currency signs are dropped, "12 %" is 0.12, "(12)" is -12, and "1.234,5", "1,234.5", "1 234,5", "1'234.5"
    are all 1234.5, whatever ``decimal`` is: it only decides "1,234" and "1.234".

    Parameters
    ----------
    levels : sequence of str
    decimal : "." or ","
        The decimal mark.

    Returns
    -------
    values : float64 (n_levels,)
        0 where it is not a number.
    is_number : bool (n_levels,)
    """
    values = np.zeros(len(levels))
    is_number = np.zeros(len(levels), dtype=bool)
    for index, level in enumerate(levels):
        value = _plain(level) if decimal == "." or "." not in level else None
        if value is None:
            value = _formatted(level, decimal)
        if value is not None:
            values[index] = value
            is_number[index] = True
    return values, is_number


def decimal_mark(levels: Sequence[str], weights: Sequence[int], otherwise: Decimal) -> tuple[Decimal, bool]:
    """Find the decimal mark of a column from its unambiguous values.

    Parameters
    ----------
    levels : sequence of str
        The different texts.
    weights : sequence of int
        The number of rows of each.
    otherwise : "." or ","
        The answer where no value decides.

    Returns
    -------
    decimal : "." or ","
    in_doubt : bool
        Whether some value has the form of "1,234" or "1.234" and none shows how to read it.
    """
    votes = decimal_votes(levels, weights)
    if votes.points == votes.commas:
        return otherwise, bool(votes.doubts)
    return (".", False) if votes.points > votes.commas else (",", False)


@final
@dataclass(frozen=True, slots=True)
class DecimalVotes:
    """What the numbers of a column tell about its decimal mark.

    Attributes
    ----------
    points, commas : int
        The unambiguous rows.
    doubts : dict of "." or "," to str
        The first number like "1.234", and like "1,234".
    proofs : dict of "." or "," to str
        The first unambiguous number of each.
    """

    points: int
    commas: int
    doubts: dict[Decimal, str]
    proofs: dict[Decimal, str]

    @property
    def shown(self) -> Decimal | None:
        """The mark that all unambiguous numbers show."""
        return next(iter(self.proofs)) if len(self.proofs) == 1 else None


def decimal_votes(levels: Sequence[str], weights: Sequence[int]) -> DecimalVotes:
    """Count what the numbers of a column tell about its decimal mark; see ``decimal_mark``."""
    votes: dict[Decimal, int] = {".": 0, ",": 0}
    doubts: dict[Decimal, str] = {}
    proofs: dict[Decimal, str] = {}
    for level, weight in zip(levels, weights, strict=True):
        if "," not in level and "." not in level:
            continue
        body = level.lstrip("+-") if _SIMPLE.fullmatch(level) else _stripped(level)[0]
        if body is None or ("," not in body and "." not in body):
            continue
        mark = _mark_of(body)
        if mark is None:
            doubts.setdefault("," if "," in body else ".", level)
        else:
            votes[mark] += weight
            proofs.setdefault(mark, level)
    return DecimalVotes(votes["."], votes[","], doubts, proofs)


def marks(levels: Sequence[str], decimal: Decimal) -> list[str]:
    """The marks that were ignored: ["decimal comma", "thousands marks", "€", "%"]."""
    return [mark for mark in seen_marks(levels, decimal) if mark not in (MARKS["."], NO_PERCENT)]


def seen_marks(levels: Sequence[str], decimal: Decimal) -> tuple[str, ...]:
    """Name all marks in numbers, "decimal point" among them, and "no %" where some have a % and some not."""
    found: dict[str, None] = {}
    bare = False
    for level in levels:
        body, _, percent = _stripped(level)
        if body is None:
            continue
        for sign in CURRENCY.findall(level):
            found[sign] = None
        if percent:
            found["%"] = None
        mantissa = re.split("[eE]", body)[0]
        bare |= not percent and any("1" <= char <= "9" for char in mantissa)
        mark = _mark_of(body) or decimal
        whole, point, _ = mantissa.partition(mark) if mantissa.count(mark) == 1 else (mantissa, "", "")
        if point:
            found[MARKS[mark]] = None
        if re.search(r"\D", whole):
            found[THOUSANDS] = None
    return (*found, NO_PERCENT) if bare and "%" in found else tuple(found)


def number_text(value: float) -> str:
    """Write a number as the name of a category: 3.0 as "3"."""
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


def _plain(text: str) -> float | None:
    """Read what Python reads, but not "1_000" and not "nan"."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if "_" in text or value != value else value


def _stripped(text: str) -> tuple[str | None, bool, bool]:
    """Take sign, currency and percent off: (the rest or None, is it negative, is it in percent)."""
    rest = text.strip()
    negative = percent = False
    if rest.startswith("(") and rest.endswith(")"):  # as accountants write it
        negative, rest = True, rest[1:-1]
    rest, currencies = CURRENCY.subn("", rest)
    if currencies > 1:
        return None, False, False
    rest = rest.strip(" \u00a0\u2009\u202f")
    if rest.endswith("%"):
        percent, rest = True, rest[:-1].rstrip(" \u00a0\u2009\u202f")
    if rest[-1:] in ("-", "−") and _AMOUNT.fullmatch(rest[:-1]):  # as SAP writes it
        rest = "-" + rest[:-1]
    if rest[:1] in ("-", "+", "−"):
        if negative:
            return None, False, False
        negative, rest = rest[0] != "+", rest[1:].lstrip(" \u00a0\u2009\u202f")
    return (rest, negative, percent) if _BODY.fullmatch(rest) else (None, False, False)


def _formatted(text: str, decimal: Decimal) -> float | None:
    body, negative, percent = _stripped(text)
    if body is None:
        return None
    mantissa, *exponent = re.split("[eE]", body)
    if _SPACED.match(mantissa):
        mantissa = mantissa.translate(_UNSPACED)
    mark = _mark_of(body) or decimal
    other = "." if mark == "," else ","
    whole, _, part = mantissa.partition(mark)
    if other in whole:
        if not _GROUPED[other].fullmatch(whole):
            return None
        whole = whole.replace(other, "")
    if not (whole + part).isdecimal():
        return None
    value = float(f"{whole or '0'}.{part or '0'}e{exponent[0] if exponent else '0'}")
    value = value / 100 if percent else value
    return -value if negative else value


def _mark_of(body: str) -> Decimal | None:
    """The decimal mark of one value, or None where it has none or is ambiguous."""
    commas, dots = body.count(","), body.count(".")
    if commas and dots:
        return "," if body.rfind(",") > body.rfind(".") else "."
    if commas > 1 or dots > 1:
        return "." if commas else ","
    if not commas and not dots:
        return None
    if _EITHER.fullmatch(body):
        return None
    return "," if commas else "."
