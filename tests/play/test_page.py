from __future__ import annotations

import re

import pytest

from taut.play.page import SCRIPTS, own_file, page
from taut.play.settings import Settings, controls


def test_the_page_holds_what_its_scripts_reach_for() -> None:
    names = set(re.findall(r'\bby\("([a-z-]+)"\)', own_file("play.js")))
    assert len(names) > 40
    assert [name for name in names if f'id="{name}"' not in page()] == []


def test_the_page_loads_what_is_served() -> None:
    loaded = re.findall(r'(?:src|href)="static/([^"]+)"', page())
    assert set(loaded) <= {*SCRIPTS, "plotly.js"}
    imported = [name for script in SCRIPTS for name in re.findall(r'from "\./([^"]+)"', own_file(script))]
    assert set(imported) <= set(SCRIPTS)


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.endswith(".js")])
def test_scripts_make_no_html_of_text(script: str) -> None:
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert forbidden not in own_file(script)


def test_every_setting_has_its_control() -> None:
    text = own_file("controls.js")
    for name in Settings().to_json():
        assert name == "techniques" or f'name: "{name}"' in text
    assert controls(None)["techniques"]
