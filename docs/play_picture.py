"""Write docs/play.png from a real run: ``python docs/play_picture.py``. It needs Chromium and taut[play]."""

from __future__ import annotations

import json
import sys
import threading
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from taut.play.server import Server
from taut.play.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.report.browser.chromium import ABSENT, find_chromium

MOST_BYTES = 300_000
SETTINGS = {"problem": "blobs", "noise": 0.3, "max_epochs": 200}


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit(ABSENT)
    server, started = Server(None, Settings()), threading.Event()
    threading.Thread(target=server.run, args=(started.set,), daemon=True).start()
    started.wait()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(f"{server.address}#{json.dumps(SETTINGS)}")
        over = page.wait_for_selector
        over('html[data-state="over"][data-epoch="200"]')
        page.click("#pin")
        page.check("#on-l2")
        over("#did-l2:not(:empty)")
        page.wait_for_timeout(1000)  # until it rests
        picture = Image.open(BytesIO(page.screenshot()))
        browser.close()
    server.stop()
    path = Path(__file__).with_name("play.png")
    picture.convert("RGB").quantize(256).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        sys.exit(f"{path} has {path.stat().st_size:,} bytes: take less of the page.")
    print(path, f"{path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
