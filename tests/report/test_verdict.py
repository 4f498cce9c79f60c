from __future__ import annotations

from copy import deepcopy

import pytest

from taut.estimators import TautClassifierCV
from taut.recipe import Recipe
from taut.report import verdict as words
from taut.report.facts import facts_of
from taut.report.schema import Facts
from taut.selection.score import CandidateScore
from taut.techniques import L2, Dropout
from tests.report.helpers import EARLY, MIXTURE, NONE, alone, scored, searched, usual
from tests.report.models import searched as fitted
from tests.report.models import single


def facts(*candidates: CandidateScore, best: int | None = None) -> Facts:
    """Facts of a fitted estimator whose search was another."""
    estimator = deepcopy(fitted("y"))
    searched(estimator, candidates, best=best)
    estimator.recipe_ = estimator.best_.recipe
    estimator.learning_rate_ = estimator.best_.candidate.learning_rate
    del estimator.estimate_, estimator.simple_baselines_
    assert isinstance(estimator, TautClassifierCV)
    return facts_of(estimator)


def verdict(*candidates: CandidateScore, best: int | None = None) -> str:
    sentence = words.verdict(facts(*candidates, best=best))
    assert sentence.endswith(" went into it.")
    return sentence


early, none = scored(EARLY, [1.0, 1.2, 1.4]), scored(NONE, [2.0, 2.4, 2.8])


def test_the_verdict_begins_with_what_the_terminal_says() -> None:
    found = facts(early, none, scored(MIXTURE, [0.8, 1.0, 1.2]))
    assert found["comparison"] is not None
    first = found["comparison"]["sentences"][0]
    assert first.startswith("Regularization lowered the validation loss by 58 % (95 % interval 38 to 79 %)")
    assert words.verdict(found).startswith(f"{first} Accuracy stayed at 90.0 %; 150 rows, ")


def test_early_stopping_alone() -> None:
    assert verdict(early, none, scored(alone(L2(0.1)), [1.1, 1.3, 1.5])).startswith(
        "Early stopping alone had the lowest loss of the 3 candidates tried; no other technique added to it. "
        "It lowered the validation loss by 50 %"
    )
    other = scored(EARLY, [0.9, 1.1, 1.3], candidate=usual(EARLY, 0.01))
    moved = CandidateScore(**{**vars(other), "batch": 0})
    assert verdict(early, none, moved).startswith("Early stopping alone at a higher learning rate had ")


def test_no_regularization() -> None:
    better = scored(NONE, [0.5, 0.6, 0.7])
    assert verdict(early, better).startswith("Regularization did not help here: the network without any")
    worse = scored(NONE, [1.1, 1.2, 1.5])
    assert verdict(early, worse, best=1).startswith("No regularization was chosen")


def test_a_recipe_that_lowered_nothing() -> None:
    text = verdict(early, none, scored(alone(Dropout(0.5)), [2.5, 2.6, 2.9]), best=2)
    assert text.startswith("The chosen recipe did not lower the validation loss.")


def measured_again(found: Facts, loss: dict[str, float]) -> str:
    return words.verdict({**found, "effects": {"start_loss": 2.0, "loss": loss, "n_seeds": 3}})


@pytest.mark.fault(93)
def test_what_the_effects_do_not_show_is_not_claimed_by_the_search() -> None:
    found = facts(early, none, scored(MIXTURE, [0.8, 1.0, 1.2]))
    text = measured_again(found, {"value": -0.4, "low": -0.9, "high": 0.1})
    assert text.startswith(
        "That regularization helped is not sure: measured again for the effects, the loss is 20 % (95 % "
        "interval -5 to 45 %) lower than with no regularization, which may be chance. In the search: "
        "Regularization lowered the validation loss by 58 %"
    )
    same = measured_again(found, {"value": -0.4, "low": -0.6, "high": -0.2})
    assert same == words.verdict(found)
    doubtful = facts(early, none, scored(MIXTURE, [0.1, 0.1, 2.6]))
    text = measured_again(doubtful, {"value": -0.4, "low": -0.9, "high": 0.1})
    assert "measured again" not in text
    assert "not sure" in text


def test_one_network() -> None:
    one = words.verdict(facts_of(single("y")))
    assert one.startswith("One network was trained with L2 0.1 + L1 0.01 + dropout 0.2 (input 0.1)")
    assert "compared with no other" in one
    assert "no rows were held out" in words.verdict(facts_of(single("amount", Recipe())))


def test_a_model_without_an_estimate_says_so() -> None:
    assert "saved without an estimate" in words.of_estimate(facts(early, none))[0]
    assert any("corrected" in sentence for sentence in words.of_estimate(facts_of(fitted("y"))))
