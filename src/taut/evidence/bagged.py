"""What the average of several networks loses on rows that none of them has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.objective import RowResults
from taut.learning.training import Control, Fitted
from taut.selection.candidate import Candidate
from taut.selection.runner import Job, Runner
from taut.streams import Stream, seed_of

#: Networks that are averaged for each row.
N_BAGGED = 3


@final
@dataclass(frozen=True, eq=False)
class Bagged:
    """Out-of-fold figures of an average of networks.

    Parameters
    ----------
    rows : int32 array, shape (n,)
        Those that some fold holds out.
    outputs : float64 array, shape (n, n_outputs)
        Of the average: logarithms of its probabilities, or its values.
    figures : RowResults
        Of these rows, in the engine's units.
    n_bagged : int
        Networks that are averaged for a row.
    networks : tuple of Fitted
        The first one of each fold.
    """

    rows: NDArray[np.int32]
    outputs: NDArray[np.float64]
    figures: RowResults
    n_bagged: int
    networks: tuple[Fitted, ...]


def bagged(
    runner: Runner,
    number: int,
    candidate: Candidate,
    epochs: NDArray[np.int64],
    n_repeats: int,
    control: Control,
) -> Bagged | None:
    """Average networks that have not seen a row; None where the control ended that before.

    The networks that are handed over are averaged too, but each row was seen by some of them. Where the folds
    are repeated, every row has a network of each repeat; else two more networks of other seeds are trained on
    each fold. Such an average sees fewer rows than the returned one, or has fewer networks, so that the
    returned one should be a little better.

    Parameters
    ----------
    runner : Runner
    number : int
        The candidate's index.
    candidate : Candidate
    epochs : int64 array, shape (n_folds,)
        At which each fold is scored, chosen on other folds.
    n_repeats : int
    control : Control
    """
    folds, trainer = runner.stages.folds, runner.trainer
    problem, objective = trainer.problem, trainer.problem.objective
    jobs = [Job(number, candidate, k) for k in range(len(folds))]
    networks = runner.networks(jobs, epochs.tolist(), control)
    if networks is None:
        return None
    by_fold = [[network] for network in networks]
    if n_repeats < N_BAGGED:
        more = _of_other_seeds(runner, candidate, epochs, control)
        if more is None:
            return None
        for k, network in more:
            by_fold[k].append(network)
    total = np.zeros((len(problem), objective.n_outputs))
    times = np.zeros(len(problem))
    for fold, group in zip(folds, by_fold, strict=True):
        for network in group:
            total[fold.validation] += objective.predictions(trainer.outputs(network, fold.validation))
        times[fold.validation] += len(group)
    rows = np.flatnonzero(times).astype(np.int32)
    outputs = objective.outputs_of(total[rows] / times[rows, None])
    return Bagged(rows, outputs, problem.row_results(outputs, rows), int(times.max()), tuple(networks))


def _of_other_seeds(
    runner: Runner, candidate: Candidate, epochs: NDArray[np.int64], control: Control
) -> list[tuple[int, Fitted]] | None:
    """Two more networks a fold, to the fold's epoch; None where time or memory was short."""
    wanted = [(k, j) for j in range(1, N_BAGGED) for k in range(len(epochs))]
    trainer, seed = runner.trainer, runner.trainer.settings.seed
    members = [
        trainer.member(candidate, runner.stages.folds[k], k, seed_of(seed, Stream.BAGGED, k, j))
        for k, j in wanted
    ]
    if trainer.affordable(members) < len(members):
        return None
    goals = [int(epochs[k]) for k, _ in wanted]
    trainings = trainer.train(members, until_epoch=goals, control=control)
    # One that diverged has no part in it; the average of the others stands.
    if any(t.epoch < goal and t.status.value == "running" for t, goal in zip(trainings, goals, strict=True)):
        return None
    return [
        (k, training.fitted("last"))
        for (k, _), training, goal in zip(wanted, trainings, goals, strict=True)
        if training.epoch >= goal and training.status.value != "diverged"
    ]
