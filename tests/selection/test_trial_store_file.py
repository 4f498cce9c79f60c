"""The file: new or the same search's, and a sentence for everything else; locked by one."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut.errors import ParameterError, StoreError
from taut.selection import trial_store_file
from taut.selection.trial_store import TrialStore
from tests.selection.trial_stores import (
    ARGUMENTS,
    CANDIDATES,
    DATA,
    USUAL,
    bits,
    fold_run,
    hasty_disk,
    open_trial_store,
    python,
)

NOT_ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")


@pytest.fixture(scope="module", autouse=True)
def hasty() -> Iterator[None]:
    with hasty_disk():
        yield


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_store_file, "_LOCK_SECONDS", 0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search.taut"


def beside(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def refused(path: str | Path, sentence: str, arguments: Any = ARGUMENTS, data: str = DATA) -> None:
    """The file is refused in this sentence, its name before it."""
    with pytest.raises(StoreError, match=f"^{re.escape(f'{path}: {sentence}')}$"):
        TrialStore.open(path, arguments, data)


# --- new files --------------------------------------------------------------------------------------------


def test_a_new_file_is_one_file_and_names_taut(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.keep(0, 0, fold_run(0, 0))
        assert not (path.parent / "search.taut-shm").exists()
    assert beside(path) == ["search.taut"]
    assert path.read_bytes()[68:72] == b"taut"


def test_an_empty_file_and_an_empty_database_count_as_new(path: Path) -> None:
    path.touch()
    open_trial_store(path).close()
    path.unlink()
    with closing(
        sqlite3.connect(path)
    ) as connection:  # as a search leaves it that was killed in its first moment
        connection.execute("PRAGMA journal_mode = WAL")
    assert path.stat().st_size > 0
    with open_trial_store(path) as trial_store:
        trial_store.keep(0, 0, fold_run(0, 0))
    with open_trial_store(path) as trial_store:
        assert trial_store.run(0, 0) is not None


def test_a_log_without_its_file_is_not_read_into_a_new_one(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        trial_store.keep(0, 0, fold_run(0, 0))
        shutil.copy(f"{path}-wal", path.parent / "log")
    path.unlink()
    (path.parent / "log").rename(f"{path}-wal")
    with open_trial_store(path) as trial_store:
        assert trial_store.run(0, 0) is None


def test_names_that_mean_something_to_sqlite_are_names_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory", "é ü?#%20'\";"):
        if sys.platform != "win32":
            TrialStore.open(name, ARGUMENTS, DATA).close()
            assert (tmp_path / name).is_file()


@NOT_ON_WINDOWS
def test_a_link_leads_to_its_file(path: Path) -> None:
    link = path.parent / "link"
    link.symlink_to(path)
    with open_trial_store(link) as trial_store:
        trial_store.keep(0, 0, fold_run(0, 0))
        with pytest.raises(StoreError, match="has it open"):
            open_trial_store(path)
    assert beside(path) == ["link", "search.taut"]
    with open_trial_store(path) as trial_store:
        assert trial_store.run(0, 0) is not None


def test_it_does_not_wait_for_the_disk_at_every_row_and_holds_the_file_alone(path: Path) -> None:
    with open_trial_store(path) as trial_store:
        for pragma, value in (("journal_mode", b"wal"), ("locking_mode", b"exclusive")):
            assert trial_store._connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)  # type: ignore[union-attr]


# --- what is none of taut's -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"x", b"age;income\n1;2\n" * 99, bytes(5000), random.Random(0).randbytes(70_000), b"SQLite format 3"],
)
def test_another_file_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refused(path, "is not a taut search checkpoint, or its beginning is damaged; give another file.")
    assert path.read_bytes() == content
    assert beside(path) == ["search.taut"]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_of_something_else_is_refused_and_left_alone(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE run (candidate)")
        connection.commit()
    before = path.read_bytes()
    refused(path, "is an SQLite file, but not a taut search checkpoint; give another file.")
    assert path.read_bytes() == before
    assert beside(path) == ["search.taut"]


@pytest.mark.parametrize("pragma", ["application_id", "user_version"])
def test_a_database_that_another_program_has_marked_is_refused(path: Path, pragma: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma} = 7")
    refused(path, "is an SQLite file, but not a taut search checkpoint; give another file.")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder, not a taut search checkpoint; give another file.")


@NOT_ON_WINDOWS
def test_a_device_is_refused(path: Path) -> None:
    refused(os.devnull, "is not a plain file, nor a taut search checkpoint; give another file.")
    os.mkfifo(path)  # opening one would wait for ever
    refused(path, "is not a plain file, nor a taut search checkpoint; give another file.")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "no such"
    refused(folder / "file", f"there is no folder {folder}; make it, or give another file.")
    assert not folder.exists()


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened \(.*\); give another file\.$"):
        TrialStore.open(f"{tmp_path}/{name}", ARGUMENTS, DATA)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere, so it is nobody here."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@NOT_ON_WINDOWS
def test_a_folder_or_a_file_that_may_not_be_written_is_refused_and_left_alone() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "search.taut"
        with open_trial_store(path) as trial_store:
            trial_store.keep(0, 0, fold_run(0, 0))
        before = path.read_bytes()
        for folder_mode, file_mode in ((0o555, 0o666), (0o777, 0o444), (0o555, 0o444), (0o777, 0)):
            folder.chmod(folder_mode)
            path.chmod(file_mode)
            with (
                ordinary_user(),
                pytest.raises(StoreError, match=r"(?s)search\.taut: cannot be .* permissions"),
            ):
                open_trial_store(path)
        folder.chmod(0o555)
        with ordinary_user(), pytest.raises(StoreError, match=r"new: cannot be .* permissions"):
            open_trial_store(folder / "new")
        folder.chmod(0o700)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        assert path.read_bytes() == before
        assert beside(path) == ["search.taut"]


# --- another search ---------------------------------------------------------------------------------------


def test_another_format_is_refused_with_both_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_trial_store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    monkeypatch.setattr(trial_store_file, "__version__", "1.2.3")
    refused(
        path,
        "is a search checkpoint of format 7, and taut 1.2.3 reads format 3: continue with the version of "
        "taut that made it, or start anew with another file.",
    )


def test_another_version_is_refused_with_both_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_store_file, "__version__", "0.9.1")
    open_trial_store(path).close()
    monkeypatch.setattr(trial_store_file, "__version__", "1.0.0")
    refused(
        path,
        "was begun by taut 0.9.1, and this is taut 1.0.0, whose results could differ: continue with taut "
        "0.9.1, or start anew with another file.",
    )


def test_other_data_are_refused(path: Path) -> None:
    open_trial_store(path).close()
    sentence = (
        "was begun on other data (the rows, their order, the weights or the folds differ): give the same "
        "data, or start anew with another file."
    )
    refused(path, sentence, data="cd" * 32)


def test_every_argument_that_differs_is_named_with_both_values(path: Path) -> None:
    before = {"hidden": (64, 64), "cv": 5, "noise": 0.5, "scoring": "loss", "groups": {"a": [1]}, "same": 1}
    now = {
        "same": 1,
        "hidden": [128, 128],
        "cv": 5.5,
        "scoring": None,
        "groups": {"a": (1, 2)},
        "extra": True,
    }
    TrialStore.open(path, before, DATA).close()
    refused(
        path,
        "was begun with other arguments: hidden was (64, 64) and is now (128, 128); cv was 5 and is now 5.5; "
        "noise was 0.5 and is not given now; scoring was 'loss' and is now None; groups was {'a': (1,)} and "
        "is now {'a': (1, 2)}; extra was not given and is now True. Give the same ones, or start anew with "
        "another file.",
        arguments=now,
    )


def test_the_order_of_the_arguments_and_the_kind_of_a_number_do_not_matter(path: Path) -> None:
    before = {
        "time": 60,
        "rate": 1e300,
        "sizes": (1, 2),
        "bad": float("nan"),
        "by": {"x": 1, "y": 2},
        "é": "é",
    }
    sizes = np.array([1, 2])
    now = {
        "é": "é",
        "by": {"y": 2, "x": 1},
        "bad": np.float32("nan"),
        "sizes": sizes,
        "rate": 1e300,
        "time": 60.0,
    }
    TrialStore.open(path, before, DATA).close()
    TrialStore.open(path, {**now, "time": np.int64(60)}, DATA).close()
    TrialStore.open(path, now, DATA).close()


def test_a_whole_number_is_not_true(path: Path) -> None:
    TrialStore.open(path, {"verbose": 1}, DATA).close()
    with pytest.raises(StoreError, match="verbose was 1 and is now True"):
        TrialStore.open(path, {"verbose": True}, DATA)


def test_an_argument_that_cannot_be_written_down_is_named(path: Path) -> None:
    with pytest.raises(ParameterError, match=r"^scoring is <built-in function max>, which cannot be written"):
        open_trial_store(path, scoring=max)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ParameterError, match="^cv is"):
        open_trial_store(path, cv=endless)
    assert not path.exists()


# --- one at a time ----------------------------------------------------------------------------------------

BUSY = "another search (or another program) has it open: wait until that one has ended, or give another file."


def test_a_second_open_in_the_same_process_is_refused(path: Path) -> None:
    with open_trial_store(path) as trial_store:  # new
        refused(path, BUSY)
        trial_store.keep(0, 0, fold_run(0, 0))
    with open_trial_store(path) as trial_store:  # there before
        refused(path, BUSY)
        assert bits(trial_store.run(0, 0)) == bits(fold_run(0, 0))
        trial_store.keep(0, 1, fold_run(0, 1))
    open_trial_store(path).close()


def test_a_refusal_lets_go_of_the_file(path: Path) -> None:
    open_trial_store(path).close()
    with pytest.raises(StoreError, match="hidden was"):
        open_trial_store(path, hidden=(1,))
    open_trial_store(path).close()


def test_another_process_is_refused_and_sigkill_lets_go(root: Path, path: Path) -> None:
    process = python(root, f"keep_for_ever(Path({str(path)!r}))")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        refused(path, BUSY)
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                connection.execute("SELECT * FROM run")
    finally:
        process.kill()
        process.communicate()
    with open_trial_store(path) as trial_store:
        assert trial_store.proposed(0, USUAL) == CANDIDATES


def test_two_that_start_at_once_have_it_one_after_the_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_store_file, "_LOCK_SECONDS", 20.0)
    both = threading.Barrier(2)
    inside: list[int] = []
    most: list[int] = []

    def attempt(number: int) -> None:
        both.wait()
        with open_trial_store(path) as trial_store:
            inside.append(number)
            most.append(len(inside))
            trial_store.keep(number, 0, fold_run(number, 0))
            inside.remove(number)

    for first in range(0, 10, 2):  # a new file, then one that is there
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(attempt, (first, first + 1)))
    assert most == [1] * 10
    with open_trial_store(path) as trial_store:
        assert all(trial_store.run(number, 0) is not None for number in range(10))


def test_the_callers_random_numbers_are_left_alone(path: Path) -> None:
    state = random.getstate()
    with open_trial_store(path), pytest.raises(StoreError):
        open_trial_store(path)
    assert random.getstate() == state
