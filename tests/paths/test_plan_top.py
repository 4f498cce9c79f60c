"""The smallest strength that makes every weight zero."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.learning.training import Control
from taut.paths import plan as module
from taut.paths.plan import ENOUGH_STEPS, strength_of_zeros
from taut.paths.training import PathWork, zero_share
from taut.recipe import Recipe
from taut.techniques import L1, BatchNorm, Dropout, EarlyStopping
from tests.paths.test_training import work
from tests.selection.helpers import table

STOP = EarlyStopping()


def zeros(made: PathWork, recipe: Recipe) -> list[float]:
    """Share of zeros on each fold after a short run."""
    members = [made.member(recipe, k) for k in range(len(made.folds))]
    trainings = made.trainer.train(members, until_epoch=made.epochs_of(ENOUGH_STEPS))
    return [zero_share(training, "last") for training in trainings]


@pytest.mark.parametrize(
    ("task", "others", "changes"),
    [
        ("classification", (), {}),
        ("regression", (), {}),
        ("regression", (Dropout(0.2), BatchNorm()), {}),
        ("classification", (), {"hidden": ()}),
        ("classification", (), {"max_epochs": 5}),
        ("regression", (), {"learning_rate": 0.001, "hidden": (16, 16)}),
    ],
    ids=["classes", "amount", "with others", "linear", "few epochs", "slow"],
)
def test_the_top_makes_all_weights_zero_on_every_fold_and_half_of_it_does_not(
    task: Any, others: Any, changes: Any
) -> None:
    made = work(task, max_epochs=changes.pop("max_epochs", 300), **changes)
    top = strength_of_zeros(made, lambda s: Recipe(L1(s), *others, STOP), Control())
    assert top is not None
    assert zeros(made, Recipe(L1(top), *others, STOP)) == [1.0] * 3
    assert min(zeros(made, Recipe(L1(top / 2), *others, STOP))) < 1.0


def test_of_pure_noise_too() -> None:
    problem = table()
    np.random.default_rng(9).shuffle(problem.target)
    made = work(given=problem, max_epochs=300)
    top = strength_of_zeros(made, lambda s: Recipe(L1(s), STOP), Control())
    assert top is not None
    assert zeros(made, Recipe(L1(top), STOP)) == [1.0] * 3


def test_it_is_the_same_for_any_number_of_threads() -> None:
    from taut.engine.compiled.engine import CompiledEngine

    tops = [
        strength_of_zeros(work(engine=CompiledEngine(n)), lambda s: Recipe(L1(s), STOP), Control())
        for n in (1, 2)
    ]
    assert tops[0] == tops[1]


def test_there_is_none_where_it_is_cut_off() -> None:
    control = Control()
    control.cancelled.set()
    assert strength_of_zeros(work(), lambda s: Recipe(L1(s), STOP), control) is None


class Stub:
    """As much of a PathWork as the search needs."""

    def __init__(self, n_folds: int) -> None:
        self.folds = [None] * n_folds

    def epochs_of(self, n_steps: int) -> int:
        return 1


def found(thresholds: list[float], patch: pytest.MonkeyPatch) -> tuple[float | None, int]:
    """What is found where fold k needs the k-th strength, and how many runs it took."""
    runs = [0]

    def zeros(self: Any, strengths: Any, folds: range) -> list[bool]:
        runs[0] += len(strengths) * len(folds)
        return [all(s >= thresholds[k] for k in folds) for s in strengths]

    patch.setattr(module._Search, "zeros", zeros)
    stub = cast(PathWork, Stub(len(thresholds)))
    return strength_of_zeros(stub, lambda s: Recipe(L1(s)), Control()), runs[0]


@given(st.floats(-5.5, 8.5), st.integers(1, 7))
def test_wherever_the_threshold_is_it_is_found_within_six_percent(place: float, n_folds: int) -> None:
    threshold = 10.0**place
    with pytest.MonkeyPatch.context() as patch:
        top, _ = found([threshold] * n_folds, patch)
    assert top is not None
    assert threshold <= top <= 1.06 * threshold
    assert top == float(f"{top:.3g}")


def test_where_it_usually_is_some_twenty_short_runs_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    top, runs = found([1.3] * 5, monkeypatch)
    assert top is not None
    assert runs <= 20


def test_a_fold_that_needs_more_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    top, _ = found([1.2, 1.3, 1.1, 1.7, 1.2], monkeypatch)
    assert top is not None
    assert 1.7 <= top <= 1.06 * 1.7


def test_where_nothing_does_it_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found([1e12], monkeypatch)[0] is None
    top, _ = found([0.0], monkeypatch)
    assert top is not None
    assert top < 1e-5
