"""The candidates of a search in the form of scikit-learn's searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from taut.estimators.cv_results import cv_results
from taut.selection.space import SEARCHED
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.report.helpers import EARLY, MIXTURE, NONE, USUAL, alone, dropped, failed, scored, usual

NAN = float("nan")

#: Two that have all folds, two that lost the race (one after the first fold), one that has no score.
RACED = [
    scored(EARLY, [1.0, 1.2, 1.4]),
    scored(NONE, [2.0, 2.4, 2.8]),
    dropped(alone(L2(0.1)), [0.1, NAN, NAN]),
    scored(MIXTURE, [0.8, 1.0, 1.2], candidate=usual(MIXTURE, 0.01, (16, 4))),
    dropped(alone(Dropout(0.5)), [3.0, 5.0, NAN]),
    failed(alone(L1(0.5))),
]


@pytest.fixture(scope="module")
def sklearns() -> dict[str, Any]:
    X = np.random.default_rng(0).standard_normal((30, 2))
    grid = {"alpha": [0.1, 1.0, 2.0], "fit_intercept": [True, False, True]}
    search = GridSearchCV(Ridge(), grid, cv=3, return_train_score=True).fit(X, X[:, 0])
    return dict(search.cv_results_)


# --- scikit-learn's convention ----------------------------------------------------------------------------


def test_the_names_are_sklearns(sklearns: dict[str, Any]) -> None:
    results = cv_results(RACED)
    # Times: one figure for training, which has scoring in it.
    times = {"std_fit_time", "mean_score_time", "std_score_time"}
    own = {name for name in sklearns if not name.startswith("param_")} - times
    assert own <= set(results)
    assert {f"param_{name}" for name in results["params"][0]} <= set(results)


@pytest.mark.parametrize(
    "name", ["split0_test_score", "mean_test_score", "std_train_score", "rank_test_score", "mean_fit_time"]
)
def test_the_numbers_are_of_sklearns_types(name: str, sklearns: dict[str, Any]) -> None:
    found = cv_results(RACED)[name]
    assert type(found) is type(sklearns[name])
    assert found.dtype == sklearns[name].dtype
    assert found.shape == (6,)


def test_all_are_of_one_length_and_a_data_frame_takes_them() -> None:
    results = cv_results(RACED)
    assert {name: len(values) for name, values in results.items()} == dict.fromkeys(results, 6)
    frame = pd.DataFrame(results).sort_values("rank_test_score")
    assert frame["param_recipe"].iloc[0] == MIXTURE


def test_parameters_are_what_an_estimator_with_one_recipe_takes() -> None:
    from taut import TautClassifier

    results = cv_results(RACED)
    for candidate, params in zip(RACED, results["params"], strict=True):
        made = TautClassifier(**params)
        assert (made.recipe, made.learning_rate, made.hidden) == (
            candidate.recipe, candidate.candidate.learning_rate, candidate.candidate.architecture.widths
        )  # fmt: skip
    for name in ("recipe", "learning_rate", "hidden"):
        column = results[f"param_{name}"]
        assert isinstance(column, np.ma.MaskedArray)
        assert not column.mask.any()
        assert column.tolist() == [params[name] for params in results["params"]]


def test_strengths_are_masked_where_the_technique_is_not_there() -> None:
    results = cv_results(RACED)
    assert {name for name in results if name.startswith("param_")} == {
        "param_recipe", "param_learning_rate", "param_hidden", *(f"param_{kind.name}" for kind in SEARCHED)
    }  # fmt: skip
    assert results["param_l2"].tolist() == [None, None, 0.1, 0.1, None, None]
    assert results["param_l1"].tolist() == [None] * 5 + [0.5]
    assert results["param_dropout"].tolist() == [None, None, None, 0.3, 0.5, None]
    switch = cv_results([scored(EARLY, [1.0]), scored(alone(BatchNorm()), [1.0])])["param_batch_norm"]
    assert switch.tolist() == [None, 1.0]


# --- what is in it ----------------------------------------------------------------------------------------


def test_scores_are_negative_losses_and_means_are_of_the_folds_that_were_trained() -> None:
    results = cv_results(RACED)
    np.testing.assert_array_equal(results["split0_test_score"], [-1.0, -2.0, -0.1, -0.8, -3.0, NAN])
    np.testing.assert_array_equal(results["split2_test_score"], [-1.4, -2.8, NAN, -1.2, NAN, NAN])
    np.testing.assert_array_equal(results["split1_train_score"], [-0.6, -1.2, NAN, -0.5, -2.5, NAN])
    np.testing.assert_allclose(results["mean_test_score"], [-1.2, -2.4, -0.1, -1.0, -4.0, NAN])
    np.testing.assert_allclose(results["mean_train_score"], [-0.6, -1.2, -0.05, -0.5, -2.0, NAN])
    spread = float(np.std([1.0, 1.2, 1.4]))
    np.testing.assert_allclose(results["std_test_score"], [spread, 2 * spread, 0.0, spread, 1.0, NAN])
    np.testing.assert_allclose(results["mean_test_loss"], [1.2, 2.4, 0.1, 1.0, 4.0, NAN])
    np.testing.assert_allclose(results["mean_test_metric"], [0.9] * 5 + [NAN])


def test_how_each_ended_is_told() -> None:
    results = cv_results(RACED)
    assert results["state"].tolist() == ["complete", "complete", "dropped", "complete", "dropped", "failed"]
    assert results["n_folds"].tolist() == [3, 3, 1, 3, 2, 0]
    assert results["batch"].tolist() == [-1, -1, 0, 0, 0, 0]
    assert results["failed"].tolist() == ["", "", "", "", "", "diverged"]
    assert results["epochs"].tolist() == [12, 12, 12, 12, 12, 0]
    np.testing.assert_allclose(results["mean_fit_time"], [1 / 3, 1 / 3, 1.0, 1 / 3, 0.5, 1.0])


def test_zero_shares_are_told() -> None:
    np.testing.assert_array_equal(cv_results(USUAL)["zero_share"], [0, 0, 0, 0, 0.5, NAN, 0])


# --- ranks ------------------------------------------------------------------------------------------------


def test_those_with_all_folds_rank_first_then_the_others_by_their_loss() -> None:
    """However good the one fold was after which a candidate was dropped: it is not what is chosen from."""
    assert cv_results(RACED)["rank_test_score"].tolist() == [2, 3, 4, 1, 5, 6]


def test_equal_ones_share_a_rank_as_in_sklearn() -> None:
    same = [scored(EARLY, [1.0, 2.0]), scored(NONE, [2.0, 1.0]), scored(MIXTURE, [3.0, 3.0])]
    assert cv_results(same)["rank_test_score"].tolist() == [1, 1, 3]


def test_what_was_cut_off_ranks_behind_what_is_complete_and_before_what_was_dropped() -> None:
    candidates = [
        scored(EARLY, [0.5, 0.5], state="cut off"),
        scored(NONE, [2.0, 2.0]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
    ]
    assert cv_results(candidates)["rank_test_score"].tolist() == [2, 1, 3]


def test_with_a_scorer_its_score_takes_the_place_of_the_loss() -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2], scoring=[0.6, 0.8]),
        scored(NONE, [2.0, 2.4], scoring=[0.9, 0.9]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
        dropped(alone(L2(1.0)), [0.05, NAN]),
        failed(alone(L1(0.5)), 2),
    ]
    results = cv_results(candidates)
    np.testing.assert_array_equal(results["split0_test_score"], [0.6, 0.9, NAN, NAN, NAN])
    np.testing.assert_allclose(results["mean_test_score"], [0.7, 0.9, NAN, NAN, NAN])
    np.testing.assert_allclose(results["mean_test_loss"], [1.1, 2.2, 0.1, 0.05, NAN])
    np.testing.assert_allclose(results["mean_train_score"], [-0.55, -1.1, -0.05, -0.025, NAN])  # the loss's
    # By the scorer among those that have it; without it by the loss.
    assert results["rank_test_score"].tolist() == [2, 1, 4, 3, 5]


def test_a_score_that_is_no_number_ranks_last_of_those_with_all_folds() -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2], scoring=[0.6, NAN]),
        scored(NONE, [2.0, 2.4], scoring=[-70.0, -90.0]),
        scored(MIXTURE, [0.1, 0.1], scoring=[-60.0, -60.0]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
    ]
    assert cv_results(candidates)["rank_test_score"].tolist() == [3, 2, 1, 4]
