from __future__ import annotations

from typing import Any

from taut.estimators import TautClassifierCV
from taut.report.facts import facts_of
from taut.report.schema import CandidateFacts
from taut.report.search import figure, found, loss_ceiling
from taut.techniques import L2
from tests.report.helpers import EARLY, MIXTURE, NONE, alone, facts_of_search, failed, scored
from tests.report.helpers import searched as made_up
from tests.report.models import searched


def test_every_candidate_with_a_loss_is_a_mark_of_the_search() -> None:
    facts = facts_of(searched("y"))
    assert facts["search"] is not None
    marks = [t for t in figure(facts)["data"] if t["mode"] == "markers" and t["name"] != "chosen"]
    known = [one for one in facts["search"]["candidates"] if one["loss"] is not None]
    assert sum(len(trace["x"]) for trace in marks) == len(known)
    (steps,) = (trace for trace in figure(facts)["data"] if trace["name"] == "lowest so far")
    assert steps["y"] == sorted(steps["y"], reverse=True)


def test_a_few_bad_losses_do_not_flatten_the_others() -> None:
    candidates: Any = [{"loss": loss} for loss in (1.0, 1.1, 1.2, 1.15, 50.0, None)]
    ceiling = loss_ceiling(candidates)
    assert 1.2 <= ceiling < 2
    none: list[CandidateFacts] = []
    assert loss_ceiling(none) == 1.0


def test_the_search_is_told_with_those_that_were_cut_and_failed() -> None:
    early, none = scored(EARLY, [1.0, 1.2, 1.4]), scored(NONE, [2.0, 2.4, 2.8])
    candidates = [early, none, failed(alone(L2(0.1))), scored(MIXTURE, [0.8, 1.0, 1.2])]
    search = facts_of_search(made_up(TautClassifierCV(), candidates))["search"]
    assert search is not None
    assert found(search) == (
        "4 candidates were tried; 1 diverged and have no loss; the lowest loss, 1, was found by candidate 4."
    )
