"""The explorer: the slider moves the curves, a technique brings its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report.browser.chromium import Seen
from tests.report.browser.figures import figures_of

with_explorer = pytest.mark.parametrize("path", ["two classes", "three classes", "regression"], indirect=True)


def _drawn(seen: Seen, name: str) -> list[list[float]]:
    """The numbers that plotly draws, trace by trace."""
    found: list[list[float]] = seen.ask(
        "(id) => document.getElementById(id).data.map((one) => [...one.y])", name
    )
    assert any(value is not None for trace in found for value in trace)
    return found


def _lines(seen: Seen, name: str) -> list[str]:
    """The lines as they stand on the screen."""
    found: list[str] = seen.ask(
        "(id) => [...document.querySelectorAll(`#${id} .js-line`)].map((one) => one.getAttribute('d'))", name
    )
    assert found
    return found


def _state(seen: Seen) -> dict[str, Any]:
    return {
        "drawn": _drawn(seen, "explorer-curves"),
        "lines": _lines(seen, "explorer-curves"),
        "path": seen.ask(  # where one is
            "(id) => ['x', 'y'].map((axis) => [...document.getElementById(id).data.at(-1)[axis]])",
            "explorer-path",
        ),
        "said": seen.page.locator("#explorer-said").inner_text(),
        "valuetext": seen.page.locator("#explorer-strength").get_attribute("aria-valuetext"),
    }


@with_explorer
def test_the_slider_moves_the_curves(wide: Seen) -> None:
    slider = wide.page.locator("#explorer-strength")
    slider.focus()
    wide.page.keyboard.press("Home")
    n_stops = int(slider.get_attribute("max") or 0) + 1
    assert 2 <= n_stops <= 12
    states = [_state(wide)]
    for _ in range(n_stops - 1):
        wide.page.keyboard.press("ArrowRight")
        states.append(_state(wide))
    for name in ("drawn", "lines", "path", "said", "valuetext"):
        for before, after in zip(states, states[1:], strict=False):
            assert before[name] != after[name], name
    wide.page.keyboard.press("Home")
    assert _state(wide) == states[0]  # the same networks, not others
    assert wide.page.locator("#explorer-said").get_attribute("role") == "status"


@with_explorer
def test_a_technique_brings_its_own_path(wide: Seen) -> None:
    radios = wide.page.locator("input[name=explorer-technique]")
    names = [one.get_attribute("value") for one in radios.all()]
    assert len(set(names)) == len(names) >= 2
    paths, titles = [], []
    for radio in radios.all():
        radio.check()
        paths.append(_drawn(wide, "explorer-path"))
        titles.append(wide.page.locator("#explorer-path .xtitle").text_content())
        for figure in figures_of(wide):
            assert figure.n_marks > 0, figure.name
            assert figure.cut == [], figure.name
            assert figure.covered == [], (figure.name, radio.get_attribute("value"))
    assert all(before != after for before, after in zip(paths, paths[1:], strict=False))
    assert len(set(titles)) == len(titles)


@with_explorer
def test_arrow_keys_choose_a_technique(wide: Seen) -> None:
    radios = wide.page.locator("input[name=explorer-technique]")
    radios.first.check()
    radios.first.focus()
    wide.page.keyboard.press("ArrowDown")
    assert radios.nth(1).is_checked()
    wide.page.keyboard.press("Tab")
    assert wide.ask("() => document.activeElement.id") == "explorer-strength"


@pytest.mark.parametrize("path", ["three classes"], indirect=True)
def test_two_columns_have_a_surface_that_moves(wide: Seen) -> None:
    wide.page.locator("input[name=explorer-technique][value=l2]").check()
    look = (
        "() => JSON.stringify(document.getElementById('explorer-surface').data.map((one) => one.z ?? null))"
    )
    wide.page.locator("#explorer-strength").focus()
    wide.page.keyboard.press("Home")
    before = wide.ask(look)
    assert "[[" in before
    wide.page.keyboard.press("End")
    assert wide.ask(look) != before
    assert wide.errors == []


@pytest.mark.parametrize("path", ["two classes"], indirect=True)
def test_more_columns_have_none(wide: Seen) -> None:
    assert wide.page.locator("#explorer-surface:visible").count() == 0
