"""What a network has over what anybody would try first, in sentences that do not flatter it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.certainty import share_text
from taut.evidence.interval import Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.learning.architecture import LINEAR_MODEL

# A loss higher by a larger share is written as a multiple.
_MANY: Final = 2.0


def against_simple(models: Sequence[SimpleBaseline], score: float, score_name: str) -> list[str]:
    """Say where the network is not surely better than a simple model, and by how much it beats a linear one.

    A constant that is surely beaten needs no sentence.

    Parameters
    ----------
    models : sequence of SimpleBaseline
        With their gains.
    score : float
        The network's, mean over the folds: accuracy, R squared, or what the person's scorer says.
    score_name : str
        What it is called: "accuracy", "R²", or the scorer's name.

    Returns
    -------
    list of str
        A sentence a model at most.
    """
    return [sentence for one in models if (sentence := _sentence(one, score, score_name))]


def constants(models: Sequence[SimpleBaseline]) -> list[SimpleBaseline]:
    """Those that give the same answer to all rows."""
    return [one for one in models if one.kind == "constant"]


def others(models: Sequence[SimpleBaseline]) -> list[SimpleBaseline]:
    """Those that look at the rows."""
    return [one for one in models if one.kind != "constant"]


def doubts(models: Sequence[SimpleBaseline]) -> list[str]:
    """Name the simple models that are not surely beaten: by the person's scorer, else by the loss."""
    return [
        one.label if one.kind == "constant" else "a linear model"
        for one in models
        if not math.isnan(_surer(one).low) and not _surer(one).low > 0
    ]


def _surer(model: SimpleBaseline) -> Interval:
    """The figure by which the networks were chosen."""
    return model.gain if model.scoring is None else model.score_gain


def _sentence(model: SimpleBaseline, score: float, score_name: str) -> str:
    if math.isnan(_surer(model).low):
        return ""
    if model.scoring is not None:
        return _by_scorer(model, model.scoring, score, score_name)
    gain, other = model.gain, _name(model)
    if gain.high < 0:
        return f"The network is worse than {other}: its loss is {_higher(gain)}."
    if not gain.low > 0:
        how = _higher(gain) if gain.value < 0 else f"{share_text(gain)} lower"
        first = f"The network is not surely better than {other}: its loss is {how}"
        surely = model.score_gain.low > 0
        return f"{first}, though its {score_name} surely is higher." if surely else f"{first}."
    if math.isnan(model.score_gain.low) or model.score_gain.low > 0:
        silent = model.kind == "constant"
        return "" if silent else f"The network's loss is {share_text(gain)} lower than that of {other}."
    own, its = _score(score, score_name), _score(float(model.score.mean()), score_name)
    below = "below" if model.score_gain.high < 0 else "not surely above"
    first = f"The network's {score_name}, {own}, is {below} that of {other}, {its}"
    return f"{first}, though its loss is {share_text(gain)} lower."


def _higher(gain: Interval) -> str:
    """By which share a loss is higher; in times, where a share is no longer read."""
    if not gain.value < -_MANY or math.isnan(gain.low):
        return f"{share_text(gain.times(-1.0))} higher"
    value, low, high = (1.0 - end for end in (gain.value, gain.high, gain.low))
    return f"{value:.3g} times as high (95 % interval {low:.2g} to {high:.3g} times)"


def _by_scorer(model: SimpleBaseline, scoring: NDArray[np.float64], score: float, score_name: str) -> str:
    gain, other = model.score_gain, _name(model)
    own, its = _score(score, score_name), _score(float(scoring.mean()), score_name)
    between = f"difference {gain.value:.3f}, 95 % interval {gain.low:.3f} to {gain.high:.3f}"
    if gain.low > 0:
        silent = model.kind == "constant"
        return "" if silent else f"The network's {score_name} is above that of {other}, {its} ({between})."
    if gain.low == gain.high == 0.0:
        return f"The network's {score_name}, {own}, is the same as that of {other}."
    below = "below" if gain.high < 0 else "not surely above"
    return f"The network's {score_name}, {own}, is {below} that of {other}, {its} ({between})."


def _name(model: SimpleBaseline) -> str:
    return model.label if model.kind == "constant" else LINEAR_MODEL


def _score(value: float, name: str) -> str:
    return f"{100 * value:.1f} %" if name == "accuracy" else f"{value:.3f}"
