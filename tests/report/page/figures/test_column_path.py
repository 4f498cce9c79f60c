from __future__ import annotations

from typing import Any

from taut.report.facts import facts_of
from taut.report.page.figures import Figure, column_path_figure
from taut.report.page.figures.column_path import MOST_NAMED
from tests.report.page.column_facts import column_path
from tests.report.page.models import NASTY, searched
from tests.report.page.test_figures import drawn


def figure_of(path: Any) -> Figure:
    facts: Any = facts_of(searched("y"))
    facts["column_path"] = path
    return column_path_figure(facts)


def test_plotly_takes_it_and_names_are_text() -> None:
    figure = figure_of(column_path(["a", NASTY, "c"]))
    assert len(drawn(figure).data) == 3
    assert NASTY not in str(figure)


def test_twelve_are_named_no_two_of_them_alike() -> None:
    figure = figure_of(column_path([f"c{i}" for i in range(20)]))
    named = [trace for trace in figure["data"] if trace["showlegend"]]
    assert {trace["name"] for trace in named} == {f"c{i}" for i in range(MOST_NAMED)}
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in named}) == MOST_NAMED
    others = [trace for trace in figure["data"] if not trace["showlegend"]]
    assert max(trace["line"]["width"] for trace in others) < min(trace["line"]["width"] for trace in named)
    assert figure["data"][-1]["name"] == "c0"  # drawn last, above the others


def test_off_has_no_place_and_strengths_are_in_order() -> None:
    path = column_path(["a", "b"])
    path["strengths"] = [0.1, 0.0, 0.001, 0.01, 1.0]
    path["norms"] = [[1.0, 9.0, 3.0, 2.0, 0.5], [1.0, 9.0, None, 2.0, 0.0]]
    figure = figure_of(path)
    assert figure["data"][-1]["x"] == [0.001, 0.01, 0.1, 1.0]
    assert figure["data"][-1]["y"] == [3.0, 2.0, 1.0, 0.5]
    assert figure["data"][0]["y"] == [None, 2.0, 1.0, 0.0]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < -3
    assert high > 0


def test_one_strength_or_none_is_no_trouble() -> None:
    assert drawn(figure_of(column_path(["a"], 2) | {"strengths": [0.1], "norms": [[1.0]]}))
    assert drawn(figure_of({"strengths": [], "names": ["a"], "norms": [[]], "n_more": 0}))


def test_a_long_name_is_cut_in_the_legend_only() -> None:
    (trace,) = figure_of(column_path(["x" * 50]))["data"]
    assert trace["name"] == "x" * 15 + "…"
    assert trace["customdata"][0].count("x") >= 50
