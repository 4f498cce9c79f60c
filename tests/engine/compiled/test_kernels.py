"""Compiling once: what the cache depends on, and what happens where there is none."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest

from taut.engine.compiled import kernels
from taut.engine.compiled.engine import CompiledEngine
from tests.engine.helpers import assert_same_weights, make_member, make_problem
from tests.engine.test_laws import EVERYTHING


def small_train(
    rows: Any, encoding: Any, plan: Any, state: Any, scratch: Any, until_epoch: int, budget: int
) -> int:
    """Stands for the real one, which takes half a minute to compile."""
    state.parameters[0] += until_epoch
    return budget


def small_predict(
    values: Any,
    encoding: Any,
    plan: Any,
    parameters: Any,
    statistics: Any,
    scratch: Any,
    chosen: Any,
    out: Any,
) -> None:
    out[:] = parameters[0]


SMALL = SimpleNamespace(train_some=small_train, predict_rows=small_predict)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Small kernels and an empty cache folder of their own."""
    monkeypatch.setattr(kernels, "epochs", SMALL)
    monkeypatch.setattr(kernels, "_loaded", {})
    monkeypatch.setenv("TAUT_CACHE_DIR", str(tmp_path))
    return tmp_path


def works(made: kernels.Kernels) -> bool:
    rows, encoding, plan, state, scratch = kernels._groups(np.float32)
    state.parameters[0] = 1.0
    left = made.train_some(rows, encoding, plan, state, scratch, 5, 9)
    return bool(left == 9 and state.parameters[0] == 6.0)


# --- what the cache depends on ----------------------------------------------------------------------------


def test_the_fingerprint_changes_with_any_source(tmp_path: Path) -> None:
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    for file in files:
        file.write_text("x = 1\n")

    def now() -> str:
        return kernels.fingerprint_of(files, tmp_path)

    first = now()
    assert re.fullmatch("[0-9a-f]{20}", first)
    assert now() == first
    os.utime(files[0], (0, 0))
    assert now() == first  # a date is no content
    files[1].write_text("x = 2\n")
    second = now()
    assert second != first
    files[1].rename(tmp_path / "c.py")
    files[1] = tmp_path / "c.py"
    assert now() not in (first, second)
    assert kernels.fingerprint_of(files[:1], tmp_path) not in (first, second)
    # Text that moves from one file to the next is another text.
    files[0].write_text("x = 1\nx")
    files[1].write_text(" = 2\n")
    assert now() not in (first, second)


def test_the_fingerprint_changes_with_versions_place_and_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {kernels.fingerprint_of([], tmp_path), kernels.fingerprint_of([], tmp_path / "elsewhere")}
    monkeypatch.setattr(kernels.binding, "get_host_cpu_name", lambda: "another")
    found.add(kernels.fingerprint_of([], tmp_path))
    monkeypatch.setattr(kernels.numba, "__version__", "0.0")
    found.add(kernels.fingerprint_of([], tmp_path))
    monkeypatch.setattr(kernels.np, "__version__", "0.0")
    found.add(kernels.fingerprint_of([], tmp_path))
    assert len(found) == 5


def test_the_sources_are_all_that_the_kernels_are_made_from() -> None:
    names = {path.name for path in kernels.sources()}
    here = Path(kernels.__file__).parent
    assert {path.name for path in here.glob("*.py")} <= names
    assert {"l1.py", "l2.py", "streams.py"} <= names  # steps on the weights, and numbers, compiled too
    # Nothing else of taut's is imported by the kernels' own modules.
    imports = re.compile(r"^from (taut\.[\w.]+) import", re.MULTILINE)
    compiled = "simd tiles matmul functions random gather losses layers passes epochs jit".split()
    for name in compiled:
        for module in imports.findall((here / f"{name}.py").read_text()):
            assert module.startswith("taut.engine.compiled.") or module in ("taut.techniques", "taut.streams")


# --- compiling and keeping --------------------------------------------------------------------------------


def test_compiled_once_then_taken_from_the_folder(small: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert not kernels.is_compiled()
    made = kernels.load_kernels()
    assert works(made)
    assert "taut: compiling for this machine, once" in capfd.readouterr().err
    assert kernels.is_compiled()
    assert kernels.load_kernels() is made
    kernels._loaded.clear()
    again = kernels.load_kernels()
    assert works(again)
    assert sum(again.train_some.stats.cache_hits.values()) == 1
    assert capfd.readouterr().err == ""
    assert not kernels.is_compiled(np.float64)  # another type is another compilation


def test_no_other_signature_is_compiled_later(small: Path) -> None:
    made = kernels.load_kernels()
    rows, encoding, plan, state, scratch = kernels._groups(np.float32)
    for wrong in (
        rows._replace(values=rows.values.astype(np.float64)),
        rows._replace(train=rows.train.astype(np.int64)),
        rows._replace(target=np.ones(4)[::2]),
    ):
        with pytest.raises(TypeError, match="No matching definition"):
            made.train_some(wrong, encoding, plan, state, scratch, 5, 9)
    read_only = np.ones((1, 1), np.float32)
    read_only.setflags(write=False)
    with pytest.raises(TypeError, match="No matching definition"):
        made.train_some(rows._replace(values=read_only), encoding, plan, state, scratch, 5, 9)


def test_the_real_kernels_are_closed_too() -> None:
    made = kernels.load_kernels()
    for kernel in (made.train_some, made.predict_rows):
        assert len(kernel.signatures) == 1
        with pytest.raises(TypeError):
            kernel(1, 2)
        assert len(kernel.signatures) == 1


def test_where_no_folder_can_be_written_it_compiles_and_says_so(
    small: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = small / "file"
    file.write_text("")
    monkeypatch.setenv("TAUT_CACHE_DIR", str(file / "below"))
    assert kernels.cache_folder() is None
    assert works(kernels.load_kernels())
    assert "no cache folder can be written, so every process has to do this" in capfd.readouterr().err
    assert kernels.is_compiled()  # in this process
    kernels._loaded.clear()
    assert not kernels.is_compiled()


def test_a_folder_that_fails_while_writing_is_done_without(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    assert works(kernels.load_kernels())
    kernels._loaded.clear()
    assert not kernels.is_compiled()


@pytest.mark.fault(79)
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("*small_train*.nbc", "flipped"),
        ("*small_predict*.nbi", "flipped"),
        ("*.nb*", "cut"),
        ("*small_train*.nb*", "pickle"),
        ("*small_predict*.nbc", "missing"),
    ],
)
def test_a_damaged_file_in_the_folder_is_compiled_again(
    small: Path, name: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    kernels.load_kernels()
    files = list(small.rglob(name))
    assert files
    for i, file in enumerate(files):
        whole = file.read_bytes()
        place = (len(whole) * (2 * i + 1)) // (2 * len(files))
        flipped = bytes([*whole[:place], whole[place] ^ 4, *whole[place + 1 :]])
        another = pickle.dumps("something else")
        changed = {"flipped": flipped, "cut": whole[:place], "missing": b"", "pickle": another}
        file.write_bytes(changed[damage])
        if damage == "missing":
            file.unlink()
    kernels._loaded.clear()
    capfd.readouterr()
    assert works(kernels.load_kernels())
    assert damage == "missing" or "taut: compiling for this machine, once" in capfd.readouterr().err
    kernels._loaded.clear()
    assert kernels.is_compiled()  # whole again
    again = kernels.load_kernels()
    assert works(again)
    assert sum(again.train_some.stats.cache_hits.values()) == 1


def test_numbas_own_cache_setting_is_left_alone(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "somewhere/else")
    kernels.load_kernels()
    assert numba.config.CACHE_DIR == "somewhere/else"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"TAUT_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}, "/a/taut"),
        ("linux", {"XDG_CACHE_HOME": "/b"}, "/b/taut"),
        ("linux", {"HOME": "/home/someone"}, "/home/someone/.cache/taut"),
        ("darwin", {"HOME": "/home/someone"}, "/home/someone/Library/Caches/taut"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/taut"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="these paths are POSIX's")
def test_where_the_folder_is(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TAUT_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(kernels.sys, "platform", platform)
    made: list[Path] = []
    monkeypatch.setattr(Path, "mkdir", lambda self, **options: made.append(self))
    kernels.cache_folder()
    assert str(made[0].parent) == expected


# --- processes --------------------------------------------------------------------------------------------

TWO = """
import sys, tests.engine.compiled.test_kernels as t
from taut.engine.compiled import kernels
kernels.epochs = t.SMALL
assert t.works(kernels.load_kernels())
"""


def run_two(code: str, folder: Path, root: Path) -> None:
    """Run the same code in two processes at once, with an empty cache folder."""
    environment = {**os.environ, "TAUT_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", code]
    both = [
        subprocess.Popen(command, env=environment, cwd=root, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said


def test_two_processes_that_compile_at_once(small: Path, root: Path) -> None:
    run_two(TWO, small, root)
    assert works(kernels.load_kernels())
    assert not list(small.rglob("*.tmp*"))


REAL = """
from tests.engine.helpers import *
from taut.engine.compiled.engine import CompiledEngine
problem = make_problem()
CompiledEngine(1).train(problem, [make_member(problem)])
"""


@pytest.mark.slow
def test_two_processes_that_compile_the_real_kernels_at_once(tmp_path: Path, root: Path) -> None:
    run_two(REAL, tmp_path, root)
    assert len(list(tmp_path.rglob("*.done"))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_trains_the_same() -> None:
    problem = make_problem()
    member = make_member(problem, EVERYTHING)
    expected = CompiledEngine(2).train(problem, [member])[0].weights()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def train() -> None:
        sender.send(CompiledEngine(2).train(problem, [member])[0].weights())

    with warnings.catch_warnings():
        # Newer Pythons warn of forking a process that has threads; PyTorch and BLAS have started some here.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = context.Process(target=train)
        process.start()
    assert receiver.poll(60)
    assert_same_weights(receiver.recv(), expected)
    process.join(60)
    assert process.exitcode == 0
    for thing in (receiver, sender, process):
        thing.close()
