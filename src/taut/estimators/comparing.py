"""A search compared with what anyone would try first, in the target's own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taut.engine.base import Control, Engine, Fold
from taut.estimators.problem import Problem
from taut.evidence.estimate import Estimate
from taut.evidence.score_range import score_range
from taut.evidence.simple_baselines import OutOfFold, SimpleBaseline, gained, simple_baselines
from taut.selection.interrupts import Interrupts
from taut.selection.result import SearchResult
from taut.selection.runner import Settings
from taut.selection.scored_epochs import FoldScorer
from taut.selection.trial_store import TrialStore


def simple_of(
    engine: Engine,
    problem: Problem,
    folds: Sequence[Fold],
    settings: Settings,
    scorer: FoldScorer | None,
    control: Control,
    *,
    linear: bool,
    trial_store: TrialStore | None,
) -> tuple[SimpleBaseline, ...]:
    """A constant prediction and a linear model, on the folds of a problem; nothing for a constant target.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl+C: there is nothing to keep yet.
    """
    if problem.target.constant:
        return ()
    with Interrupts(control.cancelled):
        found = simple_baselines(
            engine,
            problem.data,
            folds,
            settings,
            problem.target.classes,
            control,
            scorer,
            linear=linear,
            trial_store=trial_store,
        )
    if control.cancelled.is_set():
        raise KeyboardInterrupt
    return found


def gained_by(
    result: SearchResult,
    estimate: Estimate,
    simple: Sequence[SimpleBaseline],
    problem: Problem,
    factor: float,
    scoring: Any,
) -> dict[str, SimpleBaseline]:
    """What the chosen networks gain over each, corrected for the choice as the estimate is.

    Parameters
    ----------
    result : SearchResult
    estimate : Estimate
        In the target's own units.
    simple : sequence of SimpleBaseline
        In the engine's units, with their rows.
    problem : Problem
    factor : float
        What a loss of the engine is multiplied by to be in the target's own units.
    scoring : str, callable or None
        The user's scorer.

    Returns
    -------
    dict of SimpleBaseline
        By kind, in the target's own units.
    """
    best = result.best
    low, high = score_range(scoring)
    found = gained(
        simple,
        OutOfFold(result.row_losses[result.chosen], result.row_correct.get(result.chosen), best.scoring),
        problem.data,
        # Squares of very small units vanish, and so does the price in them.
        loss_price=estimate.price / factor if factor > 0 else 0.0,
        score_span=high - low,
        score_price=estimate.score.value - estimate.naive_score,
    )
    return {one.kind: one.in_units(factor) for one in found}
