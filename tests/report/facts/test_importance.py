from __future__ import annotations

from copy import copy

import pytest

from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.facts.importance import importance_of
from tests.report.page.models import NASTY, searched, single


@pytest.mark.parametrize("target", ["y", "amount"])
def test_the_facts_have_every_column_that_was_kept(target: str) -> None:
    facts = facts_of(searched(target))
    found = facts["importance"]
    assert found is not None
    kept = {column["name"] for column in facts["data"]["columns"] if column["kind"] != "dropped"}
    assert {line["name"] for line in found["lines"]} == kept
    assert found["lines"][0]["name"] == NASTY  # both targets are made of it
    values = [line["loss"]["value"] or 0.0 for line in found["lines"]]
    assert values == sorted(values, reverse=True)
    assert found["n_rows"] == 150
    assert found["n_left_out"] == 0


def test_where_nothing_was_held_out_there_are_none() -> None:
    assert importance_of(single("amount", Recipe())) is None
    assert importance_of(single("y")) is not None


def test_a_model_that_does_not_know_it_has_it_from_its_earlier_facts() -> None:
    facts, loaded = facts_of(searched("y")), copy(searched("y"))
    del loaded.importance_
    assert facts_of(loaded)["importance"] is None
    assert facts_of(loaded, earlier=facts)["importance"] == facts["importance"] is not None
