"""The short form of a report: what a notebook shows of a fitted estimator. No script, no rule but its own."""

from __future__ import annotations

import math
import warnings
from typing import Any

from markupsafe import Markup

from taut.errors import DataWarning
from taut.estimators.base import TautEstimator
from taut.report.curves import Scale, mean_curve, of_curve, scale_of, shown
from taut.report.facts import facts_of
from taut.report.figures import thinned
from taut.report.page import render
from taut.report.schema import CurveFacts, Facts, Number
from taut.wording import number

# Of a panel: its size, and where its lines are.
_WIDTH, _HEIGHT = 300, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, _WIDTH - 8, 18, _HEIGHT - 20
_TITLES = {"none": "Before: no regularization", "early_stopping": "Early stopping alone", "chosen": "After"}


def notebook_html(estimator: TautEstimator, own: str) -> str:
    """Give the verdict, the comparison, what to expect, and the learning curves before and after.

    There is no script of ours in it, and whatever comes from the data is escaped; ``own``, scikit-learn's
    HTML of the fitted estimator, is folded below.
    """
    with warnings.catch_warnings():
        # A form that is looked at says nothing beside it; ``report`` does.
        warnings.simplefilter("ignore", DataWarning)
        facts = facts_of(estimator)
    size = {"width": _WIDTH, "height": _HEIGHT}
    size |= {"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM}
    return render("notebook.html.jinja", facts=facts, panels=_panels(facts), size=size, own=Markup(own))


def _panels(facts: Facts) -> list[dict[str, Any]]:
    """Before and after, on one scale; a single network has one."""
    curves = shown(facts)
    drawn = curves if len(curves) < 3 else [curves[0], curves[-1]]
    return [_panel(curve, scale_of(drawn)) for curve in drawn]


def _panel(curve: CurveFacts, scale: Scale) -> dict[str, Any]:
    train, validation = mean_curve(curve, "train_loss"), mean_curve(curve, "validation_loss")
    length, stop = max(len(train), 1), curve["stop"]
    return {
        "title": _TITLES.get(curve["name"], "Loss by epoch"),
        "sentence": of_curve(curve),
        "train": _points(train, stop, length, scale),
        "validation": _points(validation, stop, length, scale),
        "x_stop": None if stop is None or stop > length else _x(stop, length),
        "length": length,
        "ticks": _ticks(scale),
    }


def _x(epoch: int, length: int) -> float:
    return round(_LEFT + (epoch - 1) / max(1, length - 1) * (_RIGHT - _LEFT), 1)


def _y(value: float, scale: Scale) -> float:
    low, high, log = scale
    at = math.log10(max(value, 1e-300)) if log else value
    share = min(max((at - low) / (high - low), -1.0), 2.0)  # what is outside is cut off where it is drawn
    return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)


def _points(values: list[Number], stop: int | None, length: int, scale: Scale) -> str:
    """A line's points as SVG has them."""
    known = [(i, value) for i in thinned(len(values), stop) if (value := values[i]) is not None]
    return " ".join(f"{_x(i + 1, length)},{_y(value, scale)}" for i, value in known)


def _ticks(scale: Scale) -> list[tuple[float, str]]:
    """The ends of the scale and its middle: (place, text), with the two digits that there is room for."""
    low, high, log = scale
    at = [low + share * (high - low) for share in (0.05, 0.5, 0.95)] if log else [0.0, high / 2.2, high / 1.1]
    values = [10**x if log else x for x in at]
    usual = [value == 0 or 1e-3 <= value < 1e6 for value in values]
    texts = [number(float(f"{v:.2g}")) if one else f"{v:.0e}" for v, one in zip(values, usual, strict=True)]
    return [(_y(value, scale), text) for value, text in zip(values, texts, strict=True)]
