"""What there is to be seen of a network: weights, units, confusions, and what it says over two columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.fitted import FittedMLP
from taut.engine.compiled.layers import VARIANCE_FLOOR
from taut.estimators.problem import TableProblem
from taut.play.run import Run
from taut.report.figures import short
from taut.selection.weights import LIMIT, N_BINS, count_weights, fitting_step, in_bins
from taut.table.examples import TableExamples

Kind: TypeAlias = Literal["surface", "curve", "none"]

SIDE = 48  # points along each column of a surface
_CURVE = 240  # points of a curve
_BINS = 40  # of the histogram
_MOST_SHOWN = 400  # rows, of those that train and of those held out
_MOST_ROWS = 1_000  # that dead units are looked for on
_MOST_CLASSES = 8
_ENDS = (0.5, 99.5)  # percentiles: a few far values would leave the rest in a corner
_ROOM = 0.06
_SHADES = 255
_DAY = 86_400  # seconds


@final
@dataclass(frozen=True, eq=False)
class View:
    """Where a network is looked at: two columns of numbers, or one, the others at their usual values.

    Parameters
    ----------
    kind : {"surface", "curve", "none"}
        "none" where the table has no column of numbers.
    columns : tuple of int
        Of the matrix.
    axes : tuple of float64 array
        Values along each column, in its own units.
    values : float32 array, shape (n_points, n_matrix_columns)
        The points as rows of the matrix; the first column varies fastest.
    others : int
        Columns that are at their usual values: a number at its median, a category at its most frequent one.
    picked : bool
        Whether they are those that the network uses most.
    """

    kind: Kind
    columns: tuple[int, ...]
    axes: tuple[NDArray[np.float64], ...]
    values: NDArray[np.float32]
    others: int
    picked: bool = False

    def to_json(self, run: Run) -> dict[str, Any]:
        """Axes and the rows that are shown: those that train and those held out, by their target."""
        table, fold = run.begun.table, run.training.member.fold
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "names": [_name(table, column) for column in self.columns],
            "axes": [_told(table, c, axis) for c, axis in zip(self.columns, self.axes, strict=True)],
            "others": self.others,
            "picked": self.picked,
            "choices": [_name(table, column) for column in range(table.matrix.n_numbers)],
            "training": self._rows(table, fold.train),
            "held_out": self._rows(table, fold.validation),
        }

    def _rows(self, table: TableProblem, rows: NDArray[np.int32]) -> dict[str, Any]:
        """Some rows, evenly spread."""
        if self.kind == "none":
            return {"at": [], "target": []}
        shown = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_SHOWN)).astype(np.intp)]
        target = table.problem.target[shown].astype(np.float64)
        if table.target.classes is None:
            target = target * table.target.unit + table.target.origin
        values = [_in_units(table, column, table.matrix.values[shown, column]) for column in self.columns]
        at = [_told(table, column, one) for column, one in zip(self.columns, values, strict=True)]
        return {"at": at, "target": _short(target)}


def view_of(table: TableProblem, columns: tuple[int, ...] | None = None) -> View:
    """The view of these columns of the matrix, or of the first ones."""
    matrix = table.matrix
    chosen = tuple(range(min(2, matrix.n_numbers))) if columns is None else columns
    usual = _usual(matrix.values, matrix.n_numbers)
    if not chosen:
        return View("none", (), (), np.empty((0, len(usual)), dtype=np.float32), len(usual))
    side = SIDE if len(chosen) == 2 else _CURVE
    along = [_along(matrix.values[: table.n_train, column], side) for column in chosen]
    points = np.tile(usual, (side ** len(chosen), 1)).astype(np.float32)
    for column, grid in zip(chosen, np.meshgrid(*along), strict=True):
        points[:, column] = grid.ravel()
    axes = tuple(_in_units(table, column, axis) for column, axis in zip(chosen, along, strict=True))
    others = len(table.schema.kept) - len({table.schema.owners[column] for column in chosen})
    return View("surface" if len(chosen) == 2 else "curve", chosen, axes, points, others)


def important_columns(run: Run) -> tuple[int, ...] | None:
    """The two columns of numbers whose shuffling costs the kept network most; None where nobody knows."""
    found, table = run.fitted().importance_, run.begun.table
    if found is None:
        return None
    names = [column.name for column in table.schema.kept]
    own = [names[owner] for owner in table.schema.owners[: table.matrix.n_numbers]]
    first = [own.index(line.name) for line in found.lines if line.name in own]
    return tuple(sorted(first[:2])) if len(first) > 1 else None


def _usual(values: NDArray[np.float32], n_numbers: int) -> NDArray[np.float32]:
    """Medians of the numbers, and the most frequent codes."""
    numbers = values[:, :n_numbers]
    found = np.isfinite(numbers)
    medians = [np.median(numbers[found[:, i], i]) if found[:, i].any() else 0.0 for i in range(n_numbers)]
    codes = [np.bincount(values[:, i].astype(np.intp)).argmax() for i in range(n_numbers, values.shape[1])]
    return np.array([*medians, *codes], dtype=np.float32)


def _along(values: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = np.percentile(known, _ENDS) if len(known) else (0.0, 0.0)
    room = _ROOM * (high - low) or 1.0
    return np.linspace(low - room, high + room, side)


def _in_units(table: TableProblem, column: int, values: NDArray[np.floating]) -> NDArray[np.float64]:
    """In the column's own units: the matrix may have others, so that float32 keeps its figures."""
    part = table.schema.numbers[column][1]
    return values.astype(np.float64) * part.unit + part.origin


def _is_date(table: TableProblem, column: int) -> bool:
    return table.schema.numbers[column][1].what == "days"


def _name(table: TableProblem, column: int) -> str:
    """As the matrix has it; a date is called as in the table."""
    return table.schema.numbers[column][0].name if _is_date(table, column) else table.matrix.names[column]


def _told(table: TableProblem, column: int, values: NDArray[np.float64]) -> list[Any]:
    """Numbers, or of a date's days since 1970 the dates; None where a value is missing."""
    if not _is_date(table, column):
        return _short(values)
    seconds = [None if np.isnan(days) else round(days * _DAY) for days in values.tolist()]
    return [None if one is None else str(np.datetime64(one, "s")) for one in seconds]


def said(run: Run, view: View) -> dict[str, Any] | None:
    """What the kept network says at the view's points; None where there are none.

    Of a surface ``shades``, whole numbers from 0 to 255: of two classes the probability of the second, of
    more the likeliest class's number, of an amount the value from ``low`` to ``high``. Of a curve
    ``values``: the probability of the second of two classes, the likeliest class's number, or the value.
    """
    if view.kind == "none":
        return None
    table, objective = run.begun.table, run.begun.trainer.problem.objective
    examples = TableExamples(replace(table.matrix, values=view.values, notes=()))
    found = objective.predictions(run.begun.trainer.engine.predict(examples, run.kept))
    low, high = 0.0, 1.0
    if table.target.classes is None:
        target = table.problem.target
        flat = found[:, 0] * table.target.unit + table.target.origin
        low, high = (
            float(end) * table.target.unit + table.target.origin for end in (target.min(), target.max())
        )
    elif found.shape[1] == 2:
        flat = found[:, 1]
    else:
        flat = found.argmax(axis=1).astype(np.float64)
        high = float(found.shape[1] - 1)
    if not np.isfinite(flat).all():
        return None
    if view.kind == "curve":
        return {"values": _short(flat)}
    shades = np.clip((flat - low) / ((high - low) or 1.0), 0, 1) * _SHADES
    return {"shades": shades.round().astype(int).tolist(), "low": low, "high": high}


# --- the network itself -------------------------------------------------------------------------------------


def histogram(network: FittedMLP) -> dict[str, Any]:
    """Weights by size, in bins of one width, and how many are exactly zero."""
    counts = count_weights(network)
    step = fitting_step(counts, _BINS)
    width = 2 * LIMIT / N_BINS * step
    return {
        "low": -width * _BINS / 2,
        "width": width,
        "counts": in_bins(counts, step, _BINS).tolist(),
        "n_zero": int(counts[-1]),
    }


def dead_units(run: Run) -> tuple[int, int]:
    """Hidden units that say the same to every training row, and all of them.

    Of many rows as many are looked at, evenly spread.
    """
    network, rows = run.kept, run.training.member.fold.train
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_ROWS)).astype(np.intp)]
    x = network.encoder.transform(run.begun.table.matrix.values, some).astype(np.float64)
    weights, dead, total = network.weights, 0, 0
    with np.errstate(all="ignore"):  # of a network that diverged
        for i in range(len(network.network.hidden)):
            name = f"layers.{i}."
            x = x[:, : len(weights[name + "weight"])] @ weights[name + "weight"]
            if network.normalize:
                x = (x - weights[name + "mean"]) / np.sqrt(weights[name + "variance"] + VARIANCE_FLOOR)
                x = x * weights[name + "gain"]
            x = _activate(x + weights[name + "bias"], network.network.activation)
            dead += int(np.count_nonzero(np.ptp(x, axis=0) == 0))
            total += x.shape[1]
    return dead, total


def _activate(x: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    if activation == "relu":
        return np.maximum(x, 0.0)
    from scipy.special import expit, ndtr

    gated: NDArray[np.float64] = x * (expit(x) if activation == "silu" else ndtr(x))
    return gated


def confusion(run: Run) -> list[list[int]] | None:
    """Held-out rows by class (rows) and predicted class (columns); None of amounts and of many classes."""
    classes = run.begun.table.target.classes
    if classes is None or len(classes) > _MOST_CLASSES:
        return None
    rows = run.training.member.fold.validation
    predicted = run.outputs(rows).argmax(axis=1)
    actual = run.begun.trainer.problem.target[rows].astype(np.intp)
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(table, (actual, predicted), 1)
    return [row.tolist() for row in table]


def _short(values: NDArray[np.floating]) -> list[float | None]:
    """Five digits are as many as a figure shows; None where a value is missing."""
    return [short(value) for value in values.tolist()]
