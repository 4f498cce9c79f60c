"""The facts of a fitted model, computed once: text, figures, page and JSON render these."""

from taut.report.facts.gather import NO_SOURCE, facts_of
from taut.report.facts.written import from_text, to_text

__all__ = ["NO_SOURCE", "facts_of", "from_text", "to_text"]
