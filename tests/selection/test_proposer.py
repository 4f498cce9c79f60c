"""What is asked for next: the design first, then what a sampler makes of all that was told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, final

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.selection.candidate import Candidate
from taut.selection.proposer import OptunaProposer
from taut.selection.score import CandidateScore, failed_score
from taut.selection.space import LEARNING_RATES, Space
from taut.techniques import L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import score

SPACE = Space(1e-3, MLP((64,)), CrossEntropy(3))
WIDE = replace(SPACE, architecture=MLP((64,), searched=True))
COMPLETE, FAIL = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL


def told(candidate: Candidate, loss: float, **changes: Any) -> CandidateScore:
    return score((loss,), candidate=candidate, **changes)


def tried(n: int, space: Space = SPACE, seed: int = 0) -> list[CandidateScore]:
    """The design's first candidates, the better the weaker L2 and without dropout."""
    made = islice(space.design(seed), n)
    return [told(one, _loss(one)) for one in made]


def _loss(candidate: Candidate) -> float:
    l2, dropout = candidate.recipe.get(L2), candidate.recipe.get(Dropout)
    return (0.1 + math.log10(l2.strength * 1e3) ** 2 if l2 else 1.0) + (5.0 if dropout else 0.0)


def asked(scores: Sequence[CandidateScore], batch: int, n: int, **how: Any) -> list[Candidate]:
    """What a new proposer that was told these asks for."""
    space, seed = how.pop("space", SPACE), how.pop("seed", 0)
    proposer = OptunaProposer(space, seed, **how)
    proposer.tell(scores)
    return list(proposer.ask(batch, n))


@final
class Spy(optuna.samplers.BaseSampler):
    """Draws by chance, and remembers the seeds and the studies that it was given."""

    seeds: list[int] = []
    studies: list[list[Any]] = []

    def __init__(self, seed: int) -> None:
        self.seeds.append(seed)
        self._chance = optuna.samplers.RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        self.studies.append(study.get_trials(deepcopy=True))
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return {}

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        return self._chance.sample_independent(study, trial, name, distribution)


@pytest.fixture
def spy() -> type[Spy]:
    Spy.seeds, Spy.studies = [], []
    return Spy


@final
class Stubborn(optuna.samplers.BaseSampler):
    """Always suggests the same: the last choice, and the lowest number."""

    def __init__(self, seed: int) -> None:
        pass

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return {}

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        return distribution.choices[-1] if hasattr(distribution, "choices") else distribution.low


samplers = pytest.mark.parametrize(
    "sampler", [None, optuna.samplers.RandomSampler, Spy], ids=["tpe", "random", "spy"]
)


# --- the first batch --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 5, 24, 70])
@pytest.mark.parametrize("n_first", [1, 24, 80])
def test_the_first_batch_is_the_design(n: int, n_first: int) -> None:
    """As much of it as is asked for, whatever was meant to be, and whatever the sampler."""
    expected = list(islice(SPACE.design(3), n))
    assert list(OptunaProposer(SPACE, 3, n_first=n_first).ask(0, n)) == expected
    assert list(OptunaProposer(SPACE, 3, n_first=n_first, sampler=Stubborn).ask(0, n)) == expected


def test_how_many_the_first_batch_should_have_is_given() -> None:
    assert OptunaProposer(SPACE, 0, n_first=31).n_first == 31


@pytest.mark.parametrize("n_first", [4, 24])
def test_what_was_told_is_not_asked_for_again_in_the_first_batch(n_first: int) -> None:
    design = list(islice(SPACE.design(0), 12))
    scores = [told(design[0], 1.0), told(design[7], 1.0)]
    assert asked(scores, 0, 10, n_first=n_first) == [*design[1:7], *design[8:12]]


# --- the same candidates, however asked ---------------------------------------------------------------------


@samplers
@pytest.mark.parametrize("space", [SPACE, WIDE], ids=["", "widths"])
def test_the_first_of_a_batch_are_the_same_however_many_are_asked_for(space: Space, sampler: Any) -> None:
    scores = tried(20, space)
    many = asked(scores, 1, 12, space=space, sampler=sampler)
    assert len(many) == 12
    for n in (0, 1, 5):
        assert asked(scores, 1, n, space=space, sampler=sampler) == many[:n]


@samplers
def test_a_batch_follows_from_seed_number_and_what_was_told(sampler: Any) -> None:
    scores = tried(20)
    usual = asked(scores, 2, 6, sampler=sampler)
    assert asked(scores, 2, 6, sampler=sampler) == usual
    assert asked(scores, 3, 6, sampler=sampler) != usual
    assert asked(scores, 2, 6, sampler=sampler, seed=1) != usual


def test_tpe_heeds_what_was_told() -> None:
    scores = tried(20)
    turned = [told(one.candidate, -one.loss) for one in scores]
    assert asked(scores, 1, 6) != asked(turned, 1, 6)


@samplers
def test_a_search_taken_up_again_asks_for_the_same(sampler: Any) -> None:
    """As from a trial store: told at once what another was told bit by bit, and never asked before."""
    proposer = OptunaProposer(SPACE, 5, sampler=sampler)
    batches, scores = [], []
    for batch in range(3):
        batches.append(list(proposer.ask(batch, 6)))
        scores.append([told(one, _loss(one)) for one in batches[-1]])
        proposer.tell(scores[-1])
    assert asked(scores[0], 1, 6, sampler=sampler, seed=5) == batches[1]
    assert asked(scores[0] + scores[1], 2, 6, sampler=sampler, seed=5) == batches[2]
    # And to ask twice changes nothing.
    assert proposer.ask(3, 6) == proposer.ask(3, 6)


# --- what was told ----------------------------------------------------------------------------------------


def test_the_study_knows_all_that_was_told_in_order(spy: type[Spy]) -> None:
    scores = tried(10)
    asked(scores, 1, 2, sampler=spy)
    first, second = (study[:-1] for study in spy.studies)  # the last one is the trial that is being asked for
    assert [trial.value for trial in first] == [one.loss for one in scores]
    assert [trial.params for trial in first] == [SPACE.point(one.candidate) for one in scores]
    assert {trial.state for trial in first} == {COMPLETE}
    # The one asked for before is running.
    assert second[:10] == first
    assert second[10].state is optuna.trial.TrialState.RUNNING


def test_a_loss_that_is_none_is_a_failure_and_never_the_best(spy: type[Spy]) -> None:
    scores = tried(6)
    candidates = [one.candidate for one in scores]
    given = [
        told(candidates[0], math.nan),
        failed_score(candidates[1], 0, 3, "diverged", 5, 1.0),
        told(candidates[2], math.inf),
        told(candidates[3], -math.inf),
        told(candidates[4], 2.0),
        replace(told(candidates[5], 1.0), failed="diverged"),
    ]
    asked(given, 1, 1, sampler=spy)
    trials = spy.studies[0][:-1]
    assert [trial.state for trial in trials] == [FAIL, FAIL, FAIL, FAIL, COMPLETE, FAIL]
    assert [trial.value for trial in trials] == [None, None, None, None, 2.0, None]
    # TPE goes on with failures among what it was told.
    assert len(asked(given, 1, 4)) == 4
    assert len(asked(given[:4], 1, 4)) == 4  # and with nothing else
    assert len(asked([], 1, 4)) == 4


def test_a_dropped_candidate_is_told_with_its_loss(spy: type[Spy]) -> None:
    (one,) = tried(1)
    asked([replace(one, state="dropped", loss=7.5)], 1, 1, sampler=spy)
    assert (spy.studies[0][0].state, spy.studies[0][0].value) == (COMPLETE, 7.5)


def test_the_samplers_seed_is_the_batchs_own(spy: type[Spy]) -> None:
    for seed, batch in ((0, 1), (0, 2), (1, 1), (2**62, 1), (0, 1)):
        asked([], batch, 1, sampler=spy, seed=seed)
    assert spy.seeds[0] == spy.seeds[-1]
    assert len(set(spy.seeds)) == 4
    assert all(0 <= seed < 2**32 for seed in spy.seeds)  # what samplers take


# --- what is asked for ------------------------------------------------------------------------------------


@samplers
@pytest.mark.parametrize("space", [SPACE, WIDE, replace(SPACE, search_rate=False)], ids=repr)
def test_what_is_asked_for_lies_within_the_space(space: Space, sampler: Any) -> None:
    candidates = asked(tried(12, space), 1, 10, space=space, sampler=sampler)
    for candidate in candidates:
        assert candidate.recipe.get(EarlyStopping) == EarlyStopping()
        for technique in candidate.recipe.techniques:
            assert technique.search_range.low <= technique.strength <= technique.search_range.high
        assert LEARNING_RATES.low <= candidate.learning_rate <= LEARNING_RATES.high
        assert space.candidate(space.point(candidate)) == candidate
    rates = {one.learning_rate for one in candidates}
    widths = {one.architecture.widths for one in candidates}
    assert (rates == {1e-3}) == (not space.search_rate)
    assert (widths == {(64,)}) == (space.architecture == MLP((64,)))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**63 - 1), batch=st.integers(1, 10**6))
def test_nothing_is_tried_twice(seed: int, batch: int) -> None:
    space = replace(SPACE, search_rate=False)
    scores = tried(16, space, seed)
    for sampler in (None, optuna.samplers.RandomSampler):
        made = asked(scores, batch, 10, space=space, seed=seed, sampler=sampler)
        assert len(set(made)) == 10
        assert not {one.candidate for one in scores} & set(made)


def test_a_sampler_that_insists_has_its_way() -> None:
    made = asked([], 1, 3, sampler=Stubborn)
    assert len(made) == 3
    assert len(set(made)) == 1
    assert made[0].recipe.get(BatchNorm) is not None


def test_tpe_asks_for_what_was_good() -> None:
    """Dropout always costs 5 here, and the best L2 is 0.001."""
    scores = tried(40)
    made = asked(scores, 1, 16)
    assert sum(one.recipe.get(Dropout) is not None for one in made) <= 5
    assert np.median([_loss(one) for one in made]) < np.median([one.loss for one in scores])


def test_optuna_says_nothing_and_is_left_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    assert before != optuna.logging.WARNING
    asked(tried(8), 1, 4)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")
