"""The candidates and the networks' curves, as plain values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.report.schema import CandidateFacts, CurveFacts, CurveName, FoldFacts, SearchFacts
from taut.report.summarize import CHOSEN, EARLY_STOPPING, NO_REGULARIZATION, scorer_name
from taut.selection.score import CandidateScore

_LABELS: dict[CurveName, str] = {
    "none": NO_REGULARIZATION,
    "early_stopping": EARLY_STOPPING,
    "chosen": CHOSEN,
}


def curves_of(estimator: Any) -> list[CurveFacts]:
    """No regularization, early stopping alone, the chosen recipe; or the one network's."""
    history = estimator.history_
    if not isinstance(estimator, (TautClassifierCV, TautRegressorCV)):
        label = estimator.recipe_.describe()
        return [
            {"name": "single", "label": label, "stop": int(estimator.best_epoch_), "folds": [_fold(history)]}
        ]
    scores: dict[str, CandidateScore | None] = {**estimator.baseline_, "chosen": estimator.best_}
    curves: list[CurveFacts] = []
    for name, label in _LABELS.items():
        score, folds = scores.get(name), history.get(name)
        if folds:
            stop = None if score is None or not score.epoch else score.epoch
            curves.append({"name": name, "label": label, "stop": stop, "folds": [_fold(f) for f in folds]})
    return curves


def _fold(history: Any) -> FoldFacts:
    return {
        "train_loss": history["train_loss"].tolist(),
        "validation_loss": history["validation_loss"].tolist(),
    }


def search_of(estimator: Any) -> SearchFacts:
    """Give every candidate."""
    candidates = estimator.candidates_
    return {
        "candidates": [_candidate(one) for one in candidates],
        "chosen": int(estimator.best_index_),
        "n_dropped": sum(c.state == "dropped" for c in candidates),
        "n_failed": sum(not math.isfinite(c.loss) for c in candidates),
        "selection": estimator.selection,
        "scoring": None
        if estimator.best_.scoring is None
        else scorer_name(estimator.scoring, getattr(estimator, "estimate_", None)),
        "interrupted": bool(estimator.interrupted_),
    }


def _candidate(score: CandidateScore) -> CandidateFacts:
    def mean(values: Any) -> float:
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else math.nan

    return {
        "label": score.recipe.describe(),
        "strengths": {technique.name: technique.strength for technique in score.recipe.active},
        "learning_rate": score.candidate.learning_rate,
        "hidden": list(score.candidate.architecture.widths),
        "batch": score.batch,
        "state": score.state,
        "failed": score.failed,
        "loss": score.loss,
        "standard_error": score.loss_se,
        "train_loss": mean(score.train_loss),
        "metric": mean(score.score),
        "epoch": score.epoch,
        "n_folds": int(score.folds.sum()),
        "seconds": score.seconds,
    }
