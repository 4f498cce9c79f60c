"""From the folds' curves to a candidate's score, the epoch chosen on other folds than the one it scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Curve
from taut.recipe import Recipe

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class CandidateScore:
    """What cross-validation says of one recipe.

    Parameters
    ----------
    recipe : Recipe
    epoch : int
        The epoch (from 1) that is best on all folds' mean curve; the networks kept are those.
    fold_epochs : int array, shape (n_folds,)
        The epoch at which each fold was scored: best on the mean curve of the other folds.
    train_loss, validation_loss, score : float64 array, shape (n_folds,)
        At that epoch.  The score is accuracy, or R squared.
    zero_share : float
        Share of weights that are exactly zero, mean over the folds' networks.
    epochs_trained : int
        Epochs of the longest fold.
    complete : bool
        False where a time limit or Ctrl+C cut it off.
    failed : str
        Why it has no score ("diverged"), else empty.
    seconds : float
        Spent on training it, summed over threads.
    """

    recipe: Recipe
    epoch: int
    fold_epochs: NDArray[np.int64]
    train_loss: Vector
    validation_loss: Vector
    score: Vector
    zero_share: float
    epochs_trained: int
    complete: bool
    failed: str
    seconds: float

    @property
    def loss(self) -> float:
        """Mean validation loss over the folds; NaN where it failed."""
        return float(np.mean(self.validation_loss)) if not self.failed else float("nan")

    @property
    def loss_se(self) -> float:
        """Standard error of that mean over the folds; NaN with one fold."""
        n = len(self.validation_loss)
        return float(np.std(self.validation_loss, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; see :meth:`from_json`."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            out[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
        return out | {"recipe": self.recipe.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CandidateScore:
        """Make it again; None stands for NaN."""
        given = dict(data, recipe=Recipe.from_json(data["recipe"]))
        given["fold_epochs"] = np.array(data["fold_epochs"], dtype=np.int64)
        for name in ("train_loss", "validation_loss", "score"):
            given[name] = np.array(data[name], dtype=np.float64)
        given["zero_share"] = float("nan") if data["zero_share"] is None else data["zero_share"]
        return cls(**given)

    def in_units(self, factor: float) -> CandidateScore:
        """The same with losses in other units: multiplied by ``factor``."""
        return replace(
            self, train_loss=self.train_loss * factor, validation_loss=self.validation_loss * factor
        )

    @property
    def gap(self) -> float:
        """How much lower the training loss is."""
        return self.loss - float(np.mean(self.train_loss))


def failed_score(recipe: Recipe, n_folds: int, why: str, seconds: float) -> CandidateScore:
    """A candidate without a score: counted and named, never hidden."""
    nothing = np.full(n_folds, np.nan)
    epochs = np.zeros(n_folds, dtype=np.int64)
    return CandidateScore(recipe, 0, epochs, nothing, nothing, nothing, float("nan"), 0, True, why, seconds)


def choose_epochs(
    validation: Vector, early: bool, others: NDArray[np.bool_] | None = None
) -> tuple[int, NDArray[np.int64]]:
    """The epoch to keep, and the epoch at which each fold is scored (all from 0).

    Parameters
    ----------
    validation : float64 array, shape (n_folds, n_epochs)
        Validation losses.
    early : bool
        Whether the recipe stops early; else it is the last epoch for all.
    others : bool array, shape (n_folds, n_folds), optional
        Which folds have a say in the epoch of each (:func:`taut.selection.folds.without_shared_rows`);
        without it, all the others.

    Notes
    -----
    Fold k takes the epoch that is best on the *other* folds' mean curve.  Were it chosen on the rows that
    score it, the smallest of many noisy numbers would pass for skill.  With one fold there is no other: its
    own best epoch is taken, and its score is to that extent too good.
    """
    n_folds, n_epochs = validation.shape
    if not early:
        return n_epochs - 1, np.full(n_folds, n_epochs - 1)
    kept = int(np.argmin(validation.sum(axis=0)))
    if n_folds == 1:
        return kept, np.array([kept])
    # Added up again for each fold: the total less its own would keep the rounding of a very large own loss.
    chosen = ~np.eye(n_folds, dtype=bool) if others is None else others
    return kept, np.array([int(np.argmin(validation[chosen[k]].sum(axis=0))) for k in range(n_folds)])


def score_candidate(
    recipe: Recipe,
    curves: Sequence[Curve],
    variances: Vector | None,
    *,
    others: NDArray[np.bool_] | None = None,
    zero_share: float,
    complete: bool,
    seconds: float,
) -> CandidateScore:
    """Score a recipe by its folds' curves.

    Parameters
    ----------
    recipe : Recipe
    curves : sequence of Curve
        One per fold; longer ones are cut to the shortest.
    variances : float64 array, shape (n_folds,), or None
        Weighted variance of the held-out targets (regression), for R squared; None takes accuracy.
    others : bool array, shape (n_folds, n_folds), optional
        As in :func:`choose_epochs`.
    """
    n_epochs = min(len(curve) for curve in curves)
    validation = np.stack([curve.validation[:n_epochs] for curve in curves])
    epoch, fold_epochs = choose_epochs(validation, recipe.hooks().patience is not None, others)
    at = (np.arange(len(curves)), fold_epochs)
    loss = validation[at]
    if variances is None:
        score = np.stack([curve.hits[:n_epochs] for curve in curves])[at]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(variances > 0, 1.0 - loss / variances, np.nan)
    return CandidateScore(
        recipe=recipe,
        epoch=epoch + 1,
        fold_epochs=fold_epochs + 1,
        train_loss=np.stack([curve.train[:n_epochs] for curve in curves])[at],
        validation_loss=loss,
        score=score,
        zero_share=zero_share,
        epochs_trained=max(len(curve) for curve in curves),
        complete=complete,
        failed="",
        seconds=seconds,
    )
