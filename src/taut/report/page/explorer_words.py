"""What the page says of the explorer, in sentences."""

from __future__ import annotations

import shlex

from taut.report.page.words import counted, told
from taut.report.schema import ExplorerTechnique, Facts


def exploring(facts: Facts) -> str:
    """Give the command that trains what the explorer has not."""
    source = facts["source"]
    reading = source.get("reading")
    # As it was given: from the same place the command runs again.
    file = (reading["path"] if reading else source["file"]) or "DATA"
    return f"taut report {shlex.quote(source['folder'] or 'DIR')} --explore {shlex.quote(file)}"


def of_setting(one: ExplorerTechnique, facts: Facts) -> str:
    """Say what all networks of a technique were trained with."""
    usual = {"": "nothing else", "early stopping": "early stopping and nothing else"}
    beside = usual.get(one["beside"], one["beside"])
    widths = f"widths {', '.join(map(str, one['hidden']))}" if one["hidden"] else "no hidden layer"
    text = (
        f"Beside it: {beside}; {widths}, learning rate {one['learning_rate']:.3g}, on "
        f"{counted(one['n_folds'], 'fold')}."
    )
    text += _differs(one, facts)
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
    return (
        f" {name} has {told(here)} here and {told(there)} in the comparison above, which was made on other "
        "folds, or with other rows or widths: compare these strengths with each other."
    )


def of_explorer(facts: Facts) -> str:
    """Say where the explorer's networks come from, and how to have more of them."""
    hollow = any(point["note"] for one in _explored(facts) for point in one["points"])
    text = "These are networks of the search, which tries few strengths of one technique alone. "
    text += "Hollow circles are of those that it cut early. " if hollow else ""
    return f"{text}To train up to twelve of each (and, of two columns, to see what they say over the plane):"


def _explored(facts: Facts) -> list[ExplorerTechnique]:
    return [] if facts["explorer"] is None else facts["explorer"]["techniques"]


def raising(one: ExplorerTechnique) -> str:
    """Say what moving the slider to the right does."""
    if one["axis"] != "epoch":
        return one["raising"]
    return (
        "The slider is the epoch at which training ends: later, the training loss goes on falling, and from "
        "some epoch on the validation loss rises again. Early stopping keeps the epoch before that."
    )
