"""Every sentence that a diagnosis can say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve
from taut.evidence.verdict import Gain, Verdict
from taut.examine.diagnosis import (
    advice_of,
    alternatives_of,
    losses_of,
    not_tried,
    plain_text,
    rows_of,
    signs_of,
    verdict_of,
)
from taut.recipe import Recipe
from taut.techniques import EarlyStopping
from tests.examine.diagnosis_helpers import (
    CURVE,
    FAILED,
    FITS,
    HARMS,
    LEAK,
    OVERFITS,
    STOPPED,
    STRONGER,
    TWINS,
    UNDERFITS,
    UNKNOWN,
    WIDE,
    around,
    gain,
    made,
    too_few,
)

DIVERGED: dict[str, Any] = {"validation_loss": NONE, "train_loss": NONE, "score": math.nan, "turned": None}


# --- the verdict ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gains", "sentence"),
    [
        (
            OVERFITS,
            "The network overfits clearly: stopped at its best epoch its loss on unseen rows would be 30 % "
            "(95 % interval 25 to 35 %) lower.",
        ),
        (
            Verdict("overfits", gain(0.07, "dropout 0.2"), STRONGER),
            "The network overfits slightly: with dropout 0.2 its loss on unseen rows would be 7 % (95 % "
            "interval 2 to 12 %) lower.",
        ),
        (
            Verdict("overfits", Gain(Interval(0.13, -0.01, 0.25), "dropout 0.5", 0.15), STRONGER),
            "The network perhaps overfits: with dropout 0.5 its loss on unseen rows would be 13 % (95 % "
            "interval -1 to 25 %) lower, which may be chance.",
        ),
        (
            Verdict("underfits", FITS.weaker, Gain(Interval(0.6, -0.1, 1.0), "twice as wide", 0.6)),
            "The network perhaps underfits: twice as wide its loss on unseen rows would be 60 % (95 % "
            "interval -10 to 100 %) lower, which may be chance.",
        ),
        (
            UNDERFITS,
            "The network underfits badly: twice as wide its loss on unseen rows would be 60 % (95 % interval "
            "55 to 65 %) lower.",
        ),
        (
            Verdict("underfits", FITS.weaker, gain(0.2, "with a hidden layer of 64")),
            "The network underfits clearly: with a hidden layer of 64 its loss on unseen rows would be 20 % "
            "(95 % interval 15 to 25 %) lower.",
        ),
        (
            Verdict("underfits", FITS.weaker, gain(0.2, "trained twice as long")),
            "The network underfits clearly: trained twice as long its loss on unseen rows would be 20 % (95 "
            "% interval 15 to 25 %) lower.",
        ),
        (
            FITS,
            "The network fits: none of the alternatives tried, regularized, stopped earlier, wider or "
            "trained longer, has a loss on unseen rows that is lower by more than a trifle, and by more than "
            "chance.",
        ),
    ],
)
def test_the_verdict_in_a_sentence(gains: Verdict, sentence: str) -> None:
    assert verdict_of(made(gains)) == sentence


@pytest.mark.parametrize(
    ("best", "how"),
    [
        ("L2 5", "with L2 5"),
        ("stopped at its best epoch", "stopped at its best epoch"),
        ("", "with batch norm"),  # where none of those that the verdict goes by is sound
    ],
)
def test_a_network_that_diverges(best: str, how: str) -> None:
    gains = Verdict("overfits", Gain(Interval(1.0, 1.0, 1.0), best, 1.0), STRONGER)
    alternatives = (replace(STOPPED, validation_loss=math.nan), replace(FAILED, validation_loss=0.4))
    assert (
        verdict_of(made(gains, alternatives=alternatives, **DIVERGED))
        == f"The network diverges as it is; {how} it does not."
    )


# --- the losses -------------------------------------------------------------------------------------------


def test_losses_of_classes() -> None:
    assert losses_of(made()) == [
        "Cross-entropy (nats): 0.010 (0.005 to 0.015) on training rows, 1.000 (0.950 to 1.050) on unseen "
        "rows (accuracy 81.2 %).",
        "The loss on unseen rows was lowest in epoch 12 of 300, and rose again.",
        "Regularization recovers 31 % of the gap between the two (stopped at its best epoch; 95 % interval "
        "25 to 37 %).",
    ]


def test_losses_of_amounts() -> None:
    found = made(
        task="regression",
        score=0.5,
        train_loss=NONE,
        validation_loss=around(54321.0, 321.0),
        alternatives=(replace(STOPPED, validation_loss=43210.9),),
    )
    assert losses_of(found)[0] == (
        "Squared error: unknown on training rows, 54,321 (54,000 to 54,642) on unseen rows (R² 0.500)."
    )


def test_a_loss_that_has_not_turned() -> None:
    assert (
        losses_of(made(turned=None))[1]
        == "The loss on unseen rows had not turned by epoch 300, the last one."
    )


def test_a_gap_of_which_nothing_is_surely_recovered() -> None:
    lines = losses_of(made(recovered=Interval(0.1, -0.1, 0.3)))
    assert lines[2] == ("These data do not show that regularization recovers any of the gap between the two.")
    assert len(losses_of(made(recovered=NONE))) == 2


@pytest.mark.parametrize(
    ("loss", "written"),
    [
        (1.0, "1.00"), (0.0123456, "0.0123"), (123.456, "123"), (1234567.0, "1,234,567"),
        (1.5e-8, "1.5e-08"), (4e12, "4e+12"),
    ],
)  # fmt: skip
def test_losses_have_as_many_digits_as_tell_them_apart(loss: float, written: str) -> None:
    found = made(validation_loss=Interval(loss, math.nan, math.nan), alternatives=())
    assert f" {written} on unseen rows" in losses_of(found)[0]


# --- the alternatives -------------------------------------------------------------------------------------


def test_the_alternatives_are_a_table() -> None:
    assert alternatives_of(made(alternatives=(STOPPED, FAILED, WIDE))).splitlines() == [
        "                           training loss  validation loss",
        "---------------------------------------------------------",
        "as it is                           0.010            1.000",
        "stopped at its best epoch          0.500            0.700",
        "batch norm                                       diverged",
        "twice as wide                      0.010            1.200",
    ]


def test_what_there_was_no_time_for_is_named() -> None:
    missing = ("twice as wide", "trained twice as long", "whether more rows would help")
    found = made(FITS, missing=missing)
    assert not_tried(found) == [f"There was no time for: {', '.join(missing)}."]
    assert rows_of(found) == []
    assert verdict_of(found).startswith("The network fits as far as there was time to tell: ")
    assert found.to_dict()["missing"] == list(missing)


def test_that_it_was_not_trained_longer_is_said_where_it_would_have_been() -> None:
    line = "Training longer was not tried: the loss on unseen rows had risen by the end."
    assert not_tried(made()) == [line]
    assert not_tried(made(turned=None)) == []
    assert not_tried(made(recipe=Recipe(EarlyStopping()))) == []


# --- more rows --------------------------------------------------------------------------------------------


def test_more_rows_should_help() -> None:
    assert rows_of(made()) == [
        "With early stopping the loss on unseen rows is 1.200 with 50, 0.900 with 100, 0.700 with 1,200 "
        "training rows.",
        "The last doubling lowered it by 22.2 % (95 % interval 15.0 to 29.0 %), so more rows should help: "
        "twice as many by some 12.3 %, if the trend continues.",
    ]
    without = rows_of(made(learning_curve=replace(CURVE, next_doubling=math.nan)))
    assert without[1].endswith("so more rows should help.")


def test_more_rows_may_not_help() -> None:
    curve = LearningCurve(CURVE.points, Interval(0.01, -0.02, 0.04), 0.01)
    assert rows_of(made(learning_curve=curve))[1] == (
        "The last doubling made no difference that these data can show, so more rows may not help (95 % "
        "interval -2.0 to 4.0 %)."
    )


def test_more_rows_that_did_harm_are_no_help() -> None:
    curve = LearningCurve(CURVE.points, Interval(-0.1, -0.15, -0.05), 0.0)
    assert rows_of(made(learning_curve=curve))[1] == (
        "The last doubling raised it by 10 % (95 % interval 5 to 15 %), so more rows may not help."
    )


def test_too_few_rows_to_tell() -> None:
    said = ["There are too few rows to tell whether more would help."]
    assert rows_of(made(learning_curve=too_few())) == said
    assert rows_of(made(learning_curve=LearningCurve(CURVE.points[:1], NONE, math.nan))) == said


# --- the signs --------------------------------------------------------------------------------------------


def test_signs_are_marked_by_how_bad_they_are() -> None:
    assert signs_of(made()) == ["Signs of trouble in the data: none found."]
    assert signs_of(made(signs=(LEAK, TWINS))) == [
        "Signs of trouble in the data:",
        "! Column 'a' alone predicts the target.",
        "- Rows 3 and 4 are the same.",
    ]


# --- the advice -------------------------------------------------------------------------------------------


def test_what_was_measured_is_advised_and_what_was_not_shown_is_not() -> None:
    assert advice_of(made()) == [
        "What to do: stop early, and let taut fit choose what to add to it.",
        "Measured against early stopping alone:",
        "1. L2 5 lowered the loss by 0.1. [measured here]",
        "2. Dropout 0.5 lowered the loss by 0.07. [measured here]",
        "(From the table alone, before any training, the first would have been dropout.)",
    ]


@pytest.mark.fault(93)
def test_what_was_measured_to_be_useless_is_not_advised() -> None:
    useless = replace(STOPPED, lowered=Interval(0.02, -0.1, 0.14))
    unsure = Verdict("overfits", Gain(Interval(0.13, -0.01, 0.25), "L2 5", 0.15), STRONGER)
    sure = Verdict("overfits", gain(0.3, "L2 5"), STRONGER)
    nothing = {"alternatives": (useless,), "advice": (UNKNOWN, HARMS)}
    assert advice_of(made(unsure, **nothing))[0] == "What may help: L2 5."
    assert advice_of(made(sure, **nothing))[0] == "What to do: train it with L2 5."
    only_adding = made(sure, alternatives=(useless,))
    assert advice_of(only_adding)[0] == "What to do: let taut fit choose what to add to early stopping."
    only_stopping = made(sure, advice=(UNKNOWN, HARMS))
    assert advice_of(only_stopping)[0] == "What to do: stop early."
    wider = Verdict("underfits", FITS.weaker, Gain(Interval(0.6, -0.1, 1.0), "twice as wide", 0.6))
    assert advice_of(made(wider)) == ["What may help: more capacity (twice as wide)."]


def test_a_guess_that_was_right_needs_no_word() -> None:
    found = made(before=made().before[1:])
    assert not any("From the table alone" in line for line in advice_of(found))


def test_who_fits_is_told_what_was_measured() -> None:
    assert advice_of(made(FITS))[0] == "Measured against early stopping alone:"


def test_where_nothing_helped_it_is_said() -> None:
    assert advice_of(made(advice=(UNKNOWN, HARMS)))[1:] == [
        "Measured against early stopping alone:",
        "nothing lowered the loss of early stopping alone by more than chance.",
    ]


def test_where_nothing_was_measured_the_rules_advise() -> None:
    assert advice_of(made(advice=())) == [
        "What to try first, from the table alone:",
        "1. There are few rows for so large a network. [Srivastava 2014]",
        "2. A reason. [A source]",
        "3. Another reason. [Another source]",
    ]


def test_who_underfits_wants_capacity() -> None:
    assert advice_of(made(UNDERFITS)) == [
        "What to do: more capacity first (twice as wide); regularize when it overfits."
    ]


# --- all of it --------------------------------------------------------------------------------------------


def test_all_parts_follow_one_another() -> None:
    found = made(signs=(LEAK,))
    text = plain_text(found)
    parts = text.split("\n\n")
    assert parts[0] == verdict_of(found)
    assert parts[1].splitlines() == losses_of(found)
    assert parts[2] == alternatives_of(found)
    assert parts[3].splitlines() == not_tried(found)
    assert parts[4].splitlines() == rows_of(found)
    assert parts[5].splitlines() == signs_of(found)
    assert parts[6].splitlines() == advice_of(found)
    assert parts[7] == (
        "1,500 rows, 7 columns, 5 folds; hidden layers 128-64, learning rate 0.001, batches of 64, "
        "no regularization; 12.3 s."
    )
    assert len(parts) == 8


def test_the_footing_tells_of_fewer_rows_and_of_no_hidden_layers() -> None:
    found = made(n_used=900, hidden=(), recipe=Recipe(EarlyStopping()))
    assert plain_text(found).splitlines()[-1] == (
        "1,500 rows (of which 900 were used), 7 columns, 5 folds; hidden layers none, learning rate 0.001, "
        "batches of 64, early stopping; 12.3 s."
    )


def test_a_network_that_diverges_has_no_figures() -> None:
    gains = Verdict("overfits", Gain(Interval(1.0, 1.0, 1.0), "L2 5", 1.0), STRONGER)
    found = made(gains, recovered=NONE, **DIVERGED)
    assert losses_of(found) == ["Its loss was no longer a finite number, so it has no figures of its own."]
    assert alternatives_of(found).splitlines()[2].split() == ["as", "it", "is", "diverged"]
    assert "nan" not in plain_text(found)
