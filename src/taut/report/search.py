"""The search: every candidate by time, its strengths against its loss, and by which rule one was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from taut.report.comparison import has_score, mean
from taut.report.figures import RING, Figure, layout_of, plain, short, trace
from taut.report.reported import Reported
from taut.report.schema import CandidateFacts, Facts, Number, SearchFacts
from taut.report.words import seconds, told
from taut.selection.score import CandidateScore
from taut.wording import counted

#: How candidates end, for people.
STATES = {"complete": "all folds", "dropped": "cut early", "cut off": "cut off by the end"}
#: Candidates in the table.
MOST_SHOWN = 300


def facts(result: Reported) -> SearchFacts | None:
    """Give every candidate; None of a result that searched nothing."""
    search = result.search
    if search is None:
        return None
    return {
        "candidates": [_candidate(one, result.label_of(one.recipe)) for one in search.candidates],
        "chosen": search.chosen,
        "n_dropped": sum(one.state == "dropped" for one in search.candidates),
        "n_failed": sum(not has_score(one) for one in search.candidates),
        "selection": search.selection,
        "scoring": search.scoring,
        "interrupted": result.interrupted,
    }


def _candidate(score: CandidateScore, label: str) -> CandidateFacts:
    return {
        "label": label,
        "strengths": {technique.name: technique.strength for technique in score.recipe.active},
        "learning_rate": score.candidate.learning_rate,
        "hidden": list(score.candidate.architecture.widths),
        "batch": score.batch,
        "state": score.state,
        "failed": score.failed,
        "loss": score.loss,
        "standard_error": score.loss_se,
        "train_loss": mean(score.train_loss),
        "metric": mean(score.score),
        "epoch": score.epoch,
        "n_folds": int(score.folds.sum()),
        "seconds": score.seconds,
    }


def ranked(facts: Facts) -> list[tuple[int, CandidateFacts]]:
    """Give the candidates with their numbers for the table: the lowest loss first, those without one last."""
    numbered = [] if facts["search"] is None else list(enumerate(facts["search"]["candidates"], start=1))
    return sorted(numbered, key=lambda one: (one[1]["loss"] is None, one[1]["loss"] or 0.0))


def figure(facts: Facts) -> Figure | None:
    """Draw every candidate's loss by the time that training had taken by then, and the lowest so far."""
    if facts["search"] is None:
        return None
    candidates, chosen = facts["search"]["candidates"], facts["search"]["chosen"]
    spent = list(accumulate(one["seconds"] for one in candidates))
    top = loss_ceiling(candidates)
    drawn = [None if one["loss"] is None else min(one["loss"], top) for one in candidates]

    def marks(places: Sequence[int], **more: Any) -> Figure:
        said = [_hover(i, candidates[i]) for i in places]
        x, y = [short(spent[i]) for i in places], [short(drawn[i]) for i in places]
        return trace("markers", x, y, customdata=said, hovertemplate="%{customdata}<extra></extra>", **more)

    data: list[Figure] = []
    for state, symbol, colour, size in (
        ("dropped", "x-thin-open", "@training", 7),
        ("cut off", "triangle-up-open", "@training", 9),
        ("complete", "circle", "@validation", 8),
    ):
        places = [i for i, one in enumerate(candidates) if one["state"] == state and drawn[i] is not None]
        if places:
            symbols = ["triangle-up" if (candidates[i]["loss"] or 0) > top else symbol for i in places]
            line = {"width": 1.6, "color": colour} if "open" in symbol else {"width": 0}
            marker = {"symbol": symbols, "color": colour, "size": size, "line": line, "opacity": 0.9}
            data.append(marks(places, name=STATES[state], marker=marker))
    data += _lowest(candidates, spent)
    if drawn[chosen] is not None:
        data.append(marks([chosen], name="chosen", marker=RING))
    layout = layout_of(f"validation loss ({facts['loss']})", "training time so far (s, of all threads)")
    known = [loss for loss in drawn if loss is not None]
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


def _lowest(candidates: Sequence[CandidateFacts], spent: Sequence[float]) -> list[Figure]:
    """The lowest loss of those with all folds, as a staircase over time."""
    steps: list[tuple[Number, float]] = []
    for candidate, time in zip(candidates, spent, strict=True):
        loss = candidate["loss"]
        if candidate["state"] == "complete" and loss is not None and (not steps or loss < steps[-1][1]):
            steps.append((short(time), loss))
    if not steps:
        return []
    x, y = [*(time for time, _ in steps), short(spent[-1])], [short(loss) for _, loss in steps]
    line = {"color": "@accent", "width": 2, "shape": "hv", "dash": "dash"}
    return [trace("lines", x, [*y, y[-1]], name="lowest so far", line=line, hoverinfo="skip")]


def _hover(place: int, candidate: CandidateFacts) -> str:
    lines = [
        f"<b>{place + 1}: {plain(candidate['label'])}</b>",
        f"learning rate {candidate['learning_rate']:.3g}, widths {', '.join(map(str, candidate['hidden']))}",
        f"loss {told(candidate['loss'])}, {counted(candidate['n_folds'], 'fold')}, "
        f"{seconds(candidate['seconds'])}",
    ]
    return "<br>".join(lines)


# --- in words -----------------------------------------------------------------------------------------------


def found(search: SearchFacts) -> str:
    """Say in one sentence what to see in the search."""
    candidates, dropped = search["candidates"], search["n_dropped"]
    text = counted(len(candidates), "candidate was", "candidates were") + " tried"
    if dropped:
        text += f", and {dropped:,} of them lost the race and were cut early"
    if search["n_failed"]:
        diverged = all(c["failed"] in ("", "diverged") for c in candidates)
        text += f"; {search['n_failed']:,} {'diverged and have no loss' if diverged else 'have no score'}"
    scored = [(c["loss"], i) for i, c in enumerate(candidates) if c["state"] == "complete"]
    known = [(loss, place) for loss, place in scored if loss is not None]
    if known:
        loss, place = min(known)
        text += f"; the lowest loss, {told(loss)}, was found by candidate {place + 1}"
    cut = "; the search was interrupted, and this is as far as it came" if search["interrupted"] else ""
    return f"{text}{cut}."


def rule(search: SearchFacts) -> str:
    """Say by which rule the recipe was chosen."""
    if search["scoring"]:
        return f"The recipe was chosen by {search['scoring']}; candidates raced on the loss."
    if search["selection"] == "1se":
        return "Among those within one standard error of the best, the one with the smallest gap was chosen."
    return (
        "A technique is only added to early stopping where its gain is surer than chance; else a lower loss "
        "may not be the one that was chosen."
    )
