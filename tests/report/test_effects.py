from __future__ import annotations

from taut.evidence.interval import Interval
from taut.examine.effects_result import Interaction
from taut.report.facts import facts_of
from taut.report.page import write_page
from tests.report.models import NASTY, searched
from tests.report.test_facts import made_up_effects
from tests.report.test_page import read


def test_interactions_have_their_intervals_and_are_explained() -> None:
    facts = facts_of(searched("y"), effects=made_up_effects())
    assert "Interactions" not in read(write_page(facts)).text
    pair = Interaction(
        ("dropout", "l2"), (NASTY, "L2 0.1"), Interval(-0.02, -0.05, 0.01), Interval(0.0, 0.0, 0.0)
    )
    assert facts["effects"] is not None
    facts["effects"]["interactions"] = [
        {
            "names": pair.names,
            "labels": pair.labels,
            "loss": pair.loss.to_dict(),
            "score": pair.score.to_dict(),
        }
    ]
    page = write_page(facts)
    text = read(page).text
    assert NASTY not in page
    assert "together they lower the loss by more than the sum" in text
    assert "−0.0200 −0.0500 +0.0100" in text
