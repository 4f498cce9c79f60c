"""Techniques at several strengths, to play with: from the search, and from paths where they were made."""

from __future__ import annotations

from collections.abc import Sequence

from taut.errors import ParameterError
from taut.paths import RegularizationPath
from taut.report.explorer.plane import grid_facts
from taut.report.explorer.points import from_path, from_search
from taut.report.reported import Reported
from taut.report.schema import ExplorerFacts, ExplorerTechnique
from taut.techniques import TECHNIQUES

#: Strengths of one technique, off among them.
MOST_STRENGTHS = 12


def facts(result: Reported, paths: Sequence[RegularizationPath]) -> ExplorerFacts | None:
    """Give each technique's networks: those of its last path, else of the search; None for none.

    Raises
    ------
    ParameterError
        Where a path is of another table: other columns, or another kind of target.
    """
    for one in paths:
        _check(result, one)
    by_name = {path.technique.name: path for path in paths}
    plane = next((path.plane for path in reversed(paths) if path.plane is not None), None)
    found = []
    for kind in TECHNIQUES:
        path = by_name.get(kind.name)
        own = None if path is None else from_path(path, plane, MOST_STRENGTHS)
        found.append(own or from_search(result, kind, MOST_STRENGTHS))
    techniques = [one for one in found if one is not None]
    grid = None if plane is None else grid_facts(plane)
    return {"techniques": techniques, "grid": grid} if techniques else None


def _check(result: Reported, path: RegularizationPath) -> None:
    """Refuse a path of another table, as far as that can be seen."""
    columns = result.table and tuple(one.name for one in result.table.columns if one.kind != "dropped")
    if path.task != result.task or (columns is not None and path.column_names != columns):
        what = f"a {path.task} of {len(path.column_names):,} columns"
        raise ParameterError(
            f"The {path.technique.name} path is of {what} that is not the model's table: give paths of the X "
            "and y that the model was fitted on."
        )


def with_earlier(now: ExplorerFacts | None, earlier: ExplorerFacts | None) -> ExplorerFacts | None:
    """Take from earlier facts the techniques that are not there now, or are there with less."""
    if now is None or earlier is None:
        return now or earlier
    before = {one["name"]: one for one in earlier["techniques"]}
    after = {one["name"]: one for one in now["techniques"]}
    grid = now["grid"] or earlier["grid"]
    techniques: list[ExplorerTechnique] = []
    for kind in TECHNIQUES:
        new, old = after.get(kind.name), before.get(kind.name)
        chosen = new if old is None or (new is not None and not has_less(new, old)) else old
        elsewhere = grid != (now if chosen is new else earlier)["grid"]
        if chosen is not None and elsewhere:
            chosen = {**chosen, "points": [{**point, "surface": None} for point in chosen["points"]]}
        techniques += [] if chosen is None else [chosen]
    return {"techniques": techniques, "grid": grid}


def has_less(new: ExplorerTechnique, old: ExplorerTechnique) -> bool:
    """Whether the old one should stay: a path against a search's, or against one that was interrupted."""
    if old["source"] != new["source"]:
        return old["source"] == "path"
    return new["interrupted"] and len(new["points"]) < len(old["points"])
