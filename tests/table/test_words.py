from __future__ import annotations

import numpy as np
import pytest

from taut.table.words import boolean_words, is_missing, parse_booleans


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "None", "?", "-", ".", "#N/A", r"\N"])
def test_words_for_missing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "no", "Na.", "nano", "unknown", "--x"])
def test_other_words_are_values(text: str) -> None:
    assert not is_missing(text)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (["true", "false"], ("false", "true")),
        (["No", "Yes"], ("No", "Yes")),
        (["Y"], ("n", "Y")),
        (["T", "t", "F"], ("F", "T")),
    ],
)
def test_yes_and_no_words(levels: list[str], words: tuple[str, str]) -> None:
    assert boolean_words(levels) == words


@pytest.mark.parametrize("levels", [[], ["yes", "maybe"], ["yes", "n"], ["0", "1"], ["yes", "no", "Norway"]])
def test_other_words_are_no_yes_or_no(levels: list[str]) -> None:
    assert boolean_words(levels) is None


def test_parse_booleans() -> None:
    assert np.array_equal(parse_booleans(["Yes", " no", "T", "x"]), [1, 0, 1, np.nan], equal_nan=True)
