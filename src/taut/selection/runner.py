"""Trains candidates on stages, or finds in the trial store that they were trained before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import TrainingWarning
from taut.learning.objective import RowResults
from taut.learning.training import Control, Fitted, Member, Status, Training
from taut.selection.candidate import Candidate
from taut.selection.runs import RACED, FoldRun
from taut.selection.space import is_plain
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.selection.trial_store import TrialStore
from taut.selection.weights import count_weights
from taut.streams import Stream, generator

# A member keeps its rows' losses of all epochs while these are at most this many numbers (32 MB); beyond,
# only those of its best epoch are kept; with this many rows, an epoch chosen elsewhere makes no difference.
_MOST_LOSSES = 2**23
# The same of its outputs, where a scorer decides the epoch (16 MB); beyond, the loss does.
_MOST_OUTPUTS = 2**22
# Epochs of which networks are kept: a training ends some 20 after its best one, by its patience, and the
# epoch that is best on all folds is about that.
_LAST_EPOCHS = 48


class Job(NamedTuple):
    """One candidate on one stage."""

    number: int
    candidate: Candidate
    stage: int


@final
class Runner:
    """Gives the results of jobs, trained or remembered.

    Parameters
    ----------
    trainer : Trainer
    stages : Stages
    trial_store : TrialStore, optional
        Where finished work is kept, and looked up before any training.
    most_losses : int, optional
        A member keeps its rows' losses of all epochs while these are at most this many numbers; by default 8
        million.
    for_scorer : bool
        Whether members keep their outputs for validation rows, where they are not too many.
    keep_networks : bool
        Whether members that stop early keep the networks of their last epochs, among which is the one that
        will be wanted: else it is trained again.
    """

    def __init__(
        self,
        trainer: Trainer,
        stages: Stages,
        trial_store: TrialStore | None = None,
        most_losses: int | None = None,
        for_scorer: bool = False,
        keep_networks: bool = False,
    ) -> None:
        self.trainer, self.problem, self.stages = trainer, trainer.problem, stages
        self._trial_store, self._most_losses = trial_store, most_losses
        self._live: dict[tuple[int, int], Training] = {}
        self._warned_of_memory = False
        self._keep_networks = _LAST_EPOCHS if keep_networks else 0
        n_outputs, max_epochs = self.problem.objective.n_outputs, trainer.settings.max_epochs
        most = max(len(fold.validation) for fold in stages.folds) * n_outputs * max_epochs
        #: Whether the outputs for validation rows are kept, by which a scorer decides the epoch.
        self.keeps_outputs = for_scorer and most <= _MOST_OUTPUTS
        self.remembered = 0.0  # seconds that the runs found in the trial store had taken

    @property
    def _limit(self) -> int:
        return _MOST_LOSSES if self._most_losses is None else self._most_losses

    def member(self, job: Job) -> Member:
        """The network of one candidate on one stage."""
        stage = self.stages.same_as(job.stage)
        fold = self.stages.all[stage]
        member = self.trainer.member(job.candidate, fold, stage)
        few = len(fold.validation) * member.max_epochs <= self._limit
        # A scorer scores folds, and only where there are epochs to choose from.
        scored = self.keeps_outputs and member.hooks.patience is not None
        return replace(
            member,
            keep_losses=few,
            keep_outputs=scored and stage < len(self.stages.folds),
            keep_networks=self._keep_networks if member.hooks.patience is not None else 0,
        )

    def live(self, job: Job) -> Training | None:
        """A job's training, while it is there."""
        return self._live.get((job.number, job.stage))

    def recorded(self, job: Job) -> FoldRun | None:
        """What the trial store has of a job."""
        return self._trial_store.run(job.number, job.stage) if self._trial_store else None

    def first(
        self,
        jobs: Sequence[Job],
        control: Control,
        on_done: Callable[[Job], None] | None = None,
        *,
        until_epoch: int | None = None,
    ) -> list[FoldRun | None]:
        """Train each to its own stop; None where it was cut off.

        Parameters
        ----------
        until_epoch : int, optional
            Where training ends that nothing stopped before; the settings' ``max_epochs`` without it.
        on_done : callable, optional
            Called with each job when it is done, from a worker's thread, one call at a time.
        """
        runs = [self.recorded(job) for job in jobs]
        missing = [i for i, run in enumerate(runs) if run is None]
        self.remembered += sum(run.seconds for run in runs if run is not None)
        if on_done:
            for job, run in zip(jobs, runs, strict=True):
                if run is not None:
                    on_done(job)
        parts = self._parts([self.member(jobs[i]) for i in missing])
        for part in parts:
            some = [missing[i] for i in part]
            for i, run in zip(
                some, self._first([jobs[i] for i in some], control, on_done, until_epoch), strict=True
            ):
                runs[i] = run
                if part is not parts[-1] and self.trainer.engine.replays_exactly:
                    self._live.pop((jobs[i].number, jobs[i].stage), None)
        return runs

    def _first(
        self,
        jobs: Sequence[Job],
        control: Control,
        on_done: Callable[[Job], None] | None,
        until_epoch: int | None,
    ) -> list[FoldRun | None]:
        """Train these side by side."""
        runs: list[FoldRun | None] = [None] * len(jobs)

        def done(index: int) -> None:
            runs[index] = self.keep(jobs[index], trainings[index])
            if on_done:
                on_done(jobs[index])

        # Begun first, because `on_done` is called before `train` returns.
        trainings = self.trainer.train([self._begun(job) or self.member(job) for job in jobs], until_epoch=0)
        usual = self.trainer.settings.max_epochs
        self.trainer.train(
            trainings,
            until_epoch=[until_epoch or self.stages.max_epochs(job.stage, usual) for job in jobs],
            respect_patience=True,
            control=replace(control, on_done=done),
        )
        return runs

    def _begun(self, job: Job) -> Training | None:
        """The training of a stage of few epochs on the same rows, if it is still there."""
        short = len(self.stages.folds)
        begins = job.stage != short and self.stages.same_as(short) == job.stage
        return self._live.get((job.number, short)) if begins else None

    def _parts(self, members: Sequence[Member]) -> list[range]:
        """As many of the members at a time as there is memory for.

        If that is not all of them, other trainings are freed first: they are made again, bit for bit,
        if they are to be continued.

        Warns
        -----
        TrainingWarning
            Once, if it takes more time.
        """
        n = self.trainer.affordable(members)
        if n < len(members):
            if self.trainer.engine.replays_exactly:
                self._live.clear()
            free = self.trainer.affordable(members)  # none at all, and the engine will say so
            n = max(1, free)
            if n < len(members) and 0 < free and not self._warned_of_memory:
                self._warned_of_memory = True
                warnings.warn(
                    f"Memory is short: networks are trained {n:,} at a time, and some again where they "
                    "are needed. It takes longer.",
                    TrainingWarning,
                    stacklevel=4,
                )
        return [range(i, min(i + n, len(members))) for i in range(0, len(members), max(1, n))]

    def keep(self, job: Job, training: Training, *, ended: bool = True) -> FoldRun:
        """Note a training that has ended by itself, or was cut off: that one is not kept in the trial store.

        The losses by which it races are chosen crosswise: the epoch that is best on one half of the
        validation rows gives the losses of the other half. The lowest of many noisy losses would flatter
        bumpy curves, as high learning rates make them.
        """
        early = job.candidate.recipe.hooks().patience is not None
        best = training.best_epoch if early else training.epoch
        run = FoldRun(
            status=training.status,
            epoch=training.epoch,
            best_epoch=best,
            curve=training.curve,
            zero_share=training.fitted("kept" if early else "last").zero_share,
            seconds=training.seconds,
        )
        if is_plain(job.candidate.recipe) and training.status is not Status.DIVERGED:
            run = replace(run, weights=count_weights(training.fitted("last")))
        if training.status is not Status.DIVERGED:
            own = self._rows(training, best)
            raced = self._crosswise(job, training) if early else None
            run = run.with_rows(RACED, own if raced is None else raced).with_rows(best, own)
        self._live[job.number, job.stage] = training
        if ended:
            self.record(job, run)
        return run

    def further(
        self, jobs: Sequence[Job], runs: Sequence[FoldRun], goals: Sequence[int], control: Control
    ) -> list[FoldRun] | None:
        """Continue those that are not at their goals yet, beyond their patience; None where it was cut off.

        A training that is gone is made again from the start, bit for bit.
        """
        behind = [
            i for i, run in enumerate(runs) if run.epoch < goals[i] and run.status is not Status.DIVERGED
        ]
        if not behind:
            return list(runs)
        live = [self._live.get((jobs[i].number, jobs[i].stage)) for i in behind]
        self._parts([self.member(jobs[i]) for i, one in zip(behind, live, strict=True) if one is None])
        trainings = self.trainer.train(
            [one or self.member(jobs[i]) for i, one in zip(behind, live, strict=True)],
            until_epoch=[goals[i] for i in behind],
            control=control,
        )
        out = list(runs)
        for i, training in zip(behind, trainings, strict=True):
            self._live[jobs[i].number, jobs[i].stage] = training
            if training.epoch < goals[i] and training.status is not Status.DIVERGED:
                return None
            out[i] = replace(
                runs[i],
                # The status stays that of its own stop, as a resumed search finds it; a run that diverged on
                # the way is short of its goal, also where that was in its last epoch, which is counted.
                epoch=min(training.epoch, goals[i] - (training.status is Status.DIVERGED)),
                curve=training.curve,
                seconds=runs[i].seconds if training.seconds < runs[i].seconds else training.seconds,
            )
            self.record(jobs[i], out[i])
        return out

    def with_losses(
        self,
        jobs: Sequence[Job],
        runs: Sequence[FoldRun],
        epochs: Sequence[int],
        control: Control,
        *,
        ended: bool = True,
    ) -> list[FoldRun] | None:
        """Add the rows' losses in these epochs (from 1); None where it was cut off.

        If they were not kept and there are very many rows, the losses by which it raced are used instead.
        """
        out = list(runs)
        for i, (job, run, epoch) in enumerate(zip(jobs, runs, epochs, strict=True)):
            if epoch in run.losses:
                continue
            training = self._live.get((job.number, job.stage))
            found = None if training is None else _kept(training, epoch)
            if found is None and self.member(job).keep_losses:
                (training,) = self.trainer.train([self.member(job)], until_epoch=run.epoch, control=control)
                if training.epoch < run.epoch:
                    return None
                self._live[job.number, job.stage] = training
                found = _kept(training, epoch)
            out[i] = run.with_rows(epoch, run.rows(RACED) if found is None else found)
            if ended:  # a run that was cut off is not kept in the trial store
                self.record(job, out[i])
        return out

    def with_outputs(self, job: Job, run: FoldRun, control: Control) -> Training | None:
        """The training with its outputs, made again if it is gone; None if that was cut off."""
        training = self._live.get((job.number, job.stage))
        if training is None or training.epoch < run.epoch or training.outputs(run.epoch) is None:
            (training,) = self.trainer.train([self.member(job)], until_epoch=run.epoch, control=control)
            if training.epoch < run.epoch:
                return None
            self._live[job.number, job.stage] = training
        return training

    def network(self, job: Job, epoch: int) -> Fitted | None:
        """A job's network at an epoch, if it is still there."""
        training = self._live.get((job.number, job.stage))
        if training is None:
            return None
        # The last weights of a training that was cut off within an epoch belong to no epoch.
        whole = training.status is not Status.RUNNING or training.epoch == training.member.max_epochs
        if training.epoch == epoch and whole:
            return training.fitted("last")
        if training.best_epoch == epoch and training.member.hooks.patience is not None:
            return training.fitted("kept")
        return training.checkpoint(epoch)

    def networks(
        self, jobs: Sequence[Job], epochs: Sequence[int], control: Control | None = None
    ) -> list[Fitted] | None:
        """The jobs' networks, each at its epoch; if they are gone, they are trained again up to it.

        None if the control ended that.
        """
        there = [self.network(job, epoch) for job, epoch in zip(jobs, epochs, strict=True)]
        found = {i: network for i, network in enumerate(there) if network is not None}
        missing = [i for i in range(len(jobs)) if i not in found]
        if missing:
            members = [self.member(jobs[i]) for i in missing]
            for part in self._parts(members):
                goals = [epochs[missing[j]] for j in part]
                some = [members[j] for j in part]
                trainings = self.trainer.train(some, until_epoch=goals, control=control)
                for j, training in zip(part, trainings, strict=True):
                    if training.epoch < epochs[missing[j]]:
                        return None
                    found[missing[j]] = training.fitted("last")
        return [found[i] for i in range(len(jobs))]

    def kept_networks(self, jobs: Sequence[Job]) -> list[Fitted] | None:
        """The jobs' networks as they were kept, each at its own best epoch; None if they are gone."""
        trainings = [self._live.get((job.number, job.stage)) for job in jobs]
        return None if None in trainings else [t.fitted() for t in trainings if t is not None]

    def forget(self, numbers: Sequence[int]) -> None:
        """Free the trainings of these candidates, unless they cannot be made again exactly."""
        if not self.trainer.engine.replays_exactly:
            return
        for key in [key for key in self._live if key[0] in numbers]:
            del self._live[key]

    def record(self, job: Job, run: FoldRun) -> None:
        """Keep a job's result in the trial store, if there is one."""
        if self._trial_store:
            self._trial_store.keep(job.number, job.stage, run)

    def _crosswise(self, job: Job, training: Training) -> RowResults | None:
        """Each half of the rows at the epoch that is best on the other; None if losses are not kept."""
        kept = [training.losses(epoch) for epoch in range(1, training.epoch + 1)]
        losses = [one for one in kept if one is not None]
        if not losses or len(losses) < len(kept) or len(losses[0]) < 2:
            return None
        rows = training.member.fold.validation
        half = self._half(job.stage, len(rows))
        weight = None if self.problem.score_weight is None else self.problem.score_weight[rows]
        table = np.stack(losses)
        out = np.empty(len(rows), dtype=np.float32)
        correct = np.empty(len(rows), dtype=bool) if self.problem.objective.n_classes else None
        for own in (half, ~half):
            means = np.average(table[:, ~own], axis=1, weights=None if weight is None else weight[~own])
            best = int(np.argmin(means))
            out[own] = table[best, own]
            there = training.correct(best + 1)
            if correct is not None and there is not None:
                correct[own] = there[own]
        return RowResults(out, correct)

    def _half(self, stage: int, n: int) -> NDArray[np.bool_]:
        """Half of a stage's validation rows, the same for all candidates."""
        stream = generator(self.trainer.settings.seed, Stream.RACE_HALVES, stage)
        return stream.permutation(n) < n // 2

    def _rows(self, training: Training, epoch: int) -> RowResults:
        kept = _kept(training, epoch)
        if kept is not None:
            return kept
        fold = training.member.fold
        # No regularization is early stopping's training at a later epoch, and that keeps an earlier one.
        network = training.fitted("kept" if epoch == training.best_epoch else "last")
        return self.trainer.row_results(network, fold.validation)


def _kept(training: Training, epoch: int) -> RowResults | None:
    losses = training.losses(epoch)
    return None if losses is None else RowResults(losses, training.correct(epoch))
