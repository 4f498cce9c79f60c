"""Results as plain values."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taut import L2, Recipe
from taut.evidence.interval import Interval
from taut.evidence.learning_curve import CurvePoint
from taut.examine.plain import plain_values

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def test_numbers_that_json_has_not_are_none() -> None:
    given_values = {"a": [1.0, math.nan, (math.inf, -math.inf)], "b": {"c": math.nan, "d": "nan"}, "e": 3}
    assert plain_values(given_values) == {
        "a": [1.0, None, [None, None]],
        "b": {"c": None, "d": "nan"},
        "e": 3,
    }


@given(values)
def test_json_takes_what_comes_out_and_gives_it_back(value: object) -> None:
    plain = plain_values(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain_values(plain) == plain


def test_what_was_given_is_left_as_it_is() -> None:
    inner = [math.nan]
    plain_values({"a": inner})
    assert math.isnan(inner[0])


def test_a_dataclass_is_written_by_its_fields_and_what_says_itself_how_is_left_to_it() -> None:
    point = CurvePoint(20, Interval(0.5, math.nan, 1.0), math.inf)
    loss = {"value": 0.5, "low": None, "high": 1.0}
    assert plain_values(point) == {"n_rows": 20, "loss": loss, "train_loss": None}
    recipe = Recipe(L2(0.5))
    assert plain_values((recipe, np.array([1.0, math.nan]))) == [recipe.to_json(), [1.0, None]]
