"""Candidates without a score, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import final

from taut.recipe import Recipe
from taut.selection.score import CandidateScore
from taut.selection.space import LEARNING_RATES
from taut.techniques import EarlyStopping

#: Instead of a reason: training gave numbers that are no longer finite.
DIVERGED = "diverged"

_MOST_NAMED = 12
# This many times the highest that is searched is most likely a slip.
_FAR = 10.0


@final
class ScorerError(Exception):
    """The user's scorer raised, or did not give a finite number, for one network on one fold.

    Parameters
    ----------
    why : str
        What it did: the same text for all networks on which it did the same.
    predicted : str
        What the network predicted, such as "values from -0.3 to 4.2".
    low : float
        The lowest value that it predicted; NaN for classes.
    """

    def __init__(self, why: str, predicted: str, low: float = math.nan) -> None:
        super().__init__(f"{why}, for {predicted}")
        self.why, self.predicted, self.low = why, predicted, low


def describe_failures(candidates: Sequence[CandidateScore]) -> str:
    """One sentence naming the candidates that have no score; empty where all have one."""
    failed = [c for c in candidates if c.failed]
    if not failed:
        return ""
    names = "; ".join(f"{c.recipe.describe()} ({c.failed})" for c in failed[:_MOST_NAMED])
    more = f"; and {len(failed) - _MOST_NAMED:,} more" if len(failed) > _MOST_NAMED else ""
    return f"{len(failed)} of {len(candidates)} candidates have no score: {names}{more}."


def what_to_lower(recipe: Recipe, learning_rate: float) -> str:
    """Advice against what most likely made training diverge: "lower learning_rate (it was 5)".

    Parameters
    ----------
    recipe : Recipe
        What all networks that diverged had in common.
    learning_rate : float
        The lowest of theirs.
    """
    absurd = [
        f"the strength of {one.label} (taut tries {top:g} at most)"
        for one in recipe.active
        if not isinstance(one, EarlyStopping)
        and one.strength > _FAR * (top := (one.path_range or one.search_range).high)
    ]
    if absurd:
        fast = (
            f", and learning_rate ({learning_rate:.3g})" if learning_rate > _FAR * LEARNING_RATES.high else ""
        )
        return f"lower {' and '.join(absurd)}{fast}"
    if learning_rate > _FAR * LEARNING_RATES.high:
        return f"lower learning_rate (it was {learning_rate:.3g})"
    return f"lower learning_rate (it was {learning_rate:.3g}), or look for extreme values in the target"


def why_none_has_a_score(candidates: Sequence[CandidateScore], errors: Sequence[ScorerError]) -> str:
    """Say why a search has no candidate to choose.

    Parameters
    ----------
    candidates : sequence of CandidateScore
        All of them failed.
    errors : sequence of ScorerError
        One for each that failed by the user's scorer.
    """
    n_diverged = sum(c.failed == DIVERGED for c in candidates)
    if not errors:
        rate = min((c.candidate.learning_rate for c in candidates), default=math.nan)
        return (
            "Every candidate diverged (its loss or weights were no longer finite): "
            f"{what_to_lower(Recipe(), rate)}."
        )
    n = len(errors)
    why, n_alike = Counter(error.why for error in errors).most_common(1)[0]
    below = [error.low for error in errors if error.low < 0]
    if len(below) == n:
        predicted = f"negative values (as low as {min(below):.4g})"
    else:
        predicted = f"{errors[0].predicted}{'' if n == 1 else ', or such'}"
    also = "" if n_alike == n else f" for {n_alike} of them"
    diverged = f"; {n_diverged} more diverged" if n_diverged else ""
    return (
        f"No candidate has a score: {why}{also}. All {n} candidates that were scored predicted {predicted}"
        f"{diverged}: take another scoring."
    )
