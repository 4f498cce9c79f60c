"""A search's corrected estimate, in the target's own units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from taut.engine.base import Control
from taut.estimators.problem import Problem
from taut.evidence.bagged import bagged_figures
from taut.evidence.estimate import Estimate, RowFigures, estimate, share_of_variance
from taut.evidence.estimate_folds import estimate_by_folds
from taut.selection.search import Search, SearchResult


def estimate_of(
    search: Search, result: SearchResult, problem: Problem, scoring: Any, factor: float, control: Control
) -> Estimate:
    """What to expect of the chosen recipe on unseen rows.

    Parameters
    ----------
    search : Search
    result : SearchResult
    problem : Problem
    scoring : str, callable or None
        What the person asked for, by which the search chose.
    factor : float
        What a loss of the engine is multiplied by to be in the target's own units.
    control : Control
        Where it ends early there are no figures of the networks' average.
    """
    places, rule = result.contest.places, result.contest.rule
    at = places.index(result.chosen)
    data, seed = problem.data, search.settings.seed
    weight = data.score_weight
    losses = np.stack([result.row_losses[i] for i in places]).astype(np.float64)
    if scoring is not None:
        scores = [result.candidates[i] for i in places]
        name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
        found = estimate_by_folds(
            np.stack([score.scoring for score in scores if score.scoring is not None]),
            np.stack([score.validation_loss for score in scores]),
            losses[at],
            weight,
            rule,
            at,
            name,
            result.best.n_repeats,
            seed,
        )
    else:
        if problem.target.classes is None:
            badness = share_of_variance(losses, data.target, weight)
        else:
            badness = 1.0 - np.stack([result.row_hits[i] for i in places]).astype(np.float64)
        name = "r2" if problem.target.classes is None else "accuracy"
        found = estimate(RowFigures(losses, badness, weight), rule, at, name, seed)
    best = result.best
    bag = None
    if best.state == "complete":
        bag = bagged_figures(
            search.runner, result.number, best.candidate, best.fold_epochs, best.n_repeats, control
        )
    if bag is not None:
        found = replace(
            found,
            bag_loss=bag.loss,
            bag_score=float("nan") if scoring is not None else 1.0 - bag.badness,
            n_bagged=bag.n_bagged,
        )
    return found.in_units(factor)
