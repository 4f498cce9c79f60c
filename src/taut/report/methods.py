"""What an estimator's own methods do: ``report`` and ``save``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from taut import store
from taut.estimators.base import TautEstimator
from taut.examine import Diagnosis, Effects
from taut.paths import RegularizationPath
from taut.report.facts import facts_of, to_text
from taut.report.page import write_page
from taut.report.place import check, put


def write_report(
    estimator: TautEstimator,
    path: str | os.PathLike[str],
    effects: Effects | None,
    diagnosis: Diagnosis | None,
    paths: Sequence[RegularizationPath],
) -> None:
    """Write the page; what was given is kept with the estimator."""
    check(Path(path))
    estimator._report_facts = facts_of(estimator, effects=effects, diagnosis=diagnosis, paths=paths)
    put(Path(path), write_page(estimator._report_facts))


def save(estimator: TautEstimator, folder: str | os.PathLike[str]) -> None:
    """Save the model, with its report."""
    check_is_fitted(estimator, "model_")
    store.check_folder(folder)
    report: str | None = None
    try:
        report = to_text(facts_of(estimator))
    finally:  # whatever may be wrong with the report, the model is saved
        store.save(estimator, folder, report=report)
