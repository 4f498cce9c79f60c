from __future__ import annotations

from typing import Any

from taut.recipe import Recipe
from taut.report import importance
from taut.report.column_path import MOST_NAMED, explained, figure, seen, some_places
from taut.report.facts import facts_of
from taut.report.figures import Figure
from taut.report.page import write_page
from tests.report.column_facts import column_path
from tests.report.models import NASTY, searched, single
from tests.report.plotted import drawn
from tests.report.test_page import read


def figure_of(path: Any) -> Figure:
    facts: Any = facts_of(searched("y"))
    facts["column_path"] = path
    return figure(facts)


def test_plotly_takes_it_and_names_are_text() -> None:
    drawing = figure_of(column_path(["a", NASTY, "c"]))
    assert len(drawn(drawing).data) == 3
    assert NASTY not in str(drawing)


def test_twelve_are_named_no_two_of_them_alike() -> None:
    drawing = figure_of(column_path([f"c{i}" for i in range(20)]))
    named = [trace for trace in drawing["data"] if trace["showlegend"]]
    assert {trace["name"] for trace in named} == {f"c{i}" for i in range(MOST_NAMED)}
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in named}) == MOST_NAMED
    others = [trace for trace in drawing["data"] if not trace["showlegend"]]
    assert max(trace["line"]["width"] for trace in others) < min(trace["line"]["width"] for trace in named)
    assert drawing["data"][-1]["name"] == "c0"  # drawn last, above the others


def test_off_has_no_place_and_strengths_are_in_order() -> None:
    path = column_path(["a", "b"])
    path["strengths"] = [0.1, 0.0, 0.001, 0.01, 1.0]
    path["norms"] = [[1.0, 9.0, 3.0, 2.0, 0.5], [1.0, 9.0, None, 2.0, 0.0]]
    drawing = figure_of(path)
    assert drawing["data"][-1]["x"] == [0.001, 0.01, 0.1, 1.0]
    assert drawing["data"][-1]["y"] == [3.0, 2.0, 1.0, 0.5]
    assert drawing["data"][0]["y"] == [None, 2.0, 1.0, 0.0]
    low, high = drawing["layout"]["xaxis"]["range"]
    assert low < -3
    assert high > 0


def test_one_strength_or_none_is_no_trouble() -> None:
    assert drawn(figure_of(column_path(["a"], 2) | {"strengths": [0.1], "norms": [[1.0]]}))
    assert drawn(figure_of({"strengths": [], "names": ["a"], "norms": [[]], "n_more": 0}))


def test_a_long_name_is_cut_in_the_legend_only() -> None:
    (trace,) = figure_of(column_path(["x" * 50]))["data"]
    assert trace["name"] == "x" * 15 + "…"
    assert trace["customdata"][0].count("x") >= 50


def test_the_columns_that_l1_leaves_are_counted() -> None:
    assert (
        "0.1, the strongest that was tried, 1 of 3 has weight left, and a keeps the largest share of its own"
        in seen(column_path(["a", "b", "c"]))
    )
    assert "all that are drawn still have weight" in seen(column_path(["a"]))
    gone = column_path(["a", "b"])
    gone["norms"] = [[1.0, 1.0, 0.5, 0.2, 0.0]] * 2
    assert "none has weight left, and on the way a kept the largest share of its own" in seen(gone)
    assert seen({"strengths": [], "names": ["a"], "norms": [[]], "n_more": 0}).startswith("No strength")


def test_columns_that_are_not_drawn_are_counted() -> None:
    assert explained(column_path(["a", "b"])) == []
    text = " ".join(explained(column_path([f"c{i}" for i in range(13)], n_more=4)))
    assert "12 columns that keep their weight longest are named" in text
    assert "4 more columns lost their weight earlier" in text


def test_the_table_has_some_strengths_the_ends_among_them() -> None:
    assert some_places(column_path(["a"], 4)) == [0, 1, 2, 3]
    places = some_places(column_path(["a"], 50))
    assert len(set(places)) == len(places) == 10
    assert (places[0], places[-1]) == (0, 49)


def test_the_page_has_the_figure_the_words_and_the_table() -> None:
    facts: Any = facts_of(searched("y"))
    facts["column_path"] = column_path([NASTY, "b"], n_more=1)
    page = write_page(facts)
    reader = read(page)
    assert NASTY not in page
    ids = {attributes.get("id") for _, attributes in reader.elements}
    assert {"importance-figure", "column-path-figure"} <= ids
    assert importance.seen(facts["importance"]) in reader.text
    assert seen(facts["column_path"]) in reader.text
    assert "--explore" not in reader.text.split("The data")[1].split("The recipe to take away")[0]


def test_the_page_says_why_and_how_where_they_are_absent() -> None:
    facts = facts_of(single("amount", Recipe()))
    reader = read(write_page(facts))
    assert importance.why_absent(facts) in reader.text
    assert "taut report DIR --explore DATA" in reader.text
    assert not any("importance-figure" == attributes.get("id") for _, attributes in reader.elements)
