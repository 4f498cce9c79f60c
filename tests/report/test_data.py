from __future__ import annotations

from typing import Any

import pytest

from taut.report.data import became, rows_figure
from taut.report.facts import facts_of
from tests.report.models import searched
from tests.report.plotted import drawn


def test_loss_by_rows_has_its_intervals() -> None:
    facts: Any = facts_of(searched("y"))
    point = {"n_rows": 50, "train_loss": 0.3, "loss": {"value": 0.5, "low": 0.4, "high": 0.7}}
    facts["diagnosis"] = {"learning_curve": {"points": [point, {**point, "n_rows": 100}]}}
    figure = rows_figure(facts)
    assert drawn(figure)
    assert figure["data"][1]["error_y"]["array"][0] == pytest.approx(0.2)


def test_columns_are_counted_by_kind() -> None:
    text = became(facts_of(searched("y"))["data"])
    assert text.startswith("6 of 7 columns (3 numbers, 1 category, 1 yes or no, 1 date) became ")
    assert text.endswith("1 column was left out.")
