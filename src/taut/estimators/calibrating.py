"""What a search's out-of-fold probabilities tell: calibration, confusion, thresholds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.errors import TrainingWarning
from taut.evidence.bagged import Bagged
from taut.evidence.out_of_fold import OutOfFoldPredictions, out_of_fold_predictions
from taut.evidence.probabilities.calibration import Calibration, calibration
from taut.evidence.probabilities.confusion import Confusion
from taut.evidence.probabilities.temperature import tempered
from taut.evidence.probabilities.thresholds import Thresholds
from taut.learning.problem import Fold, Problem
from taut.selection.result import SearchResult
from taut.selection.trainer import Trainer


@final
@dataclass(frozen=True)
class Calibrated:
    """Of a classifier; None where there are no out-of-fold rows, or too few.

    Parameters
    ----------
    calibration : Calibration or None
    confusion : Confusion or None
    thresholds : Thresholds or None
        None of more than two classes.
    """

    calibration: Calibration | None = None
    confusion: Confusion | None = None
    thresholds: Thresholds | None = None

    @property
    def temperature(self) -> float:
        """By which the probabilities are divided, on the log scale."""
        return 1.0 if self.calibration is None else self.calibration.temperature

    @property
    def loss_factor(self) -> float:
        """What the log loss is multiplied by, where that temperature acts."""
        found = self.calibration
        return found.log_loss_after / found.log_loss if found is not None and found.applied else 1.0


def calibrated(problem: Problem, found: OutOfFoldPredictions | None, seed: int) -> Calibrated:
    """Judge and use out-of-fold probabilities.

    Calibration weighs rows as the loss does, with the weights of classes: these change what the probabilities
    mean. Confusion and thresholds count rows as they come, whatever their class, as accuracy does: those are
    the rows that are decided on.

    Parameters
    ----------
    problem : Problem
        Of classes.
    found : OutOfFoldPredictions or None
    seed : int
    """
    if found is None:
        return Calibrated()
    codes = problem.target[found.rows].astype(np.intp)
    in_loss, of_rows = (
        None if weight is None else weight[found.rows].astype(np.float64)
        for weight in (problem.score_weight, problem.row_weight)
    )
    judged = calibration(
        found.predictions,
        codes,
        in_loss,
        seed,
        n_averaged=found.n_averaged,
        may_apply=found.like_returned,
    )
    if of_rows is not None and not (of_rows > 0).any():
        return Calibrated(judged)
    probabilities = found.predictions if judged is None else tempered(found.predictions, judged.temperature)
    return Calibrated(
        judged,
        Confusion.of(probabilities, codes, of_rows),
        Thresholds.of(probabilities[:, 1], codes == 1, of_rows) if probabilities.shape[1] == 2 else None,
    )


def calibrated_search(
    trainer: Trainer, folds: Sequence[Fold], result: SearchResult, bag: Bagged | None
) -> Calibrated:
    """The same of a finished search of classes, which a failure here must not cost.

    Warns
    -----
    TrainingWarning
        If it failed.
    """
    try:
        found = out_of_fold_predictions(trainer, folds, result, bag)
        return calibrated(trainer.problem, found, trainer.settings.seed)
    except (ArithmeticError, LookupError, MemoryError, ValueError) as error:
        warnings.warn(
            f"Whether the probabilities are right could not be measured ({error!r}); all else is as it "
            "should be.",
            TrainingWarning,
            stacklevel=3,
        )
        return Calibrated()
