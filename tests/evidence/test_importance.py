from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import FittedMLP
from taut.evidence.importance import (
    HeldOut,
    Importance,
    Owners,
    _donors,
    affordable_predictions,
    column_norms,
    importance,
)
from taut.learning.objective import SquaredError
from taut.learning.problem import Problem
from taut.learning.training import Control
from taut.network import Network
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix

ENGINE = CompiledEngine(1)
PLENTY = 10**9
NAMES = Owners(("a", "b", "c"), (0, 1, 2))


def matrix(values: Any) -> Matrix:
    """Numbers."""
    return Matrix(values, tuple(f"m{i}" for i in range(values.shape[1])), values.shape[1], ())


def linear(values: Any, *weights: float) -> FittedMLP:
    """A network without hidden layers, whose output is the sum of the encoded columns by these weights."""
    encoder = Encoder.fit(matrix(values), np.arange(len(values)))
    network = Network(len(weights), (), 1, "relu")
    named = {
        "layers.0.weight": np.array(weights, dtype=np.float32)[:, None],
        "layers.0.bias": np.zeros(1, dtype=np.float32),
    }
    return FittedMLP(network, False, encoder, 0.0, 1.0, named)


def table(n: int, p: int = 3, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((n, p)).astype(np.float32)


def problem(values: Any, target: Any, weight: Any = None) -> Problem:
    examples = TableExamples(matrix(values))
    return Problem(examples, np.asarray(target, dtype=np.float64), SquaredError(), weight, weight)


def values_of(about: Problem) -> Any:
    assert isinstance(about.examples, TableExamples)
    return about.examples.matrix.values


def rows(*numbers: int) -> Any:
    return np.array(numbers, dtype=np.int32)


def everyone(n: int) -> Any:
    return np.arange(n, dtype=np.int32)


def figures(found: Importance | None) -> dict[str, float]:
    assert found is not None
    return {line.name: line.loss.value for line in found.lines}


def of_all_pairs(about: Problem, one: HeldOut, column: int) -> tuple[float, float]:
    """Weighted sums over all pairs of different rows, by definition."""
    values = values_of(about)
    weight = np.ones(len(about)) if about.score_weight is None else about.score_weight
    base = about.row_results(ENGINE.predict(about.examples, one.network), everyone(len(about))).losses
    total = of = 0.0
    for i, k in permutations(one.rows.tolist(), 2):
        moved = values[[i]].copy()
        moved[0, column] = values[k, column]
        outputs = ENGINE.predict(TableExamples(matrix(moved)), one.network)
        (loss,) = about.row_results(outputs, rows(i)).losses
        total += float(weight[i] * weight[k]) * (float(loss) - float(base[i]))
        of += float(weight[i] * weight[k])
    return total, of


@settings(max_examples=15, deadline=None)
@given(weights=st.lists(st.floats(0.1, 9.0), min_size=6, max_size=6), seed=st.integers(0, 99))
def test_the_figure_is_the_mean_over_pairs_weighted_by_both_rows(weights: list[float], seed: int) -> None:
    values = table(6, seed=seed)  # with six rows, five shuffles are all pairs
    about = problem(values, values[:, 0] + 0.3 * values[:, 1] ** 2, np.array(weights))
    one = HeldOut(linear(values, 0.9, 0.4, -0.2), everyone(6))
    found = figures(importance(ENGINE, about, [one], NAMES, 1, PLENTY))
    for place, name in enumerate(NAMES.names):
        total, of = of_all_pairs(about, one, place)
        assert found[name] == pytest.approx(total / of, rel=1e-4, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), n_shuffles=st.integers(1, 9), seed=st.integers(0, 9))
def test_every_row_takes_and_gives_as_often_and_never_its_own(n: int, n_shuffles: int, seed: int) -> None:
    donors = _donors(n, n_shuffles, np.random.default_rng(seed))
    assert donors.shape == (min(n_shuffles, n - 1), n)
    assert not np.any(donors == np.arange(n))
    for one in donors:
        assert sorted(one) == list(range(n))
    for row in range(n):
        assert len(set(donors[:, row])) == len(donors)


def test_who_makes_the_target_is_first_and_noise_is_about_zero() -> None:
    values = table(400)
    about = problem(values, 2 * values[:, 0] + 0.2 * values[:, 2])
    one = HeldOut(linear(values, 1.5, 0.3, 0.2), everyone(400))
    found = importance(ENGINE, about, [one], NAMES, 1, PLENTY)
    assert found is not None
    assert [line.name for line in found.lines] == ["a", "c", "b"]
    assert found.lines[0].loss.low > 0
    assert found.lines[2].loss.low < 0 < found.lines[2].loss.high
    assert found.n_rows == 400
    assert found.n_shuffles == 5
    assert found.n_left_out == 0
    own = about.row_results(ENGINE.predict(about.examples, one.network), everyone(400)).losses
    assert found.base_loss == pytest.approx(float(own.mean()), rel=1e-5)


def test_a_column_without_weights_changes_nothing_exactly() -> None:
    values = table(50)
    one = HeldOut(linear(values, 1.0, 0.0, 0.0), everyone(50))
    found = importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, PLENTY)
    assert found is not None
    assert found.lines[0].loss.low > 0
    for line in found.lines[1:]:
        assert (line.loss.value, line.loss.low, line.loss.high) == (0.0, 0.0, 0.0)


def test_a_network_without_any_weight_uses_nothing() -> None:
    values = table(50)
    one = HeldOut(linear(values, 0.0, 0.0, 0.0), everyone(50))
    found = importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, PLENTY)
    assert figures(found) == {"a": 0.0, "b": 0.0, "c": 0.0}


def test_parts_of_one_column_move_together() -> None:
    values = table(60)
    values[:, 1] = values[:, 0]
    one = HeldOut(linear(values, 1.0, -1.0, 0.5), everyone(60))  # the first two cancel each other
    about = problem(values, values[:, 2])
    together = importance(ENGINE, about, [one], Owners(("day", "c"), (0, 0, 1)), 1, PLENTY)
    apart = importance(ENGINE, about, [one], NAMES, 1, PLENTY)
    assert figures(together)["day"] == pytest.approx(0.0, abs=1e-6)
    assert figures(apart)["a"] > 0.1
    assert figures(together)["c"] == pytest.approx(figures(apart)["c"])


def test_the_matrix_order_is_not_the_persons() -> None:
    values = table(60)
    one = HeldOut(linear(values, 1.0, 0.0, 0.0), everyone(60))
    about = problem(values, values[:, 0])
    found = importance(ENGINE, about, [one], Owners(("town", "age", "size"), (1, 2, 0)), 1, PLENTY)
    assert found is not None
    assert found.lines[0].name == "age"


def test_rows_of_weight_zero_do_not_count() -> None:
    values = table(6)
    weight = np.array([1.0, 2.0, 0.0, 1.0, 0.0, 3.0])
    target = values[:, 0] + np.array([0, 0, 50, 0, -70, 0])
    one = HeldOut(linear(values, 1.0, 0.5, 0.1), everyone(6))
    few = one._replace(rows=rows(0, 1, 3, 5))
    found = importance(ENGINE, problem(values, target, weight), [one], NAMES, 1, PLENTY)
    expected = importance(ENGINE, problem(values, target, weight), [few], NAMES, 1, PLENTY)
    assert found is not None
    assert expected is not None
    assert figures(found) == pytest.approx(figures(expected), rel=1e-5)
    assert found.base_loss == pytest.approx(expected.base_loss, rel=1e-5)


def test_only_ratios_of_weights_count() -> None:
    values = table(30)
    one = HeldOut(linear(values, 1.0, 0.5, 0.1), everyone(30))
    weight = np.random.default_rng(1).uniform(0.5, 2, 30)
    one, ten = (
        importance(ENGINE, problem(values, values[:, 0], factor * weight), [one], NAMES, 1, PLENTY)
        for factor in (1, 10)
    )
    assert one is not None
    assert ten is not None
    for first, second in zip(one.lines, ten.lines, strict=True):
        assert first.loss.to_dict() == pytest.approx(second.loss.to_dict())


def test_each_row_is_shuffled_among_its_own_networks_rows() -> None:
    values = table(12)
    values[6:, 0] += 100.0  # another world: no value of the one is ever given to the other
    held_out = [
        HeldOut(linear(values, 1.0, 0.0, 0.0), everyone(6)),
        HeldOut(linear(values, 0.5, 0.2, 0.0), everyone(12)[6:]),
    ]
    about = problem(values, values[:, 1])
    found = figures(importance(ENGINE, about, held_out, NAMES, 1, PLENTY))
    sums = [of_all_pairs(about, one, 0) for one in held_out]
    assert found["a"] == pytest.approx(sum(s for s, _ in sums) / sum(of for _, of in sums), rel=1e-4)


def test_a_row_may_have_several_networks() -> None:
    values = table(8)
    held_out = [
        HeldOut(linear(values, 1.0, 0.3, 0.0), rows(0, 1, 2, 3, 4)),
        HeldOut(linear(values, 0.5, 0.2, 0.0), rows(3, 4, 5, 6, 7)),
        HeldOut(linear(values, 9.0, 9.0, 9.0), rows(2)),  # it has nobody to shuffle with
    ]
    about = problem(values, values[:, 0])
    found = importance(ENGINE, about, held_out, NAMES, 1, PLENTY)
    assert found is not None
    assert found.n_rows == 8
    sums = [of_all_pairs(about, one, 0) for one in held_out[:2]]
    assert figures(found)["a"] == pytest.approx(sum(s for s, _ in sums) / sum(of for _, of in sums), rel=1e-4)
    again = importance(ENGINE, about, [held_out[0]] * 2, NAMES, 1, PLENTY)
    once = importance(ENGINE, about, held_out[:1], NAMES, 1, PLENTY)
    assert again is not None
    assert once is not None
    assert figures(again) == pytest.approx(figures(once))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    many = table(4000, seed=9)
    one = HeldOut(linear(many, 1.2, 0.4, 0.3), everyone(4000))

    def noisy(values: Any, seed: int) -> Problem:
        noise = np.random.default_rng(seed).standard_normal(len(values))
        return problem(values, 1.5 * values[:, 0] + 0.5 * values[:, 2] + noise)

    truth = figures(importance(ENGINE, noisy(many, 0), [one], NAMES, 1, PLENTY))
    truth["b"] = 0.0  # it has nothing to do with the target, whatever the network makes of it
    held = dict.fromkeys(NAMES.names, 0)
    for seed in range(150):
        about = noisy(table(60, seed=100 + seed), 1000 + seed)
        found = importance(ENGINE, about, [one._replace(rows=everyone(60))], NAMES, seed, PLENTY)
        assert found is not None
        for line in found.lines:
            held[line.name] += line.loss.low <= truth[line.name] <= line.loss.high
    assert min(held.values()) >= 0.88 * 150


def test_short_of_predictions_there_are_fewer_shuffles_then_rows_then_columns() -> None:
    values = table(1000)
    held_out = [HeldOut(linear(values, 1.0, 0.5, 0.1), everyone(1000)[k::5]) for k in range(5)]
    about = problem(values, values[:, 0])

    def found(most: int) -> Importance:
        one = importance(ENGINE, about, held_out, NAMES, 1, most)
        assert one is not None
        return one

    assert (found(PLENTY).n_shuffles, found(PLENTY).n_rows) == (5, 1000)
    assert (found(9000).n_shuffles, found(9000).n_rows) == (3, 1000)
    few = found(1500)
    assert (few.n_shuffles, few.n_left_out) == (1, 0)
    assert 480 <= few.n_rows <= 500
    least = found(200)
    assert [line.name for line in least.lines] == ["a"]  # the one with the largest weight
    assert least.n_left_out == 2
    assert 190 <= least.n_rows <= 200


def test_columns_without_weight_are_never_left_out() -> None:
    values = table(300)
    one = HeldOut(linear(values, 1.0, 0.5, 0.0), everyone(300))
    found = importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, 1)
    assert figures(found).keys() == {"a", "c"}
    assert found is not None
    assert found.n_left_out == 1


def test_wide_tables_are_shuffled_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = table(40)
    one = HeldOut(linear(values, 1.0, 0.5, 0.2), everyone(40))
    about = problem(values, values[:, 0])
    expected = importance(ENGINE, about, [one], NAMES, 1, PLENTY)
    monkeypatch.setattr("taut.evidence.importance._BLOCK_NUMBERS", 5 * 40 * 3)
    found = importance(ENGINE, about, [one], NAMES, 1, PLENTY)
    assert found is not None
    assert found == expected


def test_a_loss_that_no_number_holds_gives_no_figure_and_comes_last() -> None:
    values = table(40)
    one = HeldOut(linear(values, 1e30, 0.5, 0.0), everyone(40))
    found = importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, PLENTY)
    assert found is not None
    assert {line.name for line in found.lines if np.isnan(line.loss.value)} == {"a", "b"}
    assert found.lines[0].name == "c"
    assert found.base_loss == np.inf


def test_the_control_ends_it() -> None:
    values = table(40)
    one = HeldOut(linear(values, 1.0, 0.5, 0.2), everyone(40))
    control = Control(deadline=0.0)
    assert importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, PLENTY, control) is None


@pytest.mark.parametrize("held_out", [[], [rows()], [rows(3)], [rows(1), rows(2)]])
def test_nobody_to_shuffle_with_gives_nothing(held_out: list[Any]) -> None:
    values = table(10)
    held_out = [HeldOut(linear(values, 1.0, 0.5, 0.2), one) for one in held_out]
    assert importance(ENGINE, problem(values, values[:, 0]), held_out, NAMES, 1, PLENTY) is None


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    values = table(100)
    one = HeldOut(linear(values, 1.0, 0.5, 0.2), everyone(100))
    about = problem(values, values[:, 0])
    one, same, other = (importance(ENGINE, about, [one], NAMES, s, PLENTY) for s in (1, 1, 2))
    assert one == same != other


def test_norms_are_by_the_persons_columns() -> None:
    values = table(50)
    networks = [linear(values, 3.0, 4.0, 0.0), linear(values, 0.0, 1.0, 0.0)]
    norms = column_norms(networks, Owners(("x", "y"), (0, 0, 1)))
    assert norms == pytest.approx([(5.0 + 1.0) / 2, 0.0])


def test_units_and_plain_values() -> None:
    values = table(50)
    one = HeldOut(linear(values, 1.0, 0.5, 0.2), everyone(50))
    found = importance(ENGINE, problem(values, values[:, 0]), [one], NAMES, 1, PLENTY)
    assert found is not None
    scaled = found.in_units(4.0)
    assert scaled.base_loss == pytest.approx(4 * found.base_loss)
    assert scaled.lines[0].loss.low == pytest.approx(4 * found.lines[0].loss.low)
    plain = scaled.to_dict()
    assert plain["lines"][0] == {"name": "a", "loss": scaled.lines[0].loss.to_dict()}
    assert (plain["n_rows"], plain["n_shuffles"], plain["n_left_out"]) == (50, 5, 0)


def test_predictions_grow_with_training_within_bounds() -> None:
    assert affordable_predictions(0) == 5_000
    assert affordable_predictions(8_000_000) == 100_000
    assert affordable_predictions(1e12) == 500_000
