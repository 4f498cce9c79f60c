"""How fast taut play answers: from a moved slider to the first epoch on the screen, and the stream after it.

    python benchmarks/play.py [--json] [--moves 20]

A headless Chromium moves the slider of L2 on two toy problems and two tables; the page and its server run on
this machine. For each problem: milliseconds from the slider's event to the first epoch of the new run drawn
(median and 95th percentile), and to the last of 100 epochs; epochs a second streamed as fast as it goes; and
while 300 epochs stream at 100 a second, the frames of the screen that were missed of 60 a second, and the
longest pause between two.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import make_classification

from taut.engine.compiled.engine import CompiledEngine
from taut.play.data import Data
from taut.play.server import Server
from taut.play.settings import Settings, read

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("two moons, 300 rows", {"problem": "moons", "max_epochs": 100}),
    ("spiral, 1,000 rows", {"problem": "spiral", "n_rows": 1000, "max_epochs": 100}),
    ("breast cancer, 569 x 30", {"problem": "breast_cancer", "max_epochs": 100}),
    ("made table, 1,000 x 20, 64-64", {"problem": "own", "max_epochs": 100, "batch_size": 64}),
)
_MOVE = """([value, last]) => new Promise((done) => {
  const root = document.documentElement;
  const slider = document.getElementById("slider-l2-strength");
  const before = root.dataset.run;
  const found = {};
  const watch = new MutationObserver(() => {
    if (root.dataset.run === before) return;
    const now = performance.now() - begun;
    if (found.first === undefined) found.first = now;
    if (Number(root.dataset.epoch) >= last) { watch.disconnect(); found.last = now; done(found); }
  });
  watch.observe(root, { attributes: true });
  slider.value = value;
  const begun = performance.now();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
_FRAMES = """(last) => new Promise((done) => {
  const root = document.documentElement;
  const times = [];
  const tick = (now) => {
    times.push(now);
    if (Number(root.dataset.epoch) >= last) {
      const gaps = times.slice(1).map((time, i) => time - times[i]);
      done({ seconds: (times.at(-1) - times[0]) / 1000, frames: gaps.length, longest: Math.max(...gaps) });
    } else requestAnimationFrame(tick);
  };
  document.getElementById("reset").click();
  setTimeout(() => { document.getElementById("run").click(); requestAnimationFrame(tick); }, 1000);
})"""


def own_table() -> Data:
    """1,000 rows x 20 columns, two classes."""
    X, y = make_classification(1000, 20, n_informative=8, random_state=0)
    return Data(X, y, "classification", "made", "class")


def measured(page: Page, address: str, name: str, given: dict[str, Any], moves: int) -> dict[str, Any]:
    """One problem."""
    page.goto("about:blank")
    page.goto(f"{address}#{json.dumps(given)}")
    page.wait_for_selector('html[data-state="over"][data-epoch="100"]')
    values = np.random.default_rng(0).integers(100, 900, moves).tolist()
    found = []
    for value in values:
        found.append(page.evaluate(_MOVE, [value, 100]))
        page.wait_for_timeout(600)  # what the network is compared with is trained meanwhile
    page.fill("#set-max_epochs", "300")
    page.keyboard.press("Tab")
    page.wait_for_selector('html[data-state="over"][data-epoch="300"]')
    page.select_option("#pace", "100")
    streamed = page.evaluate(_FRAMES, 300)
    page.select_option("#pace", "0")
    first, last = ([one[key] for one in found] for key in ("first", "last"))
    wanted = 60 * streamed["seconds"]
    return {
        "problem": name,
        "first_ms": statistics.median(first),
        "first_ms_p95": float(np.percentile(first, 95)),
        "last_ms": statistics.median(last),
        "epochs_a_second": 1000 * 100 / statistics.median(last),
        "stream_seconds": streamed["seconds"],
        "frames_missed": max(0.0, 1.0 - streamed["frames"] / wanted),
        "longest_pause_ms": streamed["longest"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    given = parser.parse_args()
    CompiledEngine(1).prepare()
    own = own_table()
    server = Server(own, read({"problem": "own"}, own, Settings()))
    started = threading.Event()
    threading.Thread(target=server.run, args=(started.set,), daemon=True).start()
    started.wait()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        found = [measured(page, str(server.address), name, one, given.moves) for name, one in CASES]
        browser.close()
    server.stop()
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        print(
            f"{one['problem']:32} first epoch {one['first_ms']:.0f} ms (95 %: {one['first_ms_p95']:.0f}), "
            f"100 epochs {one['last_ms']:.0f} ms, frames missed {one['frames_missed']:.1%}, "
            f"longest pause {one['longest_pause_ms']:.0f} ms"
        )


if __name__ == "__main__":
    main()
