"""What needs a process of its own: memory, compilation; and prediction, which takes a while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any

import numpy as np
from engine_common import index, make_table, medians, problem_of, table
from threadpoolctl import threadpool_limits

HERE = os.path.dirname(os.path.abspath(__file__))
MEMBERS, ROWS, COLUMNS, HIDDEN = 100, 100_000, 50, (128, 128)
MANY = 1_000_000


def in_process(code: str, **environment: str) -> Any:
    """What some code prints as JSON, run in a new process."""
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, env={**os.environ, **environment}, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    return json.loads(found.stdout.splitlines()[-1])


# --- memory -----------------------------------------------------------------------------------------------


def memory_mb(what: str) -> float:
    """Memory of this process: "VmRSS" at the moment, "VmHWM" the most so far.

    Not from getrusage, whose maximum counts the parent's memory from before the process was its own.
    """
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(what))
    return int(line.split()[1]) / 1024


def engine_memory() -> dict[str, float]:
    """Train 100 members, that is 20 recipes on five folds, from making the table on."""
    from engine_common import RECIPE, Taut

    from taut.engine.compiled.engine import CompiledEngine
    from taut.learning.architecture import MLP
    from taut.learning.problem import Fold
    from taut.learning.training import Member
    from taut.techniques import EarlyStopping

    Taut((8,), 64).epochs(3)
    before = memory_mb("VmRSS")
    X, y = make_table(ROWS, COLUMNS)
    part = ROWS // 5
    folds = []
    for k in range(5):
        held_out = index(k * part, (k + 1) * part)
        train = np.setdiff1d(index(0, ROWS), held_out, assume_unique=True).astype(np.int32)
        folds.append(Fold(train, held_out, train[:part].copy()))
    hooks = RECIPE.with_(EarlyStopping()).hooks()
    members = [Member(MLP(HIDDEN), hooks, folds[i % 5], 1e-3, 256, 300, i) for i in range(MEMBERS)]
    CompiledEngine(2).train(problem_of(X, y), members, until_epoch=1)
    return {"before": before, "peak": memory_mb("VmHWM")}


def estimator_memory() -> dict[str, float]:
    """The same through TautClassifierCV: 20 candidates on five folds."""
    from taut import TautClassifierCV

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = make_table(500, COLUMNS)
        TautClassifierCV(HIDDEN, n_candidates=8, max_epochs=2, random_state=0, n_jobs=2).fit(X, y)
        before = memory_mb("VmRSS")
        X, y = make_table(ROWS, COLUMNS)
        TautClassifierCV(HIDDEN, n_candidates=20, max_epochs=1, random_state=0, n_jobs=2).fit(X, y)
    return {"before": before, "peak": memory_mb("VmHWM")}


def memory() -> str:
    if not os.path.exists("/proc/self/status"):
        return "Memory: this system has no /proc to read it from.\n"
    size = ROWS * COLUMNS * 4 / 2**20
    lines = []
    for what, name in (
        ("100 members in the engine", "engine_memory"),
        ("TautClassifierCV, 20 x 5", "estimator_memory"),
    ):
        found = in_process(f"import json, engine_process as e; print(json.dumps(e.{name}()))")
        above = found["peak"] - found["before"]
        lines.append(
            [what, f"{found['before']:.0f}", f"{found['peak']:.0f}", f"{above:.0f}", f"{3 * size + 100:.0f}"]
        )
    title = f"Peak memory in MB, {ROWS:,} rows x {COLUMNS} columns ({size:.0f} MB as float32), two threads"
    return table(title, ["", "after warm-up", "peak", "above", "bar"], lines)


# --- prediction -------------------------------------------------------------------------------------------


def prediction(rounds: int) -> str:
    """A million rows through one network: the engine, the estimator, and scikit-learn's."""
    from sklearn.neural_network import MLPClassifier

    from taut import TautClassifier

    X, y = make_table(MANY, 32)
    lines = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp = MLPClassifier(HIDDEN, max_iter=2).fit(X[:2000], y[:2000])
        for cores in (1, os.cpu_count() or 1):
            taut = TautClassifier(HIDDEN, max_epochs=2, n_jobs=cores).fit(X[:2000], y[:2000])
            seconds: tuple[list[float], list[float]] = ([], [])
            with threadpool_limits(cores):
                for _ in range(rounds):
                    for place, net in enumerate((taut, mlp)):
                        started = time.perf_counter()
                        net.predict_proba(X)
                        seconds[place].append(time.perf_counter() - started)
            ours, theirs = medians(seconds)
            lines.append([str(cores), f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}"])
    title = f"predict_proba of {MANY:,} float32 rows x 32 columns, hidden {HIDDEN} (bar: not slower)"
    return table(title, ["threads", "TautClassifier s", "MLPClassifier s", "times faster"], lines)


# --- compilation ------------------------------------------------------------------------------------------

LOAD = """
import json, time
started = time.perf_counter()
from taut.engine.compiled.kernels import load_kernels
imported = time.perf_counter()
load_kernels()
print(json.dumps([imported - started, time.perf_counter() - imported]))
"""


def compilation() -> str:
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for what in ("empty cache folder", "full cache folder"):
            imported, loaded = in_process(LOAD, TAUT_CACHE_DIR=folder)
            lines.append([what, f"{imported:.2f}", f"{loaded:.2f}"])
    return table("Compilation (bar: 30 s once per machine)", ["", "imports s", "kernels s"], lines)
