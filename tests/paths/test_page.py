from __future__ import annotations

import re

from taut.paths.page import GENERATOR, page
from taut.paths.text import plain_table
from tests.paths.helpers import made


def test_a_page_has_the_words_the_figure_and_the_whole_table() -> None:
    path = made("l1")
    text = page(path, "L1 on shop.csv")
    assert text.startswith("<!doctype html>")
    assert GENERATOR in text[:300]
    assert "<h1>L1 on shop.csv</h1>" in text
    assert "<p>The validation loss is lowest with L1 0.1: 0.500 ± 0.022, 16.7 % (95 % interval" in text
    assert 'id="path"' in text
    assert "Plotly.newPlot" in text
    assert plain_table(path).splitlines()[0] in text
    assert "&lt;- best" in text


def test_a_page_needs_no_internet() -> None:
    text = page(made(), "L2")
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", text)
    assert len(text) > 1_000_000  # plotly itself is in it


def test_a_page_is_readable_in_light_and_dark() -> None:
    assert "color-scheme: light dark" in page(made(), "L2")


def test_names_are_no_markup() -> None:
    path = made("l1", columns=("<script>alert(1)</script>", "b", "c", "d"))
    text = page(path, "<script>alert(1)</script>")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
