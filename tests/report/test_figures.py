from __future__ import annotations

import pytest

from taut.report import curves, effects, search
from taut.report.facts import facts_of
from taut.report.figures import log_ticks, plain
from tests.report.models import searched, single
from tests.report.plotted import drawn
from tests.report.test_facts import made_up_effects


@pytest.mark.parametrize("target", ["y", "three", "amount"])
def test_plotly_takes_every_figure(target: str) -> None:
    facts = facts_of(searched(target), effects=made_up_effects())
    for figure in (*curves.figures(facts), search.figure(facts), effects.figure(facts)):
        assert len(drawn(figure).data) > 0
    for figure in curves.figures(facts_of(single("y"))):
        assert len(drawn(figure).data) == 2  # one network: no folds beside their mean


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-1.1, 0.1, ["0.1", "0.2", "0.5", "1"]),
        (-2.05, 0.0, ["0.01", "0.03", "0.1", "0.3", "1"]),
        (0.0, 4.0, ["1", "10", "100", "1,000", "10,000"]),
    ],
)
def test_ticks_of_logarithms_are_whole_numbers(low: float, high: float, words: list[str]) -> None:
    ticks = log_ticks(low, high)
    assert ticks["ticktext"] == words
    assert ticks["tickvals"] == pytest.approx([float(word.replace(",", "")) for word in words])


def test_text_is_text_to_plotly() -> None:
    assert plain("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"
