"""Accuracy at equal time: taut against other networks and boosted trees on real tables.

    python benchmarks/accuracy.py [--json] [--tables spam,hpc,...] [--splits 1] [--limits 60]
                                  [--methods taut,catboost,...] [--python METHOD=PATH ...]

Every fit runs in a process of its own, with the whole machine and the same limit in seconds of wall-clock
time, which includes everything but the compilation of taut's kernels, once a machine. A quarter of the rows
is held out, another one for each split. ``--python taut-old=...`` runs taut of another checkout, by the
Python of its environment; the others need ``make peers``, and ``--python peers=...`` where that environment
is elsewhere.
Scores are the log loss, or the RMSE over the standard deviation of the held-out target.

``--json`` prints a list of objects: table, split, limit, method, loss, seconds, and what the method tells.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from tables import TABLES

FIT = Path(__file__).parent / "accuracy_fit.py"
METHODS = (
    *("taut", "taut-early", "taut-no-pieces", "catboost", "catboost-tuned", "lightgbm", "lightgbm-tuned"),
    *("xgboost", "xgboost-tuned", "sklearn-trees", "sklearn-mlp", "realmlp", "tabm"),
)


def fitted(table: str, split: int, limit: float, method: str, python: str) -> dict[str, Any]:
    """One fit in its own process; its error where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        call = [python, str(FIT), table, str(split), str(limit), method.removesuffix("-old")]
        run = subprocess.run(call, capture_output=True, text=True, cwd=folder, check=False)
    found: dict[str, Any] = {"table": table, "split": split, "limit": limit, "method": method}
    if run.returncode:
        return found | {"error": run.stderr.strip().splitlines()[-1][:200] if run.stderr else "killed"}
    return found | json.loads(run.stdout.splitlines()[-1])


def in_words(found: list[dict[str, Any]]) -> str:
    """The losses, mean ranks where all methods have one, and the ratio to taut's."""
    lines = []
    methods = list(dict.fromkeys(one["method"] for one in found))
    for limit in sorted({one["limit"] for one in found}):
        losses: dict[tuple[str, int], dict[str, float]] = {}
        for one in found:
            if one["limit"] == limit and "loss" in one:
                losses.setdefault((one["table"], one["split"]), {})[one["method"]] = one["loss"]
        lines.append(f"limit {limit:g} s: {', '.join(methods)}")
        for (table, split), row in losses.items():
            shown = "  ".join(f"{row[m]:.4f}" if m in row else "     -" for m in methods)
            lines.append(f"  {table:14} {split}  {shown}")
        whole = [row for row in losses.values() if len(row) == len(methods)]
        if whole and len(methods) > 1:
            table = np.array([[row[m] for m in methods] for row in whole])
            ranks = np.apply_along_axis(rankdata, 1, table).mean(axis=0)
            ratios = np.exp(np.log(table / table[:, :1]).mean(axis=0))
            wins = (table[:, :1] < table).mean(axis=0)
            for m, rank, ratio, won in zip(methods, ranks, ratios, wins, strict=True):
                lines.append(
                    f"  {m:14} mean rank {rank:.2f}, loss {ratio:.3f} times {methods[0]}'s, "
                    f"which is lower on {won:.0%}"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--tables", default=",".join(table.name for table in TABLES))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--limits", type=float, nargs="+", default=[10.0, 60.0, 300.0])
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--python", nargs="*", default=[], metavar="METHOD=PATH")
    given = parser.parse_args()
    pythons = dict(one.split("=", 1) for one in given.python)
    peers = pythons.get("peers", str(Path(__file__).parent.parent / ".peers" / "bin" / "python"))
    found = []
    for limit in given.limits:
        for table in given.tables.split(","):
            for split in range(given.splits):
                for method in given.methods.split(","):
                    own = sys.executable if method.startswith(("taut", "sklearn")) else peers
                    found.append(fitted(table, split, limit, method, pythons.get(method, own)))
                    if not given.json:
                        print(found[-1], file=sys.stderr, flush=True)
    print(json.dumps(found, indent=2) if given.json else in_words(found))


if __name__ == "__main__":
    main()
