from __future__ import annotations

from typing import Any

import numpy as np

from taut.evidence.signs.duplicates import duplicates, shared_rows
from tests.evidence.signs.helpers import Case, case, only, plain, second


def _again(columns: dict[str, Any], y: Any, rows: Any) -> tuple[dict[str, Any], Any]:
    return {name: np.append(values, values[rows]) for name, values in columns.items()}, np.append(y, y[rows])


def _signs(made: Case) -> Any:
    return duplicates(made.view, made.folds, made.blank)


def test_different_rows_are_no_sign() -> None:
    assert _signs(case(*plain(200))) == []


def test_twins_in_one_fold_are_worth_a_look() -> None:
    sign = only(_signs(case(*_again(*plain(200), np.arange(20)))))
    assert sign.severity == "worth a look"
    np.testing.assert_array_equal(sign.rows, np.arange(200, 220))
    assert "20 rows" in sign.text


def test_a_few_twins_in_one_fold_are_no_sign() -> None:
    assert _signs(case(*_again(*plain(200), np.arange(3)))) == []


def test_twins_on_both_sides_are_severe() -> None:
    sign = only(_signs(case(*_again(*plain(200), np.arange(20)), together=False)))
    assert sign.severity == "severe"
    assert set(sign.rows) <= {*range(20), *range(200, 220)}
    assert len(sign.rows) > 10
    assert "too good" in sign.text


def test_rows_without_weight_are_passed_over() -> None:
    columns, y = _again(*plain(200), np.arange(20))
    weight = np.ones(220, dtype=np.float32)
    weight[200:] = 0
    made = case(columns, y, score_weight=weight, fit_weight=weight)
    assert _signs(made) == []


def test_identical_categories_are_no_sign_but_where_they_bound_the_error() -> None:
    rng = np.random.default_rng(0)
    columns = {name: rng.choice(["x", "y"], 300) for name in "abc"}
    honest = np.where(rng.random(300) < 0.5, "yes", columns["a"])
    made = case(columns, honest)
    assert _signs(made) == []  # without networks nothing is known of their error
    outputs = np.zeros((300, 3))
    outputs[:, 0] = 1.0
    sign = only(duplicates(made.view, made.folds, outputs))
    assert sign.kind == "duplicates"
    assert "No model" in sign.text
    # The floor by hand: of each combination, all but the most frequent class.
    keys = [a + b + c for a, b, c in zip(*columns.values(), strict=True)]
    best = 0
    for key in set(keys):
        _, counts = np.unique([h for h, k in zip(honest, keys, strict=True) if k == key], return_counts=True)
        best += counts.max()
    assert sign.figures["floor"] == 1 - best / 300
    assert sign.figures["error"] == np.mean(made.problem.target != 0)


def test_twins_with_other_amounts_bound_the_variance() -> None:
    columns, y = plain(200, task="regression")
    columns, _ = _again(columns, y, np.arange(40))
    y = np.append(y, -y[:40])
    found = [sign for sign in _signs(case(columns, y)) if "different target" in sign.text]
    sign = only(found)
    expected = 2 * np.sum(y[:40] ** 2) / 240 / np.var(y)  # both of a pair are y away from their mean, 0
    assert abs(sign.figures["floor"] - expected) < 1e-6
    assert set(sign.rows) == {*range(40), *range(200, 240)}


def test_rows_of_the_second_file_that_stand_in_the_table() -> None:
    columns, y = plain(200)
    made = case(columns, y)
    fresh, _ = plain(100, seed=9)
    assert shared_rows(made.view, second(made, fresh)) == []
    mixed = {name: np.append(fresh[name], columns[name][:10]) for name in columns}
    sign = only(shared_rows(made.view, second(made, mixed)))
    assert (sign.severity, sign.rows_of) == ("severe", "second file")
    np.testing.assert_array_equal(sign.rows, np.arange(100, 110))


def test_many_whole_numbers_that_come_again_were_entered_twice() -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.integers(0, 16, 300) for i in range(12)}
    y = rng.choice(["yes", "no"], 300)
    assert _signs(case(columns, y)) == []
    sign = only(_signs(case(*_again(columns, y, np.arange(30)))))
    assert sign.severity == "worth a look"  # they stay in one fold
    np.testing.assert_array_equal(sign.rows, np.arange(300, 330))
    sign = only(_signs(case(*_again(columns, y, np.arange(30)), together=False)))
    assert sign.severity == "severe"
    assert set(sign.rows) <= {*range(30), *range(300, 330)}
