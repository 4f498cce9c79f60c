"""Compiling the kernels, once per machine.

Numba's own cache looks at the file of the cached function only: after an edit or an upgrade of a helper in
another file it would run old machine code.  So the cache lies in a folder named after everything that the
machine code depends on: all kernel sources, the techniques' weight steps, the versions and the processor.
Both kernels are compiled for one signature and closed to any other.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba import njit, typeof, types
from numpy.typing import DTypeLike

from taut.engine.compiled import epochs
from taut.engine.compiled.records import Encoding, Plan, Rows, Scratch, State
from taut.engine.compiled.sealed import SealedCache, is_whole

_lock = threading.RLock()


@dataclass(frozen=True)
class Kernels:
    """The two functions, compiled for one type of float."""

    train_some: Any
    predict_rows: Any
    seconds: float  # spent on compiling or loading


def cache_folder() -> Path | None:
    """The folder of the machine code, made if need be; None where no folder can be written."""
    base = os.environ.get("TAUT_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(base) if base else _user_cache()
        folder = root / "taut" / f"kernels-{fingerprint()}"
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"probe-{os.getpid()}-{threading.get_ident()}"
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, RuntimeError):
        return None
    return folder


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def sources() -> list[Path]:
    """All files that the machine code is made from."""
    here = Path(__file__).parent
    taut = here.parent.parent
    return [*sorted(here.glob("*.py")), *sorted((taut / "techniques").glob("*.py")), taut / "streams.py"]


@functools.cache
def fingerprint() -> str:
    """A hash of all that the machine code depends on."""
    return fingerprint_of(sources(), Path(__file__).parent)


def fingerprint_of(files: Sequence[Path], home: Path) -> str:
    """A hash of the files' contents, the versions and the processor.

    And of the place of the cached functions' own file: Numba keeps machine code by it, so a second copy of
    taut would compile again, unannounced.
    """
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    features = sorted(k for k, v in binding.get_host_cpu_features().items() if v)
    versions = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version())
    machine = (platform.machine(), binding.get_host_cpu_name(), features)
    digest.update(repr((versions, machine, str(home.resolve()))).encode())
    return digest.hexdigest()[:20]


def is_compiled(dtype: DTypeLike = np.float32) -> bool:
    """Whether the kernels are at hand without compiling: in this process, or on disk."""
    if np.dtype(dtype) in _loaded:
        return True
    folder = cache_folder()
    if folder is None or not (folder / f"{np.dtype(dtype).name}.done").exists():
        return False
    return all(map(is_whole, folder.glob("*/*.nb[ci]")))


_loaded: dict[np.dtype[Any], Kernels] = {}


def load_kernels(dtype: DTypeLike = np.float32) -> Kernels:
    """The kernels for one type of float, compiled on first use with a line on standard error that says so."""
    dtype = np.dtype(dtype)
    with _lock:
        if dtype not in _loaded:
            _loaded[dtype] = _compile(dtype)
        return _loaded[dtype]


def _compile(dtype: np.dtype[Any]) -> Kernels:
    folder = cache_folder()
    started = time.perf_counter()
    if not is_compiled(dtype):
        again = "" if folder else "; no cache folder can be written, so every process has to do this"
        text = f"taut: compiling for this machine, once, some 15 seconds{again} ..."
        with contextlib.suppress(OSError):  # where it cannot be printed, the work continues
            print(text, file=sys.stderr, flush=True)
    train = _compiled(epochs.train_some, _train_signature(dtype), folder)
    predict = _compiled(epochs.predict_rows, _predict_signature(dtype), folder)
    if folder and train.stats.cache_path and predict.stats.cache_path:
        with contextlib.suppress(OSError):
            (folder / f"{dtype.name}.done").touch()
    return Kernels(train, predict, time.perf_counter() - started)


def _compiled(function: Any, signature: Any, folder: Path | None) -> Any:
    """Compile for one signature, with the machine code kept in the folder, and forbid any other.

    A damaged file is compiled again and written over; where the cache cannot be used at all (a full disk), it
    is thrown away, and compiled without.
    """
    if folder is None:
        dispatcher = njit(nogil=True)(function)
        dispatcher.compile(signature)
    else:
        before = numba.config.CACHE_DIR
        try:
            numba.config.CACHE_DIR = str(folder)
            dispatcher = njit(nogil=True)(function)
            dispatcher._cache = SealedCache(function)
            dispatcher.compile(signature)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            return _compiled(function, signature, None)
        finally:
            numba.config.CACHE_DIR = before
    dispatcher.disable_compile()
    return dispatcher


def _array(dtype: DTypeLike, dimensions: int = 1) -> Any:
    return np.empty((1,) * dimensions, dtype=dtype)


def _groups(dtype: DTypeLike) -> tuple[Rows, Encoding, Plan, State, Scratch]:
    """One example of each group of arrays, from which Numba reads the types."""
    real, index = _array(dtype), _array(np.int32)
    rows = Rows(_array(np.float32, 2), _array(np.float64), real, real, real, index, index, index)
    number = _array(np.float32)
    encoding = Encoding(
        number, number, index, index, index, np.float32(0), index, index, number, number, index
    )
    plan = Plan(_array(np.int64, 2), _array(np.int64), _array(np.float64))
    state = State(
        *(real, real, real, real, real, real, real, real),
        *(_array(np.float64, 2), _array(np.float32), _array(np.float32)),
        *(_array(np.int64), _array(np.float64)),
    )
    return rows, encoding, plan, state, Scratch(real, _array(np.int64), index)


def _train_signature(dtype: DTypeLike) -> Any:
    kinds = [typeof(group) for group in _groups(dtype)]
    return types.intp(*kinds, types.intp, types.intp)


def _predict_signature(dtype: DTypeLike) -> Any:
    rows, encoding, plan, state, scratch = _groups(dtype)
    real = typeof(state.parameters)
    return types.void(
        typeof(rows.values), typeof(encoding), typeof(plan), real, real, typeof(scratch),
        typeof(rows.train), typeof(_array(dtype, 2)),
    )  # fmt: skip
