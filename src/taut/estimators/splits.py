"""The splits of a cross-validation: from ``cv`` and ``groups`` to rows."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from taut.errors import ParameterError
from taut.estimators.effort import AUTO_FOLDS, ONE_SPLIT_ROWS, auto_repeats
from taut.estimators.groups import read_groups
from taut.estimators.problem import TableProblem, warn_of_absent_classes
from taut.learning.architecture import MLP
from taut.selection.folds import Split, cross_validation_splits, holdout_split
from taut.streams import Stream, seed_of
from taut.table.memory import available_memory, size_text

_MANY_BYTES = 2**28


def make_splits(
    table: TableProblem,
    cv: Any,
    groups: Any,
    seed: int,
    architecture: MLP,
    seconds: float = math.inf,
    *,
    stacklevel: int,
) -> list[Split]:
    """Split the training rows, or take the validation rows that were given.

    Parameters
    ----------
    table : TableProblem
    cv : "auto", int, splitter, iterable or None
    groups : array, shape (n_rows,), or None
        Rows of one group stay in one fold.
    seed : int
    architecture : MLP
        Of the networks; together with ``seconds``, how often folds are made where cv is "auto".
    seconds : float
        Of processor time.
    stacklevel : int
        Of whoever is warned, from the caller on.

    Raises
    ------
    ParameterError
        If there are groups beside validation rows, or there is no memory for that many folds.
    DataError, ValueError
        If groups or cv cannot be used as they are.
    """
    n, n_all = table.n_train, table.matrix.n_rows
    if n_all > n:
        if groups is not None:
            raise ParameterError("groups are for cross-validation, and X_val takes its place: give one.")
        return [Split(np.arange(n, dtype=np.int32), np.arange(n, n_all, dtype=np.int32))]
    if groups is not None:
        groups = read_groups(groups, n)
    stratify = table.problem.objective.stratify
    codes = table.problem.target[:n]
    labels = codes.astype(np.int64) if stratify else codes  # as a splitter sees them
    auto = isinstance(cv, str) and cv == "auto"
    repeats = 1
    if auto:
        cv = AUTO_FOLDS
        if groups is None:
            if table.n_counted > ONE_SPLIT_ROWS:
                return [holdout_split(1 / AUTO_FOLDS, labels, stratify, seed, table.duplicates, table.weight)]
            repeats = auto_repeats(table.n_counted, table.n_weights(architecture), seconds)
    if isinstance(cv, numbers.Integral):
        _check_folds(int(cv), n)
    splits = [
        split
        for r in range(repeats)
        for split in cross_validation_splits(
            cv, labels, groups, stratify, seed_of(seed, Stream.REPEATED_SPLITS, r) % 2**32 if r else seed,
            table.duplicates, table.weight,
        )
    ]  # fmt: skip
    if groups is not None or not isinstance(cv, (int, np.integer)):
        warn_of_absent_classes(
            table, splits, stacklevel=stacklevel + 1
        )  # of stratified folds, scikit-learn says it
    return splits


def _check_folds(n_folds: int, n_rows: int) -> None:
    """Refuse folds whose lists of rows there is no memory for.

    Raises
    ------
    ParameterError
    """
    needed = 2 * 4 * min(n_folds, n_rows) * n_rows  # a number of four bytes a row and fold, sorted once
    available = available_memory() if needed > _MANY_BYTES else None
    if available is not None and needed > available:
        raise ParameterError(
            f"cv={n_folds:,} folds of {n_rows:,} rows need about {size_text(needed)} of memory, and "
            f"{size_text(available)} are free: take fewer folds."
        )
