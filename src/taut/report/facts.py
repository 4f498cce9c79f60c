"""The facts of a result, computed once: text, figures, page and JSON render these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sklearn.utils.validation import check_is_fitted

from taut.estimators.base import TautEstimator
from taut.examine import Diagnosis, Effects
from taut.examine.effects_result import in_words as effects_in_words
from taut.paths import RegularizationPath
from taut.report import calibration, column_path, comparison, curves, data, importance, recipe, search
from taut.report.explorer import facts as explorer
from taut.report.reported import Reported, reported
from taut.report.schema import SCHEMA, Facts, SourceFacts
from taut.report.written import from_text, to_text
from taut.store import REPORT
from taut.store.describe import plain

__all__ = ["NO_SOURCE", "facts_of", "from_text", "to_text"]

NO_SOURCE: SourceFacts = {"file": None, "target": None, "folder": None, "command": None, "reading": None}


def facts_of(
    result: TautEstimator | Reported,
    *,
    source: SourceFacts | None = None,
    effects: Effects | None = None,
    diagnosis: Diagnosis | None = None,
    paths: Sequence[RegularizationPath] = (),
    earlier: Facts | None = None,
) -> Facts:
    """Compute the facts of a fitted or loaded estimator, or of what another search tells of its own.

    ``source`` names the table and so on, None for each that is not known; ``paths`` are of the same table, to
    be looked at strength by strength. ``earlier`` facts of the same networks give what is not given here, and
    what a saved model does not know, such as the versions that trained it; those of others, or of another
    schema, are left alone. Without them, those that were saved with the model that the estimator was loaded
    from.

    Raises
    ------
    NotFittedError
        scikit-learn's, where the estimator is not fitted.

    Warns
    -----
    DataWarning
        Where facts that were saved with the model cannot be used.
    """
    told: Facts | None = None
    if not isinstance(result, Reported):
        check_is_fitted(result, "model_")
        told = result._report_facts
        if earlier is None and result._saved_report is not None:
            earlier = from_text(result._saved_report, f"{REPORT} of the model")
        result = reported(result)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "task": result.task,
        "loss": result.loss,
        "metric": result.metric,
        "fingerprint": result.fingerprint,
        "source": source or NO_SOURCE,
        "comparison": comparison.facts(result),
        "curves": curves.facts(result),
        "search": search.facts(result),
        "effects": None if effects is None else effects.to_dict(),
        "effects_words": [] if effects is None else effects_in_words(effects),
        "diagnosis": None if diagnosis is None else diagnosis.to_dict(),
        "explorer": explorer.facts(result, paths),
        "importance": importance.facts(result),
        "calibrated": calibration.facts(result),
        "signs": result.signs,
        "column_path": column_path.facts(paths),
        "data": data.facts(result),
        "recipe": recipe.facts(result),
        "made": recipe.made_facts(result),
    }
    facts = cast(Facts, plain(found))
    facts = facts if told is None else _added(facts, told)
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
    done["diagnosis"] = facts["diagnosis"] or before["diagnosis"]
    done["explorer"] = explorer.with_earlier(facts["explorer"], before["explorer"])
    done["column_path"] = column_path.with_earlier(facts, before)
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
    # Parameters without a JSON form, and the versions that trained.
    made = {name: earlier["made"][name] for name in ("call", "seed", "repeats", "given", "versions")}
    done["made"] = cast(Any, {**facts["made"], **made})
    done["recipe"] = {**facts["recipe"], "class_weight": earlier["recipe"]["class_weight"]}
    return done
