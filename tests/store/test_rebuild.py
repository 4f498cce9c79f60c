"""A description that was changed on purpose, and signed: its parts have to fit, or it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from taut import BatchNorm, EarlyStopping, Recipe, load
from taut.errors import StoreError
from tests.estimators.helpers import crossvalidated, mixed_columns, mixed_target, output, single
from tests.ids import without_address
from tests.store.helpers import DELETE, edit, sign

FRAME = pd.DataFrame(mixed_columns(60))


@pytest.fixture(scope="module")
def fitted() -> Any:
    recipe = Recipe(BatchNorm(), EarlyStopping())
    return single(max_epochs=3, recipe=recipe).fit(FRAME, mixed_target(mixed_columns(60)))


@pytest.fixture
def model(fitted: Any, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")  # beside the error
@pytest.mark.parametrize(
    ("path", "to", "sentence"),
    [
        (("estimator",), "Popen", "unknown estimator 'Popen': expected one of TautClassifier, "),
        (("estimator",), DELETE, "'estimator' is missing"),
        (("networks",), [], "it has no network"),
        (("networks",), DELETE, "'networks' is missing"),
        (("parameters", "recipe", "format"), 2, "recipe is of format 2"),
        (("parameters", "shell"), "rm", "unexpected keyword argument 'shell'"),
        (("parameters", "hidden"), None, "not iterable"),
        (("recipe", "techniques", "quantum"), {"rate": 1}, "has a technique 'quantum' that this version"),
        (("recipe", "techniques", "early_stopping", "patience"), -1, "patience must be"),
        (("schema", "format"), 9, "the column schema has format 9, and this version of taut reads format 1"),
        (("schema", "columns", 0, "parts"), [], "its encoder is for other columns than the schema's"),
        (("schema", "columns", 2, "levels"), ["red"], "its encoder is for other columns than the schema's"),
        (("schema", "columns", 2, "kind"), "dropped", "its encoder is for other columns than the schema's"),
        (("networks", 0, "encoder", "format"), 3, "the encoder has format 3"),
        (("networks", 0, "encoder", "category_feature"), [0, 1, 2, 3, 10**6], "parts do not fit each other"),
        (("networks", 0, "encoder", "center", 0), 1e300, "encoder"),
        (("networks", 0, "network", "n_inputs"), 500, "has the shape"),
        (("networks", 0, "network", "hidden"), [8, 8], r"1\.bias has the shape \(2,\), and by its .* \(8,\)"),
        (("networks", 0, "network", "hidden"), [10**9], "has the shape"),
        (("networks", 0, "network", "n_outputs"), 3, "has the shape"),
        (("networks", 0, "network", "activation"), "os.system", "activation must be one of relu, silu, gelu"),
        (("networks", 0, "batch_norm"), False, r"layers\.0\.gain has the shape \(8,\), and by its .* None"),
        (("networks", 0, "center"), "much", "could not convert string to float"),
        (("networks", 0, "scale"), float("nan"), "center and scale must be finite"),
        (("target", "classes"), [7], "2 outputs, and the target has 1"),
        (("target", "classes"), None, "2 outputs, and the target has 1"),
        (("target", "dtype"), "nix", "data type 'nix' not understood"),
        (("target", "origin"), None, "not 'NoneType'"),
        (("training",), DELETE, "'training' is missing"),
        (("training", "history"), {"train_loss": ["x"]}, "could not convert string to float"),
    ],
    ids=without_address,
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_in_a_sentence(
    model: Path, path: Any, to: Any, sentence: str
) -> None:
    edit(model, *path, to=to)
    with pytest.raises(StoreError, match=f"model: the model does not fit together .*{sentence}"):
        load(model)


def test_a_second_network_needs_weights_of_its_own(model: Path) -> None:
    description = json.loads((model / "model.json").read_bytes())
    edit(model, "networks", to=description["networks"] * 2)
    with pytest.raises(StoreError, match=r"network 1: layers\.0\.bias has the shape None"):
        load(model)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            "0.layers.0.bias",
            lambda a: a[:-1],
            r"layers\.0\.bias has the shape \(7,\), and by its description \(8,\)",
        ),
        ("0.layers.0.weight", lambda a: a.T.copy(), r"layers\.0\.weight has the shape"),
        ("0.layers.0.variance", lambda a: a[:, None], r"layers\.0\.variance has the shape \(8, 1\)"),
        ("0.layers.1.bias", lambda a: a.astype(np.int32), r"layers\.1\.bias is of the type int32"),
        ("0.layers.1.bias", None, r"layers\.1\.bias has the shape None"),
    ],
)
def test_weights_that_do_not_fit_are_refused(model: Path, name: str, change: Any, sentence: str) -> None:
    tensors = load_file(model / "weights.safetensors")
    array = tensors.pop(name)
    if change is not None:
        tensors[name] = np.ascontiguousarray(change(array))
    save_file(tensors, model / "weights.safetensors")
    sign(model)
    with pytest.raises(StoreError, match=sentence):
        load(model)


@given(junk=st.binary(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_weights_that_are_no_safetensors_are_refused(model: Path, junk: bytes) -> None:
    (model / "weights.safetensors").write_bytes(junk)
    sign(model)
    with pytest.raises(StoreError, match="weights.safetensors is damaged|has the shape None"):
        load(model)


def test_a_description_written_by_hand_works_where_it_fits(model: Path, fitted: Any) -> None:
    edit(model, "schema", "columns", 0, "why", to="by hand")
    assert output(load(model), FRAME).tobytes() == output(fitted, FRAME).tobytes()


@pytest.fixture(scope="module")
def searched() -> Any:
    return crossvalidated().fit(FRAME, mixed_target(mixed_columns(60)))


@pytest.mark.parametrize(
    ("path", "to", "sentence"),
    [
        (("training", "best_index_"), 77, "out of range"),
        (("training", "candidates"), [], "out of range"),
        (("training", "candidates", 0, "candidate"), DELETE, "'candidate' is missing"),
        (
            ("training", "candidates", 0, "candidate", "learning_rate"),
            "fast",
            "learning rate is a number above",
        ),
        (
            ("training", "candidates", 0, "candidate", "learning_rate"),
            -1.0,
            "learning rate is a number above",
        ),
        (("training", "candidates", 0, "candidate", "hidden"), [8, 0], "hidden widths are whole numbers"),
        (("training", "candidates", 0, "candidate", "hidden"), "8", "hidden widths are whole numbers"),
        (("training", "candidates", 0, "candidate", "recipe", "format"), 7, "recipe is of format 7"),
        (("training", "candidates", 0, "validation_loss"), ["x"], "could not convert string to float"),
        (("training", "candidates", 0, "scoring"), DELETE, "'scoring' is missing"),
        (("training", "candidates", 0, "shell"), "rm", "unexpected keyword argument 'shell'"),
        (("training", "history"), [], "has no attribute 'items'"),
        (("training", "history", "none", 0, "epoch"), ["x"], "invalid literal"),
        (("training", "history", "none", 0, "epoch"), {"a": 1}, "int"),
        (("parameters", "hidden"), 8, "not iterable"),
    ],
    ids=without_address,
)
def test_a_search_whose_parts_do_not_fit_is_refused_in_a_sentence(
    searched: Any, tmp_path: Path, path: Any, to: Any, sentence: str
) -> None:
    searched.save(tmp_path / "model")
    edit(tmp_path / "model", *path, to=to)
    with pytest.raises(StoreError, match=f"model: the model does not fit together .*{sentence}"):
        load(tmp_path / "model")
