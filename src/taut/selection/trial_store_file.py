"""The SQLite file under a trial store: made, locked, checked to be the same search's, and its rows sealed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from taut.errors import ParameterError, StoreError
from taut.version import __version__

FORMAT = 3  # in SQLite's user_version
_APPLICATION = int.from_bytes(b"taut", "big")
_LOCK_SECONDS = 1.0  # a process that was just killed holds its lock a moment longer

# Every float is a little-endian blob: SQLite's own REAL makes NaN a NULL and -0.0 a 0. Each row ends in a
# digest of all that is before it, its key included, because SQLite does not notice a flipped bit.
_TABLES = (
    "CREATE TABLE search (taut, data, arguments, digest)",  # one row
    "CREATE TABLE time (one INTEGER PRIMARY KEY, elapsed, digest)",  # one row; float64
    "CREATE TABLE batch (batch INTEGER PRIMARY KEY, candidates, digest)",  # JSON
    # curve_... float64 (n_epochs,); losses float32 (n, n_validation), at the epochs scored, int64 (n,); hit
    # bool, as losses, or empty for regression.
    # zero_share and seconds float64; said float64 (m,) by a scorer at epochs said_at, int64 (m,).
    # weights int64 (n_bins + 1,), see selection/weights.py, or empty.
    """CREATE TABLE run (
        candidate INTEGER, stage INTEGER, status, epoch, best_epoch, zero_share, seconds,
        curve_train, curve_validation, curve_hits, scored, losses, hit, said_at, said, weights, digest,
        PRIMARY KEY (candidate, stage)
    ) WITHOUT ROWID""",
)

Row = tuple[Any, ...]


def open_file(name: str, arguments: Mapping[str, Any], data: str) -> sqlite3.Connection:
    """Make or open the file, and hold it alone until the connection is closed or the process is gone.

    Parameters
    ----------
    name : str
        Its path.
    arguments, data
        See :meth:`taut.selection.trial_store.TrialStore.open`.

    Returns
    -------
    sqlite3.Connection
        In which transactions are begun and ended by hand, and texts are bytes.

    Raises
    ------
    StoreError, ParameterError
        See :meth:`taut.selection.trial_store.TrialStore.open`.
    """
    written = _write_down(arguments)
    _check_place(name)
    with refusals(name):
        connection = _connect(os.path.abspath(name))  # so that no name has a special meaning to SQLite
        try:
            if _is_new(name, connection):
                _create(connection, written, data)
            else:
                _check(name, connection, written, data)
            # Refuse now, and not after a long training, a file that cannot be written.
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        except BaseException:
            connection.close()
            raise
    return connection


def _check_place(name: str) -> None:
    """Refuse what SQLite has no good message for."""
    try:
        found = os.stat(name)
    except FileNotFoundError as error:
        folder = os.path.dirname(os.path.realpath(name))
        if not os.path.isdir(folder):
            raise StoreError(
                f"{name}: there is no folder {folder}; make it, or give another file."
            ) from error
        return
    except (OSError, ValueError) as error:
        raise StoreError(f"{name!r}: cannot be opened ({error}); give another file.") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder, not" if stat.S_ISDIR(found.st_mode) else "not a plain file, nor"
        raise StoreError(f"{name}: is {kind} a taut search checkpoint; give another file.")
    if found.st_size == 1:  # SQLite takes it for an empty one, and would overwrite it
        raise StoreError(_not_ours(name))


def _connect(place: str) -> sqlite3.Connection:
    """Open the file and lock it until the connection is closed or the process is gone, however it ends."""
    give_up = time.monotonic() + _LOCK_SECONDS
    while True:
        # Calls are serialized by the trial store's own lock.
        connection = sqlite3.connect(place, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.text_factory = bytes  # a damaged text is not decoded before its digest is checked
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays
            return connection
        except BaseException as error:
            connection.close()
            if not _is_busy(error) or time.monotonic() > give_up:
                raise
        # Two that start at once may each lock the other out; a random wait lets one be first. (Not the shared
        # generator: that one is the caller's.)
        time.sleep(random.SystemRandom().uniform(0.01, 0.1))


def _is_busy(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_new(name: str, connection: sqlite3.Connection) -> bool:
    """Whether there is nothing in the file yet; another program's file is not changed by the check."""
    ((application,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    # A search that was killed while it made its trial store leaves an empty database.
    if application == version == tables == 0:
        return True
    if application != _APPLICATION:
        raise StoreError(f"{name}: is an SQLite file, but not a taut search checkpoint; give another file.")
    if version != FORMAT:
        raise StoreError(
            f"{name}: is a search checkpoint of format {version}, and taut {__version__} reads format "
            f"{FORMAT}: continue with the version of taut that made it, or start anew with another file."
        )
    return False


def _prepare(connection: sqlite3.Connection) -> None:
    # A write-ahead log: a row is one append to it, which the operating system keeps although the process is
    # killed; a torn append is discarded by its checksum. With NORMAL it waits for the disk only now and then,
    # so a power cut may cost the last rows, but never the file. Held exclusively, it needs no shared memory.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_mode = WAL")


def _create(connection: sqlite3.Connection, arguments: dict[str, str], data: str) -> None:
    _prepare(connection)
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)
    text = json.dumps(arguments).encode()
    insert(connection, "search", seal("search", (__version__.encode(), data.encode(), text)))
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file without its log shows whose it is


def _check(name: str, connection: sqlite3.Connection, arguments: dict[str, str], data: str) -> None:
    """Refuse a damaged file, or another search's."""
    _prepare(connection)
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
    row = connection.execute("SELECT * FROM search").fetchone()
    if verdict != (b"ok",) or row is None or not is_whole("search", row):
        raise StoreError(_damaged(name))
    version = row[0].decode()
    if version != __version__:
        raise StoreError(
            f"{name}: was begun by taut {version}, and this is taut {__version__}, whose results could "
            f"differ: continue with taut {version}, or start anew with another file."
        )
    # The arguments first: another seed makes other folds, which are part of the data.
    changes = _changes(json.loads(row[2]), arguments)
    if changes:
        raise StoreError(
            f"{name}: was begun with other arguments: {'; '.join(changes)}. Give the same ones, or start "
            f"anew with another file."
        )
    if row[1] != data.encode():
        raise StoreError(
            f"{name}: was begun on other data (the rows, their order, the weights or the folds differ): give "
            f"the same data, or start anew with another file."
        )


# --- refusals -------------------------------------------------------------------------------------------


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """SQLite's errors as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_sentence(name, error)) from error


def _sentence(name: str, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if _is_busy(error):
        return (
            f"{name}: another search (or another program) has it open: wait until that one has ended, or "
            f"give another file."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return _not_ours(name)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
        return _damaged(name)
    if code == sqlite3.SQLITE_FULL:
        return (
            f"{name}: cannot be written, the disk is full; what is in it is safe: make room, and start the "
            f"same search again."
        )
    return (
        f"{name}: cannot be read and written ({error}); what is in it is safe: see to its disk and the "
        f"permissions of the file and its folder, or give another file."
    )


def _not_ours(name: str) -> str:
    return f"{name}: is not a taut search checkpoint, or its beginning is damaged; give another file."


def _damaged(name: str) -> str:
    return (
        f"{name}: is damaged and cannot be continued; put back a copy of it, or start anew with another file."
    )


# --- arguments ------------------------------------------------------------------------------------------


def _write_down(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Each argument as JSON, by which it is compared."""
    written = {}
    for name, value in arguments.items():
        try:
            written[name] = json.dumps(_plain(value), sort_keys=True)
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(
                f"{name} is {value!r}, which cannot be written into a search's trial store: give a name or a "
                f"number, or do without resume."
            ) from error
    return written


def _plain(value: Any) -> Any:
    """Without NumPy's types, and whole floats as whole numbers: 60 and 60.0 are the same argument."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**53:
        return int(value)
    return value


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A few words for each argument that differs."""
    changes = []
    for name in {**before, **now}:
        if name not in now:
            changes.append(f"{name} was {_words(before[name])} and is not given now")
        elif name not in before:
            changes.append(f"{name} was not given and is now {_words(now[name])}")
        elif before[name] != now[name]:
            changes.append(f"{name} was {_words(before[name])} and is now {_words(now[name])}")
    return changes


def _words(written: str) -> str:
    """As it is written in Python; a list as the tuple that it usually was."""
    return repr(_tuples(json.loads(written)))


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(one) for one in value)
    return {name: _tuples(one) for name, one in value.items()} if isinstance(value, dict) else value


# --- rows -----------------------------------------------------------------------------------------------


def insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Write a row, replacing the one with its key, if any."""
    connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def seal(table: str, values: Row) -> Row:
    """Add the digest, by which :func:`is_whole` detects a changed row."""
    return *values, _digest(table, values)


def is_whole(table: str, row: Row) -> bool:
    """Whether a row of that table is as it was sealed, its key included."""
    return bool(row[-1] == _digest(table, row[:-1]))


def _digest(table: str, values: Row) -> bytes:
    """Of any values that SQLite may give, since a flipped bit may change their type too."""
    digest = hashlib.blake2b(table.encode(), digest_size=8)
    for value in values:
        part = value if isinstance(value, bytes) else str(value).encode()
        digest.update(f" {type(value).__name__} {len(part)} ".encode())
        digest.update(part)
    return digest.digest()
