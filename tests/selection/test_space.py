"""What is searched: the ranges, the points, and the design that the first batch is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION, Candidate
from taut.selection.space import LEARNING_RATES, SEARCHED, Space, is_single, single_recipes
from taut.techniques import L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Technique

USUAL = Space(2e-3, MLP((128, 128)), CrossEntropy(3))
SPACES = [
    replace(USUAL, search_rate=rate, architecture=MLP((128, 128), searched=widths))
    for rate in (False, True)
    for widths in (False, True)
]


def widths_searched(space: Space) -> bool:
    assert isinstance(space.architecture, MLP)
    return space.architecture.searched


spaces = pytest.mark.parametrize(
    "space", SPACES, ids=lambda s: f"rate{s.search_rate}-widths{widths_searched(s)}"
)
NUMBERS = [kind for kind in SEARCHED if kind.search_range.scale != "switch"]


def points(space: Space) -> st.SearchStrategy[dict[str, Any]]:
    """Any point: switches, and those numbers whose switch is on."""

    def numbers(switches: dict[str, bool]) -> st.SearchStrategy[dict[str, Any]]:
        parts: dict[str, Any] = {name: st.just(on) for name, on in switches.items()}
        for dimension in space.dimensions:
            if dimension.condition and not switches[dimension.condition]:
                continue
            whole = st.integers(int(dimension.low), int(dimension.high))
            parts[dimension.name] = whole if dimension.whole else st.floats(dimension.low, dimension.high)
        return st.fixed_dictionaries(parts)

    return st.fixed_dictionaries({name: st.booleans() for name in space.switches}).flatmap(numbers)


def strengths_of(recipe: Recipe) -> dict[type[Technique], float]:
    return {type(one): one.strength for one in recipe.techniques if not isinstance(one, EarlyStopping)}


# --- the ranges -------------------------------------------------------------------------------------------


def test_everything_but_early_stopping_and_what_says_why_not_is_searched() -> None:
    assert {*SEARCHED, EarlyStopping} == {kind for kind in TECHNIQUES if not kind.why_not_searched}
    assert EarlyStopping not in SEARCHED


@spaces
def test_the_axes_are_the_techniques_own_ranges_and_what_else_is_searched(space: Space) -> None:
    dimensions = {dimension.name: dimension for dimension in space.dimensions}
    for kind in NUMBERS:
        dimension = dimensions.pop(f"{kind.name}_strength")
        range_ = kind.search_range
        assert (dimension.low, dimension.high, dimension.log) == (
            range_.low,
            range_.high,
            range_.scale == "log",
        )
        assert (dimension.whole, dimension.condition) == (False, kind.name)
    if space.search_rate:
        rate = dimensions.pop("learning_rate")
        assert (rate.low, rate.high, rate.log, rate.whole) == (LEARNING_RATES.low, LEARNING_RATES.high, 1, 0)
    if widths_searched(space):
        width, depth = dimensions.pop("log2_width"), dimensions.pop("depth")
        assert (2**width.low, 2**width.high, depth.low, depth.high) == (32, 256, 1, 3)
        assert width.whole
        assert depth.whole
    assert not dimensions
    assert space.switches == tuple(kind.name for kind in SEARCHED)


@spaces
def test_the_baselines_have_the_usual_rate_and_widths(space: Space) -> None:
    assert space.baselines() == (
        Candidate(EARLY_STOPPING_ALONE, 2e-3, space.architecture),
        Candidate(NO_REGULARIZATION, 2e-3, space.architecture),
    )
    assert space.architecture.widths == (128, 128)
    assert space.usual(Recipe(L2(0.1))) == Candidate(Recipe(L2(0.1)), 2e-3, space.architecture)


@pytest.mark.parametrize("rate", [False, True])
def test_without_hidden_layers_what_acts_on_hidden_units_is_not_searched(rate: bool) -> None:
    space = Space(2e-3, MLP(()), CrossEntropy(3), search_rate=rate)
    assert BatchNorm not in space.kinds
    assert Dropout not in space.kinds
    assert space.kinds == tuple(kind for kind in SEARCHED if kind not in (BatchNorm, Dropout))
    assert space.switches == tuple(kind.name for kind in space.kinds)
    assert not {dimension.condition for dimension in space.dimensions} & {BatchNorm.name, Dropout.name}
    made = [one for one in islice(space.design(0), 62) if one not in alone(space)][:60]
    # Each technique alone first, then mixtures, of those alone.
    assert [is_single(one.recipe) for one in made[: len(space.kinds)]] == list(space.kinds)
    assert {kind for one in made for kind in strengths_of(one.recipe)} == set(space.kinds)
    assert len(set(made)) == 60
    for candidate in made:
        assert candidate.architecture.widths == ()
        point = space.point(candidate)
        assert space.candidate(point) == candidate
        assert {name for name in point if name in space.switches} == set(space.switches)
    assert space.baselines() == (
        Candidate(EARLY_STOPPING_ALONE, 2e-3, MLP(())),
        Candidate(NO_REGULARIZATION, 2e-3, MLP(())),
    )


def test_where_there_are_few_candidates_each_pair_of_techniques_comes_before_other_strengths() -> None:
    space = replace(USUAL, few=True)
    made = list(islice(space.design(0), 16))
    n = len(SEARCHED)
    singles, pairs = made[:n], made[n : n + n * (n - 1) // 2]
    assert [is_single(one.recipe) for one in singles] == list(SEARCHED)
    assert {frozenset(strengths_of(one.recipe)) for one in pairs} == set(
        map(frozenset, combinations(SEARCHED, 2))
    )
    alone_at = {kind: strengths_of(one.recipe)[kind] for kind, one in zip(SEARCHED, singles, strict=True)}
    for one in pairs:
        assert one.learning_rate == USUAL.learning_rate
        assert all(alone_at[kind] == strength for kind, strength in strengths_of(one.recipe).items())
    assert made[:n] == list(islice(USUAL.design(0), n))


def test_with_hidden_layers_or_where_widths_are_searched_all_techniques_are() -> None:
    assert USUAL.kinds == SEARCHED
    assert Space(2e-3, MLP((), searched=True), CrossEntropy(3)).kinds == SEARCHED


# --- points and candidates --------------------------------------------------------------------------------


@spaces
@given(data=st.data())
def test_a_point_becomes_the_candidate_that_lies_there(space: Space, data: Any) -> None:
    point = data.draw(points(space))
    candidate = space.candidate(point)
    assert candidate.recipe.get(EarlyStopping) == EarlyStopping()
    for kind in SEARCHED:
        technique = candidate.recipe.get(kind)
        assert (technique is not None) == point[kind.name]
        if technique is not None:
            strength = 1.0 if kind not in NUMBERS else point[f"{kind.name}_strength"]
            assert technique.strength == pytest.approx(strength, rel=0.05)
            assert not technique.is_off
    rate = point["learning_rate"] if space.search_rate else space.learning_rate
    assert candidate.learning_rate == pytest.approx(rate, rel=0.05)
    widths = (
        (2 ** point["log2_width"],) * point["depth"] if widths_searched(space) else space.architecture.widths
    )
    assert candidate.architecture == replace(space.architecture, hidden=widths)  # type: ignore[call-arg]
    assert candidate.architecture.widths == widths
    assert all(type(width) is int for width in candidate.architecture.widths)


@spaces
@given(data=st.data())
def test_a_candidate_has_its_point_again(space: Space, data: Any) -> None:
    point = data.draw(points(space))
    candidate = space.candidate(point)
    found = space.point(candidate)
    assert found.keys() == point.keys()
    for dimension in space.dimensions:
        if dimension.name in found:
            assert dimension.low <= found[dimension.name] <= dimension.high
            assert found[dimension.name] == pytest.approx(point[dimension.name], rel=0.05)
    assert {name: found[name] for name in space.switches} == {name: point[name] for name in space.switches}
    # And there and back again is the same.
    assert space.candidate(found) == candidate
    assert space.point(space.candidate(found)) == found


def test_numbers_have_two_digits() -> None:
    space = replace(USUAL, search_rate=True)
    point = dict.fromkeys(space.switches, False) | {"l2": True, "l2_strength": 0.123456789}
    candidate = space.candidate(point | {"learning_rate": 0.00123456789})
    assert (strengths_of(candidate.recipe), candidate.learning_rate) == ({L2: 0.12}, 0.0012)


def test_what_lies_outside_is_cut_to_the_ranges() -> None:
    space = replace(USUAL, search_rate=True, architecture=MLP((128, 128), searched=True))
    far = Candidate(Recipe(L2(1e9), Dropout(0.999), EarlyStopping(3)), 1e3, MLP((10_000,) * 9, searched=True))
    near = Candidate(Recipe(L2(1e-9), Dropout(1e-9)), 1e-9, MLP((1,), searched=True))
    for candidate, end in ((far, "high"), (near, "low")):
        found = space.point(candidate)
        assert [found[name] for name in space.switches] == [kind in (L2, Dropout) for kind in SEARCHED]
        for dimension in space.dimensions:
            if dimension.name in found:
                assert found[dimension.name] == getattr(dimension, end), dimension.name
    assert type(space.point(far)["depth"]) is type(space.point(far)["log2_width"]) is int


def test_a_technique_at_its_off_value_is_not_in() -> None:
    found = USUAL.point(Candidate(Recipe(L2(0.0), EarlyStopping()), 2e-3, MLP((128, 128))))
    assert found["l2"] is False
    assert "l2_strength" not in found


# --- each technique alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SEARCHED, ids=lambda kind: kind.name)
def test_each_technique_is_tried_alone_at_several_strengths_of_its_range(kind: type[Technique]) -> None:
    alone = [recipe for recipe in single_recipes() if recipe.get(kind) is not None]
    range_ = kind.search_range
    strengths = [strengths_of(recipe)[kind] for recipe in alone]
    assert all(set(map(type, recipe.techniques)) == {kind, EarlyStopping} for recipe in alone)
    if range_.scale == "switch":
        assert strengths == [1.0]
        return
    assert len(set(strengths)) == len(strengths) >= 3
    assert all(range_.low <= strength <= range_.high for strength in strengths)
    # From both halves of the range, and away from its ends.
    assert min(strengths) < range_.strength_at(0.35) < range_.strength_at(0.65) < max(strengths)
    # Short enough to read and to type again.
    assert all(len(repr(strength)) <= 7 for strength in strengths)


def test_the_middle_strengths_of_all_techniques_come_first() -> None:
    first = single_recipes()[: len(SEARCHED)]
    for kind, recipe in zip(SEARCHED, first, strict=True):
        strength = strengths_of(recipe)[kind]
        if kind in NUMBERS:
            assert strength == pytest.approx(kind.search_range.strength_at(0.5), rel=0.05)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Recipe(L2(0.1), EarlyStopping()), L2),
        (Recipe(BatchNorm(), EarlyStopping(3)), BatchNorm),
        (Recipe(L2(0.1)), None),  # without early stopping it is something else
        (Recipe(L2(0.1), Dropout(0.3), EarlyStopping()), None),
        (Recipe(L2(0.1), Dropout(0.0), EarlyStopping()), L2),
        (Recipe(L2(0.0), EarlyStopping()), None),
        (Recipe(EarlyStopping()), None),
        (Recipe(), None),
    ],
    ids=str,
)
def test_one_technique_alone_is_told_from_mixtures_and_baselines(recipe: Recipe, expected: Any) -> None:
    assert is_single(recipe) is expected


# --- the design -------------------------------------------------------------------------------------------


def alone(space: Space) -> list[Candidate]:
    """Early stopping alone at the learning rates that are tried beside the usual one."""
    rates = space.other_rates if space.search_rate else ()
    return [Candidate(EARLY_STOPPING_ALONE, rate, space.architecture) for rate in rates]


def test_early_stopping_alone_is_tried_at_a_third_and_three_times_the_usual_rate() -> None:
    space = replace(USUAL, search_rate=True)
    assert space.other_rates == pytest.approx((USUAL.learning_rate / 3, USUAL.learning_rate * 3), rel=0.02)
    assert set(alone(space)) < set(islice(space.design(0), 12))
    only = replace(space, search_rate=False)
    assert not [one for one in islice(only.design(0), 40) if one.recipe == EARLY_STOPPING_ALONE]


@spaces
def test_the_design_begins_with_every_technique_alone_then_singles_and_mixtures_in_turn(space: Space) -> None:
    singles = [space.usual(recipe) for recipe in single_recipes()]
    n, rest = len(SEARCHED), len(singles) - len(SEARCHED)
    made = list(islice(space.design(0), n + 2 * rest + 20))
    assert made[:n] == singles[:n]
    assert made[n + 1 : n + 2 * rest : 2] == singles[n:]
    others = made[n : n + 2 * rest : 2] + made[n + 2 * rest :]
    assert others[: len(alone(space))] == alone(space)
    mixtures = others[len(alone(space)) :]
    assert all(is_single(one.recipe) is None for one in mixtures)


@spaces
@given(seed=st.integers(0, 2**63 - 1))
def test_mixtures_are_two_techniques_or_more_within_their_ranges(space: Space, seed: int) -> None:
    n_singles = len(single_recipes())
    made = [one for one in islice(space.design(seed), n_singles + 40) if one not in alone(space)]
    mixtures = [one for one in made if is_single(one.recipe) is None][:30]
    assert len(mixtures) == 30
    for candidate in mixtures:
        recipe = candidate.recipe
        assert recipe.get(EarlyStopping) == EarlyStopping()
        assert len(recipe.techniques) >= 3
        for technique in recipe.techniques:
            range_ = technique.search_range
            assert not technique.is_off
            assert range_.low <= technique.strength <= range_.high
        if space.search_rate:
            assert LEARNING_RATES.low <= candidate.learning_rate <= LEARNING_RATES.high
        else:
            assert candidate.learning_rate == space.learning_rate
        if widths_searched(space):
            assert candidate.architecture.widths[0] in (32, 64, 128, 256)
            assert candidate.architecture.widths == candidate.architecture.widths[:1] * len(
                candidate.architecture.widths
            )
            assert 1 <= len(candidate.architecture.widths) <= 3
        else:
            assert candidate.architecture.widths == space.architecture.widths


@spaces
@given(seed=st.integers(0, 2**63 - 1))
def test_no_two_of_a_first_batch_are_the_same(space: Space, seed: int) -> None:
    made = list(islice(space.design(seed), 48))
    assert len(set(made)) == 48


def test_mixtures_fill_the_space() -> None:
    space = replace(USUAL, search_rate=True, architecture=MLP((128, 128), searched=True))
    n = 400
    made = [one for one in islice(space.design(0), n) if one not in alone(space)]
    mixtures = [one for one in made if is_single(one.recipe) is None]
    n = len(mixtures)
    count = Counter(kind for one in mixtures for kind in strengths_of(one.recipe))
    for kind in SEARCHED:
        assert 0.5 < count[kind] / n < 0.85
    assert {len(one.recipe.techniques) - 1 for one in mixtures} == set(range(2, len(SEARCHED) + 1))
    for dimension in space.dimensions:
        places = [space.point(one)[dimension.name] for one in mixtures if dimension.name in space.point(one)]
        if dimension.whole:
            values = np.bincount(places)[int(dimension.low) :] / len(places)
            np.testing.assert_allclose(values, 1 / (dimension.high - dimension.low + 1), atol=0.06)
            continue
        scale = np.log if dimension.log else np.asarray
        low, high = scale(dimension.low), scale(dimension.high)
        for share in (0.25, 0.5, 0.75):
            below = np.mean(scale(np.array(places)) <= low + share * (high - low))
            assert below == pytest.approx(share, abs=0.07), dimension.name


@spaces
def test_the_seed_makes_the_design(space: Space) -> None:
    first, again, other = (list(islice(space.design(seed), 40)) for seed in (0, 0, 1))
    assert first == again != other
    # Each technique alone is the same whatever the seed.
    assert [one for one in first if is_single(one.recipe)] == [one for one in other if is_single(one.recipe)]


@pytest.mark.parametrize("only", [(), (L2,), (BatchNorm,), (BatchNorm, Dropout)])
@pytest.mark.parametrize("search_rate", [True, False])
def test_a_space_of_few_techniques_ends_or_goes_on_with_what_there_is(only: Any, search_rate: bool) -> None:
    space = Space(0.001, MLP((8,)), CrossEntropy(2), search_rate, only)
    found = list(islice(space.design(0), 30))
    kinds = {type(one) for candidate in found for one in candidate.recipe.active} - {EarlyStopping}
    assert kinds == set(only)
    endless = search_rate or L2 in only or Dropout in only
    assert len(found) == (30 if endless else len(set(found)))
