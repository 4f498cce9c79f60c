"""A search that was ended goes on where it was, and only the same search does."""

from __future__ import annotations

import functools
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.samplers import RandomSampler, TPESampler
from sklearn.metrics import f1_score, make_scorer, precision_score

from taut import load
from taut.engine.compiled.engine import CompiledEngine
from taut.errors import ParameterError, StoreError
from tests.estimators.helpers import crossvalidated, given, numbers_of, output, tasks, weights_of

#: Twelve candidates of the first batch, then one batch of the sampler.
USUAL: dict[str, Any] = {"n_candidates": 22, "effort": "quick", "learning_rate": "auto", "max_epochs": 12}


@pytest.fixture
def trial_store(tmp_path: Path) -> Path:
    return tmp_path / "search.db"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl+C means what it means in a program of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# On three folds: those handed over, those at the epochs at which the folds are scored, and those that the
# estimate averages with these.
NETWORKS = 3 + 3 + 2 * 3


@pytest.fixture
def n_trained(monkeypatch: Any) -> Callable[[], int]:
    """How many networks were begun since the last call."""
    begun: list[int] = []
    real = CompiledEngine.train

    def train(self: Any, data: Any, members: Any, **options: Any) -> Any:
        begun.append(sum(type(member).__name__ == "Member" for member in members))
        return real(self, data, members, **options)

    monkeypatch.setattr(CompiledEngine, "train", train)

    def count() -> int:
        total = sum(begun)
        begun.clear()
        return total

    return count


def raising_at(n: int, error: type[BaseException] = KeyboardInterrupt) -> Callable[[Any], None]:
    """Raises when it is told of the n-th candidate."""
    seen: list[Any] = []

    def told(score: Any) -> None:
        seen.append(score)
        if len(seen) == n:
            raise error

    return told


def assert_same(fitted: Any, other: Any, X: Any) -> None:
    assert numbers_of(fitted) == numbers_of(other)
    assert fitted.recipe_ == other.recipe_
    assert fitted.best_index_ == other.best_index_
    assert fitted.row_losses_.tobytes() == other.row_losses_.tobytes()
    assert weights_of(fitted) == weights_of(other)
    for name, curves in fitted.history_.items():
        for one, two in zip(curves, other.history_[name], strict=True):
            assert {key: values.tobytes() for key, values in one.items()} == {
                key: values.tobytes() for key, values in two.items()
            }
    for name, values in fitted.cv_results_.items():
        if name != "mean_fit_time":
            np.testing.assert_array_equal(values, other.cv_results_[name], err_msg=name)
    assert output(fitted, X).tobytes() == output(other, X).tobytes()


# --- it goes on -------------------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("final", ["bag", "refit"])
def test_with_a_file_the_result_is_that_without_one(task: str, final: str, trial_store: Path) -> None:
    X, y = given(task)
    with_file = crossvalidated(task, **USUAL, final=final, resume=trial_store).fit(X, y)
    assert_same(with_file, crossvalidated(task, **USUAL, final=final).fit(X, y), X)
    assert trial_store.stat().st_size > 0


@tasks
@pytest.mark.parametrize("n", [1, 2, 3, 7, 18, 19, 22])
def test_a_search_that_was_broken_off_ends_as_if_it_had_not_been(
    task: str, n: int, trial_store: Path
) -> None:
    """Of the n-th candidate on: the baselines, within the first batch, at its end, within the second one."""
    X, y = given(task)
    broken = crossvalidated(task, **USUAL, resume=trial_store, on_candidate=raising_at(n))
    with pytest.raises(KeyboardInterrupt):
        broken.fit(X, y)
    assert not hasattr(broken, "model_")
    assert_same(
        crossvalidated(task, **USUAL, resume=trial_store).fit(X, y),
        crossvalidated(task, **USUAL).fit(X, y),
        X,
    )


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_after_ctrl_c_the_best_so_far_is_there_and_the_same_fit_goes_on(
    n_jobs: int, trial_store: Path, n_trained: Any
) -> None:
    X, y = given()
    whole = crossvalidated(**USUAL).fit(X, y)
    n_whole = n_trained()
    pressed: list[int] = []

    def press(progress: Any) -> None:
        if progress.done >= 2 and progress.folds >= 12 and not pressed:
            pressed.append(progress.done)
            signal.raise_signal(signal.SIGINT)

    estimator = crossvalidated(**USUAL, resume=str(trial_store), n_jobs=n_jobs)
    estimator.on_progress = press
    estimator.fit(X, y)
    assert pressed
    assert estimator.interrupted_
    assert len(estimator.candidates_) < 22
    assert np.isfinite(output(estimator, X)).all()
    n_before = n_trained()
    estimator.on_progress = None
    estimator.fit(X, y)
    assert not estimator.interrupted_
    assert_same(estimator, whole, X)
    # What was done is not done again, but for networks that are needed once more.
    assert n_trained() < n_whole
    assert n_before > 5


def test_a_search_that_is_done_is_not_done_again(trial_store: Path, n_trained: Any) -> None:
    X, y = given()
    first = crossvalidated(**USUAL, resume=trial_store).fit(X, y)
    n_first, size = n_trained(), trial_store.stat().st_size
    again = crossvalidated(**USUAL, resume=trial_store).fit(X, y)
    assert_same(again, first, X)
    assert n_trained() <= NETWORKS < n_first  # those of the chosen one, which no trial store keeps
    assert again.search_seconds_ > first.search_seconds_
    assert trial_store.stat().st_size == size


def test_the_sampler_goes_on_from_what_it_was_told(trial_store: Path) -> None:
    """The second batch comes from losses that another process may have found."""
    X, y = given()
    with pytest.raises(KeyboardInterrupt):
        crossvalidated(**USUAL, resume=trial_store, sampler=RandomSampler, on_candidate=raising_at(18)).fit(
            X, y
        )
    assert_same(
        crossvalidated(**USUAL, resume=trial_store, sampler=RandomSampler).fit(X, y),
        crossvalidated(**USUAL, sampler=RandomSampler).fit(X, y),
        X,
    )


def test_what_is_told_and_threads_and_time_may_change(trial_store: Path) -> None:
    X, y = given()
    with pytest.raises(KeyboardInterrupt):
        crossvalidated(**USUAL, resume=trial_store, on_candidate=raising_at(5), time_limit=500).fit(X, y)
    seen: list[Any] = []
    fitted = crossvalidated(
        **USUAL, resume=trial_store, n_jobs=2, on_batch=seen.append, time_limit=600, verbose=0
    ).fit(X, y)
    assert numbers_of(fitted) == numbers_of(crossvalidated(**USUAL).fit(X, y))
    assert [len(batch) for batch in seen] == [16, 4]


def test_a_time_limit_counts_what_earlier_sessions_took(trial_store: Path) -> None:
    X, y = given()
    done = crossvalidated(**USUAL, resume=trial_store, time_limit=600).fit(X, y)
    connection = sqlite3.connect(trial_store)
    row = connection.execute("SELECT * FROM time").fetchone()
    from taut.selection.trial_store_file import seal

    sealed = seal("time", (row[0], np.array([599.9]).tobytes()))
    connection.execute("UPDATE time SET elapsed = ?, digest = ?", sealed[1:])
    connection.commit()
    connection.close()
    again = crossvalidated(**USUAL, resume=trial_store, time_limit=600).fit(X, y)
    assert again.search_seconds_ > 599.9
    assert len(again.candidates_) <= len(done.candidates_)


@pytest.mark.parametrize("n", [4, 20])
def test_a_scorer_chooses_among_remembered_candidates_as_among_new_ones(n: int, trial_store: Path) -> None:
    X, y = given()
    with pytest.raises(KeyboardInterrupt):
        crossvalidated(**USUAL, resume=trial_store, scoring="accuracy", on_candidate=raising_at(n)).fit(X, y)
    assert_same(
        crossvalidated(**USUAL, resume=trial_store, scoring="accuracy").fit(X, y),
        crossvalidated(**USUAL, scoring="accuracy").fit(X, y),
        X,
    )


# --- another search is refused ----------------------------------------------------------------------------


@pytest.fixture
def begun(trial_store: Path) -> Path:
    crossvalidated(n_candidates=2, max_epochs=2, resume=trial_store).fit(*given())
    return trial_store


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": (9,)}, r"hidden was \(8,\) and is now \(9,\)"),
        ({"hidden": "auto"}, r"hidden was \(8,\) and is now 'auto'"),
        ({"activation": "gelu"}, "activation was 'relu' and is now 'gelu'"),
        ({"learning_rate": 0.01}, "learning_rate was 0.02 and is now 0.01"),
        ({"batch_size": 8}, "batch_size was 'auto' and is now 8"),
        ({"max_epochs": 3}, "max_epochs was 2 and is now 3"),
        ({"n_candidates": 3}, "n_candidates was 2 and is now 3"),
        ({"effort": "quick"}, "effort was 'standard' and is now 'quick'"),
        ({"scoring": "accuracy"}, "scoring was None and is now 'accuracy'"),
        ({"sampler": TPESampler}, "sampler was None and is now 'optuna.*TPESampler'"),
        ({"random_state": 1}, "random_state was 0 and is now 1"),
        ({"class_weight": "balanced"}, "class_weight was None and is now 'balanced'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_parameters_are_refused_by_name(changes: Any, sentence: str, begun: Path) -> None:
    before = begun.read_bytes()
    with pytest.raises(StoreError, match=rf"search\.db: was begun with other arguments: {sentence}\. Give"):
        crossvalidated(**{"n_candidates": 2, "max_epochs": 2, **changes}, resume=begun).fit(*given())
    assert begun.read_bytes() == before


@pytest.mark.parametrize("changes", [{"selection": "1se"}, {"final": "refit"}], ids=str)
def test_the_choice_may_be_another_one(changes: Any, begun: Path) -> None:
    """No training depends on it, so that what was trained is not trained again."""
    fitted = crossvalidated(n_candidates=2, max_epochs=2, **changes, resume=begun).fit(*given())
    assert len(fitted.model_.networks) == (5 if "final" in changes else fitted.n_splits_)


@pytest.mark.parametrize("name", ["scoring", "sampler"])
def test_a_nameless_function_is_refused_with_resume(name: str, tmp_path: Path) -> None:
    estimator = crossvalidated(resume=tmp_path / "x.db", **{name: lambda *args, **more: 1.0})
    with pytest.raises(ParameterError, match=f"resume cannot tell one nameless function .* give {name} one"):
        estimator.fit(*given())
    assert not (tmp_path / "x.db").exists()


def test_a_regressor_does_not_go_on_with_a_classifiers_search(begun: Path) -> None:
    X, y = given()
    with pytest.raises(StoreError, match="was begun"):
        crossvalidated("regression", n_candidates=2, max_epochs=2, resume=begun).fit(X, y.astype(float))


@pytest.mark.parametrize("what", ["X", "y", "rows", "order", "weights", "cv", "groups", "validation"])
def test_other_data_is_refused(what: str, begun: Path) -> None:
    X, y = given()
    changes: dict[str, Any] = {}
    more: dict[str, Any] = {}
    if what == "X":
        X = X.copy()
        X[7, 2] += 1e-3
    if what == "y":
        y = y.copy()
        y[7] = (y[7] + 1) % 3
    if what == "rows":
        X, y = X[:-1], y[:-1]
    if what == "order":
        X, y = X[::-1], y[::-1]
    if what == "weights":
        more["sample_weight"] = np.linspace(1, 2, 150)
    if what == "cv":
        changes["cv"] = 4
    if what == "groups":
        more["groups"] = np.arange(150) // 5
    if what == "validation":
        more = {"X_val": X, "y_val": y}
    with pytest.raises(
        StoreError, match=r"search\.db: was begun on other data .*start anew with another file"
    ):
        crossvalidated(**{"n_candidates": 2, "max_epochs": 2, **changes}, resume=begun).fit(X, y, **more)


def test_the_same_data_in_another_form_goes_on(begun: Path, n_trained: Any) -> None:
    X, y = given()
    crossvalidated(n_candidates=2, max_epochs=2.0, hidden=[np.int64(8)], resume=str(begun)).fit(
        np.asfortranarray(X), y.tolist()
    )
    assert n_trained() <= NETWORKS


def test_functions_and_scorers_are_known_by_their_names_and_not_by_their_place_in_memory(
    trial_store: Path,
) -> None:
    def sampler(n: int) -> Any:
        return functools.partial(TPESampler, n_startup_trials=n)

    def scorer(metric: Any) -> Any:
        return make_scorer(metric, average="macro", zero_division=0)

    X, y = given()
    usual: dict[str, Any] = {"n_candidates": 2, "max_epochs": 2, "resume": trial_store}
    crossvalidated(**usual, sampler=sampler(3), scoring=scorer(f1_score)).fit(X, y)
    crossvalidated(**usual, sampler=sampler(3), scoring=scorer(f1_score)).fit(X, y)
    with pytest.raises(StoreError, match="scoring was .*f1_score.* and is now .*precision_score"):
        crossvalidated(**usual, sampler=sampler(3), scoring=scorer(precision_score)).fit(X, y)
    with pytest.raises(
        StoreError, match="sampler was .*n_startup_trials=3.* and is now .*n_startup_trials=4"
    ):
        crossvalidated(**usual, sampler=sampler(4), scoring=scorer(f1_score)).fit(X, y)


def test_a_seed_is_needed(trial_store: Path) -> None:
    for state in (None, np.random.RandomState(0)):
        with pytest.raises(ParameterError, match="resume needs random_state, a whole number"):
            crossvalidated(resume=trial_store, random_state=state).fit(*given())
    assert not trial_store.exists()
    crossvalidated(resume=trial_store, random_state=np.int64(3), n_candidates=2).fit(*given())
    assert trial_store.exists()


def test_a_file_that_is_no_trial_store_is_refused_before_training(tmp_path: Path, n_trained: Any) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for place, sentence in (
        (tmp_path / "notes.txt", "is not a taut search checkpoint"),
        (tmp_path, "is a folder, not a taut search checkpoint"),
        (tmp_path / "nix" / "search.db", "there is no folder"),
    ):
        with pytest.raises(StoreError, match=sentence):
            crossvalidated(resume=place).fit(*given())
    assert n_trained() == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_saved_model_does_not_take_its_trial_store_with_it(begun: Path, tmp_path: Path) -> None:
    fitted = crossvalidated(n_candidates=2, max_epochs=2, resume=begun).fit(*given())
    fitted.save(tmp_path / "model")
    assert load(tmp_path / "model").resume is None
