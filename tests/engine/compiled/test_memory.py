"""What networks cost is known before any of it is taken."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut import TautRegressor, TautRegressorCV, diagnose, regularization_path
from taut.engine.compiled import memory
from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import fit_fold
from taut.engine.compiled.plans import network_of
from taut.engine.compiled.scratch import scratch_for
from taut.errors import ParameterError, TrainingError, TrainingWarning
from taut.learning.training import Member
from taut.recipe import Recipe
from taut.techniques import BatchNorm, EarlyStopping
from tests.engine.compiled.one_step import begun
from tests.engine.helpers import make_member, make_problem
from tests.estimators.helpers import crossvalidated, given, weights_of

PROBLEM = make_problem(200, 5, "regression")


def member(hidden: Any = (64, 96), *techniques: Any, **changes: Any) -> Member:
    made = make_member(PROBLEM, Recipe(*techniques), hidden=hidden)
    return replace(made, **changes)


def cost_of(made: Member) -> memory.Cost:
    return memory.cost_of(made, network_of(made, PROBLEM, fit_fold(PROBLEM, made.fold)), 4)


@pytest.mark.fault(82)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize(
    "techniques", [(), (EarlyStopping(),), (BatchNorm(),), (BatchNorm(), EarlyStopping())]
)
@pytest.mark.parametrize("hidden", [(), (3,), (64, 96), (1, 200, 7)], ids=str)
def test_the_cost_is_what_is_taken(hidden: Any, techniques: Any, activation: Any) -> None:
    made = member(hidden, *techniques)
    made = replace(made, architecture=replace(made.architecture, activation=activation))
    training = begun(PROBLEM, made)
    taken = sum(array.nbytes for array in training.state)
    cost = cost_of(made)
    assert taken <= cost.kept <= taken + 24 * made.max_epochs + 4096
    floats = scratch_for(training.layout, made.batch_size + 1, 1, np.float32, None).floats
    assert 0.95 * floats.nbytes <= cost.scratch <= 1.6 * floats.nbytes + 4096


def test_kept_networks_count() -> None:
    made = member((64,), EarlyStopping(), keep_networks=3)
    training = begun(PROBLEM, replace(made, keep_networks=0))
    each = training.state.parameters.nbytes + training.state.statistics.nbytes
    assert cost_of(made).kept == cost_of(replace(made, keep_networks=0)).kept + 6 * each


@pytest.mark.fault(82)
def test_kept_losses_count() -> None:
    one, kept = member(), member(keep_losses=True)
    n = len(one.fold.validation) * one.max_epochs
    assert cost_of(kept).kept - cost_of(one).kept == 4 * n


@pytest.fixture
def little(monkeypatch: Any) -> Any:
    """Makes the memory that is free as much as is said, and small networks worth asking for it."""

    def set_to(n_bytes: int) -> None:
        monkeypatch.setattr(memory, "available_memory", lambda: n_bytes)
        monkeypatch.setattr(memory, "_NOTHING", 0)

    return set_to


@pytest.mark.fault(82)
def test_what_there_is_room_for(little: Any) -> None:
    cost = memory.Cost(100, 50, 1000)
    little(10_000)
    assert memory.affordable([cost] * 500) == 80  # 0.9 of it, less a thread's own
    assert memory.affordable([cost] * 3) == 3
    assert memory.affordable([memory.Cost(10**12, 0, 0)]) == 0
    assert (memory.affordable_threads(1000, 16), memory.affordable_threads(10**6, 16)) == (9, 1)


@pytest.mark.fault(82)
@pytest.mark.parametrize("hidden", [(10**9,), (10**9, 10**9), (10**30,)], ids=str)
def test_absurd_widths_are_refused_before_anything_is_allocated(hidden: Any) -> None:
    X, y = given("regression")
    sentence = r"with hidden=.* needs? more memory than there is: about .* are free. Take smaller widths"
    small: dict[str, Any] = {"hidden": hidden, "max_epochs": 2, "n_jobs": 1}
    with pytest.raises(TrainingError, match=f"A network {sentence}"):
        TautRegressor(**small).fit(X, y)
    with pytest.raises(TrainingError, match=f"3 networks side by side {sentence}, or fewer folds"):
        TautRegressorCV(**small, cv=3, n_candidates=4).fit(X, y)
    with pytest.raises(TrainingError, match=sentence):
        regularization_path(X, y, "l2", strengths=2, cv=3, **small)
    with pytest.raises(TrainingError, match=sentence):
        diagnose(X, y, cv=3, **small)


@pytest.mark.fault(45)
@pytest.mark.parametrize("room", [2, 5])
def test_where_memory_is_short_fewer_are_trained_at_a_time_with_the_same_result(
    room: int, little: Any
) -> None:
    X, y = given("regression")

    def fit() -> Any:
        return crossvalidated("regression", n_candidates=12, effort="quick", cv=2, hidden=(16,)).fit(X, y)

    plenty = fit()
    member_of_it = cost_of(replace(member((16,), EarlyStopping(), max_epochs=15), keep_losses=True))
    little(int((room * member_of_it.kept + 1.5 * member_of_it.scratch) / 0.9))
    with pytest.warns(TrainingWarning, match=r"Memory is short: networks are trained \d+ at a time") as said:
        short = fit()
    assert len([one for one in said if "Memory is short" in str(one.message)]) == 1
    assert [c.to_json() | {"seconds": 0} for c in short.candidates_] == [
        c.to_json() | {"seconds": 0} for c in plenty.candidates_
    ]
    assert weights_of(short) == weights_of(plenty)


def test_where_memory_runs_out_all_the_same_it_is_a_sentence(monkeypatch: Any) -> None:
    def none(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("taut.engine.compiled.training.aligned", none)
    with pytest.raises(TrainingError, match=r"with hidden=\(64, 96\) needs more memory than there is"):
        CompiledEngine(1).train(PROBLEM, [member()])


@pytest.mark.fault(82)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": (8,) * 10**5}, "hidden has more than 1,000 layers"),
        ({"hidden": iter(lambda: 8, 0)}, "hidden has more than 1,000 layers"),
        ({"n_candidates": 10**12}, "n_candidates must be a whole number from 2 to 100,000"),
        ({"max_epochs": 10**9}, "max_epochs must be a whole number from 1 to 1,000,000"),
    ],
    ids=["layers", "endless layers", "candidates", "epochs"],
)
def test_absurd_numbers_are_refused(changes: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        crossvalidated("regression", **changes).fit(*given("regression"))


@pytest.mark.fault(82)
@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 10**30}, {"n_jobs": 10**9}, {"time_limit": 1e308}],
    ids=str,
)
def test_more_than_there_is_of_what_only_has_a_top_is_taken(changes: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = crossvalidated("regression", max_epochs=3, **{"n_candidates": 3, **changes}).fit(
            *given("regression")
        )
    assert np.isfinite(fitted.predict(given("regression")[0])).all()
    assert (
        TautRegressor((4,), Recipe(EarlyStopping(10**30)), max_epochs=3).fit(*given("regression")).n_iter_
        == 3
    )


@pytest.mark.fault(82)
def test_folds_whose_lists_of_rows_are_too_large_are_refused(monkeypatch: Any) -> None:
    module = "taut.estimators.splits"
    monkeypatch.setattr(f"{module}._MANY_BYTES", 0)
    monkeypatch.setattr(f"{module}.available_memory", lambda: 100_000)
    with pytest.raises(
        ParameterError, match="cv=150 folds of 150 rows need about 180 kB of memory, and 100 kB"
    ):
        crossvalidated("regression", cv=150).fit(*given("regression"))


@pytest.mark.fault(82)
def test_strengths_beyond_any_path_are_refused() -> None:
    for technique in ("l2", "early_stopping"):
        with pytest.raises(ParameterError, match="strengths must be a whole number from 1 to 10,000"):
            regularization_path(*given("regression"), technique, strengths=10**8)
