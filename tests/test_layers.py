"""Imports go down and in no circle: a file imports from its own floor or below (DESIGN: "The house").

All imports count, also those inside functions and those for type checkers only, and no file is an exception.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "handed_in",
        "parameters",
        "streams",
        "version",
        "warned",
        "writing",
        "text_table",
        "wording",
    ),
    ("techniques", "recipe", "network"),
    ("learning",),
    ("engine", "table"),
    ("selection",),
    ("evidence",),
    ("estimators",),
    ("paths",),
    ("examine",),
    ("store",),
    ("torch",),
    ("report",),
    ("play",),
    ("cli", "__main__", "ctrl_c"),
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}

# A module as (source, whether it is a package's __init__), by its name, such as "taut.table.read".
Sources = Mapping[str, tuple[str, bool]]


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
    """Say which imports of a module, such as ``"taut.table.read"``, point up or to a part without a floor.

    The package itself holds the public names and imports from everywhere: nothing in it may import them from
    there.
    """
    parts = module.split(".")
    if parts == ["taut"]:
        return []
    own = parts[1]
    if own not in FLOOR_OF:
        return [f"{module}: {own!r} has no floor, add it to FLOORS in tests/test_layers.py"]
    wrong, tree = [], ast.parse(source)
    for target, line in imports(tree, parts if is_package else parts[:-1]):
        if target in (["importlib"], ["importlib", "import_module"]):
            wrong.append(f"{module}:{line} imports by name, which this test does not see")
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


def graph_of(sources: Sources) -> dict[str, set[str]]:
    """Which modules each module imports."""
    graph: dict[str, set[str]] = {module: set() for module in sources}
    for module, (source, is_package) in sources.items():
        parts = module.split(".")
        for target, _ in imports(ast.parse(source), parts if is_package else parts[:-1]):
            names = (".".join(target[:n]) for n in range(len(target), 0, -1))
            found = next((name for name in names if name in sources), module)
            graph[module] |= {found} - {module}
    return graph


def folders(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same between the parts of the package: its folders, and the modules beside them."""
    parts: dict[str, set[str]] = {}
    for module, targets in graph.items():
        own, *others = (".".join(name.split(".")[:2]) for name in (module, *targets))
        parts.setdefault(own, set()).update({*others} - {own})
    return parts


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of nodes that can all be reached from each other (Tarjan, 1972), those of one aside."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        path.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in path:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            at = path.index(node)
            if len(path) - at > 1:
                found.append(sorted(path[at:]))
            del path[at:]

    for node in graph:
        if node not in order:
            visit(node)
    return found


@pytest.fixture(scope="module")
def sources(root: Path) -> Sources:
    found = {}
    for file in sorted((root / "src" / "taut").rglob("*.py")):
        module = list(file.relative_to(root / "src").with_suffix("").parts)
        is_package = module[-1] == "__init__"
        name = ".".join(module[:-1] if is_package else module)
        found[name] = (file.read_text(encoding="utf-8"), is_package)
    assert len(found) > 10
    return found


def test_the_source_imports_from_its_own_floor_or_below(sources: Sources) -> None:
    wrong = [
        one
        for name, (source, is_package) in sources.items()
        for one in wrong_arrows(source, name, is_package)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_and_no_folder_imports_itself_by_way_of_others(sources: Sources) -> None:
    graph = graph_of(sources)
    assert sum(map(len, graph.values())) > len(graph)
    assert circles(graph) == []
    assert circles(folders(graph)) == []


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
        "from importlib import import_module",
        "import importlib",
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


def modules(**sources: str) -> Sources:
    """Modules of the package by their names without "taut."; two underscores are a dot."""
    return {f"taut.{name.replace('__', '.')}": (source, False) for name, source in sources.items()}


@pytest.mark.parametrize(
    "back",
    [
        "import taut.a.x",
        "from taut.a import x",
        "from taut.a.x import name",
        "def f():\n    from taut.a.x import name",
        "if TYPE_CHECKING:\n    from taut.a.x import Name",
        "from ..a import x",
    ],
)
def test_a_circle_is_found_however_it_is_imported(back: str) -> None:
    found = modules(a__x="from taut.b.y import name", b__y=back, c="from taut.a.x import name")
    assert circles(graph_of(found)) == [["taut.a.x", "taut.b.y"]]
    assert circles(folders(graph_of(found))) == [["taut.a", "taut.b"]]


def test_circles_of_many_modules_are_told_apart() -> None:
    found = modules(
        a="from taut import b", b="from taut import c", c="from taut import a, d",
        d="from taut import e", e="from taut import d, f", f="",
    )  # fmt: skip
    assert circles(graph_of(found)) == [["taut.d", "taut.e"], ["taut.a", "taut.b", "taut.c"]]


def test_what_only_meets_again_is_no_circle() -> None:
    found = modules(
        a="from taut import b, c", b="from taut.d import x", c="from taut.d import x", d="import numpy"
    )
    assert graph_of(found)["taut.a"] == {"taut.b", "taut.c"}
    assert circles(graph_of(found)) == []


def test_folders_may_be_a_circle_where_no_module_is() -> None:
    found = modules(a__x="from taut.b import y", b__y="", b__z="from taut.a.x import name")
    assert circles(graph_of(found)) == []
    assert circles(folders(graph_of(found))) == [["taut.a", "taut.b"]]


def test_a_package_that_passes_names_on_is_a_module_of_its_own() -> None:
    found = {"taut.a": ("from taut.a.x import name", True), "taut.a.x": ("from taut.a import name", False)}
    assert circles(graph_of(found)) == [["taut.a", "taut.a.x"]]


# What only an engine or an architecture may know.
INSIDE = re.compile(r"encoder|data\.values|\bhidden\b|layers\.0")


@pytest.mark.parametrize("floor", ["selection", "evidence"])
def test_what_serves_any_network_knows_no_table_and_no_layers(root: Path, floor: str) -> None:
    files = sorted((root / "src" / "taut" / floor).rglob("*.py"))
    assert len(files) > 10
    lines = [(file, line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(file.name, line) for file, line in lines if INSIDE.search(line)] == []


def test_one_place_asks_an_engine_to_train(root: Path) -> None:
    files = sorted((root / "src" / "taut").rglob("*.py"))
    asking = [file.name for file in files if re.search(r"engine\.train\(", file.read_text(encoding="utf-8"))]
    assert asking == ["trainer.py"]
