from __future__ import annotations

import pytest

from taut.wording import capital, counted, fixed, formatter_for, listed, number, percent, plus_minus, scored


def test_numbers() -> None:
    assert [number(v) for v in (0.12345, 12.345, 1234.5, 1.5e8, 0.0, float("nan"))] == [
        "0.123", "12.3", "1,234", "1.5e+08", "0", "none",
    ]  # fmt: skip
    assert [percent(v) for v in (0.0001, 0.0123, 0.5, 0.9999, 0.999, 1.0)] == [
        "less than 0.1 %", "1.2 %", "50 %", "99.9 %", "99.9 %", "100 %",
    ]  # fmt: skip
    assert plus_minus(0.0651, 0.00701) == "0.0651 ± 0.0070"
    assert plus_minus(0.5, float("nan")) == "0.5"
    assert plus_minus(0.0, 0.1) == "0 ± 0.1"


def test_numbers_of_one_size_have_the_same_decimals() -> None:
    write = formatter_for(0.0123)
    assert (write(0.0123), write(1234.5)) == ("0.0123", "1,234.5000")
    assert formatter_for(0.0123, separator="")(1234.5) == "1234.5000"
    assert formatter_for(2.5, digits=4)(0.25) == "0.250"
    assert [formatter_for(level)(level) for level in (1e9, 5e-7, 0.0, float("nan"))] == [
        "1e+09",
        "5e-07",
        "0",
        "nan",
    ]


def test_nothing_has_no_sign() -> None:
    assert fixed(-0.0004, 3) == fixed(0.0, 3) == "0.000"
    assert formatter_for(0.5)(-1e-9) == "0.000"


def test_an_accuracy_is_in_percent() -> None:
    assert [scored(0.9123, name) for name in ("accuracy", "R²", "roc_auc")] == ["91.2 %", "0.912", "0.912"]


def test_words_are_counted_and_begin_sentences() -> None:
    assert [counted(n, "row") for n in (0, 1, 1234)] == ["0 rows", "1 row", "1,234 rows"]
    assert counted(2, "category", "categories") == "2 categories"
    assert [capital(text) for text in ("", "a L2", "L2")] == ["", "A L2", "L2"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefgh"), "a, b, c, d, e, f and 2 more"),
    ],
)
def test_names_are_listed_as_people_do(names: list[str], text: str) -> None:
    assert listed(names, 6) == text
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f, g and h"
