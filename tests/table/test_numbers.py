from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.table.frame import Decimal
from taut.table.numbers import decimal_mark, marks, number_text, parse_numbers


def parse(text: str, decimal: Decimal = ".") -> float | None:
    values, is_number = parse_numbers([text], decimal)
    return float(values[0]) if is_number[0] else None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        (" -2.5 ", -2.5),
        ("+3", 3.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("1e400", math.inf),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1,234,567", 1234567.0),
        ("1.234.567", 1234567.0),
        ("12,34,567.5", 1234567.5),
        ("1 234,5", 1234.5),
        ("1\u202f234\u00a0567", 1234567.0),
        ("1'234.5", 1234.5),
        ("0,5", 0.5),
        ("0,125", 0.125),
        (",5", 0.5),
        ("12,3456", 12.3456),
        ("12,34", 12.34),
        ("1,5e3", 1500.0),
        ("€12,345", 12345.0),
        ("12.50 €", 12.5),
        ("$ 5", 5.0),
        ("-$5", -5.0),
        ("$-5", -5.0),
        ("USD 1,200.50", 1200.5),
        ("12kr", 12.0),
        ("1,370円", 1370.0),
        ("1 370,50 руб.", 1370.5),
        ("Fr. 12.50", 12.5),
        ("37.50-", -37.5),  # as SAP writes it
        ("1.234,50-", -1234.5),
        ("R$ 5", 5.0),
        ("US$5", 5.0),
        ("(1,234)", -1234.0),
        ("\u22125", -5.0),
        ("12%", 0.12),
        ("12,5 %", 0.125),
        ("-3 %", -0.03),
    ],
)
def test_numbers_in_many_dresses(text: str, value: float) -> None:
    assert parse(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "abc",
            "1_000",
            "nan",
            "1.2.3",
            "1,2,3",
            "1 23",
            "5 kg",
            "--5",
            "1e",
            "€",
            "$5€",
            "%",
        ),
        *(
            "2024-01-01",
            "10:30",
            "0x10",
            "1,234,56",
            "1.234.5",
            "(-5)",
            "²",
            "EUR",
            "1-2",
            "A1",
            "5k",
            "FR2",
            "KR 5",
        ),
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [("1,234", 1234.0, 1.234), ("1.234", 1.234, 1234.0), ("-12.345", -12.345, -12345.0)],
)
def test_the_decimal_mark_decides_what_leaves_a_doubt(text: str, point: float, comma: float) -> None:
    assert parse(text, ".") == point
    assert parse(text, ",") == comma


@pytest.mark.parametrize(
    ("levels", "otherwise", "expected"),
    [
        (["1,234", "5,67"], ".", (",", False)),
        (["1,234", "5.67"], ",", (".", False)),
        (["1.234", "1.234,5"], ".", (",", False)),
        (["1,234", "1,234,567"], ",", (".", False)),
        (["1.234", "1.234.567"], ".", (",", False)),
        (["1,234", "2,345"], ".", (".", True)),
        (["1,234", "2,345"], ",", (",", True)),
        (["1", "2"], ",", (",", False)),
        (["0,123"], ".", (",", False)),
        (["a,b", "x.y"], ".", (".", False)),
    ],
)
def test_the_decimal_mark_of_a_column(
    levels: list[str], otherwise: Decimal, expected: tuple[str, bool]
) -> None:
    assert decimal_mark(levels, [1] * len(levels), otherwise) == expected


def test_the_decimal_mark_is_chosen_by_rows() -> None:
    assert decimal_mark(["1,5", "2.5"], [3, 2], ".") == (",", False)
    assert decimal_mark(["1,5", "2.5"], [2, 3], ",") == (".", False)


def test_marks_are_named() -> None:
    assert marks(["€1.234,5", "12 %"], ".") == ["€", "decimal comma", "thousands marks", "%"]
    assert marks(["1", "2.5", "abc"], ".") == []
    assert marks(["1,234"], ".") == ["thousands marks"]
    assert marks(["1,234"], ",") == ["decimal comma"]


def test_number_text() -> None:
    assert number_text(3.0) == "3"
    assert number_text(-0.5) == "-0.5"
    assert number_text(1e300) == "1e+300"
    assert number_text(math.inf) == "inf"


@given(st.integers(-(10**9), 10**9), st.integers(0, 99), st.sampled_from([",.", ".,", " ,", " .", "'."]))
def test_a_formatted_number_is_read_back(whole: int, cents: int, style: str) -> None:
    grouped = f"{abs(whole):,}".replace(",", style[0])
    text = f"{'-' if whole < 0 else ''}{grouped}{style[1]}{cents:02d}"
    value = (abs(whole) + cents / 100) * (-1 if whole < 0 else 1)
    assert parse(text) == pytest.approx(value, rel=1e-12)


@given(st.floats(allow_nan=False))
def test_a_number_written_by_python_is_read_back_exactly(value: float) -> None:
    assert parse(repr(value)) == value


@given(st.text(max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    for decimal in (".", ","):
        value = parse(text, decimal)
        assert value is None or not math.isnan(value)
        decimal_mark([text], [1], decimal)
        marks([text], decimal)


@pytest.mark.parametrize("text", ["-37.50-", "(37.50-)", "37-", "12.-", "18-24", "-"])
def test_a_minus_behind_needs_an_amount(text: str) -> None:
    assert not parse_numbers([text], ".")[1][0]
