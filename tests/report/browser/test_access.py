"""For everybody: axe-core's rules, contrast in light and dark, the keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.report.browser.chromium import Scheme, Seen


def violations(seen: Seen) -> list[str]:
    """What axe-core holds against the page; it runs by the developer tools' protocol, so the policy holds."""
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response
    assert len(found["passes"]) > 15  # it looked
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def unfolded(seen: Seen, scheme: Scheme) -> list[str]:
    """The same with all that is folded open."""
    was_open = seen.ask(_UNFOLD)
    seen.page.emulate_media(color_scheme=scheme)
    found = violations(seen)
    seen.page.emulate_media(color_scheme="light")
    seen.ask(_FOLD, was_open)
    return found


def test_axe_finds_nothing(wide: Seen) -> None:
    assert unfolded(wide, "light") == []


# Colours are the same on every page, and this one has every kind of figure.
@pytest.mark.parametrize("path", ["regression"], indirect=True)
def test_axe_finds_nothing_in_the_dark(wide: Seen) -> None:
    assert unfolded(wide, "dark") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["two classes", "three classes", "one network", "nasty names"], indirect=True
)
def test_axe_finds_nothing_on_other_pages_in_the_dark(wide: Seen) -> None:
    assert unfolded(wide, "dark") == []


_UNFOLD = """() => [...document.querySelectorAll("details")].map((one) => {
  const before = one.open;
  one.open = true;
  return before;
})"""
_FOLD = """(before) => document.querySelectorAll("details").forEach((one, i) => { one.open = before[i]; })"""


@pytest.mark.parametrize("path", ["regression", "nasty names"], indirect=True)
def test_axe_finds_nothing_on_a_phone(narrow: Seen) -> None:
    assert violations(narrow) == []


@pytest.mark.parametrize("path", ["one network"], indirect=True)
def test_axe_would_find_something(wide: Seen) -> None:
    paint = "(colour) => { document.querySelector('.brand').style.color = colour; }"
    wide.ask(paint, "#ccc")
    found = violations(wide)
    wide.ask(paint, "")
    assert any(one.startswith("color-contrast (serious)") for one in found)


@pytest.mark.parametrize("path", ["one network"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_figures_have_contrast(wide: Seen, scheme: Scheme) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for words, 3 for lines; axe does not look into figures."""
    violations(wide)  # brings axe's own arithmetic
    wide.page.emulate_media(color_scheme=scheme)
    found = wide.ask(_CONTRASTS, ["ink", "muted", "link", "accent", "training", "validation"])
    wide.page.emulate_media(color_scheme="light")
    assert len(found) == 12
    for name, back, ratio in found:
        assert ratio >= (3.0 if name in ("training", "validation") else 4.5), (name, back, ratio)


_CONTRASTS = """(names) => {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => {
    const found = new axe.commons.color.Color();
    found.parseString(style.getPropertyValue("--" + name).trim());
    return found;
  };
  return names.flatMap((name) => ["back", "panel"].map(
    (back) => [name, back, axe.commons.color.getContrast(colour(back), colour(name))]
  ));
}"""


@pytest.mark.parametrize("path", ["regression", "one network"], indirect=True)
def test_the_keyboard_reaches_everything_in_order(wide: Seen) -> None:
    wide.ask("() => { scrollTo(0, 0); document.activeElement.blur(); }")
    wanted = wide.ask(_WANTED)
    reached = []
    for _ in range(len(wanted)):
        wide.page.keyboard.press("Tab")
        reached.append(wide.ask(f"() => {_NAMED}(document.activeElement)"))
    assert reached == wanted
    assert {one.split()[0] for one in wanted} >= {"A", "SUMMARY", "PRE", "BUTTON", "DIV"}


# Of several radio buttons only the chosen one is a stop.
_NAMED = "((one) => one.tagName + ' ' + [...document.querySelectorAll('*')].indexOf(one))"
_WANTED = f"""() => [...document.querySelectorAll("a[href], summary, .scroll, pre, button, input")]
  .filter((one) => one.checkVisibility() && !(one.type === "radio" && !one.checked))
  .map({_NAMED})"""


@pytest.mark.parametrize("path", ["two classes"], indirect=True)
def test_the_keyboard_unfolds_and_copies(wide: Seen) -> None:
    wide.page.locator("#code-torch summary").focus()
    wide.page.keyboard.press("Enter")
    assert wide.ask("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    wide.page.keyboard.press("Tab")
    wide.page.keyboard.press("Space")
    assert "import torch" in wide.ask("() => getSelection().toString()")
    assert wide.page.locator("#copied").inner_text() != ""
    wide.page.locator("#code-torch summary").click()
    assert not wide.page.locator("#code-torch pre").is_visible()
