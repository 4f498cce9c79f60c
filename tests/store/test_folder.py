"""The folder: written whole or not at all, read only where nothing was changed."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taut
from taut import load
from taut.errors import DataWarning, StoreError
from taut.store import check_folder
from tests.estimators.helpers import given as some_table
from tests.estimators.helpers import numbers, output, single
from tests.store.helpers import FILES, REPORT, contents, edit, sign


@pytest.fixture(scope="module")
def fitted() -> Any:
    return single(max_epochs=3).fit(*some_table())


@pytest.fixture(scope="module")
def other() -> Any:
    return single(max_epochs=3, random_state=1).fit(*some_table())


@pytest.fixture
def model(fitted: Any, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def same(folder: Path, estimator: Any) -> bool:
    return bool((output(load(folder), numbers()) == output(estimator, numbers())).all())


# --- damage -----------------------------------------------------------------------------------------------


def test_a_model_is_three_files_and_what_a_report_says(model: Path) -> None:
    assert sorted(file.name for file in model.iterdir()) == sorted([*FILES, REPORT])
    assert set(json.loads((model / "checksums.json").read_bytes())) == set(FILES[1:])
    description = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert description["format"] == 2
    assert description["taut"] == taut.__version__
    assert description["versions"]["numpy"] == np.__version__
    assert description["as_code"] == "Recipe(EarlyStopping(patience=20))"


@given(name=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_anywhere_is_noticed_and_a_file_is_named(
    model: Path, name: str, share: float, bit: int
) -> None:
    file = model / name
    before = file.read_bytes()
    damaged = bytearray(before)
    damaged[int(share * len(damaged))] ^= 1 << bit
    file.write_bytes(damaged)
    try:
        # A checksum that is damaged itself looks like damage to the file that it is of.
        named = name if name != "checksums.json" else r"(checksums\.json|model\.json|weights\.safetensors)"
        with pytest.raises(StoreError, match=rf"{named}: (the checksum is wrong|damaged)"):
            load(model)
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_noticed_and_named(model: Path, name: str, share: float) -> None:
    file = model / name
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(StoreError, match=f"{name}: (the checksum is wrong|damaged)"):
        load(model)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(StoreError, match=f"{name}: is missing; a saved model has model.json, weights"):
        load(model)


@pytest.mark.parametrize("text", [b"", b"[1, 2]", b'"model"', b"null", b"{", b"\xff\xfe\x00", b"[" * 100_000])
@pytest.mark.parametrize("name", ["checksums.json", "model.json"])
def test_what_is_no_json_object_is_damaged(model: Path, name: str, text: bytes) -> None:
    (model / name).write_bytes(text)
    if name == "model.json":
        sign(model)
    with pytest.raises(StoreError, match=f"{name}: damaged"):
        load(model)


def test_files_of_two_models_do_not_go_together(model: Path, other: Any, tmp_path: Path) -> None:
    other.save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "weights.safetensors", model)
    with pytest.raises(StoreError, match=r"weights\.safetensors: the checksum is wrong"):
        load(model)


def test_what_is_no_folder_is_named(tmp_path: Path, model: Path) -> None:
    for place, what in ((tmp_path / "nix", "no such folder"), (model / "model.json", "is a file")):
        with pytest.raises(StoreError, match=f"{place.name}: {what}; give the folder that save was given"):
            load(place)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=r"model\.json: is missing"):
        load(tmp_path / "empty")


# --- other formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, 99, 0, -1, None, "1", "2", True, 1.5, 2.0])
def test_another_format_is_refused_with_both_versions(model: Path, version: Any) -> None:
    edit(model, "taut", to="7.8.9")
    edit(model, "format", to=version)
    own = f"this is taut {taut.__version__}, which reads format 2 and older ones"
    with pytest.raises(StoreError, match=rf"model: format {version!r}, written by taut 7\.8\.9; {own}"):
        load(model)


# --- what is unsafe ---------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_is_refused_and_not_run(model: Path, name: str, monkeypatch: Any) -> None:
    (model / name).write_bytes(pickle.dumps(Bomb()))
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("code from the folder was run"))
    if name != "checksums.json":
        sign(model)
    with pytest.raises(StoreError, match="damaged|checksum"):
        load(model)


@pytest.mark.parametrize("name", FILES)
def test_links_are_refused(model: Path, name: str, tmp_path: Path) -> None:
    (model / name).rename(tmp_path / name)
    (model / name).symlink_to(tmp_path / name)
    with pytest.raises(StoreError, match=f"{name}: is not a plain file"):
        load(model)
    (tmp_path / name).unlink()  # and where they lead nowhere
    with pytest.raises(StoreError, match=f"{name}: is not a plain file"):
        load(model)


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_plain_file_is_refused(model: Path, name: str) -> None:
    (model / name).unlink()
    (model / name).mkdir()
    with pytest.raises(StoreError, match=f"{name}: is not a plain file"):
        load(model)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_refused_and_not_waited_for(model: Path) -> None:
    (model / "model.json").unlink()
    os.mkfifo(model / "model.json")
    with pytest.raises(StoreError, match=r"model\.json: is not a plain file"):
        load(model)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "C:\\secret", "more.safetensors", "model.json/../x"]
)
def test_names_of_other_files_are_refused_and_not_opened(model: Path, name: str, monkeypatch: Any) -> None:
    checksums = json.loads((model / "checksums.json").read_bytes())
    (model / "checksums.json").write_text(json.dumps({**checksums, name: "0" * 64}))
    opened: list[Path] = []
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self) or real(self))
    with pytest.raises(StoreError, match="which is not a file of a saved model; it is refused"):
        load(model)
    assert sorted(file.name for file in opened) == sorted(FILES)


def test_files_beside_a_model_are_not_opened(model: Path, fitted: Any) -> None:
    (model / "extra.pkl").write_bytes(pickle.dumps(Bomb()))
    assert same(model, fitted)


# --- too large --------------------------------------------------------------------------------------------


def sparse(path: Path, size: int, head: bytes = b"") -> None:
    """A file that takes no room on the disk."""
    path.write_bytes(head)
    try:
        os.truncate(path, size)
    except OSError:
        pytest.skip("this file system has no such files")


HEADER = json.dumps({"0.layers.0.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
HUGE = json.dumps(
    {"0.layers.0.weight": {"dtype": "U8", "shape": [10**13], "data_offsets": [0, 10**13]}}
).encode()


@pytest.mark.fault(91)
@pytest.mark.parametrize(
    ("name", "size", "head", "sentence"),
    [
        (
            "weights.safetensors",
            200 << 30,
            b"",
            "has 214,748,364,800 bytes, and its header|no header of safet",
        ),
        ("weights.safetensors", 200 << 30, b"\xff" * 8, "no header of safetensors"),
        ("weights.safetensors", 1 << 30, len(HEADER).to_bytes(8, "little") + b"[" * len(HEADER), "no header"),
        (
            "weights.safetensors",
            200 << 30,
            len(HEADER).to_bytes(8, "little") + HEADER,
            "damaged, it has 214,748,364,800 bytes, and its header states 8",
        ),
        (
            "weights.safetensors",
            8 + len(HUGE) + 10**13,
            len(HUGE).to_bytes(8, "little") + HUGE,
            "do not fit into the memory of this machine",
        ),
        ("model.json", 200 << 30, b"{", "damaged, 214,748,364,800 bytes are more than taut writes"),
        ("checksums.json", 1 << 30, b"{", "damaged, 1,073,741,824 bytes are more than taut writes"),
    ],
    ids=["zeros", "a header without end", "no JSON", "a small header", "a huge header", "model", "checksums"],
)
def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    model: Path, name: str, size: int, head: bytes, sentence: str, monkeypatch: Any
) -> None:
    sparse(model / name, size, head)
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        assert path.name != name
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(StoreError, match=rf"{name}: .*({sentence})"):
        load(model)


@pytest.mark.fault(91)
def test_a_report_that_is_too_large_is_left_out(model: Path, fitted: Any) -> None:
    sparse(model / REPORT, 200 << 30, b'{"schema": 1, "task":')
    assert same(model, fitted)


# --- other versions ---------------------------------------------------------------------------------------


@pytest.mark.fault(90)
def test_other_versions_are_warned_of_once_and_mended_faults_are_not(model: Path, fitted: Any) -> None:
    edit(model, "taut", to="0.9.1")
    edit(model, "versions", "numpy", to="1.0.2\x1b[31m")
    edit(model, "versions", "duckdb", to="0.1")  # predictions have nothing of it
    with pytest.warns(DataWarning) as caught:
        assert same(model, fitted)
    assert len(caught) == 1
    assert str(caught[0].message) == (
        f"{model}: was saved with taut 0.9.1 and numpy 1.0.2\\x1b[31m, and this is taut {taut.__version__} "
        f"and numpy {np.__version__}: what it predicts may differ; use those versions, or fit it anew."
    )
    assert caught[0].filename == __file__
    first, second = np.__version__.split(".")[:2]
    edit(model, "taut", to=taut.__version__)
    edit(model, "versions", "numpy", to=f"{first}.{second}.999")
    assert same(model, fitted)


# --- writing ----------------------------------------------------------------------------------------------


def test_a_model_is_replaced_by_another(model: Path, other: Any, tmp_path: Path) -> None:
    other.save(model)
    assert same(model, other)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_an_empty_folder_is_filled(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    fitted.save(tmp_path / "model")
    assert same(tmp_path / "model", fitted)


def test_what_somebody_put_beside_a_model_stays(model: Path, other: Any, tmp_path: Path) -> None:
    (model / "notes.txt").write_text("mine")
    (model / ".git").mkdir()
    (model / ".git" / "config").write_text("mine too")
    other.save(model)
    assert same(model, other)
    assert (model / "notes.txt").read_text() == "mine"
    assert (model / ".git" / "config").read_text() == "mine too"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "names", [["thesis.tex"], ["model.json"], ["model.json", "weights.safetensors"], ["a/b"]]
)
def test_a_folder_that_is_no_model_is_not_replaced(fitted: Any, tmp_path: Path, names: list[str]) -> None:
    place = tmp_path / "place"
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("precious")
    before = contents(tmp_path)
    for refuse in (fitted.save, check_folder):
        with pytest.raises(
            StoreError, match="place: exists and is no saved model; give another folder, or remove it"
        ):
            refuse(place)
    assert contents(tmp_path) == before


def test_a_file_is_not_replaced(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("precious")
    with pytest.raises(StoreError, match="exists and is no saved model"):
        fitted.save(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "precious"


def test_below_a_file_no_folder_can_be_made(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        fitted.save(tmp_path / "file" / "model")


def test_a_link_to_a_model_stays_a_link(model: Path, other: Any, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(model, target_is_directory=True)
    other.save(link)
    assert link.is_symlink()
    assert same(model, other)


def no_space(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def fail_on(call: int, real: Any) -> Any:
    """A function that fails when it is called for the n-th time."""
    calls = 0

    def made(*arguments: Any, **words: Any) -> Any:
        nonlocal calls
        calls += 1
        return no_space() if calls == call else real(*arguments, **words)

    return made


@pytest.mark.parametrize("theirs", [False, True])
@pytest.mark.parametrize(
    ("what", "call"),
    [*(("fsync", call) for call in (1, 3, 5, 6, 7, 8)), ("rename", 1), ("mkdir", 2), ("mkdir", 5)],
)
def test_where_writing_fails_the_old_model_stays_whole(
    model: Path, fitted: Any, other: Any, tmp_path: Path, what: str, call: int, theirs: bool, monkeypatch: Any
) -> None:
    """Each place where a file is written down, and where the new model is moved (the folders' own aside)."""
    if theirs:
        (model / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("taut.store.replace.exchange", no_space)  # else nothing is renamed
        patch.setattr(os, what, fail_on(call, getattr(os, what)))
        with pytest.raises(StoreError, match=r"model: cannot be written \(No space left on device\)"):
            other.save(model)
    assert contents(tmp_path) == before  # nothing half-written is left either
    assert same(model, fitted)


@pytest.mark.parametrize("theirs", [False, True])
def test_where_writing_is_interrupted_the_old_model_stays_whole(
    model: Path, other: Any, tmp_path: Path, theirs: bool, monkeypatch: Any
) -> None:
    if theirs:
        (model / "notes.txt").write_text("mine")
    before = contents(tmp_path)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("taut.store.replace.exchange", interrupted)
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        other.save(model)
    monkeypatch.undo()
    assert contents(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_an_error(model: Path, other: Any, fitted: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            other.save(model)
        assert same(model, fitted)
    finally:
        tmp_path.chmod(0o755)


def test_check_folder_says_before_training_what_save_would_say_after(
    model: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    before = contents(tmp_path)
    assert check_folder(model) == model
    assert check_folder(tmp_path / "new" / "model") == tmp_path / "new" / "model"
    assert (tmp_path / "new").is_dir()
    assert contents(tmp_path) == before
    monkeypatch.setattr("taut.store.replace.os.fsync", no_space)
    with pytest.raises(StoreError, match=r"model: cannot be written \(No space left on device\)"):
        check_folder(model)
