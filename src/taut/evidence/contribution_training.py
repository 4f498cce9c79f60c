"""Networks of many candidates over folds and seeds, each trained once, in calls as large as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, final

from taut.learning.objective import RowResults
from taut.learning.problem import Fold
from taut.learning.training import Control, Member, Status
from taut.selection.candidate import Candidate
from taut.selection.runner import Job, Runner
from taut.selection.runs import FoldRun
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer

# Networks of more bytes in all are trained in several calls: their states must not all be there at once.
_MOST_BYTES = 2**30

#: A candidate under one seed, on all folds.
Group: TypeAlias = tuple[Candidate, int]
T = TypeVar("T")


@final
@dataclass(frozen=True)
class Watch:
    """The callbacks that receive the progress.

    Parameters
    ----------
    expect : callable
        Called with how many networks there will be in all, when that is known or known better, and with the
        work beyond them (NaN before it is known).
    on_done : callable
        Called for each network that has come to its own stop; from a worker's thread, one call at a time.
    worked : callable
        Called with an amount of work that is no network of its own, measured in networks.
    """

    expect: Callable[[int, float], None] = field(default=lambda total, more_work: None)
    on_done: Callable[[], None] = field(default=lambda: None)
    worked: Callable[[float], None] = field(default=lambda amount: None)


@final
class SeededTraining:
    """Trains groups, remembers what came of them, and gives their rows.

    Whoever is cancelled through the control gets a KeyboardInterrupt: half of the networks compare nothing.

    Parameters
    ----------
    trainer : Trainer
    folds : tuple of Fold
    n_seeds : int
    control : Control
    watch : Watch
    """

    def __init__(
        self,
        trainer: Trainer,
        folds: tuple[Fold, ...],
        n_seeds: int,
        control: Control,
        watch: Watch,
    ) -> None:
        self.folds, self.n_seeds = folds, n_seeds
        self._control, self._watch = control, watch
        # A member's seed goes by its stage, so the folds once more are the same folds under another seed, and
        # under one seed all candidates see the rows in one order. The first seed is that of a search with the
        # same random_state.
        self._runner = Runner(trainer, Stages(folds * n_seeds))
        self._numbers: dict[Candidate, int] = {}
        self._runs: dict[Group, list[FoldRun] | None] = {}

    @property
    def n_networks(self) -> int:
        """How many were trained."""
        return len(self._runs) * len(self.folds)

    @property
    def cancelled(self) -> bool:
        """Whether somebody ended it, and not the time."""
        return self._control.cancelled.is_set()

    def runs(self, group: Group) -> list[FoldRun] | None:
        """What came of a group, by fold; None where one diverged."""
        return self._runs[group]

    def train(self, groups: Sequence[Group]) -> None:
        """Train what is new, each fold to its own stop, and then at least to the latest best epoch.

        Beyond that, the patience of every fold was in vain, so that no later epoch is the best on any.
        """
        groups = [group for group in dict.fromkeys(groups) if group not in self._runs]
        jobs = [self._jobs(group) for group in groups]
        found = self._runner.first(
            [job for each in jobs for job in each], self._control, lambda job: self._watch.on_done()
        )
        runs = [run for run in found if run is not None]
        self._heed(len(runs) == len(found))
        n = len(self.folds)
        by_group = [runs[i * n : (i + 1) * n] for i in range(len(groups))]
        sound = [i for i, each in enumerate(by_group) if not any(r.status is Status.DIVERGED for r in each)]
        latest = [max(run.best_epoch for run in by_group[i]) for i in sound]
        further = self._known(
            self._runner.further(
                [job for i in sound for job in jobs[i]],
                [run for i in sound for run in by_group[i]],
                [goal for goal in latest for _ in range(n)],
                self._control,
            )
        )
        self._runs |= dict.fromkeys(groups)
        for index, (i, goal) in enumerate(zip(sound, latest, strict=True)):
            each = further[index * n : (index + 1) * n]
            # One that diverged on the way is short of its goal.
            self._runs[groups[i]] = None if any(run.epoch < goal for run in each) else each

    def rows(self, group: Group, fold: int, epoch: int) -> RowResults:
        """What a group's network makes of its fold's held-out rows in an epoch (from 1)."""
        runs = self._runs[group]
        assert runs is not None
        jobs = [self._jobs(group)[fold]]
        (run,) = self._known(self._runner.with_losses(jobs, [runs[fold]], [epoch], self._control))
        return run.rows(epoch)

    def way_to_the_end(self, groups: Sequence[Group]) -> float:
        """How much there is from where networks stopped to the last epoch, in networks of their length."""
        runs = [run for group in groups for run in self._runs[group] or ()]
        stopped = sum(run.epoch for run in runs)
        return (
            len(runs) * self._runner.trainer.settings.max_epochs * len(runs) / stopped - len(runs)
            if runs
            else 0.0
        )

    def rows_at_the_end(self, candidate: Candidate, seed: int) -> list[RowResults] | None:
        """What the candidate's networks under a seed make of held-out rows at the last epoch, by fold.

        They go on to the last epoch, whatever stopped them before; None where one diverges.
        """
        group, last = (candidate, seed), self._runner.trainer.settings.max_epochs
        jobs, runs = self._jobs(group), self._runs[group]
        if runs is None:
            return None
        longer = self._known(self._runner.further(jobs, runs, [last] * len(jobs), self._control))
        if any(run.epoch < last for run in longer):
            return None
        return self._last_rows(jobs, longer)

    def _last_rows(self, jobs: Sequence[Job], runs: Sequence[FoldRun]) -> list[RowResults]:
        """The rows at the last epoch: as they were kept, or of very many rows, predicted again."""
        goals = [run.epoch for run in runs]
        if all(self._runner.member(job).keep_losses for job in jobs):
            known = self._known(self._runner.with_losses(jobs, runs, goals, self._control))
            return [run.rows(run.epoch) for run in known]
        networks = self._known(self._runner.networks(jobs, goals, self._control))
        held_out = [self.folds[job.stage % len(self.folds)].validation for job in jobs]
        return [
            self._runner.trainer.row_results(network, rows)
            for network, rows in zip(networks, held_out, strict=True)
        ]

    def blocks(self, lines: Sequence[list[Candidate]]) -> Iterator[Sequence[list[Candidate]]]:
        """As many lines of candidates at a time as fit into memory under one seed."""
        widest = max(
            (self._bytes(self._runner.member(Job(0, one, 0))) for line in lines for one in line), default=1
        )
        each = max(1, *map(len, lines)) * len(self.folds) * widest
        size = max(1, _MOST_BYTES // max(1, each))
        for start in range(0, len(lines), size):
            yield lines[start : start + size]

    def forget(self, candidates: Sequence[Candidate]) -> None:
        """Let go of their networks; what came of them stays."""
        self._runner.forget([self._numbers[one] for one in candidates])

    def _bytes(self, member: Member) -> int:
        trainer = self._runner.trainer
        return trainer.engine.memory(trainer.problem, member)

    def _jobs(self, group: Group) -> list[Job]:
        candidate, seed = group
        number = self._numbers.setdefault(candidate, len(self._numbers))
        n = len(self.folds)
        return [Job(number, candidate, seed * n + k) for k in range(n)]

    def _known(self, found: T | None) -> T:
        """What the runner gives, None where it was cut off."""
        self._heed(found is not None)
        assert found is not None
        return found

    def _heed(self, finished: bool) -> None:
        if not finished or self._control.should_stop():
            raise KeyboardInterrupt
