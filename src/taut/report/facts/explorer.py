"""Techniques at several strengths, to play with: from the search, and from paths where they were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taut.errors import ParameterError
from taut.paths import RegularizationPath
from taut.paths.columns import holding_out
from taut.report.facts.explorer_path import from_path, grid_of
from taut.report.facts.explorer_search import from_search
from taut.report.schema import ColumnPathFacts, ExplorerFacts, ExplorerTechnique, Facts
from taut.techniques import TECHNIQUES

#: Strengths of one technique, off among them.
MOST_STRENGTHS = 12

_MOST_COLUMNS = 20


def explorer_of(estimator: Any, paths: Sequence[RegularizationPath]) -> ExplorerFacts | None:
    """Give each technique's networks: those of a path where there is one, else those of the search.

    Parameters
    ----------
    estimator : fitted estimator
        Of a loaded one, the search's networks are no longer known.
    paths : sequence of RegularizationPath
        The later one, where two are of one technique.

    Returns
    -------
    ExplorerFacts or None
        None where there is nothing to show.

    Raises
    ------
    ParameterError
        Where a path is of another table: other columns, or another kind of target.
    """
    for one in paths:
        _check(estimator, one)
    by_name = {path.technique.name: path for path in paths}
    plane = next((path.plane for path in reversed(paths) if path.plane is not None), None)
    techniques = []
    for kind in TECHNIQUES:
        path = by_name.get(kind.name)
        found = None if path is None else from_path(path, plane, MOST_STRENGTHS)
        found = found or from_search(estimator, kind, MOST_STRENGTHS)
        if found is not None:
            techniques.append(found)
    if not techniques:
        return None
    return {"techniques": techniques, "grid": None if plane is None else grid_of(plane)}


def _check(estimator: Any, path: RegularizationPath) -> None:
    """Refuse a path of another table, as far as that can be seen."""
    task = "regression" if estimator.model_.target.classes is None else "classification"
    columns = tuple(column.name for column in estimator.model_.schema.kept)
    if path.task != task or path.column_names != columns:
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
        chosen = new if old is None or (new is not None and not _has_less(new, old)) else old
        elsewhere = grid != (now if chosen is new else earlier)["grid"]
        if chosen is not None and elsewhere:
            chosen = {**chosen, "points": [{**point, "surface": None} for point in chosen["points"]]}
        if chosen is not None:
            techniques.append(chosen)
    return {"techniques": techniques, "grid": grid}


def columns_with_earlier(now: Facts, earlier: Facts) -> ColumnPathFacts | None:
    """Take how columns go to zero from where the explorer takes the technique that does it."""
    new, old = now["column_path"], earlier["column_path"]
    if new is None or old is None:
        return new or old
    makers = {kind.name for kind in TECHNIQUES if kind.makes_zeros}
    paths = [
        {one["name"]: one for one in (facts["explorer"] or {"techniques": []})["techniques"]}
        for facts in (now, earlier)
    ]
    shared = [name for name in makers if all(name in one for one in paths)]
    return old if any(_has_less(paths[0][name], paths[1][name]) for name in shared) else new


def _has_less(new: ExplorerTechnique, old: ExplorerTechnique) -> bool:
    """Whether the old one should stay: a path against a search's, or against one that was interrupted."""
    if old["source"] != new["source"]:
        return old["source"] == "path"
    return new["interrupted"] and len(new["points"]) < len(old["points"])


def column_path_of(paths: Sequence[RegularizationPath]) -> ColumnPathFacts | None:
    """Give how the columns' weights go to zero; None without a path of a technique that makes zeros."""
    path = next((p for p in reversed(paths) if p.technique.makes_zeros and p.axis == "strength"), None)
    if path is None or not path.column_names:
        return None
    places = [i for i, point in enumerate(path.points) if i != path.off_index and not point.failed]
    order = holding_out(path)
    return {
        "strengths": [path.points[i].strength for i in places],
        "names": [path.column_names[column] for column in order[:_MOST_COLUMNS]],
        "norms": [
            [float(f"{path.column_norms[i, column]:.4g}") for i in places] for column in order[:_MOST_COLUMNS]
        ],
        "n_more": max(0, len(order) - _MOST_COLUMNS),
    }
