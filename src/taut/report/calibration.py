"""What out-of-fold probabilities tell: whether they are right, which classes are confused, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from taut.evidence.probabilities.thresholds import METRICS
from taut.report.figures import Figure, layout_of, short, trace
from taut.report.reported import Reported
from taut.report.schema import CalibratedFacts, ConfusionFacts, Facts, IntervalFacts, Number
from taut.report.words import NOTHING, interval_told, told
from taut.store.shape import BinShape, CalibrationShape
from taut.wording import counted, fixed

_MOST_LETTERS = 24  # of a class above a column


def facts(result: Reported) -> CalibratedFacts | None:
    """Give what was found; None where nothing was, and of an amount."""
    found = None if result.table is None else result.table.calibrated
    if result.table is None or found is None or (found.calibration is None and found.confusion is None):
        return None
    classes, confusion = result.table.classes or [], found.confusion
    named: dict[str, Any] | None = None
    if confusion is not None:
        named = {
            "classes": [classes[code] for code in confusion.classes],
            "rows": [list(row) for row in confusion.rows],
            "accuracy": confusion.accuracy,
            "n_left_out": len(classes) - len(confusion.classes),
        }
    cuts = found.thresholds
    given = {
        "calibration": None if found.calibration is None else found.calibration.to_dict(),
        "confusion": named,
        "thresholds": [] if cuts is None else [cuts.best(metric).to_dict() for metric in METRICS],
        "positive": classes[1] if len(classes) == 2 else None,
    }
    return cast(CalibratedFacts, given)


def _found(facts: Facts) -> CalibrationShape | None:
    calibrated = facts.get("calibrated")
    return None if calibrated is None else calibrated["calibration"]


def bins_shown(found: CalibrationShape) -> list[BinShape]:
    """The bins of the probabilities that the model gives."""
    return found["bins_after"] if is_applied(found) else found["bins"]


def is_applied(found: CalibrationShape) -> bool:
    """Whether a temperature acts."""
    return found["temperature"] != 1.0


# --- the figure ---------------------------------------------------------------------------------------------


def figure(facts: Facts) -> Figure | None:
    """Draw observed shares by predicted probabilities, and where those of right probabilities lie."""
    found = _found(facts)
    if found is None or not found["bins"]:
        return None
    shown, applied = bins_shown(found), is_applied(found)
    drawn = [*found["bins"], *shown]
    highest = max(max(one["predicted"], one["observed"], one["high"]) for one in drawn)
    lowest = min(min(one["predicted"], one["observed"], one["low"]) for one in drawn)
    margin = 0.04 * max(highest - lowest, 0.01)
    span = [short(lowest - margin), short(highest + margin)]
    layout = layout_of("observed share", f"predicted probability{_of(facts)}")
    for axis in ("xaxis", "yaxis"):
        layout[axis] |= {"range": span}
    predicted = [short(one["predicted"]) for one in shown]
    reach = {
        "array": [short(one["high"] - one["predicted"]) for one in shown],
        "arrayminus": [short(one["predicted"] - one["low"]) for one in shown],
    }
    bars = {"type": "data", "symmetric": False, "color": "@training", "thickness": 6, "width": 0, **reach}
    right = trace(
        "lines", span, span, name="right", line={"color": "@training", "width": 1.4, "dash": "dash"}
    )
    chance = trace(
        "markers",
        predicted,
        predicted,
        name="95 % of right probabilities",
        marker={"size": 6, "color": "@training", "symbol": "square"},
        error_y=bars,
        opacity=0.45,
    )
    for one in (right, chance):
        one["hoverinfo"] = "skip"
    data = [chance, right]
    if applied:
        data.append(_points("without temperature", found["bins"], "@validation", "circle-open"))
    data.append(_points("with temperature" if applied else "observed", shown, "@accent", "diamond"))
    return {"data": data, "layout": layout}


def _points(name: str, bins: Sequence[BinShape], colour: str, symbol: str) -> Figure:
    return trace(
        "markers",
        [short(one["predicted"]) for one in bins],
        [short(one["observed"]) for one in bins],
        name=name,
        marker={"color": colour, "size": 9, "symbol": symbol, "line": {"width": 2, "color": colour}},
        customdata=[f"{one['n_rows']:,}" for one in bins],
        hovertemplate="predicted %{x:.3g}<br>observed %{y:.3g}<br>%{customdata} rows<extra></extra>",
    )


def _of(facts: Facts) -> str:
    """Of which class; no name that a person gave stands on an axis."""
    calibrated = facts.get("calibrated")
    return "" if calibrated and calibrated["positive"] is not None else " of the likeliest class"


# --- in words -----------------------------------------------------------------------------------------------


def applied_told(facts: Facts) -> list[str]:
    """Say that a temperature acts, where one does; else a text without the rest needs no word of it."""
    found = _found(facts)
    return temperature_told(facts) if found is not None and is_applied(found) else []


def temperature_told(facts: Facts) -> list[str]:
    """Say in one sentence whether a temperature acts, and why; nothing where there is no calibration."""
    found = _found(facts)
    if found is None:
        return []
    loss, fitted, gain = facts["loss"], told(found["fitted_temperature"]), found["gain"]
    before, after = told(found["log_loss"]), told(found["log_loss_after"])
    if is_applied(found):
        how = "too sure" if found["fitted_temperature"] > 1 else "less sure than they could be"
        return [
            f"Probabilities are taken at a temperature of {fitted}, because the networks are {how}: out of "
            f"fold that lowers the {loss} from {before} to {after}, by {interval_told(gain)}."
        ]
    if (gain["low"] or 0.0) > 0.0:
        return [
            f"No temperature is applied to the probabilities: {fitted} fits single networks best, and the "
            "returned model averages several, which are less sure of themselves."
        ]
    lower = (gain["value"] or 0.0) >= 0.0
    change = f"{'lower' if lower else 'higher'} by {interval_told(gain if lower else _reversed(gain))}"
    return [
        f"No temperature is applied to the probabilities: that the best one, {fitted}, helps is not sure. "
        f"Out of fold the {loss} is {before} without it and {after} with it, {change}."
    ]


def _reversed(found: IntervalFacts) -> IntervalFacts:
    def less(value: Number) -> Number:
        return None if value is None else -value

    return {"value": less(found["value"]), "low": less(found["high"]), "high": less(found["low"])}


def explained(facts: Facts) -> list[str]:
    """Say whether the probabilities are right, before and after, and how that was found."""
    found = _found(facts)
    if found is None:
        return []
    error, after = found["error"], found["error_after"]
    text = (
        "The expected calibration error, by which probabilities and observed shares differ on average, is "
        f"{interval_told(error)} without temperature and {interval_told(after)} with it; what chance alone "
        "would show is taken off."
    )
    now = after if is_applied(found) else error
    if now["low"] == 0.0:
        text += " The interval begins at 0: by this figure the probabilities are not shown to be wrong."
    elif now["low"] is not None:
        text += " The interval lies above 0: chance alone does not explain it."
    said = [*temperature_told(facts), text, _how(facts, found)]
    if is_applied(found):
        said.append(
            "What to expect on unseen rows is with it; the losses of the candidates, which were compared "
            "before, are without."
        )
    return said


def _how(facts: Facts, found: CalibrationShape) -> str:
    """Say on which rows, by which networks, and with which weights."""
    several = found["n_averaged"] > 1
    by = f"averages of {found['n_averaged']} networks" if several else "single networks"
    text = (
        f"All of this is of {counted(found['n_rows'], 'row')}, predicted by {by} that had not seen the row; "
        "a row's figures with temperature are at the one that the other four fifths of the rows give."
    )
    if "weighted" in facts["loss"]:
        text += (
            " Rows count with the weights of their classes, as in training: the probabilities are of a world "
            "in which the classes are as frequent as that makes them."
        )
    elif "sample_weight" in facts["made"]["given"]:
        text += " Rows count with their weights."
    return text


def seen(facts: Facts) -> str:
    """Say in one sentence what to see."""
    found = _found(facts)
    bins = [] if found is None else bins_shown(found)
    outside = sum(not one["low"] <= one["observed"] <= one["high"] for one in bins)
    calibrated = facts.get("calibrated")
    positive = None if calibrated is None else calibrated["positive"]
    what = "that the likeliest class is right" if positive is None else f"of {positive}"
    return (
        f"Each mark is the share of a bin's rows {what}, and lies on the line where probabilities are right; "
        f"chance leaves it within the bar in 95 % of all cases. Outside: {outside} of {len(bins)}."
    )


def why_absent(facts: Facts) -> str:
    """Say why there is no calibration."""
    if facts["comparison"] is None:
        return (
            "It is judged on out-of-fold rows, which only a search has: "
            f"{facts['made']['estimator']}CV holds out every row in turn."
        )
    return (
        "It is not known: the model was saved without it, or there was no time for it, or fewer than 20 rows "
        "were held out."
    )


def heads(found: ConfusionFacts) -> list[str]:
    """Name the columns of the confusion matrix."""
    names = found["classes"]
    return [name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…" for name in names]


def confusion_told(facts: Facts) -> str:
    """Say what the confusion matrix counts."""
    calibrated = facts.get("calibrated")
    found = None if calibrated is None else calibrated["confusion"]
    if found is None:
        return ""
    weighted = "sample_weight" in facts["made"]["given"]
    text = (
        f"{'Weights of rows' if weighted else 'Rows'} out of fold by true class, and by predicted class in "
        f"the columns: {100 * found['accuracy']:.1f} % are right."
    )
    if "weighted" in facts["loss"]:
        text += " Every row counts alike, whatever its class."
    if n := found["n_left_out"]:
        text += f" The {len(found['classes'])} most frequent classes; {n:,} more are left out here."
    return text


def thresholds_told(found: CalibratedFacts) -> str:
    """Say what a threshold is, and that none is taken unless it is asked for."""
    return (
        f"The class {found['positive']} is predicted where its probability is at least the threshold; if "
        "nobody asks, the model predicts the likelier class, a threshold of 0.5."
    )


def count(value: Number) -> str:
    """Write a number of rows, or of weights."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def share_right(row: Sequence[float], place: int) -> str:
    """Write which share of a class's rows is right."""
    total = sum(row)
    return f"{100 * row[place] / total:.1f} %" if total > 0 else NOTHING


def value(number: Number) -> str:
    """Write a metric."""
    return NOTHING if number is None else fixed(number, 3)


def between(found: IntervalFacts) -> str:
    """Write a metric and its interval."""
    ends = (found["low"], found["high"])
    text = value(found["value"])
    return text if None in ends else f"{text} ({value(ends[0])} to {value(ends[1])})"
