"""Candidates without a score are named, and why."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from taut.recipe import Recipe
from taut.selection.failures import ScorerError, describe_failures, what_to_lower, why_none_has_a_score
from taut.selection.score import failed_score
from taut.techniques import L1, L2, EarlyStopping
from tests.selection.helpers import EARLY, score, tagged

DIVERGED = failed_score(EARLY, 0, 2, "diverged", 4, 1.0)
BELOW = ScorerError("scoring='msle' raised ValueError: no", "values from -2 to 3", -2.0)


def test_where_all_have_a_score_nothing_is_said() -> None:
    assert describe_failures([score(), score()]) == ""


def test_each_is_named_with_its_reason() -> None:
    other = replace(DIVERGED, candidate=tagged(1), failed=str(BELOW))
    assert describe_failures([score(), DIVERGED, other]) == (
        "2 of 3 candidates have no score: early stopping (diverged); L1 0.1 + batch norm + early stopping "
        "(scoring='msle' raised ValueError: no, for values from -2 to 3)."
    )


def test_very_many_are_counted() -> None:
    assert describe_failures([DIVERGED] * 66).endswith("early stopping (diverged); and 54 more.")


def test_where_all_diverged_it_is_said() -> None:
    assert why_none_has_a_score([DIVERGED] * 3, []).startswith("Every candidate diverged")


@pytest.mark.fault(80)
def test_where_all_predicted_negative_values_it_is_said() -> None:
    lower = ScorerError(BELOW.why, "values from -3.25 to 3", -3.25)
    assert why_none_has_a_score([DIVERGED] * 2, [BELOW, lower]) == (
        "No candidate has a score: scoring='msle' raised ValueError: no. All 2 candidates that were scored "
        "predicted negative values (as low as -3.25); 2 more diverged: take another scoring."
    )


@pytest.mark.fault(80)
def test_otherwise_the_range_or_the_classes_are_said() -> None:
    errors = [ScorerError("scoring=own is nan", f"{n} of 3 classes", np.nan) for n in (1, 2)]
    failed = replace(DIVERGED, failed="scoring=own is nan")
    assert why_none_has_a_score([failed] * 2, errors).endswith(
        "is nan. All 2 candidates that were scored predicted 1 of 3 classes, or such: take another scoring."
    )


@pytest.mark.parametrize(
    ("recipe", "rate", "sentence"),
    [
        (Recipe(L2(1e308)), 0.001, r"^lower the strength of L2 1e\+308 \(taut tries 50 at most\)$"),
        (
            Recipe(L2(1e308), L1(1e9), EarlyStopping(10**6)),
            5.0,
            r"of L2 1e\+308 .* and the strength of L1 .*, and learning_rate \(5\)$",
        ),
        (Recipe(L2(10.0)), 5.0, r"^lower learning_rate \(it was 5\)$"),
        (
            Recipe(),
            0.001,
            r"^lower learning_rate \(it was 0.001\), or look for extreme values in the target$",
        ),
    ],
    ids=["strength", "both", "rate", "neither"],
)
def test_what_is_absurd_is_to_be_lowered(recipe: Recipe, rate: float, sentence: str) -> None:
    assert re.search(sentence, what_to_lower(recipe, rate))
