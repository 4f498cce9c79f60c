"""How much a diagnosis tries, by effort and by the time there is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.errors import ParameterError
from taut.evidence.learning_curve import PARTS
from taut.evidence.variants import DROPOUTS, L2S
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_folds
from taut.selection.trainer import Trainer
from taut.streams import Stream, generator

_FEWEST_FOLDS = 2  # the epoch of one is chosen on the others
# The network as it is may take this part of the time; its alternatives take about twice as long.
_OWN_SHARE = 0.25
_FEWEST_ROWS = 200
_TRIED_ROWS, _TRIED_EPOCHS = 2_000, 3


@final
@dataclass(frozen=True)
class DiagnosisPlan:
    """What is trained.

    Parameters
    ----------
    held_out : float
        So many held-out rows are enough for the network, and for its regularized alternatives: folds beyond
        are left out.
    held_out_stronger : float
        The same for the wider one and the one that is trained longer, which cost the most.
    dropouts, l2s : tuple of float
        Strengths of the regularized alternatives.
    others : bool
        Whether L1 and batch norm are tried.
    parts : tuple of float
        Of the rows, for the learning curve.
    always_longer : bool
        Whether it is trained twice as long also where its loss had surely risen by the end.
    """

    held_out: float
    held_out_stronger: float
    dropouts: tuple[float, ...]
    l2s: tuple[float, ...]
    others: bool
    parts: tuple[float, ...]
    always_longer: bool


_PLANS: dict[str, DiagnosisPlan] = {
    "quick": DiagnosisPlan(1_000, 500, DROPOUTS[1:], L2S[:1], False, PARTS[-1:], False),
    "standard": DiagnosisPlan(10_000, 1_000, DROPOUTS, L2S, True, PARTS, False),
    "thorough": DiagnosisPlan(math.inf, math.inf, DROPOUTS, L2S, True, PARTS, True),
}


def diagnosis_plan(effort: object) -> DiagnosisPlan:
    """The plan of an effort.

    Raises
    ------
    ParameterError
        Where there is no such effort.
    """
    if not isinstance(effort, str) or effort not in _PLANS:
        known = ", ".join(map(repr, _PLANS))
        raise ParameterError(f"effort must be one of {known}, and it is {effort!r}.")
    return _PLANS[effort]


def enough_folds(folds: Sequence[Fold], held_out: float) -> int:
    """How many folds, from the first on, hold out so many rows together; two at least, if there are."""
    total = np.cumsum([len(fold.validation) for fold in folds])
    enough = int(np.searchsorted(total, held_out)) + 1
    return min(len(folds), max(_FEWEST_FOLDS, enough))


def within_time(
    trainer: Trainer,
    folds: tuple[Fold, ...],
    candidate: Candidate,
    seconds: float,
) -> tuple[Fold, ...]:
    """Fewer folds, and then fewer rows, where the network itself would take too much of the time.

    By the speed of a few epochs on a few rows.

    Parameters
    ----------
    seconds : float
        That are left for everything; infinite: nothing is left out.
    """
    if not math.isfinite(seconds):
        return folds
    tried = [Split(fold.train[:_TRIED_ROWS], fold.validation[:_TRIED_ROWS]) for fold in folds[:2]]
    settings = trainer.settings
    small = make_folds(tried, trainer.problem, settings.seed)
    members = [trainer.member(candidate, fold, k) for k, fold in enumerate(small)]
    started = time.monotonic()
    control = Control(deadline=started + _OWN_SHARE * seconds)
    trainings = trainer.train(members, until_epoch=_TRIED_EPOCHS, control=control)
    spent = time.monotonic() - started
    done = sum(max(1, t.epoch) * len(fold.train) for t, fold in zip(trainings, small, strict=True))
    wanted = settings.max_epochs * sum(len(fold.train) for fold in folds)
    parallel = min(1.0, max(1, min(trainer.engine.threads, 2)) / max(1, trainer.engine.threads))
    too_long = spent * parallel * wanted / done / (_OWN_SHARE * seconds)
    if too_long <= 1.0:
        return folds
    n = max(_FEWEST_FOLDS, math.floor(len(folds) / too_long))
    kept = folds[:n]
    too_long *= len(kept) / len(folds)
    if too_long <= 1.0:
        return kept
    rows = np.unique(np.concatenate([np.concatenate([fold.train, fold.validation]) for fold in kept]))
    return fewer_rows(trainer.problem, kept, settings.seed, max(_FEWEST_ROWS, int(len(rows) / too_long)))


def fewer_rows(problem: Problem, folds: tuple[Fold, ...], seed: int, n_used: int) -> tuple[Fold, ...]:
    """The folds with so many of the table's rows, drawn at random."""
    n = len(problem)
    if n_used >= n:
        return folds
    stream = generator(seed, Stream.DIAGNOSIS_ROWS)
    used = np.zeros(n, dtype=bool)
    used[stream.permutation(n)[:n_used]] = True
    splits = [Split(fold.train[used[fold.train]], fold.validation[used[fold.validation]]) for fold in folds]
    return tuple(make_folds(splits, problem, seed))
