"""A target that drifts along the file's rows: shuffled folds may then be too optimistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Sign
from taut.evidence.signs.view import View, one_hot
from taut.learning.problem import Fold

_LEAST_ROWS = 50
_ROWS_PER_BLOCK = 25
_MOST_BLOCKS = 20
_CHANCE = 1e-4  # of either figure, where the order means nothing
_BLOCKS = 0.02  # of the variance that blocks of rows explain; below, no harm is done
_NEXT = 0.1  # correlation of a row with the next one
_ROWS_PER_PIECE = 25


@final
@dataclass(frozen=True, slots=True)
class Drift:
    """How values go with their place.

    Attributes
    ----------
    blocks : float
        The share of variance between blocks of consecutive rows, less what chance gives.
    next : float
        The correlation of a row with the next.
    found : bool
        Whether either is beyond chance and large enough to matter.
    """

    blocks: float
    next: float
    found: bool


def order(view: View, folds: Sequence[Fold], outputs: NDArray[np.floating]) -> list[Sign]:
    """Find a trend or blocks along the rows.

    Up to 20 blocks of consecutive rows are compared (analysis of variance, of ranks for amounts), and each
    row with the next. There is a sign where chance would do so in one table of 5,000, and the blocks explain
    at least 2 % of the variance, or the correlation of neighbours is at least 0.1.

    It is severe where the networks' outputs drift too among rows with the same target: then it is more than
    a file that somebody sorted by the target, and neighbours are alike in what the networks see.
    """
    rows = view.rows
    if len(rows) < _LEAST_ROWS:
        return []
    seen = drift(one_hot(view.codes[rows], view.n_classes) if view.n_classes else _ranks(view.target[rows]))
    if not seen.found:
        return []
    scored = rows[np.isfinite(outputs[rows]).all(axis=1)]
    beyond = Drift(0.0, 0.0, False)
    if len(scored) >= _LEAST_ROWS:
        beyond = drift(_beside(view, outputs[scored].astype(np.float64), scored))
    text = (
        f"the target drifts along the file's rows: blocks of consecutive rows explain {seen.blocks:.0%} of "
        f"its variance, and the correlation of neighbours is {seen.next:.2f}"
    )
    text += _advice(consecutive(folds), beyond.found)
    figures = {
        "blocks": seen.blocks,
        "next": seen.next,
        "blocks_beyond": beyond.blocks,
        "next_beyond": beyond.next,
    }
    return [Sign("order", "severe" if beyond.found else "worth a look", text, figures=figures)]


def drift(values: NDArray[np.float64]) -> Drift:
    """Measure how values go with their place.

    Parameters
    ----------
    values : float64 (n, n_columns)
        In the file's order.
    """
    from scipy.stats import chi2, norm

    n = len(values)
    centered = values - values.mean(axis=0)
    total = float((centered**2).sum())
    if not 0 < total < np.inf:
        return Drift(0.0, 0.0, False)
    n_blocks = int(np.clip(n // _ROWS_PER_BLOCK, 2, _MOST_BLOCKS))
    block = np.arange(n) * n_blocks // n
    count = np.bincount(block, minlength=n_blocks)
    means = np.stack([np.bincount(block, column, n_blocks) / count for column in centered.T], axis=1)
    raw = float((count[:, None] * means**2).sum()) / total
    by_chance = (n_blocks - 1) / (n - 1)
    share = max(0.0, (raw - by_chance) / (1 - by_chance))
    # Several columns vary less by chance than one; taking them for one is on the safe side.
    unlikely_blocks = chi2.sf((n - 1) * raw, n_blocks - 1) < _CHANCE
    following = float((centered[1:] * centered[:-1]).sum()) / total
    unlikely_next = norm.sf(following * np.sqrt(n)) < _CHANCE
    found = (unlikely_blocks and share >= _BLOCKS) or (unlikely_next and following >= _NEXT)
    return Drift(share, following, bool(found))


def consecutive(folds: Sequence[Fold]) -> bool:
    """Tell whether folds hold out whole stretches of rows."""
    held = sum(len(fold.validation) for fold in folds)
    joints = sum(int((np.diff(np.sort(fold.validation)) == 1).sum()) for fold in folds)
    return held > 0 and joints >= 0.9 * (held - len(folds))


def _advice(by_stretches: bool, beyond: bool) -> str:
    if by_stretches:
        return (
            ". The folds hold out consecutive rows: right if the rows are in order of time or place; if they "
            "are merely sorted, shuffle them."
        )
    if beyond:
        return (
            "; so does what the networks see of rows with the same target. If the rows are in order of time "
            "or place, shuffled folds are too optimistic: give cv a split by time, or groups."
        )
    return (
        ". The networks see no other order, so the file may merely be sorted by the target, which does no "
        "harm in shuffled folds; if it is in order of time, give cv a split by time."
    )


def _beside(view: View, outputs: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The networks' outputs, less their mean among rows with about the same target."""
    if view.n_classes:
        outputs = outputs - outputs.mean(axis=1, keepdims=True)
        group = view.codes[rows]
    else:
        outputs = _ranks(outputs[:, 0])
        group = (_ranks(view.target[rows])[:, 0] - 1).astype(np.int64) // _ROWS_PER_PIECE
    count = np.maximum(np.bincount(group), 1)
    means = np.stack([np.bincount(group, column) / count for column in outputs.T], axis=1)
    beside: NDArray[np.float64] = outputs - means[group]
    return beside


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(values)[:, None]
    return ranks
