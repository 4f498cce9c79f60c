"""Effects in plain text."""

from __future__ import annotations

import pytest

from taut.evidence.certainty import NO_DIFFERENCE
from taut.evidence.interval import NONE, Interval
from taut.examine.effects_result import in_words, plain_table, plain_text
from taut.recipe import Recipe
from tests.examine.effects_helpers import (
    DROPOUT_LINE,
    FAILED,
    L2_LINE,
    OFF,
    RATE,
    STOPPED,
    WITHOUT,
    line,
    made,
    pair,
)


def row_of(text: str, label: str) -> str:
    (found,) = (row for row in text.splitlines() if row.startswith(label))
    return " ".join(found.split())


def test_the_table_has_the_ends_the_lines_and_the_sum() -> None:
    table = plain_table(made())
    assert row_of(table, "no regularization") == "no regularization 0.9000 78.0 %"
    assert row_of(table, "early stopping") == "early stopping -0.3500 -0.4000 to -0.3000 +2.1 +0.1 to +4.1"
    assert row_of(table, "dropout 0.3").startswith("dropout 0.3 +0.0020 -0.0040 to +0.0080 0.0")
    assert row_of(table, "all together").startswith("all together -0.3620 -0.4120 to -0.3120")
    assert row_of(table, "L2 0.1 + ").endswith("0.5380 80.1 %")
    assert "cross-entropy" in table.splitlines()[0]
    assert "accuracy points" in table.splitlines()[0]


def test_what_is_off_is_zero_without_a_sign() -> None:
    text = plain_text(made((STOPPED, OFF)))
    assert row_of(text, "L1 0 (off)") == "L1 0 (off) 0 0"
    assert "L1 0 is off and contributes nothing." in text


def test_signs_are_told_in_words() -> None:
    words = in_words(made())
    assert words[0] == "A minus lowers the loss, a plus raises the accuracy. The lines add up."
    assert "the cross-entropy goes from 0.9000 to 0.5380: 40 % (95 % interval 35 to 46 %) lower." in words[1]
    assert "What lowers it most is early stopping." in words
    assert "Early stopping lowers the loss by 0.3500 (0.3000 to 0.4000)." in words
    assert "Batch norm raises the loss by 0.0200 (0.0100 to 0.0300)." in words
    assert f"The learning rate and dropout 0.3 made {NO_DIFFERENCE}." in words


def test_a_whole_change_that_spans_zero_is_none() -> None:
    words = in_words(made((RATE,), loss=Interval(-0.004, -0.03, 0.02)))
    assert "goes from 0.9000 to 0.8960: no difference that these data can show." in words[1]
    assert not any("most" in sentence for sentence in words)


@pytest.mark.fault(93)
def test_what_may_be_chance_is_told_with_its_interval_and_not_as_a_fact() -> None:
    half_shown = line("dropout", "dropout 0.3", -0.1, 0.12)
    words = in_words(made((half_shown,), loss=Interval(-0.1, -0.22, 0.02)))
    assert "11 % (95 % interval -2 to 24 %) lower, which may be chance." in words[1]
    assert "Dropout 0.3 perhaps lowers the loss by 0.1000 (-0.0200 to 0.2200), which may be chance." in words
    assert not any("lowers it most" in one for one in words)


def test_pairs_that_help_or_replace_each_other() -> None:
    both = (L2_LINE, DROPOUT_LINE)
    helping = in_words(made(both, interactions=(pair(-0.01),)))
    assert any("by 0.0100 more than separately: they help each other." in one for one in helping)
    replacing = in_words(made(both, interactions=(pair(0.01),)))
    assert any("by 0.0100 less than separately: they partly replace each other." in one for one in replacing)
    silent = in_words(made(both, interactions=(pair(0.01, 0.1),)))
    assert "These data do not show that L2 0.1 and dropout 0.3 replace or help each other." in silent
    many = in_words(made(both, interactions=(pair(0.01, 0.1),) * 3))
    assert "These data do not show that any two techniques replace or help each other." in many


def test_a_recipe_without_early_stopping_is_explained() -> None:
    words = in_words(made((STOPPED, RATE, WITHOUT), recipe=Recipe()))
    assert any("removes it again: without it the loss is 0.2000 higher." in one for one in words)
    unsure = line("without_early_stopping", "without early stopping", 0.0, 1.0, "without early stopping")
    words = in_words(made((STOPPED, RATE, unsure), recipe=Recipe()))
    assert any(f"removes it again: that made {NO_DIFFERENCE}." in one for one in words)


def test_what_diverged_is_named() -> None:
    found = made((STOPPED, FAILED), failed=("L2 0.1 + early stopping",), loss=NONE, score=NONE)
    text = plain_text(found)
    assert row_of(text, "L2 0.1  ") == "L2 0.1 none none"
    assert "Networks diverged, so some lines have no figures: L2 0.1 + early stopping." in text
    assert "The whole change is unknown: networks diverged at one end." in text


def test_cautions_and_what_it_rests_on() -> None:
    text = plain_text(made(exact=False, n_orders=6, n_seeds=1))
    assert "means over 6 orders drawn at random, which the intervals account for." in text
    assert "With one seed, the intervals do not include the chance in training." in text
    assert "1,000 held-out rows, 5 folds and 1 seed" in text
    assert "not other training rows" in text
    assert text.endswith("215 networks in 34 s.")


def test_regression_and_sizes_of_all_kinds() -> None:
    huge = made((line("l2", "L2 0.1", -300.0, 100.0),), task="regression", start_loss=3058.0, end_loss=2758.0)
    table = plain_table(huge)
    assert row_of(table, "no regularization") == "no regularization 3,058 0.780"
    assert row_of(table, "L2 0.1  ").startswith("L2 0.1 -300 -400 to -200 0.000")
    assert "R²" in table
    tiny = made((line("l2", "L2 0.1", -2e-9, 1e-9),), start_loss=5e-9, end_loss=3e-9)
    assert "-2e-09" in plain_table(tiny)
