"""The report's first section: the verdict in one paragraph, and its figures one by one."""

from __future__ import annotations

from collections.abc import Callable

from taut.evidence.certainty import certainty_of, change_text
from taut.evidence.interval import Interval
from taut.report.curves import at_stop
from taut.report.schema import Facts, IntervalFacts, LineFacts, Number
from taut.report.words import (
    NOTHING,
    averaged,
    ends,
    estimate_of,
    interval_told,
    is_corrected,
    is_of_others,
    score_expected,
    scored,
    scoring,
    seconds,
    told,
)  # fmt: skip
from taut.wording import capital, counted, formatter_for, listed


def heading(facts: Facts) -> str:
    """Name what the report is of."""
    source = facts["source"]
    of = f": {source['target']} in {source['file']}" if source["file"] and source["target"] else ""
    return f"What regularization did{of}"


def verdict(facts: Facts) -> str:
    """Say what regularization did, the surest first: what the search found, measured again where it was."""
    first = _first(facts)
    if facts["signs"]:  # before any praise
        first = f"{' '.join(facts['signs'])} What follows may be due to that. {first}"
    rest = "; ".join(filter(None, (_doubts(facts), _scores(facts), _expected(facts), _effort(facts))))
    what = "Training" if facts["comparison"] is None else "The search"
    cut = f" {what} was interrupted: this is the best so far." if facts["made"]["interrupted"] else ""
    return f"{first} {capital(rest)}.{cut}" if rest else f"{first}{cut}"


def _first(facts: Facts) -> str:
    """The search's own first sentence; where what was measured again is less sure, that comes before it."""
    comparison = facts["comparison"]
    if comparison is None:
        return _single(facts)
    found, again = comparison["sentences"][0], _again(facts)
    shares = [
        _interval({"value": one["share"], "low": one.get("low"), "high": one.get("high")})
        for one in comparison["changes"]
        if one["against"] == "none"
    ]
    claimed = bool(shares) and certainty_of(shares[0]) == "sure"
    if again is None or not claimed or (certainty_of(again) == "sure" and again.value > 0):
        return found
    return (
        "That regularization helped is not sure: measured again for the effects, the loss is "
        f"{change_text(again, than='with no regularization')}. In the search: {found}"
    )


def _single(facts: Facts) -> str:
    curve = facts["curves"][0]
    train, validation = at_stop(curve)
    if validation is None:
        return (
            f"One network was trained with {curve['label']}, to a training loss of {told(train)}, and no "
            "rows were held out, so that nothing tells how good it is on others."
        )
    return (
        f"One network was trained with {curve['label']}: its validation loss is {told(validation)} and its "
        f"training loss {told(train)}, at epoch {curve['stop']}, and it was compared with no other."
    )


def _again(facts: Facts) -> Interval | None:
    """By which share the whole recipe lowers the loss, as the effects measured it; None where nobody did."""
    found = facts["effects"]
    if found is None or not (level := found["start_loss"] or 0.0) > 0.0:
        return None
    return _interval(found["loss"]).times(-1.0 / level)


def _interval(found: IntervalFacts) -> Interval:
    return Interval.from_dict(found)  # type: ignore[arg-type]


def _doubts(facts: Facts) -> str:
    """What a simple model may do as well belongs into the first sentence."""
    found = [] if facts["comparison"] is None else facts["comparison"].get("doubts", [])
    return f"it is not surely better than {' or '.join(found)}" if found else ""


def _scores(facts: Facts) -> str:
    """The score before and after: a lower loss need not mean more rows that are right."""
    if facts["comparison"] is None or facts["comparison"]["lines"][-1]["metric"] is None:
        return ""
    lines, name = facts["comparison"]["lines"], facts["metric"]
    before, after = (scored(lines[i]["metric"], name, "") for i in (0, -1))
    if before == after:
        return f"{name} stayed at {after}"
    return f"{name} is {after}" + (f", and was {before} before" if before else "")


def _expected(facts: Facts) -> str:
    estimate = estimate_of(facts)
    return "" if estimate is None else f"on unseen rows expect a loss of {interval_told(estimate['loss'])}"


def _effort(facts: Facts) -> str:
    """Rows and time."""
    made, n_rows = facts["made"], facts["data"]["n_rows"]
    parts = [] if n_rows is None else [counted(n_rows, "row")]
    parts += [] if made["n_candidates"] is None else [counted(made["n_candidates"], "candidate")]
    parts += [] if made["seconds"] is None else [seconds(made["seconds"])]
    return f"{listed(parts)} went into it" if parts else ""


def of_estimate(facts: Facts) -> list[str]:
    """Say what the estimate on unseen rows is of, and what it is corrected for."""
    estimate = estimate_of(facts)
    if estimate is None:
        return ["What to expect on unseen rows is not known: the model was saved without an estimate."]
    of_folds = " of the folds' networks" if is_of_others(estimate) else ""
    corrected = (
        "What to expect on unseen rows is corrected for having picked the best of many: uncorrected, the "
        f"loss{of_folds} is {told(estimate['naive_loss'])}."
    )
    return [*([corrected] if is_corrected(facts) else []), *averaged(facts)]


def loss_writer(facts: Facts) -> Callable[[Number], str]:
    """Write the comparison's losses, all with the same decimals."""
    lines = [] if facts["comparison"] is None else facts["comparison"]["lines"]
    write = formatter_for(
        min((x for line in lines if (x := line["validation_loss"]) is not None), default=1.0)
    )
    return lambda value: NOTHING if value is None else write(value)


def ended(line: LineFacts) -> str:
    """Say of what has the figures of some folds or epochs only why."""
    return {"dropped": " (cut early)", "cut off": " (cut off by the end)"}.get(line["state"], "")


def tiles(facts: Facts) -> list[tuple[str, str, str]]:
    """Give the verdict's numbers one by one: what it is, how much, and what belongs to it."""
    comparison, made, n_rows = facts["comparison"], facts["made"], facts["data"]["n_rows"]
    columns = facts["data"]["columns"]
    found: list[tuple[str, str, str]] = []
    if comparison is not None:
        before = f"Before: {comparison['lines'][0]['label']}"
        names = (before, "Early stopping alone", "After: the chosen recipe")
        for name, line in zip(names, [*comparison["lines"][:2], comparison["lines"][-1]], strict=True):
            known = line["validation_loss"] is not None
            value = told(line["validation_loss"]) if known else line["state"]
            found.append((name, value, _measured(line, facts) if known else ""))
        if (estimate := comparison["estimate"]) is not None:
            between = f"{text}; " if (text := ends(estimate["loss"])) else ""
            value = told(estimate["loss"]["value"])
            found.append(("Expected on unseen rows", value, between + score_expected(estimate)))
    else:
        train, validation = at_stop(facts["curves"][0])
        absent = "no rows were held out"
        found.append(("Training loss", told(train), facts["loss"]))
        found.append(("Validation loss", told(validation), absent if validation is None else facts["loss"]))
    if n_rows is not None:
        found.append(("Rows", f"{n_rows:,}", "" if columns is None else counted(len(columns), "column")))
    if made["seconds"] is not None:
        found.append(("Time", seconds(made["seconds"]), counted(made["n_candidates"] or 0, "candidate")))
    return found


def _measured(line: LineFacts, facts: Facts) -> str:
    """Write a line's score: by the scorer that chose, else accuracy or R squared."""
    name, score = scoring(facts), line.get("scoring")
    if name and score is not None:
        return f"{name} {told(score)}"
    return f"{facts['metric']} {scored(line['metric'], facts['metric'])}"
