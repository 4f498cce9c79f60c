"""A fitted estimator -> JSON and safetensors."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.fitted import FittedMLP
from taut.errors import StoreError
from taut.estimators.base import TautEstimator
from taut.recipe import Recipe

#: Fitted attributes that are one number.
NUMBERS = (
    *("n_iter_", "best_epoch_", "learning_rate_", "batch_size_", "best_index_", "n_splits_"),
    "n_bins_",
    "n_identical_rows_",
    "n_rows_",
    *("zero_share_", "interrupted_", "search_seconds_", "class_weighted_"),
)

#: Fitted attributes of a classifier's out-of-fold rows, without the "_" at their end.
CALIBRATED = ("calibration", "confusion", "thresholds")


def pack_weights(networks: Sequence[FittedMLP]) -> bytes:
    """The networks' numbers as a safetensors file: network i's are called ``i.layers.0.weight`` and so on."""
    from safetensors.numpy import save

    tensors = {
        f"{i}.{name}": np.ascontiguousarray(array)
        for i, network in enumerate(networks)
        for name, array in network.weights.items()
    }
    packed: bytes = save(tensors)
    return packed


def describe(estimator: TautEstimator) -> dict[str, Any]:
    """All but the weights, as values that JSON can hold.

    Raises
    ------
    StoreError
        If the classes are of a type that has no JSON form.
    """
    model = estimator.model_
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "versions": versions(),
        "estimator": type(estimator).__name__,
        "parameters": _parameters(estimator),
        "recipe": estimator.recipe_.to_json(),
        "as_code": repr(estimator.recipe_),
        "target": {
            **_classes(model.target.classes),
            "origin": model.target.origin,
            "unit": model.target.unit,
            "constant": model.target.constant,
        },
        "n_features": estimator.n_features_in_,
        "feature_names": None if names is None else [str(name) for name in names],
        "training": _training(estimator),
        "schema": model.schema.to_json(),
        "networks": [
            {
                "network": network.network.to_json(),
                "batch_norm": network.normalize,
                "center": network.center,
                "scale": network.scale,
                "encoder": network.encoder.to_json(),
            }
            for network in model.networks
        ],
    }


def versions() -> dict[str, str]:
    """What a model's numbers may depend on."""
    from importlib.metadata import version

    names = ("numpy", "scipy", "numba", "scikit-learn", "safetensors", "duckdb", "narwhals")
    own = {"python": platform.python_version(), "machine": platform.machine()}
    return own | {name: version(name) for name in names}


def _classes(classes: NDArray[Any] | None) -> dict[str, Any]:
    """The classes, and the type that makes the same array of them again."""
    if classes is None:
        return {"classes": None, "dtype": None}
    kind = classes.dtype.kind
    if kind == "M":  # dates have no JSON form but their text
        return {"classes": classes.astype(str).tolist(), "dtype": str(classes.dtype)}
    if kind == "O" and all(isinstance(one, str) for one in classes):
        return {"classes": list(map(str, classes)), "dtype": "object"}
    if kind not in "biufU":
        raise StoreError(f"classes of the type {classes.dtype} cannot be saved: make them text or numbers.")
    return {"classes": classes.tolist(), "dtype": str(classes.dtype)}


def _parameters(estimator: TautEstimator) -> dict[str, Any]:
    """The parameters that JSON can hold; the others by their ``repr`` under ``"not_saved"``."""
    kept: dict[str, Any] = {}
    left: dict[str, str] = {}
    for name, value in estimator.get_params(deep=False).items():
        if name == "hidden" and not isinstance(value, str):
            kept[name] = [int(width) for width in value]
        elif isinstance(value, Recipe):
            kept[name] = value.to_json()
        elif isinstance(value, np.generic):
            kept[name] = value.item()
        elif value is None or isinstance(value, (bool, int, float, str)):
            kept[name] = value
        else:
            left[name] = repr(value)
    return {**kept, "not_saved": left} if left else kept


def _training(estimator: TautEstimator) -> dict[str, Any]:
    """What is known of the training, for readers and for the attributes after loading."""
    known = {name: getattr(estimator, name) for name in NUMBERS if hasattr(estimator, name)}
    out: dict[str, Any] = {name: plain(value) for name, value in known.items()}
    if hasattr(estimator, "_given"):
        out["given"] = list(estimator._given)
    if getattr(estimator, "importance_", None) is not None:
        out["importance"] = plain(estimator.importance_.to_dict())
    if hasattr(estimator, "n_bins_losses_"):
        out["n_bins_losses"] = {str(n): plain(loss) for n, loss in estimator.n_bins_losses_.items()}
    if hasattr(estimator, "notes_"):
        out["notes"] = list(estimator.notes_)
    if hasattr(estimator, "candidates_"):
        out["candidates"] = [plain(candidate.to_json()) for candidate in estimator.candidates_]
        if getattr(estimator, "estimate_", None) is not None:
            out["estimate"] = plain(estimator.estimate_.to_dict())
        for name in CALIBRATED:
            if (found := getattr(estimator, f"{name}_", None)) is not None:
                out[name] = plain(found.to_dict())
        if getattr(estimator, "simple_baselines_", None):
            out["simple_baselines"] = [plain(one.to_dict()) for one in estimator.simple_baselines_.values()]
        out["history"] = {
            name: [plain(history) for history in folds] for name, folds in estimator.history_.items()
        }
    else:
        out["history"] = plain(estimator.history_)
    return out


def plain(value: Any) -> Any:
    """Only values that JSON can hold; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
