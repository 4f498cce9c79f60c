"""A taut network fits the signal and not the noise.

The public names. Those that need heavy libraries are imported when they are first used, so that
``import taut`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from taut import techniques
from taut.recipe import Recipe
from taut.techniques import *  # noqa: F403  # exactly its __all__: a new technique needs no line here

if TYPE_CHECKING:
    from taut.estimators import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
    from taut.examine import diagnose, effects
    from taut.path import regularization_path
    from taut.store import load
    from taut.table.public import read

__version__ = "0.1.0"

__all__ = [
    "Recipe",
    "TautClassifier",
    "TautClassifierCV",
    "TautRegressor",
    "TautRegressorCV",
    "diagnose",
    "effects",
    "load",
    "read",
    "regularization_path",
]
__all__ += techniques.__all__

_HOME = {
    "TautClassifier": "taut.estimators",
    "TautClassifierCV": "taut.estimators",
    "TautRegressor": "taut.estimators",
    "TautRegressorCV": "taut.estimators",
    "diagnose": "taut.examine",
    "effects": "taut.examine",
    "load": "taut.store",
    "read": "taut.table.public",
    "regularization_path": "taut.path",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'taut' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
