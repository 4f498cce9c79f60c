"""How L1 takes columns away, one after another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from taut.paths import RegularizationPath
from taut.paths.columns import holding_out
from taut.report.explorer.facts import has_less
from taut.report.figures import Figure, broken, cut, layout_of, log_ticks, plain, short, trace
from taut.report.schema import ColumnPathFacts, Facts
from taut.report.words import told
from taut.techniques import TECHNIQUES
from taut.wording import counted

#: Columns that the legend names; the others are drawn thin, and named where one points at them.
MOST_NAMED = 12

_MOST_COLUMNS = 20
_MOST_STRENGTHS = 10  # in the table
_MOST_LETTERS = 16  # of a name in the legend, two of which are side by side on a phone
_HEIGHT = 480

# Three shades and four dashes: twelve lines, no two of them alike, in greyscale neither.
_SHADES, _DASHES = ("@validation", "@accent", "@training"), ("solid", "dash", "dot", "dashdot")


def facts(paths: Sequence[RegularizationPath]) -> ColumnPathFacts | None:
    """Give how the columns' weights go to zero; None without a path of a technique that makes zeros."""
    path = next((p for p in reversed(paths) if p.technique.makes_zeros and p.axis == "strength"), None)
    if path is None or not path.column_names:
        return None
    places = [i for i, point in enumerate(path.points) if i != path.off_index and not point.failed]
    order = holding_out(path)
    shown = order[:_MOST_COLUMNS]
    return {
        "strengths": [path.points[i].strength for i in places],
        "names": [path.column_names[column] for column in shown],
        "norms": [[float(f"{path.column_norms[i, column]:.4g}") for i in places] for column in shown],
        "n_more": len(order) - len(shown),
    }


def with_earlier(now: Facts, earlier: Facts) -> ColumnPathFacts | None:
    """Take how columns go to zero from where the explorer takes the technique that does it."""
    new, old = now["column_path"], earlier["column_path"]
    if new is None or old is None:
        return new or old
    after, before = (
        {one["name"]: one for one in (facts["explorer"] or {"techniques": []})["techniques"]}
        for facts in (now, earlier)
    )
    shared = [k.name for k in TECHNIQUES if k.makes_zeros and k.name in after and k.name in before]
    return old if any(has_less(after[name], before[name]) for name in shared) else new


def figure(facts: Facts) -> Figure | None:
    """Draw the weights of each column by L1's strength; those that hold out longest are named."""
    path = facts["column_path"]
    if path is None:
        return None
    places = sorted(range(len(path["strengths"])), key=lambda i: path["strengths"][i])
    places = [i for i in places if path["strengths"][i] > 0]  # off has no place on such an axis
    x = [short(path["strengths"][i]) for i in places]
    data: list[Figure] = []
    for rank, (name, norms) in enumerate(zip(path["names"], path["norms"], strict=True)):
        look = {"color": "@training", "dash": "solid", "width": 1}
        if named := rank < MOST_NAMED:
            look = {"color": _SHADES[rank % 3], "dash": _DASHES[rank % 4], "width": 2.2}
        data.append(
            trace(
                "lines",
                x,
                [short(norms[i]) for i in places],
                name=plain(cut(name, _MOST_LETTERS)),
                showlegend=named,
                line=look,
                opacity=1.0 if named else 0.5,
                # A name within the template might be taken for a part of it.
                customdata=[broken(name)] * len(places),
                hovertemplate="%{customdata}: %{y:.3g} at %{x:.3g}<extra></extra>",
            )
        )
    layout = layout_of("weights of a column (norm)", "strength of L1")
    ends = [math.log10(path["strengths"][i]) for i in (places[0], places[-1])] if places else [0.0, 1.0]
    room = 0.02 * (ends[1] - ends[0]) or 0.5
    low, high = ends[0] - room, ends[1] + room
    layout["xaxis"] |= {"type": "log", "range": [low, high], **log_ticks(low, high)}
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["legend"] |= {"traceorder": "reversed"}
    # Thin lines lie beneath.
    return {"data": data[::-1], "layout": {**layout, "height": _HEIGHT}}


# --- in words -----------------------------------------------------------------------------------------------


def seen(path: ColumnPathFacts) -> str:
    """Say in one sentence what to see."""
    names = path["names"]
    if not names or not path["strengths"]:
        return "No strength of L1 trained to an end."
    strongest = max(path["strengths"])
    last = path["strengths"].index(strongest)
    left = sum(bool(norms[last]) for norms in path["norms"])
    end, first = f"at {told(strongest)}, the strongest that was tried, ", names[0]
    if left == len(names):
        end += f"all that are drawn still have weight, and {first} keeps the largest share of its own"
    elif left:
        some = f"{left:,} of {len(names):,} {'has' if left == 1 else 'have'} weight left"
        end += f"{some}, and {first} keeps the largest share of its own"
    else:
        end += f"none has weight left, and on the way {first} kept the largest share of its own"
    return (
        "From left to right L1 grows, and a column whose line reaches zero is used no more at the end of "
        f"training (early stopping may keep an epoch before): {end}."
    )


def explained(path: ColumnPathFacts) -> list[str]:
    """Say what is not drawn, or not named."""
    said = []
    if len(path["names"]) > MOST_NAMED:
        said.append(
            f"The {MOST_NAMED} columns that keep their weight longest are named, the others drawn thin."
        )
    if path["n_more"]:
        said.append(f"{counted(path['n_more'], 'more column')} lost their weight earlier and are left out.")
    return said


def strengths_told(path: ColumnPathFacts) -> list[str]:
    """Write the strengths that the table has."""
    return [told(path["strengths"][place]) for place in some_places(path)]


def some_places(path: ColumnPathFacts) -> list[int]:
    """Give the places of some strengths, evenly spread, the first and the last among them, for the table."""
    n, most = len(path["strengths"]), _MOST_STRENGTHS
    return list(range(n)) if n <= most else [round(i * (n - 1) / (most - 1)) for i in range(most)]
