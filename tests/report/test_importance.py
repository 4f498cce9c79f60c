from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import pytest

from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.importance import MOST_SHOWN, explained, figure, is_above, seen, why_absent
from taut.report.page import write_page
from taut.report.schema import Facts
from tests.report.column_facts import importance
from tests.report.models import NASTY, searched, single
from tests.report.plotted import drawn
from tests.report.test_page import read


@pytest.mark.parametrize("target", ["y", "amount"])
def test_the_facts_have_every_column_that_was_kept(target: str) -> None:
    facts = facts_of(searched(target))
    found = facts["importance"]
    assert found is not None
    kept = {column["name"] for column in facts["data"]["columns"] if column["kind"] != "dropped"}
    assert {line["name"] for line in found["lines"]} == kept
    assert found["lines"][0]["name"] == NASTY  # both targets are made of it
    values = [line["loss"]["value"] or 0.0 for line in found["lines"]]
    assert values == sorted(values, reverse=True)
    assert found["n_rows"] == 150
    assert found["n_left_out"] == 0


def test_where_nothing_was_held_out_there_are_none() -> None:
    assert facts_of(single("amount", Recipe()))["importance"] is None
    assert facts_of(single("y"))["importance"] is not None


def test_a_model_that_does_not_know_it_has_it_from_its_earlier_facts() -> None:
    facts, loaded = facts_of(searched("y")), copy(searched("y"))
    del loaded.importance_
    assert facts_of(loaded)["importance"] is None
    assert facts_of(loaded, earlier=facts)["importance"] == facts["importance"] is not None


@pytest.mark.parametrize(
    "model", [lambda: searched("three"), lambda: searched("amount"), lambda: single("y")]
)
def test_plotly_takes_it(model: Any) -> None:
    drawing = figure(facts_of(model()))
    assert sum(len(trace["x"]) for trace in drawing["data"]) == 6
    assert drawn(drawing)
    assert NASTY not in str(drawing)


def test_those_above_zero_are_told_apart_by_shape_too() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["a", "b", "c"], [0.5, 0.05, -0.2])
    above, others = figure(facts)["data"]
    assert above["y"] == [0]
    assert others["y"] == [1, 2]
    assert above["marker"]["symbol"] != others["marker"]["symbol"]
    assert above["error_x"]["array"] == above["error_x"]["arrayminus"] == pytest.approx([0.1])
    facts["importance"] = importance(["a"], [0.5])
    assert len(figure(facts)["data"]) == 1


def test_the_most_important_is_on_top_and_at_most_so_many_are_drawn() -> None:
    facts: Any = facts_of(searched("y"))
    names = [f"column {i}" for i in range(50)]
    facts["importance"] = importance(names, [1 - 0.01 * i for i in range(50)])
    drawing = figure(facts)
    assert sum(len(trace["x"]) for trace in drawing["data"]) == MOST_SHOWN
    bottom, top = drawing["layout"]["yaxis"]["range"]
    assert bottom > MOST_SHOWN - 1 > 0 > top
    assert drawing["layout"]["yaxis"]["ticktext"][0] == "column 0"


def test_names_that_differ_late_are_two_lines_and_short() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["x" * 200 + "a", "x" * 200 + "b"], [0.5, 0.4])
    drawing = figure(facts)
    assert [len(text) for text in drawing["layout"]["yaxis"]["ticktext"]] == [40, 40]  # with a line's end
    assert drawing["data"][0]["y"] == [0, 1]


def test_an_interval_that_is_not_there_is_not_drawn() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance(["a"], [0.5])
    facts["importance"]["lines"][0]["loss"] |= {"low": None, "high": None}
    (trace,) = figure(facts)["data"]
    assert trace["error_x"]["array"] == [0]
    assert not is_above(facts["importance"]["lines"][0])


def test_the_sentence_counts_and_names_those_above_zero() -> None:
    assert seen(importance(["age", "town", "size"], [0.5, 0.25, 0.05])) == (
        "The loss on held-out rows, 0.4, rises by 0.5 where age is shuffled; the intervals of 2 of 3 columns "
        "lie above zero: age and town."
    )
    one = seen(importance(["age", "town"], [0.5, 0.05]))
    assert one.endswith("the interval of 1 of 2 columns lies above zero: age.")
    assert seen(importance(["age"], [0.5])).endswith("its interval lies above zero.")
    assert "of 2 columns none is shown to be needed by itself" in seen(
        importance(["age", "town"], [0.05, 0.0])
    )
    assert seen(importance([], [])) == "There is no column to look at."


def test_what_it_does_not_tell_is_said() -> None:
    few = " ".join(explained(importance(["a", "b"], [0.5, -0.3])))
    assert "1,234 rows, 3 times" in few
    assert "stand in for each other" in few
    assert "not of other networks" in few
    assert "misuses b" in few
    assert "one in forty" not in few
    assert "left out" not in few
    many = importance([f"c{i}" for i in range(30)], [0.5] * 30, n_left_out=1200)
    text = " ".join(explained(many))
    assert "one in forty" in text
    assert "The 20 most important of 30 columns are drawn." in text
    assert "1,200 columns with the least weight in the first layer were not looked at" in text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (lambda: facts_of(single("amount", Recipe())), "none were held out"),
        (lambda: facts_of(searched("y")), "no time left for it"),
        (lambda: facts_of(single("y")), "no time left for it"),
    ],
)
def test_why_it_is_absent(facts: Callable[[], Facts], text: str) -> None:
    assert text in why_absent(facts())


def test_very_many_columns_are_counted_and_cut() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance([f"column number {i}" for i in range(1000)], [0.5] * 1000)
    text = read(write_page(facts)).text
    assert "700 more are left out here" in text
    assert "column number 299" in text
    assert "column number 300" not in text
