"""Parallel coordinates of the candidates as plain SVG: plotly's need WebGL and eval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from taut.report.page.figures import loss_ceiling
from taut.report.page.words import told
from taut.report.schema import CandidateFacts, Facts
from taut.techniques import TECHNIQUES, EarlyStopping

_WIDTH, _HEIGHT = 960, 400
_TOP, _BOTTOM, _SIDE = 52, 330, 70
_OFF = 372  # below the axes: those that do not have the technique
_MOST_LINES = 400


@final
@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    name : str
    low, high : float
        Its ends.
    log : bool
        Whether equal factors are equal distances.
    value : callable
        A candidate's place on it; None where it is off.
    has_off : bool
    """

    name: str
    low: float
    high: float
    log: bool
    value: Callable[[CandidateFacts], float | None]
    has_off: bool

    def y(self, value: float) -> float:
        """Where a value is drawn, the highest on top."""
        if self.low == self.high:  # a switch that is on
            return _TOP
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
            if low == high:  # they differ by less than a logarithm shows
                return _TOP
        share = (at - low) / (high - low)
        return _BOTTOM - share * (_BOTTOM - _TOP)


def parallel_coordinates(facts: Facts) -> str:
    """Draw each candidate as a line over its strengths to its loss, as an SVG element.

    The chosen one is thick and last; the lower a loss, the stronger its line; those cut early are dashed.
    """
    search = facts["search"]
    assert search is not None
    known = [(c, i) for i, c in enumerate(search["candidates"]) if c["loss"] is not None]
    shown = sorted(known, key=lambda one: one[0]["loss"] or 0.0)[:_MOST_LINES]
    axes = axes_of([c for c, _ in shown])
    step = (_WIDTH - 2 * _SIDE) / max(1, len(axes) - 1)
    parts = [
        f'<svg class="parallel" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-labelledby="parallel-title" focusable="false">',
        '<title id="parallel-title">Strengths of the candidates and their loss; the table below has the '
        "numbers</title>",
    ]
    order = [one for one in reversed(shown) if one[1] != search["chosen"]]
    order += [one for one in shown if one[1] == search["chosen"]]
    for rank, (candidate, place) in enumerate(order):
        points = _points(candidate, axes, step, place)
        chosen = place == search["chosen"]
        kind = "chosen" if chosen else ("dropped" if candidate["state"] == "dropped" else "full")
        strength = 1.0 if chosen else 0.3 + 0.6 * ((rank + 1) / len(order)) ** 2
        label = f"{place + 1}: {candidate['label']}, loss {told(candidate['loss'])}"
        parts.append(
            f'<polyline class="line {kind}" points="{points}" opacity="{strength:.2f}">'
            f"<title>{escape(label)}</title></polyline>"
        )
    parts += [_axis(axis, _SIDE + i * step) for i, axis in enumerate(axes)]
    return "\n".join([*parts, "</svg>"])


def axes_of(candidates: Sequence[CandidateFacts]) -> list[Axis]:
    """Give an axis for each technique that somebody has, for what else differs, and for the loss."""
    axes = []
    for kind in TECHNIQUES:
        found = [c["strengths"][kind.name] for c in candidates if kind.name in c["strengths"]]
        if kind is EarlyStopping or not found:
            continue
        name = kind.page.title.split(" (")[0].replace("Batch normalization", "Batch norm")
        log = kind.search_range.scale == "log" and min(found) > 0
        low, high = min(found), max(found)
        if low == high and kind.search_range.scale != "switch":
            low, high = (low / 2, high * 2) if log else (low - 0.1, high + 0.1)
        axes.append(Axis(name, low, high, log, _strength_of(kind.name), True))
    rates = [c["learning_rate"] for c in candidates]
    if rates and min(rates) < max(rates):
        axes.append(Axis("Learning rate", min(rates), max(rates), True, lambda c: c["learning_rate"], False))
    units = [sum(c["hidden"]) for c in candidates]
    if units and min(units) < max(units):
        axes.append(
            Axis("Hidden units", min(units), max(units), False, lambda c: float(sum(c["hidden"])), False)
        )
    losses = [c["loss"] for c in candidates if c["loss"] is not None]
    if losses:
        # Turned around: the best are on top, where one looks first.
        axes.append(
            Axis("Loss", -loss_ceiling(candidates), -min(losses), False, lambda c: -(c["loss"] or 0.0), False)
        )
    return axes


def _strength_of(name: str) -> Callable[[CandidateFacts], float | None]:
    return lambda candidate: candidate["strengths"].get(name)


def _points(candidate: CandidateFacts, axes: Sequence[Axis], step: float, place: int) -> str:
    points = []
    for i, axis in enumerate(axes):
        value = axis.value(candidate)
        # Who is off is spread a little, so that lines can be followed.
        y = _OFF + (place * 7 % 13 - 6) if value is None else axis.y(value)
        points.append(f"{_SIDE + i * step:.1f},{y:.1f}")
    return " ".join(points)


def _axis(axis: Axis, x: float) -> str:
    sign = -1.0 if axis.name == "Loss" else 1.0
    ends: tuple[tuple[str, int], ...] = (
        (("on", _TOP),) if axis.low == axis.high else ((told(sign * axis.high), _TOP),)
    )
    if axis.low != axis.high:
        low = told(sign * axis.low)
        ends += ((f"{low} or more" if axis.name == "Loss" else low, _BOTTOM),)
    # Below an axis whose lines go on to "off" a label stands beside it.
    anchor, shift = ("start", 8) if axis.has_off else ("middle", 0)
    parts = [
        f'<text class="name" x="{x:.1f}" y="22" text-anchor="middle">{escape(axis.name)}</text>',
        f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/>',
    ]
    for text, y in ends:
        at = y - 8 if y == _TOP else y + 16
        parts.append(
            f'<text class="end" x="{x + (0 if y == _TOP else shift):.1f}" y="{at}" '
            f'text-anchor="{"middle" if y == _TOP else anchor}">{escape(text)}</text>'
        )
    if axis.has_off:
        parts.append(f'<text class="end" x="{x + 8:.1f}" y="{_OFF + 20}" text-anchor="start">off</text>')
    return "".join(parts)
