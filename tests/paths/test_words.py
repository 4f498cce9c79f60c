from __future__ import annotations

from dataclasses import replace

import pytest

from taut.paths.words import in_words, name_of, off_name, place_of, title
from taut.techniques import BatchNorm
from tests.paths.helpers import made


def said(*arguments: object, **changes: object) -> str:
    return "\n".join(in_words(made(*arguments, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l2", "L2"), ("l1", "L1"), ("dropout", "dropout"), ("early_stopping", "early stopping"),
        ("batch_norm", "batch norm"),
    ],
)  # fmt: skip
def test_techniques_have_short_names(name: str, expected: str) -> None:
    assert name_of(made(name)) == expected


def test_what_the_path_is_compared_with() -> None:
    assert off_name(made()) == "early stopping alone"
    assert off_name(made(others=[BatchNorm()])) == "batch norm + early stopping"
    assert off_name(made("early_stopping")) == "epoch 100, the last one"


def test_places() -> None:
    path = made()
    assert [place_of(path, p) for p in path.points[:3]] == ["early stopping alone", "L2 0.01", "L2 0.1"]
    path = made("early_stopping")
    assert place_of(path, path.off) == "epoch 100"
    path = made("batch_norm")
    assert place_of(path, path.points[1]) == "batch norm"


@pytest.mark.parametrize(
    ("name", "losses", "expected"),
    [
        (
            "l2",
            None,
            "L2: the validation loss is lowest at 0.1, and within one standard error of that up to 1",
        ),
        ("l2", (0.6, 0.5, 0.7), "L2: the validation loss is lowest at 0.01"),
        ("l2", (0.5, 0.6, 0.7), "L2: no strength has a lower validation loss than early stopping alone"),
        (
            "l2",
            (0.5, 0.51, 0.7),
            "L2: no strength has a lower validation loss than early stopping alone, "
            "and up to 0.01 it is within one standard error of that",
        ),
        (
            "early_stopping",
            None,
            "Early stopping: the validation loss is lowest in epoch 10, "
            "and within one standard error of that as early as epoch 3",
        ),
        (
            "batch_norm",
            (0.5, 0.4),
            "Batch normalization: the validation loss is 0.4 with it and 0.5 without",
        ),
    ],
)
def test_the_title_says_in_one_sentence_what_to_see(name: str, losses: object, expected: str) -> None:
    path = made(name) if losses is None else made(name, losses)  # type: ignore[arg-type]
    assert title(path) == expected


def test_the_best_is_compared_with_off() -> None:
    text = said()
    assert text.startswith(
        "The validation loss is lowest with L2 0.1: 0.500 ± 0.022, 16.7 % (95 % interval 16.7 to 16.7 %) "
        "lower than early stopping alone (0.6)."
    )
    assert "\nUp to L2 1, the loss is within one standard error of that.\n" in text
    assert "chance" not in text
    assert text.endswith(
        "The lowest of many losses is a slightly optimistic estimate; rows that were set aside give an "
        "honest one."
    )


@pytest.mark.fault(93)
def test_a_difference_within_chance_is_said() -> None:
    path = made("batch_norm", (0.51, 0.5))
    on = replace(path.points[1], validation_losses=path.points[1].validation_losses[::-1])
    text = "\n".join(in_words(replace(path, points=(path.points[0], on))))
    assert (
        "2 % (95 % interval -25 to 29 %) lower than early stopping alone (0.51), which may be chance." in text
    )
    assert "Up to" not in text
    assert "of many losses" not in text


def test_no_strength_helps() -> None:
    assert said("l2", (0.4, 0.5, 0.6)) == (
        "No strength of L2 has a lower validation loss than early stopping alone (0.400 ± 0.022)."
    )
    assert said("batch_norm", (0.4, 0.5)) == (
        "Batch norm does not help: early stopping alone has the lower validation loss (0.400 ± 0.022)."
    )
    assert said("early_stopping", (0.9, 0.8, 0.7, 0.6, 0.5)).startswith(
        "No earlier epoch has a lower validation loss than epoch 100, the last one (0.500 ± 0.022)."
    )


def test_epochs() -> None:
    text = said("early_stopping")
    assert "% interval 37.5 to 37.5 %) lower than epoch 100, the last one (0.8)." in text
    assert "As early as epoch 3, the loss is within one standard error of that." in text


def test_zeros_and_the_columns_that_hold_out() -> None:
    text = said("l1", columns=("a", "b", "c", "d", "<e>"))
    assert (
        "Of the best one's weights that early stopping keeps, 30 % are zero; "
        "at the end of training, as in the table, 60 %."
    ) in text
    assert "The columns that last longest: 'a', 'b', 'c'." in text
    assert "zero" not in said("l2")


def test_one_split_and_a_failed_off_are_said() -> None:
    assert "With one split, there is no telling how much of this is chance." in said(n_folds=1)
    text = said(failed=[0])
    assert "0.500 ± 0.022; early stopping alone has none (diverged)." in text
    assert "chance" not in text


def test_losses_in_large_units() -> None:
    assert "3,000 ± 129, 16.7 %" in said(task="regression", factor=6000.0)
    assert "5e+08 ± 2.15e+07" in said(task="regression", factor=1e9)
