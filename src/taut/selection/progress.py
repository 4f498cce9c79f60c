"""What a search tells while it runs."""

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
    """Where the search stands, for those who show it.

    Parameters
    ----------
    done : int
        Candidates that are scored or out of the race.
    total : int or None
        Candidates in all, where their number is limited.
    folds : int
        Networks that candidates have had trained, one a fold.
    best, baseline : float
        Validation loss of the best so far and of early stopping alone; NaN before there is one.
    best_recipe : Recipe or None
    seconds : float
        Since the search began, earlier sessions of a resumed one included.
    seconds_left : float or None
    finishing : bool
        Whether nothing new is tried any more, and the chosen networks are being made.
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
    """Who is told; a callback that raises is warned of, once, and the search goes on.

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

    def progress(self, news: Progress) -> None:
        """Something was done."""
        if self.on_progress and not self._tell("on_progress", self.on_progress, news):
            self.on_progress = None

    def candidate(self, score: CandidateScore) -> None:
        """A candidate was scored."""
        if self.on_candidate and not self._tell("on_candidate", self.on_candidate, score):
            self.on_candidate = None

    def batch(self, scores: Sequence[CandidateScore]) -> None:
        """All candidates of a batch were scored."""
        if self.on_batch and not self._tell("on_batch", self.on_batch, tuple(scores)):
            self.on_batch = None

    @staticmethod
    def _tell(name: str, callback: Callable[[Any], object], news: object) -> bool:
        """Hours of search are not lost because a log cannot be written."""
        try:
            callback(news)
        except Exception as error:
            text = (
                f"{name} raised {type(error).__name__}: {error}; it is not called again, the search goes on."
            )
            warnings.warn(text, TrainingWarning, stacklevel=4)
            return False
        return True
