"""Which of the scored candidates is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.selection.bootstrap import paired_standard_error
from taut.selection.score import CandidateScore, standard_error

Selection: TypeAlias = Literal["best", "1se"]

#: By candidate's number its out-of-fold losses, shape (n_rows,), each row's mean over the folds that hold it
#: out; NaN where none does.
RowLosses: TypeAlias = Mapping[int, NDArray[np.floating]]


def eligible(scores: Sequence[CandidateScore]) -> list[int]:
    """Numbers of those that can be chosen: they have all folds and a finite merit.

    A baseline that was cut off is among them, so that the choice is not worse; and where nothing is complete,
    what was cut off will do.
    """
    finite = [
        i for i, s in enumerate(scores) if s.state in ("complete", "cut off") and math.isfinite(s.merit)
    ]
    complete = any(scores[i].complete for i in finite)
    return [i for i in finite if scores[i].complete or scores[i].batch < 0 or not complete]


def choose(
    scores: Sequence[CandidateScore],
    n_baselines: int,
    selection: Selection,
    rows: RowLosses,
    weights: NDArray[np.floating] | None,
) -> int:
    """The number of the chosen candidate; ``scores`` has at least one that is eligible.

    ``"best"`` takes the greatest merit, of equal ones the first.  ``"1se"`` takes, among those within one
    paired standard error of the best, and not worse than any baseline, the one with the smallest gap between
    validation and training loss.  Either way the choice is not worse than a baseline, because the baselines
    take part.

    Parameters
    ----------
    scores : sequence of CandidateScore
        The baselines first.
    n_baselines : int
    selection : {"best", "1se"}
    rows : mapping
        See ``RowLosses``; the standard error is that of the rows' paired differences, or where a scorer
        chooses, of the folds'.
    weights : array, shape (n_rows,), or None
    """
    numbers = eligible(scores)
    best = max(numbers, key=lambda i: (scores[i].merit, -i))
    if selection == "best":
        return best
    worst = max((scores[i].merit for i in numbers if i < n_baselines), default=-math.inf)
    near = [
        i
        for i in numbers
        if i == best
        or (
            scores[i].merit >= worst
            and _is_near(scores[i], scores[best], rows.get(i), rows.get(best), weights)
        )
    ]
    return min(near, key=lambda i: (scores[i].gap, i))


def _is_near(
    score: CandidateScore,
    best: CandidateScore,
    rows: NDArray[np.floating] | None,
    best_rows: NDArray[np.floating] | None,
    weights: NDArray[np.floating] | None,
) -> bool:
    """Whether a score is within one paired standard error of the best one."""
    if score.scoring is not None and best.scoring is not None:
        differences = best.scoring - score.scoring
        difference, error = float(np.mean(differences)), standard_error(differences, best.n_repeats)
    elif rows is not None and best_rows is not None:
        both = np.isfinite(rows) & np.isfinite(best_rows)
        if not both.any():
            return False
        given = None if weights is None else weights[both]
        difference, error = paired_standard_error((rows - best_rows)[both], given)
    else:
        return False
    return difference <= error
