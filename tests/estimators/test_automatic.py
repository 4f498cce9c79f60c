"""What "auto" means."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.estimators import automatic
from taut.estimators.automatic import auto_batch_size
from tests.estimators.helpers import given as some_table
from tests.estimators.helpers import kinds, single


@given(st.integers(1, 10**8))
def test_batches_are_powers_of_two_in_their_range_and_never_fall_with_the_rows(n: int) -> None:
    size = auto_batch_size(n)
    assert 1 <= size <= 256
    assert size & (size - 1) == 0
    assert size <= auto_batch_size(n + 1) <= auto_batch_size(2 * n)


def test_a_large_table_has_the_largest_batch() -> None:
    assert auto_batch_size(10**6) == 256
    assert auto_batch_size(10) <= 32


@kinds
def test_auto_is_what_the_functions_say(make: object) -> None:
    X, y = some_table()
    few = {} if make is single else {"n_candidates": 2}
    fitted = make(learning_rate="auto", **few).fit(X, y)  # type: ignore[operator]
    assert fitted.batch_size_ == auto_batch_size(150)
    assert 0 < fitted.learning_rate_ < 0.1
    # What auto became can be given; a search then has no other rates to try, so that baselines have to do.
    found = {"batch_size": fitted.batch_size_, "learning_rate": fitted.learning_rate_}
    named = make(**found, **few).fit(X, y)  # type: ignore[operator]
    assert (named.predict_proba(X) == fitted.predict_proba(X)).all()


def test_given_numbers_are_taken() -> None:
    X, y = some_table()
    fitted = single(batch_size=17, learning_rate=0.02, max_epochs=2).fit(X, y)
    assert (fitted.batch_size_, fitted.learning_rate_) == (17, 0.02)


@pytest.mark.parametrize("name", [name for name, _ in inspect.getmembers(automatic, inspect.isfunction)])
def test_every_rule_is_documented(name: str) -> None:
    assert getattr(automatic, name).__doc__
