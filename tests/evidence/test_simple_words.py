from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from taut.evidence.interval import NONE, Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.evidence.simple_words import against_simple, doubts


def model(
    kind: Any = "linear", gain: Interval = NONE, score_gain: Interval = NONE, scoring: float | None = None
) -> SimpleBaseline:
    one = np.ones(3)
    return SimpleBaseline(
        kind,
        "linear model" if kind == "linear" else "always 'No'",
        one,
        one,
        0.941 * one,
        None if scoring is None else scoring * one,
        0,
        gain=gain,
        score_gain=score_gain,
    )


SURE, OPEN, WORSE = Interval(0.2, 0.15, 0.25), Interval(0.03, -0.02, 0.08), Interval(-0.2, -0.3, -0.1)


@pytest.mark.fault(66)
@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (model("constant", SURE, SURE), None),
        (
            model("constant", SURE, OPEN),
            "The network's accuracy, 94.1 %, is not surely above that of always 'No', 94.1 %, though its "
            "loss is 20 % (95 % interval 15 to 25 %) lower.",
        ),
        (
            model("constant", SURE, WORSE),
            "The network's accuracy, 94.1 %, is below that of always 'No', 94.1 %, though its loss is 20 % "
            "(95 % interval 15 to 25 %) lower.",
        ),
        (
            model("constant", OPEN, OPEN),
            "The network is not surely better than always 'No': its loss is 3 % (95 % interval -2 to "
            "8 %) lower.",
        ),
        (
            model("linear", Interval(-0.001, -0.03, 0.03), NONE),
            "The network is not surely better than a linear model (no hidden layers): its loss is 0.1 % "
            "(95 % interval -3 to 3 %) higher.",
        ),
        (
            model("linear", OPEN, SURE),
            "The network is not surely better than a linear model (no hidden layers): its loss is 3 % "
            "(95 % interval -2 to 8 %) lower, though its accuracy surely is higher.",
        ),
        (
            model("linear", Interval(-0.03, -0.08, 0.02), NONE),
            "The network is not surely better than a linear model (no hidden layers): its loss is 3 % "
            "(95 % interval -2 to 8 %) higher.",
        ),
        (
            model("linear", WORSE, OPEN),
            "The network is worse than a linear model (no hidden layers): its loss is 20 % (95 % interval 10 "
            "to 30 %) higher.",
        ),
        (
            model("linear", SURE, SURE),
            "The network's loss is 20 % (95 % interval 15 to 25 %) lower than that of a linear model (no "
            "hidden layers).",
        ),
        (
            model("linear", Interval(-13.78, -18.04, -9.4), NONE),
            "The network is worse than a linear model (no hidden layers): its loss is 14.8 times as high "
            "(95 % interval 10 to 19 times).",
        ),
        (
            model("linear", Interval(-0.0004, -0.03, 0.02), NONE),
            "The network is not surely better than a linear model (no hidden layers): its loss is less than "
            "0.1 % (95 % interval -2 to 3 %) higher.",
        ),
        (model("linear", NONE), None),
        (model("linear", Interval(0.2, math.nan, math.nan)), None),
    ],
)
def test_what_is_said_of_a_simple_model(one: SimpleBaseline, sentence: str | None) -> None:
    assert against_simple([one], 0.941, "accuracy") == ([] if sentence is None else [sentence])


@pytest.mark.fault(66)
def test_where_a_scorer_chose_it_is_what_is_compared() -> None:
    sure = model("linear", OPEN, Interval(0.087, 0.06, 0.113), scoring=0.606)
    assert against_simple([sure], 0.695, "roc_auc") == [
        "The network's roc_auc is above that of a linear model (no hidden layers), 0.606 (difference 0.087, "
        "95 % interval 0.060 to 0.113)."
    ]
    open_ = model("linear", SURE, Interval(-0.01, -0.05, 0.03), scoring=0.705)
    assert against_simple([open_], 0.695, "roc_auc") == [
        "The network's roc_auc, 0.695, is not surely above that of a linear model (no hidden layers), 0.705 "
        "(difference -0.010, 95 % interval -0.050 to 0.030)."
    ]
    assert doubts([sure, open_]) == ["a linear model"]


@pytest.mark.fault(66)
def test_doubts_name_those_who_are_not_surely_beaten() -> None:
    assert doubts([model("constant", SURE), model("linear", SURE)]) == []
    assert doubts([model("constant", OPEN), model("linear", WORSE)]) == ["always 'No'", "a linear model"]
    assert doubts([model("constant", NONE)]) == []
