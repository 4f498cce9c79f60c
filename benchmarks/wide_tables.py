"""What reading a wide table costs, in processor time beside pandas.read_csv of the same file.

    python benchmarks/wide_tables.py [--repeats 5] [--json FILE]

taut's side is all that comes before training: read_file, describe, matrix and an encoder of all rows. The two
take turns, and each first run is not counted. The bar is three times pandas' time on 100 x 20,000 numbers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from taut.table.columns import describe
from taut.table.encoder import Encoder
from taut.table.matrices import matrix
from taut.table.read import read_file

SHAPES = (("numbers", 100, 20_000), ("mixed", 100, 20_000), ("mixed", 300, 10_000), ("numbers", 1000, 10_000))
BAR = 3.0


def main() -> None:
    """Print a line a table, with the bar."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = []
    print("| columns | rows x columns | pandas, s | taut, s | ratio (3) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, n_rows, n_columns in SHAPES:
            path = Path(folder) / "wide.csv"
            write(path, kind, n_rows, n_columns)
            pandas, taut = interleaved(
                lambda path=path: pd.read_csv(path), lambda path=path: ready(path), given.repeats
            )
            found.append({"kind": kind, "rows": n_rows, "columns": n_columns, "pandas": pandas, "taut": taut})
            mark = "" if taut <= BAR * pandas else " <- above the bar"
            shape = f"{n_rows:,} x {n_columns:,}"
            print(f"| {kind} | {shape} | {pandas:.2f} | {taut:.2f} | {taut / pandas:.2f} |{mark}", flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def write(path: Path, kind: str, n_rows: int, n_columns: int) -> None:
    """Write a table of numbers, or of numbers, integers, texts, dates, yes or no, and gaps by turns."""
    rng = np.random.default_rng(0)
    numbers = np.char.mod("%.6f", rng.normal(size=(n_rows, n_columns)))
    if kind == "mixed":
        numbers = numbers.astype("U10")
        shape = numbers[:, ::6].shape
        numbers[:, 1::6] = rng.integers(0, 1000, numbers[:, 1::6].shape).astype(str)
        numbers[:, 2::6] = rng.choice(["red", "green", "dark blue"], numbers[:, 2::6].shape)
        days = np.datetime64("2020-01-01") + rng.integers(0, 900, numbers[:, 3::6].shape)
        numbers[:, 3::6] = days.astype(str)
        numbers[:, 4::6] = rng.choice(["yes", "no"], numbers[:, 4::6].shape)
        numbers[:, ::6] = np.where(rng.random(shape) < 0.2, "", numbers[:, ::6])
    lines = [
        ",".join(f"c{place}" for place in range(n_columns)),
        *(",".join(row) for row in numbers.tolist()),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ready(path: Path) -> None:
    """Read a table and do what is done once before training, and the encoder of one fold."""
    frame = read_file(path)
    made = matrix(describe(frame), frame, strict=False)
    Encoder.fit(made, np.arange(made.n_rows))


def interleaved(one: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median processor seconds of two functions that take turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        for run, taken in zip((one, other), times, strict=True):
            begun = time.process_time()
            run()
            taken.append(time.process_time() - begun)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


if __name__ == "__main__":
    main()
