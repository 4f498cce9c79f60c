"""The short form of a report: what a notebook shows of a fitted estimator. No script, no rule but its own."""

from __future__ import annotations

import math
import warnings
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypedDict

from markupsafe import Markup

from taut.errors import DataWarning
from taut.report.facts import facts_of
from taut.report.page import words
from taut.report.page.figures.curves import mean_curve, scale_of, shown_curves
from taut.report.schema import CurveFacts, Facts, LineFacts, Number
from taut.report.thinning import thinned
from taut.wording import number

if TYPE_CHECKING:
    from taut.estimators.base import TautEstimator

# Of a panel: its size, and how much of it is around the lines.
_WIDTH, _HEIGHT = 300, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 18, 20


class Panel(TypedDict):
    """One network's curves, ready to draw."""

    title: str
    sentence: str
    train: str
    validation: str
    x_stop: float | None
    stop_anchor: str
    stop: int | None
    length: int
    ticks: list[tuple[float, str]]


def notebook_html(estimator: TautEstimator, own: str) -> str:
    """Give the verdict, the comparison, what to expect, and the learning curves before and after.

    Parameters
    ----------
    estimator : TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV
        A fitted one.
    own : str
        scikit-learn's own HTML of it, to be folded below.

    Returns
    -------
    str
        HTML without a script of ours; whatever comes from the data is escaped.
    """
    with warnings.catch_warnings():
        # A form that is looked at says nothing beside it; ``report`` does.
        warnings.simplefilter("ignore", DataWarning)
        facts = facts_of(estimator)
    text: str = _template().render(
        facts=facts,
        lines=_lines(facts),
        panels=_panels(facts),
        size={"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP,
              "bottom": _HEIGHT - _BOTTOM},
        expected=_expected(facts),
        said=words,
        own=Markup(own),
    )  # fmt: skip
    return text.encode("utf-8", "replace").decode("utf-8")


def _lines(facts: Facts) -> list[LineFacts]:
    """Those of the comparison that have a loss, as the page has them."""
    comparison = facts["comparison"]
    if comparison is None:
        return []
    lines = [*comparison.get("simple", []), *comparison["lines"]]
    return [line for line in lines if line["validation_loss"] is not None]


def _expected(facts: Facts) -> str:
    found = None if facts["comparison"] is None else facts["comparison"]["estimate"]
    if found is None:
        return ""
    name = "R²" if found["score_name"] == "r2" else found["score_name"]
    score = found["score"]
    text = f"loss {words.interval_told(found['loss'])}, {name} {words.score_told(score['value'], name)}"
    if score["low"] is not None and score["high"] is not None:
        text += f" ({words.score_told(score['low'], name)} to {words.score_told(score['high'], name)})"
    return text


# --- the curves ---------------------------------------------------------------------------------------------


def _panels(facts: Facts) -> list[Panel]:
    """Before and after, on one scale; a single network has one."""
    curves = shown_curves(facts)
    shown = curves if len(curves) < 3 else [curves[0], curves[-1]]
    means = [(mean_curve(c, "train_loss"), mean_curve(c, "validation_loss")) for c in shown]
    scale = scale_of(shown, means)
    return [_panel(curve, *mean, scale) for curve, mean in zip(shown, means, strict=True)]


def _panel(
    curve: CurveFacts, train: list[Number], validation: list[Number], scale: tuple[float, float, bool]
) -> Panel:
    titles = {
        "none": "Before: no regularization",
        "early_stopping": "Early stopping alone",
        "chosen": "After",
    }
    length, stop = max(len(train), 1), curve["stop"]
    x_stop = None if stop is None or stop > length else _x(stop, length)
    return {
        "title": titles.get(curve["name"], "Loss by epoch"),
        "sentence": words.of_curve(curve),
        "train": _points(train, stop, length, scale),
        "validation": _points(validation, stop, length, scale),
        "x_stop": x_stop,
        "stop_anchor": "end" if x_stop is not None and x_stop > _WIDTH / 2 else "start",
        "stop": stop,
        "length": length,
        "ticks": _ticks(scale),
    }


def _x(epoch: int, length: int) -> float:
    share = (epoch - 1) / max(1, length - 1)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(value: float, scale: tuple[float, float, bool]) -> float:
    low, high, log = scale
    at = math.log10(max(value, 1e-300)) if log else value
    share = min(max((at - low) / (high - low), -1.0), 2.0)  # what is outside is cut off where it is drawn
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _points(values: list[Number], stop: int | None, length: int, scale: tuple[float, float, bool]) -> str:
    """A line's points as SVG has them."""
    known = [(i, value) for i in thinned(len(values), stop) if (value := values[i]) is not None]
    return " ".join(f"{_x(i + 1, length)},{_y(value, scale)}" for i, value in known)


def _ticks(scale: tuple[float, float, bool]) -> list[tuple[float, str]]:
    """The ends of the scale and its middle: (place, text)."""
    low, high, log = scale
    at = [low + share * (high - low) for share in (0.05, 0.5, 0.95)] if log else [0.0, high / 2.2, high / 1.1]
    values = [10**x if log else x for x in at]
    return [(_y(value, scale), _short(value)) for value in values]


def _short(value: float) -> str:
    """Two digits, in the little room beside the lines."""
    usual = value == 0 or 1e-3 <= value < 1e6
    return number(float(f"{value:.2g}")) if usual else f"{value:.0e}"


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = files("taut.report").joinpath("notebook.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(text)
