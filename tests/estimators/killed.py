"""Run as a script: a resumable search is killed again and again, and then left to its end.

    python killed.py FOLDER KILLS

Every session is a child of this process, which imports taut once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from taut import TautClassifierCV
from taut.engine.compiled.kernels import load_kernels


def table() -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((600, 6))
    y = np.digitize(X[:, 0] - X[:, 1] ** 2 + rng.standard_normal(600), [-1.5, 0.0])
    return X, y


def session(folder: Path, name: str, resume: Path | None) -> None:
    """Fit, and write what came of it."""
    X, y = table()
    fitted = TautClassifierCV(
        hidden=(16,), cv=3, n_candidates=40, max_epochs=80, resume=resume, random_state=3, n_jobs=2
    ).fit(X, y)
    arrays = {
        f"{i}.{key}": array
        for i, network in enumerate(fitted.model_.networks)
        for key, array in network.weights.items()
    }
    for key in ("test", "train"):
        arrays |= {f"{key}.{k}": fitted.cv_results_[f"split{k}_{key}_score"] for k in range(3)}
    arrays["rows"] = fitted.row_losses_
    arrays["epochs"] = np.array([c.fold_epochs for c in fitted.candidates_])
    arrays["recipe"] = np.array(f"{fitted.recipe_!r} {fitted.learning_rate_} {fitted.best_index_}")
    np.savez(folder / name, **arrays)


def in_a_child(folder: Path, name: str, resume: Path | None) -> int:
    """Start a session; gives the child's number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        warnings.simplefilter("error")
        session(folder, name, resume)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main(folder: Path, kills: int) -> None:
    load_kernels()
    started = time.monotonic()
    _, code = os.waitpid(in_a_child(folder, "whole.npz", None), 0)
    assert code == 0
    whole = time.monotonic() - started
    moments = random.Random(int(started * 1000))
    n = 0
    while n < kills:
        child = in_a_child(folder, "resumed.npz", folder / "search.db")
        # Short at first, so that moments before anything is done are among them.
        time.sleep(moments.uniform(0.0, whole / kills * min(1.0, (n + 1) / 4)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0, "a session failed"
            break
        n += 1
    if not (folder / "resumed.npz").exists():
        _, code = os.waitpid(in_a_child(folder, "resumed.npz", folder / "search.db"), 0)
        assert code == 0
    print(n)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
