"""The folder of a saved model: written whole or not at all, read only where nothing was changed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import time
import warnings
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from taut.errors import DataWarning, StoreError
from taut.store.migrate import FORMAT
from taut.store.replace import NEXT, SAVING, finish, locked, put, try_out, write
from taut.store.report_file import REPORT, Folder, begin_of, current, fingerprint, is_foreign, schema_of
from taut.version import __version__
from taut.writing import MODEL_FILES, sync_folder

_LONG = 2**20  # characters of model.json, beyond which no one reads it; json indents ten times as slowly
_MODEL, _WEIGHTS, _CHECKSUMS = "model.json", "weights.safetensors", "checksums.json"
_MOST_JSON = 1 << 28  # bytes; a table of 100,000 columns has half of it
_TRIES = 100  # to read a folder that others write into without a pause


def check_folder(folder: Folder) -> Path:
    """Refuse, before a long training, a folder that a model cannot be saved in.

    Returns
    -------
    Path
        The folder's absolute path; its parents are made.

    Raises
    ------
    StoreError
        If the folder holds something other than a model, or cannot be written.
    """
    try:
        place = Path(folder).resolve()  # where it is a link, its target is replaced and the link stays
        _refuse_what_is_no_model(folder, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        try_out(place)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error}).") from error
    return place


def _refuse_what_is_no_model(folder: Folder, place: Path) -> None:
    if not place.exists():
        return
    found = {path.name for path in place.iterdir()} if place.is_dir() else {place.name}
    if NEXT in found:
        return
    found = {name for name in found if not name.startswith(SAVING)}
    if found and not found >= MODEL_FILES:
        raise StoreError(f"{folder}: exists and is no saved model; give another folder, or remove it.")


def write_folder(
    folder: Folder, description: dict[str, Any], weights: bytes, report: str | None = None
) -> None:
    """Write the folder beside its target, and move it there when it is complete.

    Parameters
    ----------
    folder : path
    description : dict
        For ``model.json``; the format and the version are added.
    weights : bytes
        Of ``weights.safetensors``.
    report : str, optional
        Of ``report.json``.

    Warns
    -----
    DataWarning
        If a ``report.json`` that is not taut's is in the folder: it stays, and this one is not written.
    """
    head = {"format": FORMAT, "taut": __version__}
    text = json.dumps({**head, **description}, ensure_ascii=False, allow_nan=False)
    if len(text) < _LONG:
        text = json.dumps({**head, **description}, indent=1, ensure_ascii=False, allow_nan=False)
    model = text.encode("utf-8", "surrogatepass")  # as json reads it; a name may hold half a character
    checksums = json.dumps({_MODEL: _hash(model), _WEIGHTS: _hash(weights)}, indent=1).encode()
    try:
        place = Path(folder).resolve()
        content = {_MODEL: model, _WEIGHTS: weights, _CHECKSUMS: checksums}
        foreign = is_foreign(place)
        if report is not None and not foreign:
            content[REPORT] = report.encode()
        put(place, content, MODEL_FILES if foreign else MODEL_FILES | {REPORT})
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error}).") from error
    if foreign and report is not None:
        text = f"{Path(folder) / REPORT}: not taut's, and left alone: what a report says is not saved there."
        warnings.warn(text, DataWarning, stacklevel=2)


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
        If it cannot be written, where the one that is there is not taut's or a newer taut's, or where
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
    if is_foreign(place):
        raise StoreError(f"{path}: not taut's, and left alone; move it elsewhere to have this kept.")
    old = schema_of(begin_of(place / REPORT)) if (place / REPORT).exists() else None
    new = schema_of(text.encode())
    if old is not None and new is not None and old > new:
        raise StoreError(f"{path}: a newer taut's, and left alone.")


def _fingerprint_in(folder: Folder) -> str:
    """Of the networks that are saved there now."""
    from taut.store.rebuild import unpack

    networks: dict[int, dict[str, NDArray[Any]]] = {}
    for name, array in unpack(read_folder(folder)[1]).items():
        place, _, own = name.partition(".")
        networks.setdefault(int(place) if place.isdecimal() else -1, {})[own] = array
    return fingerprint(networks[place] for place in sorted(networks))


def read_folder(folder: Folder) -> tuple[dict[str, Any], bytes]:
    """The description and the weights, after their checksums and their format.

    Only plain files inside the folder are opened. Where a model is saved there at the same time, it is
    the old one or the new one: what was read of both is read again.

    Raises
    ------
    StoreError
        If a file is missing, damaged or not a plain file, or the format is a newer one.
    """
    place = Path(folder)
    for _ in range(_TRIES):
        before = _state(place)
        try:
            return _read(folder, current(place))
        except StoreError:
            if _state(place) == before:
                raise
        time.sleep(random.SystemRandom().uniform(0.0, 0.01))
    return _read(folder, current(place))


def _state(place: Path) -> list[tuple[int, ...]]:
    """What changes when a model is saved there."""
    found: list[tuple[int, ...]] = []
    for path in (place, place / NEXT, *(place / name for name in sorted(MODEL_FILES))):
        try:
            status = path.lstat()
            found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        except (OSError, ValueError):
            found.append(())
    return found


def _read(folder: Folder, place: Path) -> tuple[dict[str, Any], bytes]:
    try:
        if not place.is_dir():
            what = "is a file" if place.is_file() else "no such folder"
            raise StoreError(f"{folder}: {what}; give the folder that save was given.")
        content = {name: _read_plain(place / name) for name in (_MODEL, _CHECKSUMS, _WEIGHTS)}
    except OSError as error:  # such as a name that is too long, or a folder that may not be entered
        raise StoreError(f"{folder}: cannot be read ({error.strerror or error}).") from error
    checksums = _parse(content[_CHECKSUMS], place / _CHECKSUMS)
    for name in (_MODEL, _WEIGHTS):
        if checksums.get(name) != _hash(content[name]):
            raise StoreError(
                f"{place / name}: the checksum is wrong, the file was damaged or changed; get a new copy."
            )
    description = _parse(content[_MODEL], place / _MODEL)
    version = description.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise StoreError(
            f"{folder}: format {version!r:.40}, written by taut {description.get('taut', '?')!s:.40}; this "
            f"is taut {__version__}, which reads format {FORMAT} and older ones."
        )
    others = sorted(set(checksums) - MODEL_FILES)
    if others:
        raise StoreError(
            f"{place / _CHECKSUMS}: names {others[0]!r}, which is not a file of a saved model; it is refused."
        )
    return description, content[_WEIGHTS]


def _read_plain(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        kind = "is not a plain file" if path.exists() or path.is_symlink() else "is missing"
        raise StoreError(f"{path}: {kind}; a saved model has {_MODEL}, {_WEIGHTS} and {_CHECKSUMS}.")
    size = path.stat().st_size
    if path.name == _WEIGHTS:
        _check_size(path, size)
    elif size > _MOST_JSON:
        raise StoreError(f"{path}: damaged, {size:,} bytes are more than taut writes.")
    return path.read_bytes()


def _check_size(path: Path, size: int) -> None:
    """Refuse a large file before it is read: where its header states another size, or memory is too small.

    Source: the format of safetensors, the header's length in 8 bytes, the header as JSON, the numbers.
    """
    if size <= _MOST_JSON:
        return
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length <= _MOST_JSON else b""
    try:
        ends = [one["data_offsets"][1] for name, one in json.loads(header).items() if name != "__metadata__"]
        stated = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: damaged, it has {size:,} bytes and no header of safetensors.") from error
    if stated != size:
        raise StoreError(f"{path}: damaged, it has {size:,} bytes, and its header states {stated:,}.")
    if hasattr(os, "sysconf") and size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        raise StoreError(f"{path}: its {size:,} bytes do not fit into the memory of this machine.")


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: damaged, this is no JSON ({error}).") from error
    if not isinstance(parsed, dict):
        raise StoreError(f"{path}: damaged, an object was expected.")
    return parsed


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
