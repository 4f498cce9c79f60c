"""Code to take away runs nothing that a text of the facts says, wherever that text stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest

from taut.report.code import keras_code, loading_code, taut_code, torch_code
from taut.report.facts import facts_of
from taut.report.schema import Facts, ReadingFacts, SourceFacts
from tests.report.models import searched, single

HOSTILE = [
    "__import__('os').system('true')",
    "'); __import__('os').abort() #",
    'a"""\nimport os\nos.abort()\n"""\\',
    "\\",
    "\u0663",  # a digit, and no number of Python's
    "None, *evil()",
    "{evil(): 1}",
]
READING: ReadingFacts = {
    "path": "a.csv", "kind": "text", "packed": True, "encoding": "cp1252", "separator": ";", "decimal": ",",
    "backslash": True, "skipped": 1, "header": False, "names": ["a", "b"], "marked": {"a": ","},
    "dropped": ["b"],
}  # fmt: skip
WRITERS = (taut_code, torch_code, keras_code, loading_code)


@cache
def _facts(kind: str) -> Facts:
    estimator = deepcopy(single("y") if kind != "amount" else searched("amount"))
    if kind != "amount":
        estimator.set_params(class_weight={"no": 1.0, "yes": 2.0})
    reading = READING if kind != "unread" else None
    source: SourceFacts = {"file": "a.csv", "target": "y", "folder": "m", "command": "c", "reading": reading}
    found = facts_of(estimator, source=source)
    found["made"]["given"] = ["groups", "sample_weight"]
    return found


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts are that code may be made of; a key is a text too."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(one, str):
            yield (*path, key)
        elif isinstance(one, (dict, list)):
            yield from texts(one, (*path, key))


def put(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """The same with another text in one place."""
    changed = value.copy()
    changed[path[0]] = text if len(path) == 1 else put(value[path[0]], path[1:], text)
    return changed


def names(code: str) -> set[str]:
    """All that the code may reach: what is read, called or imported. What is in quotes is not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.name for alias in node.names}
    return found


@cache
def template() -> set[str]:
    """What honest code has."""
    found: set[str] = set()
    for kind in ("y", "unread", "amount"):
        honest: Any = _facts(kind)
        for facts in (honest, put(honest, ("recipe", "class_weight"), "x")):
            found = found.union(*(names(writer(facts)) for writer in WRITERS))
    return found


@pytest.mark.parametrize("kind", ["y", "unread", "amount"])
def test_no_text_of_the_facts_is_code(kind: str) -> None:
    honest: Any = _facts(kind)
    parts = {name: honest[name] for name in ("task", "loss", "metric", "source", "data", "recipe", "made")}
    places = list(texts(parts))
    assert len(places) > 40
    for i, path in enumerate(places):
        # Each place has some; those that are more than a name have all.
        few = HOSTILE[i % len(HOSTILE) :: 4]
        for text in HOSTILE if path[0] in ("recipe", "made") and path[1] != "versions" else few:
            found = put(honest, path, text)
            for writer in WRITERS:
                try:
                    code = writer(found)
                except KeyError:
                    assert path == ("recipe", "activation")  # there is none: see facts/shapes.py
                    continue
                assert names(code) <= template(), (path, text)


@pytest.mark.parametrize("kind", ["y", "amount"])
def test_no_name_of_a_key_is_code(kind: str) -> None:
    honest: Any = _facts(kind)
    for text in HOSTILE:
        found = put(honest, ("source", "reading", "marked"), {text: ","})  # type: ignore[arg-type]
        for writer in WRITERS:
            assert names(writer(found)) == names(writer(honest))


def test_class_weights_that_are_no_literal_are_told_and_not_written() -> None:
    for text in HOSTILE:
        found = put(_facts("y"), ("recipe", "class_weight"), text)
        for writer in (taut_code, torch_code, keras_code):
            assert "class_weight=" not in writer(found)
            assert "and weights of the classes (class_weight) too, which are not in here" in writer(found)


def test_numpys_class_weights_are_plain_in_the_code() -> None:
    estimator = deepcopy(single("y")).set_params(class_weight={np.str_("no"): np.float64(2.0)})
    code = taut_code(facts_of(estimator))
    assert "class_weight={'no': 2.0}" in code
    assert "np." not in code


def test_what_the_recipe_is_said_to_be_is_not_what_is_pasted() -> None:
    found = put(_facts("y"), ("recipe", "code"), "Recipe(evil())")
    assert f"recipe={single('y').recipe_!r}" in taut_code(found)
