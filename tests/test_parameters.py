from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.parameters import json_fields, real, switch, whole


@given(st.floats(0, 1, exclude_max=True))
def test_real_gives_back_every_number_of_its_range(value: float) -> None:
    assert real("rate", value, below=1.0) == value


@pytest.mark.parametrize("value", [0, 3, 0.5, np.float32(0.5), np.int64(2)])
def test_real_gives_a_plain_float(value: float) -> None:
    number = real("rate", value)
    assert type(number) is float
    assert number == value


def test_real_has_one_zero() -> None:
    assert math.copysign(1.0, real("rate", -0.0)) == 1.0


@pytest.mark.parametrize("value", [-1e-9, math.inf, -math.inf, math.nan])
def test_real_refuses_what_is_out_of_range_and_names_it(value: float) -> None:
    with pytest.raises(
        ParameterError, match=r"rate must be a finite number of 0 or more, and it is (-1e-09|-?inf|nan)\."
    ):
        real("rate", value)


def test_real_says_both_ends_of_a_range() -> None:
    with pytest.raises(ParameterError, match=r"rate must be a number from 0 to below 1, and it is 1\."):
        real("rate", 1, below=1.0)


@pytest.mark.parametrize("value", [True, "0.1", None, 1j, [0.1]])
def test_real_refuses_what_is_no_number(value: object) -> None:
    with pytest.raises(ParameterError, match="rate must be .* is not a number"):
        real("rate", value)


@pytest.mark.parametrize("value", [1, 7, 7.0, np.int32(7), np.float64(7)])
def test_whole_gives_a_plain_int(value: float) -> None:
    number = whole("patience", value)
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize("value", [0, -3, 1.5, math.nan, math.inf, True, "7", None])
def test_whole_refuses_the_rest_and_names_it(value: object) -> None:
    with pytest.raises(ParameterError, match="patience must be a whole number of 1 or more, and it is"):
        whole("patience", value)


@pytest.mark.fault(82)
def test_whole_has_a_highest_where_one_is_given() -> None:
    assert whole("max_epochs", 1000, high=1000) == 1000
    for value in (1001, 10**30, 1e30, 0):
        with pytest.raises(
            ParameterError, match="max_epochs must be a whole number from 1 to 1,000, and it is"
        ):
            whole("max_epochs", value, high=1000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), (1, True), (0.0, False), (np.True_, True), (np.int8(0), False)],
)
def test_switch_gives_a_plain_bool(value: object, expected: bool) -> None:
    assert switch("on", value) is expected


@pytest.mark.parametrize("value", [0.5, 2, "yes", None, math.nan])
def test_switch_refuses_the_rest(value: object) -> None:
    with pytest.raises(ParameterError, match="on must be True or False, and it is"):
        switch("on", value)


def test_json_fields_takes_what_it_knows() -> None:
    assert json_fields("recipe", {"format": 3, "a": 1, "b": [2]}, format=3, known=("b", "a")) == {
        "a": 1,
        "b": [2],
    }


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([1], "A recipe in JSON is an object with the fields format, a; got"),
        ({"a": 1}, "This recipe is of format None, and this version of taut reads format 3"),
        ({"format": 4, "a": 1}, "This recipe is of format 4, and this version of taut reads format 3"),
        ({"format": True, "a": 1}, "This recipe is of format True"),
        ({"format": 3}, "This recipe lacks a"),
        ({"format": 3, "a": 1, "z": 2}, "This recipe has fields that taut does not know: z"),
    ],
)
def test_json_fields_says_what_is_wrong(data: object, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        json_fields("recipe", data, format=3, known=("a",))
