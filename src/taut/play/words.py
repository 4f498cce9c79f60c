"""What there is to be seen, in a sentence: measured on this network, claimed where it is beyond chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.play.run import Run
from taut.wording import number

_SURE = 1.96  # standard errors of a 95 % interval
_FEW_EPOCHS = 5
_STILL_FALLS = 0.03  # of the training loss, over the last tenth of the epochs
_CLOSE = 0.1  # of the validation loss: a gap that is none


@final
@dataclass(frozen=True)
class Standing:
    """Where a run stands, in the target's own units.

    Parameters
    ----------
    epoch, kept : int
        Trained so far, and whose weights would be kept.
    train, validation : float
        Losses of the kept network.
    last_train, last_validation : float
        Losses after the last epoch.
    best : int
        The epoch with the lowest validation loss, whether it is kept or not.
    best_train, best_validation : float
        Its losses.
    score : float
        Of the kept network on the rows held out: accuracy, or R².
    constant : float
        The validation loss of the best constant.
    rise : float
        From the best epoch to the last one, of the validation loss.
    rise_error : float
        Its standard error over the rows held out; NaN where it is not known.
    """

    epoch: int
    kept: int
    train: float
    validation: float
    last_train: float
    last_validation: float
    best: int
    best_train: float
    best_validation: float
    score: float
    constant: float
    rise: float
    rise_error: float


def standing(run: Run) -> Standing:
    """Look at a run after one epoch or more."""
    training, unit, constant = run.training, run.loss_unit, run.constant_loss
    curve = training.curve.times(unit)
    kept, last = training.best_epoch, training.epoch
    finite = np.where(np.isfinite(curve.validation), curve.validation, np.inf)
    best = int(np.argmin(finite)) + 1
    rise, error = paired(run.row_losses(last), run.row_losses(best))
    validation = float(curve.validation[kept - 1])
    classes = run.begun.table.target.classes
    score = float(curve.correct[kept - 1]) if classes is not None else 1.0 - validation / _spread(run)
    return Standing(
        last,
        kept,
        float(curve.train[kept - 1]),
        validation,
        float(curve.train[-1]),
        float(curve.validation[-1]),
        best,
        float(curve.train[best - 1]),
        float(curve.validation[best - 1]),
        score,
        constant,
        float(curve.validation[-1]) - float(curve.validation[best - 1]) if math.isnan(error) else rise,
        error,
    )


def _spread(run: Run) -> float:
    """What R² is measured by: the variance of the target over the rows held out."""
    target = run.begun.trainer.problem.target[run.training.member.fold.validation]
    return float(np.var(target.astype(np.float64))) * run.loss_unit or math.nan


def paired(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> tuple[float, float]:
    """The mean difference of losses on the same rows, and its standard error; NaN where unknown."""
    if one is None or other is None or len(one) < 2:
        return math.nan, math.nan
    with np.errstate(invalid="ignore"):  # of a network that diverged
        away = one - other
    if not np.isfinite(away).all():
        return math.nan, math.nan
    return float(away.mean()), float(away.std(ddof=1) / math.sqrt(len(away)))


def seen(run: Run, now: Standing) -> str:
    """One sentence that follows the state."""
    train, validation = number(now.last_train), number(now.last_validation)
    losses = f"Training loss {train}, validation {validation}"
    if run.diverged:
        return f"Training diverged in epoch {now.epoch}: lower the learning rate, or a strength."
    if now.epoch < _FEW_EPOCHS and not run.is_over:
        return f"{losses}."
    kept = "the last epoch is kept all the same: early stopping is off"
    if run.training.stops_early:
        kept = f"epoch {now.kept} is kept, with {number(now.validation)}"
    if now.rise_error > 0 and now.rise > _SURE * now.rise_error and now.last_train > now.best_train:
        return (
            f"{losses}, both rising since epoch {now.best}: that is not learning by heart; lower the "
            f"learning rate, or a strength; {kept}."
        )
    if now.rise_error > 0 and now.rise > _SURE * now.rise_error:
        return f"{losses} and rising since epoch {now.best}: it learns rows by heart; {kept}."
    if now.validation >= now.constant:
        say = "on held-out rows it is no better than the same answer for every row"
        return f"{losses}: {say} ({number(now.constant)})."
    gap = now.last_validation - now.last_train
    if gap > _CLOSE * now.last_validation:
        rest = f"a gap of {number(gap)}, and validation is at its lowest"
        if now.rise > 0:
            error = f" ± {number(_SURE * now.rise_error)}" if now.rise_error > 0 else ""
            few = f"which may be chance with {len(run.split.validation):,} held-out rows"
            rose = f"validation rose by {number(now.rise)}{error} since epoch {now.best}"
            rest = f"a gap of {number(gap)}; {rose}, {few}"
            if now.kept != now.epoch:
                rest = f"{rest}; {kept}"
        return f"{losses}: {rest}."
    if _still_falls(run):
        return f"{losses}: hardly a gap, and the training loss still falls, so that more epochs may help."
    if now.validation > (1 - _CLOSE) * now.constant:
        say = "hardly a gap, but hardly better than the same answer for every row"
        return f"{losses}: {say} ({number(now.constant)}): it learns too little."
    return f"{losses}: hardly a gap, so it does not learn rows by heart."


def _still_falls(run: Run) -> bool:
    losses = run.training.curve.train
    before = losses[-max(2, len(losses) // 10)]
    return bool(losses[-1] < (1 - _STILL_FALLS) * before)
