"""What a diagnosis holds, and its plain values."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from taut.evidence.interval import NONE
from taut.examine.diagnosis import plain_text, verdict_of
from taut.recipe import Recipe
from tests.examine.diagnosis_helpers import FAILED, FITS, LEAK, NOBODY, OVERFITS, TWINS, UNDERFITS, made


@pytest.mark.parametrize("gains", [OVERFITS, UNDERFITS, FITS])
def test_a_diagnosis_says_what_it_is(gains: Any) -> None:
    found = made(gains)
    assert found.sentence == verdict_of(found)
    assert str(found) == plain_text(found)
    assert str(found).splitlines()[0] == found.sentence
    assert repr(found) == f"<Diagnosis: {found.sentence}>"


def test_plain_values_hold_everything() -> None:
    found = made(signs=(LEAK, TWINS))
    plain = found.to_dict()
    assert plain["verdict"] == "overfits"
    assert plain["degree"] == "clearly"
    assert plain["sentence"] == found.sentence
    assert plain["weaker"] == {
        "best": "stopped at its best epoch", "share": {"value": 0.3, "low": 0.25, "high": 0.35}
    }  # fmt: skip
    assert plain["stronger"]["best"] == "twice as wide"
    assert plain["recovered"] == {"value": 0.31, "low": 0.25, "high": 0.37}
    assert [one["name"] for one in plain["alternatives"]] == [one.name for one in found.alternatives]
    assert Recipe.from_json(plain["alternatives"][1]["recipe"]) == found.alternatives[1].recipe
    assert [point["n_rows"] for point in plain["learning_curve"]["points"]] == [50, 100, 1200]
    assert plain["learning_curve"]["next_doubling"] == 0.123
    assert [one["kind"] for one in plain["signs"]] == ["leak", "duplicates"]
    assert plain["signs"][1]["rows"] == [3, 4]
    assert [one["technique"] for one in plain["advice"]] == ["l2", "dropout", "l1", "batch_norm"]
    assert [one["technique"] for one in plain["advice_before"]] == ["dropout", "l2", "l1", "batch_norm"]
    assert plain["advice"][0]["lowered"]["value"] == 0.1
    assert plain["advice_before"][0]["lowered"] is None
    assert plain["curves"] == [{"epoch": [1, 2], "train_loss": [1.0, None]}]
    for name in ("score", "turned", "epochs", "best", "task", "n_rows", "n_columns", "n_used", "seconds"):
        assert plain[name] == getattr(found, name)
    assert plain["hidden"] == [128, 64]
    assert Recipe.from_json(plain["recipe"]) == found.recipe


def test_json_takes_it_also_where_figures_are_unknown() -> None:
    nothing = type(OVERFITS)("underfits", NOBODY, UNDERFITS.stronger)
    found = made(nothing, alternatives=(FAILED,), recovered=NONE, score=math.nan, turned=None)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["weaker"] == {"best": "", "share": {"value": None, "low": None, "high": None}}
    assert plain["alternatives"][0]["validation_loss"] is None
    assert plain["score"] is None
    assert plain["turned"] is None


def test_every_field_is_among_the_plain_values() -> None:
    from dataclasses import fields

    found = made()
    renamed = {"gains": "weaker", "before": "advice_before", "objective": "task", "architecture": "hidden"}
    assert {renamed.get(one.name, one.name) for one in fields(found)} <= set(found.to_dict())
