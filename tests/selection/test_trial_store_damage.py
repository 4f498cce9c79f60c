"""Damage and SIGKILL: what comes out of a trial store is right, or not there, or refused."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.errors import StoreError
from tests.selection.trial_stores import (
    CANDIDATES,
    USUAL,
    bits,
    fold_run,
    hasty_disk,
    key,
    kill_after,
    open_trial_store,
    python,
)


@pytest.fixture(scope="module", autouse=True)
def hasty() -> Iterator[None]:
    with hasty_disk():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search.taut"


# --- damage -----------------------------------------------------------------------------------------------

N_RUNS = 30


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A trial store as it is after close, with two sessions' pages one over the other."""
    path = tmp_path_factory.mktemp("closed") / "file"
    for first in (0, N_RUNS // 2):
        with open_trial_store(path) as trial_store:
            trial_store.propose(first, CANDIDATES)
            for number in range(first, first + N_RUNS // 2):
                trial_store.keep(*key(number), fold_run(*key(number)))
    return path.read_bytes()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A trial store and its log as they are when the process is gone."""
    path = tmp_path_factory.mktemp("killed") / "file"
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES)
        for number in range(N_RUNS // 2):
            trial_store.keep(*key(number), fold_run(*key(number)))
    with open_trial_store(path) as trial_store:
        trial_store.propose(N_RUNS // 2, CANDIDATES)
        for number in range(N_RUNS // 2, N_RUNS):
            trial_store.keep(*key(number), fold_run(*key(number)))
        return path.read_bytes(), Path(f"{path}-wal").read_bytes()


EXPECTED = [bits(fold_run(*key(number))) for number in range(N_RUNS)]


def what_is_there(file: bytes, log: bytes | None = None) -> int | None:
    """How many runs can be read, each of them right; None where the file is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(file)
        if log is not None:
            Path(f"{path}-wal").write_bytes(log)
        try:
            trial_store = open_trial_store(path)
        except StoreError as error:
            return refused_with(str(error))
        with trial_store:
            for batch in (0, N_RUNS // 2):
                assert trial_store.proposed(batch, USUAL) in (None, CANDIDATES)
            runs = [bits(trial_store.run(*key(number))) for number in range(N_RUNS)]
            trial_store.keep(99, 0, fold_run(99, 0))  # the search can go on
            assert bits(trial_store.run(99, 0)) == bits(fold_run(99, 0))
        assert [one.name for one in Path(folder).iterdir()] == ["file"]
    assert all(run in (None, expected) for run, expected in zip(runs, EXPECTED, strict=True))
    return len(runs) - runs.count(None)


def refused_with(sentence: str) -> None:
    assert re.search("is damaged|of format|is not a taut search checkpoint", sentence)


def test_undamaged_all_is_there(closed: bytes, killed: tuple[bytes, bytes]) -> None:
    assert what_is_there(closed) == N_RUNS
    assert what_is_there(*killed) == N_RUNS
    assert what_is_there(killed[0]) == N_RUNS // 2  # the log was lost


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_never_gives_wrong_data(closed: bytes, share: float) -> None:
    what_is_there(closed[: int(share * len(closed))])


def test_a_truncated_file_is_refused_in_a_sentence(path: Path, closed: bytes) -> None:
    path.write_bytes(closed[:-9000])
    sentence = "is damaged and cannot be continued; put back a copy of it, or start anew with another file."
    with pytest.raises(StoreError, match=f"^{re.escape(f'{path}: {sentence}')}$"):
        open_trial_store(path)


@settings(max_examples=40)
@given(
    share=st.floats(0, 1, exclude_max=True),
    tail=st.binary(min_size=0, max_size=50) | st.just(bytes(5000)),
    after=st.integers(0, 5000),
)
def test_a_torn_log_is_read_up_to_the_tear(
    killed: tuple[bytes, bytes], share: float, tail: bytes, after: int
) -> None:
    file, log = killed
    cut = int(share * len(log))
    count = what_is_there(file, log[:cut] + tail + log[cut + len(tail) + after :])
    assert count is not None
    assert N_RUNS // 2 <= count <= N_RUNS
    assert count >= N_RUNS // 2 * (1 + share) - 2


@settings(max_examples=20)
@given(tail=st.binary(min_size=1, max_size=50) | st.just(bytes(5000)))
def test_what_was_written_behind_the_end_changes_nothing(
    closed: bytes, killed: tuple[bytes, bytes], tail: bytes
) -> None:
    assert what_is_there(closed + tail) in (N_RUNS, None)
    assert what_is_there(killed[0], killed[1] + tail) == N_RUNS


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_never_gives_wrong_data(closed: bytes, share: float, bit: int) -> None:
    damaged = bytearray(closed)
    damaged[int(share * len(closed))] ^= 1 << bit
    count = what_is_there(bytes(damaged))
    assert count is None or count >= N_RUNS - 1


@pytest.mark.slow
def test_many_damages_never_give_wrong_data(closed: bytes, killed: tuple[bytes, bytes]) -> None:
    chance = random.Random(0)
    for _ in range(1000):
        parts = [bytearray(closed)] if chance.random() < 0.5 else [bytearray(part) for part in killed]
        part = chance.choice(parts)
        for _ in range(chance.randrange(1, 4)):
            place, length = chance.randrange(len(part)), chance.randrange(1, 5000)
            match chance.randrange(3):
                case 0:
                    part[place : place + length] = bytes(len(part[place : place + length]))
                case 1:
                    part[place : place + length] = chance.randbytes(len(part[place : place + length]))
                case 2:
                    del part[-length:]
        what_is_there(*(bytes(part) for part in parts))


def test_a_page_of_another_place_is_noticed(path: Path, closed: bytes) -> None:
    """A row under another row's key is whole by itself, and still not that row."""
    path.write_bytes(closed)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM run WHERE candidate = 0 AND stage = 0")
        connection.execute("UPDATE run SET candidate = 0, stage = 0 WHERE candidate = 1 AND stage = 0")
        connection.execute("UPDATE batch SET batch = 1 WHERE batch = 0")
        connection.commit()
    with open_trial_store(path) as trial_store:
        assert trial_store.run(0, 0) is None
        assert trial_store.run(1, 0) is None
        assert trial_store.run(0, 1) is not None
        assert trial_store.proposed(1, USUAL) is None


@pytest.mark.parametrize("table", ["search", "time", "batch", "run"])
def test_a_table_that_is_gone_is_damage(path: Path, closed: bytes, table: str) -> None:
    path.write_bytes(closed)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DROP TABLE {table}")

    def use() -> None:
        with open_trial_store(path) as trial_store:
            trial_store.proposed(0, USUAL)
            trial_store.run(0, 0)

    with pytest.raises(StoreError, match="is damaged and cannot be continued"):
        use()


@pytest.mark.parametrize("column", ["taut", "data", "arguments"])
def test_a_changed_heading_is_damage(path: Path, closed: bytes, column: str) -> None:
    path.write_bytes(closed)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE search SET {column} = {column} || x'ff'")
        connection.commit()
    with pytest.raises(StoreError, match="is damaged and cannot be continued"):
        open_trial_store(path)


# --- killed -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX")
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))])
def test_what_was_reported_as_kept_is_there_after_sigkill(root: Path, path: Path, seed: int) -> None:
    chance = random.Random(seed)
    reported = -1
    server = python(root, "serve()")
    try:
        for kill in range(15):
            if kill % 3 == 2:  # killed while it is made
                new = path.with_name(f"new {kill}")
                said = kill_after(chance.uniform(0, 0.01), server, new)
                with open_trial_store(new) as trial_store:
                    assert trial_store.proposed(0, USUAL) in (
                        (CANDIDATES,) if "open" in said else (CANDIDATES, None)
                    )
                continue
            said = kill_after(chance.uniform(0, 0.1), server, path)
            reported = max([reported, *(int(one) for one in said if one != "open")])
            with open_trial_store(path) as trial_store:
                assert trial_store.proposed(0, USUAL) in (
                    (CANDIDATES,) if reported >= 0 else (CANDIDATES, None)
                )
                for number in range(reported + 1):
                    assert bits(trial_store.run(*key(number))) == bits(fold_run(*key(number)))
                after = trial_store.run(*key(reported + 1))  # kept, and killed before it could say so
                assert after is None or bits(after) == bits(fold_run(*key(reported + 1)))
                assert trial_store.run(*key(reported + 2)) is None
    finally:
        server.terminate()
        server.communicate()
    assert reported > 20
