"""What else a person does: step and pause, pin, solve a challenge, lose the connection, take it all away."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from taut.play.data import Data
from taut.play.server import Server
from taut.table.convert import frame_from
from tests.play.browser.conftest import START
from tests.play.browser.opened import Opened, opened
from tests.play.helpers import quick
from tests.play.serving import served
from tests.play.test_session import LONG
from tests.report.browser.chromium import NARROW, WIDE, Scheme, open_page
from tests.report.browser.test_access import violations


def at_epoch(play: Opened, epoch: int) -> None:
    play.until("(epoch) => document.documentElement.dataset.epoch === String(epoch)", epoch)


# --- step, pause, run, reset ------------------------------------------------------------------------------


def test_buttons_step_run_and_reset(play: Opened) -> None:
    play.page.get_by_role("button", name="Reset").click()
    at_epoch(play, 0)
    expect(play.page.locator("#run")).to_have_text("Run")
    for epoch in (1, 2):
        play.page.get_by_role("button", name="Step").click()
        at_epoch(play, epoch)
        expect(play.page.locator("#run")).to_have_text("Run")
    play.page.locator("#run").click()
    play.over(1)
    expect(play.page.locator("#run")).to_have_text("Run again")
    assert play.epoch == 40
    play.page.locator("#run").click()
    play.over(2)


def test_keys_step_run_pause_and_reset(play: Opened) -> None:
    body = play.page.locator("body")
    body.press("r")
    at_epoch(play, 0)
    body.press("s")
    at_epoch(play, 1)
    body.press(" ")
    play.over(1)
    body.press("p")
    expect(play.page.locator("#pins-rows tr")).to_have_count(1)


def test_a_letter_in_a_box_is_no_key(play: Opened) -> None:
    box = play.page.locator("#set-hidden")
    box.click()
    box.press("r")
    box.press("p")
    expect(play.page.locator("#pins-rows tr")).to_have_count(0)
    assert play.epoch == 40


def test_pause_holds_a_long_run(browser: Browser) -> None:
    with served(LONG) as server, opened(browser, server.address, wait=False) as play:
        play.until("() => Number(document.documentElement.dataset.epoch) > 2")
        play.page.locator("#run").click()
        expect(play.page.locator("#run")).to_have_text("Run")
        play.page.wait_for_timeout(600)
        held = play.epoch
        play.page.wait_for_timeout(300)
        assert play.epoch == held < 5000
        play.page.locator("body").press(" ")
        play.until("(held) => Number(document.documentElement.dataset.epoch) > held", held)
        assert play.errors == []


def test_the_speed_is_what_is_chosen(play: Opened) -> None:
    play.page.locator("#pace").select_option("20")
    play.page.locator("#run").click()
    play.until("() => document.documentElement.dataset.run === '2'")
    play.page.wait_for_timeout(200)
    assert play.epoch < 40
    play.page.locator("#pace").select_option("0")
    play.over(1)


# --- pins -------------------------------------------------------------------------------------------------


def test_pinned_runs_stay_as_pale_lines_and_rows(play: Opened) -> None:
    plain = play.text("n-validation")
    play.page.get_by_role("button", name="Pin this run").click()
    run = play.run
    play.put("number-l2-strength", 2)
    run = play.over(run)
    play.page.get_by_role("button", name="Pin this run").click()
    play.put("number-l2-strength", 5)
    run = play.over(run)
    rows = play.page.locator("#pins-rows tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("no regularization (16, seed 3)")
    expect(rows.nth(0)).to_contain_text(plain)
    expect(rows.nth(1)).to_contain_text("L2 (weight decay) 2")
    names = play.page.evaluate('() => document.getElementById("curves").data.map((one) => one.name)')
    assert sum(name.endswith(": validation") for name in names) == 3  # two pins, and the run before
    rows.nth(0).get_by_role("button", name=re.compile("^Load")).click()
    play.over(run)
    expect(play.page.locator("#on-l2")).not_to_be_checked()
    assert play.text("n-validation") == plain
    rows.nth(0).get_by_role("button", name=re.compile("^Unpin")).click()
    expect(rows).to_have_count(1)


# --- challenges -------------------------------------------------------------------------------------------


def test_a_challenge_is_solved_by_its_own_controls(play: Opened) -> None:
    play.page.get_by_role("button", name="Close the gap").click()
    expect(play.page.locator("#challenge-goal")).to_contain_text("Halve the gap")
    run = play.over(1)
    play.put("number-l1-strength", 1e-6)
    expect(play.page.locator("#challenge-outcome")).to_contain_text("Not yet.")
    run = play.over(run)
    play.put("number-l2-strength", 3)
    play.page.get_by_role("switch", name="Early stopping").check()
    expect(play.page.locator("#challenge-outcome")).to_contain_text("Solved.")
    expect(play.page.locator("#challenge-gap")).to_have_class(re.compile("solved"))


def test_a_challenge_is_solved_by_its_answer(play: Opened) -> None:
    play.page.get_by_role("button", name="Beat the straight line").click()
    run = play.over(1)
    assert play.text("n-score-name") == "R²"
    play.page.get_by_text("A hint").click()
    expect(play.page.locator("#challenge-hint-text")).to_be_visible()
    play.page.get_by_text("The answer", exact=True).click()
    play.page.get_by_role("button", name="Load the answer as a run").click()
    expect(play.page.locator("#challenge-outcome")).to_contain_text("Solved.")
    play.over(run)
    assert play.value("set-hidden") == "64, 64"
    play.page.get_by_role("button", name="Undo").click()
    assert play.value("set-hidden") == ""


# --- the connection ---------------------------------------------------------------------------------------


def test_a_connection_that_is_lost_is_regained_with_the_settings(browser: Browser) -> None:
    with served(START) as server:
        address = server.address
        entering = opened(browser, address)
        play = entering.__enter__()
        play.put("number-l2-strength", 2)
        play.over(1)
        before = play.validation
    try:
        expect(play.page.locator("#trouble")).to_contain_text("The connection to taut play is lost")
        play.put("set-noise", 0.5)
        with served(START, port=address.port, token=address.token):
            play.until("() => 'connected' in document.documentElement.dataset")
            expect(play.page.locator("#trouble")).to_be_hidden()
            script = """(before) => document.getElementById("curves").data.some(
              (one) => one.name === "validation" && one.y.length === 40 && one.y[0] !== before
            )"""
            play.until(script, before[0])
            assert play.value("number-l2-strength") == "2"
            assert play.value("set-noise") == "0.5"
    finally:
        entering.__exit__(None, None, None)


@pytest.mark.slow
def test_two_tabs_do_not_disturb_one_another(browser: Browser, server: Server, play: Opened) -> None:
    with opened(browser, server.address) as other:
        before = play.validation
        other.put("set-noise", 0.9)
        other.over(1)
        assert play.validation == before
        assert play.run == 1


# --- a table of one's own ---------------------------------------------------------------------------------


def own_table() -> Data:
    import pandas as pd

    rng = np.random.default_rng(0)
    n = 120
    size = rng.uniform(10, 99, n)
    frame = pd.DataFrame(
        {
            "size <b>": np.where(rng.random(n) < 0.1, np.nan, size),
            "city": rng.choice(["Köln", "Ulm, Donau", "<script>alert(1)</script>"], n),
            "bought": pd.date_range("2020-01-01", periods=n),
            "worth": rng.standard_normal(n) * 1e6,
        }
    )
    y = np.where(size > 60, "<img src=x onerror=alert(1)>", 'a "low" one')
    return Data(frame_from(frame), y, "classification", "shop.csv: kind", "kind", notes=("A note <i>.",))


def test_a_messy_table_is_looked_at_along_any_columns(browser: Browser) -> None:
    start = quick(problem="own", max_epochs=10)
    with served(start, own_table()) as server, opened(browser, server.address) as play:
        dialogs: list[str] = []
        play.page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
        across, up = play.page.locator("#view-x"), play.page.locator("#view-y")
        play.over()
        across.select_option(label="worth")
        up.select_option(label="size <b>")
        play.until('() => document.getElementById("view").layout.yaxis.title.text.includes("size")')
        expect(play.page.locator("#view-see")).to_contain_text("other columns are at their medians")
        expect(play.page.locator("#notes-list")).to_have_text("A note <i>.")
        expect(play.page.locator("#confusion")).to_contain_text("<img src=x onerror=alert(1)>")
        assert play.text("trouble") == ""
        assert play.link == {}  # a link holds no table
        assert dialogs == []
        assert play.errors == []


# --- to take away -----------------------------------------------------------------------------------------


def test_code_is_shown(play: Opened) -> None:
    play.page.get_by_role("button", name="Show the code").click()
    code = play.page.locator("#code-taut")
    expect(code).to_contain_text("TautClassifier(")
    expect(code).to_contain_text("toy('moons', n_rows=120")
    run = play.run
    play.put("number-dropout-rate", 0.25)
    play.over(run)
    expect(code).to_contain_text("Dropout(0.25)")
    expect(play.page.locator("#code-torch")).to_contain_text("import torch")


def test_the_saved_page_opens_without_a_server_and_draws(
    browser: Browser, play: Opened, tmp_path: Path
) -> None:
    play.page.get_by_role("button", name="Pin this run").click()
    with play.page.expect_download() as download:
        play.page.get_by_role("button", name="Save this page").click()
    path = tmp_path / "taut-play.html"
    download.value.save_as(path)
    assert "needs no server" in play.text("away-said")
    with open_page(browser, path) as seen:
        assert seen.page.locator(".plot .scatterlayer .js-line").count() == 2
        expect(seen.page.locator("table").first).to_contain_text(play.text("n-validation"))
        assert (seen.errors, seen.policy, seen.requests) == ([], [], [])
        assert [one for one in violations(seen) if "(serious)" in one or "(critical)" in one] == []


# --- for everybody ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (WIDE, "light"),
        (NARROW, "dark"),
        pytest.param(WIDE, "dark", marks=pytest.mark.slow),
        pytest.param(NARROW, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, server: Server, width: int, scheme: Scheme
) -> None:
    with opened(browser, server.address, width=width, scheme=scheme) as play:
        # All that can be there: a pin, a challenge, code, a wrong setting, what a technique did.
        play.page.locator("body").press("p")
        play.page.get_by_role("button", name="Show the code").click()
        expect(play.page.locator("#code-keras")).to_be_attached()
        play.page.get_by_role("button", name="Close the gap").click()
        run = play.over(1)
        play.put("number-l2-strength", 3)
        expect(play.page.locator("#did-l2")).to_contain_text("Validation loss ")
        play.over(run)
        play.put("set-noise", 7)
        expect(play.page.locator("#wrong-noise")).to_be_visible()
        play.page.evaluate("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert violations(play) == []  # type: ignore[arg-type]
        assert play.page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert play.errors == []


def test_all_is_reached_by_the_keyboard(play: Opened) -> None:
    reached = set()
    play.page.locator("#run").focus()
    for _ in range(80):
        reached.add(play.page.evaluate("() => document.activeElement.id"))
        play.page.keyboard.press("Tab")
    assert {"run", "step", "pin", "pace", "set-problem", "slider-l2-strength", "on-dropout"} <= reached
    assert {"set-hidden", "challenge-gap", "show-code", "save-page"} <= reached


def test_colours_follow_the_reader(play: Opened) -> None:
    colour = """() => [
      getComputedStyle(document.body).backgroundColor,
      document.getElementById("curves").data.at(-1).line.color,
    ]"""
    light = play.page.evaluate(colour)
    play.page.emulate_media(color_scheme="dark")
    play.page.wait_for_timeout(200)
    dark = play.page.evaluate(colour)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
