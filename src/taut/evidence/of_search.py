"""What a finished search shows: its corrected estimate, its gain over simple models, and the columns it uses.

All in the engine's units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.evidence.averaging import Averaging, factor_of, times_as_far
from taut.evidence.bagged import Bagged, bagged
from taut.evidence.estimate import Estimate, RowFigures, estimate, estimate_by_folds
from taut.evidence.importance import HeldOut, Importance, Owners, affordable_predictions, importance
from taut.evidence.score_range import score_range
from taut.evidence.simple_baselines import OutOfFold, SimpleBaseline, gained
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Fitted
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION
from taut.selection.failures import ScorerError
from taut.selection.result import SearchResult
from taut.selection.scored_epochs import TimedScorer
from taut.selection.search import Search
from taut.selection.trainer import Trainer

Vector = NDArray[np.float64]


def estimate_of(
    search: Search, result: SearchResult, scoring: tuple[Any, str] | None, control: Control
) -> tuple[Estimate, Bagged | None]:
    """What to expect of the networks that are handed over; and an average of strangers, where there was time.

    Parameters
    ----------
    search : Search
    result : SearchResult
    scoring : tuple of object and str, or None
        The scorer by which the search chose, and what it is called.
    control : Control
        Where it ends early, the figures are of single networks.
    """
    indices, rule = result.contest.indices, result.contest.rule
    at = indices.index(result.chosen)
    problem, seed, best = search.trainer.problem, search.trainer.settings.seed, result.best
    objective, weight = problem.objective, problem.score_weight
    losses = np.stack([result.row_losses[i] for i in indices]).astype(np.float64)
    correct = None
    if objective.n_classes:
        correct = np.stack([result.row_correct[i] for i in indices]).astype(np.float64)
    bag = None
    if best.state == "complete" and len(result.networks) > 1:
        own = result.networks if result.are_of_folds else None
        bag = bagged(search.runner, result.number, best.candidate, best.epoch, best.n_repeats, control, own)
    averaging = Averaging()
    if bag is not None and bag.n_bagged > 1:
        single = OutOfFold(losses[at], None if correct is None else correct[at], best.scoring)
        averaging = _averaging(search, bag, single, len(result.networks), control)
    if scoring is not None:
        scores = [result.candidates[i] for i in indices]
        found = estimate_by_folds(
            np.stack([score.scoring for score in scores if score.scoring is not None]),
            np.stack([score.validation_loss for score in scores]),
            losses[at],
            weight,
            rule,
            at,
            scoring[1],
            best.n_repeats,
            seed,
            score_range(scoring[0]),
            averaging,
        )
    else:
        shortfalls = objective.shortfalls(losses, correct, problem.target, weight)
        figures = RowFigures(losses, shortfalls, weight, problem.row_weight)
        found = estimate(figures, rule, at, objective.score_name, seed, _baselines(result), averaging)
    if bag is not None:
        bag_loss, bag_score = _of_bag(bag, problem)
        found = replace(
            found,
            bag_loss=bag_loss,
            bag_score=bag_score if scoring is None else float("nan"),
            n_bagged=bag.n_bagged,
        )
    return found, bag


def _averaging(
    search: Search, bag: Bagged, single: OutOfFold, n_networks: int, control: Control
) -> Averaging:
    """From single networks to an average of ``n_networks``.

    What averaging brings is a ratio on the rows that have an average; it is applied to all, and to figures
    that are corrected for having chosen. The average's rows tell how far apart they are.
    """
    problem, objective, rows = search.trainer.problem, search.trainer.problem.objective, bag.rows
    losses, badness = (np.full(len(problem), np.nan) for _ in range(2))
    weight, counted = (None if w is None else w[rows] for w in (problem.score_weight, problem.row_weight))
    if weight is not None and not (weight > 0).any():
        return Averaging()

    def mean(values: NDArray[np.floating], weights: NDArray[np.floating] | None = weight) -> float:
        return float(np.average(values, weights=weights))

    several = bag.figures.losses.astype(np.float64)
    loss_factor = factor_of(mean(bag.losses), mean(several), bag.n_bagged, n_networks)
    # Single networks are scored at epochs that other folds chose, averages at the one that was kept.
    expected = loss_factor * mean(single.losses[rows])
    losses[rows] = several * (expected / mean(several) if mean(several) > 0 else 1.0)
    badness_factor = loss_factor
    if bag.figures.correct is not None and single.correct is not None:
        badness[rows] = 1.0 - bag.figures.correct
        badness_factor = factor_of(
            mean(1.0 - bag.correct, counted), mean(badness[rows], counted), bag.n_bagged, n_networks
        )
    else:
        badness = objective.shortfalls(losses[None], None, problem.target, problem.score_weight)[0]
    changes = None
    if search.scorer is not None:
        changes = _score_changes(search, bag, n_networks, control)
        if changes is None:  # one part of an estimate is not of other networks than the rest
            return Averaging()
    return Averaging(n_networks, loss_factor, badness_factor, losses, badness, changes)


def _score_changes(search: Search, bag: Bagged, n_networks: int, control: Control) -> Vector | None:
    """By how much each fold's score changes; None where time, or a fold's average, is missing."""
    scorer, folds, trainer = search.scorer, search.stages.folds, search.trainer
    at = np.full(len(trainer.problem), -1)
    at[bag.rows] = np.arange(len(bag.rows))
    if scorer is None or any((at[fold.validation] < 0).any() for fold in folds):
        return None
    if isinstance(scorer, TimedScorer) and not scorer.fits(2 * len(folds), control):
        return None
    share = times_as_far(bag.n_bagged, n_networks)
    changes = np.zeros(len(folds))
    for k, (fold, network) in enumerate(zip(folds, bag.networks, strict=True)):
        try:
            several = scorer(k, bag.outputs[at[fold.validation]])
            changes[k] = share * (several - scorer(k, trainer.outputs(network, fold.validation)))
        except ScorerError:
            return None
    return changes


def _baselines(result: SearchResult) -> dict[str, int]:
    """Where the baselines are among those that could be chosen."""
    named = {NO_REGULARIZATION: "none", EARLY_STOPPING_ALONE: "early_stopping"}
    return {
        named[score.recipe]: at
        for at, index in enumerate(result.contest.indices)
        if (score := result.candidates[index]).batch < 0 and score.recipe in named
    }


def _of_bag(bag: Bagged, problem: Problem) -> tuple[float, float]:
    """Mean loss and score of an average of networks."""
    weight = None if problem.score_weight is None else problem.score_weight[bag.rows]
    loss = float(np.average(bag.figures.losses.astype(np.float64), weights=weight))
    correct = float("nan")
    if bag.figures.correct is not None:
        counted = None if problem.row_weight is None else problem.row_weight[bag.rows]
        correct = float(np.average(bag.figures.correct, weights=counted))
    spread = problem.objective.spread(problem.target[bag.rows], weight)
    return loss, float(problem.objective.scores(*map(np.array, (loss, correct, spread))))


def gained_by(
    problem: Problem,
    result: SearchResult,
    estimate: Estimate,
    simple: Sequence[SimpleBaseline],
    scoring: Any,
) -> tuple[SimpleBaseline, ...]:
    """What the chosen networks gain over each, corrected for having chosen them as the estimate is.

    Parameters
    ----------
    problem : Problem
    result : SearchResult
    estimate : Estimate
    simple : sequence of SimpleBaseline
        With their rows.
    scoring : str, callable or None
        The person's scorer.
    """
    low, high = score_range(scoring)
    chosen = result.chosen
    return gained(
        simple,
        OutOfFold(result.row_losses[chosen], result.row_correct.get(chosen), result.best.scoring),
        problem,
        loss_price=estimate.price,
        score_span=high - low,
        score_price=estimate.score_price,
    )


def importance_of_search(
    search: Search,
    result: SearchResult,
    bag: Bagged | None,
    networks: Sequence[Fitted],
    owners: Owners,
    control: Control,
) -> Importance | None:
    """Judge the chosen recipe's networks, each on the rows that its fold holds out.

    None where there are no such networks, or no columns.

    Parameters
    ----------
    search : Search
    result : SearchResult
    bag : Bagged or None
        Has the folds' networks, where those that are handed over were trained on all rows.
    networks : sequence of Fitted
        Those that are handed over.
    owners : Owners
    control : Control
        Where it ends early there is nothing.
    """
    folds = search.runner.stages.folds
    own = networks if result.are_of_folds else () if bag is None else bag.networks
    if not own:
        return None
    trained = sum(score.epochs_trained for score in result.candidates) * len(folds[0].train)
    return importance_of(search.trainer, own, folds, owners, trained, control)


def importance_of(
    trainer: Trainer,
    networks: Sequence[Fitted],
    folds: Sequence[Fold],
    owners: Owners,
    trained_rows: int,
    control: Control | None = None,
) -> Importance | None:
    """Judge networks on the rows that their folds hold out; None where there are none.

    Parameters
    ----------
    trainer : Trainer
    networks : sequence of Fitted
        One a fold.
    folds : sequence of Fold
    owners : Owners
    trained_rows : int
        Rows times epochs of all that was trained, of which this may take a hundredth or so.
    control : Control, optional
    """
    held_out = [HeldOut(network, fold.validation) for network, fold in zip(networks, folds, strict=True)]
    most = affordable_predictions(trained_rows)
    seed = trainer.settings.seed
    return importance(trainer.engine, trainer.problem, held_out, owners, seed, most, control)
