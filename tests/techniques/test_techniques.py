"""What holds for every technique; its own test file holds what is its own."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import numba
import numpy as np
import pytest

from taut import L1, L2, EarlyStopping, Recipe
from taut.errors import ParameterError
from taut.techniques import TECHNIQUES, UNIT_TECHNIQUES, WEIGHT_TECHNIQUES, compose
from taut.techniques.base import Hooks, Place, Technique, UnitTechnique, WeightTechnique

#: The hooks at each place.
FIELDS_OF = {
    Place.INPUT: {"input_noise", "input_drop"},
    Place.BATCH: {"mix"},
    Place.TARGET: {"smoothing"},
    Place.HIDDEN: {"drop", "normalize"},
    Place.WEIGHTS: {"weight_amounts"},
    Place.UNITS: {"unit_amounts"},
    Place.STOPPING: {"patience", "min_delta"},
}
NAMES = {kind.__name__: kind for kind in TECHNIQUES}


def kinds_of(techniques: Any) -> Any:
    return pytest.mark.parametrize("kind", techniques, ids=lambda kind: kind.name)


@kinds_of(TECHNIQUES)
def test_it_is_a_final_frozen_value_with_a_name(kind: type[Technique]) -> None:
    technique = kind.at(kind.search_range.high)
    assert is_dataclass(kind)
    assert getattr(kind, "__final__", False)
    assert kind.name.isidentifier()
    assert technique == copy.deepcopy(technique) == pickle.loads(pickle.dumps(technique))
    assert hash(technique) == hash(copy.deepcopy(technique))
    with pytest.raises(FrozenInstanceError):
        setattr(technique, fields(technique)[0].name, 0)


@kinds_of(TECHNIQUES)
def test_at_gives_the_strength_that_was_asked_for(kind: type[Technique]) -> None:
    for strength in kind.search_range.grid(7):
        technique = kind.at(strength)
        assert type(technique) is kind
        assert technique.strength == strength
        assert type(technique.strength) is float
        assert not technique.is_off
        assert technique.label


@kinds_of([kind for kind in TECHNIQUES if kind.path_range is not None])
def test_its_path_is_wider_than_what_is_searched_and_of_the_same_scale(kind: type[Technique]) -> None:
    path, searched = kind.path_range, kind.search_range
    assert path is not None
    assert path.scale == searched.scale
    assert path.low <= searched.low < searched.high <= path.high
    for strength in (path.low, path.high):
        assert not kind.at(strength).is_off


@kinds_of(TECHNIQUES)
def test_it_says_where_it_acts(kind: type[Technique]) -> None:
    alone, off = compose([kind.at(kind.search_range.high)]), compose([])
    changed = {
        field.name for field in fields(Hooks) if getattr(alone, field.name) != getattr(off, field.name)
    }
    assert changed <= FIELDS_OF[kind.acts_on]
    assert issubclass(kind, WeightTechnique) == (kind.acts_on is Place.WEIGHTS)
    assert issubclass(kind, UnitTechnique) == (kind.acts_on is Place.UNITS)
    assert type(kind.needs_classes) is bool


@kinds_of(WEIGHT_TECHNIQUES)
def test_those_that_make_zeros_say_so(kind: type[WeightTechnique]) -> None:
    assert kind.makes_zeros == (kind.weight_step(0.01, 0.05) == 0)


@kinds_of(TECHNIQUES)
def test_repr_is_the_code_that_makes_it(kind: type[Technique]) -> None:
    for strength in kind.search_range.grid(3):
        assert eval(repr(kind.at(strength)), NAMES) == kind.at(strength)


@kinds_of([kind for kind in TECHNIQUES if kind is not EarlyStopping])
def test_off_leaves_no_trace_in_the_hooks(kind: type[Technique]) -> None:
    assert kind.at(0).is_off
    assert kind.at(0).strength == 0
    assert compose([kind.at(0)]) == compose([])


@kinds_of(TECHNIQUES)
def test_on_changes_the_hooks(kind: type[Technique]) -> None:
    assert compose([kind.at(kind.search_range.high)]) != compose([])


@kinds_of(TECHNIQUES)
@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf"), "1"])
def test_an_impossible_strength_is_refused_with_the_techniques_name(
    kind: type[Technique], strength: Any
) -> None:
    with pytest.raises(
        ParameterError, match=f"(?i){kind.name.replace('batch_norm', 'batch norm').replace('_', ' ')}"
    ):
        kind.at(strength)


@kinds_of(TECHNIQUES)
def test_its_page_and_docstring_say_everything(kind: type[Technique]) -> None:
    for text in (kind.page.title, kind.page.what, kind.page.raising, kind.page.helps, kind.page.hurts):
        assert text.strip()
    assert kind.page.formula
    assert kind.page.source
    assert kind.__doc__
    for heading in ("Formula:", "Source:"):
        assert heading in kind.__doc__
    for source in kind.page.source:
        assert str(source.year) in kind.__doc__


def test_the_names_are_unique() -> None:
    assert len({kind.name for kind in TECHNIQUES}) == len(TECHNIQUES)


def test_on_the_weights_the_proximal_step_comes_after_shrinking() -> None:
    assert WEIGHT_TECHNIQUES.index(L2) < WEIGHT_TECHNIQUES.index(L1)


def test_weight_amounts_stand_in_the_order_of_the_weight_techniques() -> None:
    given = {L1: 0.25, L2: 0.5}
    expected = tuple(given.get(kind, 0.0) for kind in WEIGHT_TECHNIQUES)
    none = (0.0,) * len(UNIT_TECHNIQUES)
    assert compose([L1(0.25), L2(0.5)]) == Hooks(weight_amounts=expected, unit_amounts=none)
    assert sum(compose([L1(0.25)]).weight_amounts) == 0.25


def test_something_that_is_not_in_the_list_is_no_part_of_a_recipe() -> None:
    class Mine(Technique):
        strength = 1.0
        is_off = False
        label = "mine"

        @classmethod
        def at(cls, strength: float) -> Mine:
            return cls()

        def apply(self, hooks: Hooks) -> Hooks:
            return hooks

    with pytest.raises(ParameterError, match="is not one of taut's"):
        Recipe(Mine())


EXTREMES = [0.0, -0.0, 1.0, -1.0, 1e-3, -1e-3, 1e-45, -1e-45, 3e38, -3e38, np.inf, -np.inf, np.nan]


@kinds_of(WEIGHT_TECHNIQUES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_weight_step_by_nothing_is_the_identity_bit_for_bit(
    kind: type[WeightTechnique], dtype: Any
) -> None:
    for w in np.array(EXTREMES, dtype):
        assert dtype(kind.weight_step(w, dtype(0))).tobytes() == w.tobytes()


@kinds_of(WEIGHT_TECHNIQUES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_weight_step_compiles_and_keeps_its_type_its_values_and_nan(
    kind: type[WeightTechnique], dtype: Any
) -> None:
    compiled = numba.njit(kind.weight_step)
    weights = np.array([w for w in EXTREMES if not np.isinf(w)], dtype)
    for amount in np.array([0, 1e-3, 0.25], dtype):
        for w in weights:
            ours, theirs = compiled(w, amount), kind.weight_step(w, amount)
            assert dtype(ours).tobytes() == dtype(theirs).tobytes() or (np.isnan(w) and np.isnan(ours))
    assert [s.return_type for s in compiled.nopython_signatures] == [numba.from_dtype(np.dtype(dtype))]


@kinds_of(WEIGHT_TECHNIQUES)
def test_a_weight_step_moves_towards_zero_and_lowers_the_penalty(kind: type[WeightTechnique]) -> None:
    for w in np.linspace(-2, 2, 41):
        moved = kind.weight_step(w, 0.1)
        assert abs(moved) <= abs(w)
        assert moved * w >= 0
        assert kind.penalty(moved, 0.1) < kind.penalty(w, 0.1) or w == 0


@kinds_of(UNIT_TECHNIQUES)
@pytest.mark.parametrize("number", [float, np.float32, np.float64])
def test_a_unit_step_is_a_factor_that_keeps_nan_and_is_one_at_strength_zero(
    kind: type[UnitTechnique], number: Any
) -> None:
    compiled = numba.njit(kind.unit_step)
    norms = [number(norm) for norm in (0.0, 1e-45, 1e-3, 1.0, 40.0, 1e19)]
    for step in (kind.unit_step, compiled):
        for norm in norms:
            assert step(norm, number(0), number(0.01)) == 1
            assert 0 <= step(norm, number(kind.search_range.high), number(0.01)) <= 1
        assert np.isnan(step(number("nan"), number(1), number(0.01)))


def test_every_hook_has_a_place() -> None:
    assert set().union(*FIELDS_OF.values()) == {field.name for field in fields(Hooks)}
    assert set(FIELDS_OF) == set(Place)
