from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from taut import LabelSmoothing, Recipe, TautRegressor, diagnose, regularization_path
from taut.engine.compiled.engine import CompiledEngine
from taut.errors import ParameterError
from taut.techniques import compose
from tests.engine.helpers import make_fold, make_member, make_problem, mean_loss, outputs


def test_it_enters_its_rate() -> None:
    assert compose([LabelSmoothing(0.2)]).smoothing == 0.2
    assert compose([LabelSmoothing(0)]).smoothing == 0.0
    assert LabelSmoothing.at(0.05) == LabelSmoothing(0.05)
    assert LabelSmoothing.needs_classes


@pytest.mark.parametrize("n_outputs", [2, 5, 20])
def test_more_of_it_makes_a_network_less_sure_and_losses_stay_those_of_the_classes(n_outputs: int) -> None:
    problem, rates = make_problem(240, n_outputs=n_outputs), (0.0, 0.1, 0.4)
    fold = make_fold(problem, 120, n_sample=120)
    members = [
        make_member(problem, Recipe(LabelSmoothing(rate)), hidden=(64, 64), fold=fold, max_epochs=150)
        for rate in rates
    ]
    sure = []
    for training in CompiledEngine(1).train(problem, members):
        z = outputs(training.fitted(), problem.examples, fold.sample)
        sure.append(float(softmax(z, axis=1).max(axis=1).mean()))
        assert training.curve.train[-1] == pytest.approx(mean_loss(problem, z, fold.sample)[0], rel=1e-3)
    assert sure == sorted(sure, reverse=True)
    # The loss is lowest where the row's own class has this probability, which so wide a network reaches.
    for rate, mean in zip(rates, sure, strict=True):
        assert mean == pytest.approx(1.0 - rate + rate / n_outputs, abs=0.05)


def test_for_an_amount_it_is_refused() -> None:
    X, y = np.random.default_rng(0).normal(size=(2, 30, 2))
    sentence = "Label smoothing is for classes, and the target is an amount. Leave it out of the recipe."
    for train in (
        lambda: TautRegressor(recipe=Recipe(LabelSmoothing(0.1))).fit(X, y[:, 0]),
        lambda: regularization_path(X, y[:, 0], "label_smoothing", 2),
        lambda: diagnose(X, y[:, 0], recipe=Recipe(LabelSmoothing(0.1))),
    ):
        with pytest.raises(ParameterError, match=sentence):
            train()


def test_how_it_prints() -> None:
    assert repr(LabelSmoothing()) == "LabelSmoothing(0.1)"
    assert LabelSmoothing(1 / 3).label == "label smoothing 0.333"


@pytest.mark.parametrize("rate", [1, -0.1, float("nan"), "0.1", None])
def test_the_range_is_said(rate: float) -> None:
    with pytest.raises(ParameterError, match="Label smoothing's rate must be a number from 0 to below 1"):
        LabelSmoothing(rate)
