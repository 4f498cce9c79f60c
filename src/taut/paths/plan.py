"""What is trained for a path: networks at many strengths, or one network that is scored at every epoch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from taut.errors import TrainingWarning
from taut.learning.progress import Reporter
from taut.learning.training import Control
from taut.paths.grid import default_strengths, thinned_epochs
from taut.paths.result import AxisKind, PathPoint
from taut.paths.top import ENOUGH_STEPS, strength_of_zeros
from taut.paths.training import PathRow, PathWork, train_by_epoch, train_rows
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
