"""Inside scikit-learn's tools, in threads and in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taut import L2, Dropout, EarlyStopping, Recipe
from tests.estimators.helpers import (
    crossvalidated,
    given,
    kinds,
    mixed_columns,
    mixed_target,
    output,
    single,
    tasks,
)

RECIPES = [Recipe(), Recipe(EarlyStopping()), Recipe(L2(0.3), Dropout(0.1), EarlyStopping())]


@kinds
@tasks
def test_inside_a_pipeline(make: Any, task: str) -> None:
    X, y = given(task)
    pipeline = make_pipeline(StandardScaler(), make(task)).fit(X, y)
    assert pipeline.score(X, y) > 0.3
    step = pipeline.steps[1][0]
    weighted = pipeline.fit(X, y, **{f"{step}__sample_weight": np.linspace(0, 1, 150)})
    assert np.isfinite(output(weighted, X)).all()


def test_a_pipeline_hands_a_frame_on() -> None:
    columns = mixed_columns()
    frame, y = pd.DataFrame(columns), mixed_target(columns)
    scaler = ColumnTransformer([("size", StandardScaler(), ["size"])], remainder="passthrough")
    pipeline = make_pipeline(scaler.set_output(transform="pandas"), single(max_epochs=60)).fit(frame, y)
    assert pipeline.score(frame, y) > 0.8


@tasks
def test_a_grid_search_over_recipes(task: str) -> None:
    X, y = given(task)
    search = GridSearchCV(single(task), {"recipe": RECIPES, "hidden": [(4,), (8,)]}, cv=3).fit(X, y)
    assert search.best_params_["recipe"] in RECIPES
    assert search.best_estimator_.recipe_ == search.best_params_["recipe"]
    assert len(search.cv_results_["mean_test_score"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


def test_beside_other_networks_in_a_vote() -> None:
    X, y = given()
    vote = VotingClassifier([("a", single()), ("b", crossvalidated())], voting="soft").fit(X, y)
    expected = (output(vote.estimators_[0], X) + output(vote.estimators_[1], X)) / 2
    np.testing.assert_allclose(vote.predict_proba(X), expected)


@tasks
def test_two_processes_give_the_scores_of_one(task: str) -> None:
    """In processes, n_jobs=None is one thread each, so that they do not fight for the cores."""
    X, y = given(task)
    for make in (single, crossvalidated):
        estimator = make(task, n_jobs=None)
        here = cross_val_score(estimator, X, y, cv=KFold(3))
        there = cross_val_score(estimator, X, y, cv=KFold(3), n_jobs=2)
        assert there.tolist() == here.tolist()

    def threads(fitted: Any, X: Any, y: Any) -> float:
        return float(fitted._engine().threads)

    assert cross_val_score(single(task, n_jobs=None), X, y, cv=2, n_jobs=2, scoring=threads).tolist() == [
        1.0,
        1.0,
    ]
    assert cross_val_score(single(task, n_jobs=2), X, y, cv=2, n_jobs=2, scoring=threads).tolist() == [
        2.0,
        2.0,
    ]
    alone = cross_val_score(single(task, n_jobs=None), X, y, cv=2, scoring=threads)
    assert alone.tolist() == [float(joblib.cpu_count())] * 2


def test_in_joblibs_threads_it_is_one_thread_too() -> None:
    X, y = given()
    with joblib.parallel_backend("threading", n_jobs=2):
        inside = cross_val_predict(single(n_jobs=None), X, y, cv=KFold(3), method="predict_proba")
    outside = cross_val_predict(single(n_jobs=None), X, y, cv=KFold(3), method="predict_proba")
    assert inside.tobytes() == outside.tobytes()


def test_fits_at_the_same_time_do_not_disturb_each_other() -> None:
    X, y = given()
    fits = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(lambda seed: output(crossvalidated(random_state=seed, n_jobs=2).fit(X, y), X))(
            seed % 3
        )
        for seed in range(9)
    )
    for seed in range(3):
        alone = output(crossvalidated(random_state=seed).fit(X, y), X).tobytes()
        assert {fit.tobytes() for fit in fits[seed::3]} == {alone}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_joblibs_workers_callbacks_are_called_too(backend: str, tmp_path: Path) -> None:
    X, y = given()

    def note(score: Any) -> None:
        with (tmp_path / f"{threading.get_native_id()}.txt").open("a") as file:
            file.write(f"{score.recipe!r}\n")

    with joblib.parallel_config(backend, n_jobs=2):
        scores = cross_val_score(crossvalidated(on_candidate=note, n_jobs=None), X, y, cv=3)
    assert scores.tolist() == cross_val_score(crossvalidated(), X, y, cv=3).tolist()
    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == 3 * 4
    assert lines.count("Recipe()") == 3


@pytest.mark.parametrize("n_jobs", [-1, -2, 1, 3])
def test_numbers_of_jobs_are_sklearns(n_jobs: int) -> None:
    cores = joblib.cpu_count()
    expected = {-1: cores, -2: max(1, cores - 1), 1: 1, 3: 3}[n_jobs]
    assert single(n_jobs=n_jobs)._engine().threads == expected
    assert single(n_jobs=np.int64(n_jobs))._engine().threads == expected


@kinds
def test_what_was_pickled_reports_and_saves_itself_in_a_fresh_process(make: Any, tmp_path: Path) -> None:
    joblib.dump(make(max_epochs=2).fit(*given()), tmp_path / "fitted.joblib")
    code = (
        "import sys, joblib; fitted = joblib.load('fitted.joblib'); fitted._repr_html_()\n"
        "fitted.report('page.html'); fitted.save('model'); print(type(fitted).__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith("taut.estimators."), done.stderr
    assert (tmp_path / "page.html").exists()
    assert (tmp_path / "model" / "report.json").exists()
