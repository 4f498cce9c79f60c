"""A first look at very many columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.evidence.signs import leaks as module
from taut.evidence.signs.leaks import leaks
from taut.evidence.signs.power import area
from taut.evidence.signs.screen import areas, missing_screened, screened
from tests.evidence.signs.helpers import case, only, plain


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_leak_stands_out_and_none_is_missed(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, y = plain(600, task=task)
    rng = np.random.default_rng(3)
    columns |= {f"n{i}": rng.standard_normal(600) for i in range(40)}
    code: Any = np.where(y == "yes", 1.0, 2.0) if task == "classification" else y
    columns["LEAK"] = np.where(rng.random(600) < 0.02, rng.permutation(code), code)
    view = case(columns, y).view
    looks = screened(view)
    assert view.names[int(looks.argmax())] == "LEAK"
    assert np.sort(looks)[-2] < 0.85 < looks.max()
    slowly = [(sign.columns, sign.severity) for sign in leaks(view)]
    monkeypatch.setattr(module, "_MOST_JUDGED", 10)
    assert [(sign.columns, sign.severity) for sign in leaks(view)] == slowly == [(("LEAK",), "severe")]


def test_missing_values_that_go_with_the_target_stand_out() -> None:
    columns, y = plain(600)
    rng = np.random.default_rng(1)
    columns["honest"] = np.where(rng.random(600) < 0.3, np.nan, rng.standard_normal(600))
    columns["gone"] = np.where((y == "yes") ^ (rng.random(600) < 0.04), np.nan, rng.standard_normal(600))
    view = case(columns, y).view
    looks = dict(zip(view.names, missing_screened(view), strict=True))
    assert looks["gone"] > 0.9
    assert 0.4 < looks["honest"] < 0.7
    assert looks["a"] == 0.0
    assert only(leaks(view)).columns == ("gone",)


def test_areas_are_those_of_one_column_at_a_time() -> None:
    positives = np.random.default_rng(0).integers(0, 9, (7, 3)).astype(np.float64)
    others = np.random.default_rng(1).integers(1, 9, (7, 3)).astype(np.float64)
    for column, found in enumerate(areas(positives, others)):
        h, o = positives[:, column], others[:, column]
        assert found == pytest.approx(area(h / (h + o), h, o)[0])
    assert areas(np.zeros((2, 1)), np.ones((2, 1)))[0] == 0.5
