from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.paths import RegularizationPathDisplay
from tests.paths.helpers import KINDS, made

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[Any]:
    """Draw to memory, and leave no figure open."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def vertical(display: RegularizationPathDisplay) -> list[float]:
    """Where the dotted lines are."""
    dotted = [line for line in display.ax_.lines if line.get_linestyle() == ":"]
    ends: list[Any] = [line.get_xdata() for line in dotted]
    return [x[0] for x in ends if x[0] == x[-1]]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", ["loss", "score", "columns"])
def test_every_path_can_be_drawn(name: str, kind: Any) -> None:
    path = made(name, (0.6, 0.5)) if name == "batch_norm" else made(name)
    display = RegularizationPathDisplay(path)
    assert display.plot(kind=kind) is display
    display.figure_.canvas.draw()
    assert display.ax_.get_legend() is not None
    assert display.lines_


def test_the_loss_is_over_a_log_axis_with_error_bars() -> None:
    path = made()
    display = RegularizationPathDisplay.from_path(path)
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_xlabel() == "strength of L2"
    assert display.ax_.get_ylabel() == "cross-entropy (nats)"
    assert [line.get_label() for line in display.lines_[:2]] == ["early stopping alone", "training loss"]
    validation = display.lines_[2]
    np.testing.assert_allclose(validation.get_xdata(), [0.01, 0.1, 1, 10])  # type: ignore[arg-type]
    np.testing.assert_allclose(validation.get_ydata(), [0.52, 0.5, 0.51, 0.8])  # type: ignore[arg-type]
    assert display.errorbar_ is not None
    assert vertical(display) == [0.1, 1.0]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]  # type: ignore[union-attr]
    assert "validation loss" in texts


def test_the_score() -> None:
    display = RegularizationPathDisplay.from_path(made("dropout", task="regression"), kind="score")
    assert display.ax_.get_ylabel() == "R²"
    assert display.ax_.get_xscale() == "linear"
    assert set(display.lines_[-1].get_ydata()) == {0.75}  # type: ignore[arg-type]


def test_the_columns() -> None:
    names = [f"c{i}" for i in range(15)]
    display = RegularizationPathDisplay.from_path(made("l1", columns=names), kind="columns")
    assert [line.get_label() for line in display.lines_] == names[:12]
    assert len({(line.get_color(), line.get_linestyle()) for line in display.lines_}) == 12
    assert all(line.get_ydata()[-1] == 0 for line in display.lines_)  # type: ignore[index]
    assert display.ax_.get_ylim()[0] == 0
    assert display.ax_.get_title(loc="left") == "L1: the columns' weights go to zero one after another"


def test_a_band_in_place_of_bars_or_nothing() -> None:
    display = RegularizationPathDisplay.from_path(made(), std_display_style="fill_between")
    assert display.errorbar_ is None
    assert len(display.ax_.collections) == 1
    display = RegularizationPathDisplay.from_path(made(), std_display_style=None)
    assert len(display.ax_.collections) == 0


def test_axes_and_looks_are_the_callers(quiet: Any) -> None:
    _, (first, second) = quiet.subplots(1, 2)
    display = RegularizationPathDisplay.from_path(
        made(), ax=second, line_kw={"color": "black", "label": "mine"}
    )
    assert display.ax_ is second
    assert display.figure_ is second.figure
    assert not first.lines
    assert display.lines_[-1].get_color() == "black"
    assert "mine" in [text.get_text() for text in second.get_legend().get_texts()]


def test_of_epochs_the_earliest_is_marked_and_of_a_switch_nothing() -> None:
    assert sorted(vertical(RegularizationPathDisplay.from_path(made("early_stopping")))) == [3.0, 10.0]
    display = RegularizationPathDisplay.from_path(made("batch_norm", (0.6, 0.5)))
    assert vertical(display) == []
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["off", "on"]


def test_wrong_kinds_are_named() -> None:
    with pytest.raises(ParameterError, match="kind must be 'loss', 'score' or 'columns'"):
        RegularizationPathDisplay(made()).plot(kind="gap")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="std_display_style must be"):
        RegularizationPathDisplay(made()).plot(std_display_style="bars")  # type: ignore[arg-type]


def test_without_matplotlib_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match="needs matplotlib, which is not installed: pip install matplotlib"):
        RegularizationPathDisplay(made()).plot()
