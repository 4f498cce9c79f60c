from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import taut
from taut import techniques

HEAVY = ("numpy", "scipy", "sklearn", "numba", "duckdb", "narwhals", "pandas", "typer", "rich", "torch")


def test_importing_taut_imports_nothing_heavy() -> None:
    code = f"import sys, taut; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("name", taut.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    value = getattr(taut, name)
    assert value.__name__ == name
    assert value.__doc__


def test_the_public_names_are_listed() -> None:
    assert set(taut.__all__) <= set(dir(taut))
    assert {"Recipe", "TautClassifier", "TautRegressorCV", "load", "read", "L1", "BatchNorm"} <= set(
        taut.__all__
    )
    assert len(set(taut.__all__)) == len(taut.__all__)


def test_every_technique_is_a_public_name() -> None:
    assert set(techniques.__all__) == {kind.__name__ for kind in techniques.TECHNIQUES}


def test_an_unknown_name_is_the_usual_error() -> None:
    with pytest.raises(AttributeError, match="module 'taut' has no attribute 'Lasso'"):
        _ = taut.Lasso  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_installed_package() -> None:
    assert taut.__version__ == version("taut")


@pytest.mark.parametrize("first", ["taut.estimators.single", "taut.paths.result", "taut.handed_in"])
def test_what_is_called_upwards_is_there_whatever_is_imported_first(first: str) -> None:
    code = f"import {first}; from taut import handed_in as h; print([n for n in h.__annotations__ "
    code += "if hasattr(h, n)])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    expected = [
        "write_report",
        "save",
        "notebook_html",
        "to_torch",
        "to_onnx",
        "write_module_report",
        "figure",
    ]
    assert out.strip() == str(expected)
