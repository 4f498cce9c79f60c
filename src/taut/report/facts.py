"""The facts of a fitted model, computed once: text, figures, page and JSON render these."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import platform
import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from taut import __version__
from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.estimators.base import TautEstimator
from taut.examine import Diagnosis, Effects
from taut.recipe import Recipe
from taut.report.schema import (
    SCHEMA,
    CandidateFacts,
    ColumnFacts,
    ComparisonFacts,
    CurveFacts,
    CurveName,
    DataFacts,
    Facts,
    FoldFacts,
    LineFacts,
    MadeFacts,
    RecipeFacts,
    SearchFacts,
    SourceFacts,
)
from taut.report.summarize import CHOSEN, EARLY_STOPPING, NO_REGULARIZATION, Line, summarize
from taut.report.text import in_words
from taut.selection.score import CandidateScore
from taut.table.schema import ColumnSchema

NO_SOURCE: SourceFacts = {"file": None, "target": None, "folder": None, "command": None}
_LABELS: dict[CurveName, str] = {
    "none": NO_REGULARIZATION,
    "early_stopping": EARLY_STOPPING,
    "chosen": CHOSEN,
}


def facts_of(
    estimator: TautEstimator,
    *,
    source: SourceFacts | None = None,
    effects: Effects | None = None,
    diagnosis: Diagnosis | None = None,
    earlier: Facts | None = None,
) -> Facts:
    """Compute the facts of a fitted or loaded estimator.

    Parameters
    ----------
    estimator : TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV
    source : SourceFacts, optional
        Names of the table, its target and the model's folder, and the command; None for each unknown one.
    effects : Effects, optional
        What :func:`taut.effects` said of its recipe.
    diagnosis : Diagnosis, optional
        What :func:`taut.diagnose` said of the table.
    earlier : Facts, optional
        Facts of the same model, such as were saved beside it: what is not given and what a saved model does
        not know (the number of rows, the versions that trained it) are taken from there. Facts of other
        networks, or of another schema, are left alone.

    Returns
    -------
    Facts
        Plain values for ``json``, None where a number is not finite.

    Raises
    ------
    NotFittedError
        scikit-learn's, where the estimator is not fitted.
    """
    check_is_fitted(estimator, "model_")
    searched = isinstance(estimator, (TautClassifierCV, TautRegressorCV))
    classes = estimator.model_.target.classes is not None
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "task": "classification" if classes else "regression",
        "loss": "cross-entropy" if classes else "squared error",
        "metric": "accuracy" if classes else "R²",
        "fingerprint": _fingerprint(estimator),
        "source": source or NO_SOURCE,
        "comparison": _comparison(estimator) if searched else None,
        "curves": _curves(estimator),
        "search": _search(estimator) if searched else None,
        "effects": None if effects is None else effects.to_dict(),
        "effects_words": [] if effects is None else _effects_words(effects),
        "diagnosis": None if diagnosis is None else diagnosis.to_dict(),
        "data": _data(estimator),
        "recipe": _recipe(estimator),
        "made": _made(estimator),
    }
    facts = cast(Facts, _plain(found))
    return facts if earlier is None else _completed(facts, earlier)


def to_text(facts: Facts) -> str:
    """Give the facts as JSON; a name that holds half a character is written as an escape."""
    return json.dumps(facts, allow_nan=False) + "\n"


def from_text(text: str) -> Facts | None:
    """Read what ``to_text`` gave; None where it is of another schema or no facts."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return cast(Facts, found) if isinstance(found, dict) and found.get("schema") == SCHEMA else None


def _completed(facts: Facts, earlier: Facts) -> Facts:
    if earlier.get("schema") != SCHEMA or earlier.get("fingerprint") != facts["fingerprint"]:
        return facts
    done = cast(Facts, dict(facts))
    if facts["source"] == NO_SOURCE:
        done["source"] = earlier["source"]
    if facts["effects"] is None:
        done["effects"], done["effects_words"] = earlier["effects"], earlier["effects_words"]
    if facts["diagnosis"] is None:
        done["diagnosis"] = earlier["diagnosis"]
    if facts["data"]["n_rows"] is None:
        done["data"] = {**facts["data"], "n_rows": earlier["data"]["n_rows"]}
    done["made"] = {**facts["made"], "versions": earlier["made"]["versions"]}
    return done


def _fingerprint(estimator: TautEstimator) -> str:
    """SHA-256 of the networks' numbers."""
    digest = hashlib.sha256()
    for network in estimator.model_.networks:
        for name in sorted(network.weights):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(network.weights[name], dtype=np.float32).tobytes())
    return digest.hexdigest()


# --- what was found -----------------------------------------------------------------------------------------


def _comparison(estimator: Any) -> ComparisonFacts:
    summary = summarize(estimator)
    return {
        # What to expect is told from the estimate itself.
        "sentences": in_words(replace(summary, estimate=None)),
        "lines": [_line(line) for line in summary.lines],
        "changes": [
            {
                "against": change.against,
                "share": change.share,
                "difference": change.difference,
                "standard_error": change.standard_error,
                "within_chance": change.within_chance,
            }
            for change in summary.changes
        ],
        "chosen_is": summary.chosen_is,
        "has_lowest_loss": summary.has_lowest_loss,
        "estimate": None if summary.estimate is None else cast(Any, summary.estimate.to_dict()),
    }


def _line(line: Line) -> LineFacts:
    found = {name: getattr(line, name) for name in LineFacts.__annotations__ if name != "recipe"}
    return cast(LineFacts, {**found, "recipe": None if line.recipe is None else line.recipe.to_json()})


def _curves(estimator: Any) -> list[CurveFacts]:
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


def _search(estimator: Any) -> SearchFacts:
    candidates = estimator.candidates_
    return {
        "candidates": [_candidate(one) for one in candidates],
        "chosen": int(estimator.best_index_),
        "n_dropped": sum(c.state == "dropped" for c in candidates),
        "n_failed": sum(not math.isfinite(c.loss) for c in candidates),
        "selection": estimator.selection,
        "scoring": None if estimator.best_.scoring is None else _name_of(estimator.scoring),
        "interrupted": bool(estimator.interrupted_),
    }


def _name_of(scoring: object) -> str:
    return scoring if isinstance(scoring, str) else "the scorer"


def _candidate(score: CandidateScore) -> CandidateFacts:
    def mean(values: Any) -> float:
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else math.nan

    return {
        "label": score.recipe.describe(),
        "strengths": {technique.name: technique.strength for technique in score.recipe.active},
        "learning_rate": score.candidate.learning_rate,
        "hidden": list(score.candidate.hidden),
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


def _effects_words(effects: Effects) -> list[str]:
    from taut.examine.effects_text import in_words as of_effects

    return of_effects(effects)


# --- what it was done with ----------------------------------------------------------------------------------


def _data(estimator: Any) -> DataFacts:
    model = estimator.model_
    rows = getattr(estimator, "row_losses_", None)
    n_rows = getattr(estimator, "n_rows_", None if rows is None else rows.shape[1])
    classes = model.target.classes
    return {
        "n_rows": n_rows,
        "n_identical": getattr(estimator, "n_identical_rows_", None),
        "n_features": len(model.networks[0].encoder.names),
        "columns": [_column(column) for column in model.schema.columns],
        "classes": None if classes is None else [str(one) for one in classes.tolist()],
        "notes": [str(note) for note in getattr(estimator, "notes_", ())],
    }


def _column(column: ColumnSchema) -> ColumnFacts:
    return {
        "name": column.name,
        "kind": column.kind,
        "why": column.why,
        "parts": [part.what for part in column.parts],
        "n_levels": len(column.levels),
        "decimal": None if column.text is None else column.text.decimal,
        "day_first": column.day_first,
    }


def _recipe(estimator: Any) -> RecipeFacts:
    recipe: Recipe = estimator.recipe_
    networks = estimator.model_.networks
    network, normalize = networks[0].network, networks[0].normalize
    weight = getattr(estimator, "class_weight", None)
    return {
        "techniques": recipe.to_json(),
        "label": recipe.describe(),
        "code": repr(recipe),
        "hidden": list(network.hidden),
        "activation": network.activation,
        "learning_rate": float(estimator.learning_rate_),
        "batch_size": int(estimator.batch_size_),
        "max_epochs": int(estimator.max_epochs),
        "best_epoch": getattr(estimator, "best_epoch_", None),
        "n_networks": len(networks),
        "n_inputs": network.n_inputs,
        "n_outputs": network.n_outputs,
        "n_parameters": network.n_parameters(batch_norm=normalize),
        "zero_share": float(np.mean([one.zero_share for one in networks])),
        "class_weight": None if weight is None else repr(weight),
    }


def _made(estimator: Any) -> MadeFacts:
    candidates = getattr(estimator, "candidates_", None)
    seed = estimator.random_state
    return {
        "estimator": type(estimator).__name__,
        "call": _call(estimator),
        "seed": None if seed is None else _code(seed),
        "repeats": isinstance(seed, (int, np.integer))
        and getattr(estimator, "time_limit", None) is None
        and not estimator.interrupted_,
        "n_folds": getattr(estimator, "n_splits_", None),
        "n_repeats": 1 if candidates is None else estimator.best_.n_repeats,
        "n_candidates": None if candidates is None else len(candidates),
        "seconds": getattr(estimator, "search_seconds_", None),
        "interrupted": bool(estimator.interrupted_),
        "versions": _versions(),
    }


def _call(estimator: TautEstimator) -> str:
    """The estimator as Python, with the parameters that are not as they usually are."""
    usual = inspect.signature(type(estimator)).parameters
    silent = {"n_jobs", "verbose", "on_candidate", "on_batch"}
    given = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in silent and _code(value) != _code(usual[name].default)
    }
    order = [name for name in usual if name in given]
    return f"{type(estimator).__name__}({', '.join(f'{name}={_code(given[name])}' for name in order)})"


def _code(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("numpy", "scipy", "numba", "scikit-learn")
    own = {"taut": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in names} | {"machine": platform.machine()}


def _plain(value: Any) -> Any:
    """Only what JSON holds; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
