"""Names of parametrized tests that are the same in every process."""

from __future__ import annotations

import re


def without_address(value: object) -> str:
    """Write a value without where it lies in memory: processes that share the tests compare their names."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))
