"""Who trains, who is held out, and what is fitted on those who train."""

from __future__ import annotations

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

from taut.engine.compiled.fitted import fit_fold
from taut.errors import DataError, DataWarning
from taut.learning.problem import Fold
from taut.selection.folds import (
    Split,
    cross_validation_splits,
    holdout_split,
    make_fold,
    make_folds,
    without_shared_rows,
)
from taut.table.columns import describe
from taut.table.duplicates import duplicate_groups
from taut.table.frame import Frame, TextColumn
from taut.table.matrices import matrix, matrix_from_numbers
from tests.selection.helpers import apart, matrix_of, table

CLASSES = np.repeat([0, 1, 2], [60, 25, 15])


def splits_of(cv: Any, target: Any = CLASSES, stratify: bool = True, **given: Any) -> list[Split]:
    target = np.asarray(target)
    given = {"groups": None, "seed": 0, "duplicates": apart(len(target)), **given}
    return cross_validation_splits(cv, target, given["groups"], stratify, given["seed"], given["duplicates"])


def held(splits: list[Split]) -> list[list[int]]:
    return [split.validation.tolist() for split in splits]


def assert_partition(splits: list[Split], n: int) -> None:
    """Every row is held out once, and trains in all other folds."""
    assert sorted(row for rows in held(splits) for row in rows) == list(range(n))
    for split in splits:
        assert sorted([*split.train, *split.validation]) == list(range(n))


# --- a number of folds ------------------------------------------------------------------------------------


def test_folds_of_classes_are_stratified_shuffled_and_in_rising_order() -> None:
    splits = splits_of(5)
    assert_partition(splits, 100)
    for split in splits:
        assert np.bincount(CLASSES[split.validation]).tolist() == [12, 5, 3]
        assert split.train.dtype == split.validation.dtype == np.int32
        assert (np.diff(split.train) > 0).all()
        assert (np.diff(split.validation) > 0).all()
    # Shuffled: the first fold is not the first rows of each class.
    assert splits[0].validation.tolist() != [*range(12), *range(60, 65), *range(85, 88)]


def test_folds_of_values_are_shuffled() -> None:
    splits = splits_of(4, np.linspace(0, 1, 50), False)
    assert_partition(splits, 50)
    assert sorted(len(split.validation) for split in splits) == [12, 12, 13, 13]
    assert splits[0].validation.tolist() != list(range(13))


@pytest.mark.parametrize("stratify", [True, False])
def test_the_seed_makes_the_folds(stratify: bool) -> None:
    assert held(splits_of(5, stratify=stratify)) == held(splits_of(5, stratify=stratify))
    assert held(splits_of(5, stratify=stratify, seed=1)) != held(splits_of(5, stratify=stratify))


def test_numpys_whole_numbers_are_numbers_of_folds() -> None:
    assert held(splits_of(np.int64(3))) == held(splits_of(3))


@given(
    duplicates=st.lists(st.integers(0, 12), min_size=30, max_size=60),
    k=st.integers(2, 4),
    stratify=st.booleans(),
    seed=st.integers(0, 3),
)
def test_rows_that_are_alike_stay_in_one_fold(
    duplicates: list[int], k: int, stratify: bool, seed: int
) -> None:
    groups = np.array(duplicates + [13, 14, 15, 16])  # at least four different ones
    target = np.random.default_rng(seed).integers(0, 2, len(groups))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class may be rare here
        splits = splits_of(k, target, stratify, duplicates=groups, seed=seed)
    assert_partition(splits, len(groups))
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.validation])


def test_identical_rows_of_a_continuous_column_stay_in_one_fold() -> None:
    X = np.random.default_rng(0).standard_normal((60, 3))
    X[30:] = X[:30]  # every row stands there twice
    groups, others = duplicate_groups(matrix_from_numbers(X)[1])
    assert others == 0
    splits = splits_of(5, np.tile([0, 1], 30), duplicates=groups)
    assert_partition(splits, 60)
    for split in splits:
        assert {row % 30 for row in split.train}.isdisjoint({row % 30 for row in split.validation})


def test_identical_rows_of_categories_are_met_by_chance_and_stay_apart() -> None:
    codes = np.tile([0, 1, 0, 1], 15).astype(np.int32)
    frame = Frame((TextColumn("a", codes, ("u", "v")), TextColumn("b", codes[::-1].copy(), ("w", "x"))), 60)
    groups, others = duplicate_groups(matrix(describe(frame), frame, strict=True))
    assert others > 50
    assert_partition(splits_of(5, np.tile([0, 1], 30), duplicates=groups), 60)


@pytest.mark.fault(61)
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_class_whose_rows_are_all_identical_is_dealt_out(k: int) -> None:
    target = np.array([0] * 30 + [1] * 30 + [2] * 10)
    duplicates = np.append(np.arange(60), np.full(10, 60))
    duplicates[1] = 0  # twins of another class stay together
    with pytest.warns(DataWarning, match="10 identical rows are dealt out over the folds"):
        splits = splits_of(k, target, duplicates=duplicates)
    assert_partition(splits, 70)
    for split in splits:
        assert set(target[split.train]) == {0, 1, 2}
        assert len(np.unique(np.isin([0, 1], split.train))) == 1


@pytest.mark.fault(61)
def test_a_class_whose_rows_are_all_identical_is_not_held_out_as_a_whole() -> None:
    target = np.array([0] * 30 + [1] * 30 + [2] * 10)
    for seed in range(5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            split = holdout_split(0.5, target, True, seed, np.append(np.arange(60), np.full(10, 60)))
        assert set(target[split.train]) == {0, 1, 2}


@pytest.mark.parametrize("k", [2, 5])
def test_where_all_rows_are_identical_they_are_dealt_out_all_the_same(k: int) -> None:
    with pytest.warns(DataWarning, match="The folds are not made as usual"):
        splits = splits_of(k, np.tile([0, 1], 20), duplicates=np.zeros(40, dtype=int))
    assert_partition(splits, 40)


def test_a_class_with_one_or_two_rows_warns_and_does_not_crash() -> None:
    for rows in (1, 2):
        target = np.array([2] * rows + [0, 1] * 20)
        with pytest.warns(UserWarning, match=f"least populated class in y has only {rows} members"):
            splits = splits_of(3, target)
        assert_partition(splits, len(target))


def test_where_every_class_has_too_few_rows_the_folds_are_plain() -> None:
    with pytest.warns(DataWarning, match="not made as usual.*number of members in each class"):
        splits = splits_of(5, np.arange(12) // 3)
    assert_partition(splits, 12)


@pytest.mark.parametrize("stratify", [True, False])
def test_fewer_rows_than_folds_is_sklearns_message(stratify: bool) -> None:
    with pytest.raises(
        ValueError, match="Cannot have number of splits n_splits=5 greater than the number of samples"
    ):
        splits_of(5, [0, 1, 0, 1], stratify)
    with pytest.raises(ValueError, match="at least one train/test split"):
        splits_of(1, stratify=stratify)


# --- groups, splitters, lists -----------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [np.arange(100) % 7, np.array([f"patient {i % 7}" for i in range(100)])])
def test_rows_of_a_group_stay_in_one_fold(groups: Any) -> None:
    splits = splits_of(3, groups=groups)
    assert_partition(splits, 100)
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.validation])


def test_fewer_groups_than_folds_is_sklearns_message() -> None:
    with pytest.raises(ValueError, match="greater than the number of groups"):
        splits_of(5, groups=np.arange(100) % 3)


SPLITTERS: list[Any] = [
    KFold(3),
    StratifiedKFold(4, shuffle=True, random_state=3),
    ShuffleSplit(2, test_size=0.3, random_state=0),
    RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
    TimeSeriesSplit(3),
    PredefinedSplit([-1] * 60 + [0] * 20 + [1] * 20),
    GroupKFold(3),
    LeaveOneGroupOut(),
]


@pytest.mark.filterwarnings("ignore:.*identical to rows that train")
@pytest.mark.parametrize("cv", SPLITTERS, ids=lambda cv: type(cv).__name__)
def test_any_splitter_of_sklearn_is_taken_as_it_is(cv: Any) -> None:
    groups = np.arange(100) % 4
    given = groups if isinstance(cv, (GroupKFold, LeaveOneGroupOut)) else None
    # Rows that are duplicates are taut's affair only where taut makes the folds.
    splits = splits_of(cv, groups=given, duplicates=np.zeros(100, dtype=int))
    expected = list(cv.split(np.zeros(100), CLASSES, given))
    assert len(splits) == len(expected)
    for split, (train, test) in zip(splits, expected, strict=True):
        assert split.train.tolist() == sorted(train)
        assert split.validation.tolist() == sorted(test)


def test_lists_and_generators_of_splits_are_taken_in_rising_order() -> None:
    given = [([5, 3, 9], [1, 0]), (np.array([0, 1]), (3, 2))]
    for cv in (given, iter(given), (pair for pair in given)):
        splits = splits_of(cv)
        assert [split.train.tolist() for split in splits] == [[3, 5, 9], [0, 1]]
        assert held(splits) == [[0, 1], [2, 3]]


def test_masks_are_rows_too() -> None:
    mask = np.arange(100) < 30
    (split,) = splits_of([(~mask, mask)])
    assert split.train.tolist() == list(range(30, 100))
    assert split.validation.tolist() == list(range(30))


@pytest.mark.parametrize(
    ("train", "validation", "sentence"),
    [
        ([0, 1, 2], [100], "split 1 names row 100, and there are 100 rows"),
        ([-1, 1, 2], [3], "split 1 names row -1"),
        ([0.5, 1.5], [3], "split 1 .* whole numbers"),
        (["a", "b"], [3], "split 1 .* whole numbers"),
        ([[0, 1], [2, 3]], [4], "split 1 .* one-dimensional"),
        (np.ones(7, dtype=bool), [4], "split 1 has a mask of 7 rows, and there are 100"),
        ([], [3], "split 1 has no training rows or no held-out rows"),
        ([3], [], "split 1 has no training rows or no held-out rows"),
    ],
)
def test_a_split_of_rows_that_are_not_there_is_refused(train: Any, validation: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        splits_of([([0, 1], [2, 3]), (train, validation)])


def test_no_split_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="cv gives no split: give a number of folds, a splitter, or a list"):
        splits_of([])


def test_rows_that_train_and_are_held_out_are_told() -> None:
    with pytest.warns(DataWarning, match="split 0 holds out 2 rows that it also trains on"):
        splits_of([([0, 1, 2, 3], [2, 3, 4])])


# --- a share held out -------------------------------------------------------------------------------------


def test_the_holdout_is_stratified_and_seeded() -> None:
    split = holdout_split(0.2, CLASSES, True, 0, apart(100))
    assert np.bincount(CLASSES[split.validation]).tolist() == [12, 5, 3]
    assert sorted([*split.train, *split.validation]) == list(range(100))
    same = holdout_split(0.2, CLASSES, True, 0, apart(100))
    other = holdout_split(0.2, CLASSES, True, 1, apart(100))
    assert same.validation.tolist() == split.validation.tolist() != other.validation.tolist()


@pytest.mark.parametrize(("fraction", "expected"), [(0.001, 1), (0.15, 6), (0.5, 20), (0.999, 39)])
def test_the_holdout_is_about_the_fraction_and_leaves_someone_on_both_sides(
    fraction: float, expected: int
) -> None:
    split = holdout_split(fraction, np.linspace(0, 1, 40), False, 0, apart(40))
    assert len(split.validation) == expected
    assert len(split.train) == 40 - expected


def test_the_holdout_keeps_rows_together_that_are_alike() -> None:
    duplicates = np.arange(100) // 4
    split = holdout_split(0.2, np.tile([0, 0, 0, 0, 1, 1, 1, 1], 13)[:100], True, 0, duplicates)
    assert not set(duplicates[split.train]) & set(duplicates[split.validation])
    assert len(split.validation) == 20


def test_a_holdout_of_identical_rows_is_made_all_the_same() -> None:
    split = holdout_split(0.2, np.tile([0, 1], 10), True, 0, np.zeros(20, dtype=int))
    assert len(split.validation) == 4
    assert len(split.train) == 16


def test_a_holdout_with_a_class_of_one_row_warns_and_does_not_crash() -> None:
    with pytest.warns(DataWarning, match="not made as usual.*only 1 member"):
        split = holdout_split(0.2, np.array([7] + [0, 1] * 20), True, 0, apart(41))
    assert len(split.validation) == 8


# --- folds ------------------------------------------------------------------------------------------------


def split_at(n_train: int, n: int) -> Split:
    everyone = np.arange(n, dtype=np.int32)
    return Split(everyone[:n_train], everyone[n_train:])


@pytest.mark.parametrize(("n_train", "n_sample"), [(150, 90), (200, 40), (60, 60)])
def test_the_sample_is_training_rows_and_no_more_than_are_held_out(n_train: int, n_sample: int) -> None:
    problem = table(240)
    fold = make_fold(split_at(n_train, 240), problem, 0)
    assert len(fold.sample) == n_sample
    assert len(set(fold.sample)) == n_sample
    assert set(fold.sample) <= set(fold.train)
    assert (np.diff(fold.sample) > 0).all()
    assert fold.sample.dtype == np.int32


def test_where_nobody_is_held_out_the_sample_is_a_share_of_the_training_rows() -> None:
    problem = table(240)
    fold = make_fold(split_at(240, 240), problem, 0)
    assert len(fold.validation) == 0
    assert len(fold.sample) == 36


def test_held_out_rows_have_no_say_in_the_sample() -> None:
    calm, stormy = table(80, task="regression"), table(80, task="regression")
    matrix_of(stormy).values[60:] = 1e9
    stormy.target[60:] = 1e9
    one, other = (make_fold(split_at(60, 80), problem, 0) for problem in (calm, stormy))
    assert one.sample.tolist() == other.sample.tolist()


def test_the_sample_goes_by_the_seed() -> None:
    problem = table(240)
    first, again, other = (make_fold(split_at(200, 240), problem, seed) for seed in (0, 0, 1))
    assert first.sample.tolist() == again.sample.tolist() != other.sample.tolist()


def test_rows_with_weight_zero_do_not_train_and_are_not_fitted_on() -> None:
    weight = np.ones(60, dtype=np.float32)
    weight[:20] = 0.0
    problem = table(60, task="regression", fit_weight=weight, score_weight=weight)
    matrix_of(problem).values[:20] = 1e6
    problem.target[:20] = 1e6
    fold = make_fold(split_at(50, 60), problem, 0)
    assert fold.train.tolist() == list(range(20, 50))
    assert set(fold.sample) <= set(range(20, 50))
    without = make_fold(Split(np.arange(20, 50, dtype=np.int32), fold.validation), problem, 0)
    fit, expected = fit_fold(problem, fold), fit_fold(problem, without)
    assert fit.encoder.to_json() == expected.encoder.to_json()
    assert (fit.center, fit.scale) == (expected.center, expected.scale)


def test_where_all_training_rows_have_weight_zero_it_is_an_error() -> None:
    weight = np.zeros(60, dtype=np.float32)
    weight[50:] = 1.0
    problem = table(60, fit_weight=weight, score_weight=weight)
    with pytest.raises(DataError, match="sample_weight .*no training row with a weight above 0"):
        make_fold(split_at(50, 60), problem, 0)


def test_where_all_held_out_rows_have_weight_zero_it_is_an_error() -> None:
    # Their loss would be the mean of nothing.
    weight = np.ones(60, dtype=np.float32)
    weight[50:] = 0.0
    problem = table(60, fit_weight=weight, score_weight=weight)
    with pytest.raises(DataError, match="sample_weight .*no held-out row with a weight above 0"):
        make_fold(split_at(50, 60), problem, 0)


def test_folds_hold_row_numbers_and_no_copy_of_the_table() -> None:
    n, p, k = 20_000, 80, 10
    problem = table(n, p)
    splits = splits_of(k, problem.target.astype(int))
    tracemalloc.start()
    folds = make_folds(splits, problem, 0)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    indices = sum(array.nbytes for fold in folds for array in (fold.train, fold.validation, fold.sample))
    assert indices < k * n * 4 * 1.2  # int32: training and held-out rows, and the sample
    assert kept < k * n * 4  # the splits' own arrays are shared, not copied
    assert peak < matrix_of(problem).values.nbytes
    tracemalloc.start()
    fits = [fit_fold(problem, fold) for fold in folds]
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(fits) == k
    assert kept < k * n * 4
    assert peak < matrix_of(problem).values.nbytes  # encoders are fitted a few columns at a time


def test_every_fold_draws_from_streams_of_its_own() -> None:
    problem = table(100)
    everyone = np.arange(100, dtype=np.int32)
    same = [Split(everyone, everyone[:10])] * 2
    first, second = make_folds(same, problem, 0)
    assert first.sample.tolist() != second.sample.tolist()


def test_identical_rows_on_both_sides_of_somebodys_split_are_counted_and_warned_about() -> None:
    duplicates = np.array([0, 1, 2, 2, 4, 5])
    target = np.array([0, 1, 0, 1, 0, 1])
    apart = [(np.array([0, 1, 2]), np.array([3, 4, 5]))]
    with pytest.warns(DataWarning, match=r"^1 held-out rows are identical to rows that train"):
        cross_validation_splits(apart, target, None, True, 0, duplicates)
    together = [(np.array([0, 1, 4, 5]), np.array([2, 3]))]
    cross_validation_splits(together, target, None, True, 0, duplicates)  # warnings are errors here


def test_groups_that_part_identical_rows_are_warned_about() -> None:
    duplicates, groups = np.array([0, 1, 1, 3]), np.array([0, 0, 1, 1])
    with pytest.warns(DataWarning, match="identical"):
        cross_validation_splits(2, np.arange(4.0), groups, False, 0, duplicates)


def folds_of(splits: list[Split], n: int = 100) -> list[Fold]:
    problem = table(n)
    return make_folds(splits, problem, 0)


@pytest.mark.parametrize("cv", [5, KFold(4), TimeSeriesSplit(3), [(np.arange(50), np.arange(50, 100))]])
def test_folds_that_share_no_row_are_all_each_others(cv: Any) -> None:
    assert without_shared_rows(folds_of(splits_of(cv, np.arange(100) % 3)), 100) is None


def test_folds_that_repeat_have_those_of_their_own_repetition() -> None:
    splits = splits_of(RepeatedKFold(n_splits=4, n_repeats=3, random_state=0), np.arange(100) % 3)
    others = without_shared_rows(folds_of(splits), 100)
    assert others is not None
    assert not others.diagonal().any()
    assert (others == others.T).all()
    for k in range(12):
        first = k - k % 4
        assert others[k, first : first + 4].sum() == 3
    held = [set(split.validation.tolist()) for split in splits]
    assert others.tolist() == [[not a & b for b in held] for a in held]


def test_a_fold_that_shares_rows_with_all_others_has_them_all() -> None:
    splits = splits_of(ShuffleSplit(6, test_size=0.6, random_state=0), np.arange(100) % 3)
    others = without_shared_rows(folds_of(splits), 100)
    assert others is not None
    assert (others == ~np.eye(6, dtype=bool)).all()
