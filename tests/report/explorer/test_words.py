from __future__ import annotations

from copy import deepcopy
from typing import Any

from taut.report.explorer.words import exploring, origin, raising, setting
from taut.report.facts import facts_of
from taut.report.schema import ExplorerTechnique, Facts
from tests.report.explored import moons, paths
from tests.report.models import single


def explored(*, with_paths: bool = True) -> tuple[Facts, dict[str, ExplorerTechnique]]:
    facts = facts_of(moons(), paths=paths() if with_paths else ())
    assert facts["explorer"] is not None
    return facts, {one["name"]: one for one in facts["explorer"]["techniques"]}


def test_each_technique_says_what_it_was_trained_with() -> None:
    facts, by_name = explored()
    assert setting(by_name["l2"], facts) == (
        "Beside it: early stopping and nothing else; widths 8, learning rate 0.002, on 3 folds."
    )
    stop = setting(by_name["early_stopping"], facts)
    assert stop.startswith("Beside it: nothing else; widths 8")
    assert "picked on the rows that score it" in stop
    linear: Any = {**by_name["l2"], "hidden": [], "beside": "L1 0.1 + early stopping", "n_folds": 1}
    assert setting(linear, facts) == (
        "Beside it: L1 0.1 + early stopping; no hidden layer, learning rate 0.002, on 1 fold."
    )


def test_other_folds_than_the_searchs_are_told() -> None:
    facts, by_name = explored()
    off = by_name["l2"]["points"][0]
    other: Any = {
        **by_name["l2"],
        "points": [{**off, "loss": 2 * (off["loss"] or 0)}, *by_name["l2"]["points"][1:]],
    }
    told = setting(other, facts)
    assert "Early stopping alone has " in told
    assert "made on other folds, or with other rows or widths" in told
    assert "has" not in setting({**other, "off": None}, facts)
    assert "Early stopping alone has" not in setting(other, {**facts, "comparison": None})


def test_the_sliders_right_end_is_said() -> None:
    _, by_name = explored()
    assert raising(by_name["l1"]) == by_name["l1"]["raising"]
    assert raising(by_name["early_stopping"]).startswith("The slider is the epoch")


def test_hollow_circles_are_explained_where_there_are_some() -> None:
    facts, _ = explored(with_paths=False)
    assert "Hollow circles" in origin(facts)
    facts, _ = explored()
    assert "Hollow circles" not in origin(facts)


def test_the_command_that_explores_reads_the_file_where_it_was() -> None:
    found: Any = deepcopy(facts_of(single("y")))
    assert exploring(found) == "taut report DIR --explore DATA"
    found["source"] |= {"file": "r.csv", "folder": "data/r.taut"}
    assert exploring(found) == "taut report data/r.taut --explore r.csv"
    found["source"]["reading"] = {"path": "data/my r.csv"}
    assert exploring(found) == "taut report data/r.taut --explore 'data/my r.csv'"
