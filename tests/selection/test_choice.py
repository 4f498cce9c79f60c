"""Who is chosen: the best, or among those that are as good the one with the smallest gap."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.selection import choice
from taut.selection.bootstrap import paired_standard_error
from taut.selection.choice import CAUTION, Choosing, choosing_among, eligible
from taut.selection.score import CandidateScore, failed_score
from tests.selection.helpers import EARLY, NONE, score, tagged

FAILED = failed_score(tagged(9), 0, 2, "diverged", 3, 0.1)


def choose(scores: Any, n_baselines: int, selection: Any, rows: Any, weights: Any) -> int:
    numbers = eligible(scores)
    rule = choosing_among(numbers, scores, n_baselines, selection, rows, weights)
    return choice.choose(numbers, scores, rule)


def scored(loss: float, gap: float = 0.1, **changes: Any) -> CandidateScore:
    return score((loss, loss), train_loss=np.full(2, loss - gap), **changes)


def rows_about(means: list[float], spread: float, n: int = 400, seed: int = 0) -> dict[int, Any]:
    """Row losses with these means; the paired differences of two have this standard error."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(1.0, 5.0, n)  # what all have in common tells them no further apart
    own = [rng.standard_normal(n) for _ in means]
    own = [(one - one.mean()) / one.std(ddof=1) for one in own]
    scale = spread * math.sqrt(n / 2)
    return {
        i: (mean + scale * one + common - common.mean()).astype(np.float32)
        for i, (mean, one) in enumerate(zip(means, own, strict=True))
    }


# --- who can be chosen ------------------------------------------------------------------------------------


def test_those_with_all_folds_and_a_finite_merit_can_be_chosen() -> None:
    scores = [
        scored(1.0), FAILED, scored(0.1, state="dropped"), scored(2.0), scored(math.inf),
        scored(0.2, state="cut off"), scored(math.nan),
    ]  # fmt: skip
    assert eligible(scores) == [0, 3]


def test_a_baseline_that_was_cut_off_is_among_them() -> None:
    scores = [
        scored(1.0, batch=-1),
        scored(0.5, batch=-1, state="cut off"),
        scored(2.0),
        scored(0.1, state="cut off"),
    ]
    assert eligible(scores) == [0, 1, 2]


def test_where_nothing_is_complete_what_was_cut_off_will_do() -> None:
    scores = [FAILED, scored(3.0, state="cut off"), scored(1.0, state="dropped")]
    assert eligible(scores) == [1]
    assert choose(scores, 2, "best", {}, None) == 1
    assert eligible([FAILED, scored(1.0, state="dropped")]) == []
    assert eligible([]) == []


def test_with_a_scorer_who_has_no_finite_figure_cannot_be_chosen() -> None:
    scores = [
        scored(1.0, scoring=np.array([0.5, math.nan])),
        scored(2.0, scoring=np.array([0.5, 0.6])),
    ]
    assert eligible(scores) == [1]


# --- the best ---------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12))
def test_the_best_is_the_lowest_loss_and_of_equal_ones_the_first(losses: list[float]) -> None:
    chosen = choose([scored(loss) for loss in losses], 2, "best", {}, None)
    assert losses[chosen] == min(losses)
    assert losses.index(min(losses)) == chosen


def test_with_a_scorer_it_is_the_greatest_mean() -> None:
    scores = [
        scored(1.0, scoring=np.array([0.5, 0.7])),
        scored(0.1, scoring=np.array([0.2, 0.3])),
        scored(9.0, scoring=np.array([0.9, 0.4])),
    ]
    assert choose(scores, 2, "best", {}, None) == 2


@pytest.mark.parametrize("selection", ["best", "1se"])
@given(data=st.data())
def test_the_choice_is_never_worse_than_a_baseline(selection: Any, data: Any) -> None:
    n = data.draw(st.integers(2, 9))
    spread = data.draw(st.sampled_from([0.001, 0.1, 10.0]))
    losses = data.draw(st.lists(st.floats(0.1, 10.0), min_size=n, max_size=n))
    gaps = data.draw(st.lists(st.floats(-1.0, 1.0), min_size=n, max_size=n))
    by_scorer = data.draw(st.booleans())
    scores = [
        scored(loss, gap, scoring=np.array([-2.0, -1.0]) * loss if by_scorer else None)
        for loss, gap in zip(losses, gaps, strict=True)
    ]
    chosen = choose(scores, 2, selection, rows_about(losses, spread, 50), None)
    assert scores[chosen].merit >= max(scores[0].merit, scores[1].merit)


# --- caution ---------------------------------------------------------------------------------------------


def against_alone(behind: float, error: float, *, none: float = 9.0) -> int:
    """Who is chosen: the default and another learning rate of early stopping alone, or the third."""
    losses = [2.0, none, 1.0 + behind, 1.0]
    candidates = [EARLY, NONE, replace(EARLY, learning_rate=0.5), tagged(1)]
    scores = [scored(loss, candidate=one) for loss, one in zip(losses, candidates, strict=True)]
    return choose(scores, 2, "best", rows_about(losses, error), None)


def test_early_stopping_alone_is_preferred_to_what_is_hardly_better() -> None:
    assert against_alone(0.01, 0.02 / CAUTION) == 2
    assert against_alone(0.03, 0.02 / CAUTION) == 3


def test_caution_never_chooses_what_is_worse_than_a_baseline() -> None:
    assert against_alone(0.01, 0.02 / CAUTION, none=1.005) == 3


def test_a_surer_gain_is_preferred_to_a_greater_one() -> None:
    rng = np.random.default_rng(0)
    base, noise = rng.gamma(1.0, 1.0, 400), rng.standard_normal(400)
    noise -= noise.mean()
    rows = {0: base + 1.0, 1: base + 9.0, 2: base + 0.9, 3: base + 0.8 + 3.0 * noise}
    candidates = [EARLY, NONE, tagged(1), tagged(2)]
    scores = [
        scored(float(rows[i].mean()), candidate=one) for i, one in enumerate(candidates)
    ]  # the last gains 0.2, give or take 0.15; the other 0.1, surely
    assert choose(scores, 2, "best", rows, None) == 2
    rows[3] = base + 0.8 + 0.1 * noise
    assert choose(scores, 2, "best", rows, None) == 3


def test_without_rows_there_is_no_caution() -> None:
    scores = [scored(loss, candidate=one) for loss, one in ((1.001, EARLY), (9.0, NONE), (1.0, tagged(1)))]
    assert choose(scores, 2, "best", {}, None) == 2


def test_a_scorer_is_taken_at_its_word() -> None:
    figures = [[0.6, 0.8], [0.1, 0.1], [0.7, 0.72]]
    scores = [
        scored(1.0, candidate=one, scoring=np.array(figure))
        for one, figure in zip((EARLY, NONE, tagged(1)), figures, strict=True)
    ]
    assert choose(scores, 2, "best", {}, None) == 2


@pytest.mark.parametrize("selection", ["best", "1se"])
@given(data=st.data())
def test_many_resamples_are_chosen_among_as_each_alone(selection: Any, data: Any) -> None:
    n = data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    rule = Choosing(
        selection,
        rng.random((n, n)),
        rng.standard_normal(n),
        rng.random(n) < 0.4,
        rng.random(n) < 0.4,
    )
    losses = rng.random((7, n))
    each = [int(rule.winners(one[None])[0]) for one in losses]
    assert rule.winners(losses).tolist() == each
    for one, winner in zip(losses, each, strict=True):
        assert one[winner] <= one[rule.is_baseline].min(initial=np.inf)


def test_errors_are_the_paired_standard_errors() -> None:
    rng = np.random.default_rng(0)
    rows = {i: rng.gamma(1.0, 1.0, 200).astype(np.float32) for i in range(3)}
    for weights in (None, rng.random(200)):
        rule = choosing_among([0, 1, 2], [scored(1.0)] * 3, 2, "best", rows, weights)
        for i in range(3):
            for j in range(3):
                _, expected = paired_standard_error(rows[i] - rows[j], weights)
                assert rule.errors[i, j] == pytest.approx(expected, rel=1e-4, abs=1e-6)


# --- one standard error -----------------------------------------------------------------------------------


def test_of_those_within_one_paired_standard_error_the_smallest_gap_is_chosen() -> None:
    losses = [2.0, 3.0, 1.00, 1.01, 1.04, 1.06, 1.2]
    gaps = [0.1, 0.1, 0.90, 0.50, 0.30, 0.20, 0.0]
    scores = [scored(loss, gap) for loss, gap in zip(losses, gaps, strict=True)]
    rows = rows_about(losses, 0.05)
    assert choose(scores, 2, "best", rows, None) == 2
    assert choose(scores, 2, "1se", rows, None) == 4
    # A larger error takes in more, and a smaller one fewer.
    assert choose(scores, 2, "1se", rows_about(losses, 0.065), None) == 5
    assert choose(scores, 2, "1se", rows_about(losses, 0.02), None) == 3
    assert choose(scores, 2, "1se", rows_about(losses, 0.001), None) == 2


def test_the_error_is_that_of_pairs_not_of_each_alone() -> None:
    # Rows differ from one another by far more than the candidates do; still the difference is certain.
    losses = [2.0, 2.0, 1.0, 1.01]
    scores = [scored(loss, gap) for loss, gap in zip(losses, [0.5, 0.5, 0.5, 0.1], strict=True)]
    common = np.random.default_rng(0).gamma(1.0, 100.0, 300)
    rows = {i: (common + loss).astype(np.float64) for i, loss in enumerate(losses)}
    assert choose(scores, 2, "1se", rows, None) == 2


def test_who_is_near_and_worse_than_a_baseline_is_not_chosen() -> None:
    losses = [1.03, 9.0, 1.00, 1.02, 1.04]
    scores = [scored(loss, gap) for loss, gap in zip(losses, [0.6, 0.1, 0.9, 0.5, 0.1], strict=True)]
    rows = rows_about(losses, 1.0)
    assert choose(scores, 2, "1se", rows, None) == 3
    # Were the baseline no baseline, the last one would be.
    assert choose(scores, 0, "1se", rows, None) == 4


def test_a_baseline_can_be_chosen_for_its_gap() -> None:
    losses = [1.01, 5.0, 1.0]
    scores = [scored(loss, gap) for loss, gap in zip(losses, [0.1, 0.1, 0.4], strict=True)]
    assert choose(scores, 2, "1se", rows_about(losses, 0.05), None) == 0


def test_of_equal_gaps_the_first_is_chosen() -> None:
    scores = [scored(1.0, 0.5) for _ in range(4)]
    assert choose(scores, 2, "1se", rows_about([1.0] * 4, 1.0), None) == 0


def test_weights_count_in_the_standard_error() -> None:
    # The fourth is a little worse everywhere, and unsteady on the first half of the rows.
    base = np.ones(400)
    fourth = base + 0.01 + np.repeat([1.0, 0.0], 200) * np.tile([0.5, -0.5], 200)
    rows = {0: base + 1.0, 1: base + 1.0, 2: base, 3: fourth}
    losses = [2.0, 2.0, 1.0, 1.01]
    scores = [scored(loss, gap) for loss, gap in zip(losses, [0.5, 0.5, 0.5, 0.1], strict=True)]
    assert choose(scores, 2, "1se", rows, None) == 3
    assert choose(scores, 2, "1se", rows, np.repeat([0.001, 1.0], 200)) == 2
    assert choose(scores, 2, "1se", rows, np.repeat([1.0, 0.001], 200)) == 3


def test_only_rows_that_both_have_are_compared() -> None:
    losses = [2.0, 2.0, 1.0, 1.01]
    scores = [scored(loss, gap) for loss, gap in zip(losses, [0.5, 0.5, 0.5, 0.1], strict=True)]
    rows = rows_about(losses, 0.05)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 400)
    for none in (slice(300, None), slice(0, 100)):
        rows[3 if none.start else 2][none] = np.nan
    assert choose(scores, 2, "1se", rows, weights) == 3
    rows[3][:] = np.nan
    assert choose(scores, 2, "1se", rows, weights) == 2
    del rows[3]
    assert choose(scores, 2, "1se", rows, weights) == 2


def test_with_a_scorer_the_folds_differences_have_the_error() -> None:
    def by(scoring: list[float], gap: float) -> CandidateScore:
        return scored(1.0, gap, scoring=np.array(scoring))

    worst = [by([0.1, 0.1, 0.1], 0.0)] * 2
    best = by([0.90, 0.80, 0.70], 0.9)
    steady = by([0.89, 0.79, 0.69], 0.1)  # always a little worse: certainly
    shaky = by([0.99, 0.70, 0.68], 0.2)  # 0.01 worse, give or take 0.06
    far = by([0.70, 0.75, 0.70], 0.0)  # 0.083 worse, give or take 0.06
    scores = [*worst, best, steady, shaky, far]
    # What the rows' losses say has no part in it.
    rows = rows_about([1.0] * 6, 1.0)
    assert choose(scores, 2, "1se", rows, None) == 4
    assert choose(scores, 2, "best", rows, None) == 2


def test_with_one_fold_and_a_scorer_there_is_no_error_and_the_best_is_chosen() -> None:
    scores = [
        score((1.0,), scoring=np.array([figure]), candidate=candidate, train_loss=np.array([train]))
        for figure, candidate, train in ((0.5, EARLY, 0.9), (0.4, NONE, 0.9), (0.6, tagged(1), 0.1))
    ]
    assert choose(scores, 2, "1se", {}, None) == 2


def test_dropped_and_cut_off_ones_are_not_near() -> None:
    losses = [1.01, 5.0, 1.0, 1.0, 1.0]
    states = ["complete", "complete", "complete", "dropped", "cut off"]
    scores = [
        scored(loss, gap, state=state)
        for loss, gap, state in zip(losses, [0.4, 0.4, 0.3, 0.0, 0.0], states, strict=True)
    ]
    assert choose(scores, 2, "1se", rows_about(losses, 1.0), None) == 2
    assert choose(scores, 2, "best", rows_about(losses, 1.0), None) == 2


@pytest.mark.parametrize("selection", ["best", "1se"])
def test_a_baseline_that_was_cut_off_takes_part_all_the_same(selection: Any) -> None:
    """Else the choice could be worse than what the user had."""
    scores = [
        scored(1.0, candidate=EARLY, batch=-1),
        scored(0.5, candidate=NONE, batch=-1, state="cut off"),
        scored(0.9, candidate=tagged(1)),
    ]
    assert choose(scores, 2, selection, rows_about([1.0, 0.5, 0.9], 0.001), None) == 1
