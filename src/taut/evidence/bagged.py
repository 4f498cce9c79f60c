"""What the average of several networks loses on rows that none of them has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Trained
from taut.selection.candidate import Candidate
from taut.selection.runner import Job, Runner, row_results
from taut.selection.runs import RowResults
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
    figures : RowResults
        Of these rows, in the engine's units.
    n_bagged : int
        Networks that are averaged for a row.
    networks : tuple of Trained
        The first one of each fold.
    """

    rows: NDArray[np.int32]
    figures: RowResults
    n_bagged: int
    networks: tuple[Trained, ...]


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
    folds, data = runner.stages.folds, runner.data
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
    total = np.zeros((len(data.values), data.n_outputs))
    times = np.zeros(len(data.values))
    for fold, group in zip(folds, by_fold, strict=True):
        for network in group:
            total[fold.validation] += _probabilities(
                runner.engine.predict(data.values, network, fold.validation), data.task
            )
        times[fold.validation] += len(group)
    rows = np.flatnonzero(times).astype(np.int32)
    mean = total[rows] / times[rows, None]
    tiny = np.finfo(np.float32).tiny
    outputs = np.log(np.maximum(mean, tiny)) if data.task == "classification" else mean
    return Bagged(rows, row_results(data, outputs, rows), int(times.max()), tuple(networks))


def _of_other_seeds(
    runner: Runner, candidate: Candidate, epochs: NDArray[np.int64], control: Control
) -> list[tuple[int, Trained]] | None:
    """Two more networks a fold, to the fold's epoch; None where time or memory was short."""
    wanted = [(k, j) for j in range(1, N_BAGGED) for k in range(len(epochs))]
    members = [
        replace(
            runner.settings.member(candidate, runner.stages.folds[k], k, runner.data.n_outputs),
            seed=seed_of(runner.settings.seed, Stream.BAGGED, k, j),
        )
        for k, j in wanted
    ]
    if runner.engine.affordable(members) < len(members):
        return None
    goals = [int(epochs[k]) for k, _ in wanted]
    trainings = runner.engine.train(runner.data, members, until_epoch=goals, control=control)
    # One that diverged has no part in it; the average of the others stands.
    if any(t.epoch < goal and t.status.value == "running" for t, goal in zip(trainings, goals, strict=True)):
        return None
    return [
        (k, training.trained("last"))
        for (k, _), training, goal in zip(wanted, trainings, goals, strict=True)
        if training.epoch >= goal and training.status.value != "diverged"
    ]


def _probabilities(outputs: NDArray[np.floating], task: str) -> NDArray[np.float64]:
    """Of the classes; values stay what they are."""
    values = outputs.astype(np.float64)
    if task == "regression":
        return values
    from scipy.special import softmax

    shares: NDArray[np.float64] = softmax(values, axis=1)
    return shares
