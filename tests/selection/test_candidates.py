"""Which recipes are tried, and in which order."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.recipe import Recipe
from taut.selection.candidates import BASELINES, Proposer, RandomProposer, random_mixtures, single_recipes
from taut.techniques import TECHNIQUES, EarlyStopping

OTHERS = [kind for kind in TECHNIQUES if kind is not EarlyStopping]


def all_of(proposer: Proposer, at_a_time: int = 8) -> list[Recipe]:
    recipes: list[Recipe] = []
    while some := proposer.ask(at_a_time):
        assert len(some) <= at_a_time
        recipes += some
    return recipes


def test_the_baselines_are_early_stopping_alone_and_no_regularization() -> None:
    assert BASELINES == (Recipe(EarlyStopping()), Recipe())
    assert BASELINES[1].hooks() == Recipe().hooks()


@pytest.mark.parametrize("kind", OTHERS)
def test_each_technique_is_tried_alone_at_several_strengths_of_its_range(kind: type) -> None:
    alone = [recipe for recipe in single_recipes() if recipe.get(kind) is not None]
    range_ = kind.search_range
    strengths = [recipe.get(kind).strength for recipe in alone]
    assert all(set(map(type, recipe.techniques)) == {kind, EarlyStopping} for recipe in alone)
    if range_.scale == "switch":
        assert strengths == [1.0]
        return
    assert len(set(strengths)) == len(strengths) >= 3
    assert min(strengths) == range_.low
    assert max(strengths) == range_.high
    assert not any(recipe.get(kind).is_off for recipe in alone)
    # Short enough to read and to type again.
    assert all(len(repr(strength)) <= 7 for strength in strengths)


def test_the_middle_strengths_of_all_techniques_come_first() -> None:
    first = single_recipes()[: len(OTHERS)]
    for kind, recipe in zip(OTHERS, first, strict=True):
        technique = recipe.get(kind)
        assert technique is not None
        if kind.search_range.scale != "switch":
            middle = kind.search_range.strength_at(0.5)
            assert technique.strength == pytest.approx(middle, rel=0.05)


@given(seed=st.integers(0, 2**31 - 1))
def test_mixtures_are_two_techniques_or_more_within_their_ranges(seed: int) -> None:
    for recipe in islice(random_mixtures(seed), 30):
        assert recipe.get(EarlyStopping) == EarlyStopping()
        mixed = [technique for technique in recipe.techniques if not isinstance(technique, EarlyStopping)]
        assert len(mixed) >= 2
        for technique in mixed:
            range_ = technique.search_range
            assert not technique.is_off
            assert range_.low * 0.99 <= technique.strength <= range_.high * 1.01


def test_every_technique_is_in_many_mixtures_and_every_pair_is_mixed() -> None:
    mixtures = list(islice(random_mixtures(0), 400))
    count = Counter(type(technique) for recipe in mixtures for technique in recipe.techniques)
    for kind in OTHERS:
        assert 0.5 < count[kind] / 400 < 0.85  # one half, given that two or more are in
    sizes = {len(recipe.techniques) - 1 for recipe in mixtures}
    assert sizes == set(range(2, len(OTHERS) + 1))
    for kind in OTHERS:
        if kind.search_range.scale == "switch":
            continue
        strengths = [recipe.get(kind).strength for recipe in mixtures if recipe.get(kind)]  # type: ignore[union-attr]
        halves = [sum(s <= kind.search_range.strength_at(p) for s in strengths) for p in (0.25, 0.5, 0.75)]
        for share, found in zip((0.25, 0.5, 0.75), halves, strict=True):
            assert found / len(strengths) == pytest.approx(share, abs=0.12)


def test_the_seed_makes_the_mixtures() -> None:
    first, again, other = (list(islice(random_mixtures(seed), 20)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("n", [0, 2, 3, 10, 60])
def test_the_number_of_candidates_counts_the_baselines(n: int) -> None:
    recipes = all_of(RandomProposer(n, 0))
    assert len(recipes) == max(0, n - len(BASELINES))
    assert not set(recipes) & set(BASELINES)


def test_singles_come_before_mixtures() -> None:
    recipes = all_of(RandomProposer(60, 0))
    singles = single_recipes()
    assert recipes[: len(singles)] == singles
    assert all(len(recipe.techniques) >= 3 for recipe in recipes[len(singles) :])


def test_how_many_are_asked_for_at_a_time_changes_nothing() -> None:
    assert (
        all_of(RandomProposer(40, 5), 1)
        == all_of(RandomProposer(40, 5), 7)
        == all_of(RandomProposer(40, 5), 99)
    )


def test_without_a_number_there_is_no_end() -> None:
    proposer = RandomProposer(None, 0)
    recipes = [recipe for _ in range(100) for recipe in proposer.ask(10)]
    assert len(recipes) == 1000
    assert len(set(recipes)) == 1000  # nothing is trained twice
    proposer.tell([])
    assert len(proposer.ask(3)) == 3
