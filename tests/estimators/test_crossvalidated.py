"""The recipe chosen by cross-validation: what is tried, who is chosen, and how it ends."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from optuna.samplers import TPESampler

from taut import L2, EarlyStopping, Recipe
from taut.errors import ParameterError, TrainingError, TrainingWarning
from taut.estimators.effort import budget_of
from taut.selection.candidate import EARLY_STOPPING_ALONE as EARLY
from taut.selection.candidate import NO_REGULARIZATION as NONE
from taut.selection.space import LEARNING_RATES, single_recipes
from tests.estimators.helpers import (
    crossvalidated,
    given,
    numbers,
    numbers_of,
    output,
    target,
    tasks,
    weights_of,
)
from tests.ids import without_address

# --- what is tried, and who wins --------------------------------------------------------------------------


@tasks
def test_candidates_are_the_baselines_and_what_is_proposed(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=26).fit(*given(task))
    candidates = [c.candidate for c in fitted.candidates_]
    assert len(candidates) == len(set(candidates)) == 26
    assert [c.recipe for c in candidates[:2]] == [EARLY, NONE]
    assert [c.batch for c in fitted.candidates_] == [-1, -1] + [0] * 24
    assert set(single_recipes()) < {c.recipe for c in candidates}
    mixtures = [c.recipe for c in candidates[2:] if c.recipe not in single_recipes()]
    assert all(len(recipe.techniques) >= 3 and recipe.get(EarlyStopping) for recipe in mixtures)


@tasks
def test_the_chosen_one_has_the_lowest_loss_and_is_never_worse_than_the_baselines(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=20).fit(*given(task))
    complete = [c for c in fitted.candidates_ if c.complete]
    assert 4 < len(complete) < 20  # it was a race
    assert fitted.best_ is fitted.candidates_[fitted.best_index_]
    assert fitted.best_.loss == min(candidate.loss for candidate in complete)
    assert fitted.recipe_ == fitted.best_.recipe
    assert fitted.learning_rate_ == fitted.best_.candidate.learning_rate == 0.02
    assert fitted.network_.hidden == fitted.best_.candidate.architecture.widths == (8,)
    assert fitted.best_epoch_ == fitted.best_.epoch
    assert set(fitted.baseline_) == {"none", "early_stopping"}
    assert fitted.baseline_["none"].recipe == NONE
    assert fitted.baseline_["early_stopping"].recipe == EARLY
    assert fitted.best_.loss <= min(baseline.loss for baseline in fitted.baseline_.values())
    assert fitted.zero_share_ == pytest.approx(
        np.mean([network.zero_share for network in fitted.model_.networks])
    )
    assert not fitted.interrupted_
    assert fitted.search_seconds_ > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_candidates": 1}, "n_candidates must be a whole number from 2 to 100,000, and it is 1"),
        ({"n_candidates": 2.5}, "n_candidates must be a whole number from 2 to 100,000"),
        ({"time_limit": -1}, "time_limit must be a finite number of 0 or more, and it is -1"),
        ({"time_limit": "a minute"}, "time_limit must be .* 'a minute' is not a number"),
        ({"effort": "hard"}, "effort must be one of 'quick', 'standard', 'thorough', and it is 'hard'"),
        ({"effort": None, "n_candidates": 4}, "effort must be one of .*, and it is None"),
        ({"selection": "2se"}, "selection must be 'best' or '1se', and it is '2se'"),
        ({"selection": None}, "selection must be 'best' or '1se', and it is None"),
        ({"final": "all"}, "final must be 'bag' or 'refit', and it is 'all'"),
        ({"scoring": "good"}, "scoring='good' is not known to scikit-learn"),
        ({"scoring": 7}, "scoring must be a scikit-learn scorer, its name or None; it is 7"),
        ({"scoring": "roc_auc"}, "scoring='roc_auc' does not go with this target: multi_class must be in"),
        ({"sampler": 5}, "sampler must be a sampler's class, a function or None, and it is 5"),
        ({"sampler": TPESampler(seed=0)}, "sampler must be a sampler's class.*and it is <optuna"),
        ({"on_candidate": "print"}, "on_candidate must be a function or None, and it is 'print'"),
        ({"on_batch": []}, r"on_batch must be a function or None, and it is \[\]"),
        ({"hidden": "wide"}, r"hidden must be a tuple of widths such as \(128, 128\).*it is 'wide'"),
        ({"learning_rate": "fast"}, "learning_rate must be .* 'fast' is not a number"),
        (
            {"resume": "file", "random_state": None},
            "resume needs random_state, a whole number: a search continues",
        ),
        ({"resume": "file", "random_state": np.random.RandomState(0)}, "resume needs random_state"),
    ],
    ids=without_address,
)
def test_parameters_out_of_their_range_are_refused_in_a_sentence(
    changes: Any, sentence: str, monkeypatch: Any
) -> None:
    def trained(*_: object, **__: object) -> None:
        pytest.fail("it was trained before")

    monkeypatch.setattr("taut.engine.compiled.engine.CompiledEngine.train", trained)
    with pytest.raises(ParameterError, match=sentence):
        crossvalidated(**changes).fit(*given())


@pytest.mark.parametrize(("effort", "n"), [("quick", 18), ("standard", 66)])
def test_effort_says_how_many_are_tried(effort: Any, n: int) -> None:
    fitted = crossvalidated(n_candidates=None, effort=effort, max_epochs=3).fit(*given())
    assert len(fitted.candidates_) == n == budget_of(effort).n_candidates
    assert sum(c.batch == 0 for c in fitted.candidates_) == budget_of(effort).n_first


def test_a_number_of_candidates_overrules_effort_and_a_time_limit_stands_in_for_both(
    monkeypatch: Any,
) -> None:
    from taut.estimators import crossvalidated as module

    asked: list[Any] = []

    def spy(*arguments: Any, **words: Any) -> Any:
        asked.append(words["n_candidates"])
        return real(*arguments, **{**words, "n_candidates": 2})

    real = module.Search
    monkeypatch.setattr(module, "Search", spy)
    thorough = {"effort": "thorough"}
    for changes in ({}, thorough, {"time_limit": 60}, {"n_candidates": 7},
                    {**thorough, "n_candidates": 7, "time_limit": 60}):  # fmt: skip
        crossvalidated(**{"n_candidates": None, **changes}).fit(*given())
    assert asked == [66, 200, None, 7, 7]


# --- learning rate and widths -----------------------------------------------------------------------------


def test_a_learning_rate_that_is_given_is_not_searched() -> None:
    fitted = crossvalidated(n_candidates=30, effort="quick", learning_rate=0.005).fit(*given())
    assert {c.candidate.learning_rate for c in fitted.candidates_} == {0.005}
    assert fitted.cv_results_["param_learning_rate"].tolist() == [0.005] * 30


def test_a_learning_rate_that_is_auto_is_searched_and_the_baselines_have_the_usual_one() -> None:
    fitted = crossvalidated(n_candidates=30, effort="quick", learning_rate="auto").fit(*given())
    rates = [c.candidate.learning_rate for c in fitted.candidates_]
    assert rates[:2] == [0.002, 0.002]
    assert len(set(rates)) > 10
    assert LEARNING_RATES.low <= min(rates) < 0.002 < max(rates) <= LEARNING_RATES.high
    assert fitted.learning_rate_ == fitted.best_.candidate.learning_rate
    assert fitted.learning_rate_ > 0.002  # 15 epochs are few: faster ones win


@pytest.mark.parametrize("searched", [True, False])
def test_widths_are_searched_where_hidden_is_auto(searched: bool) -> None:
    widths = "auto" if searched else (32, 16)
    fitted = crossvalidated(n_candidates=18, effort="quick", hidden=widths, max_epochs=4).fit(*given())
    hidden = [c.candidate.architecture.widths for c in fitted.candidates_]
    assert fitted.network_.hidden == fitted.best_.candidate.architecture.widths
    if not searched:
        assert set(hidden) == {(32, 16)}
        return
    assert hidden[:2] == [(128, 128)] * 2
    assert len(set(hidden)) > 3
    for one in hidden:
        assert 1 <= len(one) <= 3
        assert len(set(one)) == 1
        assert one[0] in (32, 64, 128, 256)
    assert fitted.cv_results_["param_hidden"].tolist() == hidden


# --- the same numbers -------------------------------------------------------------------------------------


@tasks
def test_one_or_two_threads_choose_the_same_recipe_with_the_same_weights(task: str) -> None:
    X, y = given(task)
    usual = {"n_candidates": 34, "effort": "quick", "learning_rate": "auto"}
    one, two = (crossvalidated(task, **usual, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert one.recipe_ == two.recipe_
    assert numbers_of(one) == numbers_of(two)
    assert one.row_losses_.tobytes() == two.row_losses_.tobytes()
    assert weights_of(one) == weights_of(two)
    assert output(one, X).tobytes() == output(two, X).tobytes()


def test_more_candidates_begin_with_the_same_ones() -> None:
    X, y = given()
    few, many = (crossvalidated(n_candidates=n, effort="quick").fit(X, y) for n in (18, 26))
    assert numbers_of(many)[:18] == numbers_of(few)


# --- what goes wrong --------------------------------------------------------------------------------------


@tasks
def test_where_all_candidates_diverge_the_error_names_the_likely_cause(task: str) -> None:
    with pytest.raises(TrainingError, match="Every candidate diverged.*lower learning_rate"):
        crossvalidated(task, learning_rate=1e30).fit(*given(task))


def test_candidates_that_diverge_are_counted_and_named_in_a_warning() -> None:
    # So fast that the strongest L2 takes more than twice the weight from the weight.
    with pytest.warns(
        TrainingWarning, match=r"of 18 candidates have no score: L2 5\.4 \+ early .*\(diverged\)"
    ) as warned:
        fitted = crossvalidated(
            "regression", n_candidates=18, learning_rate=0.5, max_epochs=300, batch_size=8
        ).fit(*given("regression"))
    failed = [c for c in fitted.candidates_ if c.failed]
    assert failed[0].recipe == Recipe(L2(5.4), EarlyStopping())
    assert all(c.state == "failed" and np.isnan(c.loss) for c in failed)
    assert str(warned[0].message).startswith(f"{len(failed)} of 18 candidates")
    assert np.isnan(fitted.row_losses_[[c.state == "failed" for c in fitted.candidates_]]).all()
    assert np.isfinite(fitted.predict(numbers())).all()


# --- time -------------------------------------------------------------------------------------------------


def test_a_time_limit_is_kept() -> None:
    X = numbers(20_000, 20)
    y = target(X)
    crossvalidated(n_candidates=2, max_epochs=1).fit(X[:100], y[:100])  # compiled, or loaded
    started = time.monotonic()
    fitted = crossvalidated(
        hidden=(128, 128), n_candidates=None, time_limit=1.5, cv=5, max_epochs=300, n_jobs=None
    ).fit(X, y)
    assert time.monotonic() - started < 1.5 + 2.0
    assert len(fitted.model_.networks) == 5
    assert fitted.best_.loss < np.log(3)
    assert not fitted.interrupted_


def test_no_time_at_all_gives_one_epoch_of_early_stopping_alone_and_warns() -> None:
    X, y = given()
    with pytest.warns(TrainingWarning, match="time limit was over before one epoch"):
        fitted = crossvalidated(n_candidates=None, time_limit=0).fit(X, y)
    assert fitted.recipe_ == EARLY
    assert fitted.best_epoch_ == 1
    assert fitted.best_.state == "cut off"
    assert fitted.cv_results_["rank_test_score"][fitted.best_index_] == 1
    assert np.isfinite(output(fitted, X)).all()
