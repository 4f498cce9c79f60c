from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import r2_score, roc_auc_score

from taut.evidence.signs.power import amount_power, area, class_power, r_squared

RNG = np.random.default_rng


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=4, max_size=40))
def test_the_area_is_that_of_scikit_learn_and_of_mann_and_whitney(rows: list[tuple[int, bool]]) -> None:
    score = np.array([float(s) for s, _ in rows])
    positive = np.array([float(h) for _, h in rows])
    value, error = area(score, positive, 1 - positive)
    if positive.min() == positive.max():
        assert np.isnan(value)
        return
    assert value == pytest.approx(roc_auc_score(positive, score))
    pairs = positive.sum() * (1 - positive).sum()
    assert value == pytest.approx(mannwhitneyu(score[positive == 1], score[positive == 0]).statistic / pairs)
    assert error >= 0


def test_counts_give_the_area_of_rows() -> None:
    rng = RNG(0)
    score, positive = rng.integers(0, 5, 200).astype(float), rng.integers(0, 2, 200).astype(float)
    by_count = area(
        np.arange(5.0), np.bincount(score.astype(int), positive), np.bincount(score.astype(int), 1 - positive)
    )
    assert by_count == pytest.approx(area(score, positive, 1 - positive))


def test_the_areas_error_is_its_spread_over_tables() -> None:
    rng = RNG(1)
    found = []
    for _ in range(300):
        positive = np.repeat([0.0, 1.0], 60)
        found.append(area(rng.standard_normal(120) + positive, positive, 1 - positive))
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)


def test_r_squared_is_that_of_scikit_learn() -> None:
    rng = RNG(2)
    y = rng.standard_normal(100)
    guess = y + 0.5 * rng.standard_normal(100)
    value, error = r_squared(y, guess)
    assert value == pytest.approx(r2_score(y, guess))
    assert 0 < error < 0.1
    assert r_squared(np.ones(10), np.zeros(10)) == (0.0, 0.0)


def test_noise_has_no_power_and_its_bound_says_so() -> None:
    rng = RNG(3)
    below, powers = 0, []
    for seed in range(60):
        codes = rng.integers(0, 3, 300)
        power = class_power(rng.standard_normal(300), 0, codes, 3, seed)
        powers.append(power.value)
        below += power.lower < 0.5
    assert np.mean(powers) == pytest.approx(0.5, abs=0.02)
    assert below >= 55  # 95 % in the long run


def test_a_copy_has_all_power_and_missing_values_count() -> None:
    rng = RNG(4)
    codes = rng.integers(0, 2, 1000)
    assert class_power(codes.astype(float), 0, codes, 2, 0).value == pytest.approx(1.0)
    assert 0.99 < class_power(codes.astype(float), 0, codes, 2, 0).lower < 1.0
    assert class_power(codes.astype(float), 4, codes, 2, 0).value == pytest.approx(1.0)  # as a category
    gone = np.where(codes == 1, np.nan, rng.standard_normal(1000))
    assert class_power(gone, 0, codes, 2, 0).value > 0.99


def test_amounts_are_told_by_a_bend_a_category_and_heavy_tails() -> None:
    rng = RNG(5)
    x = rng.standard_normal(2000)
    assert amount_power(x, 0, x**2, 0).value > 0.95
    heavy = np.exp(2 * x)
    assert amount_power(heavy, 0, heavy, 0).value > 0.98  # a line in each bin reaches into the tail
    codes = rng.integers(0, 4, 2000)
    assert amount_power(codes.astype(float), 6, np.array([0.0, 3.0, 1.0, 7.0])[codes], 0).value > 0.99
    noise = amount_power(rng.standard_normal(2000), 0, x, 0)
    assert noise.lower < 0.0
    assert noise.value > -0.1


def test_few_rows_and_one_class_do_no_harm() -> None:
    assert class_power(np.array([1.0, 2.0, 3.0, 4.0]), 0, np.zeros(4, dtype=np.int64), 2, 0).value == 0.5
    assert np.isfinite(amount_power(np.array([np.nan, 2.0, 3.0]), 0, np.arange(3.0), 0).lower)
