"""Columns, or their missing values, that alone give the target away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.copies import copy_of, is_noisy_copy
from taut.evidence.signs.identifiers import column_power
from taut.evidence.signs.power import Power, area, class_power, r_squared
from taut.evidence.signs.screen import is_missing, missing_screened, screened
from taut.evidence.signs.sign import Sign
from taut.evidence.signs.trees import grown, one_thread
from taut.evidence.signs.view import View, thinned
from taut.streams import Stream, generator

# Each for classes (AUC) and amounts (R squared).
_CLOSE = (0.93, 0.90)  # alone this well is suspicious
_NEARLY_PERFECT = (0.98, 0.95)
_WORSE = 4.0  # times the error of the column alone: what others make of the target
_LEAST_MISSING = 8
# Rows with a value, the share of them that is of one class, and the share of all rows that is, at most.
_LEAST_FILLED, _ALL, _COMMON = 30, 0.98, 0.7
_MODEL_ROWS = 4000
_MOST_PEERS = 2  # named
_OTHERS_TELL = (0.55, 0.05)
# Columns times classes that are measured one by one; of more, this many columns that look best.
_MOST_JUDGED, _BEST_JUDGED = 300, 30
_LOOKS_CLOSE = 0.85


@final
@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the matrix, and what it achieves alone; or what the target tells about its gaps."""

    index: int
    name: str
    power: Power
    copied: str = ""


def leaks(view: View) -> list[Sign]:
    """Find columns that repeat the target, or predict it alone where no other comes near.

    A column that is one-to-one with the target, in its order, or a copy of it in nearly all rows
    (:mod:`taut.evidence.signs.copies`) is a severe sign whatever the others do.

    Another column is a suspect where the lower bound (one-sided, 95 %) of what it achieves alone is an AUC of
    0.93 or an R squared of 0.90. There is a sign where the error (1 - AUC, or 1 - R squared) of the best
    column that is no suspect is at least four times its own, and that of boosted trees on all that are no
    suspects is at least its own. It is severe if the trees' error is four times its own too, and either the
    column has each class far from the others, or the bound is 0.98 (0.95) and the trees have learned of the
    target (an AUC of 0.55, an R squared of 0.05): where all other columns are noise, one that tells is
    nothing odd.

    A column is filled for only one class where 98 % of its values, and 30 at least, are in rows of one class
    that has at most 70 % of all rows. A column's missing values give the target away where the target tells
    them with a lower bound of 0.93, and the error is at most a quarter of any other column's; severe but for
    three classes or more, of which it can tell at most two apart.

    A strong column is accepted where another comes near or the others make up for it, and so is a leak of a
    single class among several. A table of one column has nothing to compare it with. Of very many columns,
    the thirty that look best are measured.
    """
    if len(set(view.names)) < 2:
        return []
    task = 0 if view.n_classes else 1
    signs = _filled_for_one_class(view)
    accused = {name for sign in signs for name in sign.columns}
    signs += [sign for sign in _missing(view) if not accused & set(sign.columns)]
    accused |= {name for sign in signs for name in sign.columns}
    columns = [_measured(view, index) for index in _indices(view)]
    copies = {one.name: one.copied for one in columns if one.copied and one.name not in accused}
    signs += [_copy_sign(name, how) for name, how in copies.items()]
    accused |= set(copies)
    suspects = [column for column in columns if column.power.lower >= _CLOSE[task]]
    suspected = {column.name for column in suspects} | accused  # all parts of a date
    free = [column for column in columns if column.name not in suspected]
    next_best = max((column.power.value for column in free), default=0.0 if task else 0.5)
    together = None
    for suspect in sorted(suspects, key=lambda one: -one.power.value):
        if suspect.name in accused or _times(next_best, suspect.power) < _WORSE:
            continue
        accused.add(suspect.name)
        if together is None:
            together = power_together(view, [column.index for column in free])
        if _times(together, suspect.power) >= 1.0:
            peers = [one.name for one in suspects if _times(one.power.value, suspect.power) < _WORSE]
            signs.append(_sign(view, suspect, together, next_best, peers))
    return signs


def _indices(view: View) -> list[int]:
    """The columns of the matrix that are measured one by one."""
    n = len(view.names)
    if n * max(1, view.n_classes) <= _MOST_JUDGED:
        return list(range(n))
    best = np.argsort(-screened(view), kind="stable")[:_BEST_JUDGED]
    return sorted(best.tolist())


def _measured(view: View, index: int) -> _Column:
    column, code = view.matrix.values[view.sample, index], view.level_count(index) > 0
    if code:  # the last code is that of a missing value
        column = np.where(column == view.level_count(index) - 1, np.nan, column)
    copied = copy_of(column, view.target[view.sample], view.n_classes, code=code)
    return _Column(index, view.names[index], column_power(view, index), copied)


def power_together(view: View, indices: list[int]) -> float:
    """Measure what columns of the matrix achieve together: AUC or R squared of boosted trees, crosswise.

    At most 4,000 rows; without columns 0.5 or 0.
    """
    if not indices:
        return 0.5 if view.n_classes else 0.0
    rows = thinned(view.sample, _MODEL_ROWS, view.seed, Stream.LEAK_ROWS)
    X, y = view.matrix.values[rows][:, indices], view.target[rows]
    mixed = generator(view.seed, Stream.LEAK_HALVES).permutation(len(rows))
    found = []
    with one_thread():
        for fit, held in ((mixed[::2], mixed[1::2]), (mixed[1::2], mixed[::2])):
            if len(np.unique(y[fit])) < 2:
                continue
            model = grown(X[fit], y[fit], classes=view.n_classes > 0)
            if view.n_classes:
                found.append(_mean_area(model.predict_proba(X[held]), model.classes_, y[held]))
            else:
                found.append(r_squared(y[held], model.predict(X[held]))[0])
    return float(np.mean(found)) if found else 0.0


def _times(other: float, power: Power) -> float:
    """How many times larger the other's error is."""
    return (1 - other) / max(1 - power.value, 1e-9)


def _filled_for_one_class(view: View) -> list[Sign]:
    """Find columns that have values only in rows of one class, which is not the class of most rows."""
    if not view.n_classes:
        return []
    codes = view.codes[view.sample]
    share = np.bincount(codes, minlength=view.n_classes) / len(codes)
    signs: dict[str, Sign] = {}
    for index in np.flatnonzero(missing_screened(view) > 0):
        filled = codes[is_missing(view, view.sample, int(index)) == 0]
        if len(filled) < _LEAST_FILLED:
            continue
        count = np.bincount(filled, minlength=view.n_classes)
        most = int(count.argmax())
        if count[most] >= _ALL * len(filled) and share[most] <= _COMMON:
            name = view.names[index]
            text = (
                f"column {name!r} may give the target away: nearly all rows with a value in it are of "
                "one class. It may be filled in after the target is known; leave it out if so."
            )
            figures = {"share": float(count[most] / len(filled))}
            signs[name] = Sign("leak", "severe", text, columns=(name,), figures=figures)
    return list(signs.values())


def _missing(view: View) -> list[Sign]:
    """Find columns whose missing values the target tells, and no other column does."""
    flags = {}
    suspects: list[_Column] = []
    looks = missing_screened(view)
    close = [i for i in np.argsort(-looks, kind="stable")[:_BEST_JUDGED] if looks[i] >= _LOOKS_CLOSE]
    for index in sorted(close):
        name = view.names[index]
        flag = is_missing(view, view.sample, index).astype(np.int64)
        if name in flags or min(flag.sum(), (1 - flag).sum()) < _LEAST_MISSING:
            continue
        flags[name] = flag
        power = class_power(view.target[view.sample], view.n_classes, flag, 2, view.seed)
        if power.lower >= _CLOSE[0]:
            suspects.append(_Column(index, name, power))
    names = {suspect.name for suspect in suspects}
    signs = []
    for suspect in suspects:
        others = (
            class_power(
                view.matrix.values[view.sample, index],
                view.level_count(index),
                flags[suspect.name],
                2,
                view.seed,
            ).value
            for index in _indices(view)
            if (name := view.names[index]) not in names
        )
        next_best = max(others, default=0.5)
        if _times(next_best, suspect.power) >= _WORSE:
            signs.append(_missing_sign(suspect, next_best, severe=view.n_classes <= 2))
    return signs


def _mean_area(chance: NDArray[np.float64], classes: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Mean area of the classes, weighted by their rows."""
    positives = [(y == c).astype(np.float64) for c in classes]
    areas = np.array(
        [area(p, positive, 1 - positive)[0] for p, positive in zip(chance.T, positives, strict=True)]
    )
    weights = np.array([positive.sum() for positive in positives])
    known = np.isfinite(areas)
    return float(np.average(areas[known], weights=weights[known])) if known.any() else 0.5


def _short(value: float) -> str:
    """Rounded down to two digits, so that a part of the rows says the same."""
    return f"{np.floor(100 * value) / 100:.2f}"


def _copy_sign(name: str, how: str) -> Sign:
    text = f"column {name!r} gives the target away: {how}. Leave it out if it is not known beforehand."
    return Sign("leak", "severe", text, columns=(name,))


def _only(name: str, peers: list[str]) -> str:
    """The other suspects that come near."""
    others = list(dict.fromkeys(repr(one) for one in peers if one != name))
    if not others:
        return "no other comes near"
    if len(others) > _MOST_PEERS:
        return f"only {len(others)} others come near"
    return f"only {' and '.join(others)} {'comes' if len(others) == 1 else 'come'} near"


def _sign(view: View, suspect: _Column, together: float, next_best: float, peers: list[str]) -> Sign:
    task = 0 if view.n_classes else 1
    measure, short = (("AUC", "auc"), ("R squared", "r2"))[task]
    text = (
        f"column {suspect.name!r} may give the target away: alone it predicts it with {measure} "
        f"{_short(suspect.power.value)}, and {_only(suspect.name, peers)}. It may be made from the target, "
        "or filled in after it; leave it out if it is not known beforehand."
    )
    apart = (
        task == 0
        and not view.level_count(suspect.index)
        and is_noisy_copy(view.matrix.values[view.sample, suspect.index], view.codes[view.sample])
    )
    nearly_perfect = suspect.power.lower >= _NEARLY_PERFECT[task] and together >= _OTHERS_TELL[task]
    severe = _times(together, suspect.power) >= _WORSE and (nearly_perfect or apart)
    figures = {
        short: suspect.power.value,
        f"{short}_lower": suspect.power.lower,
        f"{short}_next": next_best,
        f"{short}_others": together,
    }
    return Sign(
        "leak", "severe" if severe else "worth a look", text, columns=(suspect.name,), figures=figures
    )


def _missing_sign(suspect: _Column, next_best: float, *, severe: bool) -> Sign:
    text = (
        f"column {suspect.name!r} may give the target away: whether it is missing goes with the target (AUC "
        f"{_short(suspect.power.value)}), and with no other column as closely. It may be filled in after the "
        "target is known; leave it out if so."
    )
    figures = {
        "auc": suspect.power.value,
        "auc_lower": suspect.power.lower,
        "auc_next": next_best,
    }
    return Sign(
        "leak", "severe" if severe else "worth a look", text, columns=(suspect.name,), figures=figures
    )
