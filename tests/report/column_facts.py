"""Made-up facts of columns."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report.schema import ColumnPathFacts, ImportanceFacts


def importance(
    names: Sequence[str], values: Sequence[float], half: float = 0.1, n_left_out: int = 0
) -> ImportanceFacts:
    """Columns whose intervals are ``half`` long on both sides."""
    return {
        "lines": [
            {"name": name, "loss": {"value": value, "low": value - half, "high": value + half}}
            for name, value in zip(names, values, strict=True)
        ],
        "base_loss": 0.4,
        "n_rows": 1234,
        "n_shuffles": 3,
        "n_left_out": n_left_out,
    }


def column_path(names: Sequence[str], n_strengths: int = 5, n_more: int = 0) -> ColumnPathFacts:
    """Columns that reach zero one after another, the last one first, the first one never."""
    strengths = [10.0 ** (i - n_strengths) for i in range(n_strengths)]
    norms = [
        [max(0.0, 1.0 - place * i / (n_strengths - 1)) if place else 1.0 for i in range(n_strengths)]
        for place in range(len(names))
    ]
    return {
        "strengths": strengths,
        "names": list(names),
        "norms": [list(one) for one in norms],
        "n_more": n_more,
    }
