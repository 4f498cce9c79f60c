"""``report.json``: what a report says of a model. It is replaced only if taut wrote it, of that model."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.store.replace import NEXT, is_plain_folder

#: It belongs to the folder, and a model needs none.
REPORT = "report.json"
_MOST = 1 << 26  # bytes

Folder = str | os.PathLike[str]

# As taut writes them, whatever may have happened to the rest.
_BEGIN = re.compile(rb'\s*\{\s*"schema":\s*(\d{1,6}),\s*"task":')


def current(place: Path) -> Path:
    """Where the model is that a folder holds now: see :mod:`taut.store.replace`."""
    return place / NEXT if is_plain_folder(place / NEXT) else place


def fingerprint(networks: Iterable[Mapping[str, NDArray[Any]]]) -> str:
    """SHA-256 of the networks' numbers: it tells one model's networks from another's."""
    digest = hashlib.sha256()
    for weights in networks:
        for name in sorted(weights):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(weights[name], dtype=np.float32).tobytes())
    return digest.hexdigest()


def schema_of(data: bytes) -> int | None:
    """Give the schema of facts of taut's, damaged ones too.

    Returns
    -------
    int or None
        0 for nothing at all; None for another program's file, and for what may be one.
    """
    if not data.strip():
        return 0
    found = _BEGIN.match(data)
    if found is not None:
        return int(found[1])
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        return None
    # In another layout: a tool has rewritten it.
    ours = isinstance(facts, dict) and type(facts.get("schema")) is int and "fingerprint" in facts
    return int(facts["schema"]) if ours else None


def is_foreign(folder: Folder) -> bool:
    """Whether a ``report.json`` lies there that is not taut's."""
    path = Path(folder) / REPORT
    if not os.path.lexists(path):
        return False
    return path.is_symlink() or not path.is_file() or schema_of(begin_of(path)) is None


def read_report(folder: Folder) -> str | None:
    """Give the text of ``report.json``, unchecked; None unless it is a plain file of fitting size."""
    path = current(Path(folder)) / REPORT
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST:
            return None
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def begin_of(path: Path) -> bytes:
    """As much of a file as taut would write."""
    with open(path, "rb") as file:
        return file.read(_MOST)
