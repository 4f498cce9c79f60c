"""The facts as JSON, and back."""

from __future__ import annotations

import json
from typing import cast

from taut.report.schema import SCHEMA, Facts


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
