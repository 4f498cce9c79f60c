from __future__ import annotations

from pathlib import Path

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


@pytest.mark.fault(82)
def test_a_limit_on_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (taken + 10**8, resource.RLIM_INFINITY))
    available = available_memory()
    assert available is not None
    assert 0.5 * 10**8 < available <= 1.5 * 10**8
