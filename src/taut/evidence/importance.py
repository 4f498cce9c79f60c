"""Which of the person's columns the networks use: by how much the loss rises where one is shuffled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import NONE, Interval
from taut.evidence.skew import skewed_interval
from taut.learning.engine import Engine
from taut.learning.examples import Columns
from taut.learning.problem import Problem
from taut.learning.training import Control, Fitted
from taut.streams import Stream, generator

#: Other values that each row is given in place of its own, where there is time for so many.
N_SHUFFLES = 5

# Rows predicted, in all: one for so many rows that were trained on, each of which costs three or four.
_TRAINED_ROWS = 80
_FEWEST_PREDICTIONS, _MOST_PREDICTIONS = 5_000, 500_000
# With fewer rows intervals are too wide to be of use; columns are left out rather.
_FEWEST_ROWS = 200
# Of the rows' variance: what is left at least where a row is known from one pair.
_LEAST_SHARE = 0.5
# Of the standard error. A fold's rows train the networks that one the other folds, so that folds are no
# strangers to each other: without it, intervals of columns of no use missed zero in 9 of 100, not 5.
_WIDER = 1.2
_BLOCK_NUMBERS = 2**22  # of tables that are shuffled at a time, 16 MB

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True)
class ColumnImportance:
    """One column.

    Parameters
    ----------
    name : str
    loss : Interval
        The rise of the loss, with its 95 % interval.
    """

    name: str
    loss: Interval


@final
@dataclass(frozen=True)
class Importance:
    """By how much the loss rises on held-out rows where one column's values are shuffled among them.

    Parameters
    ----------
    lines : tuple of ColumnImportance
        The most important column first.
    base_loss : float
        Of the same rows with nothing shuffled: cross-entropy in nats, or squared error in the target's own
        units.
    n_rows : int
        That were looked at.
    n_shuffles : int
        Other values that each row was given in place of its own.
    n_left_out : int
        Columns that there was no time for: those with the least weight in the first layer.
    """

    lines: tuple[ColumnImportance, ...]
    base_loss: float
    n_rows: int
    n_shuffles: int
    n_left_out: int = 0

    def in_units(self, factor: float) -> Importance:
        """The same with losses in other units: multiplied by ``factor``, which is above 0."""
        lines = tuple(replace(line, loss=line.loss.times(factor)) for line in self.lines)
        return replace(self, lines=lines, base_loss=self.base_loss * factor)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Importance:
        """Make it again; None stands for NaN."""
        lines = tuple(ColumnImportance(x["name"], Interval.from_dict(x["loss"])) for x in data["lines"])
        base = float("nan") if data["base_loss"] is None else data["base_loss"]
        return cls(lines, base, data["n_rows"], data["n_shuffles"], data["n_left_out"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values; see :meth:`from_dict`."""
        return {
            "lines": [{"name": line.name, "loss": line.loss.to_dict()} for line in self.lines],
            "base_loss": self.base_loss,
            "n_rows": self.n_rows,
            "n_shuffles": self.n_shuffles,
            "n_left_out": self.n_left_out,
        }


class HeldOut(NamedTuple):
    """A network, and rows that had no part in its training: int32, shape (n,)."""

    network: Fitted
    rows: NDArray[np.int32]


class Owners(NamedTuple):
    """The person's columns by name, and for each column of the examples the index of its owner among them."""

    names: tuple[str, ...]
    owners: tuple[int, ...]


def importance(
    engine: Engine,
    problem: Problem,
    held_out: Sequence[HeldOut],
    columns: Owners,
    seed: int,
    most_predictions: int,
    control: Control | None = None,
) -> Importance | None:
    """Shuffle one column after another among the rows that a network has not seen.

    All of a column's parts (a date's, a number's missing flag) move together. The other columns stay, so that
    a column's figure is what the networks owe to it alone: columns that tell the same stand in for each
    other, and each looks less important than they are together. A network that uses a column wrongly has a
    figure below zero.

    Parameters
    ----------
    engine : Engine
    problem : Problem
        Its examples have columns.
    held_out : sequence of HeldOut
        Such as the folds' networks with what their folds hold out; a row may be judged by several.
    columns : Owners
    seed : int
    most_predictions : int
        About so many rows are predicted: first there are fewer shuffles, then fewer rows, drawn at random,
        and at last fewer columns. See :func:`affordable_predictions`.
    control : Control, optional

    Returns
    -------
    Importance or None
        In the engine's units; None where no network has two rows to shuffle, or the control ended it before.

    Notes
    -----
    Of column j the figure is the mean of ``h(i, k) = loss(row i with row k's j) - loss(row i)`` over pairs of
    different rows of one network, weighted by the product of their weights: "model reliance" as a difference
    (Breiman, 2001, Machine Learning 45, "Random forests"; Fisher, Rudin and Dominici, 2019, Journal of
    Machine Learning Research 20, "All models are wrong, but many are useful"). Not all pairs are looked at:
    in a random order of the rows, row k is the one ``1, ..., n_shuffles`` places behind row i, so that each
    row takes and gives as many values, and none takes its own.

    A mean of pairs varies with the rows as the mean of ``E h(i, .) + E h(., i)`` does (Hoeffding, 1948,
    Annals of Mathematical Statistics 19): of what a row loses by others' values, and what others lose by its
    own. The interval is :func:`~taut.evidence.skew.skewed_interval` of these. As each is known from a few
    pairs only, s of them, they vary more than that by ``var(h) / s``, which is taken off; and the standard
    error is taken 1.2-fold, because rows of one fold trained the networks of the others. It knows of other
    rows, taken as strangers to each other, and not of other networks, which might use other columns as well.
    """
    examples = problem.examples
    if not isinstance(examples, Columns):
        return None
    norms = column_norms([one.network for one in held_out], columns)
    live = np.flatnonzero(norms)  # any other changes nothing, exactly
    plan = _plan(held_out, len(live), examples.n_columns, most_predictions, seed)
    if plan is None:
        return None
    held_out, n_shuffles, n_columns = plan
    measured = live[np.argsort(-norms[live], kind="stable")[:n_columns]]
    rows = np.unique(np.concatenate([one.rows for one in held_out]))
    tally = _Tally(rows, problem.score_weight, len(measured))
    owners = np.array(columns.owners, dtype=np.intp)
    for number, one in enumerate(held_out):
        stream = generator(seed, Stream.IMPORTANCE_SHUFFLES, number)
        donors = _donors(len(one.rows), n_shuffles, stream)
        base = _losses(problem, engine.predict(examples, one.network, one.rows), one.rows)
        masks = [owners == column for column in measured]
        tally.open(one.rows, base, donors)
        index = 0
        for shuffled in _shuffled(examples, one.rows, donors, masks):
            if control is not None and control.should_stop():
                return None
            n = len(shuffled) // donors.size
            outputs = engine.predict(shuffled, one.network)
            losses = _losses(problem, outputs, np.tile(one.rows, n * len(donors)))
            with np.errstate(invalid="ignore"):
                rises = losses.reshape(n, *donors.shape) - base
            tally.add(index, rises)
            index += n
    found = dict.fromkeys(np.flatnonzero(norms == 0).tolist(), Interval(0.0, 0.0, 0.0))
    found |= {int(column): tally.interval(index) for index, column in enumerate(measured)}
    lines = [ColumnImportance(columns.names[column], found[column]) for column in sorted(found)]
    lines.sort(key=lambda line: (np.isnan(line.loss.value), -line.loss.value))
    return Importance(tuple(lines), tally.base_loss, len(rows), n_shuffles, len(live) - len(measured))


def affordable_predictions(trained_rows: float) -> int:
    """Give how many predictions are a hundredth of a training or so.

    Parameters
    ----------
    trained_rows : float
        Rows times epochs, of all networks that were trained.
    """
    return int(min(max(trained_rows / _TRAINED_ROWS, _FEWEST_PREDICTIONS), _MOST_PREDICTIONS))


def column_norms(networks: Sequence[Fitted], columns: Owners) -> Vector:
    """L2 norm of the first layer's weights by the person's column, mean over the networks."""
    owners = np.array(columns.owners, dtype=np.intp)
    norms = np.zeros(len(columns.names))
    for network in networks:
        inputs = network.input_weights()
        if inputs is not None:
            squares = (inputs.weights.astype(np.float64) ** 2).sum(axis=1)
            norms += np.sqrt(np.bincount(owners[inputs.columns], squares, minlength=len(norms)))
    return norms / max(1, len(networks))


def _plan(
    held_out: Sequence[HeldOut], n_live: int, width: int, most: int, seed: int
) -> tuple[list[HeldOut], int, int] | None:
    """The rows of each one, the shuffles and the columns that are affordable; None where there is none."""
    shuffled = [one for one in held_out if len(one.rows) > 1]
    n_judged = sum(len(one.rows) for one in shuffled)
    if not n_judged:
        return None
    least = min(n_judged, _FEWEST_ROWS)
    n_columns = min(n_live, max(1, most // least))
    n_each = max(least, min(most // max(1, n_columns), _BLOCK_NUMBERS // max(1, width)))
    if n_each < n_judged:
        rows = np.unique(np.concatenate([one.rows for one in shuffled]))
        stream = generator(seed, Stream.IMPORTANCE_ROWS)
        n_drawn = max(2, round(len(rows) * n_each / n_judged))
        drawn = stream.choice(rows, size=min(n_drawn, len(rows)), replace=False)
        some = [one._replace(rows=one.rows[np.isin(one.rows, drawn)]) for one in shuffled]
        shuffled = [one for one in some if len(one.rows) > 1]
        if not shuffled:
            return None
    n_shuffles = min(max(1, n_each // n_judged), N_SHUFFLES, max(len(j.rows) for j in shuffled) - 1)
    return shuffled, n_shuffles, n_columns


def _donors(n: int, n_shuffles: int, stream: np.random.Generator) -> NDArray[np.intp]:
    """Whose value each of n rows is given: another row's, shape (n_shuffles or n - 1, n)."""
    order = stream.permutation(n)
    donors = np.empty((min(n_shuffles, n - 1), n), dtype=np.intp)
    for i in range(len(donors)):
        donors[i, order] = np.roll(order, i + 1)
    return donors


def _shuffled(
    examples: Columns, rows: NDArray[np.int32], donors: NDArray[np.intp], masks: list[NDArray[np.bool_]]
) -> Iterator[Columns]:
    """The rows with one column shuffled, column by column, shuffle by shuffle; several columns at a time."""
    step = max(1, _BLOCK_NUMBERS // max(1, donors.size * examples.n_columns))
    for start in range(0, len(masks), step):
        yield examples.shuffled(rows, donors, masks[start : start + step])


def _losses(problem: Problem, outputs: NDArray[np.floating], rows: NDArray[np.int32]) -> Vector:
    with np.errstate(over="ignore"):  # a loss that float32 cannot hold is infinite
        return problem.row_results(outputs, rows).losses.astype(np.float64)


@final
class _Tally:
    """Sums over pairs of rows, by column and by each row's part in them.

    Parameters
    ----------
    rows : int array, shape (n,)
        All that some one has, in order.
    weight : array, shape (n_rows,), or None
    n_columns : int
    """

    def __init__(self, rows: NDArray[np.int32], weight: NDArray[np.floating] | None, n_columns: int) -> None:
        self._rows = rows
        self._weight = np.ones(len(rows)) if weight is None else weight[rows].astype(np.float64)
        self._taken, self._given = np.zeros((2, n_columns, len(rows)))
        self._taken_of, self._given_of = np.zeros((2, len(rows)))
        self._squares, self._n_pairs = np.zeros(n_columns), 0
        self._base, self._times = np.zeros((2, len(rows)))

    def open(self, rows: NDArray[np.int32], base: Vector, donors: NDArray[np.intp]) -> None:
        """Turn to the next one: its rows, their losses with nothing shuffled, and who gives to whom."""
        self._at, self._donors = np.searchsorted(self._rows, rows), donors
        self._own = self._weight[self._at]
        self._base[self._at] += base
        self._times[self._at] += 1
        self._n_pairs += donors.size
        ones = np.ones((1, *donors.shape))
        self._taken_of[self._at] += self._sums_taken(ones)[0]
        self._given_of[self._at] += self._sums_given(ones)[0]

    def add(self, index: int, rises: Vector) -> None:
        """Add the rises of some columns, the first one at ``index``: shape (n, n_shuffles, n_rows)."""
        columns = slice(index, index + len(rises))
        self._squares[columns] += (rises**2 * self._own[self._donors] * self._own).sum(axis=(1, 2))
        self._taken[columns, self._at] += self._sums_taken(rises)
        self._given[columns, self._at] += self._sums_given(rises)

    def _sums_taken(self, rises: Vector) -> Vector:
        """Of each row that takes, weighted by who gives."""
        sums: Vector = (rises * self._own[self._donors]).sum(axis=1)
        return sums

    def _sums_given(self, rises: Vector) -> Vector:
        """Of each row that gives, weighted by who takes."""
        sums = np.zeros((len(rises), len(self._own)))
        for i, donors in enumerate(self._donors):
            sums[:, donors] += rises[:, i] * self._own
        return sums

    @property
    def base_loss(self) -> float:
        """The rows' mean loss with nothing shuffled."""
        return float(np.average(self._base / self._times, weights=self._weight))

    def interval(self, index: int) -> Interval:
        """The mean over the pairs, and how it varies with the rows; NaN where a loss was infinite."""
        if not np.isfinite(self._squares[index]):
            return NONE
        pairs = float(np.dot(self._weight, self._taken_of))
        value = float(np.dot(self._weight, self._taken[index])) / pairs
        # A row without weight, or of which only such give or take, has no say.
        taken, given = (
            np.divide(of, by, out=np.full_like(by, value), where=by > 0)
            for of, by in ((self._taken[index], self._taken_of), (self._given[index], self._given_of))
        )
        each = taken + given - value
        spread = float(np.average((each - value) ** 2, weights=self._weight))
        of_pairs = (float(self._squares[index]) / pairs - value**2) * len(self._rows) / self._n_pairs
        share = 1.0 - of_pairs / spread if spread > 0 else 1.0
        wider = _WIDER * float(np.sqrt(np.clip(share, _LEAST_SHARE, 1.0)))
        # No loss is below 0, so that none falls by more than there is.
        return skewed_interval(value, each, self._weight, wider).within(-self.base_loss, np.inf)
