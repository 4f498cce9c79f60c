from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from taut.report.facts import facts_of
from taut.report.page import render
from taut.report.schema import CandidateFacts, Facts
from taut.report.strengths import axes_of, drawing
from tests.report.models import searched

NAMESPACE: dict[str, str] = {}


def candidate(loss: float | None, learning_rate: float = 0.001, **strengths: float) -> CandidateFacts:
    return {
        "label": "<b>",
        "strengths": strengths,
        "learning_rate": learning_rate,
        "hidden": [8],
        "batch": 0,
        "state": "complete",
        "failed": "",
        "loss": loss,
        "standard_error": None,
        "train_loss": None,
        "metric": None,
        "epoch": 3,
        "n_folds": 3,
        "seconds": 1.0,
    }


def drawn(facts: Facts) -> ElementTree.Element:
    return ElementTree.fromstring(render("strengths.svg.jinja", drawing=drawing(facts)))


def picture(*candidates: CandidateFacts, chosen: int = 0) -> ElementTree.Element:
    facts: Any = facts_of(searched("y"))
    facts["search"] = {**facts["search"], "candidates": list(candidates), "chosen": chosen}
    return drawn(facts)


def places(line: ElementTree.Element) -> list[tuple[float, ...]]:
    return [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]


def test_every_candidate_is_a_line_and_the_chosen_one_is_on_top() -> None:
    root = picture(candidate(1.0, l2=0.1), candidate(2.0, l2=1.0), candidate(None), chosen=1)
    lines = root.findall("polyline")
    assert len(lines) == 2
    assert lines[-1].attrib["class"] == "line chosen"
    assert lines[0].find("title") is not None
    assert all(title.text for title in root.iter("title"))


def test_an_axis_for_what_differs_and_for_the_loss() -> None:
    one, two = candidate(1.0, l2=0.1, early_stopping=20.0), candidate(2.0, 0.01, dropout=0.3)
    assert [axis.name for axis in axes_of([one, two])] == ["L2", "Dropout", "Learning rate", "Loss"]
    assert [axis.name for axis in axes_of([one])] == ["L2", "Loss"]


def test_strengths_go_up_and_low_losses_are_on_top() -> None:
    weak, strong = picture(candidate(1.0, l2=0.1), candidate(2.0, l2=10.0), chosen=1).findall("polyline")
    # SVG counts from above: the weak strength is lower on the first axis, its loss higher on the last.
    assert places(weak)[0][1] > places(strong)[0][1]
    assert places(weak)[-1][1] < places(strong)[-1][1]


def test_equal_factors_are_equal_distances() -> None:
    (axis, _) = axes_of([candidate(1.0, l2=x) for x in (0.1, 1.0, 10.0)])
    assert axis.y(1.0) == pytest.approx((axis.y(0.1) + axis.y(10.0)) / 2)


def test_who_is_off_is_below_the_axis() -> None:
    off, on = picture(candidate(1.0), candidate(2.0, l2=1.0), candidate(3.0, l2=0.1), chosen=0).findall(
        "polyline"
    )[::-1][:2]
    assert places(off)[0][1] > max(y for _, y in places(on))


def test_a_switch_that_is_on_is_on_top() -> None:
    (axis, _) = axes_of([candidate(1.0, batch_norm=1.0), candidate(2.0)])
    assert axis.y(1.0) == 52


@pytest.mark.parametrize("target", ["y", "three", "amount"])
def test_it_is_drawn_inside_its_box(target: str) -> None:
    root = drawn(facts_of(searched(target)))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for line in root.findall("polyline"):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in places(line))
