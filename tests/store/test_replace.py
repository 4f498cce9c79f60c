"""A model in the place of another: one of them is there, whole, whenever the process ends."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taut import load
from taut.errors import DataWarning, StoreError
from taut.store import replace, write_report
from taut.store.describe import describe, pack_weights
from taut.store.folder import check_folder, write_folder
from taut.store.replace import exchange
from tests.estimators.helpers import given as some_table
from tests.estimators.helpers import single
from tests.store.helpers import FILES, REPORT, contents

pytestmark = [
    pytest.mark.fault(78),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # Newer Pythons warn of forking a process that has threads; the child only writes files.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

slow = pytest.mark.slow
Save = Callable[[Path, str], None]

#: What is done to the folder on the way, and before which of these a process is killed.
STEPS = ("mkdir", "fsync", "rename", "replace", "unlink", "rmdir", "chmod")


@pytest.fixture(scope="module")
def save() -> Save:
    """Save the model "old" or "new", which differ in the number of epochs."""
    made = {}
    for name, epochs in (("old", 2), ("new", 3)):
        fitted = single(max_epochs=epochs).fit(*some_table())
        made[name] = describe(fitted), pack_weights(fitted.model_.networks)

    def write(folder: Path, name: str) -> None:
        write_folder(folder, *made[name], f'{{"schema": 1, "task": "{name}"}}')

    return write


def saved(folder: Path) -> str:
    return {2: "old", 3: "new"}[load(folder).n_iter_]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def in_a_child(work: Callable[[], None]) -> int:
    """Fork, work, and give the status; 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Work in a process that is killed before its n-th step; False where it has fewer."""

    def child() -> None:
        count = 0

        def counted(real: Any) -> Any:
            def call(*arguments: Any, **words: Any) -> Any:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **words)

            return call

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        replace.exchange = counted(replace.exchange)  # type: ignore[attr-defined]
        work()

    status = in_a_child(child)
    assert status in (0, signal.SIGKILL)
    return status != 0


def give_up(*_: Any) -> None:
    raise OSError(22, "Invalid argument")


@pytest.mark.parametrize(
    ("way", "theirs"),
    [
        pytest.param("exchanged", False, id="only a model"),
        pytest.param("not exchanged", False, id="only a model, which the system cannot exchange", marks=slow),
        pytest.param("not exchanged", True, id="files of the person's"),
    ],
)
def test_killed_at_every_step_one_of_them_is_there(
    way: str, theirs: bool, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "not exchanged":
        monkeypatch.setattr(replace, "exchange", give_up)
    folder, step, seen = tmp_path / "model", 0, []
    mine = {"notes.txt": b"mine", "sub/deep.txt": b"mine too"} if theirs else {}
    while not seen or seen[-1] != "end":
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        save(folder, "old")
        for name, text in mine.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(text)
        killed = killed_at(step, lambda: save(folder, "new"))
        seen.append(saved(folder) if killed else "end")
        if not killed:
            assert saved(folder) == "new"
        found = contents(folder)
        assert {name: found[name] for name in mine} == mine
        # The next save finds its way, and leaves nothing behind.
        check_folder(folder)
        save(folder, "old" if step % 2 else "new")
        assert saved(folder) == ("old" if step % 2 else "new")
        assert set(contents(tmp_path)) == {f"model/{name}" for name in (*FILES, REPORT, *mine)}
        assert [one.name for one in tmp_path.iterdir()] == ["model"]
    assert step > 12
    assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new") + ["end"]
    assert min(seen.count("old"), seen.count("new")) > 3


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
def test_killed_at_every_step_of_the_first_save(there: bool, save: Save, tmp_path: Path) -> None:
    folder, step, killed = tmp_path / "model", 0, True
    while killed:
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        if there:
            folder.mkdir()
        killed = killed_at(step, lambda: save(folder, "new"))
        if folder.exists() and any(folder.iterdir()):
            assert saved(folder) == "new"
        check_folder(folder)
        save(folder, "old")
        assert saved(folder) == "old"
        assert [one.name for one in tmp_path.iterdir()] == ["model"]
    assert step > 8


def test_a_report_finishes_what_a_save_began(save: Save, tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "model"
    save(folder, "old")
    (folder / "notes.txt").write_text("mine")
    monkeypatch.setattr(replace, "finish", give_up)
    with pytest.raises(StoreError):
        save(folder, "new")  # the first of the two calls: of an earlier save
    monkeypatch.undo()
    shutil.copytree(folder, tmp_path / "copy")
    save(tmp_path / "other", "new")
    shutil.copytree(tmp_path / "other", folder / replace.NEXT)
    assert saved(folder) == "new"
    write_report(folder, '{"schema": 1, "task": "later"}')
    assert "later" in (folder / REPORT).read_text()
    assert saved(folder) == "new"
    assert sorted(contents(folder)) == sorted([*FILES, REPORT, "notes.txt"])


def read_while_written(save: Save, folder: Path, n_loads: int) -> int:
    """Load again and again what another process saves without a pause; how often it saw a change."""

    def write() -> None:
        while True:
            for name in ("new", "old"):
                save(folder, name)

    child = os.fork()
    if child == 0:
        try:
            write()
        finally:
            os._exit(1)
    try:
        found = [saved(folder) for _ in range(n_loads)]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert saved(folder) in ("old", "new")
    return sum(one != other for one, other in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("theirs", [False, True], ids=["only a model", "files of the person's"])
def test_a_reader_meanwhile_has_one_of_them(theirs: bool, save: Save, tmp_path: Path) -> None:
    save(tmp_path / "model", "old")
    if theirs:
        (tmp_path / "model" / "notes.txt").write_text("mine")
    assert read_while_written(save, tmp_path / "model", 60) > 0


@pytest.mark.slow
@pytest.mark.parametrize("theirs", [False, True], ids=["only a model", "files of the person's"])
def test_a_reader_meanwhile_has_one_of_them_4000_times(theirs: bool, save: Save, tmp_path: Path) -> None:
    save(tmp_path / "model", "old")
    if theirs:
        (tmp_path / "model" / "notes.txt").write_text("mine")
    assert read_while_written(save, tmp_path / "model", 4000) > 100


@pytest.mark.slow
@pytest.mark.parametrize("theirs", [False, True], ids=["only a model", "files of the person's"])
def test_killed_at_any_moment(theirs: bool, save: Save, tmp_path: Path) -> None:
    folder, stream = tmp_path / "model", random.Random(0)
    save(folder, "old")
    if theirs:
        (folder / "notes.txt").write_text("mine")
    for _ in range(300):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    save(folder, "new")
                    save(folder, "old")
            finally:
                os._exit(1)
        time.sleep(stream.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert saved(folder) in ("old", "new")
        assert not theirs or (folder / "notes.txt").read_text() == "mine"
    save(folder, "new")
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_two_that_save_at_once(save: Save, tmp_path: Path) -> None:
    folder = tmp_path / "model"

    def write() -> None:
        for _ in range(5):
            for name in ("new", "old"):
                save(folder, name)

    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                write()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert saved(folder) == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    assert sorted(contents(folder)) == sorted([*FILES, REPORT])


@pytest.mark.parametrize("theirs", [False, True], ids=["only a model", "files of the person's"])
def test_permissions_follow_the_umask_and_private_stays_private(
    theirs: bool, save: Save, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    before = os.umask(0o027)
    try:
        save(folder, "old")
        assert (mode(folder), {mode(folder / name) for name in (*FILES, REPORT)}) == (0o750, {0o640})
        folder.chmod(0o700)
        (folder / "model.json").chmod(0o600)
        if theirs:
            (folder / "notes.txt").touch(0o644)
        os.umask(0o022)
        save(folder, "new")
        write_report(folder, '{"schema": 1, "task": "later"}')
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert [mode(folder / name) for name in sorted([*FILES, REPORT])] == [0o640, 0o600, 0o640, 0o640]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="not every system can")
def test_two_folders_change_places(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    try:
        exchange(tmp_path / "a", tmp_path / "b")
    except OSError as error:
        pytest.skip(f"not on this file system: {error}")
    assert (tmp_path / "a" / "b").exists()
    assert (tmp_path / "b" / "a").exists()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "c")


def test_what_an_older_version_left_is_named_and_stays(save: Save, tmp_path: Path) -> None:
    left = tmp_path / ".model-ab_12xyz-old"
    left.mkdir()
    (left / "thesis.tex").write_text("precious")
    with pytest.warns(DataWarning, match=r"\.model-ab_12xyz-old was left by a save that was killed: move"):
        save(tmp_path / "model", "new")
    assert (left / "thesis.tex").read_text() == "precious"


def test_a_leftover_that_holds_a_persons_file_is_named_and_stays(save: Save, tmp_path: Path) -> None:
    left = tmp_path / f".model{replace.SAVING}0123abcd"
    left.mkdir()
    (left / "thesis.tex").write_text("precious")
    with pytest.warns(DataWarning, match="was left by a save that was killed: move what you need out of it"):
        save(tmp_path / "model", "new")
    assert (left / "thesis.tex").read_text() == "precious"


def test_a_real_fault_is_told_at_once(save: Save, tmp_path: Path) -> None:
    save(tmp_path / "model", "new")
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"no")
    started = time.process_time()
    with pytest.raises(StoreError, match="weights"):
        load(tmp_path / "model")
    assert time.process_time() - started < 0.2
