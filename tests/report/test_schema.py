"""Saved facts that cannot be true are refused, and those that pass make a page, whatever is in them."""

from __future__ import annotations

import json
import math
import re
import warnings
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taut.errors import DataWarning
from taut.report.facts import facts_of, from_text, to_text
from taut.report.page import write_page
from taut.report.schema import DiagnosisShown, EffectsShown
from taut.report.templates import own_file
from taut.report.written import fault
from tests.report.explored import moons, paths
from tests.report.models import searched, single
from tests.report.test_facts import made_up_effects

_LOSS = {"value": 0.5, "low": 0.4, "high": 0.6}


@cache
def _facts(task: str = "two") -> Any:
    found: Any = facts_of(moons(task), effects=made_up_effects(), paths=paths(task))
    found["effects"]["interactions"] = [{"labels": ["a", "b"], "loss": _LOSS}]
    found["diagnosis"] = {
        "sentence": "It overfits.",
        "signs": [{"severity": "warning", "text": "rows twice"}],
        "learning_curve": {"points": [{"n_rows": n, "loss": _LOSS, "train_loss": 0.1} for n in (30, 60)]},
    }
    return found


def facts(task: str = "two") -> Any:
    return json.loads(json.dumps(_facts(task)))  # no two places share a list


def put(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """The same with something else in one place."""
    for key in path[:-1]:
        value = value[key]
    if callable(to):
        to = to(value[path[-1]])
    value[path[-1]] = to


TECHNIQUE = ("explorer", "techniques", 0)
POINT = (*TECHNIQUE, "points", 1)
GRID = ("explorer", "grid")


@pytest.mark.parametrize("task", ["two", "three", "amount"])
def test_honest_facts_pass(task: str) -> None:
    assert fault(facts(task)) == ""
    assert from_text(to_text(facts(task))) == facts(task)


def test_facts_of_a_search_and_of_one_network_pass() -> None:
    for estimator in (searched("y"), searched("amount"), single("y")):
        assert fault(json.loads(json.dumps(facts_of(estimator)))) == ""


@pytest.mark.parametrize(
    ("path", "to", "why"),
    [
        (("explorer", "techniques"), [], "explorer"),
        (("explorer", "techniques"), lambda many: [*many, many[0]], "explorer"),
        ((*TECHNIQUE, "edges"), [], "explorer"),
        ((*TECHNIQUE, "edges"), lambda edges: edges[::-1], "explorer"),
        ((*TECHNIQUE, "points"), [], "explorer"),
        ((*TECHNIQUE, "points"), lambda points: points * 40, "explorer"),
        ((*TECHNIQUE, "best"), 99, "explorer"),
        ((*TECHNIQUE, "best"), -1, "explorer"),
        ((*TECHNIQUE, "off"), 99, "explorer"),
        ((*TECHNIQUE, "off"), -1, "explorer"),
        ((*POINT, "counts"), [1, 2], "explorer"),
        ((*POINT, "counts"), lambda counts: [-1, *counts[1:]], "explorer"),
        ((*POINT, "n_zero"), -1, "explorer"),
        ((*POINT, "epochs"), lambda epochs: epochs[1:], "explorer"),
        ((*POINT, "epochs"), lambda epochs: epochs[::-1], "explorer"),
        ((*POINT, "epochs"), list(range(1, 6000)), "explorer"),
        ((*POINT, "train"), lambda losses: losses[1:], "explorer"),
        ((*POINT, "validation"), lambda losses: [*losses, 1.0], "explorer"),
        ((*POINT, "folds", 0, "train_loss"), [], "explorer"),
        ((*POINT, "folds"), lambda folds: folds * 100, "explorer"),
        ((*POINT, "loss"), 1e-320, "explorer"),
        ((*POINT, "surface"), lambda rows: rows[1:], "explorer"),
        ((*POINT, "surface", 0), lambda row: row[1:], "explorer"),
        (GRID, None, "explorer"),  # and the surfaces are still there
        ((*GRID, "names"), ["x0"], "explorer"),
        ((*GRID, "x"), [], "explorer"),
        ((*GRID, "x"), lambda x: x[::-1], "explorer"),
        ((*GRID, "y"), lambda y: y * 100, "explorer"),
        ((*GRID, "rows", 3), [], "explorer"),
        ((*GRID, "targets"), lambda targets: targets[1:], "explorer"),
        ((*GRID, "targets", 0), 2.0, "explorer"),
        ((*GRID, "targets", 0), 0.5, "explorer"),
        (("data", "classes"), ["one"], "explorer"),
        (("column_path", "strengths"), lambda strengths: strengths[1:], "column_path"),
        (("column_path", "strengths", 0), 1e-320, "column_path"),
        (("column_path", "strengths", 0), -1.0, "column_path"),
        (("column_path", "names"), [], "column_path"),
        (("column_path", "norms", 0), [], "column_path"),
        (("column_path", "n_more"), -1, "column_path"),
        (("curves", 0, "folds"), [], "curves"),
        (("curves", 0, "stop"), -1, "curves"),
        (("curves", 0, "folds", 0, "train_loss"), lambda losses: losses[1:], "curves"),
        (("search", "chosen"), 999, "search"),
        (("search", "chosen"), -1, "search"),
        (("search", "candidates"), [], "search"),
        (("search", "candidates", 2, "learning_rate"), -1.0, "search"),
        (("comparison", "lines"), [], "comparison"),
        (("recipe", "techniques"), {}, "recipe"),
        (("recipe", "techniques", "techniques"), {"l2": {"strength": "1"}}, "recipe"),
        (("recipe", "techniques", "techniques"), {"magic": {}}, "recipe"),
        (("recipe", "activation"), "tanh", "recipe"),
        (("recipe", "learning_rate"), 0, "recipe"),
        (("made", "versions"), {}, "made"),
        (
            ("importance", "lines", 0, "loss", "value"),
            None,
            r"importance\.lines\.0\.loss: .*an interval without a value",
        ),
        (("effects", "loss", "value"), None, r"effects\.loss: .*an interval without a value"),
        (
            ("effects", "interactions", 0, "loss", "value"),
            None,
            r"effects\.interactions\.0\.loss: .*an interval without a value",
        ),
        (
            ("diagnosis", "learning_curve", "points", 0, "loss", "value"),
            None,
            r"diagnosis\.learning_curve\.points\.0\.loss: .*an interval without a value",
        ),
    ],
)
def test_what_cannot_be_true_is_named(path: tuple[Any, ...], to: Any, why: str) -> None:
    found = facts()
    put(found, path, to)
    assert re.match(rf"{why}(\.|:|$| does not fit)", fault(found))


def test_it_is_said_where_they_are_read() -> None:
    found = facts()
    put(found, (*TECHNIQUE, "edges"), [])
    with pytest.warns(DataWarning, match=r"techniques\.0\.edges: List should have at least 2 items"):
        assert from_text(to_text(found)) is None


@pytest.mark.parametrize(("name", "shape"), [("effects", EffectsShown), ("diagnosis", DiagnosisShown)])
def test_what_the_page_shows_of_what_others_made_is_checked(name: str, shape: Any) -> None:
    template = own_file({"effects": "effects.html.jinja", "diagnosis": "data.html.jinja"}[name])
    shown = set(re.findall(rf"(?<!facts\.)\b{name}\.(\w+)", template))
    assert shown == set(shape.__annotations__) - {"start_loss"}  # which the verdict looks at


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ((*TECHNIQUE, "off"), None),
        ((*POINT, "counts"), []),
        ((*POINT, "surface"), None),
        ((*POINT, "folds"), []),
        (("column_path", "strengths", 0), 0.0),
        (("column_path", "strengths"), lambda strengths: [0.0] * len(strengths)),
        (("importance", "lines", 0, "loss"), {"value": 1e299, "low": -1e299, "high": 1e299}),
        (("importance", "lines"), []),
        (("effects", "interactions"), []),
        (("effects", "lines"), []),
        (("curves",), []),
        (("curves", 0, "folds", 0), {"train_loss": [], "validation_loss": []}),
        (("comparison", "lines", 0, "validation_loss"), 1e-320),
        (("search", "candidates", 0, "seconds"), 1e300),
    ],
)
def test_what_may_be_makes_a_page(path: tuple[Any, ...], to: Any) -> None:
    found = facts()
    put(found, path, to)
    back = from_text(to_text(found))
    assert back is not None
    assert "</html>" in write_page(back)


def test_learning_rates_that_a_logarithm_does_not_tell_apart_have_an_axis() -> None:
    found, next_to = facts(), math.nextafter(0.1, 1)
    assert math.log(0.1) == math.log(next_to)
    for i, one in enumerate(found["search"]["candidates"]):
        one["learning_rate"] = (0.1, next_to)[i % 2]
    assert "</html>" in write_page(found)


ODD = st.sampled_from(
    [
        None,
        -1,
        0,
        1,
        7,
        1e299,
        -1e299,
        1e-320,
        10**17,
        -(10**17),
        "",
        "<b>",
        "'\n\\",
        [],
        {},
        [[]],
        [None],
        True,
    ]
)


@given(data=st.data(), task=st.sampled_from(["two", "three", "amount"]))
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)
def test_one_odd_place_is_refused_or_makes_a_page(data: st.DataObject, task: str) -> None:
    found = facts(task)
    place: Any = found
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(min(len(place), 40)))
        key = data.draw(st.sampled_from([one for one in keys if one != "schema"]))
        if not (isinstance(place[key], (dict, list)) and place[key]) or data.draw(st.integers(0, 9)) == 0:
            break
        place = place[key]
    if data.draw(st.integers(0, 5)) == 0:
        del place[key]
    else:
        place[key] = data.draw(ODD)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DataWarning)
        back = from_text(to_text(found))
    assert (back is None) is (len(said) == 1)
    if back is not None:
        assert "</html>" in write_page(back)
