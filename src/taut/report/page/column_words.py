"""What the page says of the columns: which the networks use, and which L1 takes away."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report.page.figures.column_path import MOST_NAMED
from taut.report.page.figures.importance import MOST_SHOWN, is_above
from taut.report.page.words import counted, told
from taut.report.schema import ColumnPathFacts, Facts, ImportanceFacts

_MOST_NAMES = 6
_MANY_COLUMNS = 20
_MOST_STRENGTHS = 10


def of_importance(found: ImportanceFacts) -> str:
    """Say in one sentence what to see in the columns' importance."""
    lines = found["lines"]
    above = [line["name"] for line in lines if is_above(line)]
    if not lines:
        return "There is no column to look at."
    if not above:
        return (
            f"No interval lies above zero: of {counted(len(lines), 'column')} none is shown to be needed by "
            f"itself, because others stand in for it, or because {found['n_rows']:,} rows are few."
        )
    first, base = lines[0], told(found["base_loss"])
    begin = (
        f"The loss on held-out rows, {base}, rises by {told(first['loss']['value'])} where {first['name']} "
        "is shuffled"
    )
    if len(lines) == 1:
        return f"{begin}; its interval lies above zero."
    verb = "the interval of 1" if len(above) == 1 else f"the intervals of {len(above):,}"
    lie = "lies" if len(above) == 1 else "lie"
    return f"{begin}; {verb} of {len(lines):,} columns {lie} above zero: {listed(above)}."


def about_importance(found: ImportanceFacts) -> list[str]:
    """Say how it was found, and what it does not tell."""
    lines = found["lines"]
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
        said.append(f"Below zero, shuffling helps: the network misuses {listed(below)}.")
    if len(lines) > MOST_SHOWN:
        said.append(f"The {MOST_SHOWN} most important of {len(lines):,} columns are drawn.")
    if found["n_left_out"]:
        said.append(
            f"{counted(found['n_left_out'], 'column')} with the least weight in the first layer "
            f"{'was' if found['n_left_out'] == 1 else 'were'} not looked at: it would have taken too long."
        )
    return said


def without_importance(facts: Facts) -> str:
    """Say why it is not there."""
    if facts["comparison"] is None and all(
        loss is None
        for curve in facts["curves"]
        for fold in curve["folds"]
        for loss in fold["validation_loss"]
    ):
        return (
            "It is found on rows that the network has not seen, and none were held out: early stopping holds "
            "some out, and so does X_val."
        )
    return (
        "It was not measured: there was no time left for it, or the model was saved without it. Fitting "
        "again gives it."
    )


def of_column_path(path: ColumnPathFacts) -> str:
    """Say in one sentence what to see in how L1 takes columns away."""
    names = path["names"]
    if not names or not path["strengths"]:
        return "No strength of L1 trained to an end."
    last = max(range(len(path["strengths"])), key=lambda i: path["strengths"][i])
    left = [name for name, norms in zip(names, path["norms"], strict=True) if norms[last]]
    at = f"{told(path['strengths'][last])}, the strongest that was tried,"
    if len(left) == len(names):
        end = (
            f"at {at} all that are drawn still have weight, and {names[0]} keeps the largest share of its own"
        )
    elif left:
        verb = "has" if len(left) == 1 else "have"
        end = (
            f"at {at} {len(left):,} of {len(names):,} {verb} weight left, and {names[0]} keeps the largest "
            "share of its own"
        )
    else:
        end = f"at {at} none has weight left, and on the way {names[0]} kept the largest share of its own"
    return (
        "From left to right L1 grows, and a column whose line reaches zero is used no more at the end of "
        f"training (early stopping may keep an epoch before): {end}."
    )


def thinned_places(path: ColumnPathFacts) -> list[int]:
    """Give the places of some strengths, evenly spread, the first and the last among them, for the table."""
    n = len(path["strengths"])
    if n <= _MOST_STRENGTHS:
        return list(range(n))
    return [round(i * (n - 1) / (_MOST_STRENGTHS - 1)) for i in range(_MOST_STRENGTHS)]


def about_column_path(path: ColumnPathFacts) -> list[str]:
    """Say what is not drawn, or not named."""
    said = []
    if len(path["names"]) > MOST_NAMED:
        said.append(
            f"The {MOST_NAMED} columns that keep their weight longest are named, the others drawn thin."
        )
    if path["n_more"]:
        said.append(f"{counted(path['n_more'], 'more column')} lost their weight earlier and are left out.")
    return said


def listed(names: Sequence[str]) -> str:
    """Write "a, b and c", or of many "a, b, c and 4 more"."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        return f"{', '.join(shown)} and {len(names) - _MOST_NAMES:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
