"""The progress of a search, and the callbacks that receive it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from taut.errors import TrainingWarning
from taut.recipe import Recipe
from taut.selection.score import CandidateScore


@final
@dataclass(frozen=True)
class Progress:
    """The progress of a search, for display.

    Parameters
    ----------
    done : int
        Candidates that are scored or out of the race.
    total : int or None
        Candidates in all, where their number is limited.
    folds : int
        Networks trained for candidates, one per fold.
    best, baseline : float
        Validation loss of the best so far and of early stopping alone; NaN before there is one.
    best_recipe : Recipe or None
    seconds : float
        Since the search began, earlier sessions of a resumed one included.
    seconds_left : float or None
    finishing : bool
        Whether the search is over, and the chosen networks are being made.
    """

    done: int
    total: int | None
    folds: int
    best: float
    baseline: float
    best_recipe: Recipe | None
    seconds: float
    seconds_left: float | None
    finishing: bool = False

    def in_units(self, factor: float) -> Progress:
        """The same with losses in other units: multiplied by ``factor``."""
        return replace(self, best=self.best * factor, baseline=self.baseline * factor)


@final
@dataclass
class Callbacks:
    """The user's callbacks; one that raises causes one warning, and the search continues.

    Parameters
    ----------
    on_progress : callable, optional
        Called with a Progress whenever a network has been trained (then from a worker's thread, one call at
        a time) and after every candidate.
    on_candidate : callable, optional
        Called with each CandidateScore, in the order of the candidates.
    on_batch : callable, optional
        Called with the tuple of a batch's CandidateScores.
    """

    on_progress: Callable[[Progress], None] | None = None
    on_candidate: Callable[[CandidateScore], object] | None = None
    on_batch: Callable[[tuple[CandidateScore, ...]], object] | None = None

    def progress(self, progress: Progress) -> None:
        """Report progress."""
        if self.on_progress and not self._call("on_progress", self.on_progress, progress):
            self.on_progress = None

    def candidate(self, score: CandidateScore) -> None:
        """Report a scored candidate."""
        if self.on_candidate and not self._call("on_candidate", self.on_candidate, score):
            self.on_candidate = None

    def batch(self, scores: Sequence[CandidateScore]) -> None:
        """Report a batch whose candidates are all scored."""
        if self.on_batch and not self._call("on_batch", self.on_batch, tuple(scores)):
            self.on_batch = None

    @staticmethod
    def _call(name: str, callback: Callable[[Any], object], report: object) -> bool:
        """Call it; hours of search are not lost because a log cannot be written."""
        try:
            callback(report)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            text = f"{name} raised {what}; it is not called again, the search continues."
            warnings.warn(text, TrainingWarning, stacklevel=4)
            return False
        return True
