"""Files for people: whole or not at all, through links and into pipes, never over what was read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from taut.errors import DataError
from taut.writing import MODEL_FILES, check, written

pytestmark = pytest.mark.fault(77)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
FULL = Path("/dev/full")


def write(path: Path, text: str = "new", *inputs: Path) -> None:
    with written(path, inputs) as file:
        file.write(text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, "a\r\nb\n")
    assert path.read_bytes() == b"a\r\nb\n"
    with pytest.raises(ZeroDivisionError), written(path) as file:
        file.write(str(1 / 0))
    assert path.read_bytes() == b"a\r\nb\n"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_what_was_read_is_not_written_over_by_any_name(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("precious")
    (tmp_path / "link.csv").symlink_to("data.csv")
    (tmp_path / "chain.csv").symlink_to("link.csv")
    os.link(data, tmp_path / "hard.csv")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..", target_is_directory=True)
    for name in ("data.csv", "link.csv", "chain.csv", "hard.csv", "folder/../data.csv", "folder/up/data.csv"):
        for given in (data, tmp_path / "link.csv"):
            with pytest.raises(DataError, match="is the data itself: give another name"):
                write(tmp_path / name, "new", tmp_path / "other.csv", given)
    assert data.read_text() == "precious"


@posix
def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(Path("deep") / "real.csv")
    write(tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "deep" / "real.csv").read_text() == "new"
    (tmp_path / "dangling").symlink_to(Path("deep") / "later.csv")
    write(tmp_path / "dangling")
    assert (tmp_path / "deep" / "later.csv").read_text() == "new"
    (tmp_path / "nowhere").symlink_to(Path("none") / "later.csv")
    with pytest.raises(DataError, match="cannot be written: there is no folder '.*none'"):
        check(tmp_path / "nowhere")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(DataError, match="cannot be written: "):
        check(tmp_path / "round")
    assert sorted(one.name for one in (tmp_path / "deep").iterdir()) == ["later.csv", "real.csv"]


@posix
def test_a_pipe_is_written_into_and_checking_does_not_wait_for_its_reader(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "through")
    reader.join(10)
    assert read == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_device_is_written_into() -> None:
    before = os.stat(os.devnull)
    write(Path(os.devnull))
    assert os.path.samestat(before, os.stat(os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_noticed_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'/dev/full' cannot be written: No space left on device\.$"):
        check(FULL)
    # A file can be made on a full disk, and nothing written into it.
    real = os.open
    monkeypatch.setattr(
        "taut.writing.os.open", lambda path, flags, *rest: real(FULL if flags & os.O_CREAT else path, 1)
    )
    with pytest.raises(DataError, match=r"out\.csv' cannot be written: No space left on device\.$"):
        check(tmp_path / "out.csv")


@posix
@pytest.mark.parametrize("to", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_an_open_file_is_written_into_where_it_stands(to: str, kind: str, tmp_path: Path) -> None:
    if not Path(to).exists():
        pytest.skip("this system has none")
    code = (
        "from pathlib import Path; from taut.writing import written\n"
        "print('before', flush=True)\n"
        f"with written(Path({to!r})) as file: file.write('new\\n')\nprint('after')"
    )
    with (tmp_path / "out").open("wb") as out:
        target = out if kind == "file" else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", code], stdout=target, check=True)
    found = done.stdout if kind == "pipe" else (tmp_path / "out").read_bytes()
    assert found == b"before\nnew\nafter\n"


def test_places_that_cannot_be(tmp_path: Path) -> None:
    for path, said in [
        (tmp_path, "is a directory: give the name of a file"),
        (tmp_path / "no" / "f", "cannot be written: there is no folder"),
        (tmp_path / ("x" * 300), "cannot be written: File name too long"),
        (tmp_path / "a\0b", "cannot be written: no name has a null character"),
    ]:
        with pytest.raises(DataError, match=said):
            check(path)
        with pytest.raises(DataError, match=said):
            write(path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written: "):
        check(tmp_path / "file" / "f")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_noticed_before(tmp_path: Path) -> None:
    (tmp_path / "locked").touch(0o444)
    with pytest.raises(DataError, match="cannot be written: Permission denied"):
        check(tmp_path / "locked")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(DataError, match="cannot be written: Permission denied"):
            check(tmp_path / "new")
    finally:
        tmp_path.chmod(0o755)


def test_nothing_goes_into_a_model(tmp_path: Path) -> None:
    for name in MODEL_FILES:
        (tmp_path / name).touch()
    for name in ("model.json", "report.json", "mine.csv"):
        with pytest.raises(DataError, match="is in the folder of a saved model: give a place outside of it"):
            write(tmp_path / name)
    with written(tmp_path / "mine.csv", into_model=True) as file:
        file.write("where nobody named a place")


@posix
def test_permissions_are_those_of_the_older_file_or_those_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "private").touch(0o600)
    (tmp_path / "run").touch()
    (tmp_path / "run").chmod(0o755)
    before = os.umask(0o027)
    try:
        for name in ("private", "run", "new"):
            write(tmp_path / name)
    finally:
        os.umask(before)
    assert [mode(tmp_path / name) for name in ("private", "run", "new")] == [0o600, 0o755, 0o640]
