from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut import InputNoise, Recipe
from taut.engine.compiled.engine import CompiledEngine
from taut.errors import ParameterError
from taut.techniques import compose
from tests.engine.helpers import TASKS, make_fold, make_member, make_problem, mean_loss, outputs


def test_it_enters_its_deviation() -> None:
    assert compose([InputNoise(0.2)]).input_noise == 0.2
    assert compose([InputNoise(0)]).input_noise == 0.0
    assert InputNoise.at(0.05) == InputNoise(0.05)


@pytest.mark.parametrize("task", TASKS)
def test_more_of_it_trains_worse_and_prediction_has_none(task: Any) -> None:
    problem = make_problem(n=120, task=task)
    fold = make_fold(problem, 60, n_sample=60)
    members = [
        make_member(problem, Recipe(InputNoise(deviation)), hidden=(64, 64), fold=fold, max_epochs=60)
        for deviation in (0.0, 0.3, 1.0)
    ]
    trainings = CompiledEngine(1).train(problem, members)
    losses = [float(training.curve.train[-10:].mean()) for training in trainings]
    assert losses == sorted(losses)
    for training in trainings:
        z = outputs(training.fitted(), problem.examples, fold.sample)
        assert training.curve.train[-1] == pytest.approx(
            mean_loss(problem, z, fold.sample)[0], rel=1e-3, abs=1e-4
        )


def test_on_a_linear_model_it_is_ridge() -> None:
    # Bishop (1995): the expected squared error with noise is the one without, plus deviation^2 |w|^2.
    problem, deviation = make_problem(400, task="regression"), 0.7
    fold = make_fold(problem, 400)
    member = make_member(
        problem, Recipe(InputNoise(deviation)), hidden=(), fold=fold, learning_rate=2e-3, batch_size=100,
        max_epochs=1500,
    )  # fmt: skip
    (training,) = CompiledEngine(1, np.float64).train(problem, [member])
    fit = training.fitted()
    x = fit.encoder.transform(problem.examples.matrix.values, fold.train).astype(float)
    y = (problem.target - fit.center) / fit.scale
    x, y = x - x.mean(0), y - y.mean()
    ridge = np.linalg.solve(x.T @ x + len(x) * deviation**2 * np.eye(x.shape[1]), x.T @ y)
    plain = np.linalg.solve(x.T @ x, x.T @ y)
    found = training.weights()["layers.0.weight"][:, 0]
    assert np.abs(found - ridge).max() < 0.15 * np.abs(plain - ridge).max()


def test_how_it_prints() -> None:
    assert repr(InputNoise()) == "InputNoise(0.1)"
    assert InputNoise(1 / 3).label == "input noise 0.333"


@pytest.mark.parametrize("deviation", [-0.1, float("inf"), float("nan"), "0.1", None])
def test_the_range_is_said(deviation: float) -> None:
    with pytest.raises(ParameterError, match="Input noise's deviation must be a finite number of 0 or more"):
        InputNoise(deviation)
