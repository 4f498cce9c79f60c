"""The candidates' losses by time."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report.page.figures.layout import Figure, layout_of, plain
from taut.report.page.words import seconds, told
from taut.report.schema import CandidateFacts, Facts, Number
from taut.report.thinning import short


def search_figure(facts: Facts) -> Figure:
    """Draw every candidate's loss by the time that training had taken by then, and the lowest so far."""
    search = facts["search"]
    assert search is not None
    candidates = search["candidates"]
    spent = _spent(candidates)
    top = loss_ceiling(candidates)
    data: list[Figure] = []
    # Told apart by shape and filling, not by colour alone.
    looks: tuple[tuple[str, str, str, str, int], ...] = (
        ("dropped", "cut early", "x-thin-open", "@training", 7),
        ("cut off", "cut off by the end", "triangle-up-open", "@training", 9),
        ("complete", "all folds", "circle", "@validation", 8),
    )
    for state, name, symbol, colour, size in looks:
        chosen = [i for i, c in enumerate(candidates) if c["state"] == state and c["loss"] is not None]
        if chosen:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [short(spent[i]) for i in chosen],
                    "y": [short(min(candidates[i]["loss"] or 0.0, top)) for i in chosen],
                    "customdata": [_told(i, candidates[i], facts) for i in chosen],
                    "hovertemplate": "%{customdata}<extra></extra>",
                    "marker": {
                        "symbol": [
                            "triangle-up" if (candidates[i]["loss"] or 0) > top else symbol for i in chosen
                        ],
                        "color": colour,
                        "size": size,
                        "line": {"width": 1.6, "color": colour} if "open" in symbol else {"width": 0},
                        "opacity": 0.9,
                    },
                }
            )
    data += _lowest(candidates, spent)
    best = candidates[search["chosen"]]
    if best["loss"] is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "chosen",
                "x": [short(spent[search["chosen"]])],
                "y": [short(min(best["loss"], top))],
                "customdata": [_told(search["chosen"], best, facts)],
                "hovertemplate": "%{customdata}<extra></extra>",
                "marker": {
                    "symbol": "circle-open",
                    "size": 17,
                    "color": "@accent",
                    "line": {"width": 2.6, "color": "@accent"},
                },
            }
        )
    layout = layout_of(f"validation loss ({facts['loss']})", "training time so far (s, of all threads)")
    known = [min(c["loss"], top) for c in candidates if c["loss"] is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    layout["yaxis"] |= {"range": [low - room, high + room]}
    layout["xaxis"] |= {"rangemode": "tozero"}
    return {"data": data, "layout": layout}


def loss_ceiling(candidates: Sequence[CandidateFacts]) -> float:
    """The highest loss that is drawn at its place; a few bad ones would flatten all the others."""
    losses = sorted(c["loss"] for c in candidates if c["loss"] is not None)
    if not losses:
        return 1.0
    best, middle = losses[0], losses[len(losses) // 2]
    return min(losses[-1], best + 4 * (middle - best)) if middle > best else losses[-1]


def _spent(candidates: Sequence[CandidateFacts]) -> list[float]:
    total, spent = 0.0, []
    for candidate in candidates:
        total += candidate["seconds"]
        spent.append(total)
    return spent


def _lowest(candidates: Sequence[CandidateFacts], spent: Sequence[float]) -> list[Figure]:
    """The lowest loss of those with all folds, as a staircase over time."""
    x: list[Number] = []
    y: list[Number] = []
    for candidate, time in zip(candidates, spent, strict=True):
        loss = candidate["loss"]
        if candidate["state"] == "complete" and loss is not None and (not y or loss < (y[-1] or 0.0)):
            x.append(short(time))
            y.append(short(loss))
    if not y:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "lowest so far",
            "x": [*x, short(spent[-1])],
            "y": [*y, y[-1]],
            "line": {"color": "@accent", "width": 2, "shape": "hv", "dash": "dash"},
            "hoverinfo": "skip",
        }
    ]


def _told(place: int, candidate: CandidateFacts, facts: Facts) -> str:
    lines = [
        f"<b>{place + 1}: {plain(candidate['label'])}</b>",
        f"learning rate {candidate['learning_rate']:.3g}, widths {', '.join(map(str, candidate['hidden']))}",
        f"loss {told(candidate['loss'])}, {counted_folds(candidate)}, {seconds(candidate['seconds'])}",
    ]
    return "<br>".join(lines)


def counted_folds(candidate: CandidateFacts) -> str:
    """Such as "5 folds"."""
    return f"{candidate['n_folds']} fold{'' if candidate['n_folds'] == 1 else 's'}"
