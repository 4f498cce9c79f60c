from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from taut.evidence.signs.classes import half_width, small_classes
from tests.evidence.signs.helpers import case, only, plain


@pytest.mark.parametrize("count", [1, 2, 7, 12, 29, 30, 100])
def test_the_half_width_is_clopper_and_pearsons(count: int) -> None:
    interval = binomtest(count // 2, count).proportion_ci(0.95, method="exact")
    assert half_width(count) == pytest.approx((interval.high - interval.low) / 2)


def test_it_falls_with_the_rows_and_is_all_without() -> None:
    widths = [half_width(n) for n in range(0, 60, 2)]
    assert widths[0] == 0.5
    assert all(a > b for a, b in zip(widths[1:], widths[2:], strict=False))
    assert half_width(30) == pytest.approx(0.187, abs=1e-3)


def test_enough_rows_are_no_sign() -> None:
    made = case(*plain(200))
    assert small_classes(made.view, made.classes, made.folds) == []


def test_classes_too_few_to_judge_are_one_sign() -> None:
    columns, _ = plain(200)
    y = np.array(["a"] * 150 + ["it's"] * 20 + ["c"] * 30)
    made = case(columns, y)
    sign = only(small_classes(made.view, made.classes, made.folds))
    assert sign.severity == "worth a look"
    np.testing.assert_array_equal(sign.rows, np.arange(150, 170))
    assert '"it\'s" has 20 rows' in sign.text
    assert "±23 points" in sign.text
    assert sign.figures["fewest"] == 20


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_fewer_rows_than_folds_are_severe() -> None:
    columns, _ = plain(200)
    y = np.array(["a"] * 197 + ["b"] * 3)
    made = case(columns, y)
    sign = only(small_classes(made.view, made.classes, made.folds))
    assert sign.severity == "severe"
    assert "'b' has 3 rows" in sign.text


def test_numbers_are_named_as_a_person_writes_them() -> None:
    columns, _ = plain(100)
    y = np.array([1] * 60 + [2] * 20 + [3] * 20)
    made = case(columns, y)
    sign = only(small_classes(made.view, made.classes, made.folds))
    assert "the classes 2, 3 have 20 rows" in sign.text
