"""Save and load: a folder of JSON and safetensors with a SHA-256 of each file; never pickle.

::

    model/
      model.json           what it is: format, estimator, parameters, recipe, scores, schema, versions
      weights.safetensors  the networks' numbers, ``0.layers.0.weight`` and so on
      checksums.json       SHA-256 of the other two

safetensors does not notice a flipped bit, hence the checksums.  Everything in the folder is data: loading
runs no code from it, and opens no other file than these three.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from taut import __version__
from taut.engine.base import Trained
from taut.errors import StoreError
from taut.estimators import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.estimators.base import TautEstimator
from taut.estimators.model import Model
from taut.estimators.problem import Target
from taut.network import Network
from taut.recipe import Recipe
from taut.selection.score import CandidateScore
from taut.table.encoder import Encoder
from taut.table.schema import Schema

FORMAT = 1
_MODEL, _WEIGHTS, _CHECKSUMS = "model.json", "weights.safetensors", "checksums.json"
_KINDS = {kind.__name__: kind for kind in (TautClassifier, TautRegressor, TautClassifierCV, TautRegressorCV)}


def save(estimator: TautEstimator, folder: str | os.PathLike[str]) -> None:
    """Save a fitted estimator.

    The folder is written beside its place and moved there when it is complete; an older model of the same
    name is replaced then, and stays whole if writing fails.

    Parameters
    ----------
    estimator : TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV
    folder : path
        Made if it does not exist.  An existing one is replaced only if it holds a saved model.

    Raises
    ------
    StoreError
        Where the folder holds something else than a model, or cannot be written.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator, "model_")
    place = check_folder(folder)
    tensors, networks = _pack_networks(estimator.model_.networks)
    text = json.dumps(_describe(estimator, networks), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        try:
            _write(beside, text.encode(), tensors)
            _swap(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Say before a long training, and not after it, that a model cannot be saved there.

    Returns
    -------
    Path
        The folder's absolute path; its parents are made.

    Raises
    ------
    StoreError
        Where the folder holds something else than a model, or cannot be written.
    """
    place = Path(folder).absolute()
    try:
        empty_or_model = place.is_dir() and (not any(place.iterdir()) or (place / _MODEL).is_file())
        if place.exists() and not empty_or_model:
            raise StoreError(f"{folder}: exists and is no saved model; give another folder, or remove it.")
        place.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent).cleanup()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error}).") from error
    return place


def load(folder: str | os.PathLike[str]) -> Any:
    """Load a saved estimator, ready to predict.

    Parameters
    ----------
    folder : path
        As given to ``save``.

    Returns
    -------
    TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV

    Raises
    ------
    StoreError
        Where a file is missing, damaged, unsafe, or of a format that this version does not know.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from taut import TautClassifier, load
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = TautClassifier(hidden=(8,), max_epochs=20, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(folder + "/model")
    ...     bool((load(folder + "/model").predict(X) == clf.predict(X)).all())
    True
    """
    place = Path(folder)
    if not place.is_dir():
        raise StoreError(f"{folder}: no such folder; give the folder that save was given.")
    content = _read_checked(place)
    description = _parse(content[_MODEL], place / _MODEL)
    version = description.get("format")
    if version != FORMAT:
        raise StoreError(
            f"{folder}: format {version!r}, written by taut {description.get('taut', '?')}; this is taut "
            f"{__version__}, which reads format {FORMAT}."
        )
    try:
        return _rebuild(description, content[_WEIGHTS])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(f"{folder}: the model does not fit together ({error}).") from error


# --- writing --------------------------------------------------------------------------------------------


def _write(folder: Path, model: bytes, tensors: dict[str, Any]) -> None:
    from safetensors.numpy import save as pack

    weights = pack(tensors)
    checksums = {_MODEL: _hash(model), _WEIGHTS: _hash(weights)}
    content = ((_MODEL, model), (_WEIGHTS, weights), (_CHECKSUMS, json.dumps(checksums, indent=1).encode()))
    for name, data in content:
        with open(folder / name, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _swap(new: Path, place: Path) -> None:
    """Put the new folder in place; the old one goes only when the new one is there."""
    new.chmod(0o755)
    if not place.exists():
        new.rename(place)
        return
    old = place.with_name(f".{place.name}-old-{os.getpid()}")
    place.rename(old)
    try:
        new.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _pack_networks(networks: tuple[Trained, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    tensors, descriptions = {}, []
    for i, network in enumerate(networks):
        for name, array in network.weights.items():
            tensors[f"{i}.{name}"] = np.ascontiguousarray(array)
        descriptions.append(
            {
                "network": network.network.to_json(),
                "batch_norm": network.normalize,
                "center": network.center,
                "scale": network.scale,
                "encoder": network.encoder.to_json(),
            }
        )
    return tensors, descriptions


def _describe(estimator: TautEstimator, networks: list[dict[str, Any]]) -> dict[str, Any]:
    target = estimator.model_.target
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "format": FORMAT,
        "taut": __version__,
        "versions": _versions(),
        "estimator": type(estimator).__name__,
        "parameters": _parameters(estimator),
        "recipe": estimator.recipe_.to_json(),
        "as_code": repr(estimator.recipe_),
        "target": {
            "classes": None if target.classes is None else target.classes.tolist(),
            "dtype": None if target.classes is None else _class_dtype(target.classes),
            "origin": target.origin,
            "unit": target.unit,
            "constant": target.constant,
        },
        "n_features": estimator.n_features_in_,
        "feature_names": None if names is None else [str(name) for name in names],
        "training": _training(estimator),
        "schema": estimator.model_.schema.to_json(),
        "networks": networks,
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("numpy", "scipy", "numba", "scikit-learn", "safetensors", "duckdb", "narwhals")
    return {"python": platform.python_version(), "machine": platform.machine()} | {
        n: version(n) for n in names
    }


def _class_dtype(classes: Any) -> str:
    """How to make the classes again; text and objects of text are one."""
    if classes.dtype.kind in "US":
        return "str"
    if classes.dtype.kind == "O":
        if not all(isinstance(c, str) for c in classes):
            raise StoreError("classes that are neither text nor numbers cannot be saved: make them text.")
        return "object"
    return str(classes.dtype)


def _parameters(estimator: TautEstimator) -> dict[str, Any]:
    """The parameters that JSON can hold; the others by their ``repr`` under ``"not_saved"``."""
    kept: dict[str, Any] = {}
    left: dict[str, str] = {}
    for name, value in estimator.get_params(deep=False).items():
        if isinstance(value, Recipe):
            kept[name] = value.to_json()
        elif isinstance(value, tuple) and all(isinstance(v, (int, np.integer)) for v in value):
            kept[name] = [int(v) for v in value]
        elif isinstance(value, np.generic):
            kept[name] = value.item()
        elif value is None or isinstance(value, (bool, int, float, str)):
            kept[name] = value
        else:
            left[name] = repr(value)
    return {**kept, "not_saved": left} if left else kept


_NUMBERS = (
    *("n_iter_", "best_epoch_", "learning_rate_", "batch_size_", "best_index_", "n_splits_"),
    *("zero_share_", "interrupted_", "search_seconds_"),
)


def _training(estimator: TautEstimator) -> dict[str, Any]:
    """What is known of the training, for people and for the attributes after loading."""
    known = {name: getattr(estimator, name) for name in _NUMBERS if hasattr(estimator, name)}
    out: dict[str, Any] = {name: _plain(value) for name, value in known.items()}
    if hasattr(estimator, "notes_"):
        out["notes"] = list(estimator.notes_)
    if hasattr(estimator, "candidates_"):
        out["candidates"] = [_plain(c.to_json()) for c in estimator.candidates_]
        out["history"] = [
            {"recipe": recipe.to_json(), "folds": [_plain(h) for h in folds]}
            for recipe, folds in estimator.history_.items()
        ]
    else:
        out["history"] = _plain(estimator.history_)
    return out


def _plain(value: Any) -> Any:
    """Only what JSON holds; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


# --- reading --------------------------------------------------------------------------------------------


def _read_checked(place: Path) -> dict[str, bytes]:
    """The two files, after their checksums; nothing but plain files inside the folder is opened."""
    content = {}
    for name in (_MODEL, _WEIGHTS, _CHECKSUMS):
        path = place / name
        if path.is_symlink() or not path.is_file():
            kind = "is no plain file" if path.exists() or path.is_symlink() else "is missing"
            raise StoreError(f"{path}: {kind}; a saved model has {_MODEL}, {_WEIGHTS} and {_CHECKSUMS}.")
        try:
            content[name] = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror or error}).") from error
    checksums = _parse(content.pop(_CHECKSUMS), place / _CHECKSUMS)
    for name, data in content.items():
        if checksums.get(name) != _hash(data):
            raise StoreError(
                f"{place / name}: the checksum is wrong, the file was damaged or changed; get a new copy."
            )
    return content


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{path}: damaged, this is no JSON ({error}).") from error
    if not isinstance(parsed, dict):
        raise StoreError(f"{path}: damaged, an object was expected.")
    return parsed


def _rebuild(description: dict[str, Any], weights: bytes) -> TautEstimator:
    from safetensors.numpy import load as unpack

    try:
        tensors = unpack(weights)
    except Exception as error:  # safetensors has one exception of its own for all that can be wrong
        raise StoreError(f"{_WEIGHTS}: damaged ({error}).") from error
    name = description["estimator"]
    if name not in _KINDS:
        raise StoreError(f"unknown estimator {name!r}: expected one of {', '.join(_KINDS)}.")
    parameters = dict(description["parameters"])
    parameters.pop("not_saved", None)
    parameters["hidden"] = tuple(parameters["hidden"])
    if parameters.get("recipe") is not None:
        parameters["recipe"] = Recipe.from_json(parameters["recipe"])
    estimator = _KINDS[name](**parameters)
    networks = tuple(_network(i, d, tensors) for i, d in enumerate(description["networks"]))
    target = description["target"]
    classes = None if target["classes"] is None else np.array(target["classes"], dtype=target["dtype"])
    estimator.model_ = Model(
        Schema.from_json(description["schema"]),
        Target(classes, target["origin"], target["unit"], target["constant"]),
        networks,
    )
    if classes is not None:
        estimator.classes_ = classes
    estimator.n_features_in_ = description["n_features"]
    if description["feature_names"] is not None:
        estimator.feature_names_in_ = np.array(description["feature_names"], dtype=object)
    estimator.recipe_ = Recipe.from_json(description["recipe"])
    estimator.network_ = networks[0].network
    _restore_training(estimator, description["training"])
    return estimator


def _network(i: int, description: dict[str, Any], tensors: dict[str, Any]) -> Trained:
    network = Network.from_json(description["network"])
    weights = {
        name.split(".", 1)[1]: array for name, array in tensors.items() if name.split(".", 1)[0] == str(i)
    }
    trained = Trained(
        network,
        description["batch_norm"],
        Encoder.from_json(description["encoder"]),
        description["center"],
        description["scale"],
        weights,
    )
    sizes = network.layer_sizes
    for layer, shape in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        found = weights[f"layers.{layer}.weight"].shape
        if found != shape:
            raise StoreError(
                f"network {i}: layer {layer} has weights {found}, and its description says {shape}."
            )
    if max(1, trained.encoder.n_features) != network.n_inputs:
        raise StoreError(
            f"network {i}: {network.n_inputs} inputs, and its encoder makes {trained.encoder.n_features}."
        )
    return trained


def _restore_training(estimator: Any, training: dict[str, Any]) -> None:
    for name in _NUMBERS:
        if name in training:
            setattr(estimator, name, training[name])
    if "notes" in training:
        estimator.notes_ = tuple(training["notes"])
    if "candidates" in training:
        candidates = tuple(CandidateScore.from_json(c) for c in training["candidates"])
        estimator.restore_candidates(candidates)
        estimator.history_ = {
            Recipe.from_json(h["recipe"]): tuple(_arrays(fold) for fold in h["folds"])
            for h in training["history"]
        }
    else:
        estimator.history_ = _arrays(training["history"])


def _arrays(history: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN; None stands for it."""
    return {
        name: np.array(values, dtype=np.int64 if name == "epoch" else np.float64)
        for name, values in history.items()
    }
