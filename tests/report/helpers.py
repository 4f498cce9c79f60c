"""Estimators that never searched: what they would have found is made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.learning.architecture import MLP
from taut.learning.objective import loss_name
from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.reported import Reported, search_of
from taut.report.schema import Facts
from taut.selection.candidate import Candidate
from taut.selection.score import CandidateScore, TrialState, failed_score
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

Estimator = TypeVar("Estimator", TautClassifierCV, TautRegressorCV)

NONE, EARLY = Recipe(), Recipe(EarlyStopping())
MIXTURE = Recipe(L2(0.1), Dropout(0.3), EarlyStopping())


def alone(technique: L1 | L2 | Dropout | BatchNorm) -> Recipe:
    return Recipe(technique, EarlyStopping())


def usual(recipe: Recipe, learning_rate: float = 0.001, hidden: tuple[int, ...] = (8,)) -> Candidate:
    return Candidate(recipe, learning_rate, MLP(hidden))


def _batch(recipe: Recipe) -> int:
    return -1 if recipe in (EARLY, NONE) else 0


def scored(
    recipe: Recipe,
    losses: Sequence[float],
    *,
    state: TrialState = "complete",
    scoring: Sequence[float] | None = None,
    zero_share: float = 0.0,
    candidate: Candidate | None = None,
    n_repeats: int = 1,
) -> CandidateScore:
    """A candidate with these validation losses, half of them in training, and an accuracy of 0.9.

    Folds with NaN are not trained; its loss is the mean of the others.
    """
    loss = np.array(losses, dtype=np.float64)
    has = np.isfinite(loss)
    return CandidateScore(
        candidate=candidate or usual(recipe),
        batch=_batch(recipe),
        state=state,
        loss=float(loss[has].mean()),
        epoch=12,
        fold_epochs=np.where(has, 12, 0),
        train_loss=loss / 2,
        validation_loss=loss,
        score=np.where(has, 0.9, np.nan),
        scoring=None if scoring is None else np.array(scoring, dtype=np.float64),
        zero_share=zero_share,
        epochs_trained=32 * int(has.sum()),
        failed="",
        seconds=1.0,
        n_repeats=n_repeats,
    )


def dropped(recipe: Recipe, losses: Sequence[float], *, candidate: Candidate | None = None) -> CandidateScore:
    """A candidate that lost the race; it has the folds whose losses are no NaN."""
    return scored(recipe, losses, state="dropped", candidate=candidate)


def failed(recipe: Recipe, n_folds: int = 3) -> CandidateScore:
    return failed_score(usual(recipe), _batch(recipe), n_folds, "diverged", 7, 1.0)


def searched(
    estimator: Estimator,
    candidates: Sequence[CandidateScore],
    *,
    interrupted: bool = False,
    best: int | None = None,
) -> Estimator:
    """The estimator as it were after a search with these candidates; without ``best``, the best is chosen."""
    merits = [c.merit if c.state in ("complete", "cut off") else -np.inf for c in candidates]
    estimator.best_index_ = int(np.argmax(merits)) if best is None else best
    estimator.restore_candidates(candidates)
    estimator.n_splits_ = len(candidates[0].validation_loss)
    estimator.zero_share_ = 0.25
    estimator.interrupted_ = interrupted
    return estimator


def result_of(estimator: TautClassifierCV | TautRegressorCV) -> Reported:
    """What such an estimator tells of its search, and nothing of a table."""
    classes = isinstance(estimator, TautClassifierCV)
    return Reported(
        task="classification" if classes else "regression",
        loss=loss_name("classification" if classes else "regression", False),
        metric="accuracy" if classes else "R²",
        recipe=estimator.best_.recipe,
        histories={},
        learning_rate=estimator.best_.candidate.learning_rate,
        batch_size=8,
        max_epochs=30,
        n_parameters=100,
        zero_share=estimator.zero_share_,
        fingerprint="",
        kind=type(estimator).__name__,
        call=f"{type(estimator).__name__}()",
        interrupted=estimator.interrupted_,
        search=search_of(estimator),
    )


def facts_of_search(estimator: TautClassifierCV | TautRegressorCV) -> Facts:
    return facts_of(result_of(estimator))


#: The losses go up and down with the folds, and all recipes with them.
USUAL = [
    scored(EARLY, [1.0, 1.2, 1.4]),
    scored(NONE, [2.0, 2.4, 2.8]),
    scored(alone(L2(0.1)), [0.9, 1.1, 1.3]),
    scored(alone(L2(1.0)), [0.95, 1.15, 1.35]),
    scored(alone(L1(0.01)), [1.1, 1.3, 1.5], zero_share=0.5),
    failed(alone(Dropout(0.5))),
    scored(MIXTURE, [0.8, 1.0, 1.2]),
]
