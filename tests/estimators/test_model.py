"""A fitted model predicts by averaging its networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from taut.engine.compiled.engine import CompiledEngine
from taut.estimators.model import Model
from taut.learning.objective import CrossEntropy
from taut.table.matrices import matrix_from_numbers
from tests.estimators.helpers import crossvalidated, given, single, tasks

logits = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
)


@given_by(logits)
def test_softmax_gives_shares_however_large_the_logits(z: Any) -> None:
    shares = CrossEntropy(z.shape[1]).predictions(z)
    assert shares.dtype == np.float64
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(z)))
    # In the logits' order, but for those too small to be told apart.
    assert (np.take_along_axis(shares, z.argmax(axis=1)[:, None], axis=1)[:, 0] == shares.max(axis=1)).all()


def test_softmax_is_what_it_is() -> None:
    shares = CrossEntropy(3).predictions(np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]])))
    np.testing.assert_allclose(shares, [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]])


def test_softmax_leaves_what_it_is_given() -> None:
    z = np.array([[1.0, 2.0]])
    CrossEntropy(2).predictions(z)
    assert z.tolist() == [[1.0, 2.0]]


@tasks
def test_predictions_are_the_mean_of_the_networks(task: str) -> None:
    X, y = given(task)
    model: Model = crossvalidated(task).fit(X, y).model_
    engine, matrix = CompiledEngine(1), matrix_from_numbers(X, model.schema)[1]
    assert len(model.networks) == 3
    alone = [Model(model.schema, model.target, (network,)) for network in model.networks]
    if task == "classification":
        parts = [one.probabilities(engine, matrix) for one in alone]
        whole = model.probabilities(engine, matrix)
    else:
        parts = [one.values(engine, matrix) for one in alone]
        whole = model.values(engine, matrix)
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-12)
    assert max(np.abs(parts[0] - parts[1]).max(), np.abs(parts[0] - parts[2]).max()) > 1e-6


def test_values_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    model: Model = single("regression").fit(X, y).model_
    engine, matrix = CompiledEngine(1), matrix_from_numbers(X, model.schema)[1]
    other = Model(model.schema, replace(model.target, origin=100.0, unit=10.0), model.networks)
    plain = (model.values(engine, matrix) - model.target.origin) / model.target.unit
    np.testing.assert_allclose(other.values(engine, matrix), 100.0 + 10.0 * plain, rtol=1e-9)
    assert model.values(engine, matrix).shape == (150,)
    assert model.values(engine, matrix).dtype == np.float64
