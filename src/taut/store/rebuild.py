"""JSON and safetensors -> a fitted estimator, checked so that no kernel reads outside an array."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.fitted import FittedMLP
from taut.errors import StoreError
from taut.estimators import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.estimators.base import TautEstimator
from taut.estimators.calibrating import Calibrated
from taut.estimators.model import Model
from taut.estimators.target import Target
from taut.evidence.estimate import Estimate
from taut.evidence.importance import Importance
from taut.evidence.probabilities.calibration import Calibration
from taut.evidence.probabilities.confusion import Confusion
from taut.evidence.probabilities.thresholds import Thresholds
from taut.evidence.simple_baselines import SimpleBaseline
from taut.learning.architecture import MLP
from taut.network import Network
from taut.recipe import Recipe
from taut.selection.score import CandidateScore
from taut.store.describe import CALIBRATED, NUMBERS
from taut.store.shape import check_shape
from taut.table.encoder import Encoder
from taut.table.schema import Schema

_KINDS = {kind.__name__: kind for kind in (TautClassifier, TautRegressor, TautClassifierCV, TautRegressorCV)}


def rebuild(description: dict[str, Any], weights: bytes) -> TautEstimator:
    """Make the estimator that was described.

    Parameters
    ----------
    description : dict
        Of ``model.json``.
    weights : bytes
        Of ``weights.safetensors``.

    Raises
    ------
    StoreError, or an error that says where parts are missing or of a wrong type
        If it is not a description, or its parts do not fit each other.
    """
    estimator: TautEstimator = _estimator(description)
    tensors = unpack(weights)
    networks = tuple(_network(i, one, tensors) for i, one in enumerate(description["networks"]))
    schema, target = Schema.from_json(description["schema"]), _target(description["target"])
    _check_fit(schema, target, networks)
    estimator.model_ = Model(schema, target, networks)
    if target.classes is not None:
        estimator.classes_ = target.classes
    estimator.n_features_in_ = len(schema.columns)
    if description["feature_names"] is not None:
        estimator.feature_names_in_ = np.array(description["feature_names"], dtype=object)
    estimator.recipe_ = Recipe.from_json(description["recipe"])
    estimator.network_ = networks[0].network
    _restore_training(estimator, description["training"])
    check_shape(description)
    return estimator


def _estimator(description: dict[str, Any]) -> Any:
    name = description["estimator"]
    if name not in _KINDS:
        raise StoreError(f"unknown estimator {name!r}: expected one of {', '.join(_KINDS)}.")
    parameters = {key: value for key, value in description["parameters"].items() if key != "not_saved"}
    if parameters["hidden"] != "auto":
        parameters["hidden"] = tuple(parameters["hidden"])
    if parameters.get("recipe") is not None:
        parameters["recipe"] = Recipe.from_json(parameters["recipe"])
    return _KINDS[name](**parameters)


def unpack(weights: bytes) -> dict[str, NDArray[Any]]:
    """Give the numbers of ``weights.safetensors`` by their names."""
    from safetensors.numpy import load

    try:
        tensors: dict[str, NDArray[Any]] = load(weights)
    except Exception as error:  # safetensors has one exception of its own for all that can be wrong
        raise StoreError(f"weights.safetensors is damaged: {error}") from error
    return tensors


def _target(data: dict[str, Any]) -> Target:
    classes = None if data["classes"] is None else np.array(data["classes"], dtype=data["dtype"])
    if classes is not None and len(set(classes.tolist())) < len(classes):
        raise StoreError("target.classes does not fit together")
    return Target(classes, float(data["origin"]), float(data["unit"]), bool(data["constant"]))


def _network(i: int, data: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> FittedMLP:
    own = f"{i}."
    trained = FittedMLP(
        Network.from_json(data["network"]),
        bool(data["batch_norm"]),
        Encoder.from_json(data["encoder"]),
        float(data["center"]),
        float(data["scale"]),
        {name.removeprefix(own): array for name, array in tensors.items() if name.startswith(own)},
    )
    if not (isfinite(trained.center) and isfinite(trained.scale)):
        raise StoreError(f"network {i}: its center and scale must be finite.")
    expected = _shapes(trained)
    for name in sorted(expected.keys() | trained.weights.keys()):
        found = trained.weights[name].shape if name in trained.weights else None
        if found != expected.get(name):
            raise StoreError(
                f"network {i}: {name} has the shape {found}, and by its description {expected.get(name)}"
            )
        array = trained.weights[name]
        if array.dtype.kind != "f":
            raise StoreError(f"network {i}: {name} is of the type {array.dtype}")
        if not np.isfinite(array).all():
            raise StoreError(f"network {i}: {name} holds a number that is not finite")
        if name.endswith(".variance") and (array < 0).any():
            raise StoreError(f"network {i}: {name} holds numbers below 0")
    return trained


def _shapes(trained: FittedMLP) -> dict[str, tuple[int, ...]]:
    """The arrays that a network has, by name (see ``FittedMLP``)."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (n_in, n_out) in enumerate(pairwise(trained.network.layer_sizes)):
        shapes[f"layers.{layer}.weight"] = (n_in, n_out)
        vectors = ["bias"]
        if trained.normalize and layer < len(trained.network.hidden):
            vectors += ["gain", "mean", "variance"]
        shapes |= {f"layers.{layer}.{name}": (n_out,) for name in vectors}
    return shapes


def _check_fit(schema: Schema, target: Target, networks: tuple[FittedMLP, ...]) -> None:
    """The kernels trust the encoder to know the matrix's columns, and the network to know the encoder's."""
    if not networks:
        raise StoreError("it has no network")
    n_codes = [len(column.levels) + 2 for column in schema.categories]
    for i, trained in enumerate(networks):
        encoder, network = trained.encoder, trained.network
        if encoder.n_numbers != len(schema.numbers) or np.diff(encoder.category_start).tolist() != n_codes:
            raise StoreError(f"network {i}: its encoder is for other columns than the schema's")
        if network.n_inputs != max(1, encoder.n_features):
            raise StoreError(
                f"network {i}: {network.n_inputs} inputs, and its encoder makes {encoder.n_features}"
            )
        if network.n_outputs != target.n_outputs:
            raise StoreError(
                f"network {i}: {network.n_outputs} outputs, and the target has {target.n_outputs}"
            )


def _restore_training(estimator: Any, training: dict[str, Any]) -> None:
    for name in NUMBERS:
        if name in training:
            setattr(estimator, name, training[name])
    if "given" in training:  # older models do not know
        estimator._given = tuple(map(str, training["given"]))
    # Older models have none, nor do those without held-out rows.
    estimator.importance_ = Importance.from_dict(training["importance"]) if "importance" in training else None
    if "n_bins_losses" in training:
        found = training["n_bins_losses"]
        estimator.n_bins_losses_ = {int(name): float(loss) for name, loss in found.items()}
    if "notes" in training:
        estimator.notes_ = tuple(training["notes"])
    if "candidates" in training:
        network = estimator.network_
        usual = MLP(network.hidden, network.activation, searched=estimator.hidden == "auto")
        estimator.restore_candidates([CandidateScore.from_json(one, usual) for one in training["candidates"]])
        if "estimate" in training:  # older models have none
            estimator.estimate_ = Estimate.from_dict(training["estimate"])
        if estimator.model_.target.classes is not None:  # older models have none of these
            estimator.restore_calibrated(_calibrated(training))
        simple = [SimpleBaseline.from_dict(one) for one in training.get("simple_baselines", ())]
        estimator.simple_baselines_ = {one.kind: one for one in simple}
        estimator.history_ = {
            name: tuple(_arrays(fold) for fold in folds) for name, folds in training["history"].items()
        }
    else:
        estimator.history_ = _arrays(training["history"])


def _calibrated(training: dict[str, Any]) -> Calibrated:
    judged, counted, cut = map(training.get, CALIBRATED)
    return Calibrated(
        None if judged is None else Calibration.from_dict(judged),
        None if counted is None else Confusion.from_dict(counted),
        None if cut is None else Thresholds.from_dict(cut),
    )


def _arrays(history: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN; None stands for it."""
    return {
        name: np.array(values, dtype=np.int64 if name == "epoch" else np.float64)
        for name, values in history.items()
    }
