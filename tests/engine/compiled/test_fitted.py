"""What the compiled engine fits on a fold's training rows, and what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import FoldFit, fit_fold
from taut.errors import TrainingError
from taut.learning.objective import CrossEntropy, SquaredError
from taut.learning.problem import Fold, Problem
from taut.recipe import Recipe
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from taut.techniques import L1, BatchNorm
from tests.engine.helpers import make_fold, make_member, make_problem
from tests.learning import toy


def test_the_encoder_is_that_of_the_training_rows() -> None:
    problem = make_problem()
    fold = make_fold(problem, 70)
    expected = Encoder.fit(problem.examples.matrix, fold.train)
    assert fit_fold(problem, fold).encoder.to_json() == expected.to_json()
    rows = fold.validation
    given = CompiledEngine(1).inputs(problem, fold, rows)
    assert given.tobytes() == expected.transform(problem.examples.matrix.values, rows).tobytes()


def test_held_out_rows_change_nothing_that_is_fitted() -> None:
    rng = np.random.default_rng(0)
    calm = np.column_stack([rng.standard_normal((80, 2)), rng.integers(0, 2, 80)]).astype(np.float32)
    stormy = calm.copy()
    stormy[60:, :2] = 1e9 * rng.standard_normal((20, 2))
    stormy[70:, 0] = np.nan
    stormy[60:, 2] = 2.0

    def fitted(values: Any) -> FoldFit:
        examples = TableExamples(Matrix(values, ("x", "y", "c"), 2, (("u", "v", "w"),)))
        target = 5.0 + values[:, 0].astype(float)
        target[60:] = values[60:, 1]
        problem = Problem(examples, target, SquaredError())
        return fit_fold(problem, make_fold(problem, 60))

    a, b = fitted(calm), fitted(stormy)
    assert a.encoder.to_json() == b.encoder.to_json()
    assert (a.center, a.scale) == (b.center, b.scale)


def test_center_and_scale_are_weighted_mean_and_deviation_of_the_training_target() -> None:
    rng = np.random.default_rng(1)
    for weight in (None, rng.random(100).astype(np.float32)):
        problem = make_problem(100, task="regression", fit_weight=weight)
        fit = fit_fold(problem, make_fold(problem, 70))
        y, w = problem.target[:70], None if weight is None else weight[:70].astype(float)
        mean = np.average(y, weights=w)
        assert fit.center == pytest.approx(mean, rel=1e-12)
        assert fit.scale == pytest.approx(np.sqrt(np.average((y - mean) ** 2, weights=w)), rel=1e-12)
        assert fit.start is None


def test_a_constant_target_has_scale_one() -> None:
    problem = replace(make_problem(50, task="regression"), target=np.full(50, 7.0, dtype=np.float32))
    fit = fit_fold(problem, make_fold(problem, 40))
    assert (fit.center, fit.scale) == (7.0, 1.0)


def test_outputs_start_at_the_logarithms_of_the_weighted_class_shares() -> None:
    target = np.repeat([0, 1, 2, 0], [20, 10, 0, 10]).astype(np.float32)  # nobody has class 2
    for weight in (None, np.where(target == 1, 3.0, 1.0).astype(np.float32)):
        problem = replace(make_problem(40), target=target, fit_weight=weight)
        fit = fit_fold(problem, make_fold(problem, 30))
        assert fit.start is not None
        sums = np.array([20.0, 10.0 if weight is None else 30.0])
        assert fit.start[:2] == pytest.approx(np.log(sums / 30))
        assert fit.start[2] == pytest.approx(np.log(0.5 / 30))
        assert np.isfinite(fit.start).all()
        assert (fit.center, fit.scale) == (0.0, 1.0)


def test_a_fold_is_fitted_once_for_all_its_members_and_anew_for_another_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Fold] = []

    def counted(problem: Problem, fold: Fold, n_bins: int) -> FoldFit:
        made.append(fold)
        return fit_fold(problem, fold, n_bins)

    monkeypatch.setattr("taut.engine.compiled.engine.fit_fold", counted)
    problem, engine = make_problem(), CompiledEngine(1)
    one, two = make_fold(problem), make_fold(problem, 50)
    members = [make_member(problem, fold=fold, seed=seed) for fold in (one, two) for seed in (1, 2)]
    trainings = engine.train(problem, members, until_epoch=1)
    engine.train(problem, trainings, until_epoch=2)
    assert made == [one, two]
    assert trainings[0].fit is trainings[1].fit is not trainings[2].fit
    other = replace(problem, target=problem.target[::-1].copy())
    engine.train(other, members[:1], until_epoch=0)
    assert made == [one, two, one]


def test_examples_that_are_no_table_are_refused_in_a_sentence() -> None:
    pictures = toy.pictures(20)
    fold = toy.fold(range(10), range(10, 20))
    with pytest.raises(TrainingError, match="trains on tables, and these examples are Pictures"):
        CompiledEngine(1).train(pictures, [make_member(pictures, fold=fold)])


def test_an_objective_that_it_does_not_know_is_refused_in_a_sentence() -> None:
    class Absolute(SquaredError.__mro__[1]):  # type: ignore[misc]
        loss_name = "absolute error"
        n_outputs, n_classes = 1, 0
        row_results = predictions = outputs_of = constant = spread = scores = shortfalls = None

    problem = replace(make_problem(task="regression"), objective=Absolute())
    with pytest.raises(TrainingError, match="knows cross-entropy and squared error, and not absolute error"):
        CompiledEngine(1).train(problem, [make_member(problem)])


def test_an_architecture_that_is_none_of_its_own_is_refused_in_a_sentence() -> None:
    problem = make_problem()
    member = replace(make_member(problem), architecture=toy.Logistic())
    with pytest.raises(
        TrainingError, match="networks of dense layers, and this one is logistic regression on pixels"
    ):
        CompiledEngine(1).train(problem, [member])


def test_another_engines_network_and_training_are_refused() -> None:
    pictures, problem = toy.pictures(20), make_problem()
    fold = toy.fold(range(10), range(10, 20))
    member = replace(make_member(pictures, fold=fold), architecture=toy.Logistic())
    (training,) = toy.ToyEngine().train(pictures, [member], until_epoch=1)
    with pytest.raises(TypeError, match="not TableExamples with a FittedLogistic"):
        CompiledEngine(1).predict(problem.examples, training.fitted())
    with pytest.raises(TypeError, match="a ToyTraining comes from another engine"):
        CompiledEngine(1).train(pictures, [training])
    (own,) = CompiledEngine(1).train(problem, [make_member(problem)], until_epoch=0)
    with pytest.raises(TypeError, match="not Pictures with a FittedMLP"):
        CompiledEngine(1).predict(pictures.examples, own.fitted())


def test_penalized_weights_are_the_matrices_alone() -> None:
    problem = make_problem()
    (training,) = CompiledEngine(1).train(problem, [make_member(problem, Recipe(BatchNorm(), L1(0.03)))])
    fitted = training.fitted()
    found = dict(fitted.penalized_weights())
    assert list(found) == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]
    assert all(found[name] is fitted.weights[name] for name in found)
    zeros = sum(int((w == 0).sum()) for w in found.values()) / sum(w.size for w in found.values())
    assert 0.0 < zeros < 1.0
    assert fitted.zero_share == zeros


def test_input_weights_name_the_column_of_every_feature() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.standard_normal((120, 2)), rng.integers(0, 3, 120)]).astype(np.float32)
    values[::3, 1] = np.nan
    examples = TableExamples(Matrix(values, ("x", "y", "c"), 2, (("u", "v", "w"),)))
    problem = Problem(examples, rng.integers(0, 2, 120).astype(float), CrossEntropy(2))
    (training,) = CompiledEngine(1).train(problem, [make_member(problem)], until_epoch=1)
    weights, columns = training.fitted().input_weights()
    assert columns.tolist() == [0, 1, 1, 2, 2, 2]
    assert weights.tobytes() == training.weights()["layers.0.weight"].tobytes()


def test_a_fold_of_constant_columns_has_an_input_that_stands_for_no_column() -> None:
    values = np.zeros((40, 1), dtype=np.float32)
    examples = TableExamples(Matrix(values, ("c",), 0, (("u", "v"),)))
    problem = Problem(examples, np.arange(40) % 2.0, CrossEntropy(2))
    engine = CompiledEngine(1)
    (training,) = engine.train(problem, [make_member(problem, fold=make_fold(problem, 20))])
    assert training.weights()["layers.0.weight"].shape == (1, 8)
    weights, columns = training.fitted().input_weights()
    assert (weights.shape, columns.shape) == ((0, 8), (0,))
    assert np.isfinite(engine.predict(examples, training.fitted())).all()


def test_parameters_and_memory_of_a_member() -> None:
    problem, engine = make_problem(), CompiledEngine(1)
    for recipe in (Recipe(), Recipe(BatchNorm())):
        member = make_member(problem, recipe)
        assert engine.n_parameters(problem, member) == 5 * 8 + 8 + 8 * 20 + 20 + 20 * 3 + 3
        (training,) = engine.train(problem, [member], until_epoch=0)
        taken = sum(array.nbytes for array in training.state)
        assert taken <= engine.memory(problem, member) <= taken + 24 * member.max_epochs + 4096
    assert engine.affordable(problem, [member] * 3) == 3
