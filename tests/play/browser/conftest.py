from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from taut.play.server import Server
from tests.play.browser.opened import Opened, opened
from tests.play.helpers import quick
from tests.play.serving import served
from tests.report.browser.chromium import launched

#: Trained in a blink, with curves that can be told apart.
START = quick(n_rows=120, hidden=(16,), max_epochs=40)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder."""
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def server(browser: Browser) -> Iterator[Server]:
    """One server for all tests of this folder, and none without a browser."""
    with served(START) as found:
        yield found


@pytest.fixture
def play(browser: Browser, server: Server) -> Iterator[Opened]:
    """A page whose first network is trained; nothing may fail in it, and nothing be asked for elsewhere."""
    with opened(browser, server.address) as found:
        yield found
        assert found.errors == []
        assert found.elsewhere == []
