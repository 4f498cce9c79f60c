"""A search as a person makes it by hand, Optuna and a PyTorch loop in two processes; and scoring its winner.

Two processes share one study through Optuna's journal file, which several processes may write; the sampler is
TPE and the pruner the median, as they come. A trial trains its folds one after another, each to its own
patience; its loss is the mean of their lowest validation losses. After every fold the mean so far is reported
and the pruner asked, as Optuna's maintainers advise for cross-validation (optuna/optuna, issue 4373 and pull
request 5112). ``prune="epoch"`` does what people do with one split instead: every epoch of the first fold is
reported, the pruner looks after 30 epochs and every 10 (its documentation's example; at once, it would cut
nearly everything in the first epochs), and the other folds are not pruned.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from selection_reference import FoldArrays, Send, Take, TorchFold, TorchTraining, in_processes

from taut import EarlyStopping, Recipe
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.problem import Fold, Problem
from taut.learning.training import Member, Status
from taut.selection.candidate import Candidate
from taut.selection.folds import without_shared_rows
from taut.selection.score import choose_epochs
from taut.selection.space import SEARCHED
from taut.streams import seed_of
from taut.techniques.base import Technique

# Purposes below a seed (see seed_of) that the search of taut itself does not use.
_SAMPLER, _TRIAL, _FRESH = 101, 102, 103


@dataclass(frozen=True)
class Plan:
    """What all trials of a search have in common."""

    hidden: tuple[int, ...] = (64, 64)
    learning_rates: tuple[float, float] = (3e-4, 1e-2)
    batch_size: int = 64
    max_epochs: int = 300
    patience: int = 20
    n_trials: int = 50
    prune: Literal["fold", "epoch"] = "fold"


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that was completed or pruned.

    Parameters
    ----------
    number : int
        In the order in which they began.
    seconds : float
        Wall seconds from the start of the search to its end.
    cpu_seconds : float
        CPU seconds of this trial alone: less than its wall seconds where somebody else had the core.
    pruned : bool
    loss : float
        Mean of the lowest validation losses of the folds that were trained; infinite where one diverged.
    folds : int
        Folds that were trained, the one in which it was pruned among them.
    epochs : int
        Of all its networks together.
    candidate : Candidate
    """

    number: int
    seconds: float
    cpu_seconds: float
    pruned: bool
    loss: float
    folds: int
    epochs: int
    candidate: Candidate


def search(
    folds: Sequence[FoldArrays], seed: int, plan: Plan | None = None, *, n_processes: int = 2
) -> Iterator[FinishedTrial]:
    """Search, and yield every trial as it finishes; who stops listening ends the search."""
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "journal.log")
        arguments = (list(folds), seed, plan or Plan(), journal)
        for seconds, fields in in_processes(_prepare, *arguments, n_processes=n_processes):
            yield FinishedTrial(seconds=seconds, **fields)


def incumbents(trials: Iterable[FinishedTrial]) -> list[FinishedTrial]:
    """Those that were the best so far when they finished, in that order; the last one is the winner."""
    best: list[FinishedTrial] = []
    for trial in sorted(trials, key=lambda trial: trial.seconds):
        if not trial.pruned and trial.loss < (best[-1].loss if best else math.inf):
            best.append(trial)
    return best


def suggest(trial: Any, plan: Plan) -> Candidate:
    """A point of taut's search space: each technique on or off, and where it is on, its strength."""
    techniques: list[Technique] = [EarlyStopping(plan.patience)]
    for kind in SEARCHED:
        reach = kind.search_range
        if not trial.suggest_categorical(f"use_{kind.name}", [False, True]):
            continue
        if reach.scale == "switch":
            techniques.append(kind.at(reach.high))
        else:
            strength = trial.suggest_float(kind.name, reach.low, reach.high, log=reach.scale == "log")
            techniques.append(kind.at(strength))
    learning_rate = trial.suggest_float("learning_rate", *plan.learning_rates, log=True)
    return Candidate(Recipe(*techniques), learning_rate, MLP(plan.hidden))


def _prepare(
    place: int, take: Take, folds: list[FoldArrays], seed: int, plan: Plan, journal: str
) -> Callable[[Send], None]:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruning = {"n_warmup_steps": 30, "interval_steps": 10} if plan.prune == "epoch" else {}
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(journal)),
        study_name="reference",
        sampler=optuna.samplers.TPESampler(seed=seed_of(seed, _SAMPLER, place) % 2**32),
        pruner=optuna.pruners.MedianPruner(**pruning),
        load_if_exists=True,
    )
    tensors = [TorchFold(fold) for fold in folds]

    def work(send: Send) -> None:
        def objective(trial: Any) -> float:
            started = time.process_time()
            candidate = suggest(trial, plan)
            losses, epochs, pruned = _cross_validate(trial, candidate, tensors, seed, plan)
            loss = float(np.mean(losses))
            send(
                {
                    "number": trial.number, "pruned": pruned, "loss": loss, "folds": len(losses),
                    "epochs": epochs, "candidate": candidate,
                    "cpu_seconds": time.process_time() - started,
                }
            )  # fmt: skip
            if pruned:
                raise optuna.TrialPruned
            return loss

        while take() < plan.n_trials:
            study.optimize(objective, n_trials=1)

    return work


def _cross_validate(
    trial: Any, candidate: Candidate, folds: list[TorchFold], seed: int, plan: Plan
) -> tuple[list[float], int, bool]:
    """The folds' lowest validation losses, the epochs of all of them, and whether the trial was pruned."""
    from optuna import TrialPruned

    def ask(epoch: int, loss: float) -> None:
        trial.report(loss, epoch)
        if trial.should_prune():
            raise TrialPruned

    losses: list[float] = []
    epochs = 0
    for i, fold in enumerate(folds):
        training = TorchTraining(candidate, fold, plan.batch_size, seed_of(seed, _TRIAL, trial.number, i))
        pruned = False
        try:
            training.run(plan.max_epochs, plan.patience, ask if plan.prune == "epoch" and i == 0 else None)
        except TrialPruned:
            pruned = True
        losses.append(training.best_loss)
        epochs += len(training.validation)
        if not pruned and plan.prune == "fold" and math.isfinite(losses[-1]):
            trial.report(float(np.mean(losses)), i)
            pruned = i + 1 < len(folds) and trial.should_prune()
        if pruned or not math.isfinite(losses[-1]):
            return losses, epochs, True
    return losses, epochs, False


def rescore(
    candidate: Candidate,
    problem: Problem,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    *,
    batch_size: int = 64,
    max_epochs: int = 300,
    engine: Engine | None = None,
) -> float:
    """The loss of a candidate trained anew by taut's engine, whoever found it: mean over seeds and folds.

    As in taut's own search, each fold trains to its own patience, the shorter ones go on to the longest one's
    epoch, and a fold is scored at the epoch that is best on the others. Infinite where a network diverged.
    """
    if engine is None:
        from taut.engine.compiled.engine import CompiledEngine

        engine = CompiledEngine()
    hooks, n = candidate.recipe.hooks(), len(folds)
    members = [
        Member(
            candidate.architecture, hooks, fold, candidate.learning_rate, batch_size, max_epochs,
            seed_of(seed, _FRESH, i),
        )
        for seed in seeds
        for i, fold in enumerate(folds)
    ]  # fmt: skip
    trainings = engine.train(problem, members)
    groups = [trainings[i : i + n] for i in range(0, len(trainings), n)]
    goals = [max(t.epoch for t in group) for group in groups for _ in group]
    trainings = engine.train(problem, trainings, until_epoch=goals)
    if any(t.status is Status.DIVERGED for t in trainings):
        return math.inf
    others = without_shared_rows(folds, len(problem))
    losses = []
    for group in groups:
        validation = np.stack([t.curve.validation for t in group])
        _, at = choose_epochs(validation, hooks.patience is not None, others)
        losses.append(float(np.mean(validation[np.arange(n), at])))
    return float(np.mean(losses))
