"""Which columns fitted networks use, in the target's own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taut.engine.base import Control, Engine, Fold, Trained
from taut.estimators.problem import Problem
from taut.evidence.importance import Columns, HeldOut, Importance, affordable_predictions, importance
from taut.selection.result import SearchResult
from taut.selection.search import Search


def importance_of_search(
    search: Search,
    result: SearchResult,
    problem: Problem,
    candidates: Sequence[Sequence[Trained]],
    factor: float,
    control: Control,
) -> Importance | None:
    """Measure the chosen recipe's networks, each on the rows that its fold holds out.

    None where there are no such networks.

    Parameters
    ----------
    search : Search
    result : SearchResult
    problem : Problem
    candidates : sequence of networks
        The first that are the folds' own are used: those that are returned, or, where these were trained
        on all rows, those behind the estimate.
    factor : float
        What a loss of the engine is multiplied by to be in the target's own units.
    control : Control
        If it ends early, there is no importance.
    """
    folds = search.runner.stages.folds
    own = next((networks for networks in candidates if _are_of(networks, folds)), None)
    if own is None:
        return None
    networks = _told_constants(own, problem)
    trained = sum(score.epochs_trained for score in result.candidates) * len(folds[0].train)
    return _importance(
        search.engine, problem, networks, folds, search.settings.seed, trained, factor, control
    )


def importance_of_one(
    engine: Engine, problem: Problem, network: Trained, fold: Fold, seed: int, epochs: int, factor: float
) -> Importance | None:
    """Measure one network on the rows held out from it; None where there are none.

    Parameters
    ----------
    engine : Engine
    problem : Problem
    network : Trained
    fold : Fold
    seed : int
    epochs : int
        How long it was trained.
    factor : float
        As in :func:`importance_of_search`.
    """
    networks, trained = _told_constants([network], problem), epochs * len(fold.train)
    return _importance(engine, problem, networks, [fold], seed, trained, factor, None)


def _importance(
    engine: Engine,
    problem: Problem,
    networks: Sequence[Trained],
    folds: Sequence[Fold],
    seed: int,
    trained: int,
    factor: float,
    control: Control | None,
) -> Importance | None:
    schema = problem.schema
    columns = Columns(tuple(column.name for column in schema.kept), schema.owners)
    held_out = [HeldOut(network, fold.validation) for network, fold in zip(networks, folds, strict=True)]
    most = affordable_predictions(trained)
    found = importance(engine, problem.data, held_out, columns, seed, most, control)
    return None if found is None else found.in_units(factor)


def _are_of(networks: Sequence[Trained], folds: Sequence[Fold]) -> bool:
    """Whether each was trained on its fold's training rows: it has the encoder that was fitted on them."""
    return len(networks) == len(folds) and all(
        network.encoder is fold.encoder for network, fold in zip(networks, folds, strict=True)
    )


def _told_constants(networks: Sequence[Trained], problem: Problem) -> list[Trained]:
    """A network that learned from a constant is only nearly constant; see ``TautEstimator._keep``."""
    if not problem.target.constant:
        return list(networks)
    return [replace(network, scale=0.0) for network in networks]
