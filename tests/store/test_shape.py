"""A description that somebody has changed and signed: it is refused in a sentence, or all works with it."""

from __future__ import annotations

import copy
import json
import random
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taut import BatchNorm, EarlyStopping, Recipe, load
from taut.errors import StoreError
from taut.report.facts import facts_of, to_text
from taut.report.page import write_page
from tests.estimators.helpers import crossvalidated, mixed_columns, mixed_target, single
from tests.ids import without_address
from tests.store.helpers import DELETE, edit, sign

pytestmark = pytest.mark.fault(91)

FRAME = pd.DataFrame(mixed_columns(60))
NAN = float("nan")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One network, and a search for each task."""
    y, amounts = mixed_target(mixed_columns(60)), mixed_target(mixed_columns(60), "regression")
    recipe = Recipe(BatchNorm(), EarlyStopping())
    made = {
        "one": single(max_epochs=3, recipe=recipe).fit(FRAME, y),
        "search": crossvalidated(n_candidates=6, max_epochs=8).fit(FRAME, y),
        "amounts": crossvalidated("regression", scoring="r2", n_candidates=6, max_epochs=8).fit(
            FRAME, amounts
        ),
    }
    places = {name: tmp_path_factory.mktemp("shape") / name for name in made}
    for name, fitted in made.items():
        fitted.notes_ = ("a note",)
        fitted.save(places[name])
        (places[name] / "report.json").unlink()  # else it would say what the description does not
    return places


def use(folder: Path) -> bool:
    """Load, predict, make the page, save again; False where it was refused, in a sentence."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* was saved with")
            loaded = load(folder)
    except StoreError as error:
        sentence = str(error).removeprefix(str(folder))
        assert len(sentence) < 500
        assert sentence.isprintable()
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that cannot be may overflow, and be told as missing
        assert len(loaded.predict(FRAME)) == 60
        facts = facts_of(loaded)
        to_text(facts)
        assert "</html>" in write_page(facts)
        loaded.save(folder.with_name("again"))
        load(folder.with_name("again"))
    return True


@pytest.mark.parametrize(
    ("which", "path", "to", "sentence"),
    [
        ("one", ("feature_names", 1), "other", "feature_names does not fit together"),
        ("one", ("feature_names", 1), 7, "feature_names.1: Input should be a valid string"),
        ("one", ("n_features",), 4, "n_features does not fit together"),
        ("one", ("n_features",), "5", "n_features: Input should be a valid integer"),
        ("one", ("versions", "numpy"), 2, "versions.numpy: Input should be a valid string"),
        ("one", ("as_code",), None, "as_code: Input should be a valid string"),
        ("one", ("target", "unit"), 0.0, "target.unit: Input should be greater than 0"),
        ("one", ("target", "unit"), NAN, "target.unit: Input should be"),
        ("one", ("target", "origin"), float("inf"), "target.origin: Input should be a finite number"),
        ("one", ("target", "origin"), "0", "target.origin: Input should be a valid number"),
        ("one", ("target", "classes"), [1, 1], "target.classes does not fit together"),
        ("one", ("parameters", "n_jobs"), 0, "parameters.n_jobs does not fit together"),
        ("one", ("parameters", "n_jobs"), 1e300, "parameters.n_jobs: Input should be a valid integer"),
        ("one", ("parameters", "max_epochs"), -1, "parameters.max_epochs"),
        ("one", ("parameters", "random_state"), {"a": 1}, "parameters.random_state does not fit together"),
        ("one", ("parameters", "random_state"), NAN, "parameters.random_state does not fit together"),
        ("one", ("training", "learning_rate_"), [0.1], "training.learning_rate_: Input should be"),
        ("one", ("training", "learning_rate_"), NAN, "training.learning_rate_: Input should be"),
        (
            "one",
            ("training", "batch_size_"),
            0,
            "training.batch_size_: Input should be greater than or equal",
        ),
        ("one", ("training", "best_epoch_"), 10**30, "training.best_epoch_"),
        ("one", ("training", "interrupted_"), DELETE, "training.interrupted_: Field required"),
        ("one", ("training", "history", "train_loss"), [0.5], "training.history does not fit together"),
        ("one", ("training", "history", "epoch", 0), -1, "training.history.epoch.0"),
        ("one", ("training", "notes"), [NAN], "training.notes.0: Input should be a valid string"),
        ("one", ("training", "importance", "n_rows"), -5, "training.importance.n_rows"),
        ("one", ("training", "importance", "lines", 0, "name"), None, "training.importance.lines.0.name"),
        ("one", ("estimator",), "TautClassifierCV", "unexpected keyword argument"),
        ("one", ("training", "candidates"), [], "has no attribute|has no element|not one of|is missing"),
        ("search", ("training", "best_index_"), -1, "training.best_index_"),
        ("search", ("training", "best_index_"), True, "training.best_index_"),
        ("search", ("training", "n_splits_"), 2, "training.candidates.0.fold_epochs does not fit together"),
        ("search", ("training", "estimate", "n_bagged"), [3, 3], "training.estimate.n_bagged"),
        ("search", ("training", "estimate", "loss", "low"), "x", "training.estimate.loss.low"),
        ("search", ("training", "calibration", "temperature"), 0.0, "training.calibration.temperature"),
        ("search", ("training", "calibration", "bins", 0, "observed"), 1.5, "calibration.bins.0.observed"),
        ("search", ("training", "confusion", "rows", 0), [1.0], "training.confusion does not fit together"),
        ("search", ("training", "confusion", "classes", 0), 7, "training.confusion does not fit together"),
        ("search", ("training", "thresholds", "cuts", 0), 0.1, "training.thresholds does not fit together"),
        ("search", ("training", "thresholds", "rows", 0), [1], "training.thresholds does not fit together"),
        ("search", ("training", "thresholds", "weights", 0, 0), -1.0, "training.thresholds.weights.0.0"),
        ("search", ("training", "candidates", 0, "state"), "won", "training.candidates.0.state"),
        ("search", ("training", "candidates", 0, "batch"), -2, "training.candidates.0.batch"),
        ("search", ("training", "candidates", 0, "seconds"), NAN, "training.candidates.0.seconds"),
        ("search", ("training", "candidates", 0, "failed"), 3, "training.candidates.0.failed"),
        ("search", ("training", "candidates", 0, "score"), [1.0], "training.candidates.0.score does not fit"),
        ("search", ("training", "history", "none", 0, "validation_loss"), [], "history.none does not fit"),
        ("search", ("training", "search_seconds_"), -1.0, "training.search_seconds_"),
        ("search", ("parameters", "time_limit"), "\x1b[31m", "parameters.time_limit"),
        ("search", ("parameters", "hidden", 0), [[]], "parameters.hidden"),
        ("search", ("networks", 0, "scale"), float("inf"), "center and scale must be finite"),
    ],
    ids=without_address,
)
def test_what_cannot_be_is_named(
    models: dict[str, Path], which: str, path: Any, to: Any, sentence: str, tmp_path: Path
) -> None:
    shutil.copytree(models[which], tmp_path / "model")
    edit(tmp_path / "model", *path, to=to)
    with pytest.raises(StoreError, match=f"model: the model does not fit together .*{sentence}"):
        load(tmp_path / "model")


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_do_not_load(
    models: dict[str, Path], value: float, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(models["one"], tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "weights.safetensors")
    for name in ("0.layers.0.weight", "0.layers.1.bias", "0.layers.0.variance"):
        changed = {one: array.copy() for one, array in tensors.items()}
        changed[name].flat[-1] = value
        save_file(changed, tmp_path / "model" / "weights.safetensors")
        sign(tmp_path / "model")
        with pytest.raises(StoreError, match=f"{name[2:]} holds a number that is not finite"):
            load(tmp_path / "model")


def test_a_variance_below_zero_does_not_load(models: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(models["one"], tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "weights.safetensors")
    tensors["0.layers.0.variance"] = -np.abs(tensors["0.layers.0.variance"]) - 1
    save_file(tensors, tmp_path / "model" / "weights.safetensors")
    sign(tmp_path / "model")
    with pytest.raises(StoreError, match=r"layers\.0\.variance holds numbers below 0"):
        load(tmp_path / "model")


# --- anything anywhere ------------------------------------------------------------------------------------

VALUES = [
    *(None, True, False, 0, 1, -1, 7, 10**9, 2**63, 10**30, -(10**30), 0.5, -0.5, 1e-300, 1e300, -1e300),
    *(NAN, float("inf"), "", "x", "1", "\x1b[31mred\x00\n", "\ud800", "a" * 10000, [], {}, [[]], [None]),
    *([1, 2, 3], ["x"], {"a": 1}, [NAN], [[1], [2, 3]], {"format": 1}, [1e300] * 3, [-1] * 3),
]


def mutated(description: Any, stream: random.Random) -> tuple[Any, list[str]]:
    """Change one or two places, deep ones mostly."""
    changed, told = copy.deepcopy(description), []
    for _ in range(stream.choice([1, 1, 1, 1, 2])):
        parent, key, node = None, None, changed
        while isinstance(node, (dict, list)) and node and (parent is None or stream.random() < 0.8):
            key = stream.choice(list(node) if isinstance(node, dict) else range(len(node)))
            parent, node = node, node[key]
        assert parent is not None
        what = stream.choice(["set"] * 6 + ["delete", "twice", "half", "wrap", "other sign", "add"])
        told.append(f"{what} {key!r}")
        if what == "set":
            parent[key] = stream.choice(VALUES)
        elif what == "delete":
            del parent[key]
        elif what == "twice":
            parent[key] = node * 2 if isinstance(node, (list, str)) else [node, node]
        elif what == "half":
            parent[key] = node[: len(node) // 2] if isinstance(node, (list, str)) else None
        elif what == "wrap":
            parent[key] = stream.choice([[node], {"a": node}])
        elif what == "other sign" and isinstance(node, (int, float)):
            parent[key] = -node - 1
        elif what == "add" and isinstance(node, dict):
            node[stream.choice(["x", "", "format"])] = stream.choice(VALUES)
        elif what == "add" and isinstance(node, list):
            node.insert(0, stream.choice(VALUES))
    return changed, told


@pytest.mark.parametrize(
    ("seed", "n"), [(0, 40), *(pytest.param(seed, 200, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_anything_anywhere_is_refused_or_works(
    models: dict[str, Path], seed: int, n: int, tmp_path: Path
) -> None:
    stream = random.Random(seed)
    given = {name: json.loads((folder / "model.json").read_bytes()) for name, folder in models.items()}
    works = 0
    for _ in range(n):
        which = stream.choice(list(models))
        description, told = mutated(given[which], stream)
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(models[which], folder)
        (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")
        sign(folder)
        try:
            works += use(folder)
        except Exception as error:
            error.add_note(f"{which}: {told}")
            raise
    assert 0 < works < n


def test_what_was_not_changed_works(models: dict[str, Path], tmp_path: Path) -> None:
    for name, folder in models.items():
        shutil.copytree(folder, tmp_path / name)
        assert use(tmp_path / name)
