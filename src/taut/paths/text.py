"""A path as a table of plain text."""

from __future__ import annotations

import math

import numpy as np

from taut.evidence.simple_baselines import SimpleBaseline
from taut.paths.result import PathPoint, RegularizationPath

_AXIS = {"strength": "strength", "epoch": "epoch", "switch": ""}


def plain_table(path: RegularizationPath, most: int = 16) -> str:
    """Give the path as lines of plain text, for terminals, files and pipes.

    Parameters
    ----------
    path : RegularizationPath
    most : int
        Points at most. Off, the best, the one-SE point and the two ends are always there; of the others,
        some that are evenly spread.
    """
    shown = some_points(path, most - len(path.simple))
    decimals = _decimals(path)
    rows = [
        _header(path),
        *(_simple_row(path, one, decimals) for one in path.simple),
        *(_row(path, path.points[i], decimals) for i in shown),
    ]
    numbers = max((len(row[0]) for row in rows if _is_number(row[0])), default=0)
    numbers = max(numbers, len(rows[0][0]))
    rows = [[row[0].rjust(numbers) if _is_number(row[0]) else row[0], *row[1:]] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:]])


def some_points(path: RegularizationPath, most: int) -> list[int]:
    """Give the places of the points that a short table shows."""
    n = len(path.points)
    always = {0, n - 1, path.off_index, path.best_index, path.one_se_index}
    always |= {1} if path.off_index == 0 and n > 1 else set()
    if n <= most:
        return list(range(n))
    others = [i for i in range(n) if i not in always]
    left = max(0, most - len(always))
    picked = {others[round(place)] for place in np.linspace(0, len(others) - 1, left)} if left else set()
    return sorted(always | picked)


def _header(path: RegularizationPath) -> list[str]:
    return [
        _AXIS[path.axis],
        "training loss",
        "validation loss",
        "gap",
        path.score_name,
        *(["epochs"] if path.axis != "epoch" else []),
        "norm",
        *(["zeros"] if path.technique.makes_zeros else []),
        "",
    ]


def _simple_row(path: RegularizationPath, one: SimpleBaseline, decimals: int | None) -> list[str]:
    """A simple model's figures; it has no strength, and its weights are of another size."""
    train = float(np.mean(one.train_loss))
    figures = _figures(path, train, one.loss, one.loss_se, float(np.mean(one.score)), decimals)
    epochs = [str(one.epoch or "")] if path.axis != "epoch" else []
    row = [one.label, *figures, *epochs]
    return [*row, *[""] * (len(_header(path)) - len(row))]


def _figures(
    path: RegularizationPath,
    train: float,
    validation: float,
    error: float,
    score: float,
    decimals: int | None,
) -> list[str]:
    """Training loss, validation loss, gap and score."""

    def loss(value: float) -> str:
        return f"{value:.3g}" if decimals is None else _fixed(value, decimals)

    with_error = f"{loss(validation)} ± {loss(error)}" if math.isfinite(error) else loss(validation)
    metric = f"{100 * score:.1f} %" if path.task == "classification" else _fixed(score, 3)
    return [loss(train), with_error, loss(validation - train), "" if math.isnan(score) else metric]


def _row(path: RegularizationPath, point: PathPoint, decimals: int | None) -> list[str]:
    label, mark = _label(path, point), _mark(path, point)
    if point.failed:
        return [label, "", point.failed, *[""] * (len(_header(path)) - 4), mark]
    return [
        label,
        *_figures(
            path, point.train_loss, point.validation_loss, point.validation_loss_se, point.score, decimals
        ),
        *([str(point.epochs)] if path.axis != "epoch" else []),
        _fixed(point.weight_norm, 2),
        *([_zeros(point.zero_share)] if path.technique.makes_zeros else []),
        mark,
    ]


def _fixed(value: float, decimals: int) -> str:
    """So many decimals, and no minus before zeros."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _label(path: RegularizationPath, point: PathPoint) -> str:
    if path.axis == "epoch":
        return f"{point.strength:.0f}"
    if point is path.off:
        return "off"
    return "on" if path.axis == "switch" else f"{point.strength:.3g}"


def _mark(path: RegularizationPath, point: PathPoint) -> str:
    marks = []
    if path.axis == "epoch" and point is path.off:
        marks.append("off")
    if point is path.best:
        marks.append("best")
    if point is path.one_se and path.axis != "switch":
        marks.append("one SE")
    return f"<- {', '.join(marks)}" if marks else ""


def _decimals(path: RegularizationPath) -> int | None:
    """Decimals that give the lowest validation loss three digits; None for sizes that need an exponent."""
    lowest = path.best.validation_loss
    if not 1e-6 <= lowest < 1e7:
        return None
    return max(0, 2 - math.floor(math.log10(lowest)))


def _zeros(share: float) -> str:
    if share == 0 or share == 1:
        return f"{100 * share:.0f} %"
    return "< 0.1 %" if share < 0.001 else f"{min(100 * share, 99.9):.1f} %"


def _padded(row: list[str], widths: list[int]) -> list[str]:
    last = len(row) - 1
    return [
        cell.rjust(width) if place not in (0, last) else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit()
