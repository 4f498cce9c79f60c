"""The page in a browser, and what a person does with it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

from playwright.sync_api import Browser, Page, Route

from taut.play.guard import Address
from tests.play.listening import PATIENCE
from tests.report.browser.chromium import WIDE, Scheme

# What to say where something does not come.
_STATE = """() => [
  JSON.stringify(document.documentElement.dataset), document.getElementById("trouble").textContent
]"""


@final
@dataclass
class Opened:
    """An open page."""

    page: Page
    address: Address
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def until(self, script: str, given: Any = None) -> Any:
        """What a function in the page says as soon as it is true; ``wait_for_function`` would need eval."""
        end = time.monotonic() + PATIENCE
        while not (found := self.page.evaluate(script, given)):
            assert time.monotonic() < end, self.page.evaluate(_STATE)
            self.page.wait_for_timeout(20)
        return found

    @property
    def run(self) -> int:
        """The number of the run that is drawn."""
        return int(self.page.evaluate("() => Number(document.documentElement.dataset.run ?? 0)"))

    def over(self, after: int = 0) -> int:
        """Wait until a run after that one is over and drawn; give its number."""
        script = """async (after) => {
          const found = () => {
            const { state, run, epoch, rest } = document.documentElement.dataset;
            return ["over", "diverged"].includes(state) && Number(run) > after && Number(epoch) > 0
              && rest === `${run}:${epoch}` && Number(run);
          };
          if (!found()) return false;
          // The state is told before the screen's next frame, in which the epochs are painted.
          for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
          return found();
        }"""
        return int(self.until(script, after))

    @property
    def validation(self) -> list[float]:
        """The validation curve as it is drawn."""
        script = '() => document.getElementById("curves").data.find((one) => one.name === "validation").y'
        found: list[float] = self.page.evaluate(script)
        return found

    @property
    def epoch(self) -> int:
        """Epochs that are drawn."""
        return int(self.page.evaluate("() => Number(document.documentElement.dataset.epoch ?? 0)"))

    @property
    def link(self) -> dict[str, Any]:
        """The settings in the address that differ from the usual ones."""
        text = self.page.evaluate("() => decodeURIComponent(location.hash.slice(1))")
        return json.loads(text) if text else {}

    def colours(self, canvas: str) -> int:
        """How many colours are painted on a canvas."""
        script = """(canvas) => {
          const found = document.querySelector(canvas);
          const { data } = found.getContext("2d").getImageData(0, 0, found.width, found.height);
          const seen = new Set(new Uint32Array(data.buffer));
          seen.delete(0);
          return seen.size;
        }"""
        return int(self.page.evaluate(script, f".plot-box:has({canvas.split()[0]}) .{canvas.split()[1]}"))

    def value(self, control: str) -> str:
        return self.page.locator(f"#{control}").input_value()

    def put(self, control: str, value: object) -> None:
        """Type into a box, and leave it."""
        box = self.page.locator(f"#{control}")
        box.fill(str(value))
        box.press("Enter")

    def text(self, name: str) -> str:
        return self.page.locator(f"#{name}").inner_text()


@contextmanager
def opened(
    browser: Browser,
    address: Address,
    link: dict[str, Any] | None = None,
    *,
    width: int = WIDE,
    scheme: Scheme = "light",
    wait: bool = True,
) -> Iterator[Opened]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(1000 * PATIENCE)
    found = Opened(context.new_page(), address)

    def only_here(route: Route) -> None:
        if route.request.url.startswith((str(address), "data:", "blob:")):
            route.continue_()
        else:
            found.elsewhere.append(route.request.url)
            route.abort()

    context.route("**/*", only_here)
    found.page.on("console", lambda one: found.errors.append(f"console.{one.type}: {one.text}"))
    found.page.on("pageerror", lambda one: found.errors.append(str(one)))
    try:
        found.page.goto(f"{address}{'' if link is None else '#' + json.dumps(link)}")
        if wait:
            found.over()
        yield found
    finally:
        context.close()
