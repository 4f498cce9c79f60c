"""Imports go down: a file imports from its own floor or below (DESIGN: "The house")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "handed_in",
        "parameters",
        "recipe",
        "techniques",
        "network",
        "streams",
        "version",
        "warned",
        "writing",
        "text_table",
        "wording",
    ),
    ("engine", "table"),
    ("selection",),
    ("evidence",),
    ("estimators",),
    ("paths",),
    ("examine",),
    ("store",),
    ("report",),
    ("cli", "__main__", "ctrl_c"),
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}

# The package itself holds the public names and imports from everywhere, so nothing in it may import them from
# there.


def imports(tree: ast.AST, package: list[str]) -> Iterator[tuple[list[str], int]]:
    """Give every imported name under ``tree``, also those inside functions, as (dotted parts, line)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split("."), node.lineno
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            start = start + (node.module.split(".") if node.module else [])
            for alias in node.names:
                yield [*start, alias.name], node.lineno


def wrong_arrows(source: str, module: str, is_package: bool = False) -> list[str]:
    """Say which imports of a module, such as ``"taut.table.read"``, point up or to a part without a floor."""
    parts = module.split(".")
    if parts == ["taut"]:
        return []
    own = parts[1]
    if own not in FLOOR_OF:
        return [f"{module}: {own!r} has no floor, add it to FLOORS in tests/test_layers.py"]
    wrong = []
    for target, line in imports(ast.parse(source), parts if is_package else parts[:-1]):
        if target[0] != "taut":
            continue
        part = target[1] if len(target) > 1 else ""
        if part not in FLOOR_OF:
            wrong.append(
                f"{module}:{line} imports {part or 'taut'!r} from the package: import it from its file"
            )
        elif FLOOR_OF[part] > FLOOR_OF[own]:
            wrong.append(f"{module}:{line} imports taut.{part}, which is on a floor above")
    return wrong


def test_the_source_imports_from_its_own_floor_or_below(root: Path) -> None:
    files = sorted((root / "src" / "taut").rglob("*.py"))
    assert len(files) > 10
    wrong = []
    for file in files:
        module = list(file.relative_to(root / "src").with_suffix("").parts)
        is_package = module[-1] == "__init__"
        name = ".".join(module[:-1] if is_package else module)
        wrong += wrong_arrows(file.read_text(encoding="utf-8"), name, is_package)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "source",
    [
        "import taut.cli",
        "from taut.estimators import TautClassifier",
        "from taut import estimators",
        "from taut import Recipe",
        "from taut import __version__",
        "import taut",
        "from ..selection import folds",
        "from .. import store",
        "def f():\n    from taut.report import text",
        "class A:\n    def report(self):\n        import taut.report.text",
        "if TYPE_CHECKING:\n    from taut.selection.race import Race",
        "try:\n    pass\nexcept ImportError:\n    import taut.evidence",
        "from taut.nowhere import x",
    ],
)
def test_the_check_finds_an_arrow_that_points_up(source: str) -> None:
    assert len(wrong_arrows(source, "taut.engine.pool")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import numpy",
        "from taut.recipe import Recipe",
        "from taut import network",
        "from taut.version import __version__",
        "from taut.table.encoder import Encoder",
        "from . import base",
        "from .compiled import kernels",
        "from ..techniques.l1 import L1",
    ],
)
def test_the_check_lets_the_others_pass(source: str) -> None:
    assert wrong_arrows(source, "taut.engine.pool") == []


def test_relative_imports_of_a_package_start_at_itself() -> None:
    assert wrong_arrows("from . import pool", "taut.engine", is_package=True) == []
    assert len(wrong_arrows("from .. import cli", "taut.engine", is_package=True)) == 1


@pytest.mark.parametrize("name", ["report", "save", "_html_repr"])
def test_an_estimators_own_methods_are_no_exception(name: str) -> None:
    inside = f"class TautClassifier:\n    def {name}(self):\n        from taut.report.page import write_page"
    assert len(wrong_arrows(inside, "taut.estimators.base")) == 1
    assert len(wrong_arrows(inside.replace("report.page", "store"), "taut.estimators.base")) == 1
    assert wrong_arrows(inside.replace("taut.report.page", "taut.handed_in"), "taut.estimators.base") == []


def test_a_part_without_a_floor_is_named() -> None:
    assert "'helpers' has no floor" in wrong_arrows("", "taut.helpers")[0]
