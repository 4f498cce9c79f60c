from __future__ import annotations

import pytest

from taut.table.memory import available_memory, size_text


def test_there_is_memory() -> None:
    available = available_memory()
    assert available is None or 10**7 < available < 10**15


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(5, "5 bytes"), (1500, "1.5 kB"), (999_900, "1 MB"), (2.5e9, "2.5 GB"), (3e15, "3e+03 TB")],
)
def test_size_text(n_bytes: float, text: str) -> None:
    assert size_text(n_bytes) == text
