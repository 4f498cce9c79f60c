"""What a finished search shows: its corrected estimate, its gain over simple models, and the columns it uses.

All in the engine's units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from taut.evidence.bagged import Bagged, bagged
from taut.evidence.estimate import Estimate, RowFigures, estimate, estimate_by_folds
from taut.evidence.importance import HeldOut, Importance, Owners, affordable_predictions, importance
from taut.evidence.score_range import score_range
from taut.evidence.simple_baselines import OutOfFold, SimpleBaseline, gained
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Fitted
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION
from taut.selection.result import SearchResult
from taut.selection.search import Search
from taut.selection.trainer import Trainer


def estimate_of(
    search: Search, result: SearchResult, scoring: tuple[Any, str] | None, control: Control
) -> tuple[Estimate, Bagged | None]:
    """What to expect of the chosen recipe on unseen rows; and the networks' average, where there was time.

    Parameters
    ----------
    search : Search
    result : SearchResult
    scoring : tuple of object and str, or None
        The scorer by which the search chose, and what it is called.
    control : Control
        Where it ends early there are no figures of the networks' average.
    """
    indices, rule = result.contest.indices, result.contest.rule
    at = indices.index(result.chosen)
    problem, seed = search.trainer.problem, search.trainer.settings.seed
    objective, weight = problem.objective, problem.score_weight
    losses = np.stack([result.row_losses[i] for i in indices]).astype(np.float64)
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
            result.best.n_repeats,
            seed,
            score_range(scoring[0]),
        )
    else:
        correct = None
        if objective.n_classes:
            correct = np.stack([result.row_correct[i] for i in indices]).astype(np.float64)
        shortfalls = objective.shortfalls(losses, correct, problem.target, weight)
        figures = RowFigures(losses, shortfalls, weight, problem.row_weight)
        found = estimate(figures, rule, at, objective.score_name, seed, _baselines(result))
    best, bag = result.best, None
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
    return found, bag


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
        score_price=estimate.score.value - estimate.naive_score,
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
