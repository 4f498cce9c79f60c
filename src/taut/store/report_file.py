"""``report.json``: what a report says of a model. Only one of taut's, and of that model, is replaced."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.errors import StoreError
from taut.store.replace import NEXT, SAVING, finish, is_plain_folder, locked, write
from taut.writing import MODEL_FILES, sync_folder

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
        0 for nothing at all; None for what somebody else wrote, and for what cannot be told from it.
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
    # In another layout: somebody looked at it with a tool.
    ours = isinstance(facts, dict) and type(facts.get("schema")) is int and "fingerprint" in facts
    return int(facts["schema"]) if ours else None


def is_somebodys(folder: Folder) -> bool:
    """Whether a ``report.json`` lies there that is not taut's."""
    path = Path(folder) / REPORT
    if not os.path.lexists(path):
        return False
    return path.is_symlink() or not path.is_file() or schema_of(_begin_of(path)) is None


def read_report(folder: Folder) -> str | None:
    """Give the text of ``report.json``, unchecked; None where it is no plain file of fitting size."""
    path = current(Path(folder)) / REPORT
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST:
            return None
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def write_report(folder: Folder, text: str, of: str | None = None) -> None:
    """Write ``report.json`` into the folder of a saved model, whole or not at all.

    Parameters
    ----------
    folder : path
    text : str
        Facts as JSON.
    of : str, optional
        The fingerprint of the networks that the facts are of: where the folder has others by now, nothing is
        written.

    Raises
    ------
    StoreError
        Where it cannot be written, where the one that is there is not taut's or a newer taut's, or where
        another model was saved there meanwhile.
    """
    path = Path(folder) / REPORT
    try:
        place = Path(folder).resolve()
        with locked(place):
            finish(place, MODEL_FILES | {REPORT})
            _refuse_what_is_not_ours(place, path, text)
            old = place / REPORT
            beside = place / f"{SAVING}{secrets.token_hex(4)}"
            try:
                write(beside, text.encode(), old.stat() if old.exists() else None)
                if of is not None and _fingerprint_in(folder) != of:
                    raise StoreError(
                        f"{folder}: another model was saved there meanwhile, and this is of the one before."
                    )
                os.replace(beside, old)
                sync_folder(place)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}).") from error


def _refuse_what_is_not_ours(place: Path, path: Path, text: str) -> None:
    if is_somebodys(place):
        raise StoreError(f"{path}: not taut's, and left alone; move it elsewhere to have this kept.")
    old = schema_of(_begin_of(place / REPORT)) if (place / REPORT).exists() else None
    new = schema_of(text.encode())
    if old is not None and new is not None and old > new:
        raise StoreError(f"{path}: a newer taut's, and left alone.")


def _fingerprint_in(folder: Folder) -> str:
    """Of the networks that are saved there now."""
    from taut.store.folder import read_folder
    from taut.store.rebuild import unpack

    networks: dict[int, dict[str, NDArray[Any]]] = {}
    for name, array in unpack(read_folder(folder)[1]).items():
        place, _, own = name.partition(".")
        networks.setdefault(int(place) if place.isdecimal() else -1, {})[own] = array
    return fingerprint(networks[place] for place in sorted(networks))


def _begin_of(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MOST)
