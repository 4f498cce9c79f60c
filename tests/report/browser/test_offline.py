"""A page works from the file system: nothing fails, nothing is fetched, no name becomes a script."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.report.browser.chromium import Seen, open_page
from tests.report.models import NASTY


def test_nothing_fails_and_nothing_is_fetched(wide: Seen) -> None:
    # What a person does: copy, go to a section, point at figures; what other tests did counts too.
    wide.page.get_by_role("button", name="Copy the taut code").click()
    wide.page.get_by_role("link", name="Data").click()
    for figure in wide.page.locator(".plot:visible").all():
        figure.hover()
    wide.page.wait_for_timeout(50)
    assert wide.page.locator("#copied").inner_text() != ""
    assert wide.errors == []
    assert wide.policy == []
    assert wide.requests == []
    assert wide.dialogs == []


def test_what_is_forbidden_would_be_seen(browser: Browser, written: Callable[[str], Path]) -> None:
    with open_page(browser, written("one network")) as seen:
        seen.ask(
            """() => {
              const script = document.createElement("script");
              script.textContent = "alert(1)";
              document.body.append(script);
              const image = document.createElement("img");
              image.src = "http://127.0.0.1:9/seen.png";
              document.body.append(image);
            }"""
        )
        seen.page.wait_for_timeout(100)
        assert seen.dialogs == []
        assert {one.split()[0] for one in seen.policy} >= {"script-src-elem", "img-src"}
        assert seen.errors


@pytest.mark.parametrize("path", ["nasty names"], indirect=True)
def test_a_name_that_is_a_script_is_shown_as_text(wide: Seen) -> None:
    assert wide.page.locator("table.columns th[scope=row]").first.inner_text() == NASTY
    assert NASTY in wide.page.locator("#data").inner_text()
    for script in wide.ask("() => [...document.scripts].map((one) => one.textContent)"):
        assert script.strip() != "alert(1)"
    assert wide.dialogs == []


def test_a_page_is_at_most_nine_megabytes(path: Path) -> None:
    assert path.stat().st_size <= 9_000_000


@pytest.mark.parametrize("path", ["three classes"], indirect=True)
def test_colours_follow_the_reader(wide: Seen) -> None:
    light = wide.ask(_COLOURS)
    wide.page.emulate_media(color_scheme="dark")
    wide.page.wait_for_timeout(50)
    dark = wide.ask(_COLOURS)
    wide.page.emulate_media(color_scheme="light")
    wide.page.wait_for_timeout(50)
    assert light["back"] != dark["back"]
    assert light["line"] != dark["line"]  # the figures are drawn again
    assert wide.ask(_COLOURS) == light


_COLOURS = """() => ({
  back: getComputedStyle(document.body).backgroundColor,
  line: getComputedStyle(document.querySelector(".plot .scatterlayer .js-line")).stroke,
})"""


def test_a_page_that_arrives_slowly_has_its_explorer(
    browser: Browser, written: Callable[[str], Path]
) -> None:
    """Its last part comes when the figures above may be drawn already."""
    page = written("two classes").read_bytes()
    half = page.index(b'id="explorer-data"')

    class Slowly(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page[:half])
            self.wfile.flush()
            time.sleep(2.5)
            self.wfile.write(page[half:])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slowly)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    try:
        tab = context.new_page()
        tab.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="commit")
        tab.wait_for_selector("html[data-drawn]", state="attached")
        assert tab.locator("#explorer-curves .main-svg").count() > 0
        assert tab.locator("#explorer-said").inner_text() != ""
    finally:
        context.close()
        server.shutdown()
        server.server_close()
