"""Columns, or their missing values, that alone give the target away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.identifiers import column_power
from taut.evidence.signs.power import Power, area, class_power, r_squared
from taut.evidence.signs.sign import Sign
from taut.evidence.signs.trees import grown, one_thread
from taut.evidence.signs.view import View, thinned

# Each for classes (AUC) and amounts (R squared).
_CLOSE = (0.93, 0.90)  # so well alone is asked about
_NEARLY_PERFECT = (0.98, 0.95)
_WORSE = 4.0  # times the error of the column alone: what others make of the target
_LEAST_MISSING = 8
_MODEL_ROWS = 4000


@final
@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the matrix, and what it achieves alone; or what the target tells of its being missing."""

    place: int
    name: str
    power: Power


def leaks(view: View) -> list[Sign]:
    """Find columns that alone predict the target almost perfectly, where no other comes near.

    A column is a suspect where the lower bound (one-sided, 95 %) of what it achieves alone is an AUC of 0.93
    or an R squared of 0.90. There is a sign where the error (1 - AUC, or 1 - R squared) of the best column
    that is no suspect is at least four times its own, and that of boosted trees on all that are no suspects
    is at least its own. It is severe from a bound of 0.98 and 0.95, if the trees' error is four times its own
    too.

    That a column is missing gives the target away where the target tells it with a lower bound of 0.93, and
    the error is at most a quarter of any other column's.

    A strong column is let pass where another comes near or the others make up for it, and so is a leak of a
    single class among several.
    """
    task = 0 if view.n_classes else 1
    columns = [_Column(i, name, column_power(view, i)) for i, name in enumerate(view.names)]
    suspects = [column for column in columns if column.power.lower >= _CLOSE[task]]
    accused = {column.name for column in suspects}  # all parts of a date
    free = [column for column in columns if column.name not in accused]
    next_best = max((column.power.value for column in free), default=0.0 if task else 0.5)
    signs = _missing(view)
    accused -= {name for sign in signs for name in sign.columns}
    together = None
    for suspect in sorted(suspects, key=lambda one: -one.power.value):
        if suspect.name not in accused or _times(next_best, suspect.power) < _WORSE:
            continue
        accused.discard(suspect.name)
        if together is None:
            together = power_together(view, [column.place for column in free])
        if _times(together, suspect.power) >= 1.0:
            signs.append(_sign(suspect, together, next_best, task))
    return signs


def power_together(view: View, places: list[int]) -> float:
    """Judge what columns of the matrix achieve together: AUC or R squared of boosted trees, crosswise.

    At most 4,000 rows; without columns 0.5 or 0.
    """
    if not places:
        return 0.5 if view.n_classes else 0.0
    rows = thinned(view.sample, _MODEL_ROWS, view.seed)
    X, y = view.matrix.values[rows][:, places], view.target[rows]
    mixed = np.random.default_rng(view.seed).permutation(len(rows))
    found = []
    with one_thread():
        for fit, judge in ((mixed[::2], mixed[1::2]), (mixed[1::2], mixed[::2])):
            if len(np.unique(y[fit])) < 2:
                continue
            model = grown(X[fit], y[fit], classes=view.n_classes > 0)
            if view.n_classes:
                found.append(_mean_area(model.predict_proba(X[judge]), model.classes_, y[judge]))
            else:
                found.append(r_squared(y[judge], model.predict(X[judge]))[0])
    return float(np.mean(found)) if found else 0.0


def _times(other: float, power: Power) -> float:
    """How many times larger the other's error is."""
    return (1 - other) / max(1 - power.value, 1e-9)


def _missing(view: View) -> list[Sign]:
    """Find columns whose being missing the target tells, and no other column."""
    flags = {}
    suspects: list[_Column] = []
    for place, name in enumerate(view.names):
        column = view.matrix.values[view.sample, place]
        n_levels = view.level_count(place)
        flag = (column == n_levels - 1 if n_levels else np.isnan(column)).astype(np.int64)
        if name in flags or min(flag.sum(), (1 - flag).sum()) < _LEAST_MISSING:
            continue
        flags[name] = flag
        power = class_power(view.target[view.sample], view.n_classes, flag, 2, view.seed)
        if power.lower >= _CLOSE[0]:
            suspects.append(_Column(place, name, power))
    names = {suspect.name for suspect in suspects}
    signs = []
    for suspect in suspects:
        others = (
            class_power(
                view.matrix.values[view.sample, place],
                view.level_count(place),
                flags[suspect.name],
                2,
                view.seed,
            ).value
            for place, name in enumerate(view.names)
            if name not in names
        )
        next_best = max(others, default=0.5)
        if _times(next_best, suspect.power) >= _WORSE:
            signs.append(_missing_sign(suspect, next_best))
    return signs


def _mean_area(chance: NDArray[np.float64], classes: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Mean area of the classes, weighted by their rows."""
    hits = [(y == c).astype(np.float64) for c in classes]
    areas = np.array([area(p, hit, 1 - hit)[0] for p, hit in zip(chance.T, hits, strict=True)])
    weights = np.array([hit.sum() for hit in hits])
    known = np.isfinite(areas)
    return float(np.average(areas[known], weights=weights[known])) if known.any() else 0.5


def _sign(suspect: _Column, together: float, next_best: float, task: int) -> Sign:
    measure, short = (("AUC", "auc"), ("R squared", "r2"))[task]
    text = (
        f"column {suspect.name!r} alone predicts the target with {measure} {suspect.power.value:.3f}, and "
        f"the next best column with {next_best:.3f} (all others together: {together:.3f}): it may be made "
        "from the target, or filled in after it. Leave it out if it is not known beforehand."
    )
    severe = suspect.power.lower >= _NEARLY_PERFECT[task] and _times(together, suspect.power) >= _WORSE
    figures = {
        short: suspect.power.value,
        f"{short}_lower": suspect.power.lower,
        f"{short}_next": next_best,
        f"{short}_others": together,
    }
    return Sign(
        "leak", "severe" if severe else "worth a look", text, columns=(suspect.name,), figures=figures
    )


def _missing_sign(suspect: _Column, next_best: float) -> Sign:
    text = (
        f"whether column {suspect.name!r} is missing goes with the target (AUC {suspect.power.value:.3f}), "
        f"and with no other column as closely ({next_best:.3f} at most): it may be filled in after the "
        "target is known. Leave it out if so."
    )
    severe = suspect.power.lower >= _NEARLY_PERFECT[0]
    figures = {
        "auc": suspect.power.value,
        "auc_lower": suspect.power.lower,
        "auc_next": next_best,
    }
    return Sign(
        "leak", "severe" if severe else "worth a look", text, columns=(suspect.name,), figures=figures
    )
