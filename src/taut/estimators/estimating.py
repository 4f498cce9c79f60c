"""A search's corrected estimate, in the target's own units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from taut.engine.base import Control
from taut.estimators.problem import Problem
from taut.estimators.scoring import score_name
from taut.evidence.bagged import Bagged, bagged
from taut.evidence.estimate import Estimate, RowFigures, estimate, share_of_variance
from taut.evidence.estimate_folds import estimate_by_folds
from taut.evidence.score_range import score_range
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION
from taut.selection.result import SearchResult
from taut.selection.search import Search


def estimate_of(
    search: Search, result: SearchResult, problem: Problem, scoring: Any, factor: float, control: Control
) -> tuple[Estimate, Bagged | None]:
    """What to expect of the chosen recipe on unseen rows, and of the networks' average if there is time.

    Parameters
    ----------
    search : Search
    result : SearchResult
    problem : Problem
    scoring : str, callable or None
        What the user asked for, and the search chose by.
    factor : float
        What a loss of the engine is multiplied by to be in the target's own units.
    control : Control
        If it ends early, there are no figures for the networks' average.
    """
    places, rule = result.contest.indices, result.contest.rule
    at = places.index(result.chosen)
    data, seed = problem.data, search.settings.seed
    weight = data.score_weight
    losses = np.stack([result.row_losses[i] for i in places]).astype(np.float64)
    if scoring is not None:
        scores = [result.candidates[i] for i in places]
        found = estimate_by_folds(
            np.stack([score.scoring for score in scores if score.scoring is not None]),
            np.stack([score.validation_loss for score in scores]),
            losses[at],
            weight,
            rule,
            at,
            score_name(scoring),
            result.best.n_repeats,
            seed,
            score_range(scoring),
        )
    else:
        if problem.target.classes is None:
            badness = share_of_variance(losses, data.target, weight)
        else:
            badness = 1.0 - np.stack([result.row_correct[i] for i in places]).astype(np.float64)
        name = "r2" if problem.target.classes is None else "accuracy"
        found = estimate(
            RowFigures(losses, badness, weight, data.row_weight), rule, at, name, seed, _baselines(result)
        )
    best = result.best
    bag = None
    if best.state == "complete":
        bag = bagged(search.runner, result.number, best.candidate, best.fold_epochs, best.n_repeats, control)
    if bag is not None:
        bag_loss, bag_score = _of_bag(bag, problem)
        found = replace(
            found,
            bag_loss=bag_loss,
            bag_score=bag_score if scoring is None else float("nan"),
            n_bagged=bag.n_bagged,
        )
    return found.in_units(factor), bag


def _baselines(result: SearchResult) -> dict[str, int]:
    """Where the baselines are among those that could be chosen."""
    named = {NO_REGULARIZATION: "none", EARLY_STOPPING_ALONE: "early_stopping"}
    return {
        named[score.recipe]: at
        for at, place in enumerate(result.contest.indices)
        if (score := result.candidates[place]).batch < 0 and score.recipe in named
    }


def _of_bag(bag: Bagged, problem: Problem) -> tuple[float, float]:
    """Mean loss and score (accuracy or R squared) of an average of networks."""
    data = problem.data
    weight = None if data.score_weight is None else data.score_weight[bag.rows]
    loss = float(np.average(bag.figures.losses.astype(np.float64), weights=weight))
    if bag.figures.correct is not None:
        counted = None if data.row_weight is None else data.row_weight[bag.rows]
        return loss, float(np.average(bag.figures.correct, weights=counted))
    target = data.target[bag.rows].astype(np.float64)
    variance = float(np.average((target - np.average(target, weights=weight)) ** 2, weights=weight))
    return loss, 1.0 - loss / variance if variance > 0 else float("nan")
