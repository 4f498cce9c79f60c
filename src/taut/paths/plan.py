"""What is trained for a path: networks at many strengths, or one network that is scored at every epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

from taut.errors import TrainingWarning
from taut.learning.progress import Reporter
from taut.learning.training import Control
from taut.paths.grid import default_strengths, thinned_epochs
from taut.paths.result import AxisKind, PathPoint
from taut.paths.training import PathRow, PathWork, train_by_epoch, train_rows, zero_share
from taut.recipe import Recipe
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique

#: A strength, its recipe, and its result.
Line = tuple[float, Recipe, PathRow]

_NOT_FINISHED = PathRow(None, None, "not finished")


@final
@dataclass(frozen=True, eq=False)
class Course:
    """What was trained: the lines by strength, and the top if it was searched for."""

    lines: list[Line]
    top: float | None = None


@final
@dataclass(frozen=True, eq=False)
class StrengthPlan:
    """Networks at many strengths, off among them.

    Parameters
    ----------
    kind : type of Technique
    n : int or None
        How many strengths.
    given : tuple of float or None
        Or which.
    """

    kind: type[Technique]
    n: int | None
    given: tuple[float, ...] | None

    @property
    def axis(self) -> AxisKind:
        """What its strengths are."""
        return "switch" if self.kind.search_range.scale == "switch" else "strength"

    def train(
        self, work: PathWork, base: Recipe, unit: float, control: Control, reporter: Reporter
    ) -> Course:
        """Find the top, train all networks, and score them."""
        top = None
        if self.given is not None:
            grid = self.given
        else:
            assert self.n is not None
            if self.kind.makes_zeros:
                top = self._top(work, base, unit, control, reporter)
                if control.should_stop():
                    return Course([(0.0, base, _NOT_FINISHED)])
            grid = default_strengths(self.kind, self.n, top)
        recipes = [base, *(base.with_(self.kind.at(strength)) for strength in grid)]
        reporter.begin("training", len(recipes) * len(work.folds))
        rows = train_rows(
            work,
            [_in_units(recipe, unit) for recipe in recipes],
            control,
            at_least=work.epochs_of(ENOUGH_STEPS) if self.kind.makes_zeros else 0,
            on_done=reporter.on_done,
        )
        lines = [
            (strength, recipe, row)
            for strength, recipe, row in zip((0.0, *grid), recipes, rows, strict=True)
            if row is not None
        ]
        if rows[0] is None:
            lines.insert(0, (0.0, base, _NOT_FINISHED))
        return Course(lines, top)

    def _top(
        self, work: PathWork, base: Recipe, unit: float, control: Control, reporter: Reporter
    ) -> float | None:
        reporter.begin("looking for the top")
        top = strength_of_zeros(
            work, lambda strength: _in_units(base.with_(self.kind.at(strength)), unit), control
        )
        if top is None and not control.should_stop():
            warnings.warn(
                f"No strength of {self.kind.name} makes every weight zero within {work.max_epochs} epochs: "
                "the path goes up to the usual strength. Raise max_epochs or learning_rate.",
                TrainingWarning,
                stacklevel=4,
            )
        return top

    def shown(self, points: Sequence[PathPoint], best: int, one_se: int) -> list[int]:
        """Which points are shown: all of them."""
        return list(range(len(points)))


@final
@dataclass(frozen=True, eq=False)
class EpochPlan:
    """One network per fold without early stopping, scored at every epoch.

    Parameters
    ----------
    n : int or None
        How many epochs are shown.
    given : tuple of int or None
        Or which, besides the last one.
    """

    n: int | None
    given: tuple[int, ...] | None

    @property
    def axis(self) -> AxisKind:
        """What its strengths are."""
        return "epoch"

    def train(
        self, work: PathWork, base: Recipe, unit: float, control: Control, reporter: Reporter
    ) -> Course:
        """Train to the last epoch."""
        reporter.begin("training", work.max_epochs)
        rows = train_by_epoch(work, base, control, on_done=reporter.on_done)
        epochs = range(1, len(rows) + 1)
        if self.given is not None:
            wanted = {*self.given, len(rows)}
            return Course([(float(e), base, rows[e - 1]) for e in epochs if e in wanted])
        return Course([(float(e), base, rows[e - 1]) for e in epochs])

    def shown(self, points: Sequence[PathPoint], best: int, one_se: int) -> list[int]:
        """Which points are shown: some of many epochs, the best and the one-SE epoch among them."""
        everyone = range(len(points))
        if self.n is None:
            return list(everyone)
        return sorted({*(e - 1 for e in thinned_epochs(self.n, len(points))), best, one_se})


def _in_units(recipe: Recipe, unit: float) -> Recipe:
    """The recipe for the engine: early stopping's min_delta is in the units of the losses that users see."""
    early = recipe.get(EarlyStopping)
    if early is None or early.min_delta == 0.0:
        return recipe
    return recipe.with_(replace(early, min_delta=early.min_delta / unit / unit))


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
