"""Write a file for the user: whole or not at all, and never over what was read for it.

Every file that a command or an estimator writes goes through :func:`written`, or through ``save``.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from taut.errors import DataError

#: The files that are a saved model; without these there is none.
MODEL_FILES = frozenset({"model.json", "weights.safetensors", "checksums.json"})

_PROBE = 4096  # bytes: a disk that is full takes an empty file
_LINKS = 40  # as many as Linux follows
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def check(path: Path, inputs: Iterable[Path] = (), *, into_model: bool = False) -> None:
    """Refuse, before a long training, a file that cannot be written.

    Parameters
    ----------
    path : Path
        A file, which may exist, or a device, a pipe or a link to one of these.
    inputs : iterable of Path
        Files that were read, which are not overwritten under any name.
    into_model : bool
        Whether the folder of a saved model is allowed.

    Raises
    ------
    DataError
        If it cannot.
    """
    with _in_a_sentence(path):
        found = _status(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise DataError(f"{str(path)!r} is a directory: give the name of a file.")
        if is_stream(path):
            if found is not None and stat.S_ISCHR(found.st_mode):  # a pipe would wait for its reader
                with _stream(path) as file:
                    os.write(file.fileno(), b"")
            return
        if any(_same(path, one) for one in inputs):
            raise DataError(f"{str(path)!r} is the data itself: give another name.")
        place = Path(os.path.realpath(path))
        if not place.parent.is_dir():
            raise DataError(f"{str(path)!r} cannot be written: there is no folder {str(place.parent)!r}.")
        if not into_model and is_model(place.parent):
            raise DataError(f"{str(path)!r} is in the folder of a saved model: give a place outside of it.")
        if found is not None:  # what may not be written to is not replaced either
            os.close(os.open(place, os.O_WRONLY))
        beside, number = _beside(place, found)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(bytes(_PROBE))
                file.flush()
                os.fsync(file.fileno())
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def written(path: Path, inputs: Iterable[Path] = (), *, into_model: bool = False) -> Iterator[TextIO]:
    """Open a file to be written, UTF-8, lines as they are given.

    A link is followed. What is not a plain file (a device, a pipe, standard output) is written into. Anything
    else is written beside its target and moved there once it is on the disk, so that an older file is whole
    until then; it keeps the older one's permissions.

    Parameters
    ----------
    path, inputs, into_model
        See :func:`check`.

    Raises
    ------
    DataError
        As :func:`check`, and where writing fails.
    """
    check(path, inputs, into_model=into_model)
    with _in_a_sentence(path):
        found = _status(path)
        if is_stream(path):
            with _stream(path) as file:
                yield file
            return
        place = Path(os.path.realpath(path))
        beside, number = _beside(place, found)
        try:
            with os.fdopen(number, "w", encoding="utf-8", errors="replace", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if found is not None:
                keep_status(beside, found)
            os.replace(beside, place)
            sync_folder(place.parent)
        finally:
            beside.unlink(missing_ok=True)


def is_stream(path: Path) -> bool:
    """Whether it is written into and not replaced: a device, a pipe, an open file such as /dev/stdout."""
    found = _status(path)
    return (found is not None and not stat.S_ISREG(found.st_mode)) or _descriptor(path) is not None


def is_model(folder: Path) -> bool:
    """Whether a model is saved there."""
    return all(os.path.lexists(folder / name) for name in MODEL_FILES)


def keep_status(path: Path, before: os.stat_result) -> None:
    """Give a file or a folder the permissions, and where that is allowed the owner, of the one before it."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, before.st_uid, before.st_gid)
    path.chmod(stat.S_IMODE(before.st_mode))


def sync_folder(folder: Path) -> None:
    """Write a folder's names down to the disk, where the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    except ValueError as error:
        if isinstance(error, DataError) or "null" not in str(error):
            raise
        raise DataError(f"{str(path)!r} cannot be written: no name has a null character.") from error


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):  # it is not there; the reader will say so
        return False


def _descriptor(path: Path) -> int | None:
    """Give the number of an open file that a name stands for, such as ``/dev/stdout``.

    It may be a plain file whose name is known too; but replacing that one would leave the process that opened
    it with the old one.
    """
    name = os.fspath(path)
    for _ in range(_LINKS):
        folder, last = os.path.split(name)
        folder = os.path.realpath(folder)
        if folder in ("/dev/fd", f"/proc/{os.getpid()}/fd") and last.isdecimal():
            return int(last)
        if not os.path.islink(name):
            break
        name = os.path.join(folder, os.readlink(name))
    return None


def _stream(path: Path) -> TextIO:
    number = _descriptor(path)
    opened = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
    return os.fdopen(opened, "w", encoding="utf-8", errors="replace", newline="")


def _beside(place: Path, found: os.stat_result | None) -> tuple[Path, int]:
    """Make a file in the same folder; a new one has the permissions that new files have."""
    beside = place.with_name(f".taut-{secrets.token_hex(4)}")
    return beside, os.open(beside, _CREATE, 0o666 if found is None else 0o600)
