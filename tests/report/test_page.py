from __future__ import annotations

import base64
import hashlib
import json
import re
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

import pytest

from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.page import GENERATOR, write_page
from tests.report.models import NASTY, searched, single
from tests.report.test_facts import made_up_effects

#: Elements that have no end.
_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page: its elements with their attributes, its visible text, its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts[-1] += data
        elif not {"style", "pre"} & set(self._open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader._open
    return reader


EVERY: dict[str, Any] = {
    "two classes": lambda: facts_of(searched("y")),
    "three classes": lambda: facts_of(searched("three")),
    "an amount": lambda: facts_of(searched("amount")),
    "one network": lambda: facts_of(single("y")),
    "nothing held out": lambda: facts_of(single("amount", Recipe())),
    "with effects": lambda: facts_of(searched("y"), effects=made_up_effects()),
}


@pytest.fixture(params=EVERY, ids=str)
def page(request: pytest.FixtureRequest) -> str:
    return write_page(EVERY[request.param]())


def test_a_page_is_whole_small_and_taut_s(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert GENERATOR in page[:4096]
    assert len(page.encode()) < 9_000_000
    read(page)  # every element that begins ends


def data_and_run(reader: Reader) -> tuple[list[str], list[str]]:
    """The scripts that are data, and those that run."""
    data = [script for script in reader.scripts if script.startswith("{")]
    return data, [script for script in reader.scripts if script not in data]


def test_nothing_from_the_data_is_markup_or_script(page: str) -> None:
    assert NASTY not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    reader = read(page)
    data, run = data_and_run(reader)
    explorer = 'id="explorer-data"' in page
    assert (len(data), len(run)) == ((2, 3) if explorer else (1, 2))
    assert not any("alert(1)" in script for script in run)
    for tag, attributes in reader.elements:
        assert not any(name.startswith("on") for name in attributes), tag


def test_the_policy_lets_these_scripts_run_and_nothing_else(page: str) -> None:
    reader = read(page)
    (policy,) = (a["content"] for t, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    for script in data_and_run(reader)[1]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules["script-src"]


def test_nothing_is_fetched(page: str) -> None:
    for tag, attributes in read(page).elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


def test_links_labels_and_figures_find_what_they_name(page: str) -> None:
    reader = read(page)
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.elements:
        for name in ("aria-labelledby", "data-copy"):
            assert (attributes.get(name) or ids[0]) in ids
        assert (attributes.get("href") or "#" + str(ids[0]))[1:] in ids
    assert set(json.loads(reader.scripts[0])) <= set(ids)
    for tag, attributes in reader.elements:
        if attributes.get("role") in ("img", "region"):
            assert attributes.get("aria-label") or attributes.get("aria-labelledby"), tag


def test_headings_go_down_one_by_one(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in read(page).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_every_table_has_a_caption_and_named_columns(page: str) -> None:
    elements = [tag for tag, _ in read(page).elements]
    assert elements.count("caption") == elements.count("table") == elements.count("thead")


def test_the_verdict_has_its_numbers() -> None:
    facts = facts_of(searched("y"))
    text = read(write_page(facts)).text
    assert facts["comparison"] is not None
    assert facts["comparison"]["estimate"] is not None
    assert "150 rows" in text
    assert "95 % interval" in text
    for sentence in facts["comparison"]["sentences"][1:]:
        assert sentence in text


def test_what_does_not_exist_is_left_out_in_words() -> None:
    one = read(write_page(facts_of(single("y"))))
    assert "No search was made" in one.text
    assert "The search" not in one.text
    assert not any(attributes.get("class") == "parallel" for _, attributes in one.elements)
    assert "taut.effects(X, y, model)" in read(write_page(facts_of(searched("y")))).text
    nothing = read(write_page(facts_of(single("amount", Recipe())))).text
    assert "no rows were held out" in nothing
    for text in (one.text, nothing):
        assert "None" not in text
        assert " nan " not in text.lower()


def test_an_interrupted_search_says_so() -> None:
    estimator = deepcopy(searched("y"))
    estimator.interrupted_ = True
    text = read(write_page(facts_of(estimator))).text
    assert "the search was interrupted" in text
    assert "given more time it may do better" in text


def test_many_columns_and_candidates_are_counted_and_cut() -> None:
    facts = facts_of(searched("y"))
    facts["data"]["columns"] = facts["data"]["columns"] * 300
    assert facts["search"] is not None
    facts["search"]["candidates"] = facts["search"]["candidates"] * 500
    page = write_page(facts)
    assert len(page.encode()) < 9_000_000
    assert "1,800 more are left out here" in read(page).text


def test_half_a_character_does_not_stop_the_page() -> None:
    facts = facts_of(searched("y"))
    facts["data"]["columns"][0]["name"] = "half \ud83d"
    write_page(facts).encode("utf-8")


def test_the_same_facts_give_the_same_page() -> None:
    facts = facts_of(searched("y"))
    assert write_page(facts) == write_page(json.loads(json.dumps(facts)))
