from __future__ import annotations

from typing import Any

import pytest

from taut.report.facts import facts_of
from taut.report.page.figures import importance_figure
from taut.report.page.figures.importance import MOST_SHOWN, is_above
from tests.report.page.column_facts import importance
from tests.report.page.models import NASTY, searched, single
from tests.report.page.test_figures import drawn


@pytest.mark.parametrize(
    "model", [lambda: searched("three"), lambda: searched("amount"), lambda: single("y")]
)
def test_plotly_takes_it(model: Any) -> None:
    figure = importance_figure(facts_of(model()))
    assert sum(len(trace["x"]) for trace in figure["data"]) == 6
    assert drawn(figure)
    assert NASTY not in str(figure)


def test_those_above_zero_are_told_apart_by_shape_too() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["a", "b", "c"], [0.5, 0.05, -0.2])
    above, others = importance_figure(facts)["data"]
    assert above["y"] == [0]
    assert others["y"] == [1, 2]
    assert above["marker"]["symbol"] != others["marker"]["symbol"]
    assert above["error_x"]["array"] == above["error_x"]["arrayminus"] == pytest.approx([0.1])
    facts["importance"] = importance(["a"], [0.5])
    assert len(importance_figure(facts)["data"]) == 1


def test_the_most_important_is_on_top_and_at_most_so_many_are_drawn() -> None:
    facts: Any = facts_of(searched("y"))
    names = [f"column {i}" for i in range(50)]
    facts["importance"] = importance(names, [1 - 0.01 * i for i in range(50)])
    figure = importance_figure(facts)
    assert sum(len(trace["x"]) for trace in figure["data"]) == MOST_SHOWN
    bottom, top = figure["layout"]["yaxis"]["range"]
    assert bottom > MOST_SHOWN - 1 > 0 > top
    assert figure["layout"]["yaxis"]["ticktext"][0] == "column 0"


def test_names_that_differ_late_are_two_lines_and_short() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["x" * 200 + "a", "x" * 200 + "b"], [0.5, 0.4])
    figure = importance_figure(facts)
    assert [len(text) for text in figure["layout"]["yaxis"]["ticktext"]] == [40, 40]  # with a line's end
    assert figure["data"][0]["y"] == [0, 1]


def test_an_interval_that_is_not_there_is_not_drawn() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["a"], [0.5])
    facts["importance"]["lines"][0]["loss"] |= {"low": None, "high": None}
    (trace,) = importance_figure(facts)["data"]
    assert trace["error_x"]["array"] == [0]
    assert not is_above(facts["importance"]["lines"][0])
