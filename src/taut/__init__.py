"""A taut network fits the signal and not the noise.

The public names. Each is imported when it is first used, so that ``import taut`` takes no time, and Ctrl+C
finds the command line ready for it (taut/ctrl_c.py).
"""

from __future__ import annotations

from importlib import import_module

from taut import handed_in
from taut.version import __version__ as __version__

TYPE_CHECKING = False  # as typing has it, which takes longer to import than the rest of this
if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Any

    import plotly.graph_objects
    import torch

    from taut import techniques
    from taut.estimators import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
    from taut.estimators.base import TautEstimator
    from taut.examine import Diagnosis, Effects, diagnose, effects
    from taut.paths import RegularizationPath, regularization_path
    from taut.recipe import Recipe
    from taut.store import load
    from taut.table.public import read
    from taut.techniques import *  # noqa: F403

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
    "Recipe": "taut.recipe",
    "TautClassifier": "taut.estimators",
    "TautClassifierCV": "taut.estimators",
    "TautRegressor": "taut.estimators",
    "TautRegressorCV": "taut.estimators",
    "diagnose": "taut.examine",
    "effects": "taut.examine",
    "load": "taut.store",
    "read": "taut.table.public",
    "regularization_path": "taut.paths",
}
_MODULES = ("errors", "recipe", "techniques")  # to be had as taut.errors without another import


def __getattr__(name: str) -> object:
    value: object
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"taut.{name}")
    else:  # a new technique needs no line here
        techniques = import_module("taut.techniques")
        if name == "__all__":
            value = [*_HOME, *techniques.__all__]
        elif name.startswith("_") or name not in techniques.__all__:
            raise AttributeError(f"module 'taut' has no attribute {name!r}")
        else:
            value = getattr(techniques, name)
    globals()[name] = value  # the next use does not come here
    return value


# --- what floors below call: see taut/handed_in.py ----------------------------------------------------------


def _write_report(
    estimator: TautEstimator,
    path: str | os.PathLike[str],
    effects: Effects | None,
    diagnosis: Diagnosis | None,
    paths: Sequence[RegularizationPath],
) -> None:
    from taut.report.methods import write_report

    write_report(estimator, path, effects, diagnosis, paths)


def _write_module_report(
    tuned: Any,
    path: str | os.PathLike[str],
    effects: Effects | None,
    diagnosis: Diagnosis | None,
    paths: Sequence[RegularizationPath],
) -> None:
    from taut.report.module import write_module_report

    write_module_report(tuned, path, effects, diagnosis, paths)


def _save(estimator: TautEstimator, folder: str | os.PathLike[str]) -> None:
    from taut.report.methods import save

    save(estimator, folder)


def _to_torch(estimator: TautEstimator) -> torch.nn.Module:
    _need("to_torch", "torch", PyTorch="torch")
    from taut.torch.export import to_torch

    return to_torch(estimator)


def _to_onnx(estimator: TautEstimator, path: str | os.PathLike[str]) -> None:
    _need("to_onnx", "onnx", PyTorch="torch", onnx="onnx", onnxscript="onnxscript")
    from taut.torch.export import to_onnx

    to_onnx(estimator, path)


def _need(what: str, extra: str, **modules: str) -> None:
    """Say in a sentence what is to be installed, where it is not."""
    for title, module in modules.items():
        try:
            import_module(module)
        except ImportError as error:
            raise ImportError(
                f'{what} needs {title}: install it with pip install "taut[{extra}]".'
            ) from error


def _notebook_html(estimator: TautEstimator, own: str) -> str:
    from taut.report.notebook import notebook_html

    return notebook_html(estimator, own)


def _figure(path: RegularizationPath) -> plotly.graph_objects.Figure:
    from taut.paths.figure import figure

    return figure(path)


handed_in.write_report, handed_in.save = _write_report, _save
handed_in.write_module_report = _write_module_report
handed_in.to_torch, handed_in.to_onnx = _to_torch, _to_onnx
handed_in.notebook_html, handed_in.figure = _notebook_html, _figure


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})  # type: ignore[misc]
