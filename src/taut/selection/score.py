"""From the folds' curves to a candidate's score, with epochs chosen on other folds than the one scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.architecture import Architecture
from taut.learning.objective import Objective
from taut.learning.training import Curve
from taut.recipe import Recipe
from taut.selection.candidate import Candidate

Vector = NDArray[np.float64]

#: "complete": all folds; "dropped": it lost the race on the folds that it has; "cut off": by the time limit
#: or Ctrl+C, and scored as far as it was trained; "failed": it has no score.
TrialState: TypeAlias = Literal["complete", "dropped", "cut off", "failed"]


@final
@dataclass(frozen=True, eq=False)
class CandidateScore:
    """The cross-validated score of one candidate.

    Parameters
    ----------
    candidate : Candidate
    batch : int
        In which batch it was tried; -1 for the baselines.
    state : {"complete", "dropped", "cut off", "failed"}
    loss : float
        Mean validation loss over the folds; NaN where it failed. Of a dropped one: early stopping alone's
        mean, plus the mean difference to it on the folds that both have.
    epoch : int
        The epoch (from 1) that is best on all folds' mean curve; the networks kept are those.
    fold_epochs : int array, shape (n_folds,)
        The epoch at which each fold was scored: best on the mean curve of the other folds. Of a dropped
        candidate, best on the fold itself; 0 where a fold was not trained.
    train_loss, validation_loss, score : float64 array, shape (n_folds,)
        At that epoch; NaN where a fold was not trained. The score is accuracy, or R squared. The validation
        loss of a dropped candidate is that by which it raced: each half of the fold's rows at the epoch that
        is best on the other half.
    scoring : float64 array, shape (n_folds,), or None
        The user's scores, greater is better; None without a scorer.
    zero_share : float
        Share of weights that are exactly zero, mean over the folds' networks.
    epochs_trained : int
        Epochs of all folds together.
    failed : str
        Why it has no score ("diverged"), else empty.
    seconds : float
        Spent on training it, summed over threads.
    n_repeats : int
        How often the folds hold out all rows: more than once if they are repeated.
    """

    candidate: Candidate
    batch: int
    state: TrialState
    loss: float
    epoch: int
    fold_epochs: NDArray[np.int64]
    train_loss: Vector
    validation_loss: Vector
    score: Vector
    scoring: Vector | None
    zero_share: float
    epochs_trained: int
    failed: str
    seconds: float
    n_repeats: int = 1

    @property
    def recipe(self) -> Recipe:
        """The candidate's."""
        return self.candidate.recipe

    @property
    def complete(self) -> bool:
        """Whether all folds were trained to their end."""
        return self.state == "complete"

    @property
    def folds(self) -> NDArray[np.bool_]:
        """Which folds were trained."""
        return self.fold_epochs > 0

    @property
    def loss_se(self) -> float:
        """Standard error of the mean loss over the folds; NaN with one fold."""
        return standard_error(self.validation_loss[self.folds], self.n_repeats)

    @property
    def gap(self) -> float:
        """How much lower the training loss is, mean over the folds that it has; NaN if there is none."""
        has = self.folds
        return float(np.mean((self.validation_loss - self.train_loss)[has])) if has.any() else float("nan")

    @property
    def merit(self) -> float:
        """The figure of the choice, greater is better: the mean score, or the negative loss; NaN for none."""
        if self.scoring is None:
            return -self.loss
        return float(np.mean(self.scoring)) if self.complete or self.state == "cut off" else float("nan")

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; see :meth:`from_json`."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            out[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
        return out | {"candidate": self.candidate.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], usual: Architecture) -> CandidateScore:
        """Make it again; None stands for NaN. See :meth:`Candidate.from_json`."""
        given = dict(data, candidate=Candidate.from_json(data["candidate"], usual))
        given["fold_epochs"] = np.array(data["fold_epochs"], dtype=np.int64)
        for name in ("train_loss", "validation_loss", "score"):
            given[name] = np.array(data[name], dtype=np.float64)
        if data["scoring"] is not None:
            given["scoring"] = np.array(data["scoring"], dtype=np.float64)
        for name in ("zero_share", "loss"):
            given[name] = float("nan") if data[name] is None else data[name]
        return cls(**given)

    def in_units(self, factor: float) -> CandidateScore:
        """The same with losses in other units: multiplied by ``factor``."""
        return replace(
            self,
            loss=self.loss * factor,
            train_loss=self.train_loss * factor,
            validation_loss=self.validation_loss * factor,
        )


def standard_error(values: Vector, n_repeats: int = 1) -> float:
    """Standard error of a mean over folds; NaN with one fold.

    Formula: ``std(values) * sqrt(n_repeats / n)``.  Repeated folds hold out the same rows, so
    repeating them adds no rows to the mean, and does not count here.
    """
    n = len(values)
    if n < 2:
        return float("nan")
    return float(np.std(values, ddof=1) * np.sqrt(max(1.0, min(n_repeats, n)) / n))


class PairedChange(NamedTuple):
    """By how much the losses of one candidate are lower than another's.

    Parameters
    ----------
    share : float
        Of the other's mean.
    difference : float
    standard_error : float
        Of the difference; NaN with one fold.
    low, high : float
        95 % interval of the share; NaN with one fold.
    """

    share: float
    difference: float
    standard_error: float
    low: float
    high: float


def paired_change(losses: Vector, others: Vector, n_repeats: int = 1) -> PairedChange:
    """Compare losses by fold.

    They are paired over the folds, so that the folds' own ups and downs cancel. The interval is Student's;
    repeated folds hold out the same rows, and add no degree of freedom.
    """
    from scipy.stats import t

    differences = others - losses
    mean, level = float(np.mean(differences)), float(np.mean(others))
    error = standard_error(differences, n_repeats)
    if not level > 0:
        return PairedChange(0.0, mean, error, float("nan"), float("nan"))
    reach = float(t.ppf(0.975, max(1.0, len(losses) / max(1, n_repeats) - 1))) * error
    # No loss is below 0.
    return PairedChange(mean / level, mean, error, (mean - reach) / level, min(1.0, (mean + reach) / level))


def is_within_chance(low: float, high: float) -> bool | None:
    """Whether the 95 % interval of a change holds zero; None if there is none."""
    return None if np.isnan(low) or np.isnan(high) else not (low > 0.0 or high < 0.0)


def failed_score(
    candidate: Candidate, batch: int, n_folds: int, why: str, n_epochs: int, seconds: float
) -> CandidateScore:
    """A candidate without a score: counted and named, never left out."""
    nan, nothing, epochs = float("nan"), np.full(n_folds, np.nan), np.zeros(n_folds, dtype=np.int64)
    return CandidateScore(
        candidate=candidate,
        batch=batch,
        state="failed",
        loss=nan,
        epoch=0,
        fold_epochs=epochs,
        train_loss=nothing,
        validation_loss=nothing,
        score=nothing,
        scoring=None,
        zero_share=nan,
        epochs_trained=n_epochs,
        failed=why,
        seconds=seconds,
    )


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
        Which folds decide the epoch of each (:func:`taut.selection.folds.without_shared_rows`);
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


@final
@dataclass(frozen=True, eq=False)
class FoldScores:
    """Curves of the same recipe on several folds, scored: epochs from 1, arrays of shape (n_folds,)."""

    epoch: int
    fold_epochs: NDArray[np.int64]
    train_loss: Vector
    validation_loss: Vector
    score: Vector


def score_folds(
    curves: Sequence[Curve],
    early: bool,
    objective: Objective,
    spreads: Vector,
    others: NDArray[np.bool_] | None = None,
    chosen: tuple[int, NDArray[np.int64]] | None = None,
) -> FoldScores:
    """Score the folds' curves, each at the epoch that is best on the others.

    Parameters
    ----------
    curves : sequence of Curve
        One per fold; longer ones are cut to the shortest.
    early : bool
        Whether the recipe stops early.
    objective : Objective
    spreads : float64 array, shape (n_folds,)
        What the folds' scores are measured by; see :meth:`taut.learning.problem.Problem.spreads`.
    others : bool array, shape (n_folds, n_folds), optional
        As in :func:`choose_epochs`.
    chosen : int and int array, shape (n_folds,), optional
        What :func:`choose_epochs` gave by something other than the loss.
    """
    n_epochs = min(len(curve) for curve in curves)
    validation = np.stack([curve.validation[:n_epochs] for curve in curves])
    epoch, fold_epochs = choose_epochs(validation, early, others) if chosen is None else chosen
    at = (np.arange(len(curves)), fold_epochs)
    loss = validation[at]
    correct = np.stack([curve.correct[:n_epochs] for curve in curves])[at]
    score = objective.scores(loss, correct, spreads)
    train = np.stack([curve.train[:n_epochs] for curve in curves])[at]
    return FoldScores(epoch + 1, fold_epochs + 1, train, loss, score)
