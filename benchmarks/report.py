"""What the report costs: making the page, its size, and the time until a browser has it ready.

    python benchmarks/report.py [--repeats 5] [--hidden 128 128]

Three real tables that scikit-learn ships. The fit is a standard one; the page is made from it without what
has to be asked for. The browser is Debian's Chromium, as in tests/report/browser, with the network cut off:
from the start until the page is painted and answers, and until all figures are drawn, as the page
itself measures it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from taut import TautClassifierCV, TautRegressorCV
from taut.report.facts import facts_of
from taut.report.page import write_page

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.report.browser.chromium import ABSENT, find_chromium, open_page

TABLES = {
    "breast cancer": (TautClassifierCV, load_breast_cancer),
    "wine": (TautClassifierCV, load_wine),
    "diabetes": (TautRegressorCV, load_diabetes),
}
MOST_SHARE, MOST_BYTES, MOST_SECONDS = 0.10, 9_000_000, 2.0


def main() -> None:
    """Print a line a table, with the bars."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 128])
    given = parser.parse_args()
    _warm_up()
    print("| table | rows x columns | fit, s | page, s | share (10 %) | MB (9) | usable, s (2) | drawn, s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (kind, load) in TABLES.items():
            X, y = load(return_X_y=True, as_frame=True)
            begun = time.perf_counter()
            model = kind(tuple(given.hidden), random_state=0).fit(X, y)
            fit = time.perf_counter() - begun
            path = Path(folder) / "report.html"
            made = median_time(lambda model=model, path=path: make(model, path), given.repeats)
            size = path.stat().st_size
            usable, drawn = times_until_usable(path, given.repeats)
            bars = made <= MOST_SHARE * fit, size <= MOST_BYTES, usable is None or usable <= MOST_SECONDS
            print(
                f"| {name} | {len(X):,} x {X.shape[1]} | {fit:.1f} | {made:.3f} | {made / fit:.1%} | "
                f"{size / 1e6:.2f} | {_told(usable)} | {_told(drawn)} |"
                f"{'' if all(bars) else ' <- above a bar'}",
                flush=True,
            )


def _warm_up() -> None:
    """Compile, and read plotly's script: each is paid once a process or a machine."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    model = TautClassifierCV((4,), n_candidates=4, cv=2, max_epochs=3, random_state=0).fit(X, y)
    write_page(facts_of(model))


def make(model: Any, path: Path) -> None:
    """Write the page of a fitted estimator."""
    path.write_text(write_page(facts_of(model)), encoding="utf-8")


def median_time(work: Any, repeats: int) -> float:
    """Give the median of wall-clock seconds."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds))


def _told(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"


def times_until_usable(path: Path, repeats: int) -> tuple[float | None, float | None]:
    """Give the medians over fresh browsers until it is painted and answers, and until all is drawn.

    None without a browser.
    """
    chromium = find_chromium()
    if chromium is None:
        print(ABSENT, file=sys.stderr)
        return None, None
    seconds: list[float] = []
    drawn: list[float] = []
    with sync_playwright() as playwright:
        for _ in range(repeats):
            browser = playwright.chromium.launch(executable_path=chromium)
            with open_page(browser, path) as seen:
                seconds.append(seen.ask("() => seen.painted") / 1000)
                drawn.append(seen.ask("() => performance.getEntriesByName('drawn')[0].startTime") / 1000)
            browser.close()
    return float(np.median(seconds)), float(np.median(drawn))


if __name__ == "__main__":
    main()
