"""What a saved explorer has to have beyond its types, and how large it may be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from taut.report.schema import (
    ColumnPathFacts,
    ExplorerFacts,
    ExplorerPoint,
    ExplorerTechnique,
    GridFacts,
    Number,
)

# Far more than taut writes, and no more than a page can hold.
_MOST_STRENGTHS = 64
_MOST_EPOCHS = 5_000
_MOST_FOLDS = 64
_MOST_BINS = 1_000
_MOST_SIDE = 1_000
_MOST_ROWS = 10_000
_MOST_COLUMNS = 1_000
_SMALLEST = 1e-300  # but 0: a part of less than that is nothing, and has no logarithm


def explores(explorer: ExplorerFacts, classes: list[str] | None) -> bool:
    """Whether places are in their lists, and lists as long as what they belong to."""
    techniques, grid = explorer["techniques"], explorer["grid"]
    names = {one["name"] for one in techniques}
    return (
        0 < len(techniques) == len(names) <= _MOST_STRENGTHS
        and (grid is None or _is_grid(grid, classes))
        and all(_is_technique(one, grid) for one in techniques)
    )


def is_column_path(path: ColumnPathFacts) -> bool:
    """Whether there is a list of norms for each column, and a norm for each strength."""
    strengths = path["strengths"]
    return (
        len(strengths) <= _MOST_COLUMNS
        and all(strength == 0 or strength >= _SMALLEST for strength in strengths)
        and len(path["names"]) == len(path["norms"]) <= _MOST_COLUMNS
        and all(len(norms) == len(strengths) for norms in path["norms"])
        and path["n_more"] >= 0
    )


def _is_grid(grid: GridFacts, classes: list[str] | None) -> bool:
    targets = grid["targets"]
    return (
        len(grid["names"]) == 2
        and all(
            2 <= len(grid[side]) <= _MOST_SIDE and _rises(grid[side], steadily=False) for side in ("x", "y")
        )
        and 0 < len(targets) == len(grid["rows"]) <= _MOST_ROWS
        and all(len(row) == 2 for row in grid["rows"])
        and (classes is None or len(classes) > 1 and all(code in range(len(classes)) for code in targets))
    )


def _is_technique(one: ExplorerTechnique, grid: GridFacts | None) -> bool:
    points, edges, off = one["points"], one["edges"], one["off"]
    return (
        0 <= one["best"] < len(points) <= _MOST_STRENGTHS
        and (off is None or 0 <= off < len(points))
        and 2 <= len(edges) <= _MOST_BINS + 1
        and _rises(edges)
        and all(_is_point(point, len(edges) - 1, grid) for point in points)
    )


def _is_point(point: ExplorerPoint, n_bins: int, grid: GridFacts | None) -> bool:
    n, surface = len(point["epochs"]), point["surface"]
    curves = [point["train"], point["validation"]]
    curves += [fold[name] for fold in point["folds"] for name in ("train_loss", "validation_loss")]
    sizes = (point["train_loss"], point["loss"], point["standard_error"])
    return (
        n <= _MOST_EPOCHS
        and len(point["folds"]) <= _MOST_FOLDS
        and _rises([0, *point["epochs"]])
        and all(len(curve) == n for curve in curves)
        and all(map(_is_size, (*sizes, *point["train"], *point["validation"])))
        and len(point["counts"]) in (0, n_bins)
        and min([point["n_zero"], *point["counts"]]) >= 0
        and (surface is None or grid is not None and _is_surface(surface, grid))
    )


def _is_surface(surface: list[list[float]], grid: GridFacts) -> bool:
    return len(surface) == len(grid["y"]) and all(len(row) == len(grid["x"]) for row in surface)


def _rises(values: Sequence[float], *, steadily: bool = True) -> bool:
    return all(low < high if steadily else low <= high for low, high in pairwise(values))


def _is_size(value: Number) -> bool:
    return not value or abs(value) >= _SMALLEST
