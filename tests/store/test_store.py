"""Save and load: what comes back is what was saved, bit for bit, and no code comes with it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.samplers import RandomSampler
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import KFold

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe, load
from taut.evidence.interval import Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.selection.score import CandidateScore
from taut.store import save
from taut.table.frame import Frame, NumberColumn
from tests.estimators.helpers import (
    crossvalidated,
    given,
    kinds,
    mixed_columns,
    mixed_target,
    numbers,
    output,
    single,
    tasks,
)

RECIPE = Recipe(L1(1e-3), L2(0.1), Dropout(0.2, input_rate=0.1), BatchNorm(), EarlyStopping(7))


def again(estimator: Any, folder: Path) -> Any:
    estimator.save(folder / "model")
    return load(folder / "model")


def assert_equal(a: Any, b: Any, where: str = "") -> None:
    """The same values of the same types, NaN included, whatever is inside."""
    assert type(a) is type(b), where
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for name in a:
            assert_equal(a[name], b[name], f"{where}[{name!r}]")
    elif isinstance(a, (tuple, list)):
        assert len(a) == len(b), where
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            assert_equal(one, other, f"{where}[{i}]")
    elif isinstance(a, (CandidateScore, SimpleBaseline, Interval)):
        for field in fields(a):
            assert_equal(getattr(a, field.name), getattr(b, field.name), f"{where}.{field.name}")
    else:
        assert a == b or a != a, where


# --- there and back ---------------------------------------------------------------------------------------


@kinds
@tasks
@pytest.mark.parametrize("table", ["array", "named", "mixed"])
def test_what_comes_back_is_what_was_saved(make: Any, task: str, table: str, tmp_path: Path) -> None:
    if table == "mixed":
        X: Any = pd.DataFrame(mixed_columns())
        y = mixed_target(mixed_columns(), task)
    else:
        X, y = given(task)
        X = pd.DataFrame(X, columns=list("abcd")) if table == "named" else X
    fitted = make(task, **({"recipe": RECIPE} if make is single else {"n_candidates": 12})).fit(X, y)
    loaded = again(fitted, tmp_path)
    assert type(loaded) is type(fitted)
    assert output(loaded, X).tobytes() == output(fitted, X).tobytes()
    assert loaded.get_params() == fitted.get_params()
    # As large as the table, or told in report.json, and of no use for predicting.
    left = {"signs_", "row_losses_", "_plain_runs"} if make is crossvalidated else {"signs_"}
    assert set(vars(fitted)) - set(vars(loaded)) == left
    assert set(vars(loaded)) <= {*vars(fitted), "_saved_report"}
    for name, value in vars(fitted).items():
        if name not in {"model_", *left}:
            assert_equal(getattr(loaded, name), value, name)
    for network, other in zip(fitted.model_.networks, loaded.model_.networks, strict=True):
        assert (network.network, network.normalize) == (other.network, other.normalize)
        assert (network.center, network.scale) == (other.center, other.scale)
        assert network.encoder.to_json() == other.encoder.to_json()
        assert_equal(dict(sorted(network.weights.items())), dict(sorted(other.weights.items())))
    assert loaded.model_.schema == fitted.model_.schema
    # And once more, from the loaded one.
    loaded.save(tmp_path / "second")
    for name in ("model.json", "weights.safetensors", "report.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


@tasks
def test_another_process_predicts_the_same(task: str, tmp_path: Path) -> None:
    X, y = given(task)
    fitted = crossvalidated(task).fit(X, y)
    fitted.save(tmp_path / "model")
    np.save(tmp_path / "X.npy", X)
    method = "predict_proba" if task == "classification" else "predict"
    code = f"import numpy, taut; numpy.save('out.npy', taut.load('model').{method}(numpy.load('X.npy')))"
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)
    assert np.load(tmp_path / "out.npy").tobytes() == output(fitted, X).tobytes()


def test_a_folder_may_be_moved_and_read_only(tmp_path: Path) -> None:
    X, y = given()
    fitted = single().fit(X, y)
    fitted.save(tmp_path / "model")
    moved = tmp_path / "elsewhere" / "päckchen 🍋"
    moved.parent.mkdir()
    shutil.move(tmp_path / "model", moved)
    for file in moved.iterdir():
        file.chmod(0o444)
    assert output(load(moved), X).tobytes() == output(fitted, X).tobytes()


def test_paths_may_be_text_or_paths_relative_or_not(tmp_path: Path, monkeypatch: Any) -> None:
    fitted = single().fit(*given())
    monkeypatch.chdir(tmp_path)
    fitted.save("model")
    fitted.save(tmp_path / "deep" / "er" / "model")
    save(fitted, os.path.join("deep", "other"))
    for place in ("model", Path("deep/er/model"), "./deep/../deep/other/"):
        assert (output(load(place), numbers()) == output(fitted, numbers())).all()


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["one", "three", "two"]),
        np.array(["one", "three", "two"], dtype=object),
        np.array(["a", "b", "c"], dtype="U40"),
        np.array([-5, 0, 12]),
        np.array([0, 1, 200], dtype=np.uint8),
        np.array([0, 2**63, 2**64 - 1], dtype=np.uint64),
        np.array([-1.0, 0.0, 1.0], dtype=np.float32),
        np.array(["", "<script>alert('x')</script>", "\"'\\\u2028🍋"]),
    ],
    ids=lambda classes: f"{classes.dtype}-{classes[1]}",
)
def test_classes_of_every_type(classes: Any, tmp_path: Path) -> None:
    X, codes = given()
    y = np.sort(classes)[codes]
    fitted = single().fit(X, y)
    loaded = again(fitted, tmp_path)
    assert_equal(loaded.classes_, fitted.classes_)
    assert_equal(loaded.predict(X), fitted.predict(X))


def test_classes_of_yes_and_no(tmp_path: Path) -> None:
    X = numbers()
    fitted = single().fit(X, X[:, 0] > 0)
    assert_equal(again(fitted, tmp_path).predict(X), fitted.predict(X))


NAMES = [
    "<script>alert(1)</script>",
    "\"double\" and 'single'",
    "🍋 naïve Ω",
    " spaces ",
    "line\nbreak",
    "a\\b/../c",
]


def test_names_of_columns_with_all_that_a_name_can_hold(tmp_path: Path) -> None:
    X = pd.DataFrame(numbers(150, 6), columns=NAMES)
    y = (X.iloc[:, 0] > 0).astype(int)
    fitted = single().fit(X, y)
    loaded = again(fitted, tmp_path)
    assert loaded.feature_names_in_.tolist() == NAMES
    assert output(loaded, X).tobytes() == output(fitted, X).tobytes()


def test_names_with_half_a_character(tmp_path: Path) -> None:
    """As the name of a file or a careless program makes them."""
    X = numbers()
    frame = Frame((NumberColumn("half \udcff", X[:, 0]), NumberColumn("b", X[:, 1])), 150)
    fitted = single().fit(frame, X[:, 0] > 0)
    assert again(fitted, tmp_path).feature_names_in_.tolist() == ["half \udcff", "b"]


def test_what_json_has_no_form_for_is_left_out_and_told(tmp_path: Path) -> None:
    X, y = given()
    fitted = crossvalidated(
        cv=KFold(3), class_weight={0: 2.0}, random_state=np.random.RandomState(0), hidden=[np.int64(8), 4]
    ).fit(X, y)
    loaded = again(fitted, tmp_path)
    assert output(loaded, X).tobytes() == output(fitted, X).tobytes()
    assert loaded.hidden == (8, 4)
    assert (loaded.cv, loaded.class_weight, loaded.random_state) == ("auto", None, None)
    text = (tmp_path / "model" / "model.json").read_text(encoding="utf-8")
    assert '"not_saved"' in text
    assert "KFold(n_splits=3" in text


def test_functions_and_files_are_left_out_and_told(tmp_path: Path) -> None:
    X, y = given()
    own = {
        "scoring": make_scorer(accuracy_score), "sampler": RandomSampler, "resume": tmp_path / "search.db",
        "on_candidate": len_of, "on_batch": len_of,
    }  # fmt: skip
    fitted = crossvalidated(**own).fit(X, y)
    loaded = again(fitted, tmp_path)
    assert output(loaded, X).tobytes() == output(fitted, X).tobytes()
    assert {name: getattr(loaded, name) for name in own} == dict.fromkeys(own)
    assert_equal(loaded.cv_results_, fitted.cv_results_)
    parameters = json.loads((tmp_path / "model" / "model.json").read_bytes())["parameters"]
    assert set(parameters["not_saved"]) == set(own)
    assert "accuracy_score" in parameters["not_saved"]["scoring"]


def len_of(news: Any) -> None:
    """A listener."""


def test_a_search_of_pieces_comes_back(tmp_path: Path) -> None:
    X, y = given("regression")
    estimator = crossvalidated("regression", n_bins="auto", n_candidates=10, max_epochs=8).fit(X, y)
    assert set(estimator.n_bins_losses_) == {0, 24}
    (n_bins,) = {one.candidate.architecture.n_bins for one in estimator.candidates_}  # type: ignore[attr-defined]
    assert estimator.n_bins_ == n_bins
    estimator.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert (loaded.n_bins_, loaded.n_bins_losses_) == (n_bins, estimator.n_bins_losses_)
    assert [one.candidate for one in loaded.candidates_] == [one.candidate for one in estimator.candidates_]
    assert loaded.model_.n_bins == estimator.best_.candidate.architecture.n_bins
    assert np.array_equal(loaded.predict(X), estimator.predict(X))


def test_a_search_of_widths_and_refitted_networks_come_back(tmp_path: Path) -> None:
    X, y = given()
    own = {"hidden": "auto", "final": "refit", "selection": "1se", "effort": "quick", "scoring": "accuracy"}
    fitted = crossvalidated(**own, n_candidates=18, max_epochs=3).fit(X, y)
    loaded = again(fitted, tmp_path)
    assert loaded.get_params() == fitted.get_params()
    assert output(loaded, X).tobytes() == output(fitted, X).tobytes()
    assert len(loaded.model_.networks) == 5
    assert len({c.candidate.architecture.widths for c in loaded.candidates_}) > 2
    assert {c.state for c in loaded.candidates_} == {"complete", "dropped"}
    assert_equal(loaded.candidates_, fitted.candidates_)
    assert_equal(loaded.cv_results_, fitted.cv_results_)


def test_numbers_of_numpy_are_saved_as_numbers(tmp_path: Path) -> None:
    changes = {"learning_rate": np.float32(0.015625), "batch_size": np.int64(16), "max_epochs": np.int16(3)}
    loaded = again(single(**changes).fit(*given()), tmp_path)
    assert (loaded.learning_rate, loaded.batch_size, loaded.max_epochs) == (0.015625, 16, 3)


def test_a_constant_target_and_a_linear_model_and_notes(tmp_path: Path) -> None:
    X = numbers()
    with pytest.warns(UserWarning, match="in every row"):
        fitted = crossvalidated("regression", hidden=()).fit(X, np.full(150, 0.1))
    fitted.notes_ = ("column 'a': <b>", "und 🍋")
    loaded = again(fitted, tmp_path)
    assert (loaded.predict(X) == 0.1).all()
    assert loaded.notes_ == fitted.notes_


def test_a_loaded_model_may_be_fitted_again(tmp_path: Path) -> None:
    X, y = given()
    loaded = again(crossvalidated().fit(X[:60], y[:60]), tmp_path)
    assert (output(loaded.fit(X, y), X) == output(crossvalidated().fit(X, y), X)).all()


@pytest.mark.parametrize("kind", [single, crossvalidated])
def test_what_is_not_fitted_is_not_saved(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        kind().save(tmp_path / "model")
    assert not any(tmp_path.iterdir())


# --- no code ----------------------------------------------------------------------------------------------

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib.numpy_pickle",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def unsafe(source: str) -> list[str]:
    """What in a source could read or run somebody's code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [
            name for name in names if name in FORBIDDEN_MODULES or name in ("joblib.dump", "joblib.load")
        ]
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found.append(node.func.id)
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in (
                "joblib.dump", "joblib.load", "np.load", "numpy.load", "torch.load", "yaml.load"
            ):  # fmt: skip
                found.append(ast.unparse(node.func))
            found += [word.arg for word in node.keywords if word.arg == "allow_pickle"]
    return found


def test_no_pickle_anywhere(root: Path) -> None:
    files = sorted((root / "src").rglob("*.py"))
    assert len(files) > 50
    assert {
        str(file): unsafe(file.read_text(encoding="utf-8"))
        for file in files
        if unsafe(file.read_text("utf-8"))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import dump",
        "import joblib\njoblib.load('x')",
        "eval('1')",
        "from marshal import loads",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_the_walk_finds_what_it_looks_for(source: str) -> None:
    assert unsafe(source)
