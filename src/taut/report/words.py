"""What several sections say in the same words: figures, None where one is not there, and what to expect."""

from __future__ import annotations

import math
from collections.abc import Sequence

from taut import wording
from taut.report.schema import EstimateFacts, Facts, IntervalFacts, Number
from taut.wording import number, plus_minus

NOTHING = "–"


def told(value: Number, absent: str = NOTHING) -> str:
    """Write a number as people do."""
    return absent if value is None else number(value)


def with_error(value: Number, error: Number) -> str:
    """Write a number with its standard error, where it has one."""
    return NOTHING if value is None else plus_minus(value, math.nan if error is None else error)


def scored(value: Number, metric: str, absent: str = NOTHING) -> str:
    """Write an accuracy in per cent, any other score with three decimals."""
    return absent if value is None else wording.scored(value, metric)


def share(value: Number, absent: str = NOTHING) -> str:
    """Write a share of weights."""
    if value is None or value == 0:
        return absent if value is None else "0 %"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def seconds(value: Number) -> str:
    """Write a time: "3.1 s", "2 min 5 s", "1 h 3 min"."""
    if value is None:
        return NOTHING
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    whole = round(value)
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )


def ends(found: IntervalFacts) -> str:
    """Write from where to where a figure's interval goes; nothing where it has none."""
    known = found["low"] is not None and found["high"] is not None
    return f"{told(found['low'])} to {told(found['high'])}" if known else ""


def interval_told(found: IntervalFacts) -> str:
    """Write a figure and its 95 % interval."""
    return told(found["value"]) + (f" (95 % interval {between})" if (between := ends(found)) else "")


def change(value: Number, losses: Sequence[IntervalFacts]) -> str:
    """Write a change with its sign, all with as many decimals as give the largest of them four digits."""
    if value is None:
        return NOTHING
    largest = max((abs(x) for one in losses if (x := one["value"]) is not None), default=0.0)
    decimals = max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 0
    text = f"{abs(value):,.{decimals}f}"
    return text if not text.strip("0.") else f"{'−' if value < 0 else '+'}{text}"


def title(name: str) -> str:
    """A score's name at the beginning: "Accuracy", and what a person called theirs as it is."""
    return "Accuracy" if name == "accuracy" else name


def loss_in_units(facts: Facts) -> str:
    """Such as "cross-entropy in nats"."""
    return f"{facts['loss']} in nats" if facts["loss"].endswith("cross-entropy") else facts["loss"]


def scoring(facts: Facts) -> str | None:
    """What the person's scorer is called, if one chose."""
    return None if facts["search"] is None else facts["search"]["scoring"]


def estimate_of(facts: Facts) -> EstimateFacts | None:
    """What to expect on unseen rows, if that is known."""
    return None if facts["comparison"] is None else facts["comparison"]["estimate"]


def is_corrected(facts: Facts) -> bool:
    """Whether what to expect is corrected for having picked the best of many."""
    many = (facts["made"]["n_candidates"] or 0) > 1 and (facts["made"]["n_folds"] or 0) > 1
    return many and estimate_of(facts) is not None


def score_expected(estimate: EstimateFacts) -> str:
    """Write which score to expect on unseen rows, and what it is called."""
    name, score = estimate["score_name"], estimate["score"]
    text, low, high = scored(score["value"], name), score["low"], score["high"]
    if low is not None and high is not None and low < high:  # folds that all say the same tell no spread
        text += f" ({scored(low, name)} to {scored(high, name)})"
    return f"{'R²' if name == 'r2' else name} {text}"


def is_of_others(estimate: EstimateFacts) -> bool:
    """Whether what to expect is of other networks than the folds', one by one."""
    return bool(estimate.get("n_rows")) or estimate.get("n_averaged", 1) > 1


def averaged(facts: Facts) -> list[str]:
    """Say of which networks what to expect is, where it is not plainly of the returned ones."""
    estimate = estimate_of(facts)
    if estimate is None:
        return []
    if n_rows := estimate.get("n_rows"):
        return [
            f"That is of a network that all {n_rows:,} examples trained, as the returned one: extrapolated "
            "from those that a half and all of a fold's trained."
        ]
    if (n := estimate.get("n_averaged", 1)) > 1:
        return [
            f"That is of the saved model, an average of {n} networks: extrapolated from the folds' networks "
            f"one by one and from averages of {estimate['n_bagged']}, all on rows that they had not seen."
        ]
    if (n := facts["recipe"]["n_networks"]) < 2:
        return []
    measured = ""
    if estimate["n_bagged"] > 1 and estimate["bag_loss"] is not None:  # of models of before
        measured = f": {told(estimate['bag_loss'])} for {estimate['n_bagged']} (uncorrected)"
    return [f"That is of single networks; the saved model averages {n}, which is usually better{measured}."]
