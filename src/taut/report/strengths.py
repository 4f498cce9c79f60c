"""Parallel coordinates of the candidates, from strengths to loss: plotly's need WebGL and eval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from taut.report.schema import CandidateFacts, Facts
from taut.report.search import loss_ceiling
from taut.report.words import told
from taut.techniques import TECHNIQUES, EarlyStopping

WIDTH, HEIGHT = 960, 400
TOP, BOTTOM, _SIDE = 52, 330, 70
OFF = 372  # below the axes: those that do not have the technique
_MOST_LINES = 400


@final
@dataclass(frozen=True)
class Axis:
    """One axis, from its lowest end to its highest."""

    name: str
    low: float
    high: float
    log: bool  # whether equal factors are equal distances
    value: Callable[[CandidateFacts], float | None]  # a candidate's place on it; None where it is off
    has_off: bool = False

    def y(self, value: float) -> float:
        """Where a value is drawn, the highest on top."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        if low == high:  # a switch that is on; or they differ by less than a logarithm shows
            return TOP
        return BOTTOM - (at - low) / (high - low) * (BOTTOM - TOP)

    @property
    def ends(self) -> tuple[str, str]:
        """What is written above it and below."""
        if self.has_off and self.low == self.high:
            return "on", ""
        if self.name != "Loss":
            return told(self.high), told(self.low)
        # Turned around: the best are on top, where one looks first.
        return told(-self.high), "" if self.low == self.high else f"{told(-self.low)} or more"


def drawing(facts: Facts) -> dict[str, Any] | None:
    """Give each candidate as a line over its strengths to its loss, and the axes, for the template.

    The chosen one is last; the lower a loss, the stronger its line. None where the search tried no more than
    its baselines.
    """
    search = facts["search"]
    if search is None or sum(c["loss"] is not None and c["batch"] >= 0 for c in search["candidates"]) < 2:
        return None
    known = [(c, i) for i, c in enumerate(search["candidates"]) if c["loss"] is not None]
    known.sort(key=lambda one: one[0]["loss"] or 0.0)
    del known[_MOST_LINES:]
    axes = axes_of([c for c, _ in known])
    step = (WIDTH - 2 * _SIDE) / max(1, len(axes) - 1)
    at = [_SIDE + i * step for i in range(len(axes))]
    lines = []
    known.sort(key=lambda one: (one[1] == search["chosen"], -(one[0]["loss"] or 0.0)))
    for rank, (candidate, place) in enumerate(known, start=1):
        chosen = place == search["chosen"]
        # Who is off is spread a little, so that lines can be followed.
        spread = OFF + (place * 7 % 13 - 6)
        ys = [spread if (value := axis.value(candidate)) is None else axis.y(value) for axis in axes]
        lines.append(
            {
                "kind": "chosen" if chosen else "dropped" if candidate["state"] == "dropped" else "full",
                "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(at, ys, strict=True)),
                "opacity": 1.0 if chosen else 0.3 + 0.6 * (rank / len(known)) ** 2,
                "label": f"{place + 1}: {candidate['label']}, loss {told(candidate['loss'])}",
            }
        )
    return {"lines": lines, "axes": list(zip(at, axes, strict=True))}


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
    rates, units = [c["learning_rate"] for c in candidates], [sum(c["hidden"]) for c in candidates]
    if rates and min(rates) < max(rates):
        axes.append(Axis("Learning rate", min(rates), max(rates), True, lambda c: c["learning_rate"]))
    if units and min(units) < max(units):
        axes.append(Axis("Hidden units", min(units), max(units), False, lambda c: float(sum(c["hidden"]))))
    losses = [c["loss"] for c in candidates if c["loss"] is not None]
    if losses:
        top = loss_ceiling(candidates)
        axes.append(Axis("Loss", -top, -min(losses), False, lambda c: -(c["loss"] or 0.0)))
    return axes


def _strength_of(name: str) -> Callable[[CandidateFacts], float | None]:
    return lambda candidate: candidate["strengths"].get(name)
