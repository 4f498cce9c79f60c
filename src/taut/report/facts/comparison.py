"""What regularization brought, as plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from taut.evidence.simple_baselines import SimpleBaseline
from taut.evidence.simple_words import doubts
from taut.report.schema import ComparisonFacts, LineFacts, SimpleFacts
from taut.report.summarize import Line, simple_line, summarize
from taut.report.text import in_words


def comparison_of(estimator: Any) -> ComparisonFacts:
    """Give what regularization brought."""
    summary = summarize(estimator)
    return {
        # What to expect is told from the estimate itself.
        "sentences": in_words(replace(summary, estimate=None)),
        "simple": [_simple(model) for model in summary.simple],
        "doubts": doubts(summary.simple),
        "lines": [_line(line) for line in summary.lines],
        "changes": [
            {
                "against": change.against,
                "share": change.share.value,
                "low": change.share.low,
                "high": change.share.high,
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


def _simple(model: SimpleBaseline) -> SimpleFacts:
    more = {"kind": model.kind, "gain": model.gain.to_dict(), "score_gain": model.score_gain.to_dict()}
    return cast(SimpleFacts, {**_line(simple_line(model)), **more})


def _line(line: Line) -> LineFacts:
    found = {name: getattr(line, name) for name in LineFacts.__annotations__ if name != "recipe"}
    return cast(LineFacts, {**found, "recipe": None if line.recipe is None else line.recipe.to_json()})
