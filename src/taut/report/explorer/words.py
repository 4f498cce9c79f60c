"""What the page says of the explorer, in sentences."""

from __future__ import annotations

import shlex

from taut.report.schema import ExplorerTechnique, Facts
from taut.report.words import told, with_error
from taut.wording import capital, counted


def exploring(facts: Facts) -> str:
    """Give the command that trains what the explorer has not."""
    source = facts["source"]
    reading = source.get("reading")
    # As it was given: from the same place the command runs again.
    file = (reading["path"] if reading else source["file"]) or "DATA"
    return f"taut report {shlex.quote(source['folder'] or 'DIR')} --explore {shlex.quote(file)}"


def setting(one: ExplorerTechnique, facts: Facts) -> str:
    """Say what all networks of a technique were trained with."""
    usual = {"": "nothing else", "early stopping": "early stopping and nothing else"}
    widths = f"; widths {', '.join(map(str, one['hidden']))}" if one["hidden"] else "; no hidden layer"
    if facts["recipe"]["hidden"] is None:  # another architecture, which the recipe names
        widths = ""
    text = (
        f"Beside it: {usual.get(one['beside'], one['beside'])}{widths}, learning rate "
        f"{one['learning_rate']:.3g}, on {counted(one['n_folds'], 'fold')}.{_differs(one, facts)}"
    )
    if one["axis"] == "epoch":
        text += (
            " The epoch with the lowest loss was picked on the rows that score it, which flatters it a "
            "little; the comparison above takes for each fold the epoch that is best on the others."
        )
    return text


def _differs(one: ExplorerTechnique, facts: Facts) -> str:
    """Where its networks without the technique are not those of the comparison: on other folds or rows."""
    line = {"early stopping": 1, "": 0}.get(one["beside"])
    if facts["comparison"] is None or line is None or one["off"] is None:
        return ""
    here = one["points"][one["off"]]["loss"]
    there = facts["comparison"]["lines"][line]["validation_loss"]
    if here is None or there is None or abs(here - there) <= 0.002 * abs(there):
        return ""
    name = "Early stopping alone" if line else "No regularization"
    what = "rows" if facts["recipe"]["hidden"] is None else "rows or widths"
    return (
        f" {name} has {told(here)} here and {told(there)} in the comparison above, which was made on other "
        f"folds, or with other {what}: compare these strengths with each other."
    )


def origin(facts: Facts) -> str:
    """Say where the explorer's networks come from, and how to have more of them."""
    techniques = [] if facts["explorer"] is None else facts["explorer"]["techniques"]
    hollow = any(point["note"] for one in techniques for point in one["points"])
    text = "These are networks of the search, which tries few strengths of one technique alone. "
    text += "Hollow circles are of those that it cut early. " if hollow else ""
    return f"{text}To train up to twelve of each (and, of two columns, to see what they say over the plane):"


def raising(one: ExplorerTechnique) -> str:
    """Say what moving the slider to the right does."""
    if one["axis"] != "epoch":
        return one["raising"]
    return (
        "The slider is the epoch at which training ends: later, the training loss goes on falling, and from "
        "some epoch on the validation loss rises again. Early stopping keeps the epoch before that."
    )


def said(one: ExplorerTechnique, place: int) -> str:
    """Say what a strength did, in a sentence or two."""
    point, by_epoch = one["points"][place], one["axis"] == "epoch"
    name = one["title"].split(" (")[0]
    text = capital(point["label"]) if by_epoch else f"{name}: {point['label']}"
    text += f". Validation loss {with_error(point['loss'], point['standard_error'])}"
    loss, without = point["loss"], None if one["off"] is None else one["points"][one["off"]]["loss"]
    if place != one["off"] and loss is not None and without is not None and without > 0:
        change = (loss - without) / without
        where = "without early stopping" if by_epoch else f"with {one['beside'] or 'nothing'}"
        where += " alone" if one["beside"] == "early stopping" else ""
        same = abs(change) < 0.0005
        size = f"{abs(100 * change):.1f} % {'above' if change > 0 else 'below'}"
        text += f", {'the same as' if same else size} that {where}"
        text += ", which may be chance" if point["within_chance"] and not same else ""
    if place == one["best"]:
        text += "; the lowest here"
        if place == len(one["points"]) - 1 and one["axis"] == "strength":
            text += ", and the strongest that was tried"
    return f"{text}." + (f" {capital(point['note'])}." if point["note"] else "")
