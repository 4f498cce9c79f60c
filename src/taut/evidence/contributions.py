"""The trainings behind contributions: networks of all combinations of techniques, over folds and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.contribution_training import SeededTraining, Watch
from taut.evidence.contribution_units import Totals, Units
from taut.learning.architecture import Architecture
from taut.learning.problem import Fold
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import without_shared_rows
from taut.selection.runs import FoldRun
from taut.selection.score import choose_epochs
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique

#: Each combination takes the best of the learning rate times these; of equal ones the first.
FACTORS: Final = (1.0, 1 / 3, 3.0)

# How many of them the folds of a combination choose, before it is known.
_USUAL_RATES: Final = 2

#: For each fold the candidate it takes, by its learning rate; None where they diverged at every rate.
Pick: TypeAlias = list[Candidate] | None


@final
@dataclass(frozen=True, eq=False)
class Contributions:
    """What networks lose on held-out rows, from no regularization to the recipe.

    Parameters
    ----------
    players : tuple of Technique
        The active techniques of the recipe but early stopping; bit i of a coalition is the i-th.
    nothing : Totals
        No regularization, at the last epoch and the usual learning rate.
    stopped : Totals
        The same networks with early stopping.
    coalitions : dict
        By coalition its networks' totals, with early stopping, each fold at the rate best on the others.
    rates : dict
        By coalition the learning rate of each fold, shape (n_folds,); NaN where they all diverged.
    unstopped : Totals or None
        The recipe without early stopping, at the last epoch and its own learning rate; None where the recipe
        stops early.
    n_networks : int
    """

    players: tuple[Technique, ...]
    nothing: Totals
    stopped: Totals
    coalitions: dict[int, Totals]
    rates: dict[int, NDArray[np.float64]]
    unstopped: Totals | None
    n_networks: int

    @property
    def n_seeds(self) -> int:
        """That there was time for."""
        return len(self.nothing.losses)


def players_of(recipe: Recipe) -> tuple[Technique, ...]:
    """The techniques among which the credit is shared: the active ones but early stopping."""
    return tuple(one for one in recipe.active if not isinstance(one, EarlyStopping))


def members_of(players: Sequence[Technique], coalition: int) -> list[Technique]:
    """The players that are in a coalition."""
    return [one for i, one in enumerate(players) if coalition >> i & 1]


@final
class ContributionWork:
    """Trains what is compared, and adds up what it loses.

    Parameters
    ----------
    trainer : Trainer
    folds : tuple of Fold
    architecture : Architecture
    units : Units
    n_seeds : int
    control : Control
        Its ``cancelled`` ends the work with a KeyboardInterrupt.
    watch : Watch, optional
    """

    def __init__(
        self,
        trainer: Trainer,
        folds: tuple[Fold, ...],
        architecture: Architecture,
        *,
        units: Units,
        n_seeds: int,
        control: Control,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch or Watch()
        self._training = SeededTraining(trainer, folds, n_seeds, control, self._watch)
        self._folds, self._architecture, self._units = folds, architecture, units
        n = len(folds)
        apart = without_shared_rows(folds, len(trainer.problem))
        if n == 1:
            apart = np.ones((1, 1), dtype=bool)  # there is no other fold: its score is a little too good
        #: Which folds have a say in the rate and the epoch of each.
        self._others = ~np.eye(n, dtype=bool) if apart is None else apart

    def train(
        self, recipe: Recipe, rate: float, usual_rate: float, coalitions: Sequence[int]
    ) -> Contributions:
        """Train everything.

        Parameters
        ----------
        recipe : Recipe
        rate : float
            Its learning rate.
        usual_rate : float
            That of the networks that nobody has tuned.
        coalitions : sequence of int
            Which combinations of the players occur.

        Raises
        ------
        KeyboardInterrupt
            Where the control was cancelled.
        """
        training, n_seeds = self._training, self._training.n_seeds
        players, stop = players_of(recipe), recipe.get(EarlyStopping)
        usual = Candidate(Recipe(stop or EarlyStopping()), usual_rate, self._architecture)
        as_given = Candidate(recipe, rate, self._architecture)
        # Without early stopping and players, at the usual rate, the recipe is no regularization once more.
        anew = stop is None and (bool(players) or rate != usual_rate)
        lines = [
            [
                Candidate(
                    Recipe(*members_of(players, c), stop or EarlyStopping()), f * rate, self._architecture
                )
                for f in FACTORS
            ]
            for c in coalitions
        ]
        to_the_end = [usual, as_given] if anew else [usual]
        # The folds of a combination choose one to three rates: as if all chose two.
        usual_rates = min(_USUAL_RATES, len(self._folds))
        expected = len({*to_the_end, *(one for line in lines for one in line)})
        expected += (n_seeds - 1) * (usual_rates * len(lines) + len(to_the_end))
        self._expect(expected)
        training.train([(one, 0) for one in to_the_end])
        self._further = training.way_to_the_end([(one, 0) for one in to_the_end])
        self._expect(expected, n_seeds * self._further)
        stopped = [self._totals([usual] * len(self._folds), 0)]
        ends = {one: [self._at_the_end(one, 0)] for one in to_the_end}
        self._watch.worked(self._further)
        picks: list[Pick] = []
        totals: list[list[Totals]] = []
        for block in training.blocks(lines):
            training.train([(one, 0) for line in block for one in line])
            picked = [self._pick(line) for line in block]
            expected += sum(len(set(pick or ())) - usual_rates for pick in picked) * (n_seeds - 1)
            self._expect(expected, n_seeds * self._further)
            totals += [[self._totals(pick, 0)] for pick in picked]
            picks += picked
            training.forget([one for line in block for one in line if one != usual])
        try:
            for seed in range(1, n_seeds):
                training.train([(one, seed) for one in to_the_end])
                more_stopped = self._totals([usual] * len(self._folds), seed)
                more_ends = {one: self._at_the_end(one, seed) for one in to_the_end}
                self._watch.worked(self._further)
                more: list[Totals] = []
                for chosen in training.blocks([list(dict.fromkeys(pick or ())) for pick in picks]):
                    training.train([(one, seed) for line in chosen for one in line])
                    more += [self._totals(pick, seed) for pick in picks[len(more) :][: len(chosen)]]
                    training.forget([one for line in chosen for one in line if one != usual])
                stopped.append(more_stopped)
                for one, end in more_ends.items():
                    ends[one].append(end)
                for each, new in zip(totals, more, strict=True):
                    each.append(new)
        except KeyboardInterrupt:
            if training.cancelled:  # else the time was over, and whole seeds are what there is
                raise
        nothing = Totals.of(ends[usual])
        unstopped = None
        if stop is None:
            unstopped = Totals.of(ends[as_given]) if anew else nothing
        self._expect(training.n_networks // len(self._folds), n_seeds * self._further)
        return Contributions(
            players=players,
            nothing=nothing,
            stopped=Totals.of(stopped),
            coalitions={c: Totals.of(each) for c, each in zip(coalitions, totals, strict=True)},
            rates={c: self._rates(pick) for c, pick in zip(coalitions, picks, strict=True)},
            unstopped=unstopped,
            n_networks=training.n_networks,
        )

    def _expect(self, n_groups: int, more_work: float = np.nan) -> None:
        self._watch.expect(n_groups * len(self._folds), more_work)

    def _pick(self, line: Sequence[Candidate]) -> Pick:
        """For each fold the rate whose lowest mean loss on the other folds is the lowest.

        The fold's own rows have a say neither in the rate nor in its epoch. The first seed chooses the rate
        for all seeds: that saves most of the others' networks.
        """
        losses = np.full((len(line), len(self._folds)), np.inf)
        for i, one in enumerate(line):
            runs = self._training.runs((one, 0))
            if runs is not None:
                validation, epochs = self._chosen(runs)
                losses[i] = [np.mean(validation[who, epochs[k]]) for k, who in enumerate(self._others)]
        if not np.isfinite(losses).any(axis=0).all():
            return None
        return [line[i] for i in np.argmin(losses, axis=0)]

    def _chosen(self, runs: Sequence[FoldRun]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Validation losses (n_folds, n_epochs), and for each fold the epoch best on the others (from 0)."""
        n_epochs = min(run.epoch for run in runs)
        validation = np.stack([run.curve.validation[:n_epochs] for run in runs])
        return validation, choose_epochs(validation, True, self._others)[1]

    def _totals(self, pick: Pick, seed: int) -> Totals:
        """What the folds' networks lose under a seed, each fold at its own rate, each seed at its own epoch.

        Were the epoch chosen once for all seeds, its chance would not be in the intervals, and it is as large
        as many an effect.
        """
        training = self._training
        rows = []
        for k, one in enumerate(pick or ()):
            runs = training.runs((one, seed))
            if runs is None:
                return self._units.totals(None, 1)
            rows.append(training.rows((one, seed), k, int(self._chosen(runs)[1][k]) + 1))
        return self._units.totals(None if pick is None else [rows], 1)

    def _at_the_end(self, candidate: Candidate, seed: int) -> Totals:
        """What a candidate's networks lose under a seed at the last epoch."""
        rows = self._training.rows_at_the_end(candidate, seed)
        return self._units.totals(None if rows is None else [rows], 1)

    def _rates(self, pick: Pick) -> NDArray[np.float64]:
        return np.array([np.nan] * len(self._folds) if pick is None else [one.learning_rate for one in pick])
