from __future__ import annotations

import copy
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from taut import BatchNorm, Dropout, Recipe, TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.errors import DataError, DataWarning
from tests.estimators.helpers import SMALL, crossvalidated, given, kinds, numbers, output, single, tasks

CLOSE = 1e-5


def frame(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, far from 0 and constant; a category with rare values and gaps; dates, booleans."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "size": rng.normal(50, 20, n),
            "stamp": 1.7e9 + rng.normal(0, 5, n),
            "city": rng.choice(["Köln", "Ulm", "Bonn", "Trier"], n, p=[0.5, 0.3, 0.19, 0.01]),
            "kind": rng.choice(["a", "b"], n),
            "bought": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, n), "D"),
            "active": rng.choice([True, False], n),
        }
    )
    found.loc[rng.random(n) < 0.2, "size"] = np.nan
    found.loc[rng.random(n) < 0.1, "city"] = None
    return found


def amount(X: pd.DataFrame) -> Any:
    noise = np.random.default_rng(1).normal(0, 200, len(X))
    return 2e6 + 10 * X["size"].fillna(50).to_numpy() + 150 * (X["city"] == "Ulm").to_numpy() + noise


def classes(X: pd.DataFrame) -> Any:
    return np.array(["low", "mid", "high"])[np.digitize(amount(X), np.quantile(amount(X), [0.4, 0.7]))]


def predicted(module: torch.nn.Module, table: Any) -> Any:
    with torch.no_grad():
        found = module(torch.from_numpy(table))
    return found.exp().numpy() if found.ndim == 2 else found.numpy()


def close(estimator: Any, found: Any, X: Any) -> None:
    expected = output(estimator, X)
    assert found.shape == expected.shape
    # Of an amount in units of the training target's standard deviation; 1 for classes.
    assert np.abs(found - expected).max() < CLOSE * estimator.model_.target.unit


@kinds
@tasks
@pytest.mark.parametrize(("hidden", "n_bins"), [((), 0), ((8,), 6), ((16, 8), 0)])
def test_a_module_predicts_the_same(make: Any, task: str, hidden: Any, n_bins: int) -> None:
    X, y = given(task)
    estimator = make(task, hidden=hidden, n_bins=n_bins).fit(X, y)
    module = estimator.to_torch()
    assert isinstance(module, torch.nn.Module)
    assert not module.training
    close(estimator, predicted(module, estimator.to_matrix(X)), X)
    far = 100 * numbers(50, seed=3)
    close(estimator, predicted(module, estimator.to_matrix(far)), far)


@pytest.mark.filterwarnings("ignore:column 'city'")
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu"])
@pytest.mark.parametrize("kind", [TautClassifier, TautRegressor])
def test_a_mixed_table_with_batch_norm(kind: Any, activation: Any) -> None:
    X = frame()
    y = amount(X) if kind is TautRegressor else classes(X)
    recipe = Recipe(BatchNorm(), Dropout(0.2))
    small = {**SMALL, "hidden": (12, 6), "activation": activation}
    estimator = kind(**small, n_bins=5, recipe=recipe).fit(X, y)
    module = estimator.to_torch()
    assert "networks.0.hidden.1.norm.running_var" in module.state_dict()
    close(estimator, predicted(module, estimator.to_matrix(X)), X)
    new = frame(60, seed=5)  # with a value that training had not, and gaps where there were none
    new.loc[:9, "city"] = "Graz"
    new.loc[5:20, "kind"] = None
    new.loc[7:9, "stamp"] = np.nan
    table = estimator.to_matrix(new)
    close(estimator, predicted(module, table), new)
    close(estimator, predicted(module, table[:1]), new[:1])


def test_the_average_is_of_probabilities_and_not_of_logits() -> None:
    X, y = given()
    estimator = crossvalidated().fit(X, y)
    module = estimator.to_torch()
    assert len(module.networks) == len(estimator.model_.networks) > 1
    table = torch.from_numpy(estimator.to_matrix(X))
    each = torch.stack([torch.softmax(one(table), dim=1) for one in module.networks])
    assert torch.allclose(module(table).exp(), each.mean(dim=0), atol=1e-6)
    assert torch.allclose(torch.softmax(module(table), dim=1), each.mean(dim=0), atol=1e-6)


def test_the_temperature_goes_along() -> None:
    X, y = given()
    estimator = crossvalidated().fit(X, y)
    estimator.model_ = replace(estimator.model_, temperature=1.7)
    module = estimator.to_torch()
    assert module.temperature == 1.7
    close(estimator, predicted(module, estimator.to_matrix(X)), X)


def test_codes_that_there_are_not_are_other_and_nan_is_missing() -> None:
    X = frame()
    estimator = TautClassifier(**SMALL).fit(X, classes(X))
    module = estimator.to_torch()
    at = module.columns.index("city")
    n_levels = len(module.levels["city"])
    table = np.repeat(estimator.to_matrix(X)[:1], 7, axis=0)
    table[:, at] = [n_levels, n_levels + 2, -1, 1e20, -np.inf, n_levels + 1, np.nan]
    found = predicted(module, table)
    with torch.no_grad():
        inputs = module.networks[0].encoder(torch.from_numpy(table)).numpy()
    assert (inputs[:5] == inputs[0]).all()
    assert (inputs[5] == inputs[6]).all()
    assert (inputs[5] != inputs[0]).any()
    assert np.abs(found[:5] - found[0]).max() < 1e-6


def test_huge_numbers_stay_finite() -> None:
    X, y = given()
    module = single().fit(X, y).to_torch()
    table = np.full((3, 4), [[1e38], [-np.inf], [np.inf]], dtype=np.float32)
    assert np.isfinite(predicted(module, table)).all()


def test_a_table_of_constants_is_predicted_too() -> None:
    X = np.ones((40, 2))
    y = np.arange(40) % 2
    estimator = single().fit(X, y)
    close(estimator, predicted(estimator.to_torch(), estimator.to_matrix(X)), X)
    with pytest.warns(DataWarning, match="nothing to learn"):
        constant = single("regression").fit(numbers(40, 2), np.full(40, 7.0))
    assert predicted(constant.to_torch(), constant.to_matrix(X)) == pytest.approx(np.full(40, 7.0))


def test_the_module_says_what_its_columns_are() -> None:
    X = frame()
    estimator = TautClassifier(**SMALL).fit(X, classes(X))
    module = estimator.to_torch()
    assert module.columns[:2] == ("size", "stamp")
    assert module.columns[-2:] == ("city", "kind")
    assert module.classes == ("high", "low", "mid") == tuple(estimator.classes_)
    assert set(module.levels) == {"city", "kind"}
    table = estimator.to_matrix(X)
    assert table.shape == (300, len(module.columns))
    assert table.dtype == np.float32
    city = module.levels["city"]
    known = X["city"].notna().to_numpy()
    codes = [city.index(name) if name in city else len(city) for name in X["city"][known]]
    assert (table[known, -2] == codes).all()
    assert (table[~known, -2] == len(city) + 1).all()
    origin, unit = module.units[1]
    assert table[:, 1].astype(float) * unit + origin == pytest.approx(X["stamp"].to_numpy(), abs=1e-3)
    assert "city=Ulm" in module.networks[0].encoder.names


def test_it_shares_nothing_with_the_estimator_and_can_be_trained() -> None:
    X, y = given()
    estimator = single(recipe=Recipe(BatchNorm())).fit(X, y)
    before = output(estimator, X)
    module = estimator.to_torch().train()
    step = torch.optim.SGD(module.parameters(), lr=0.1)
    table = torch.from_numpy(estimator.to_matrix(X))
    torch.nn.functional.nll_loss(module(table), torch.from_numpy(y)).backward()
    step.step()
    assert (output(estimator, X) == before).all()
    assert not np.allclose(predicted(module.eval(), table.numpy()), before)


def test_the_random_numbers_of_torch_are_untouched() -> None:
    X, y = given()
    estimator = single(recipe=Recipe(BatchNorm())).fit(X, y)
    before = torch.get_rng_state()
    estimator.to_torch()
    assert torch.equal(torch.get_rng_state(), before)


def test_it_can_be_copied_and_saved() -> None:
    X, y = given()
    module = single().fit(X, y).to_torch()
    table = X.astype(np.float32)
    saved = io.BytesIO()
    torch.save(module, saved)
    saved.seek(0)
    for again in (copy.deepcopy(module), torch.load(saved, weights_only=False)):
        assert (predicted(again, table) == predicted(module, table)).all()
    other = single(random_state=1).fit(X, y).to_torch()
    other.load_state_dict(module.state_dict())
    assert (predicted(other, table) == predicted(module, table)).all()
    assert predicted(module, X.astype(np.float64)) == pytest.approx(predicted(module, table), abs=CLOSE)


@pytest.mark.parametrize("shape", [(3,), (3, 5), (2, 3, 4)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    X, y = given()
    with pytest.raises(DataError, match=r"this model takes \(n_rows, 4\)"):
        single().fit(X, y).to_torch()(torch.zeros(shape))


@pytest.mark.parametrize("kind", [TautClassifierCV, TautRegressor, TautClassifier])
def test_onnx_predicts_the_same_for_any_number_of_rows(
    kind: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    X = frame()
    file = tmp_path / "model.onnx"
    if kind is TautClassifierCV:
        estimator = crossvalidated().fit(X, classes(X))
    elif kind is TautRegressor:
        estimator = TautRegressor(**SMALL, recipe=Recipe(BatchNorm())).fit(X, amount(X))
    else:  # numbers alone, and no hidden layer
        X, y = given()
        estimator = single(hidden=()).fit(X, y)
    estimator.to_onnx(file)
    assert "".join(capfd.readouterr()) == ""
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(file)
    (name,) = [one.name for one in session.get_outputs()]
    assert name == ("values" if kind is TautRegressor else "log_probabilities")
    table = estimator.to_matrix(X)
    for n in (1, 2, 77, len(X)):
        (found,) = session.run(None, {"table": table[:n]})
        close(estimator, np.exp(found) if found.ndim == 2 else found, X[:n])
    facts = session.get_modelmeta().custom_metadata_map
    module = estimator.to_torch()
    assert json.loads(facts["taut.columns"]) == list(module.columns)
    assert json.loads(facts["taut.classes"]) == (None if module.classes is None else list(module.classes))
    assert json.loads(facts["taut.units"]) == [list(one) for one in module.units]
    assert json.loads(facts["taut.levels"]) == {name: list(levels) for name, levels in module.levels.items()}


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    X, y = given()
    with pytest.raises(DataError, match="there is no folder"):
        single().fit(X, y).to_onnx(tmp_path / "no" / "model.onnx")


@pytest.mark.parametrize("make", [TautClassifier, TautRegressorCV])
def test_what_is_not_fitted_is_refused(make: Any, tmp_path: Path) -> None:
    for call in (
        make().to_torch,
        lambda: make().to_onnx(tmp_path / "a.onnx"),
        lambda: make().to_matrix([[1]]),
    ):
        with pytest.raises(NotFittedError):
            call()


@pytest.mark.parametrize(
    ("absent", "method", "said"),
    [
        ("torch", "to_torch", r'to_torch needs PyTorch: install it with pip install "taut\[torch\]"\.'),
        ("torch", "to_onnx", r'to_onnx needs PyTorch: install it with pip install "taut\[onnx\]"\.'),
        ("onnx", "to_onnx", r'to_onnx needs onnx: install it with pip install "taut\[onnx\]"\.'),
        ("onnxscript", "to_onnx", r'to_onnx needs onnxscript: install it with pip install "taut\[onnx\]"\.'),
    ],
)
def test_what_is_not_installed_is_one_sentence(
    absent: str, method: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    X, y = given()
    estimator = single().fit(X, y)
    monkeypatch.setitem(sys.modules, absent, None)
    arguments = [tmp_path / "model.onnx"] if method == "to_onnx" else []
    with pytest.raises(ImportError, match=f"^{said}$"):
        getattr(estimator, method)(*arguments)


def test_the_verdict_from_a_log_is_there_too() -> None:
    import taut.examine
    import taut.torch

    assert taut.torch.diagnose_history is taut.examine.diagnose_history
