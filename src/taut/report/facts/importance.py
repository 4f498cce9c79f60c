"""Which columns the networks use, as plain values."""

from __future__ import annotations

from typing import Any, cast

from taut.report.schema import ImportanceFacts


def importance_of(estimator: Any) -> ImportanceFacts | None:
    """Give what was found when the estimator was fitted; None where nothing was, or where it was loaded."""
    found = getattr(estimator, "importance_", None)
    return None if found is None else cast(ImportanceFacts, found.to_dict())
