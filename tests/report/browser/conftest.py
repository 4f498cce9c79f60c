from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from taut.report.page import write_page
from tests.report.browser.chromium import NARROW, Seen, launched, open_page
from tests.report.browser.pages import PAGES


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder."""
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def written(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the page of that name lies; it is made when first asked for, and not without a browser."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(write_page(PAGES[name]()), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="package", params=PAGES, ids=str)
def path(request: pytest.FixtureRequest, written: Callable[[str], Path]) -> Path:
    """Each page in turn."""
    return written(request.param)


@pytest.fixture(scope="package")
def wide(browser: Browser, path: Path) -> Iterator[Seen]:
    """Each page at a desktop's width, opened once: a test leaves it as it was."""
    with open_page(browser, path) as seen:
        yield seen


@pytest.fixture(scope="package")
def narrow(browser: Browser, path: Path) -> Iterator[Seen]:
    """A page on a phone, opened once."""
    with open_page(browser, path, width=NARROW, phone=True) as seen:
        yield seen
