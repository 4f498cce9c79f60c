"""Classes with too few rows to be learned, or to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Sign
from taut.evidence.signs.view import View
from taut.learning.problem import Fold
from taut.table.frame import listing

_FEW = 30  # with so many rows a recall of one half is known to 19 points


def small_classes(view: View, classes: NDArray[Any], folds: Sequence[Fold]) -> list[Sign]:
    """Find classes with fewer than 30 rows, fewer than folds, or none that trains in some fold.

    One sign for those that are too few to judge, and a severe one for those that some fold has no row of to
    learn from, or none to judge by. How well a recall is known is half of its 95 % interval (Clopper and
    Pearson, 1934, Biometrika 26) at a recall of one half.
    """
    codes = view.codes
    counts = np.bincount(codes[view.rows], minlength=len(classes))
    untrained = np.zeros(len(classes), dtype=bool)
    for fold in folds:
        untrained |= np.bincount(codes[fold.train], minlength=len(classes)) == 0
    absent = untrained | (counts < len(folds))
    signs = []
    if absent.any():
        text = f"{_named(classes, counts, absent)}: some folds have none of them to learn from or to judge by"
        signs.append(_sign(view, counts, absent, "severe", text))
    few = (counts < _FEW) & ~absent
    if few.any():
        points = 100 * half_width(int(counts[few].min()))
        text = f"{_named(classes, counts, few)}: how many of the fewest are got right is known to"
        signs.append(_sign(view, counts, few, "worth a look", f"{text} ±{points:.0f} points only"))
    return signs


def half_width(count: int) -> float:
    """Half of the 95 % Clopper-Pearson interval of a share, at the share nearest to one half."""
    from scipy.stats import beta

    if count == 0:
        return 0.5
    positives = count // 2
    low = beta.ppf(0.025, positives, count - positives + 1) if positives else 0.0
    high = beta.ppf(0.975, positives + 1, count - positives)
    return float(high - low) / 2


def _named(classes: NDArray[Any], counts: NDArray[np.int64], which: NDArray[np.bool_]) -> str:
    indices = np.flatnonzero(which)
    indices = indices[np.argsort(counts[indices], kind="stable")]
    names = [value.item() if isinstance(value, np.generic) else value for value in classes[indices]]
    fewest, most = int(counts[indices[0]]), int(counts[indices[-1]])
    if len(indices) == 1:
        return f"the class {names[0]!r} has {fewest:,} {'row' if fewest == 1 else 'rows'}"
    span = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return f"the classes {listing(names, 5)} have {span} rows"


def _sign(view: View, counts: NDArray[np.int64], which: NDArray[np.bool_], severity: Any, text: str) -> Sign:
    fewest = int(counts[which].min())
    rows = view.rows[which[view.codes[view.rows]]]
    them = "it, or join it with another class" if which.sum() == 1 else "them, or join them with others"
    figures = {
        "n_classes": float(which.sum()),
        "fewest": float(fewest),
        "recall_half_width": half_width(fewest),
    }
    return Sign("small class", severity, f"{text}. Get more rows of {them}.", rows=rows, figures=figures)
