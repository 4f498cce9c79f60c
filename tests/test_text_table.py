from __future__ import annotations

from taut.text_table import text_table

ROWS = [["", "loss", "note"], ["off", "0.25", ""], ["early stopping", "0.125", "<- best"], ["all", "1", ""]]


def test_words_begin_and_numbers_end_below_each_other() -> None:
    assert text_table(ROWS, left=(0, 2), rules=(1, -1)).splitlines() == [
        "                 loss  note",
        "------------------------------",
        "off              0.25",
        "early stopping  0.125  <- best",
        "------------------------------",
        "all                 1",
    ]


def test_without_rules_there_are_the_rows_alone() -> None:
    assert text_table([["a", "1"], ["b", "22"]], rules=()) == "a   1\nb  22"
