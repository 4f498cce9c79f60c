from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.paths.figure import MOST_NAMED, figure, ticks
from taut.paths.words import title
from tests.paths.helpers import KINDS, made


def trace(drawn: Any, name: str) -> Any:
    return next(one for one in drawn.data if one.name == name)


def lines_at(drawn: Any) -> list[float]:
    """Where the two dotted lines are."""
    assert all(shape.line.dash == "dot" for shape in drawn.layout.shapes)
    return [shape.x0 for shape in drawn.layout.shapes]


@pytest.mark.parametrize("name", KINDS)
def test_it_is_a_figure_that_can_be_written(name: str) -> None:
    path = made(name, (0.6, 0.5)) if name == "batch_norm" else made(name)
    drawn = path.plot()
    assert json.loads(drawn.to_json())["data"]
    assert drawn.layout.title.text.replace("<br>", " ") == title(path)


def test_the_loss_has_error_bars_over_a_log_axis_and_off_is_a_line() -> None:
    path = made()
    drawn = figure(path)
    validation = trace(drawn, "validation loss")
    assert list(validation.x) == [0.01, 0.1, 1.0, 10.0]  # off has no place on a log axis
    np.testing.assert_allclose(validation.y, [0.52, 0.5, 0.51, 0.8])
    np.testing.assert_allclose(validation.error_y.array, [p.validation_loss_se for p in path.points[1:]])
    assert drawn.layout.xaxis.type == "log"
    np.testing.assert_allclose(trace(drawn, "training loss").y, [0.26, 0.25, 0.255, 0.4])
    assert trace(drawn, "early stopping alone").y == pytest.approx([0.6, 0.6])
    assert "weight norm 10" in validation.customdata[0]
    assert "epoch kept 13" in validation.customdata[0]


def test_two_dotted_lines_are_the_best_and_the_one_se_strength() -> None:
    drawn = figure(made())
    assert lines_at(drawn) == [0.1, 1.0]
    texts = {note.text: note for note in drawn.layout.annotations}
    assert set(texts) == {"best 0.1", "one SE 1"}
    assert texts["best 0.1"].x == -1  # a log axis counts in powers of ten
    assert (texts["best 0.1"].xanchor, texts["one SE 1"].xanchor) == ("right", "left")
    drawn = figure(made("early_stopping"))
    assert lines_at(drawn) == [3.0, 10.0]
    drawn = figure(made(n_folds=1))
    assert lines_at(drawn) == [0.1]
    assert drawn.layout.annotations[0].text == "best, one SE 0.1"


def test_a_best_that_is_off_has_no_line_of_its_own() -> None:
    drawn = figure(made("l2", (0.5, 0.51, 0.7, 0.8, 0.9)))
    assert lines_at(drawn) == [0.01]
    assert [note.text for note in drawn.layout.annotations] == ["one SE 0.01"]


def test_axes_are_those_of_the_technique() -> None:
    assert figure(made("dropout")).layout.xaxis.type == "linear"
    assert figure(made("early_stopping")).layout.xaxis.type == "log"
    assert figure(made("early_stopping")).layout.xaxis.title.text == "epoch"
    drawn = figure(made("batch_norm", (0.6, 0.5)))
    assert list(trace(drawn, "validation loss").x) == ["off", "on"]
    assert not drawn.layout.shapes
    low, high = figure(made("l2")).layout.xaxis.range
    assert low < math.log10(0.01) < math.log10(10) < high


def test_the_number_of_weights_that_are_not_zero_is_on_top() -> None:
    drawn = figure(made("l1"))
    top = drawn.layout.xaxis2
    assert (top.side, top.overlaying) == ("top", "x")
    assert list(top.tickvals) == [0.01, 0.1, 0.5, 1.5]
    assert list(top.ticktext) == ["800", "400", "100", "0"]
    assert tuple(top.range) == tuple(drawn.layout.xaxis.range)
    assert any(one.xaxis == "x2" for one in drawn.data)  # else it would not be drawn
    top = figure(made("l2")).layout.xaxis2  # the same everywhere: once is enough
    assert top.title.text == "weights that are not zero: 1,000"
    assert not top.tickvals


def test_ticks_are_few_and_spread_over_the_axis() -> None:
    path = made("l1")
    points = tuple(
        replace(path.points[1], strength=float(s), failed="x" if i == 7 else "")
        for i, s in enumerate([0, *np.geomspace(0.01, 1, 60)])
    )
    longer = replace(path, points=points)
    found = ticks(longer)
    assert len(found) == 9
    assert (found[0], found[-1]) == (1, 60)
    assert max(np.diff(found)) <= 9
    assert 7 not in found


def test_columns_go_to_zero_in_a_second_panel() -> None:
    path = made("l1")
    drawn = figure(path)
    lines = [one for one in drawn.data if one.yaxis == "y2"]
    assert {line.name for line in lines} == set(path.column_names)
    for line in lines:
        assert line.y[-1] == 0.0
        assert list(line.x) == [0.01, 0.1, 0.5, 1.5]
        assert line.legend == "legend2"
    assert drawn.layout.xaxis3.matches == "x"
    assert drawn.layout.shapes[0].yref == "paper"  # the dotted lines go through both panels


def test_of_many_columns_the_legend_names_those_that_hold_out_longest() -> None:
    names = [f"c{i}" for i in range(40)]
    path = made("l1", columns=names)
    drawn = figure(path)
    lines = [one for one in drawn.data if one.yaxis == "y2"]
    named = [line for line in lines if line.showlegend is not False]
    assert len(lines) == 40
    assert [line.name for line in named] == names[:MOST_NAMED]
    looks = {(line.line.color, line.line.dash) for line in named}
    assert len(looks) == MOST_NAMED
    assert all(line.hovertemplate for line in lines)


def test_only_techniques_that_make_zeros_have_that_panel() -> None:
    for name in ("l2", "dropout", "early_stopping"):
        assert "yaxis2" not in figure(made(name)).layout.to_plotly_json()
    assert "yaxis2" not in figure(made("l1", columns=())).layout.to_plotly_json()


def test_failures_are_gaps() -> None:
    drawn = figure(made(failed=[2]))
    validation = trace(drawn, "validation loss")
    assert math.isnan(validation.y[1])
    assert validation.error_y.array[1] == 0.0
    figure(made(failed=[0]))  # without off there is no line
    assert len(figure(made(failed=[0])).data) == len(drawn.data) - 1


def test_a_name_is_shown_as_it_is() -> None:
    drawn = figure(made("l1", columns=("<b>age</b>", "x & y")))
    assert {one.name for one in drawn.data if one.yaxis == "y2"} == {"&lt;b&gt;age&lt;/b&gt;", "x &amp; y"}
    line = next(one for one in drawn.data if one.yaxis == "y2")
    assert "<b>age" not in line.hovertemplate


def test_it_is_transparent_so_that_it_is_good_in_light_and_dark() -> None:
    layout = figure(made()).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
