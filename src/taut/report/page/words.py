"""What the page says in sentences, from the facts alone."""

from __future__ import annotations

import math
from typing import Any, TypedDict

from taut.evidence.certainty import certainty_of, change_told
from taut.evidence.interval import Interval
from taut.report.schema import (
    ChangeFacts,
    ComparisonFacts,
    CurveFacts,
    Facts,
    IntervalFacts,
    LineFacts,
    Number,
)
from taut.wording import number, plus_minus


class Tile(TypedDict):
    """A figure of the verdict: what it is, how much, and what belongs to it."""

    name: str
    value: str
    note: str


def told(value: Number) -> str:
    """Write a number as people do; a dash where there is none."""
    return "–" if value is None else number(value)


def with_error(value: Number, error: Number) -> str:
    """Write a number with its standard error, where it has one."""
    return "–" if value is None else plus_minus(value, math.nan if error is None else error)


def scored(value: Number, facts: Facts) -> str:
    """Write an accuracy in per cent, an R squared with three decimals."""
    return score_told(value, facts["metric"])


def score_told(value: Number, metric: str) -> str:
    """The same by the score's name; a score of the person's own has three decimals."""
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if metric == "accuracy" else f"{value:.3f}"


def share(value: Number) -> str:
    """Write a share of weights."""
    if value is None or value == 0:
        return "–" if value is None else "0 %"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def seconds(value: Number) -> str:
    """Write a time: "3.1 s", "2 min 5 s", "1 h 3 min"."""
    if value is None:
        return "–"
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(count: int, one: str, many: str = "") -> str:
    """Write "1 row" or "1,000 rows"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def heading(facts: Facts) -> str:
    """Name what the report is of."""
    source = facts["source"]
    if source["file"] and source["target"]:
        return f"What regularization did: {source['target']} in {source['file']}"
    return "What regularization did"


def verdict(facts: Facts) -> str:
    """Say what regularization did, the surest first: what the search found, measured again where it was."""
    comparison = facts["comparison"]
    first = f"{_single(facts)}." if comparison is None else _compared(comparison, facts)
    if facts["signs"]:  # before any praise
        first = f"{' '.join(facts['signs'])} What follows may owe to that. {first}"
    rest = "; ".join(
        part for part in (_doubts(comparison), _scores(facts), _expected(facts), _effort(facts)) if part
    )
    what = "Training" if comparison is None else "The search"
    cut = f" {what} was interrupted: this is the best so far." if facts["made"]["interrupted"] else ""
    return f"{first} {rest[0].upper()}{rest[1:]}.{cut}" if rest else f"{first}{cut}"


def _doubts(comparison: ComparisonFacts | None) -> str:
    """What a simple model may do as well belongs into the first sentence."""
    found = [] if comparison is None else comparison.get("doubts", [])
    return f"it is not surely better than {' or '.join(found)}" if found else ""


def _scores(facts: Facts) -> str:
    """Accuracy or R squared before and after: a lower loss need not mean more rows that are right."""
    comparison = facts["comparison"]
    if comparison is None:
        return ""
    before, after = (scored(comparison["lines"][i]["metric"], facts) for i in (0, -1))
    if after == "–":
        return ""
    if before == after:
        return f"{facts['metric']} stayed at {after}"
    return f"{facts['metric']} is {after}" + (f", and was {before} before" if before != "–" else "")


def _single(facts: Facts) -> str:
    curve = facts["curves"][0]
    train, validation = at_stop(curve)
    if validation is None:
        return (
            f"One network was trained with {curve['label']}, to a training loss of {told(train)}, and no "
            "rows were held out, so that nothing tells how good it is on others"
        )
    return (
        f"One network was trained with {curve['label']}: its validation loss is {told(validation)} and its "
        f"training loss {told(train)}, at epoch {curve['stop']}, and it was compared with no other"
    )


def _compared(comparison: ComparisonFacts, facts: Facts) -> str:
    """The search's own first sentence; where what was measured again is less sure, that comes before it."""
    found = comparison["sentences"][0]
    again = _again(facts)
    claimed = next((gain_of(one) for one in comparison["changes"] if one["against"] == "none"), None)
    if again is None or claimed is None or certainty_of(claimed) != "sure":
        return found
    if certainty_of(again) == "sure" and again.value > 0:
        return found
    return (
        "That regularization helped is not sure: measured again for the effects, the loss is "
        f"{change_told(again, than='with no regularization')}. In the search: {found}"
    )


def _again(facts: Facts) -> Interval | None:
    """By which share the whole recipe lowers the loss, as the effects measured it; None where nobody did."""
    found = facts["effects"]
    if found is None or not (level := found["start_loss"] or 0.0) > 0.0:
        return None
    return Interval.from_dict(found["loss"]).times(-1.0 / level)  # type: ignore[arg-type]


def gain_of(change: ChangeFacts) -> Interval:
    """The share by which a loss is lower than a baseline's, with its interval."""
    ends = {name: change.get(name) for name in ("low", "high")}
    return Interval.from_dict({"value": change["share"], **ends})  # type: ignore[dict-item]


def _loss(line: LineFacts) -> str:
    return told(line["validation_loss"])


def _expected(facts: Facts) -> str:
    found = None if facts["comparison"] is None else facts["comparison"]["estimate"]
    if found is None:
        return ""
    return f"on unseen rows expect a loss of {interval_told(found['loss'])}"


def interval_told(found: IntervalFacts) -> str:
    """Write a figure and its 95 % interval."""
    if found["low"] is None or found["high"] is None:
        return told(found["value"])
    return f"{told(found['value'])} (95 % interval {told(found['low'])} to {told(found['high'])})"


def _effort(facts: Facts) -> str:
    """Rows and time."""
    made, n_rows = facts["made"], facts["data"]["n_rows"]
    parts = [counted(n_rows, "row")] if n_rows is not None else []
    if made["n_candidates"] is not None:
        parts.append(counted(made["n_candidates"], "candidate"))
    if made["seconds"] is not None:
        parts.append(seconds(made["seconds"]))
    return (
        f"{' and '.join([', '.join(parts[:-1]), parts[-1]]).removeprefix(' and ')} went into it"
        if parts
        else ""
    )


def change(value: Number, lines: list[dict[str, Any]]) -> str:
    """Write a change with its sign, all lines with as many decimals as give the largest four digits."""
    if value is None:
        return "–"
    largest = max((abs(x) for line in lines if (x := line["loss"]["value"]) is not None), default=0.0)
    decimals = max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 0
    text = f"{abs(value):,.{decimals}f}"
    return text if not text.strip("0.") else f"{'−' if value < 0 else '+'}{text}"


def of_estimate(facts: Facts) -> list[str]:
    """Say what the estimate on unseen rows is of, and what it is corrected for."""
    found = None if facts["comparison"] is None else facts["comparison"]["estimate"]
    if found is None:
        return ["What to expect on unseen rows is not known: the model was saved without an estimate."]
    sentences = []
    if (facts["made"]["n_candidates"] or 0) > 1 and (facts["made"]["n_folds"] or 0) > 1:
        sentences.append(
            "What to expect on unseen rows is corrected for having picked the best of many: uncorrected, the "
            f"loss is {told(found['naive_loss'])}."
        )
    if found["n_bagged"] > 1 and found["bag_loss"] is not None:
        sentences.append(
            f"It is of single networks; the saved model averages several, and an average of "
            f"{found['n_bagged']} was measured: {told(found['bag_loss'])} (uncorrected)."
        )
    return sentences


def _measured(line: LineFacts, facts: Facts) -> str:
    """Write a line's score: by the scorer that chose, else accuracy or R squared."""
    name = None if facts["search"] is None else facts["search"]["scoring"]
    score = line.get("scoring")
    if name and score is not None:
        return f"{name} {told(score)}"
    return f"{facts['metric']} {scored(line['metric'], facts)}"


def tiles(facts: Facts) -> list[Tile]:
    """Give the verdict's numbers one by one."""
    comparison, made, data = facts["comparison"], facts["made"], facts["data"]
    found: list[Tile] = []
    if comparison is not None:
        names = ("Before: no regularization", "Early stopping alone", "After: the chosen recipe")
        lines = (comparison["lines"][0], comparison["lines"][1], comparison["lines"][-1])
        for name, line in zip(names, lines, strict=True):
            known = line["validation_loss"] is not None
            metric = _measured(line, facts)
            found.append(
                {
                    "name": name,
                    "value": _loss(line) if known else line["state"],
                    "note": metric if known else "",
                }
            )
        estimate = comparison["estimate"]
        if estimate is not None:
            name = "R²" if estimate["score_name"] == "r2" else estimate["score_name"]
            score = estimate["score"]
            ends = ""
            if score["low"] is not None:
                low, high = score_told(score["low"], name), score_told(score["high"], name)
                ends = f" ({low} to {high})"
            loss = estimate["loss"]
            between = f"{told(loss['low'])} to {told(loss['high'])}; " if loss["low"] is not None else ""
            note = f"{between}{name} {score_told(score['value'], name)}{ends}"
            found.append({"name": "Expected on unseen rows", "value": told(loss["value"]), "note": note})
    else:
        train, validation = at_stop(facts["curves"][0])
        found.append({"name": "Training loss", "value": told(train), "note": facts["loss"]})
        found.append(
            {
                "name": "Validation loss",
                "value": told(validation),
                "note": facts["loss"] if validation is not None else "no rows were held out",
            }
        )
    if data["n_rows"] is not None:
        found.append(
            {"name": "Rows", "value": f"{data['n_rows']:,}", "note": counted(len(data["columns"]), "column")}
        )
    if made["seconds"] is not None:
        note = counted(made["n_candidates"] or 0, "candidate")
        found.append({"name": "Time", "value": seconds(made["seconds"]), "note": note})
    return found


def at_stop(curve: CurveFacts) -> tuple[Number, Number]:
    """Training and validation loss at the epoch that was kept, mean over the folds that have it."""
    place = (curve["stop"] or 1) - 1

    def mean(values: list[Number]) -> Number:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    reached = [fold for fold in curve["folds"] if len(fold["train_loss"]) > place]
    return (
        mean([fold["train_loss"][place] for fold in reached]),
        mean([fold["validation_loss"][place] for fold in reached]),
    )


def of_curve(curve: CurveFacts) -> str:
    """Say in one sentence what to see in a network's curves."""
    stop, length = curve["stop"], max(len(fold["train_loss"]) for fold in curve["folds"])
    train, validation = at_stop(curve)
    if validation is None:
        return f"The training loss ends at {told(train)}; no rows were held out to compare it with."
    kept = f"Epoch {stop} is kept" if stop != length else f"The last epoch, {length}, is kept"
    gap = f"validation loss {told(validation)}, training loss {told(train)}"
    if train is not None and validation > 1.5 * train:
        return f"{kept}: {gap}; the room between the two lines is what the network knows by heart."
    if train is not None and validation > 1.15 * train:
        return f"{kept}: {gap}; some of what the network learned holds for its own rows only."
    return f"{kept}: {gap}; the two lines stay close together."


def of_search(facts: Facts) -> str:
    """Say in one sentence what to see in the search."""
    search = facts["search"]
    assert search is not None
    n, dropped = len(search["candidates"]), search["n_dropped"]
    scored_ones = [(c["loss"], i) for i, c in enumerate(search["candidates"]) if c["state"] == "complete"]
    known = [(loss, place) for loss, place in scored_ones if loss is not None]
    first = counted(n, "candidate was", "candidates were") + " tried"
    if dropped:
        first += f", and {dropped:,} of them lost the race and were cut early"
    if search["n_failed"]:
        diverged = all(c["failed"] in ("", "diverged") for c in search["candidates"])
        first += f"; {search['n_failed']:,} {'diverged and have no loss' if diverged else 'have no score'}"
    if known:
        loss, place = min(known)
        first += f"; the lowest loss, {told(loss)}, was found by candidate {place + 1}"
    if search["interrupted"]:
        first += "; the search was interrupted, and this is as far as it came"
    return f"{first}."


def of_rule(facts: Facts) -> str:
    """Say by which rule the recipe was chosen."""
    search = facts["search"]
    assert search is not None
    if search["scoring"]:
        return f"The recipe was chosen by {search['scoring']}; candidates raced on the loss."
    if search["selection"] == "1se":
        return "Among those within one standard error of the best, the one with the smallest gap was chosen."
    return (
        "A technique is only added to early stopping where its gain is surer than chance; else a lower loss "
        "may not be the one that was chosen."
    )


def of_data(facts: Facts) -> str:
    """Say in one sentence what became of the columns."""
    columns, n_features = facts["data"]["columns"], facts["data"]["n_features"]
    kinds: dict[str, int] = {}
    for column in columns:
        kinds[column["kind"]] = kinds.get(column["kind"], 0) + 1
    order = (
        ("number", "number", "numbers"),
        ("category", "category", "categories"),
        ("boolean", "yes or no", "yes or no"),
        ("date", "date", "dates"),
    )
    parts = [counted(kinds[kind], one, many) for kind, one, many in order if kind in kinds]
    n_kept = len(columns) - kinds.get("dropped", 0)
    text = (
        counted(len(columns), "column")
        if n_kept == len(columns)
        else f"{n_kept:,} of {len(columns):,} columns"
    )
    text += f" ({', '.join(parts)})" if parts else ""
    dropped = (
        f"; {counted(kinds['dropped'], 'column was', 'columns were')} left out" if "dropped" in kinds else ""
    )
    return f"{text} became {counted(n_features, 'feature')} that enter the network{dropped}."
