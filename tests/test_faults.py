"""The list of faults that was found in the field has a test for each of its rows (CONTRIBUTING, "Tests")."""

from __future__ import annotations

import ast
from pathlib import Path

#: FAULTS.md, "Found in the field".
ROWS = range(61, 96)


def marked(source: str) -> set[int]:
    """Numbers of the rows that a test file says it is for: ``@pytest.mark.fault(61, 62)`` on a test."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        names = [ast.unparse(one) for one in node.decorator_list]
        if "pytest.mark.slow" in names:
            continue
        for one in node.decorator_list:
            if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.fault":
                found |= {number.value for number in one.args if isinstance(number, ast.Constant)}  # type: ignore[misc]
    return found


def test_every_row_has_a_test_that_is_not_slow(root: Path) -> None:
    found: set[int] = set()
    for file in sorted((root / "tests").rglob("test_*.py")):
        found |= marked(file.read_text(encoding="utf-8"))
    assert sorted(set(ROWS) - found) == []


def test_what_counts_as_a_test_of_a_row() -> None:
    assert marked("@pytest.mark.fault(61, 62)\ndef test_x(): ...") == {61, 62}
    assert marked("@pytest.mark.slow\n@pytest.mark.fault(61)\ndef test_x(): ...") == set()
    assert marked("@pytest.mark.fault(61)\ndef helper(): ...") == set()
    assert marked("def test_x():\n    'fault(61)'") == set()
