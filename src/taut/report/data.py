"""The rows that were learned from: what each column became, and the loss by the number of rows."""

from __future__ import annotations

from collections import Counter

from taut.report.figures import Figure, error_bars, layout_of, short, trace
from taut.report.reported import Reported
from taut.report.schema import ColumnFacts, DataFacts, Facts
from taut.table.schema import ColumnSchema
from taut.wording import counted

#: Columns in a table, and classes by name.
MOST_COLUMNS, MOST_CLASSES = 300, 12

_KINDS = {
    "number": ("number", "numbers"),
    "category": ("category", "categories"),
    "boolean": ("yes or no", "yes or no"),
    "date": ("date", "dates"),
}


def facts(result: Reported) -> DataFacts:
    """Give what was learned from; what belongs to a table is None of a result without one."""
    table = result.table
    return {
        "n_rows": result.n_rows,
        "n_identical": result.n_identical,
        "n_features": None if table is None else table.n_features,
        "columns": None if table is None else [_column(column) for column in table.columns],
        "classes": None if table is None else table.classes,
        "notes": list(result.notes),
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


def became(found: DataFacts) -> str:
    """Say in one sentence what became of the columns."""
    columns = found["columns"] or []
    kinds = Counter(column["kind"] for column in columns)
    n_dropped, of_all = kinds["dropped"], counted(len(columns), "column")
    text = f"{len(columns) - n_dropped:,} of {of_all}" if n_dropped else of_all
    parts = [counted(kinds[kind], *names) for kind, names in _KINDS.items() if kind in kinds]
    text += f" ({', '.join(parts)})" if parts else ""
    text += f" became {counted(found['n_features'] or 0, 'feature')} that enter the network"
    return (
        f"{text}; {counted(n_dropped, 'column was', 'columns were')} left out." if n_dropped else f"{text}."
    )


def rows_figure(facts: Facts) -> Figure | None:
    """Draw the loss by the number of rows, from a diagnosis."""
    points = [] if facts["diagnosis"] is None else facts["diagnosis"]["learning_curve"]["points"]
    if not points:
        return None
    x, losses = [point["n_rows"] for point in points], [point["loss"] for point in points]
    layout = layout_of(facts["loss"], "rows that train")
    layout["xaxis"] |= {"type": "log", "tickmode": "array", "tickvals": x, "ticktext": [f"{n:,}" for n in x]}
    layout["yaxis"] |= {"rangemode": "tozero"}
    trained = trace(
        "lines+markers",
        x,
        [short(point["train_loss"]) for point in points],
        name="training",
        line={"color": "@training", "width": 2, "dash": "dash"},
        hovertemplate="%{x} rows<br>training loss %{y:.4g}<extra></extra>",
    )
    others = trace(
        "lines+markers",
        x,
        [short(loss["value"]) for loss in losses],
        name="on other rows",
        error_y=error_bars(losses, "@validation", 1.5),
        line={"color": "@validation", "width": 2.6},
        hovertemplate="%{x} rows<br>loss on others %{y:.4g}<extra></extra>",
    )
    return {"data": [trained, others], "layout": layout}
