from __future__ import annotations

import re
from typing import Any

import pytest

from taut.evidence.advice_reasons import reason_for
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.evidence.test_advice_rules import AMOUNT, SMALL, profile

KINDS = (L1, L2, Dropout, BatchNorm)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [{}, AMOUNT, {"n_classes": 26, "rarest_share": 0.03}, SMALL])
def test_every_reason_has_own_figures_and_a_source_with_a_year(
    kind: type[Any], changes: dict[str, Any]
) -> None:
    reason, source = reason_for(kind, profile(**changes))
    assert re.search(r"(lowered|raised) the loss by \d+\.\d % on average\.$", reason)
    assert re.search(r"\((19|20)\d\d, ", source)
    assert re.search(r"measured by taut on \d+ tables: docs/advice\.md$", source)
    assert "%%" not in reason
    assert "  " not in reason


def test_the_figures_are_those_of_the_table() -> None:
    reason, _ = reason_for(L2, profile())
    assert "18,000 parameters for 300 rows" in reason
    reason, _ = reason_for(L1, profile(n_features=1234, categorical_share=0.5))
    assert reason.startswith("Categories are 50 % of the columns and make 1,234 features for 300 rows")
    reason, _ = reason_for(BatchNorm, profile(n_classes=26))
    assert "26 classes" in reason
    assert "64 rows a step" in reason
    reason, _ = reason_for(Dropout, profile(n_classes=26, rarest_share=0.03, noise=0.77))
    assert "The rarest class has 9 rows." in reason
    assert "leave 77 % unexplained" in reason


def test_little_noise_is_named_where_an_amount_is_predicted() -> None:
    assert "only 9 % of the variation" in reason_for(Dropout, profile(**AMOUNT, noise=0.09))[0]
    assert "variation" not in reason_for(Dropout, profile(**AMOUNT, noise=0.5))[0]


def test_a_small_network_has_no_units_to_spare() -> None:
    reason, _ = reason_for(Dropout, profile(**SMALL, n_classes=10))
    assert "no units to spare" in reason
    assert "with layers of 16 units, it raised the loss" in reason


def test_few_rows_a_step_are_named() -> None:
    reason, source = reason_for(BatchNorm, profile(n_classes=10, batch_size=4))
    assert reason.startswith("A step has 4 rows")
    assert "with 4 rows a step, it raised the loss" in reason
    assert source.startswith("Wu and He (2018, ECCV); measured by taut")


@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 4}, SMALL | {"n_classes": 10, "batch_size": 4}, {"n_hidden": 0, "n_parameters": 26}],
)
def test_what_was_not_measured_is_not_said_to_be(changes: dict[str, Any]) -> None:
    reason, source = reason_for(L1, profile(**changes))
    assert "on average" not in reason
    assert "measured by taut" not in source


def test_dropout_beside_batch_norm_is_warned_of() -> None:
    reason, source = reason_for(Dropout, profile(n_classes=10))
    assert "shifts the statistics" in reason
    assert "Li et al. (2019, CVPR)" in source
