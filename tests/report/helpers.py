"""Estimators that never searched: what they would have found is made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.recipe import Recipe
from taut.selection.score import CandidateScore, failed_score
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

Estimator = TypeVar("Estimator", TautClassifierCV, TautRegressorCV)

NONE, EARLY = Recipe(), Recipe(EarlyStopping())
MIXTURE = Recipe(L2(0.1), Dropout(0.3), EarlyStopping())


def alone(technique: L1 | L2 | Dropout | BatchNorm) -> Recipe:
    return Recipe(technique, EarlyStopping())


def scored(
    recipe: Recipe, losses: Sequence[float], *, zero_share: float = 0.0, complete: bool = True
) -> CandidateScore:
    """A candidate with these validation losses, half of them in training, and an accuracy of 0.9."""
    loss = np.array(losses, dtype=np.float64)
    return CandidateScore(
        recipe=recipe,
        epoch=12,
        fold_epochs=np.full(len(loss), 12),
        train_loss=loss / 2,
        validation_loss=loss,
        score=np.full(len(loss), 0.9),
        zero_share=zero_share,
        epochs_trained=32,
        complete=complete,
        failed="",
        seconds=1.0,
    )


def failed(recipe: Recipe, n_folds: int = 3) -> CandidateScore:
    return failed_score(recipe, n_folds, "diverged", 1.0)


def searched(
    estimator: Estimator, candidates: Sequence[CandidateScore], *, interrupted: bool = False
) -> Estimator:
    """The estimator as it were after a search with these candidates."""
    losses = [np.inf if candidate.failed else candidate.loss for candidate in candidates]
    estimator.best_index_ = int(np.argmin(losses))
    estimator.restore_candidates(candidates)
    estimator.n_splits_ = len(candidates[0].validation_loss)
    estimator.zero_share_ = 0.25
    estimator.interrupted_ = interrupted
    return estimator


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
