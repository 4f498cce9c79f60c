"""A path as a table of plain text."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from taut.evidence.simple_baselines import SimpleBaseline
from taut.paths.result import PathPoint, RegularizationPath
from taut.text_table import text_table
from taut.wording import fixed, formatter_for, scored

_AXIS = {"strength": "strength", "epoch": "epoch", "switch": ""}


def plain_table(path: RegularizationPath, most: int = 16) -> str:
    """Give the path as lines of plain text, for terminals, files and pipes.

    Parameters
    ----------
    path : RegularizationPath
    most : int
        How many points at most. Off, the best, the one-SE point and the two ends are always there; of the
        others, some that are evenly spread.
    """
    shown = some_points(path, most - len(path.simple))
    write = formatter_for(path.best.validation_loss, separator="")
    rows = [
        _header(path),
        *(_simple_row(path, one, write) for one in path.simple),
        *(_row(path, path.points[i], write) for i in shown),
    ]
    numbers = max((len(row[0]) for row in rows if _is_number(row[0])), default=0)
    numbers = max(numbers, len(rows[0][0]))
    rows = [[row[0].rjust(numbers) if _is_number(row[0]) else row[0], *row[1:]] for row in rows]
    return text_table(rows, left=(0, len(rows[0]) - 1))


def some_points(path: RegularizationPath, most: int) -> list[int]:
    """Give the indices of the points that a short table shows."""
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


def _simple_row(path: RegularizationPath, one: SimpleBaseline, write: Callable[[float], str]) -> list[str]:
    """A simple model's figures; it has no strength, and the size of its weights cannot be compared."""
    train = float(np.mean(one.train_loss))
    figures = _figures(path, train, one.loss, one.loss_se, float(np.mean(one.score)), write)
    epochs = [str(one.epoch or "")] if path.axis != "epoch" else []
    row = [one.label, *figures, *epochs]
    return [*row, *[""] * (len(_header(path)) - len(row))]


def _figures(
    path: RegularizationPath,
    train: float,
    validation: float,
    error: float,
    score: float,
    write: Callable[[float], str],
) -> list[str]:
    """Training loss, validation loss, gap and score."""
    with_error = f"{write(validation)} ± {write(error)}" if math.isfinite(error) else write(validation)
    metric = "" if math.isnan(score) else scored(score, path.score_name)
    return [write(train), with_error, write(validation - train), metric]


def _row(path: RegularizationPath, point: PathPoint, write: Callable[[float], str]) -> list[str]:
    label, mark = _label(path, point), _mark(path, point)
    if point.failed:
        return [label, "", point.failed, *[""] * (len(_header(path)) - 4), mark]
    return [
        label,
        *_figures(
            path, point.train_loss, point.validation_loss, point.validation_loss_se, point.score, write
        ),
        *([str(point.epochs)] if path.axis != "epoch" else []),
        fixed(point.weight_norm, 2),
        *([_zeros(point.zero_share)] if path.technique.makes_zeros else []),
        mark,
    ]


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


def _zeros(share: float) -> str:
    if share == 0 or share == 1:
        return f"{100 * share:.0f} %"
    return "< 0.1 %" if share < 0.001 else f"{min(100 * share, 99.9):.1f} %"


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit()
