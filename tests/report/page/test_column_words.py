from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taut.evidence.interval import Interval
from taut.examine.effects_result import Interaction
from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.page import write_page
from taut.report.page.column_words import (
    about_column_path,
    about_importance,
    listed,
    of_column_path,
    of_importance,
    thinned_places,
    without_importance,
)
from taut.report.schema import Facts
from tests.report.page.column_facts import column_path, importance
from tests.report.page.models import NASTY, searched, single
from tests.report.page.test_html import read
from tests.report.test_facts import made_up_effects


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefgh"), "a, b, c, d, e, f and 2 more"),
    ],
)
def test_names_are_listed_as_people_do(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_the_sentence_counts_and_names_those_above_zero() -> None:
    assert of_importance(importance(["age", "town", "size"], [0.5, 0.25, 0.05])) == (
        "The loss on held-out rows, 0.4, rises by 0.5 where age is shuffled; the intervals of 2 of 3 columns "
        "lie above zero: age and town."
    )
    one = of_importance(importance(["age", "town"], [0.5, 0.05]))
    assert one.endswith("the interval of 1 of 2 columns lies above zero: age.")
    assert of_importance(importance(["age"], [0.5])).endswith("its interval lies above zero.")
    assert "of 2 columns none is shown to be needed by itself" in of_importance(
        importance(["age", "town"], [0.05, 0.0])
    )
    assert of_importance(importance([], [])) == "There is no column to look at."


def test_what_it_does_not_tell_is_said() -> None:
    few = " ".join(about_importance(importance(["a", "b"], [0.5, -0.3])))
    assert "1,234 rows, 3 times" in few
    assert "stand in for each other" in few
    assert "not of other networks" in few
    assert "misuses b" in few
    assert "one in forty" not in few
    assert "left out" not in few
    many = importance([f"c{i}" for i in range(30)], [0.5] * 30, n_left_out=1200)
    text = " ".join(about_importance(many))
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
    assert text in without_importance(facts())


def test_the_columns_that_l1_leaves_are_counted() -> None:
    assert (
        "0.1, the strongest that was tried, 1 of 3 has weight left, and a keeps the largest share of its own"
        in of_column_path(column_path(["a", "b", "c"]))
    )
    assert "all that are drawn still have weight" in of_column_path(column_path(["a"]))
    gone = column_path(["a", "b"])
    gone["norms"] = [[1.0, 1.0, 0.5, 0.2, 0.0]] * 2
    assert "none has weight left, and on the way a kept the largest share of its own" in of_column_path(gone)
    assert of_column_path({"strengths": [], "names": ["a"], "norms": [[]], "n_more": 0}).startswith(
        "No strength"
    )


def test_columns_that_are_not_drawn_are_counted() -> None:
    assert about_column_path(column_path(["a", "b"])) == []
    text = " ".join(about_column_path(column_path([f"c{i}" for i in range(13)], n_more=4)))
    assert "12 columns that keep their weight longest are named" in text
    assert "4 more columns lost their weight earlier" in text


def test_the_table_has_some_strengths_the_ends_among_them() -> None:
    assert thinned_places(column_path(["a"], 4)) == [0, 1, 2, 3]
    places = thinned_places(column_path(["a"], 50))
    assert len(set(places)) == len(places) == 10
    assert (places[0], places[-1]) == (0, 49)


# --- on the page --------------------------------------------------------------------------------------------


def test_the_page_has_the_figure_the_words_and_the_table() -> None:
    facts: Any = facts_of(searched("y"))
    facts["column_path"] = column_path([NASTY, "b"], n_more=1)
    page = write_page(facts)
    reader = read(page)
    assert NASTY not in page
    ids = {attributes.get("id") for _, attributes in reader.elements}
    assert {"importance-figure", "column-path-figure"} <= ids
    assert of_importance(facts["importance"]) in reader.text
    assert of_column_path(facts["column_path"]) in reader.text
    assert "--explore" not in reader.text.split("The data")[1].split("The recipe to take away")[0]


def test_the_page_says_why_and_how_where_they_are_absent() -> None:
    facts = facts_of(single("amount", Recipe()))
    reader = read(write_page(facts))
    assert without_importance(facts) in reader.text
    assert "taut report DIR --explore DATA" in reader.text
    assert not any("importance-figure" == attributes.get("id") for _, attributes in reader.elements)


def test_very_many_columns_are_counted_and_cut() -> None:
    facts: Any = facts_of(searched("y"))
    facts["importance"] = importance([f"column number {i}" for i in range(1000)], [0.5] * 1000)
    text = read(write_page(facts)).text
    assert "700 more are left out here" in text
    assert "column number 299" in text
    assert "column number 300" not in text


def test_interactions_have_their_intervals_and_are_explained() -> None:
    facts = facts_of(searched("y"), effects=made_up_effects())
    assert "Interactions" not in read(write_page(facts)).text
    pair = Interaction(
        ("dropout", "l2"), (NASTY, "L2 0.1"), Interval(-0.02, -0.05, 0.01), Interval(0.0, 0.0, 0.0)
    )
    assert facts["effects"] is not None
    facts["effects"]["interactions"] = [
        {
            "names": pair.names,
            "labels": pair.labels,
            "loss": pair.loss.to_dict(),
            "score": pair.score.to_dict(),
        }
    ]
    page = write_page(facts)
    text = read(page).text
    assert NASTY not in page
    assert "together they lower the loss by more than the sum" in text
    assert "−0.0200 −0.0500 +0.0100" in text
