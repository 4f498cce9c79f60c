"""Replace an old model by a new one: whenever the process ends, one of them is there, whole.

Where nothing but a model is in the old folder, a new folder is made beside it and the two are exchanged in
one step. Where the system cannot do that, and where the user keeps other files there (which are
never moved), the new model first comes as a whole into a folder ``.taut-next`` inside of the old one, which a
reader takes for the model as long as it is there; then its files are put over the old ones.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import re
import secrets
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from taut.errors import DataWarning
from taut.writing import keep_status, sync_folder

#: In a model's folder: a whole model that is being put in its place, or was when the process was killed.
NEXT = ".taut-next"
#: Begins the names of what is not finished yet.
SAVING = ".taut-saving-"

_PROBE = 4096  # bytes: a disk that is full takes an empty file


def put(place: Path, content: Mapping[str, bytes], ours: frozenset[str]) -> None:
    """Write a model into its folder.

    Parameters
    ----------
    place : Path
        A folder that is not there, is empty or holds a model; no link.
    content : mapping of str to bytes
        Its files.
    ours : frozenset of str
        Names of the files that belong to a model: one that is there and not in ``content`` is removed. What
        has another name stays.

    Raises
    ------
    OSError
        If it cannot be written; what was there is whole then.
    """
    beside = place.with_name(f".{place.name}{SAVING}{secrets.token_hex(4)}")
    with locked(place.parent):
        _clean(place.parent, f".{place.name}{SAVING}", ours)
    _name_older_leftovers(place)
    if not os.path.lexists(place):
        with _stage(beside, content) as made:
            try:
                made.rename(place)
            except OSError:
                if not os.path.lexists(place):
                    raise  # else another process has saved there meanwhile
            else:
                sync_folder(place.parent)
                return
    with locked(place):
        finish(place, ours)
        _clean(place, SAVING, ours)
        if {path.name for path in place.iterdir()} <= ours and _can_be_exchanged(place):
            with _stage(beside, content, place) as made:
                with suppress(OSError):  # not every file system can
                    exchange(made, place)
                    sync_folder(place.parent)
                    _bring_back(made, place, ours)
                    return
        inside = place / f"{SAVING}{secrets.token_hex(4)}"
        with _stage(inside, content, place, is_locked=True) as made:
            made.rename(place / NEXT)
            sync_folder(place)
        with suppress(OSError):  # it is saved: the next save does the rest
            finish(place, ours)


def try_out(place: Path) -> None:
    """Make, fill and remove a folder where :func:`put` would make one.

    Raises
    ------
    OSError
        If that cannot be.
    """
    inside = place.is_dir()
    folder = place if inside else place.parent
    name = f"{SAVING}{secrets.token_hex(4)}"
    with _stage(folder / (name if inside else f".{place.name}{name}"), {"probe": bytes(_PROBE)}):
        pass


def finish(place: Path, ours: frozenset[str]) -> None:
    """Put what is in ``.taut-next`` over the files of a model, if there is any."""
    coming = place / NEXT
    if not is_plain_folder(coming):
        return
    names = {path.name for path in coming.iterdir()} & ours
    for name in sorted(names):
        beside = place / f"{SAVING}{secrets.token_hex(4)}"
        write(beside, (coming / name).read_bytes(), (coming / name).stat())
        os.replace(beside, place / name)
    for name in ours - names:
        (place / name).unlink(missing_ok=True)
    sync_folder(place)
    gone = place / f"{SAVING}{secrets.token_hex(4)}"
    coming.rename(gone)  # in one step: half of it would be taken for a damaged model
    shutil.rmtree(gone, ignore_errors=True)


def is_plain_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)  # which know names that are too long, too


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder, where the system can; the lock ends with the process."""
    number = _lock(folder, wait=True)
    try:
        yield
    finally:
        if number is not None:
            os.close(number)


def write(path: Path, data: bytes, before: os.stat_result | None = None) -> None:
    """Write a file down to the disk, with the permissions of an older one."""
    with open(
        path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600 if before else 0o666)
    ) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if before is not None:
        keep_status(path, before)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Open and lock a folder; None where the system has no locks.

    Raises
    ------
    BlockingIOError
        If another process has locked it and there is no waiting.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    while True:
        number = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(number), os.stat(folder)):
                return number
            os.close(number)  # another folder has replaced it while we waited
        except BlockingIOError:
            os.close(number)
            raise
        except OSError:  # some network file systems have no locks
            os.close(number)
            return None


@contextmanager
def _stage(
    path: Path, content: Mapping[str, bytes], old: Path | None = None, *, is_locked: bool = False
) -> Iterator[Path]:
    """Write a folder that is to be moved, with the permissions of the old one; else it is removed again.

    It is locked, so that another save does not take it for the remains of a killed one.
    """
    with nullcontext() if is_locked else locked(path.parent):
        path.mkdir(mode=0o777 if old is None else 0o700)
        number = _lock(path, wait=True)
    try:
        for name, data in content.items():
            write(path / name, data, None if old is None else _status(old / name))
        if old is not None:
            keep_status(path, old.stat())
        sync_folder(path)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if number is not None:
            os.close(number)


def _status(path: Path) -> os.stat_result | None:
    return path.stat() if path.is_file() and not path.is_symlink() else None


def _can_be_exchanged(place: Path) -> bool:
    """Whether a new folder in its place would look the same to the user."""
    effective = os.access in os.supports_effective_ids
    if place.is_mount() or not os.access(place.parent, os.W_OK | os.X_OK, effective_ids=effective):
        return False
    try:
        return not os.listxattr(place)  # such as access lists, which a new folder would not have
    except (AttributeError, OSError):  # it has none on this system
        return True


def _bring_back(old: Path, place: Path, ours: frozenset[str]) -> None:
    """Move what the user has put into the old folder in this very moment."""
    for path in list(old.iterdir()):
        if path.name not in ours and not os.path.lexists(place / path.name):
            path.rename(place / path.name)


def _clean(folder: Path, prefix: str, ours: frozenset[str]) -> None:
    """Remove what killed saves left; what is in use stays, and what holds the user's files."""
    pattern = re.compile(re.escape(prefix) + "[0-9a-f]{8}")
    for path in [one for one in folder.iterdir() if pattern.fullmatch(one.name) and not one.is_symlink()]:
        with suppress(OSError):
            if not path.is_dir():
                path.unlink()
                continue
            number = _lock(path, wait=False)
            if number is None:  # no one knows whether it is in use
                continue
            try:
                if {one.name for one in path.iterdir()} <= ours | {"probe"}:
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    _name(path)
            finally:
                os.close(number)


def _name_older_leftovers(place: Path) -> None:
    """Taut 0.1 moved the old folder aside; if it was killed then, all its contents are still there."""
    pattern = re.compile(re.escape(f".{place.name}-") + "[a-z0-9_]{8}-old")
    for path in place.parent.iterdir():
        if pattern.fullmatch(path.name):
            _name(path)


def _name(left: Path) -> None:
    warnings.warn(
        f"{left} was left by a save that was killed: move what you need out of it, and remove it.",
        DataWarning,
        stacklevel=2,
    )


_HERE = -100  # AT_FDCWD of Linux
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def exchange(one: Path, other: Path) -> None:
    """Exchange two folders of one file system: at no time is one of the names missing.

    Raises
    ------
    OSError
        If they cannot: not on every system, and not on every file system.
    """
    call = _call()
    if call is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    if call(os.fsencode(one), os.fsencode(other)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@functools.cache
def _call() -> Callable[[bytes, bytes], int] | None:
    """The C library's function, if it has one."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda one, other: int(swap(one, other, ctypes.c_uint(_EXCHANGE)))
        rename = library.renameat2
    except (OSError, AttributeError, TypeError):
        return None
    return lambda one, other: int(rename(_HERE, one, _HERE, other, ctypes.c_uint(_EXCHANGE)))
