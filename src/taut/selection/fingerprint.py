"""One short text for a problem and its folds, so that a search is never continued on other data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from taut.learning.examples import hash_array
from taut.learning.problem import Fold, Problem


def fingerprint(problem: Problem, folds: Sequence[Fold]) -> str:
    """SHA-256 of all that a search trains on: the numbers bit for bit, their types and shapes, and the folds.

    Parameters
    ----------
    problem : Problem
    folds : sequence of Fold
        In the order in which they are trained.

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine.
    """
    digest, objective = hashlib.sha256(), problem.objective
    digest.update(f"{objective.task} {objective.n_outputs} {len(folds)}\n".encode())
    problem.examples.hash_into(digest)
    arrays: dict[str, NDArray[Any] | None] = {
        "target": problem.target,
        "fit_weight": problem.fit_weight,
        "score_weight": problem.score_weight,
    }
    if problem.accuracy_weight is not None:
        arrays["accuracy_weight"] = problem.accuracy_weight
    for number, fold in enumerate(folds):
        arrays[f"{number} train"] = fold.train
        arrays[f"{number} validation"] = fold.validation
        arrays[f"{number} sample"] = fold.sample
    for name, array in arrays.items():
        hash_array(digest, name, array)
    return digest.hexdigest()
