"""Numbers in pieces are looked up, and that is what multiplying them out would give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.records import IN, N_DENSE, N_INPUTS
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Problem
from taut.recipe import Recipe
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from taut.techniques import BatchNorm, Dropout, EarlyStopping, InputNoise
from tests.engine.compiled.one_step import OneStep
from tests.engine.helpers import make_fold, make_member, outputs


def problem_of(seed: int, n_numbers: int, n: int = 140) -> Problem:
    """Numbers with values missing, ties, few levels, constants and extremes, beside two categories."""
    rng = np.random.default_rng(seed)
    numbers = (rng.standard_t(2, (n, n_numbers)) * 10.0 ** rng.integers(-9, 7, n_numbers)).astype(np.float32)
    if n_numbers > 2:
        numbers[:, 0] = rng.integers(0, 4, n)
        numbers[:, 1] = 7.0
        numbers[rng.random(n) < 0.4, 2] = np.nan
        numbers[0, 2] = 1e12  # the most that a matrix holds
    values = np.column_stack([numbers, rng.integers(0, 3, (n, 2))]).astype(np.float32)
    names = tuple(f"c{i}" for i in range(n_numbers + 2))
    matrix = Matrix(np.ascontiguousarray(values), names, n_numbers, (("x", "y", "z"),) * 2)
    return Problem(TableExamples(matrix), rng.integers(0, 2, n).astype(float), CrossEntropy(2))


def steps(problem: Problem, hidden: tuple[int, ...], n_bins: int, recipe: Recipe, dense: bool) -> OneStep:
    """Three steps on all training rows, looked up or multiplied out."""
    member = make_member(problem, recipe, hidden=hidden, fold=make_fold(problem, 100))
    member = replace(member, architecture=replace(member.architecture, n_bins=n_bins))
    engine = CompiledEngine(1)
    step = OneStep.of(problem, member, engine._fit_for(problem, member))
    sizes, layers = step.training.plan.sizes, step.training.plan.layers
    if step.training.fit.encoder.pieces.column.size:
        assert sizes[N_DENSE] < sizes[N_INPUTS]
    if dense:
        sizes[N_DENSE] = layers[0, IN]
    step.scratch.floats[:] = np.nan
    for _ in range(3):
        step.go()
    return step


@given(
    st.integers(0, 10**6),
    st.integers(1, 20),
    st.sampled_from([(), (5,), (64,), (70, 16), (128, 8)]),
    st.sampled_from([1, 3, 24]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_gradients_and_weights_are_those_of_the_products(
    seed: int, n_numbers: int, hidden: tuple[int, ...], n_bins: int, normalize: bool
) -> None:
    recipe = Recipe(BatchNorm()) if normalize and hidden else Recipe()
    problem = problem_of(seed, n_numbers)
    looked_up = steps(problem, hidden, n_bins, recipe, dense=False)
    multiplied = steps(problem, hidden, n_bins, recipe, dense=True)
    for found, expected in (
        (looked_up.gradients(), multiplied.gradients()),
        (looked_up.training.weights("last"), multiplied.training.weights("last")),
    ):
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("hidden", [(), (20,), (80, 16)])
def test_predictions_are_those_of_the_encoded_table(hidden: tuple[int, ...]) -> None:
    problem = problem_of(3, 9)
    engine = CompiledEngine(1, dtype=np.float64)
    member = make_member(problem, Recipe(EarlyStopping(5)), hidden=hidden, max_epochs=20)
    member = replace(member, architecture=replace(member.architecture, n_bins=12))
    (training,) = engine.train(problem, [member])
    fitted = training.fitted()
    rows = np.arange(len(problem), dtype=np.int32)
    found = engine.predict(problem.examples, fitted, rows)
    x = fitted.encoder.transform(problem.examples.matrix.values, rows).astype(float)
    for layer in range(len(hidden) + 1):
        x = x @ fitted.weights[f"layers.{layer}.weight"] + fitted.weights[f"layers.{layer}.bias"]
        x = np.maximum(x, 0.0) if layer < len(hidden) else x
    np.testing.assert_allclose(found, x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "technique", [InputNoise(0.1), Dropout(0.2, input_rate=0.2)], ids=["noise", "input dropout"]
)
def test_what_changes_single_inputs_has_them_written_out(technique: Any) -> None:
    problem = problem_of(1, 6)
    member = make_member(problem, Recipe(technique), fold=make_fold(problem, 100))
    member = replace(member, architecture=replace(member.architecture, n_bins=8))
    step = OneStep.of(problem, member, CompiledEngine(1)._fit_for(problem, member))
    assert step.training.plan.sizes[N_DENSE] == step.training.plan.layers[0, IN]
    step.go()
    n_pieces = len(step.training.fit.encoder.pieces)
    assert np.abs(step.inputs()[:, -n_pieces:]).max() > 0.5


def test_it_learns_a_step() -> None:
    """And the outputs that are predicted are those that were scored."""
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(600, 2)).astype(np.float32)
    matrix = Matrix(values, ("a", "b"), 2, ())
    target = (np.floor(values[:, 0] * 8) % 2).astype(float)
    problem = Problem(TableExamples(matrix), target, CrossEntropy(2))
    losses = []
    for n_bins in (0, 24):
        member = make_member(problem, Recipe(EarlyStopping(20)), fold=make_fold(problem, 400), max_epochs=60)
        member = replace(member, architecture=replace(member.architecture, n_bins=n_bins))
        engine = CompiledEngine(1)
        (training,) = engine.train(problem, [member])
        loss = training.curve.validation.min()
        rows = member.fold.validation
        scored = problem.row_results(outputs(training.fitted(), problem.examples, rows), rows).losses.mean()
        assert scored == pytest.approx(loss, rel=1e-4)
        losses.append(loss)
    assert losses[1] < 0.5 * losses[0]
