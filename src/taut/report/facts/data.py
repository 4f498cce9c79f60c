"""The table, as plain values."""

from __future__ import annotations

from typing import Any

from taut.report.schema import ColumnFacts, DataFacts
from taut.table.schema import ColumnSchema


def data_of(estimator: Any) -> DataFacts:
    """Give what became of the table."""
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
