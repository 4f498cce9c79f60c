"""The recipe and how it was found, as plain values."""

from __future__ import annotations

import inspect
import platform
import re
from typing import Any

import numpy as np

from taut.estimators.base import TautEstimator
from taut.recipe import Recipe
from taut.report import class_weight
from taut.report.facts.harmless import is_value
from taut.report.schema import MadeFacts, RecipeFacts
from taut.version import __version__


def recipe_of(estimator: Any) -> RecipeFacts:
    """Give the recipe and what it was trained with."""
    recipe: Recipe = estimator.recipe_
    networks = estimator.model_.networks
    network, normalize = networks[0].network, networks[0].normalize
    weight = getattr(estimator, "class_weight", None)
    return {
        "techniques": recipe.to_json(),
        "label": recipe.describe(),
        "code": repr(recipe),
        "hidden": list(network.hidden),
        "activation": network.activation,
        "learning_rate": float(estimator.learning_rate_),
        "batch_size": int(estimator.batch_size_),
        "max_epochs": int(estimator.max_epochs),
        "best_epoch": getattr(estimator, "best_epoch_", None),
        "n_networks": len(networks),
        "n_inputs": network.n_inputs,
        "n_outputs": network.n_outputs,
        "n_parameters": network.n_parameters(batch_norm=normalize),
        "zero_share": float(np.mean([one.zero_share for one in networks])),
        "class_weight": None if weight is None else class_weight.written(weight),
    }


def made_of(estimator: Any) -> MadeFacts:
    """Give how it was done."""
    candidates = getattr(estimator, "candidates_", None)
    seed = estimator.random_state
    return {
        "estimator": type(estimator).__name__,
        "call": _call(estimator),
        "seed": None if seed is None else _code(seed),
        "repeats": isinstance(seed, (int, np.integer))
        and getattr(estimator, "time_limit", None) is None
        and not estimator.interrupted_,
        "n_folds": getattr(estimator, "n_splits_", None),
        "n_repeats": 1 if candidates is None else estimator.best_.n_repeats,
        "n_candidates": None if candidates is None else len(candidates),
        "seconds": getattr(estimator, "search_seconds_", None),
        "interrupted": bool(estimator.interrupted_),
        "given": list(getattr(estimator, "_given", ())),
        "versions": _versions(),
    }


def _call(estimator: TautEstimator) -> str:
    """The estimator as Python, with the parameters that are not as they usually are."""
    usual = inspect.signature(type(estimator)).parameters
    silent = {"n_jobs", "verbose", "on_candidate", "on_batch"}
    given = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in silent and _code(value) != _code(usual[name].default)
    }
    order = [name for name in usual if name in given]
    return f"{type(estimator).__name__}({', '.join(f'{name}={_code(given[name])}' for name in order)})"


def _code(value: object) -> str:
    """As it shows itself, on one line; ``...`` for what does more than make a value where it is pasted."""
    if isinstance(value, np.generic):
        value = value.item()
    shown = class_weight.written(value) if isinstance(value, dict) else repr(value)
    code = re.sub(r"\s*\n\s*", " ", re.sub(r" at 0x[0-9a-fA-F]+", "", shown))
    return code if is_value(code) else "..."


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("numpy", "scipy", "numba", "scikit-learn")
    own = {"taut": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in names} | {"machine": platform.machine()}
