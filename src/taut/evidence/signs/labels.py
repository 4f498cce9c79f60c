"""Rows whose target looks wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.noise import Noise, amount_noise, class_noise
from taut.evidence.signs.sign import Sign, row_list
from taut.evidence.signs.view import View

_LEAST_ROWS = 100
_LEAST_FLAGGED = 5
_EVIDENCE = 6.6  # of chi squared with one degree of freedom: one in 200, to one side
_FLOOR = (0.003, 0.005)  # classes, amounts: share of random targets that is always passed over
_FLOOR_BY_ERROR = (0.15, 0.15)  # ... and this much of the networks' own error
_MOST = 0.25  # a larger rate means a network that knows little, not wrong classes
_HOPELESS = 0.5  # of the variance left: wrong amounts do not stand out
_GROSS = 1e-3  # expected number of honest rows as far out
_SEVERE = 0.03


def labels(view: View, outputs: NDArray[np.floating]) -> list[Sign]:
    """Find targets that look drawn at random, and the rows that have them.

    A mixture is fitted to what networks predict for rows that they were not trained on (``noise``). There is
    a sign where the likelihood speaks for more random targets than a floor (one table in 200 by chance):
    0.3 % of the rows, or 15 % of the networks' error where that is more; for amounts 0.5 %, or 15 % of the
    variance that they leave, and none where this is more than half. The rows are those that are more likely
    random than not. Above 25 % there is no sign. Amounts so far
    out that 0.001 honest rows would be (by the Student t fitted to all rows) have a sign of their own.

    Confident learning (Northcutt, Jiang and Chuang, 2021, JAIR 70) counts rows whose class the networks
    exclude by thresholds. It finds as many of them in tables without wrong labels, where classes overlap.
    """
    scored = view.rows[~np.isnan(outputs[view.rows]).any(axis=1)]
    scored = scored[np.isfinite(outputs[scored]).all(axis=1)]
    if len(scored) < _LEAST_ROWS:
        return []
    given = outputs[scored].astype(np.float64)
    if view.n_classes:
        codes = view.codes[scored]
        error = float(np.mean(given.argmax(axis=1) != codes))
        chance = 1.0 - float(np.bincount(codes).max()) / len(codes)
        floor = max(_FLOOR[0], _FLOOR_BY_ERROR[0] * error)
        noise = class_noise(given, codes, floor, view.seed)
        return _classes(view, scored, noise, error) if error <= chance else []
    target = view.target[scored]
    variance = float(np.var(target))
    if variance <= 0:
        return []
    error = float(np.mean((given[:, 0] - target) ** 2)) / variance
    floor = max(_FLOOR[1], _FLOOR_BY_ERROR[1] * error)
    noise = amount_noise(given[:, 0], target, floor, view.seed)
    if error <= _HOPELESS and (found := _amounts(scored, noise)):
        return found
    return _gross(scored, noise)


def _classes(view: View, scored: NDArray[np.int64], noise: Noise, error: float) -> list[Sign]:
    flagged = np.flatnonzero(noise.posterior >= 0.5)
    if noise.evidence < _EVIDENCE or len(flagged) < _LEAST_FLAGGED:
        return []
    flagged = flagged[np.argsort(-noise.posterior[flagged], kind="stable")]
    rate = noise.rate * (1 - 1 / view.n_classes)  # a random class is sometimes the right one
    if rate > _MOST:
        return []
    return [_sign(scored[flagged], noise.posterior[flagged], rate, "classes", {"error": error})]


def _amounts(scored: NDArray[np.int64], noise: Noise) -> list[Sign]:
    flagged = np.flatnonzero(noise.posterior >= 0.5)
    if noise.evidence < _EVIDENCE or len(flagged) < _LEAST_FLAGGED or noise.rate > _MOST:
        return []
    flagged = flagged[np.argsort(-noise.posterior[flagged], kind="stable")]
    return [_sign(scored[flagged], noise.posterior[flagged], noise.rate, "targets", {})]


def _sign(
    rows: NDArray[np.int64], posterior: NDArray[np.float64], rate: float, word: str, more: dict[str, float]
) -> Sign:
    right = float((1 - posterior).sum())
    text = (
        f"about {rate:.1%} of the {word} look wrong. {len(rows):,} rows stand out, of which about "
        f"{right:.0f} may be right after all: {row_list(rows)}, the worst first. Look at these, and correct "
        "them or leave them out."
    )
    figures = {"rate": rate, "right_after_all": right, **more}
    return Sign("labels", "severe" if rate >= _SEVERE else "worth a look", text, rows=rows, figures=figures)


def _gross(scored: NDArray[np.int64], noise: Noise) -> list[Sign]:
    far = np.flatnonzero(noise.tail * len(scored) < _GROSS)
    if not len(far):
        return []
    far = far[np.argsort(noise.tail[far], kind="stable")]
    word = "target is" if len(far) == 1 else "targets are"
    text = (
        f"{len(far):,} {word} farther from the prediction than the other rows' errors can explain: "
        f"{row_list(scored[far])}, the worst first. Look for slips in them, such as a wrong unit."
    )
    return [Sign("labels", "worth a look", text, rows=scored[far], figures={"rate": len(far) / len(scored)})]
