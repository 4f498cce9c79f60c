"""Write docs/report.png and docs/explorer.png from a real run: ``python docs/pictures.py``.

The table is scikit-learn's diabetes; every number in the pictures is of that run. It needs Chromium, as
tests/report/browser does.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_diabetes

from taut import TautRegressorCV, regularization_path
from taut.paths.several import techniques_of
from taut.report.facts import facts_of
from taut.report.page import write_page

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.report.browser.chromium import ABSENT, WIDE, find_chromium, open_page

MOST_BYTES = 300_000


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit(ABSENT)
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    model = TautRegressorCV(random_state=0).fit(X, y)
    paths = [regularization_path(X, y, kind, strengths=12, random_state=0) for kind in techniques_of(model)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        path.write_text(write_page(facts_of(model, paths=paths)), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium)
        with open_page(browser, path) as seen:
            page = seen.page
            take(page, "report.png", 0, bottom_of(page, "#curves .plot"))
            page.locator("input[name=explorer-technique][value=l1]").check()
            take(page, "explorer.png", top_of(page, "#explorer"), bottom_of(page, "#explorer .plot"))
        browser.close()


def top_of(page: Page, selector: str) -> float:
    """Where the first of these begins, in pixels from the page's top."""
    return float(page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().top + scrollY"))


def bottom_of(page: Page, selector: str) -> float:
    """Where the last of these that can be seen ends."""
    ends = page.evaluate(
        f"[...document.querySelectorAll('{selector}')].filter((one) => one.checkVisibility())"
        ".map((one) => one.getBoundingClientRect().bottom + scrollY)"
    )
    return float(max(ends))


def take(page: Page, name: str, top: float, bottom: float) -> None:
    """Write a picture of the page's full width between two heights."""
    path = Path(__file__).with_name(name)
    clip = {"x": 100.0, "y": top, "width": WIDE - 200.0, "height": bottom - top + 12}
    picture = Image.open(BytesIO(page.screenshot(full_page=True, clip=clip)))  # type: ignore[arg-type]
    picture.convert("RGB").quantize(256).save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{path} has {size:,} bytes: take less of the page.")
    print(path, f"{size:,} bytes")


if __name__ == "__main__":
    main()
