"""Results as plain values."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from taut.examine.plain import without_nan

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def test_numbers_that_json_has_not_are_none() -> None:
    given_values = {"a": [1.0, math.nan, (math.inf, -math.inf)], "b": {"c": math.nan, "d": "nan"}, "e": 3}
    assert without_nan(given_values) == {"a": [1.0, None, [None, None]], "b": {"c": None, "d": "nan"}, "e": 3}


@given(values)
def test_json_takes_what_comes_out_and_gives_it_back(value: object) -> None:
    plain = without_nan(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert without_nan(plain) == plain


def test_what_was_given_is_left_as_it_is() -> None:
    inner = [math.nan]
    without_nan({"a": inner})
    assert math.isnan(inner[0])
