from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique, markdown
from taut.techniques.pages import Range, Source

RANGES = [
    Range(1e-5, 0.1, "log"),
    Range(0.05, 0.7, "linear"),
    Range(0.0, 1.0, "switch"),
    Range(20.0, 20.0, "linear"),
]


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)
def test_the_page_in_the_documentation_is_the_page_in_the_code(kind: type[Technique], root: Path) -> None:
    page = (root / "docs" / "techniques" / f"{kind.name}.md").read_text(encoding="utf-8")
    assert page == markdown(kind), "run `make docs`"


def test_no_page_is_left_over(root: Path) -> None:
    pages = {path.stem for path in (root / "docs" / "techniques").glob("*.md")}
    assert pages == {kind.name for kind in TECHNIQUES}


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)
def test_a_page_holds_all_that_the_technique_says(kind: type[Technique]) -> None:
    text, page = markdown(kind), kind.page
    for part in (
        page.title,
        page.what,
        page.raising,
        page.helps,
        page.hurts,
        page.formula,
        str(kind.search_range),
        kind.why_not_searched,
    ):
        assert part in text
    for source in page.source:
        assert str(source) in text
    assert ("Not searched" in text) == bool(kind.why_not_searched)


def test_a_source_prints_as_a_reference() -> None:
    assert str(Source("Ng, A.", 2004, "A title", "A place")) == "Ng, A. (2004). A title. A place."


@given(st.sampled_from(RANGES), st.floats(0, 1))
def test_every_position_is_within_the_range(range_: Range, position: float) -> None:
    assert range_.low <= range_.strength_at(position) <= range_.high


@pytest.mark.parametrize("range_", RANGES, ids=str)
def test_the_ends_of_the_positions_are_the_ends_of_the_range(range_: Range) -> None:
    assert range_.strength_at(0) == range_.low
    assert range_.strength_at(1) == range_.high


def test_a_log_scale_moves_by_factors_and_a_linear_one_by_differences() -> None:
    assert Range(1e-4, 1, "log").strength_at(0.5) == pytest.approx(1e-2)
    assert Range(0, 1, "linear").strength_at(0.25) == 0.25
    assert [Range(0, 1, "switch").strength_at(u) for u in (0, 0.4, 0.5, 0.9)] == [0, 0, 1, 1]


def test_a_grid_spreads_over_the_range() -> None:
    assert Range(1e-5, 0.1, "log").grid(5) == (1e-5, 1e-4, 1e-3, 1e-2, 0.1)
    assert Range(0.1, 0.7, "linear").grid(4) == (0.1, 0.3, 0.5, 0.7)
    assert Range(1e-4, 1, "log").grid(1) == (0.01,)
    assert Range(0, 1, "switch").grid(9) == (1.0,)
    assert Range(20, 20, "linear").grid(9) == (20.0,)


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)
@given(position=st.floats(0, 1))
def test_every_position_gives_a_technique(kind: type[Technique], position: float) -> None:
    strength = kind.search_range.strength_at(position)
    assert kind.at(strength).strength == strength


@pytest.mark.parametrize(
    ("low", "high", "scale", "sentence"),
    [
        (1, 0, "linear", "low <= high; they are 1 and 0"),
        (0, float("inf"), "linear", "must be finite"),
        (float("nan"), 1, "linear", "must be finite"),
        (0, 1, "log", "must start above 0"),
        (0, 2, "switch", "A switch goes from 0 to 1"),
        (0, 1, "cubic", "'log', 'linear' or 'switch'"),
    ],
)
def test_an_impossible_range_is_refused(low: float, high: float, scale: str, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Range(low, high, scale)  # type: ignore[arg-type]


def test_an_impossible_position_or_grid_is_refused() -> None:
    with pytest.raises(ParameterError, match="between 0 and 1, and it is 1.5"):
        Range(0, 1, "linear").strength_at(1.5)
    with pytest.raises(ParameterError, match="1 strength or more, and 0"):
        Range(0, 1, "linear").grid(0)
