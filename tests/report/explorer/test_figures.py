from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import plotly.graph_objects as go
import pytest

from taut.recipe import Recipe
from taut.report.explorer.figures import NUMBERS, figures
from taut.report.explorer.words import said
from taut.report.facts import facts_of
from taut.report.page import write_page
from taut.report.schema import Facts
from taut.techniques import Dropout, EarlyStopping
from tests.report.explored import moons, paths


@cache
def facts(task: str = "two", *, with_paths: bool = True) -> Facts:
    return facts_of(moons(task), paths=paths(task) if with_paths else ())


def drawn(data: Any, layout: Any) -> go.Figure:
    """Let plotly check every name and value; colours are those of the page's style sheet."""
    text = json.dumps({"data": data, "layout": layout}, allow_nan=False)
    return go.Figure(json.loads(re.sub('"@[a-z]+"', '"#123456"', text)))


@pytest.mark.parametrize("task", ["two", "three", "amount"])
def test_plotly_knows_all_that_is_drawn(task: str) -> None:
    found = figures(facts(task))
    assert found["start"] in found["techniques"]
    for technique in found["techniques"].values():
        drawn(technique["path"]["data"], technique["path"]["layout"])
        for point in technique["points"]:
            drawn(point["curves"], {**technique["curves"], **point["mark"]})
            drawn(
                point["weights"],
                {**technique["weights"], "annotations": point["weightsLayout"]["annotations"]},
            )
            plane = found["plane"]
            drawn([{**plane["surface"], "z": point["surface"]}, *plane["rows"]], plane["layout"])
            assert len(point["numbers"]) == len(NUMBERS)


def test_every_strength_has_as_many_curves_so_that_the_slider_moves_them() -> None:
    for technique in figures(facts())["techniques"].values():
        assert {len(point["curves"]) for point in technique["points"]} == {4}


def test_the_circle_is_where_the_slider_is() -> None:
    technique = figures(facts())["techniques"]["l2"]
    losses = technique["path"]["data"][1]["y"]
    assert technique["points"][technique["start"]]["at"] == [technique["start"], min(losses)]
    assert technique["path"]["data"][-1]["x"] == [technique["start"]]
    assert [point["at"][1] for point in technique["points"]] == losses
    assert len(technique["labels"]) == len(losses) == len(technique["path"]["layout"]["xaxis"]["tickvals"])


def test_without_known_weights_or_planes_there_is_nothing_to_draw() -> None:
    every = figures(facts(with_paths=False))
    assert every["plane"] is None
    found = every["techniques"]["early_stopping"]
    assert all(point["surface"] is None for point in found["points"])
    assert found["points"][0]["weights"] is None
    assert found["points"][-1]["weights"] is not None


def test_shares_of_the_weights_add_up_to_one() -> None:
    for point in figures(facts())["techniques"]["l1"]["points"]:
        weights, zeros = point["weights"]
        assert sum(weights["y"]) + sum(zeros["y"]) == pytest.approx(1.0, abs=1e-3)


def test_sentences_compare_with_off_and_name_the_best() -> None:
    explorer = facts()["explorer"]
    assert explorer is not None
    l1 = next(one for one in explorer["techniques"] if one["name"] == "l1")
    off = said(l1, l1["off"] or 0)
    assert off.startswith("L1: off. Validation loss ")
    assert "early stopping alone" not in off
    top = said(l1, len(l1["points"]) - 1)
    assert "% above that with early stopping alone" in top
    assert sum("the lowest here" in said(l1, place) for place in range(len(l1["points"]))) == 1
    stop = next(one for one in explorer["techniques"] if one["name"] == "early_stopping")
    assert said(stop, 0).startswith("Epoch 1. Validation loss ")
    assert "without early stopping" in said(stop, 0)


def test_what_was_cut_early_is_said() -> None:
    explorer = facts(with_paths=False)["explorer"]
    assert explorer is not None
    cut = [
        said(one, place)
        for one in explorer["techniques"]
        for place, point in enumerate(one["points"])
        if point["note"]
    ]
    assert cut
    assert all("The search cut it early, after " in sentence for sentence in cut)


def test_names_of_classes_and_columns_are_text_on_the_page() -> None:
    text = write_page(facts("three"))
    data = json.loads(re.search(r'id="explorer-data">(.*?)</script>', text, re.S).group(1))  # type: ignore[union-attr]
    names = {trace["name"] for trace in data["plane"]["rows"]}
    assert names == {"no", "yes", "&lt;b&gt;maybe&lt;/b&gt;"}
    assert "<b>maybe" not in text


def test_a_page_without_an_explorer_says_how_to_have_one() -> None:
    text = write_page({**facts(), "explorer": None})
    assert "taut report DIR --explore DATA" in text
    assert 'id="explorer-data"' not in text


def test_a_page_of_the_searchs_networks_says_how_to_have_more() -> None:
    hint = "To train up to twelve of each"
    assert hint in write_page(facts(with_paths=False))
    assert hint not in write_page(facts())


def test_off_that_diverged_is_no_line_and_no_comparison() -> None:
    explorer = facts()["explorer"]
    assert explorer is not None
    l2 = {**next(one for one in explorer["techniques"] if one["name"] == "l2"), "off": None}
    found = figures({**facts(), "explorer": {**explorer, "techniques": [l2]}})  # type: ignore[list-item]
    names = [trace["name"] for trace in found["techniques"]["l2"]["path"]["data"]]
    assert names == ["training", "validation", "looked at"]
    assert not any("early stopping alone" in point["said"] for point in found["techniques"]["l2"]["points"])


def test_of_very_many_classes_the_most_frequent_are_named_and_the_page_stays_small() -> None:
    many = facts("three")
    explorer = many["explorer"]
    assert explorer is not None
    assert explorer["grid"] is not None
    n = 300
    grid = {
        **explorer["grid"],
        "targets": [float(i * i % n) for i in range(len(explorer["grid"]["targets"]))],
    }
    surface = [[float((i * j) % n) for i in range(33)] for j in range(33)]
    techniques = [
        {**one, "points": [{**point, "surface": surface} for point in one["points"]] * 4}
        for one in explorer["techniques"]
    ]
    data = {**many["data"], "classes": [f"class number {i} with a long name" for i in range(n)]}
    made: Any = {**many, "data": data, "explorer": {"techniques": techniques, "grid": grid}}
    found = figures(made)
    assert len(found["plane"]["rows"]) == 8
    assert found["plane"]["rows"][-1]["name"] == "293 other classes"
    assert found["plane"]["rows"][0]["name"].endswith("…")
    shades = {value for row in found["techniques"]["l2"]["points"][0]["surface"] for value in row}
    assert shades <= set(range(8))
    assert len(write_page(made).encode()) < 9_000_000


def test_the_chosen_technique_is_shown_first() -> None:
    recipe = Recipe(Dropout(0.3), EarlyStopping())
    of_dropout: Any = {**facts(), "recipe": {**facts()["recipe"], "techniques": recipe.to_json()}}
    assert figures(of_dropout)["start"] == "dropout"
    alone: Any = {**facts(), "recipe": {**facts()["recipe"], "techniques": Recipe(EarlyStopping()).to_json()}}
    assert figures(alone)["start"] == "l2"
