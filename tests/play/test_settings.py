"""What a page sets is read back as it was, and what is wrong is told at its control."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.play.settings import (
    MOST_EPOCHS,
    OWN,
    Settings,
    SettingsError,
    Switch,
    controls,
    made,
    parameters_of,
    range_of,
    read,
    switches,
    usual,
)
from taut.play.toys import MOST_ROWS, TOYS
from taut.recipe import Recipe
from taut.techniques import L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Technique
from tests.play.helpers import quick

kinds = pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)

CLASSES = [one.name for one in TOYS if one.task == "classification"]
NAMES = [one.name for one in fields(Settings)]


def strengths(kind: type[Technique]) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters that a page's slider can give."""
    span = range_of(kind)
    if span.scale == "switch":
        return st.just(usual(kind))
    first = next(iter(usual(kind)))
    whole = isinstance(usual(kind)[first], int)
    low, high = (max(1, round(span.low)), round(span.high)) if whole else (span.low, span.high)
    values: Any = st.integers(low, high) if whole else st.floats(low, high)  # type: ignore[arg-type]
    return values.map(lambda value: usual(kind) | {first: value})


@st.composite
def settings(draw: Any) -> Settings:
    return Settings(
        problem=draw(st.sampled_from(CLASSES)),
        n_rows=draw(st.integers(20, 200)),
        noise=draw(st.floats(0, 1)),
        held_out=draw(st.floats(0.05, 0.9)),
        techniques={kind.name: Switch(draw(st.booleans()), draw(strengths(kind))) for kind in TECHNIQUES},
        hidden=tuple(draw(st.lists(st.integers(1, 1024), max_size=6))),
        activation=draw(st.sampled_from(["relu", "silu", "gelu"])),
        n_bins=draw(st.integers(0, 256)),
        learning_rate=draw(st.floats(1e-6, 9)),
        batch_size=draw(st.integers(1, 65_536)),
        max_epochs=draw(st.integers(1, MOST_EPOCHS)),
        random_state=draw(st.integers(0, 2**31 - 1)),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
technique_like = st.dictionaries(
    st.sampled_from([kind.name for kind in TECHNIQUES]),
    json_values
    | st.fixed_dictionaries(
        {},
        optional={
            "on": json_values,
            "values": json_values
            | st.dictionaries(st.sampled_from(["rate", "strength", "patience", "on"]), json_values),
        },
    ),
    max_size=3,
)
settings_like = st.fixed_dictionaries(
    {},
    optional={name: technique_like | json_values if name == "techniques" else json_values for name in NAMES},
)


@given(settings())
def test_settings_are_read_back_as_they_were(wanted: Settings) -> None:
    assert read(json.loads(json.dumps(wanted.to_json())), None) == wanted


@given(json_values | settings_like)
def test_whatever_comes_is_read_or_told_at_its_control(found: Any) -> None:
    try:
        assert isinstance(read(found, None), Settings)
    except SettingsError as error:
        for name, sentence in error.sentences.items():
            assert name == "" or name.split(".")[0] in {*NAMES, *found}
            assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("problem", "own", "There is no problem 'own' here; there are moons"),
        ("problem", ["moons"], "There is no problem"),
        ("n_rows", 19, "Rows must be a whole number from 20 to 5,000"),
        ("n_rows", MOST_ROWS + 1, "Rows must be"),
        ("noise", 2, "noise must be a number from 0 to 1, and it is 2"),
        ("held_out", 0.01, "The share held out must be from 0.05 to 0.9"),
        ("hidden", 5, "The widths are a list of whole numbers"),
        ("hidden", [0], "A width must be a whole number"),
        ("hidden", [8] * 7, "There are 6 hidden layers at most here, and these are 7"),
        ("hidden", [2000], "A width must be a whole number from 1 to 1,024"),
        ("activation", "tanh", "The activation is relu, silu, gelu, and it is 'tanh'"),
        ("n_bins", 1.5, "Pieces must be a whole number"),
        ("learning_rate", 0, "The learning rate must be above 0"),
        ("learning_rate", 10**400, "The learning rate must be a number from 0 to below 10"),
        ("learning_rate", float("nan"), "The learning rate must be"),
        ("batch_size", 0, "The batch size must be"),
        ("max_epochs", 10**6, "Epochs must be a whole number from 1 to 5,000"),
        ("random_state", -1, "The seed must be"),
        ("shoe_size", 43, "taut play knows no setting 'shoe_size'"),
        ("techniques", 3, "The techniques are an object"),
        ("techniques", {"magic": {}}, "taut knows no technique 'magic'; it knows l2"),
    ],
)
def test_a_wrong_setting_is_told_at_its_own_control(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({name: value}, None)
    assert list(refused.value.sentences) == [name]
    assert refused.value.sentences[name].startswith(sentence)


@pytest.mark.parametrize(
    ("technique", "given", "control", "sentence"),
    [
        ("dropout", {"values": {"rate": 1.0}}, "techniques.dropout.rate", "rate"),
        ("dropout", {"values": {"rate": "much"}}, "techniques.dropout.rate", "rate"),
        ("l2", {"values": {"strength": -1}}, "techniques.l2.strength", "strength"),
        ("early_stopping", {"values": {"patience": 0.5}}, "techniques.early_stopping.patience", "patience"),
        ("l1", {"values": {"force": 1}}, "techniques.l1", "has no parameter 'force'"),
        ("l1", 4, "techniques.l1", "has a switch and values"),
        ("l1", {"values": 4}, "techniques.l1", "has a switch and values"),
        ("l1", {"on": "please"}, "techniques.l1", "is on or off, and this is 'please'"),
    ],
)
def test_a_wrong_strength_is_told_at_its_own_control(
    technique: str, given: Any, control: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read({"techniques": {technique: given}}, None)
    assert list(refused.value.sentences) == [control]
    assert sentence in refused.value.sentences[control]


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read({"noise": 7, "hidden": [-1], "techniques": {"l2": {"values": {"strength": "x"}}}}, None)
    assert set(refused.value.sentences) == {"noise", "hidden", "techniques.l2.strength"}


def test_what_is_for_classes_is_refused_for_amounts() -> None:
    found = {"problem": "sine", "techniques": {"label_smoothing": {"on": True}}}
    with pytest.raises(SettingsError) as refused:
        read(found, None)
    assert list(refused.value.sentences) == ["techniques.label_smoothing"]
    assert read(found | {"problem": "moons"}, None).recipe.describe()


def test_what_is_not_there_is_as_it_was() -> None:
    base = quick(L2(0.5), noise=0.1)
    assert read({}, None, base) == base
    changed = read({"techniques": {"l2": {"on": False}}}, None, base)
    assert changed.techniques["l2"] == Switch(False, {"strength": 0.5})
    assert replace(changed, techniques=base.techniques) == base


def test_a_slider_of_a_whole_number_gives_a_whole_number() -> None:
    read_back = read({"techniques": {"early_stopping": {"values": {"patience": 7.0}}}}, None)
    assert repr(read_back.techniques["early_stopping"].values["patience"]) == "7"


def test_the_recipe_has_what_is_on() -> None:
    assert quick().recipe == Recipe()
    techniques = (L2(0.5), Dropout(0.2), BatchNorm(), EarlyStopping(patience=7))
    assert quick(*techniques).recipe == Recipe(*techniques)


@kinds
def test_a_technique_has_a_strength_to_begin_with_that_acts_and_that_its_slider_has(
    kind: type[Technique],
) -> None:
    technique, span = made(kind, usual(kind)), range_of(kind)
    assert not technique.is_off
    assert span.scale == "switch" or span.low <= technique.strength <= span.high
    assert span.scale != "log" or span.low > 0
    assert parameters_of(technique) == usual(kind)
    assert switches(Recipe(technique))[kind.name] == Switch(True, usual(kind))


@kinds
def test_both_ends_of_a_slider_are_strengths(kind: type[Technique]) -> None:
    span = range_of(kind)
    if span.scale != "switch":
        first = next(iter(usual(kind)))
        for end in (span.low, span.high):
            assert made(kind, usual(kind) | {first: end}).strength == end


def test_a_strength_is_kept_while_its_technique_is_off() -> None:
    found = read({"techniques": {"l2": {"on": False, "values": {"strength": 0.25}}}}, None)
    assert found.recipe == Recipe()
    assert read({"techniques": {"l2": {"on": True}}}, None, found).recipe == Recipe(L2(0.25))


def test_the_persons_own_table_is_the_first_problem() -> None:
    own = quick().data(None)
    assert [one["name"] for one in controls(own)["problems"]][0] == OWN
    assert OWN not in [one["name"] for one in controls(None)["problems"]]
    found = read({"problem": OWN}, own)
    assert found.data(own) is own
    assert found.task(own) == own.task


@pytest.mark.parametrize("problem", [one["name"] for one in controls(None)["problems"]])
def test_the_task_is_known_without_the_table(problem: str) -> None:
    found = quick(problem=problem)
    assert found.task(None) == found.data(None).task
