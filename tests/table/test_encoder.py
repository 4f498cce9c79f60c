from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from taut.errors import StoreError
from taut.table.encoder import MOST_FEATURES, MOST_SCALE, Encoder, enough_rows
from taut.table.matrices import MOST, Matrix

LIMIT = float(np.float32(MOST))


def of_numbers(*columns: Any) -> Matrix:
    values = np.column_stack([np.asarray(column, dtype=np.float32) for column in columns])
    names = tuple(f"x{place}" for place in range(len(columns)))
    return Matrix(np.ascontiguousarray(values), names, len(columns), ())


def of_codes(codes: Any, n_levels: int) -> Matrix:
    levels = (
        tuple("abcdefghijklmnopqrstuvwxyz"[:n_levels]) if n_levels <= 26 else tuple(map(str, range(n_levels)))
    )
    return Matrix(np.asarray(codes, dtype=np.float32)[:, None], ("city",), 0, (levels,))


def every(matrix: Matrix) -> np.ndarray:
    return np.arange(matrix.n_rows)


def encode(matrix: Matrix) -> tuple[Encoder, np.ndarray]:
    encoder = Encoder.fit(matrix, every(matrix))
    return encoder, encoder.transform(matrix.values, every(matrix))


# Numbers


def test_the_formula() -> None:
    values = np.random.default_rng(0).normal(5, 2, 101)
    values[0] = 1e6
    encoder, out = encode(of_numbers(values))
    lower, median, upper = np.quantile(values.astype(np.float32), [0.25, 0.5, 0.75])
    assert encoder.center[0] == np.float32(median)
    assert encoder.scale[0] == pytest.approx(1 / (upper - lower), rel=1e-6)
    u = (values - median) / (upper - lower)
    assert out[:, 0] == pytest.approx(u / np.sqrt(1 + (u / 3) ** 2), abs=1e-5)
    assert out[0, 0] == pytest.approx(3.0, abs=1e-4)
    assert out.dtype == np.float32


def test_equal_quartiles_take_the_range() -> None:
    encoder, out = encode(of_numbers([0.0] * 90 + [4.0] * 10))
    assert (encoder.center[0], encoder.scale[0]) == (0.0, 0.5)
    assert out[-1, 0] == pytest.approx(2 / np.sqrt(1 + 4 / 9))


def test_a_constant_of_the_fold_is_zero() -> None:
    matrix = of_numbers([7.0] * 50 + [9.0] * 50)
    encoder = Encoder.fit(matrix, np.arange(50))
    assert encoder.scale[0] == 0.0
    assert not encoder.transform(matrix.values, every(matrix)).any()


def test_an_all_missing_column_of_the_fold_is_zero() -> None:
    matrix = of_numbers([np.nan] * 50 + [9.0] * 50)
    encoder = Encoder.fit(matrix, np.arange(50))
    assert (encoder.center[0], encoder.scale[0], encoder.flags.tolist()) == (0.0, 0.0, [])
    assert not encoder.transform(matrix.values, every(matrix)).any()


def test_missing_numbers_are_at_the_center() -> None:
    encoder, out = encode(of_numbers([1.0, 2.0, 3.0, np.nan] * 25))
    assert out[3, 0] == 0.0
    assert encoder.center[0] == 2.0


def test_only_the_training_rows_count() -> None:
    values = np.arange(100.0)
    with_others = values.copy()
    with_others[50:] = 1e9
    one = Encoder.fit(of_numbers(values), np.arange(50))
    other = Encoder.fit(of_numbers(with_others), np.arange(50))
    assert one.to_json() == other.to_json()
    assert one.center[0] == 24.5


def test_a_tiny_spread_does_not_leave_float32() -> None:
    encoder, _ = encode(of_numbers(np.linspace(-1e-30, 1e-30, 51)))
    assert encoder.scale[0] == np.float32(MOST_SCALE)
    out = encoder.transform(np.array([[MOST], [-MOST]], dtype=np.float32), np.array([0, 1]))
    assert out[:, 0].tolist() == pytest.approx([3.0, -3.0])


def test_a_standard_encoder_is_a_line() -> None:
    rng = np.random.default_rng(0)
    matrix = of_numbers(rng.normal(1e4, 2, 200), rng.standard_t(1, 200), [0.1] * 200)
    encoder = Encoder.standard(matrix, np.arange(150))
    fitted = matrix.values[:150].astype(np.float64)
    out = encoder.transform(matrix.values, every(matrix))
    np.testing.assert_allclose(encoder.center, fitted.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(out[:150].std(axis=0), [1, 1, 0], rtol=1e-5)
    np.testing.assert_array_equal(out, (matrix.values - encoder.center) * encoder.scale)
    assert np.abs(out[:, 1]).max() > 5  # nothing is clipped
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert not again.clips
    assert "clips" not in Encoder.fit(matrix, every(matrix)).to_json()


def test_many_rows_are_sampled() -> None:
    values = np.random.default_rng(0).normal(size=300_000).astype(np.float32)
    encoder = Encoder.fit(of_numbers(values), np.arange(300_000))
    assert encoder.center[0] == pytest.approx(0.0, abs=0.02)
    assert 1 / encoder.scale[0] == pytest.approx(1.349, abs=0.02)
    rare = np.zeros(300_000, dtype=np.float32)
    rare[12_345] = 1.0
    assert Encoder.fit(of_numbers(rare), np.arange(300_000)).scale[0] == 2.0


# Missing flags


@pytest.mark.parametrize(
    ("n_rows", "enough"), [(5, 2), (20, 2), (32, 4), (64, 8), (1000, 8), (8000, 8), (50_000, 50)]
)
def test_enough_rows(n_rows: int, enough: int) -> None:
    assert enough_rows(n_rows) == enough


@pytest.mark.parametrize(("n_missing", "flags"), [(0, []), (7, []), (8, [0]), (92, [0]), (93, []), (100, [])])
def test_a_flag_needs_rows_on_both_sides(n_missing: int, flags: list[int]) -> None:
    values = np.arange(100.0)
    values[:n_missing] = np.nan
    encoder, out = encode(of_numbers(values))
    assert encoder.flags.tolist() == flags
    assert encoder.names == (("x0", "x0 missing") if flags else ("x0",))
    if flags:
        assert out[:, 1].tolist() == [1.0] * n_missing + [0.0] * (100 - n_missing)


def test_a_copy_of_a_flag_is_left_out() -> None:
    one = np.where(np.arange(100) % 3 == 0, np.nan, 1.0)
    other = np.where(np.arange(100) % 3 == 1, np.nan, 1.0)
    encoder, _ = encode(of_numbers(one, one * 2, other))
    assert encoder.flags.tolist() == [0, 2]


# Categories


def features(codes: Any, n_levels: int) -> tuple[tuple[str, ...], list[int]]:
    encoder, _ = encode(of_codes(codes, n_levels))
    return encoder.names, encoder.category_feature.tolist()


def test_one_hot_by_frequency() -> None:
    names, found = features([0] * 20 + [1] * 30 + [2] * 50, 3)
    assert names == ("city=c", "city=b", "city=a")
    assert found == [2, 1, 0, -1, -1]  # other and missing have no training rows


def test_rare_levels_share_a_feature() -> None:
    names, found = features([0] * 60 + [1] * 30 + [2] * 5 + [3] * 5, 4)
    assert names == ("city=a", "city=b", "city=(other)")
    assert found == [0, 1, 2, 2, 2, 2]  # unseen and missing go there as well


def test_too_few_rare_rows_have_no_feature() -> None:
    names, found = features([0] * 50 + [1] * 45 + [2] * 5, 3)
    assert names == ("city=a", "city=b")
    assert found == [0, 1, -1, -1, -1]


def test_missing_has_a_feature_where_it_is_frequent() -> None:
    names, found = features([0] * 40 + [1] * 40 + [3] * 20, 2)
    assert names == ("city=a", "city=b", "city=(missing)")
    assert found == [0, 1, -1, 2]


def test_two_values_need_one_feature() -> None:
    assert features([0] * 40 + [1] * 60, 2) == (("city=a",), [0, -1, -1, -1])
    assert features([0] * 60 + [2] * 40, 1) == (("city=(missing)",), [-1, -1, 0])
    assert features([0] * 60 + [1] * 20 + [3] * 20, 2)[0] == ("city=a", "city=b", "city=(missing)")


def test_a_nearly_constant_category_has_no_feature() -> None:
    assert features([0] * 97 + [1] * 3, 2) == ((), [-1, -1, -1, -1])


def test_a_category_has_64_features_at_most() -> None:
    rng = np.random.default_rng(0)
    names, found = features(rng.integers(0, 200, 10_000), 200)
    assert len(names) == MOST_FEATURES + 1
    assert names[-1] == "city=(other)"
    assert np.unique(found).tolist() == list(range(65))


def test_several_categories_and_numbers_are_laid_out_in_order() -> None:
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random(200) < 0.3, np.nan, rng.normal(size=200))
    one, two = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    values = np.column_stack([numbers, one, two]).astype(np.float32)
    matrix = Matrix(values, ("n", "one", "two"), 1, (("a", "b", "c"), ("w", "x", "y", "z")))
    encoder, out = encode(matrix)
    assert encoder.category_start.tolist() == [0, 5, 11]
    assert encoder.names[:2] == ("n", "n missing")
    assert sorted(encoder.names[2:5]) == ["one=a", "one=b", "one=c"]
    assert out.shape == (200, 9)
    assert out[:, 2:5].sum(axis=1).tolist() == [1.0] * 200
    assert np.array_equal(out[:, encoder.names.index("two=x")], two == 1)
    assert encoder.center.dtype == encoder.scale.dtype == np.float32
    assert encoder.flags.dtype == encoder.category_start.dtype == encoder.category_feature.dtype == np.int32


def test_rows_are_taken_in_their_order() -> None:
    matrix = of_numbers(np.arange(100.0))
    encoder, out = encode(matrix)
    rows = np.array([5, 1, 5])
    assert np.array_equal(encoder.transform(matrix.values, rows), out[rows])


def test_a_matrix_without_columns_of_a_kind() -> None:
    encoder, out = encode(Matrix(np.empty((5, 0), dtype=np.float32), (), 0, ()))
    assert encoder.category_start.tolist() == [0]
    assert out.shape == (5, 0)


# JSON


def through_json(encoder: Encoder) -> Encoder:
    return Encoder.from_json(json.loads(json.dumps(encoder.to_json())))


matrices = st.integers(1, 40).flatmap(
    lambda n_rows: st.builds(
        lambda numbers, codes: Matrix(
            np.column_stack([numbers, codes]).astype(np.float32), ("a", "b", "c"), 2, (("x", "y", "z"),)
        ),
        hnp.arrays(
            np.float32, (n_rows, 2), elements=st.floats(-LIMIT, LIMIT, width=32) | st.just(float("nan"))
        ),
        hnp.arrays(np.float32, n_rows, elements=st.integers(0, 4).map(float)),
    )
)


@given(matrices, st.data())
def test_any_rows_become_finite_and_survive_json(matrix: Matrix, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, matrix.n_rows - 1), min_size=1, max_size=40)))
    encoder = Encoder.fit(matrix, rows)
    out = encoder.transform(matrix.values, every(matrix))
    assert np.isfinite(out).all()
    assert np.abs(out).max(initial=0) <= 3.0001
    assert out.shape == (matrix.n_rows, encoder.n_features)
    again = through_json(encoder)
    assert again.to_json() == encoder.to_json()
    assert np.array_equal(again.transform(matrix.values, every(matrix)), out)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_no_code_ever_crashes(codes: list[int]) -> None:
    encoder = Encoder.fit(of_codes(codes, 3), np.arange(len(codes)))
    out = encoder.transform(np.arange(5, dtype=np.float32)[:, None], np.arange(5))
    assert set(out.ravel().tolist()) <= {0.0, 1.0}
    assert (out.sum(axis=1) <= 1).all()


def test_another_format_is_named_with_this_one() -> None:
    data = encode(of_numbers(np.arange(9.0)))[0].to_json()
    with pytest.raises(StoreError, match="has format 7, and this version of taut reads formats 1 and 2"):
        Encoder.from_json(data | {"format": 7})
    with pytest.raises(StoreError, match="no format number"):
        Encoder.from_json(None)


@pytest.mark.parametrize(
    "change",
    [
        {"center": [1.0, 2.0]},
        {"center": ["x"]},
        {"scale": [float("nan")]},
        {"scale": [1e30]},
        {"flags": [5]},
        {"flags": [-1]},
        {"category_start": []},
        {"category_start": [0, 9]},
        {"category_feature": [9, 0, 0, 0]},
        {"category_feature": [-2, 0, 0, 0]},
        {"n_numbers": 3},
        {"names": []},
        {"names": 3},
    ],
)
def test_damage_is_found(change: dict[str, Any]) -> None:
    values = np.column_stack([np.arange(40), np.arange(40) % 2]).astype(np.float32)
    encoder, _ = encode(Matrix(values, ("a", "b"), 1, (("x", "y"),)))
    with pytest.raises(StoreError, match="the encoder is damaged"):
        Encoder.from_json(encoder.to_json() | change)
