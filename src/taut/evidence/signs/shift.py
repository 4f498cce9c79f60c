"""Differences between the table and a second file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.power import area
from taut.evidence.signs.sign import Sign
from taut.evidence.signs.trees import grown, one_thread
from taut.evidence.signs.view import View, column_names, level_count, thinned
from taut.streams import Stream, generator
from taut.table.frame import listing
from taut.table.matrices import Matrix

_CHANCE = 0.01  # chance that any column of an unshifted file is named
_LEAST_DISTANCE = 0.10  # of distributions; below, no network is affected
_LEAST_RATE = 0.05  # difference of missing values
_LEAST_UNSEEN = 0.01
_FAR = 0.30
_LEAST_ROWS = 30
_RARE = 5  # expected rows of a category's value
_MODEL_ROWS = 2500  # of each side
_FOLDS = 3
_Z = 2.576
_LEAST_AREA, _FAR_AREA = 0.55, 0.75
_MOST_COLUMNS = 5


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a column differs.

    Attributes
    ----------
    column : str
    how : "values", "missing" or "unseen"
    size : float
        Kolmogorov-Smirnov distance, total variation distance, or difference of rates.
    p : float
        How likely such a large difference is without a shift.
    """

    column: str
    how: str
    size: float
    p: float


def shift(view: View, test: Matrix) -> list[Sign]:
    """Find columns that differ between the table and a second file, and differences of all columns together.

    Numbers are compared by Kolmogorov and Smirnov's test, categories by chi squared (values with fewer than 5
    expected rows together), the rates of missing values by chi squared, at 1 % over all columns (Holm, 1979,
    Scandinavian Journal of Statistics 6). A difference counts from a distance of 0.1, 5 points of missing
    values, or 1 % of values that the table lacks. Then boosted trees try to tell the two files' rows apart
    (Lopez-Paz and Oquab, 2017, ICLR): a sign where the lower bound (99 %) of their AUC is above 0.55.
    """
    rows = np.arange(test.n_rows)
    if len(rows) < _LEAST_ROWS or len(view.rows) < _LEAST_ROWS:
        return []
    ours = view.matrix.values[view.sample]
    theirs = test.values[thinned(rows, len(view.sample), view.seed, Stream.SHIFT_ROWS)]
    found = [d for d in significant(differences(view, ours, theirs)) if d.size >= _least(d.how)]
    found.sort(key=lambda one: -one.size)
    signs = [
        _column_sign(name, [d for d in found if d.column == name])
        for name in dict.fromkeys(d.column for d in found)
    ]
    signs += _together(view, ours, theirs)
    return signs


def differences(view: View, ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> list[Difference]:
    """Compare all columns of two matrices."""
    found = []
    seen: set[tuple[str, str]] = set()
    for index, name in enumerate(column_names(view.schema)):
        n_levels = level_count(view.matrix, index)
        a, b = ours[:, index], theirs[:, index]
        tests = _categories(name, a, b, n_levels) if n_levels else _numbers(name, a, b)
        for one in tests:
            if one.how == "missing" and (name, "missing") in seen:
                continue  # the parts of a date are missing together
            seen.add((name, one.how))
            found.append(one)
    return found


def significant(found: list[Difference]) -> list[Difference]:
    """Keep those that Holm's correction keeps."""
    ordered = sorted(found, key=lambda one: one.p)
    for index, one in enumerate(ordered):
        if one.p > _CHANCE / (len(ordered) - index):
            return ordered[:index]
    return ordered


def _numbers(name: str, a: NDArray[np.float32], b: NDArray[np.float32]) -> list[Difference]:
    from scipy.stats import ks_2samp

    found = _missing(name, np.isnan(a), np.isnan(b))
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if len(a) and len(b):
        result = ks_2samp(a, b, method="asymp")
        found.append(Difference(name, "values", float(result.statistic), float(result.pvalue)))
    return found


def _categories(name: str, a: NDArray[np.float32], b: NDArray[np.float32], n_levels: int) -> list[Difference]:
    missing, other = n_levels - 1, n_levels - 2
    found = _missing(name, a == missing, b == missing)
    a, b = a[a != missing].astype(np.int64), b[b != missing].astype(np.int64)
    if not len(a) or not len(b):
        return found
    counts = np.stack([np.bincount(x, minlength=n_levels) for x in (a, b)]).astype(np.float64)
    unseen = counts[:, other] / (len(a), len(b))
    if unseen[1] > unseen[0]:
        found.append(
            Difference(
                name, "unseen", float(unseen[1] - unseen[0]), _rates(counts[:, other], (len(a), len(b)))
            )
        )
    rare = counts.sum(axis=0) * min(len(a), len(b)) / (len(a) + len(b)) < _RARE
    joined = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    joined = joined[:, joined.sum(axis=0) > 0]
    if joined.shape[1] > 1:
        from scipy.stats import chi2_contingency

        shares = joined / joined.sum(axis=1, keepdims=True)
        distance = float(np.abs(shares[0] - shares[1]).sum()) / 2
        found.append(Difference(name, "values", distance, float(chi2_contingency(joined)[1])))
    return found


def _missing(name: str, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> list[Difference]:
    if not a.any() and not b.any():
        return []
    p = _rates(np.array([a.sum(), b.sum()], dtype=np.float64), (len(a), len(b)))
    return [Difference(name, "missing", float(abs(a.mean() - b.mean())), p)]


def _rates(counts: NDArray[np.float64], of: tuple[int, int]) -> float:
    """How likely rates this different are if they are the same (Fisher)."""
    from scipy.stats import fisher_exact

    table = np.array([counts, np.array(of) - counts]).astype(np.int64)
    return float(fisher_exact(table)[1])


def _least(how: str) -> float:
    return {"values": _LEAST_DISTANCE, "missing": _LEAST_RATE, "unseen": _LEAST_UNSEEN}[how]


def _column_sign(name: str, found: list[Difference]) -> Sign:
    ways = {
        "values": "its values are distributed otherwise (distance {:.2f} of 1)",
        "missing": "the share of missing values differs by {:.1%}",
        "unseen": "{:.1%} more of its values are not told apart, most of them new",
    }
    largest = {one.how: one.size for one in reversed(found)}
    changes = "; ".join(ways[how].format(size) for how, size in largest.items())
    text = f"column {name!r} is not the same in the second file: {changes}. "
    text += "Find out why before trusting predictions there."
    severe = max(largest.values()) >= _FAR
    return Sign("shift", "severe" if severe else "worth a look", text, columns=(name,), figures=largest)


def _together(view: View, ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> list[Sign]:
    one = ours[thinned(np.arange(len(ours)), _MODEL_ROWS, view.seed, Stream.SHIFT_OUR_ROWS)]
    other = theirs[thinned(np.arange(len(theirs)), _MODEL_ROWS, view.seed, Stream.SHIFT_THEIR_ROWS)]
    X = np.concatenate([one, other])
    y = np.repeat([0, 1], [len(one), len(other)])
    fold = generator(view.seed, Stream.SHIFT_FOLDS).permutation(len(y)) % _FOLDS
    areas, errors = np.zeros(_FOLDS), np.zeros(_FOLDS)
    with one_thread():
        for k in range(_FOLDS):
            model = grown(X[fold != k], y[fold != k], classes=True)
            held = fold == k
            areas[k], errors[k] = _area_of(model, X[held], y[held])
        value = float(areas.mean())
        lower = value - _Z * float(np.sqrt(np.sum(errors**2))) / _FOLDS
        if not lower > _LEAST_AREA:
            return []
        fault = _fault(view, model, X[held], y[held], float(areas[-1]))
    text = (
        f"the second file's rows can be told from the table's with AUC {value:.2f} (0.5 were they alike; "
        f"at least {lower:.2f}), most of all by {listing(fault)}. What is measured on the table need not "
        "hold there."
    )
    severe = lower >= _FAR_AREA
    figures = {"auc": value, "auc_lower": lower}
    return [
        Sign("shift", "severe" if severe else "worth a look", text, columns=tuple(fault), figures=figures)
    ]


def _area_of(model: Any, X: NDArray[np.float32], y: NDArray[np.int64]) -> tuple[float, float]:
    chance = model.predict_proba(X)[:, 1]
    return area(chance, (y == 1).astype(np.float64), (y == 0).astype(np.float64))


def _fault(view: View, model: Any, X: NDArray[np.float32], y: NDArray[np.int64], whole: float) -> list[str]:
    """The columns whose shuffling costs the most AUC, those that cost a tenth of the worst at least."""
    mixed = generator(view.seed, Stream.SHIFT_SHUFFLE).permutation(len(X))
    cost: dict[str, float] = {}
    for index, name in enumerate(column_names(view.schema)):
        without = X.copy()
        without[:, index] = X[mixed, index]
        cost[name] = cost.get(name, 0.0) + whole - _area_of(model, without, y)[0]
    worst = sorted(cost, key=lambda name: -cost[name])[:_MOST_COLUMNS]
    return [name for name in worst if cost[name] >= 0.1 * cost[worst[0]]]
