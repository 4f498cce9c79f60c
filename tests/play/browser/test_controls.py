"""Whoever moves a control sees another network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from taut.play.server import Server
from taut.play.settings import controls
from tests.play.browser.conftest import START
from tests.play.browser.opened import Opened, opened
from tests.play.helpers import finished


def test_what_is_drawn_is_the_network_of_a_script(play: Opened) -> None:
    history = finished(START).fitted().history_
    assert play.validation == pytest.approx(list(history["validation_loss"]), rel=1e-4)
    assert play.text("n-validation") == f"{history['validation_loss'][-1]:.3g}"
    assert play.text("seen").startswith("Training loss ")
    assert play.text("epoch") == "epoch 40"


def test_each_technique_has_its_controls(play: Opened) -> None:
    for one in controls(None)["techniques"]:
        box = play.page.get_by_role("group", name=one["title"], exact=True)
        expect(box.get_by_role("switch", name=one["title"], exact=True)).not_to_be_checked()
        for parameter in one["parameters"]:
            expect(box.locator(f"#number-{one['name']}-{parameter['name']}")).to_be_visible()


def test_a_slider_that_is_dragged_trains_other_networks(play: Opened) -> None:
    before, run = play.validation, play.run
    slider = play.page.locator("#slider-l2-strength")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    play.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    play.page.mouse.down()
    for i in range(6, 10):
        play.page.mouse.move(box["x"] + box["width"] * i / 10, box["y"] + box["height"] / 2)
    # It is trained while the slider is held.
    held = play.over(run)
    play.page.mouse.up()
    assert held > run
    assert play.validation != before
    expect(play.page.locator("#on-l2")).to_be_checked()
    strength = float(play.value("number-l2-strength"))
    assert strength > START.techniques["l2"].values["strength"]
    assert play.link["techniques"]["l2"] == {"on": True, "values": {"strength": strength}}
    # The run before is a pale line.
    assert play.page.evaluate('() => document.getElementById("curves").data.length') == 4
    # One drag is undone at once.
    play.page.get_by_role("button", name="Undo").click()
    play.over(held)
    expect(play.page.locator("#on-l2")).not_to_be_checked()
    assert play.validation == before
    expect(play.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_arrows_move_a_slider(play: Opened) -> None:
    run, before = play.run, float(play.value("number-dropout-rate"))
    slider = play.page.locator("#slider-dropout-rate")
    slider.focus()
    slider.press("PageUp")
    play.over(run)
    assert float(play.value("number-dropout-rate")) > before
    assert slider.get_attribute("aria-valuetext") == play.value("number-dropout-rate")


def test_a_number_box_sets_the_slider_and_the_switch(play: Opened) -> None:
    run, before = play.run, play.validation
    play.put("number-l1-strength", 0.2)
    play.over(run)
    assert play.validation != before
    expect(play.page.locator("#on-l1")).to_be_checked()
    assert "0.2" in (play.page.locator("#slider-l1-strength").get_attribute("aria-valuetext") or "")
    assert play.text("n-zero") != "0 %"
    expect(play.page.locator("#did-l1")).to_contain_text("Validation loss ")


def test_a_switch_switches(play: Opened) -> None:
    run, before = play.run, play.validation
    play.page.get_by_role("switch", name="Batch normalization").check()
    run = play.over(run)
    assert play.validation != before
    play.page.get_by_role("switch", name="Batch normalization").uncheck()
    play.over(run)
    assert play.validation == before


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("set-hidden", "8, 4"),
        pytest.param(*("set-learning_rate", 0.001), marks=pytest.mark.slow),
        pytest.param(*("set-n_rows", 60), marks=pytest.mark.slow),
    ],
)
def test_other_settings_train_another_network(play: Opened, control: str, value: object) -> None:
    run, before = play.run, play.validation
    play.put(control, value)
    play.over(run)
    assert play.validation != before
    assert play.link


def test_another_problem_comes_with_its_noise(play: Opened) -> None:
    run = play.run
    play.page.locator("#set-problem").select_option("sine")
    play.over(run)
    assert play.value("set-noise") == "0.3"
    assert play.text("n-score-name") == "R²"
    expect(play.page.locator("#confusion-figure")).to_be_hidden()
    assert play.colours("#view painted:not(.below)") > 0
    assert play.colours("#view below") == 0


def test_a_surface_is_painted(play: Opened) -> None:
    assert play.colours("#view below") > 20
    cells = play.page.locator("#confusion td.right").all_inner_texts()
    assert sum(map(int, cells)) == pytest.approx(float(play.text("n-score").split()[0]) / 100 * 60, abs=0.1)


def test_undo_and_redo(play: Opened) -> None:
    undo, redo = (play.page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    run = play.run
    play.put("set-noise", 0.5)
    run = play.over(run)
    play.put("set-noise", 0.6)
    run = play.over(run)
    undo.click()
    run = play.over(run)
    assert play.value("set-noise") == "0.5"
    play.page.locator("body").press("Control+z")
    run = play.over(run)
    assert play.value("set-noise") == "0.3"
    expect(undo).to_be_disabled()
    play.page.locator("body").press("Control+Shift+Z")
    run = play.over(run)
    assert play.value("set-noise") == "0.5"
    redo.click()
    run = play.over(run)
    assert play.value("set-noise") == "0.6"
    expect(redo).to_be_disabled()
    undo.click()
    run = play.over(run)
    play.put("set-noise", 0.9)  # what was undone is forgotten
    play.over(run)
    expect(redo).to_be_disabled()


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("set-noise", 7, "noise must be a number from 0 to 1"),
        pytest.param(*("set-hidden", "8, a lot", "A width must be a whole number"), marks=pytest.mark.slow),
        pytest.param(*("set-n_rows", 3, "Rows must be a whole number from 20"), marks=pytest.mark.slow),
        ("number-dropout-rate", 1.5, "rate"),
        pytest.param(*("number-early_stopping-patience", 2.5, "patience"), marks=pytest.mark.slow),
    ],
)
def test_a_wrong_setting_is_told_at_its_control(
    play: Opened, control: str, value: object, sentence: str
) -> None:
    play.put(control, value)
    box = play.page.locator(f"#{control}")
    told = play.page.locator(f'[id="{box.get_attribute("aria-describedby")}"]')
    expect(told).to_contain_text(sentence)
    expect(told).to_be_visible()
    expect(box).to_have_attribute("aria-invalid", "true")
    play.page.get_by_role("button", name="Undo").click()
    expect(told).to_be_hidden()
    expect(box).not_to_have_attribute("aria-invalid", "true")


def test_label_smoothing_of_amounts_is_told_at_its_switch(play: Opened) -> None:
    run = play.run
    play.page.locator("#set-problem").select_option("step")
    play.over(run)
    play.page.get_by_role("switch", name="Label smoothing").check()
    expect(play.page.locator('[id="wrong-techniques.label_smoothing"]')).to_contain_text("is for classes")


def test_a_change_acts_from_here_on(play: Opened) -> None:
    before = play.validation
    play.page.get_by_label("acts from here on").check()
    play.put("set-max_epochs", 60)
    play.until("() => document.documentElement.dataset.epoch === '60'")
    assert play.validation[:40] == before
    assert play.run == 1


def test_a_link_restores_the_settings(browser: Browser, server: Server, play: Opened) -> None:
    run = play.run
    play.page.locator("#set-problem").select_option("circles")
    play.put("number-dropout-rate", 0.35)
    run = play.over(run)
    play.until("() => location.hash.includes('0.35')")
    url, link = play.page.url, play.link
    play.put("set-max_epochs", 40)
    with opened(browser, server.address, link) as other:
        assert other.page.url.split("#")[0] == url.split("#")[0]
        assert other.value("set-problem") == "circles"
        assert other.value("number-dropout-rate") == "0.35"
        other.over(1)
        play.over(run - 1)
        assert other.validation == play.validation
        assert other.errors == []


@pytest.mark.parametrize(
    "link",
    [
        {"hidden": 5},
        pytest.param({"noise": "loud"}, marks=pytest.mark.slow),
        {"techniques": {"l2": {"values": {"strength": "much"}}}},
        {"problem": "own"},
    ],
    ids=str,
)
def test_a_link_that_is_wrong_is_told(browser: Browser, server: Server, link: dict[str, object]) -> None:
    with opened(browser, server.address, link, wait=False) as play:
        play.until("() => [...document.querySelectorAll('.wrong, .trouble')].some((one) => !one.hidden)")
        play.over()
        assert play.errors == []


def test_settings_are_saved_and_loaded(play: Opened, tmp_path: Path) -> None:
    run = play.run
    play.put("number-l2-strength", 0.7)
    run = play.over(run)
    before = play.validation
    with play.page.expect_download() as download:
        play.page.get_by_role("button", name="Save settings").click()
    path = tmp_path / "taut-play.json"
    download.value.save_as(path)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["techniques"]["l2"] == {"on": True, "values": {"strength": 0.7}}
    play.page.get_by_role("switch", name="L2 (weight decay)").uncheck()
    run = play.over(run)
    play.page.locator("#settings-file").set_input_files(path)
    play.over(run)
    assert play.validation == before
    assert play.text("away-said") == "Loaded."


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"hidden": 3, "techniques": 4}',
        *(pytest.param(text, marks=pytest.mark.slow) for text in ("no json", "null")),
    ],
)
def test_a_file_that_is_no_settings_is_told(play: Opened, tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    play.page.locator("#settings-file").set_input_files(path)
    play.until(
        """() => document.getElementById("away-said").textContent.includes("no settings")
          || [...document.querySelectorAll(".wrong, .trouble")].some((one) => !one.hidden)"""
    )
