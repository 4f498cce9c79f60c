"""Which columns the networks use: by how much the loss rises where one is shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from taut.report.figures import ZERO_LINE, Figure, broken, cut, error_bars, layout_of, short, trace
from taut.report.reported import Reported
from taut.report.schema import Facts, ImportanceFacts, ImportanceLine
from taut.report.words import told
from taut.wording import counted, listed

#: Columns that are drawn, and columns that a sentence names.
MOST_SHOWN, MOST_NAMES = 20, 6

_MOST_LETTERS = 36  # of a name, on two lines
_MANY_COLUMNS = 20


def facts(result: Reported) -> ImportanceFacts | None:
    """Give what was found; None where nothing was, where it is not known any more, and without a table."""
    found = None if result.table is None else result.table.importance
    return None if found is None else cast(ImportanceFacts, found.to_dict())


def is_above(line: ImportanceLine) -> bool:
    """Whether a column's whole interval lies above zero."""
    return (line["loss"]["low"] or 0.0) > 0.0


def figure(facts: Facts) -> Figure | None:
    """Draw the rise of the loss by column with its interval, the most important column on top."""
    lines = [] if facts["importance"] is None else facts["importance"]["lines"][:MOST_SHOWN]
    if not lines:
        return None
    layout = layout_of("", f"rise of the {facts['loss']}")
    names = [broken(cut(line["name"], _MOST_LETTERS)) for line in lines]
    ticks = {"tickmode": "array", "tickvals": list(range(len(lines))), "ticktext": names}
    layout["yaxis"] |= {"showgrid": False, **ticks, "range": [len(lines) - 0.4, -0.6]}  # from below
    layout["xaxis"] |= ZERO_LINE
    layout |= {"height": 130 + 32 * len(lines)}
    above = [place for place, line in enumerate(lines) if is_above(line)]
    others = [place for place in range(len(lines)) if place not in above]
    data = [
        _marks(lines, above, "interval above zero", "@validation", "diamond"),
        _marks(lines, others, "interval not above zero", "@training", "circle-open"),
    ]
    return {"data": [one for one in data if one["x"]], "layout": layout}


def _marks(
    lines: Sequence[ImportanceLine], places: Sequence[int], name: str, colour: str, symbol: str
) -> Figure:
    losses = [lines[place]["loss"] for place in places]
    return trace(
        "markers",
        [short(loss["value"]) for loss in losses],
        places,
        name=name,
        showlegend=True,
        customdata=[broken(lines[place]["name"]) for place in places],
        marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2, "color": colour}},
        error_x=error_bars(losses, colour),
        hovertemplate="%{customdata}: %{x:.3g}<extra></extra>",
    )


# --- in words -----------------------------------------------------------------------------------------------


def seen(found: ImportanceFacts) -> str:
    """Say in one sentence what to see."""
    lines = found["lines"]
    above = [line["name"] for line in lines if is_above(line)]
    if not lines:
        return "There is no column to look at."
    if not above:
        return (
            f"No interval lies above zero: of {counted(len(lines), 'column')} none is shown to be needed by "
            f"itself, because others stand in for it, or because {found['n_rows']:,} rows are few."
        )
    first = (
        f"The loss on held-out rows, {told(found['base_loss'])}, rises by {told(lines[0]['loss']['value'])} "
        f"where {lines[0]['name']} is shuffled"
    )
    if len(lines) == 1:
        return f"{first}; its interval lies above zero."
    one = len(above) == 1
    of_all = f"{'the interval of 1' if one else f'the intervals of {len(above):,}'} of {len(lines):,} columns"
    return f"{first}; {of_all} {'lies' if one else 'lie'} above zero: {listed(above, MOST_NAMES)}."


def explained(found: ImportanceFacts) -> list[str]:
    """Say how it was found, and what it does not tell."""
    lines, left_out = found["lines"], found["n_left_out"]
    said = [
        f"Each column was shuffled among {counted(found['n_rows'], 'row')}, "
        f"{counted(found['n_shuffles'], 'time')}, while the others stayed as they were; networks judged that "
        "had not seen these rows. Columns that tell the same stand in for each other: each looks less "
        "important than they are together.",
        "The lines are 95 % intervals. They know of other rows, and not of other networks, which might use "
        "other columns.",
    ]
    if len(lines) >= _MANY_COLUMNS:
        said[-1] += " Of columns without any use, one in forty or so lies above zero by chance."
    below = [line["name"] for line in lines if (line["loss"]["high"] or 0.0) < 0.0]
    if below:
        said.append(f"Below zero, shuffling helps: the network misuses {listed(below, MOST_NAMES)}.")
    if len(lines) > MOST_SHOWN:
        said.append(f"The {MOST_SHOWN} most important of {len(lines):,} columns are drawn.")
    if left_out:
        said.append(
            f"{counted(left_out, 'column')} with the least weight in the first layer "
            f"{'was' if left_out == 1 else 'were'} not looked at: it would have taken too long."
        )
    return said


def why_absent(facts: Facts) -> str:
    """Say why it is not there."""
    folds = [fold for curve in facts["curves"] for fold in curve["folds"]]
    if facts["comparison"] is None and all({*fold["validation_loss"]} <= {None} for fold in folds):
        return (
            "It is found on rows that the network has not seen, and none were held out: early stopping holds "
            "some out, and so does X_val."
        )
    return (
        "It was not measured: there was no time left for it, or the model was saved without it. Fitting "
        "again gives it."
    )
