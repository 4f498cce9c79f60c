"""Trains networks of one problem: the one place that calls an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.errors import ParameterError
from taut.learning.engine import Engine
from taut.learning.examples import Indices
from taut.learning.objective import RowResults
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Fitted, Member, Training
from taut.selection.candidate import Candidate
from taut.streams import Stream, seed_of


@final
@dataclass(frozen=True)
class Settings:
    """What all candidates have in common.

    Parameters
    ----------
    batch_size : int
        Rows a step.
    max_epochs : int
        Training ends here if nothing stopped it before.
    seed : int
    average : float
        See :class:`taut.learning.training.Member`.
    """

    batch_size: int
    max_epochs: int
    seed: int
    average: float = 0.0


@final
@dataclass(frozen=True, eq=False)
class Trainer:
    """Networks of one problem, by one engine.

    Parameters
    ----------
    engine : Engine
    problem : Problem
    settings : Settings
    """

    engine: Engine
    problem: Problem
    settings: Settings

    def member(self, candidate: Candidate, fold: Fold, number: int, seed: int | None = None) -> Member:
        """The network of one candidate on one fold.

        By default its seed depends only on the fold's number: candidates of one architecture
        start from the same weights, and all see the rows in the same order, so that their differences are
        the recipes'.

        Raises
        ------
        ParameterError
            Where a technique of the recipe is for classes, and an amount is predicted.
        """
        settings = self.settings
        for technique in candidate.recipe.active:
            why = candidate.architecture.supports(type(technique), self.problem.objective)
            if why and technique.needs_classes:
                raise ParameterError(f"{why} Leave it out of the recipe.")
        return Member(
            candidate.architecture,
            candidate.recipe.hooks(),
            fold,
            candidate.learning_rate,
            settings.batch_size,
            settings.max_epochs,
            seed_of(settings.seed, Stream.MEMBER, number) if seed is None else seed,
            average=settings.average,
        )

    def train(
        self,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        """Train members side by side, from the start or from where they stand; see :meth:`Engine.train`."""
        return self.engine.train(
            self.problem,
            members,
            until_epoch=until_epoch,
            respect_patience=respect_patience,
            control=control,
        )

    def affordable(self, members: Sequence[Member]) -> int:
        """How many of these members there is memory for side by side; see :meth:`Engine.affordable`."""
        return self.engine.affordable(self.problem, members)

    def outputs(self, network: Fitted, rows: Indices) -> NDArray[np.floating]:
        """A network's outputs for some of the examples."""
        return self.engine.predict(self.problem.examples, network, rows)

    def row_results(self, network: Fitted, rows: Indices) -> RowResults:
        """A network's row results on some of the examples."""
        return self.problem.row_results(self.outputs(network, rows), rows)
