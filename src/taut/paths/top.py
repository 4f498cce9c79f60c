"""The top of a path: the smallest strength that makes every weight zero, found from the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from taut.learning.training import Control
from taut.paths.training import PathWork, zero_share
from taut.recipe import Recipe

# A network is given this many steps to lose its weights: at a strength just above those at which a weight can
# survive, it loses about one learning rate per step, and initial weights are some hundred learning rates.
ENOUGH_STEPS = 1000

_FEW, _MANY = 2, 5  # folds that strengths are tried on, and that the result is tried on
_GUESS = (1.0, 2.0)  # AdamW's steps are about one learning rate long, so this is where it often is
_FACTOR = 4.0  # the bracket is widened by this
_LOWEST, _HIGHEST = 1e-6, 1e9
_PRECISION = 1.05
_CUTS = 3  # strengths tried at a time within the bracket, so that threads have something to do


def strength_of_zeros(work: PathWork, recipe_at: Callable[[float], Recipe], control: Control) -> float | None:
    """Find the smallest strength that makes every weight of the networks zero.

    Networks are trained for 1,000 steps (``max_epochs`` at most) without stopping early: a bracket first,
    widened by factors of 4, then bisection on the logarithm, on the first two folds; then the strength is
    raised until it does the same on the first five. The result makes every weight zero; a strength 5 %
    below what the first two folds needed did not. It takes about twenty short runs.

    Parameters
    ----------
    work : PathWork
    recipe_at : callable
        Gives the recipe at a strength.
    control : Control

    Returns
    -------
    float or None
        Rounded to three digits; None if it was interrupted, or if no strength up to a billion does it.
    """
    search = _Search(work, recipe_at, work.epochs_of(ENOUGH_STEPS), control)
    bracket = _bracket(search)
    if bracket is None:
        return None
    low, high = bracket
    while high / low > _PRECISION:
        strengths = _between(low, high)
        if not strengths:  # rounded, there is none in between
            break
        found = search.zeros(strengths, range(min(_FEW, len(work.folds))))
        if found is None:
            return None
        grid = [low, *strengths, high]
        first = next((i for i, zero in enumerate(found) if zero), len(strengths))
        low, high = grid[first], grid[first + 1]
    rest = range(_FEW, min(_MANY, len(work.folds)))
    while rest:
        found = search.zeros([high], rest)
        if found is None or high > _HIGHEST:
            return None
        if found[0]:
            break
        high = _rounded(high * _PRECISION)
    return high


def _bracket(search: _Search) -> tuple[float, float] | None:
    """A strength that does not make all weights zero, and a higher one that does."""
    folds = range(min(_FEW, len(search.work.folds)))
    low, high = _GUESS
    found = search.zeros([low, high], folds)
    if found is None:
        return None
    if found == [False, True]:
        return low, high
    if found[0]:
        while low > _LOWEST:
            low, high = low / _FACTOR, low
            found = search.zeros([low], folds)
            if found is None:
                return None
            if not found[0]:
                break
        return low, high
    while high < _HIGHEST:
        low, high = high, high * _FACTOR
        found = search.zeros([high], folds)
        if found is None:
            return None
        if found[0]:
            return low, high
    return None


def _between(low: float, high: float) -> list[float]:
    """Strengths that divide a bracket into parts of equal ratio."""
    cuts = {_rounded(low * (high / low) ** (i / (_CUTS + 1))) for i in range(1, _CUTS + 1)}
    return sorted(cut for cut in cuts if low < cut < high)


def _rounded(strength: float) -> float:
    return float(f"{strength:.3g}")


@final
class _Search:
    """Short runs at some strengths."""

    def __init__(
        self, work: PathWork, recipe_at: Callable[[float], Recipe], epochs: int, control: Control
    ) -> None:
        self.work = work
        self._recipe_at, self._epochs, self._control = recipe_at, epochs, control

    def zeros(self, strengths: Sequence[float], folds: range) -> list[bool] | None:
        """Whether each strength makes every weight zero on all of these folds; None if it was interrupted."""
        members = [self.work.member(self._recipe_at(s), k) for s in strengths for k in folds]
        trainings = self.work.trainer.train(members, until_epoch=self._epochs, control=self._control)
        if self._control.should_stop():
            return None
        zero = [zero_share(t, "last") == 1.0 for t in trainings]
        n = len(folds)
        return [all(zero[i * n : (i + 1) * n]) for i in range(len(strengths))]
