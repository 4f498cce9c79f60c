from __future__ import annotations

import json
import re
from typing import Any

import plotly.graph_objects as go
import pytest

from taut.report.facts import facts_of
from taut.report.page.figures import (
    Figure,
    curve_figures,
    effects_figure,
    loss_ceiling,
    mean_curve,
    plain,
    rows_figure,
    search_figure,
    shown_curves,
)
from taut.report.page.figures.layout import log_ticks
from taut.report.schema import CandidateFacts, CurveFacts
from tests.report.page.models import searched, single
from tests.report.test_facts import made_up_effects


def drawn(figure: Figure) -> go.Figure:
    """Let plotly check every name and value; colours are those of the page's style sheet."""
    return go.Figure(json.loads(re.sub('"@[a-z]+"', '"#123456"', json.dumps(figure, allow_nan=False))))


def curve(folds: list[list[float | None]], stop: int | None = 2) -> CurveFacts:
    return {
        "name": "chosen",
        "label": "x",
        "stop": stop,
        "folds": [{"train_loss": one, "validation_loss": one} for one in folds],
    }


@pytest.mark.parametrize("target", ["y", "three", "amount"])
def test_plotly_takes_every_figure(target: str) -> None:
    facts = facts_of(searched(target), effects=made_up_effects())
    for figure in (*curve_figures(facts), search_figure(facts), effects_figure(facts)):
        assert len(drawn(figure).data) > 0
    for figure in curve_figures(facts_of(single("y"))):
        assert len(drawn(figure).data) == 2  # one network: no folds beside their mean


def test_folds_are_thin_and_the_kept_epoch_is_marked() -> None:
    facts = facts_of(searched("y"))
    for figure, found in zip(curve_figures(facts), shown_curves(facts), strict=True):
        widths = {trace["name"]: trace["line"]["width"] for trace in figure["data"] if "name" in trace}
        thin = [trace["line"]["width"] for trace in figure["data"] if "name" not in trace]
        assert set(widths) == {"training", "validation"}
        assert max(thin) < min(widths.values())
        assert figure["layout"]["shapes"][0]["x0"] == found["stop"]
    ranges = {tuple(figure["layout"]["yaxis"]["range"]) for figure in curve_figures(facts)}
    assert len(ranges) == 1


def test_a_baseline_that_was_chosen_is_drawn_once() -> None:
    facts = facts_of(searched("y"))
    chosen = facts["curves"][-1]
    facts["curves"][1] = {**chosen, "name": "early_stopping"}
    assert facts["comparison"] is not None
    facts["comparison"]["chosen_is"] = "early_stopping"
    assert [one["name"] for one in shown_curves(facts)] == ["none", "chosen"]
    facts["curves"][1]["folds"] = facts["curves"][1]["folds"][:1]  # at another learning rate
    assert len(shown_curves(facts)) == 3


def test_the_mean_goes_as_far_as_all_folds() -> None:
    assert mean_curve(curve([[1.0, 2.0, 9.0], [3.0, None]]), "train_loss") == [2.0, None]


def test_long_curves_are_thinned_and_keep_the_stopping_epoch() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[1.0 + i % 7 for i in range(5003)]], stop=777)]
    (figure,) = curve_figures(facts)
    assert len(figure["data"][0]["x"]) < 500
    assert 777 in figure["data"][0]["x"]
    assert 5003 in figure["data"][0]["x"]


def test_losses_over_magnitudes_have_a_logarithmic_axis() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[1000.0, 100.0, 10.0]])]
    assert curve_figures(facts)[0]["layout"]["yaxis"]["type"] == "log"
    facts["curves"] = [curve([[3.0, 2.0, 1.0]])]
    assert curve_figures(facts)[0]["layout"]["yaxis"]["type"] == "linear"


def test_the_first_epochs_do_not_set_the_scale() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[50.0, 20.0, *[3.0 - 0.01 * i for i in range(98)]]])]
    axis = curve_figures(facts)[0]["layout"]["yaxis"]
    assert axis["type"] == "linear"
    assert axis["range"][0] == 0
    assert 3 <= axis["range"][1] < 5


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-1.1, 0.1, ["0.1", "0.2", "0.5", "1"]),
        (-2.05, 0.0, ["0.01", "0.03", "0.1", "0.3", "1"]),
        (0.0, 4.0, ["1", "10", "100", "1,000", "10,000"]),
    ],
)
def test_ticks_of_logarithms_are_whole_numbers(low: float, high: float, words: list[str]) -> None:
    ticks = log_ticks(low, high)
    assert ticks["ticktext"] == words
    assert ticks["tickvals"] == pytest.approx([float(word.replace(",", "")) for word in words])


def test_every_candidate_with_a_loss_is_a_mark_of_the_search() -> None:
    facts = facts_of(searched("y"))
    assert facts["search"] is not None
    marks = [t for t in search_figure(facts)["data"] if t["mode"] == "markers" and t["name"] != "chosen"]
    known = [one for one in facts["search"]["candidates"] if one["loss"] is not None]
    assert sum(len(trace["x"]) for trace in marks) == len(known)
    (steps,) = (trace for trace in search_figure(facts)["data"] if trace["name"] == "lowest so far")
    assert steps["y"] == sorted(steps["y"], reverse=True)


def test_a_few_bad_losses_do_not_flatten_the_others() -> None:
    candidates: Any = [{"loss": loss} for loss in (1.0, 1.1, 1.2, 1.15, 50.0, None)]
    ceiling = loss_ceiling(candidates)
    assert 1.2 <= ceiling < 2
    none: list[CandidateFacts] = []
    assert loss_ceiling(none) == 1.0


def test_loss_by_rows_has_its_intervals() -> None:
    facts: Any = facts_of(searched("y"))
    point = {"n_rows": 50, "train_loss": 0.3, "loss": {"value": 0.5, "low": 0.4, "high": 0.7}}
    facts["diagnosis"] = {"learning_curve": {"points": [point, {**point, "n_rows": 100}]}}
    figure = rows_figure(facts)
    assert drawn(figure)
    assert figure["data"][1]["error_y"]["array"][0] == pytest.approx(0.2)


def test_text_is_text_to_plotly() -> None:
    assert plain("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"
