"""What the average of several networks loses on rows that none of them has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.objective import RowResults
from taut.learning.training import Control, Fitted, Status
from taut.selection.candidate import Candidate
from taut.selection.final import N_BAGGED
from taut.selection.runner import Job, Runner
from taut.streams import Stream, seed_of

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Bagged:
    """Out-of-fold figures of an average of networks, and of these networks one by one.

    Parameters
    ----------
    rows : int32 array, shape (n,)
        Those that have such an average: that some fold holds out, as far as time went.
    outputs : float64 array, shape (n, n_outputs)
        Of the average: logarithms of its probabilities, or its values.
    figures : RowResults
        Of the average, in the engine's units.
    losses, correct : float64 array, shape (n,)
        Means over the networks one by one; ``correct`` is NaN where there are no classes.
    n_bagged : int
        Networks that are averaged for a row.
    networks : tuple of Fitted
        The first one of each fold.
    """

    rows: NDArray[np.int32]
    outputs: Vector
    figures: RowResults
    losses: Vector
    correct: Vector
    n_bagged: int
    networks: tuple[Fitted, ...]


def bagged(
    runner: Runner,
    number: int,
    candidate: Candidate,
    epoch: int,
    n_repeats: int,
    control: Control,
    networks: Sequence[Fitted] | None = None,
) -> Bagged | None:
    """Average networks that have not seen a row; None where the control ended that before.

    The networks that are handed over are averaged too, but each row was seen by some of them. Where the folds
    are repeated, every row has a network of each repeat; else two more networks of other seeds are trained on
    each fold, on the first ones where there is no time for all.

    Parameters
    ----------
    runner : Runner
    number : int
        The candidate's index.
    candidate : Candidate
    epoch : int
        To which networks are trained: that of the networks that are handed over.
    n_repeats : int
    control : Control
    networks : sequence of Fitted, optional
        One a fold at that epoch; made where they are not given.
    """
    folds, trainer = runner.stages.folds, runner.trainer
    problem, objective = trainer.problem, trainer.problem.objective
    if networks is None:
        jobs = [Job(number, candidate, k) for k in range(len(folds))]
        networks = runner.networks(jobs, [epoch] * len(jobs), control)
    if networks is None:
        return None
    by_fold = {k: [network] for k, network in enumerate(networks)}
    if n_repeats < N_BAGGED:
        more = _of_other_seeds(runner, candidate, epoch, control)
        by_fold = {k: [networks[k], *others] for k, others in more.items()}
    total = np.zeros((len(problem), objective.n_outputs))
    losses, correct = np.zeros(len(problem)), np.zeros(len(problem))
    times = np.zeros(len(problem), dtype=np.int64)
    for k, group in by_fold.items():
        rows = folds[k].validation
        for network in group:
            outputs = trainer.outputs(network, rows)
            own = problem.row_results(outputs, rows)
            total[rows] += objective.predictions(outputs)
            losses[rows] += own.losses
            correct[rows] += np.nan if own.correct is None else own.correct
        times[rows] += len(group)
    # Where time was over between two repeats, rows have averages of fewer.
    rows = np.flatnonzero((times > 0) & (times == times.max())).astype(np.int32)
    if not len(rows):
        return None
    n = int(times.max())
    outputs = objective.outputs_of(total[rows] / n)
    figures = problem.row_results(outputs, rows)
    return Bagged(rows, outputs, figures, losses[rows] / n, correct[rows] / n, n, tuple(networks))


def _of_other_seeds(
    runner: Runner, candidate: Candidate, epoch: int, control: Control
) -> dict[int, list[Fitted]]:
    """Two more networks a fold; of the folds only that time and memory sufficed for, and none diverged on."""
    folds, trainer, seed = runner.stages.folds, runner.trainer, runner.trainer.settings.seed
    found: dict[int, list[Fitted]] = {}
    at_once = max(1, trainer.engine.threads // (N_BAGGED - 1))
    for begin in range(0, len(folds), at_once):
        wanted = [(k, j) for k in range(begin, min(begin + at_once, len(folds))) for j in range(1, N_BAGGED)]
        members = [
            trainer.member(candidate, folds[k], k, seed_of(seed, Stream.BAGGED, k, j)) for k, j in wanted
        ]
        if trainer.affordable(members) < len(members):
            break
        trainings = trainer.train(members, until_epoch=epoch, control=control)
        for k in dict.fromkeys(k for k, _ in wanted):
            own = [training for (of, _), training in zip(wanted, trainings, strict=True) if of == k]
            if all(one.epoch >= epoch and one.status is not Status.DIVERGED for one in own):
                found[k] = [one.fitted("last") for one in own]
        if control.should_stop():
            break
    return found
