"""The facts of a fitted model, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sklearn.utils.validation import check_is_fitted

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.estimators.base import TautEstimator
from taut.examine import Diagnosis, Effects
from taut.learning.objective import loss_name
from taut.paths import RegularizationPath
from taut.report.facts.comparison import comparison_of
from taut.report.facts.data import data_of
from taut.report.facts.explorer import column_path_of, columns_with_earlier, explorer_of, with_earlier
from taut.report.facts.importance import importance_of
from taut.report.facts.made import made_of, recipe_of
from taut.report.facts.search import curves_of, search_of
from taut.report.facts.written import from_text
from taut.report.schema import SCHEMA, Facts, SourceFacts
from taut.store import REPORT, fingerprint
from taut.store.describe import plain

NO_SOURCE: SourceFacts = {"file": None, "target": None, "folder": None, "command": None, "reading": None}


def facts_of(
    estimator: TautEstimator,
    *,
    source: SourceFacts | None = None,
    effects: Effects | None = None,
    diagnosis: Diagnosis | None = None,
    paths: Sequence[RegularizationPath] = (),
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
    paths : sequence of RegularizationPath
        Of the same table, to be looked at strength by strength.
    earlier : Facts, optional
        Facts of the same model: what is not given and what a saved model does not know (the table's name, the
        versions that trained it, what was asked for with ``explore``) are taken from there. Facts of other
        networks, or of another schema, are left alone. Without them, those that were saved with the model
        that the estimator was loaded from.

    Returns
    -------
    Facts
        Plain values for ``json``, None where a number is not finite.

    Raises
    ------
    NotFittedError
        scikit-learn's, where the estimator is not fitted.

    Warns
    -----
    DataWarning
        Where facts that were saved with the model cannot be used.
    """
    check_is_fitted(estimator, "model_")
    if earlier is None and estimator._saved_report is not None:
        earlier = from_text(estimator._saved_report, f"{REPORT} of the model")
    searched = isinstance(estimator, (TautClassifierCV, TautRegressorCV))
    classes = estimator.model_.target.classes is not None
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "task": "classification" if classes else "regression",
        "loss": loss_name(
            "classification" if classes else "regression", getattr(estimator, "class_weighted_", False)
        ),
        "metric": "accuracy" if classes else "R²",
        "fingerprint": fingerprint(network.weights for network in estimator.model_.networks),
        "source": source or NO_SOURCE,
        "comparison": comparison_of(estimator) if searched else None,
        "curves": curves_of(estimator),
        "search": search_of(estimator) if searched else None,
        "effects": None if effects is None else effects.to_dict(),
        "effects_words": [] if effects is None else _effects_words(effects),
        "diagnosis": None if diagnosis is None else diagnosis.to_dict(),
        "explorer": explorer_of(estimator, paths),
        "importance": importance_of(estimator),
        "signs": signs_of(estimator),
        "column_path": column_path_of(paths),
        "data": data_of(estimator),
        "recipe": recipe_of(estimator),
        "made": made_of(estimator),
    }
    facts = cast(Facts, plain(found))
    if estimator._told is not None:
        facts = _added(facts, estimator._told)
    return facts if earlier is None else _completed(facts, earlier)


def _added(facts: Facts, before: Facts) -> Facts:
    """What somebody said or asked for before, of the same networks, and not now."""
    if before.get("schema") != SCHEMA or before.get("fingerprint") != facts["fingerprint"]:
        return facts
    done = cast(Facts, dict(facts))
    if facts["source"] == NO_SOURCE:
        done["source"] = before["source"]
    if facts["effects"] is None:
        done["effects"], done["effects_words"] = before["effects"], before["effects_words"]
    if facts["diagnosis"] is None:
        done["diagnosis"] = before["diagnosis"]
    done["explorer"] = with_earlier(facts["explorer"], before["explorer"])
    done["column_path"] = columns_with_earlier(facts, before)
    return done


def _completed(facts: Facts, earlier: Facts) -> Facts:
    """And what the estimator knew when it was fitted, and a saved model does not."""
    done = _added(facts, earlier)
    if done is facts:
        return facts
    if facts["importance"] is None:
        done["importance"] = earlier["importance"]
    if facts["signs"] is None:
        done["signs"] = earlier["signs"]
    if facts["data"]["n_rows"] is None:
        done["data"] = {**facts["data"], "n_rows": earlier["data"]["n_rows"]}
    made = earlier["made"]
    # Parameters without a JSON form, and the versions that trained.
    done["made"] = {
        **facts["made"],
        "call": made["call"],
        "seed": made["seed"],
        "repeats": made["repeats"],
        "given": made["given"],
        "versions": made["versions"],
    }
    done["recipe"] = {**facts["recipe"], "class_weight": earlier["recipe"]["class_weight"]}
    return done


def signs_of(estimator: TautEstimator) -> list[str] | None:
    """What ``fit`` warned of, in sentences; None of a loaded estimator, which no longer knows."""
    found = getattr(estimator, "signs_", None)
    return None if found is None else [sign.sentence for sign in found]


def _effects_words(effects: Effects) -> list[str]:
    from taut.examine.effects_result import in_words as of_effects

    return of_effects(effects)
