"""Chromium as the machine has it, cut off from every network, and what a page did in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

Scheme = Literal["light", "dark"]

WIDE, NARROW = 1280, 390  # a desktop's and a phone's width

ABSENT = (
    "The pages were not opened in a browser: there is no chromium, chromium-browser or "
    "google-chrome. Install one (Debian: apt-get install chromium), or set TAUT_CHROMIUM to its path."
)

# Runs before the page's own scripts; the security policy does not concern it.
_WATCH = """
window.seen = {policy: []};
addEventListener("securitypolicyviolation", (one) => {
  seen.policy.push(`${one.violatedDirective} ${one.blockedURI}`);
});
addEventListener("DOMContentLoaded", () => {
  seen.height = document.documentElement.scrollHeight;
  requestAnimationFrame(() => requestAnimationFrame(() => { seen.painted = performance.now(); }));
});
"""


def find_chromium() -> str | None:
    """The browser's path; what TAUT_CHROMIUM says goes first."""
    names = [os.environ.get("TAUT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; CI sets TAUT_NEEDS_BROWSER, and fails without one."""
    path = find_chromium()
    if path is None:
        if os.environ.get("TAUT_NEEDS_BROWSER", "0") not in ("", "0"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path)
        yield found
        found.close()


@final
@dataclass
class Seen:
    """A page in the browser, and what it did that it should not."""

    page: Page
    context: BrowserContext
    url: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    @property
    def policy(self) -> list[str]:
        """Violations of the security policy."""
        found: list[str] = self.page.evaluate("seen.policy")
        return found

    def asked(self, url: str) -> None:
        """Note a request, but for the page itself and what it holds within."""
        if url != self.url and not url.startswith(("data:", "blob:")):
            self.requests.append(url)

    def ask(self, script: str, given: Any = None) -> Any:
        """What a function says in the page; ``page.wait_for_function`` would need eval."""
        return self.page.evaluate(script, given)


def open_page(
    browser: Browser, path: Path, *, width: int = WIDE, scheme: Scheme = "light", phone: bool = False
) -> Seen:
    """Open a file as a person does, with the network cut off, and wait until it is drawn."""
    context = browser.new_context(
        offline=True,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        has_touch=phone,
        is_mobile=phone,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    context.add_init_script(_WATCH)
    seen = Seen(context.new_page(), context, path.as_uri())

    def refuse(route: Route) -> None:
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            route.abort()

    context.route("**/*", refuse)
    page = seen.page
    page.on("console", lambda one: seen.errors.append(f"console.{one.type}: {one.text}"))
    page.on("pageerror", lambda one: seen.errors.append(str(one)))
    # The route sees what leaves the page; this also sees what something refused before.
    page.on("request", lambda one: seen.asked(one.url))

    def dismiss(dialog: Any) -> None:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return seen
