"""The list of faults that was found in the field has a test for each of its rows (CONTRIBUTING, "Tests")."""

from __future__ import annotations

import ast
from pathlib import Path

#: FAULTS.md, "Found in the field".
ROWS = range(61, 96)


def marked(source: str) -> set[int]:
    """Numbers of the rows that a test file says it is for: ``@pytest.mark.fault(61, 62)`` on a test."""
    tree = ast.parse(source)
    found: set[int] = set()
    for node in tree.body:  # pytestmark = pytest.mark.fault(61) is of every test in the file
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            found |= _numbers(node.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        names = [ast.unparse(one) for one in node.decorator_list]
        if "pytest.mark.slow" in names:
            continue
        for one in node.decorator_list:
            found |= _numbers(one)
    return found


def _numbers(mark: ast.expr) -> set[int]:
    """Numbers in a mark, or in a list of marks."""
    return {
        number.value
        for call in ast.walk(mark)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault"
        for number in call.args
        if isinstance(number, ast.Constant) and isinstance(number.value, int)
    }


def test_every_row_has_a_test_that_is_not_slow(root: Path) -> None:
    found: set[int] = set()
    for file in sorted((root / "tests").rglob("test_*.py")):
        found |= marked(file.read_text(encoding="utf-8"))
    assert sorted(set(ROWS) - found) == []


def test_what_counts_as_a_test_of_a_row() -> None:
    assert marked("@pytest.mark.fault(61, 62)\ndef test_x(): ...") == {61, 62}
    assert marked("@pytest.mark.slow\n@pytest.mark.fault(61)\ndef test_x(): ...") == set()
    assert marked("@pytest.mark.fault(61)\ndef helper(): ...") == set()
    assert marked("pytestmark = pytest.mark.fault(61)\ndef test_x(): ...") == {61}
    assert marked("pytestmark = [pytest.mark.fault(61), pytest.mark.fault(62)]") == {61, 62}
    assert marked("def test_x():\n    'fault(61)'") == set()
