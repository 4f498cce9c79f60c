"""The candidates of a search as scikit-learn's searches give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from taut.selection.score import CandidateScore
from taut.selection.space import SEARCHED


def cv_results(candidates: Sequence[CandidateScore]) -> dict[str, Any]:
    """The candidates as scikit-learn's searches give them.

    Returns
    -------
    dict of arrays, each of shape (n_candidates,)
        ``params`` (dicts with ``recipe``, ``learning_rate``, ``hidden``), the same as ``param_recipe``, ...,
        and ``param_l2``, ``param_dropout`` and so on, masked where a technique is off;
        ``split0_test_score``, ..., ``mean_test_score``, ``std_test_score``, ``rank_test_score``: what is
        chosen by, greater is better: the scorer's, else the negative loss; the same with ``train`` (negative
        loss, no rank); ``mean_test_loss``; ``mean_test_metric`` (accuracy or R squared); ``mean_fit_time``
        (seconds a fold), ``n_folds``, ``state``, ``epochs``, ``zero_share``, ``batch``, ``failed``.  Folds
        that were not trained are NaN; means are of those that were, and those with all folds rank first.
    """
    by = [c.scoring if c.scoring is not None else -c.validation_loss for c in candidates]
    if any(c.scoring is not None for c in candidates):  # the dropped ones have no scorer's score
        by = [np.full(len(c.score), np.nan) if c.scoring is None else c.scoring for c in candidates]
    test, train = np.array(by), -np.array([c.train_loss for c in candidates])
    results: dict[str, Any] = {
        "params": [
            {
                "recipe": c.recipe,
                "learning_rate": c.candidate.learning_rate,
                "hidden": c.candidate.architecture.widths,
            }
            for c in candidates
        ],
        "param_recipe": _objects([c.recipe for c in candidates]),
        "param_learning_rate": np.ma.MaskedArray([c.candidate.learning_rate for c in candidates], mask=False),
        "param_hidden": _objects([c.candidate.architecture.widths for c in candidates]),
    }
    for kind in SEARCHED:
        found = [c.recipe.get(kind) for c in candidates]
        strengths = [0.0 if one is None else one.strength for one in found]
        results[f"param_{kind.name}"] = np.ma.MaskedArray(strengths, mask=[one is None for one in found])
    n_folds = np.array([int(c.folds.sum()) for c in candidates])
    results["mean_fit_time"] = np.array([c.seconds for c in candidates]) / np.maximum(1, n_folds)
    for name, values in (("test", test), ("train", train)):
        for k in range(values.shape[1]):
            results[f"split{k}_{name}_score"] = values[:, k]
        known = np.isfinite(values)
        n = np.maximum(1, known.sum(axis=1))
        mean = np.where(known.any(axis=1), np.where(known, values, 0.0).sum(axis=1) / n, np.nan)
        spread = np.where(known, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / n
        results[f"mean_{name}_score"] = mean
        results[f"std_{name}_score"] = np.where(known.any(axis=1), np.sqrt(spread), np.nan)
    results["rank_test_score"] = _ranks(candidates)
    results["mean_test_loss"] = np.array([c.loss for c in candidates])
    results["mean_test_metric"] = np.array([_mean(c.score) for c in candidates])
    results["n_folds"] = n_folds
    results["state"] = np.array([c.state for c in candidates])
    results["epochs"] = np.array([c.epoch for c in candidates])
    results["zero_share"] = np.array([c.zero_share for c in candidates])
    results["batch"] = np.array([c.batch for c in candidates])
    results["failed"] = np.array([c.failed for c in candidates])
    return results


def _ranks(candidates: Sequence[CandidateScore]) -> NDArray[np.int32]:
    """Those with all folds first, then those that were cut off, by merit; then the others, by their loss."""
    state = np.array([c.state for c in candidates])
    choosable = (state == "complete", state == "cut off")
    merit = np.array([-c.loss if c.state == "dropped" else c.merit for c in candidates])
    ranks = np.empty(len(candidates), dtype=np.int32)
    before = 0
    for group in (*choosable, ~(choosable[0] | choosable[1])):
        if group.any():
            ranks[group] = before + rankdata(
                -np.where(np.isfinite(merit), merit, -np.inf)[group], method="min"
            )
            before += int(group.sum())
    return ranks


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _objects(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return np.ma.MaskedArray(array, mask=False)
