"""Which rows train and which are held out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError, DataWarning
from taut.learning.examples import Indices
from taut.learning.problem import Fold, Problem
from taut.streams import Stream, fold_seed, generator

# This share of the training rows is evaluated each epoch where no row is held out.
_SAMPLE_SHARE = 0.15


@final
@dataclass(frozen=True, eq=False)
class Split:
    """Rows that train and rows that are held out, both in ascending order."""

    train: Indices
    validation: Indices


def cross_validation_splits(
    cv: Any,
    target: NDArray[Any],
    groups: Any,
    stratify: bool,
    seed: int,
    duplicates: NDArray[np.integer],
    weight: NDArray[Any] | None = None,
) -> list[Split]:
    """The splits that ``cv`` means.

    Parameters
    ----------
    cv : int, scikit-learn splitter, or iterable of (train, validation) pairs
        A number makes stratified (classes) or plain (regression) shuffled folds, or folds of whole groups
        where groups are given.
    target : array, shape (n_rows,)
    groups : array, shape (n_rows,), or None
    stratify : bool
        Whether folds keep the shares of the target's values, which are classes.
    seed : int
    duplicates : int array, shape (n_rows,)
        Rows with the same number stay together where we make the folds (identical rows).
    weight : array, shape (n_rows,), optional
        Rows with weight 0 are in no fold where we make the folds.

    Raises
    ------
    ValueError
        scikit-learn's own, such as for fewer rows than folds.
    DataError
        If a split has no rows, or rows that do not exist.

    Warns
    -----
    DataWarning
        If folds cannot be stratified, or a split holds out rows that it also trains on, or duplicates.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, check_cv

    n = len(target)
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        counted = _counted(np.arange(n), weight)
        if groups is not None:
            by_group = GroupKFold(int(cv)).split(counted, target[counted], groups[counted])
            return _warned_of_duplicates(
                [_split(counted[train], counted[held]) for train, held in by_group], duplicates
            )
        options: dict[str, Any] = {"n_splits": int(cv), "shuffle": True, "random_state": seed}
        kinds = (StratifiedKFold, KFold) if stratify else (KFold,)
        splits = _first_possible(
            [kind(**options) for kind in kinds], target[counted], duplicates[counted], stratify
        )
        return [_split(counted[train], counted[held]) for train, held in splits]
    splits = check_cv(cv, target, classifier=stratify).split(np.zeros(n), target, groups)
    made = [_checked_split(i, train, validation, n) for i, (train, validation) in enumerate(splits)]
    if not made:
        raise DataError("cv gives no split: give a number of folds, a splitter, or a list of splits.")
    return _warned_of_duplicates(made, duplicates)


def _warned_of_duplicates(splits: list[Split], duplicates: NDArray[np.integer]) -> list[Split]:
    """The same splits; warns if a held-out row is identical to one that trains."""
    twins = np.zeros(len(duplicates), dtype=bool)
    if len(np.unique(duplicates)) < len(duplicates):
        for split in splits:
            same = np.isin(duplicates[split.validation], duplicates[split.train])
            twins[split.validation[same]] = True
    n_twins = int(twins.sum())
    if n_twins:
        text = f"{n_twins:,} held-out rows are identical to rows that train, continuous columns included"
        warnings.warn(f"{text}: the scores may be too good.", DataWarning, stacklevel=3)
    return splits


def _split(train: NDArray[Any], validation: NDArray[Any]) -> Split:
    return Split(np.sort(train).astype(np.int32), np.sort(validation).astype(np.int32))


def _checked_split(i: int, train: Any, validation: Any, n: int) -> Split:
    """A split that the user gave: the kernels trust it, so it must not point outside the table."""
    split = _split(_rows_of(i, train, n), _rows_of(i, validation, n))
    if not len(split.train) or not len(split.validation):
        raise DataError(f"cv's split {i} has no training rows or no held-out rows.")
    trains = np.zeros(n, dtype=bool)
    trains[split.train] = True
    n_both = int(trains[split.validation].sum())
    if n_both:
        text = f"cv's split {i} holds out {n_both:,} rows that it also trains on: its score says little"
        warnings.warn(f"{text} of new rows.", DataWarning, stacklevel=3)
    return split


def _rows_of(i: int, part: Any, n: int) -> NDArray[Any]:
    """Row numbers, or the rows where a mask is true."""
    rows = np.asarray(part)
    if rows.ndim != 1:
        raise DataError(
            f"cv's split {i} must be one-dimensional arrays of rows, and one has {rows.ndim} dimensions."
        )
    if rows.dtype == bool:
        if len(rows) != n:
            raise DataError(f"cv's split {i} has a mask of {len(rows):,} rows, and there are {n:,}.")
        return np.flatnonzero(rows)
    if len(rows) and rows.dtype.kind not in "iu":
        raise DataError(
            f"cv's split {i} must be whole numbers, the rows counted from 0; it is of type {rows.dtype}."
        )
    outside = rows[(rows < 0) | (rows >= n)] if len(rows) else rows
    if len(outside):
        raise DataError(f"cv's split {i} names row {outside[0]}, and there are {n:,} rows, counted from 0.")
    return rows


def _counted(rows: NDArray[Any], weight: NDArray[Any] | None) -> NDArray[Any]:
    """The rows whose weight is above 0."""
    if weight is None:
        return rows
    above = weight[rows] > 0
    return rows if above.all() else rows[above]


def _first_possible(
    splitters: Sequence[Any], target: NDArray[Any], duplicates: NDArray[np.integer], stratify: bool
) -> list[tuple[Any, Any]]:
    """Split by the first splitter that can: with identical rows together or, if need be, without."""
    each_alone = np.arange(len(target))
    lone = _lone_classes(target, duplicates) if stratify else np.zeros(len(target), dtype=bool)
    if lone.any():
        duplicates = np.where(lone, duplicates.max() + 1 + each_alone, duplicates)
        warnings.warn(
            f"{int(lone.sum()):,} identical rows are dealt out over the folds, because some fold would have "
            "no other row of their class to learn from: the scores may be too good.",
            DataWarning,
            stacklevel=3,
        )
    error: ValueError | None = None
    for together, splitter in [(duplicates, s) for s in splitters] + [(each_alone, s) for s in splitters]:
        try:
            splits = _together(splitter, target, together)
        except ValueError as failure:
            error = failure
            continue
        if error is not None:
            warnings.warn(
                f"The folds are not made as usual: {str(error).rstrip('.')}.", DataWarning, stacklevel=2
            )
        return splits
    assert error is not None
    raise error  # scikit-learn's own: fewer rows than folds


def _lone_classes(target: NDArray[Any], duplicates: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Find identical rows that are all of a class, such as one row ten times: they would be in one fold."""
    codes = np.unique(target, return_inverse=True)[1]
    _, first, member_of, size = np.unique(
        duplicates, return_index=True, return_inverse=True, return_counts=True
    )
    lone = (np.bincount(codes[first], minlength=codes.max() + 1) < 2)[codes]  # splitters see the first rows
    identical: NDArray[np.bool_] = (
        np.isin(duplicates, duplicates[lone]) & (size[member_of] > 1) & (len(first) > 1)
    )
    return identical


def _together(splitter: Any, target: NDArray[Any], duplicates: NDArray[np.integer]) -> list[tuple[Any, Any]]:
    """Split one row of each set of identical rows; the others go with it."""
    _, first, member_of = np.unique(duplicates, return_index=True, return_inverse=True)
    if len(first) == len(target):
        return list(splitter.split(np.zeros(len(target)), target))
    result = []
    for _, held in splitter.split(np.zeros(len(first)), target[first]):
        is_held = np.zeros(len(first), dtype=bool)
        is_held[held] = True
        rows = is_held[member_of]
        result.append((np.flatnonzero(~rows), np.flatnonzero(rows)))
    return result


def holdout_split(
    fraction: float,
    target: NDArray[Any],
    stratify: bool,
    seed: int,
    duplicates: NDArray[np.integer],
    weight: NDArray[Any] | None = None,
) -> Split:
    """One split with about this fraction held out, stratified if that is wanted and possible.

    Rows with weight 0 are on neither side.
    """
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

    counted = _counted(np.arange(len(target)), weight)
    if len(counted) < 2:
        raise DataError(
            "sample_weight leaves one row with a weight above 0, and early stopping needs two or more."
        )
    target, duplicates = target[counted], duplicates[counted]
    n = len(np.unique(duplicates))
    held = min(max(1, round(fraction * n)), n - 1)
    options: dict[str, Any] = {"n_splits": 1, "test_size": held, "random_state": seed}
    kinds = (StratifiedShuffleSplit, ShuffleSplit) if stratify else (ShuffleSplit,)
    if held < 1:  # all rows are identical
        duplicates, options["test_size"] = np.arange(len(target)), max(1, round(fraction * len(target)))
    train, validation = _first_possible([kind(**options) for kind in kinds], target, duplicates, stratify)[0]
    return _split(counted[train], counted[validation])


def make_fold(split: Split, problem: Problem, seed: int) -> Fold:
    """A split without the rows of weight 0, which neither train nor count; and the sample of training rows.

    Raises
    ------
    DataError
        If no training row, or no row of those held out, has a weight above 0.
    """
    train, validation = (
        _counted(split.train, problem.fit_weight),
        _counted(split.validation, problem.row_weight),
    )
    if not len(train):
        raise DataError("sample_weight and class_weight leave no training row with a weight above 0.")
    if len(split.validation) and not len(validation):
        raise DataError("sample_weight leaves no held-out row with a weight above 0.")
    if problem.score_weight is not None and len(validation) and not problem.score_weight[validation].any():
        raise DataError("sample_weight and class_weight leave no held-out row with a weight above 0.")
    wanted = len(validation) or int(np.ceil(_SAMPLE_SHARE * len(train)))
    stream = generator(seed, Stream.FOLD_SAMPLE)
    sample = np.sort(stream.choice(train, size=min(wanted, len(train)), replace=False)).astype(np.int32)
    return Fold(train, validation, sample)


def make_folds(splits: Sequence[Split], problem: Problem, seed: int) -> list[Fold]:
    """A fold for each split; each draws from its own streams."""
    return [make_fold(split, problem, fold_seed(seed, i)) for i, split in enumerate(splits)]


def n_repeats(folds: Sequence[Fold]) -> int:
    """How often a row is held out at most: more than once if folds are repeated."""
    held_out = np.concatenate([fold.validation for fold in folds])
    return int(np.bincount(held_out).max(initial=1))


def without_shared_rows(folds: Sequence[Fold], n_rows: int) -> NDArray[np.bool_] | None:
    """Which other folds hold out none of a fold's own held-out rows; None if that is true of all.

    Where folds repeat (as in ``RepeatedKFold``), a fold's rows are held out in others too, and must not
    affect there the epoch at which they are scored. A fold that shares rows with all others, as most do in
    ``ShuffleSplit``, uses them even so: its score is then a little too good.

    Returns
    -------
    bool array, shape (n_folds, n_folds), or None
    """
    n_times = np.zeros(n_rows, dtype=np.int64)
    for fold in folds:
        n_times[fold.validation] += 1
    if n_times.max(initial=0) <= 1:
        return None
    apart = np.zeros((len(folds), len(folds)), dtype=bool)
    for k, fold in enumerate(folds):
        own = np.zeros(n_rows, dtype=bool)
        own[fold.validation] = True
        apart[k] = [not own[other.validation].any() for other in folds]
        if not apart[k].any():
            apart[k] = np.arange(len(folds)) != k
    return apart


def out_of_fold(
    folds: Sequence[Fold], figures: Iterable[NDArray[Any] | None], n_rows: int
) -> NDArray[np.float64]:
    """Figures of the folds' validation rows, row by row: each the mean over the folds that hold it out.

    Parameters
    ----------
    folds : sequence of Fold
    figures : iterable of array, shape (n_validation,) or (n_validation, n_outputs), or None
        One for each fold; None where a fold has none.
    n_rows : int

    Returns
    -------
    float64 array, shape (n_rows,) or (n_rows, n_outputs)
        NaN where no fold that has figures holds a row out.
    """
    total: NDArray[np.float64] | None = None
    times = np.zeros(n_rows)
    for fold, found in zip(folds, figures, strict=True):
        if found is not None:
            total = np.zeros((n_rows, *found.shape[1:])) if total is None else total
            total[fold.validation] += found
            times[fold.validation] += 1
    if total is None:
        return np.full(n_rows, np.nan)
    with np.errstate(invalid="ignore"):
        return (total.T / times).T
