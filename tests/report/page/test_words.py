from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from taut.estimators import TautClassifierCV
from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.page import words
from taut.report.schema import Facts
from taut.selection.score import CandidateScore
from taut.techniques import L2, Dropout
from tests.report.helpers import EARLY, MIXTURE, NONE, alone, failed, scored, searched, usual
from tests.report.page.models import searched as fitted
from tests.report.page.models import single


def facts(*candidates: CandidateScore, best: int | None = None) -> Facts:
    """Facts of a fitted estimator whose search was another."""
    estimator = deepcopy(fitted("y"))
    searched(estimator, candidates, best=best)
    estimator.recipe_ = estimator.best_.recipe
    estimator.learning_rate_ = estimator.best_.candidate.learning_rate
    del estimator.estimate_
    assert isinstance(estimator, TautClassifierCV)
    return facts_of(estimator)


def verdict(*candidates: CandidateScore, best: int | None = None) -> str:
    sentence = words.verdict(facts(*candidates, best=best))
    assert sentence.endswith(" went into it.")
    return sentence


early, none = scored(EARLY, [1.0, 1.2, 1.4]), scored(NONE, [2.0, 2.4, 2.8])


def test_regularization_paid() -> None:
    assert verdict(early, none, scored(MIXTURE, [0.8, 1.0, 1.2])).startswith(
        "Regularization paid: with L2 0.1 + dropout 0.3 + early stopping, the validation loss fell from 2.4 "
        "to 1 (58 %), 17 % below early stopping alone (1.2); accuracy stayed at 90.0 %; "
        "150 rows"
    )


def test_what_may_be_chance_is_said() -> None:
    assert "which may be chance" in verdict(early, none, scored(alone(L2(0.1)), [0.7, 1.25, 1.6]))


def test_early_stopping_alone() -> None:
    assert verdict(early, none, scored(alone(L2(0.1)), [1.1, 1.3, 1.5])).startswith(
        "Early stopping alone did best: the validation loss fell from 2.4 to 1.2 (50 %)"
    )
    assert "Early stopping was chosen: " in verdict(
        early, none, scored(alone(L2(0.1)), [0.9, 1.2, 1.4]), best=0
    )
    other = scored(EARLY, [0.9, 1.1, 1.3], candidate=usual(EARLY, 0.01))
    moved = CandidateScore(**{**vars(other), "batch": 0})
    assert "with a learning rate of 0.01" in verdict(early, none, moved)


def test_no_regularization() -> None:
    better = scored(NONE, [0.5, 0.6, 0.7])
    assert verdict(early, better).startswith("Regularization did not help here: without any")
    worse = scored(NONE, [1.1, 1.2, 1.5])
    assert "without any regularization was chosen" in verdict(early, worse, best=1)
    assert verdict(early, failed(NONE)).startswith(
        "Early stopping alone did best: the validation loss is 1.2"
    )
    assert "diverged" in verdict(early, failed(NONE))


def test_a_recipe_that_lowered_nothing() -> None:
    text = verdict(early, none, scored(alone(Dropout(0.5)), [2.5, 2.6, 2.9]), best=2)
    assert text.startswith("Regularization did not pay here")


def test_one_network() -> None:
    one = words.verdict(facts_of(single("y")))
    assert one.startswith("One network was trained with L2 0.1 + L1 0.01 + dropout 0.2 (input 0.1)")
    assert "compared with no other" in one
    assert "no rows were held out" in words.verdict(facts_of(single("amount", Recipe())))


def test_a_model_without_an_estimate_says_so() -> None:
    assert "saved without an estimate" in words.of_estimate(facts(early, none))[0]
    assert any("corrected" in sentence for sentence in words.of_estimate(facts_of(fitted("y"))))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (3.14, "3.1 s"),
        (59.4, "59 s"),
        (125.2, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_times(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0 %"), (0.0001, "< 0.1 %"), (0.25, "25.0 %")]
)
def test_shares(value: float | None, text: str) -> None:
    assert words.share(value) == text


def test_changes_have_a_sign_and_the_same_decimals() -> None:
    lines: Any = [{"loss": {"value": -0.2338}}, {"loss": {"value": 0.0041}}]
    assert words.change(-0.2338, lines) == "−0.2338"
    assert words.change(0.0041, lines) == "+0.0041"
    assert words.change(0.00001, lines) == "0.0000"
    assert words.change(None, lines) == "–"


def test_curves_say_how_far_the_lines_are_apart() -> None:
    def curve(train: float, validation: float) -> Any:
        return {
            "name": "chosen",
            "label": "x",
            "stop": 1,
            "folds": [{"train_loss": [train], "validation_loss": [validation]}],
        }

    assert "by heart" in words.of_curve(curve(0.1, 0.5))
    assert "own rows only" in words.of_curve(curve(0.4, 0.5))
    assert "close together" in words.of_curve(curve(0.49, 0.5))


def test_the_search_is_told_with_those_that_were_cut_and_failed() -> None:
    text = words.of_search(facts(early, none, failed(alone(L2(0.1))), scored(MIXTURE, [0.8, 1.0, 1.2])))
    assert text == (
        "4 candidates were tried; 1 diverged and have no loss; the lowest loss, 1, was found by candidate 4."
    )


def test_columns_are_counted_by_kind() -> None:
    text = words.of_data(facts_of(fitted("y")))
    assert text.startswith("5 of 7 columns (2 numbers, 1 category, 1 yes or no, 1 date) became ")
    assert text.endswith("2 columns were left out.")
