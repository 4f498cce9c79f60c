"""How much is tried."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.estimators.effort import (
    AUTO_FOLDS,
    ONE_SPLIT_ROWS,
    Effort,
    SearchBudget,
    auto_repeats,
    budget_of,
    is_short_of_time,
)
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.network import Network
from taut.selection.proposer import OptunaProposer
from taut.selection.space import Space, single_recipes

EFFORTS: tuple[Effort, ...] = get_args(Effort)


def test_every_effort_has_a_plan_and_each_tries_more_than_the_one_before() -> None:
    plans = [budget_of(effort) for effort in EFFORTS]
    assert EFFORTS == ("quick", "standard", "thorough")
    assert [plan.n_candidates for plan in plans] == [18, 66, 200]  # as the docstrings and --help say
    assert [plan.n_first for plan in plans] == sorted({plan.n_first for plan in plans})
    assert all(isinstance(plan, SearchBudget) for plan in plans)


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_first_batch_has_each_technique_alone_at_every_strength_and_mixtures(effort: Effort) -> None:
    plan = budget_of(effort)
    assert plan.n_first <= plan.n_candidates - 2  # the baselines are candidates too
    proposer = OptunaProposer(Space(0.001, MLP((8,)), CrossEntropy(2)), 0, n_first=plan.n_first)
    recipes = [candidate.recipe for candidate in proposer.ask(0, proposer.n_first)]
    assert len(recipes) == plan.n_first
    assert set(single_recipes()) <= set(recipes)
    assert len(set(recipes) - set(single_recipes())) >= 4


@pytest.mark.parametrize("effort", ["Quick", "", "fast", None, 3, True, ["quick"], {"quick": 1}], ids=repr)
def test_another_effort_is_refused_in_a_sentence(effort: Any) -> None:
    with pytest.raises(
        ParameterError, match=r"effort must be one of 'quick', 'standard', 'thorough', and it is "
    ) as found:
        budget_of(effort)
    assert repr(effort) in str(found.value)


@given(st.integers(1, 10**8))
def test_repeats_never_rise_with_the_rows(n: int) -> None:
    assert 1 <= auto_repeats(n + 1) <= auto_repeats(n) <= 3


@pytest.mark.parametrize(("n", "repeats"), [(1, 3), (500, 3), (501, 1), (10**7, 1)])
def test_few_rows_have_folds_made_anew(n: int, repeats: int) -> None:
    assert auto_repeats(n) == repeats


def test_a_time_limit_is_short_by_rows_weights_and_seconds() -> None:
    assert is_short_of_time(8_000, 20_000, 2 * 60.0)
    assert not is_short_of_time(8_000, 20_000, 2 * 3600.0)
    assert not is_short_of_time(800, 20_000, 2 * 60.0)
    assert not is_short_of_time(10**9, 10**6, math.inf)


def test_very_many_rows_have_one_split_and_fewer_have_five_folds() -> None:
    assert (ONE_SPLIT_ROWS, AUTO_FOLDS) == (200_000, 5)


@pytest.mark.fault(83)
def test_on_a_wide_table_with_little_time_folds_are_made_once() -> None:
    wide = Network(10_000, (128, 128), 2).n_parameters(batch_norm=False)
    assert auto_repeats(300, wide, 2 * 6.0) == 1
    assert auto_repeats(300, wide, 3600.0) == auto_repeats(300, wide) == 3
    assert auto_repeats(300, Network(10, (128, 128), 2).n_parameters(batch_norm=False), 10.0) == 3
