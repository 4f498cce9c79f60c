"""The short form for notebooks: what it says, what it escapes, and that it leaves everything else alone."""

from __future__ import annotations

import re
import warnings
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import escape
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from taut import TautClassifier, TautRegressorCV, load
from taut.recipe import Recipe
from taut.report import verdict, words
from taut.report.facts import facts_of
from taut.store import REPORT
from tests.report.models import NASTY, searched, single

EVERY = [
    lambda: searched("y"),
    lambda: searched("three"),
    lambda: searched("amount"),
    lambda: single("y"),
    lambda: single("amount", Recipe()),
]


def ours(estimator: Any) -> str:
    """Without scikit-learn's own form, which is folded below."""
    text: str = estimator._repr_html_()
    return text.split("<details>", 1)[0] + text.rsplit("</details>", 1)[1]


@pytest.mark.parametrize("fitted", EVERY)
def test_it_has_the_verdict_the_lines_and_the_curves(fitted: Any) -> None:
    estimator = fitted()
    text, facts = ours(estimator), facts_of(estimator)
    assert str(escape(verdict.verdict(facts).split(":")[0])) in text
    comparison = facts["comparison"]
    if comparison is None:
        assert "<table" not in text
        assert text.count('class="taut-nb-svg"') == 1
        return
    assert text.count('<th scope="row">') == sum(
        x["validation_loss"] is not None for x in [*comparison["simple"], *comparison["lines"]]
    )
    assert text.count('class="taut-nb-svg"') == 2
    assert comparison["estimate"] is not None
    assert f"Expected on unseen rows: loss {words.interval_told(comparison['estimate']['loss'])}" in text


@pytest.mark.parametrize("fitted", EVERY)
def test_it_is_whole_has_no_script_and_styles_nothing_else(fitted: Any) -> None:
    text = ours(fitted())
    assert "<script" not in text
    assert NASTY not in text
    assert not re.search(r"\son\w+=|url\(|@import|https?:", text)
    style, body = re.fullmatch(r"\s*<style>(.*?)</style>(.*)", text, re.S).groups()  # type: ignore[union-attr]
    for rule in filter(None, map(str.strip, style.split("}"))):
        assert all(one.strip().startswith(".taut-nb") for one in rule.split("{")[0].split(","))
    ElementTree.fromstring(body)  # every element is closed
    for points in re.findall(r'points="([^"]*)"', body):
        assert all(re.fullmatch(r"-?[\d.]+,-?[\d.]+", point) for point in points.split())


def test_columns_and_classes_with_nasty_names_stay_text() -> None:
    class Scripts(HTMLParser):
        found = 0

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.found += tag == "script"

    for estimator in (searched("y"), single("y")):
        parser, own = Scripts(), Scripts()
        parser.feed(estimator._repr_html_())
        own.feed(estimator_html_repr(estimator))
        assert parser.found == own.found  # scikit-learn's own one alone


def test_scikit_learns_form_is_folded_below() -> None:
    text = single("y")._repr_html_()
    folded = text.split("<details>", 1)[1]
    assert "sk-top-container" in folded
    assert "learning_rate" in folded


def test_the_curves_are_where_their_losses_are() -> None:
    text = ours(single("y"))
    places = [
        [tuple(map(float, point.split(","))) for point in points.split()]
        for points in re.findall(r'<polyline class="taut-nb-\w+" points="([^"]*)"', text)
    ]
    curve = single("y").history_
    assert [len(one) for one in places] == [len(curve["epoch"])] * 2
    for place, name in zip(places, ("train_loss", "validation_loss"), strict=True):
        # The lower the loss, the further down.
        heights = [-y for _, y in place]
        lower = [a > b for a, b in zip(curve[name], curve[name][1:], strict=False)]
        down = [a >= b for a, b in zip(heights, heights[1:], strict=False)]
        assert all(d for d, low in zip(down, lower, strict=True) if low)
    stop = float(re.search(r'class="taut-nb-stop" x1="([\d.]+)"', text).group(1))  # type: ignore[union-attr]
    assert stop == places[0][single("y").best_epoch_ - 1][0]


def test_what_was_interrupted_says_so() -> None:
    estimator = deepcopy(searched("y"))
    assert "interrupted" not in ours(estimator)
    estimator.interrupted_ = True
    assert "The search was interrupted: this is the best so far" in ours(estimator)


def test_unfitted_ones_have_scikit_learns_form_unchanged() -> None:
    def plain(text: str) -> str:
        return re.sub(r"sk-(container|estimator)-id-\d+", "", text)

    for estimator in (TautClassifier(), TautRegressorCV(cv=3)):
        assert plain(estimator._repr_html_()) == plain(estimator_html_repr(estimator))


def test_scikit_learns_switch_is_obeyed() -> None:
    estimator = single("y")
    assert set(estimator._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert "taut-nb" in estimator._repr_mimebundle_()["text/html"]
    with config_context(display="text"):
        assert not hasattr(estimator, "_repr_html_")
        assert set(estimator._repr_mimebundle_()) == {"text/plain"}


def test_a_pipelines_diagram_is_as_ever() -> None:
    text = make_pipeline(StandardScaler(), single("y"))._repr_html_()
    assert "taut-nb" not in text
    assert text.count("TautClassifier") >= 1


def test_looking_says_nothing_beside_it(tmp_path: Path) -> None:
    single("y").save(tmp_path / "model")
    (tmp_path / "model" / REPORT).write_text("{")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "One network was trained" in load(tmp_path / "model")._repr_html_()
