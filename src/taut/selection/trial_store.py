"""The finished work of one search in one SQLite file, so that a killed search can be resumed.

It is kept by hand and not by Optuna's storage: that one's journal does not survive a torn last line, leaves
the trials that ran during a crash running forever, and does not store the sampler's random state.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import StoreError
from taut.learning.architecture import Architecture
from taut.learning.training import Curve, Status
from taut.selection.candidate import Candidate
from taut.selection.runs import FoldRun
from taut.selection.trial_store_file import Row, insert, is_whole, open_file, refusals, seal

_SPEND_SECONDS = 0.1  # time is stored by itself no more often than this


@final
class TrialStore:
    """The batches that were proposed and the runs that are done; open in one process at a time.

    What was proposed or kept is in the file when the method returns, whatever then happens to the process; a
    power cut may cost the last seconds. All methods may be called from any thread.

    Make one with :meth:`open`; close it, or use it as a context manager.
    """

    def __init__(self, name: str, connection: sqlite3.Connection, elapsed: float) -> None:
        self._name = name
        self._connection: sqlite3.Connection | None = connection
        self._lock = threading.Lock()
        self._elapsed = elapsed
        self._spent = self._stored = 0.0

    @classmethod
    def open(cls, path: str | os.PathLike[str], arguments: Mapping[str, Any], data: str) -> TrialStore:
        """Make the file, or open it and check that it is this search's.

        Parameters
        ----------
        path : path
            A new file, an empty one, or a trial store.
        arguments : mapping
            All that decides the search's result, by parameter name: numbers, texts, None, lists and mappings.
        data : str
            The data's :func:`~taut.selection.fingerprint.fingerprint`.

        Raises
        ------
        StoreError
            If the file is not one of taut's, damaged, of another version, data or arguments, open elsewhere,
            or cannot be written.
        ParameterError
            If an argument cannot be written down as JSON.
        """
        name = os.fspath(path)
        connection = open_file(name, arguments, data)
        try:
            with refusals(name):
                return cls(name, connection, _elapsed(connection))
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Write everything into the one file and close it; a second call does nothing."""
        with suppress(StoreError):  # a full disk was reported before, and the last moments matter little
            if self._connection is not None and self._spent > self._stored:
                with self._writing():
                    pass
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def elapsed(self) -> float:
        """Seconds that earlier sessions have spent; 0.0 for a new file."""
        return self._elapsed

    def spend(self, seconds: float) -> None:
        """Note how long this session has taken so far, in seconds; cheap, to be called often.

        It is stored with all that is kept or proposed, and at least every tenth of a second that it grows.
        """
        self._spent = max(self._spent, seconds)
        if self._spent - self._stored >= _SPEND_SECONDS:
            with self._writing():
                pass

    def proposed(self, batch: int, usual: Architecture) -> tuple[Candidate, ...] | None:
        """The candidates of a batch, or None if it was not proposed yet (or its row is damaged).

        What is missing of a candidate's architecture is as in the usual one.
        """
        row = self._read("SELECT * FROM batch WHERE batch = ?", (int(batch),))
        if row is None or not is_whole("batch", row):
            return None
        return tuple(Candidate.from_json(one, usual) for one in json.loads(row[1]))

    def propose(self, batch: int, candidates: Sequence[Candidate]) -> None:
        """Write a batch down: all of its candidates or, if that fails, none.

        Raises
        ------
        StoreError
            If it cannot be written, or the batch is there already with other candidates.
        """
        text = json.dumps([candidate.to_json() for candidate in candidates]).encode()
        row = seal("batch", (int(batch), text))
        with self._writing() as connection:
            before = connection.execute("SELECT * FROM batch WHERE batch = ?", (int(batch),)).fetchone()
            if before is not None and before[-1] != row[-1]:
                if is_whole("batch", before):
                    raise StoreError(
                        f"{self._name}: batch {batch} was other candidates before, so this is another "
                        f"search: start anew with another file."
                    )
                # The batch was damaged, and its replacement is not the same: no run is sure to be of
                # the candidate whose number it has.
                connection.execute("DELETE FROM run")
            insert(connection, "batch", row)

    def run(self, candidate: int, stage: int) -> FoldRun | None:
        """What was kept of a candidate's stage, bit for bit, or None (also if its row is damaged)."""
        key = int(candidate), int(stage)
        row = self._read("SELECT * FROM run WHERE candidate = ? AND stage = ?", key)
        return None if row is None or not is_whole("run", row) else _unpack(row)

    def keep(self, candidate: int, stage: int, run: FoldRun) -> None:
        """Keep a run, instead of the one that was there, if any.

        Parameters
        ----------
        candidate, stage : int
            0 or more.
        run : FoldRun
        """
        row = seal("run", (int(candidate), int(stage), *_pack(run)))
        with self._writing() as connection:
            insert(connection, "run", row)

    def _read(self, query: str, key: tuple[int, ...]) -> Row | None:
        with self._lock, refusals(self._name):
            row: Row | None = self._opened().execute(query, key).fetchone()
            return row

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: afterwards all of it is in the file, or nothing."""
        with self._lock, refusals(self._name):
            connection, spent = self._opened(), self._spent
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                insert(connection, "time", seal("time", (1, _floats(self._elapsed + spent))))
                connection.execute("COMMIT")
            finally:  # Ctrl+C as well
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            self._stored = spent

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self._name}: this trial store was closed; open it again.")
        return self._connection


def _elapsed(connection: sqlite3.Connection) -> float:
    row = connection.execute("SELECT * FROM time").fetchone()
    return float(_array(row[1], "<f8")[0]) if row is not None and is_whole("time", row) else 0.0


def _pack(run: FoldRun) -> Row:
    return (
        run.status.value.encode(),
        int(run.epoch),
        int(run.best_epoch),
        _floats(run.zero_share),
        _floats(run.seconds),
        *(_bytes(array, "<f8") for array in (run.curve.train, run.curve.validation, run.curve.correct)),
        np.array(list(run.losses), dtype="<i8").tobytes(),
        b"".join(_bytes(losses, "<f4") for losses in run.losses.values()),
        b"".join(_bytes(correct, "|b1") for correct in run.correct.values()),
        np.array(list(run.scores), dtype="<i8").tobytes(),
        _floats(*run.scores.values()),
        _bytes(run.weights, "<i8"),
    )


def _unpack(row: Row) -> FoldRun:
    _, _, status, epoch, best_epoch, zero_share, seconds, train, validation, correct, *more = row
    scored, losses, hit, scorer_epochs, scorer_values, weights, _ = more
    epochs = _array(scored, "<i8").tolist()
    return FoldRun(
        Status(status.decode()),
        epoch,
        best_epoch,
        Curve(_array(train, "<f8"), _array(validation, "<f8"), _array(correct, "<f8")),
        float(_array(zero_share, "<f8")[0]),
        float(_array(seconds, "<f8")[0]),
        _by_epoch(epochs, _array(losses, "<f4")),
        _by_epoch(epochs, _array(hit, "|b1")) if hit else {},
        dict(zip(_array(scorer_epochs, "<i8").tolist(), _array(scorer_values, "<f8").tolist(), strict=True)),
        _array(weights, "<i8"),
    )


def _by_epoch(epochs: list[int], rows: NDArray[Any]) -> dict[int, NDArray[Any]]:
    return dict(zip(epochs, np.split(rows, len(epochs)), strict=True)) if epochs else {}


def _floats(*values: float) -> bytes:
    return np.array(values, dtype="<f8").tobytes()


def _bytes(array: NDArray[Any], dtype: str) -> bytes:
    """The array's numbers; those of another type would not come back bit for bit, and are refused."""
    return array.astype(dtype, casting="equiv", copy=False).tobytes()


def _array(data: bytes, dtype: str) -> NDArray[Any]:
    native = np.dtype(dtype).newbyteorder("=")
    return np.frombuffer(data, dtype=dtype).astype(native)  # a copy: the result may be written to
