"""A scorer that fails for some networks costs those, and never the search."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut.errors import TrainingError, TrainingWarning
from tests.estimators.helpers import crossvalidated, given

GONE = RuntimeError("the server is gone")


def failing(after: int, what: Any = GONE, until: int = 10**9) -> Any:
    """A scorer that gives its calls' number, and after so many calls raises, or gives something else."""
    calls = 0

    def scorer(estimator: Any, X: Any, y: Any) -> Any:
        nonlocal calls
        calls += 1
        if after < calls <= until:
            if isinstance(what, Exception):
                raise what
            return what
        return calls / 1000

    return scorer


@pytest.mark.fault(80)
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (GONE, r"raised RuntimeError: the server is gone, for values from"),
        (ZeroDivisionError(), r"raised ZeroDivisionError, for values from"),
        (math.nan, r"is nan, for values from -?\d"),
        (None, r"raised TypeError: it gave a NoneType"),
        ({"a": 1.0}, r"raised TypeError: it gave a dict"),
    ],
    ids=["raises", "raises without a word", "nan", "None", "dict"],
)
def test_who_fails_by_the_scorer_is_named_and_the_others_go_on(what: Any, sentence: str) -> None:
    # Three folds: three calls try it out, six are for the simple models, then three are for each candidate;
    # the third candidate's second call fails.
    with pytest.warns(
        TrainingWarning, match=rf"1 of 6 candidates have no score: .*scoring=scorer {sentence}"
    ):
        fitted = crossvalidated("regression", scoring=failing(16, what, 17), n_candidates=6).fit(
            *given("regression")
        )
    assert [c.state for c in fitted.candidates_].count("failed") == 1
    assert "scoring=scorer" in fitted.candidates_[2].failed
    assert fitted.estimate_.score_name == "scorer"
    assert np.isfinite(fitted.estimate_.score.value)
    assert np.isfinite(fitted.predict(given("regression")[0])).all()


@pytest.mark.fault(80)
def test_also_the_baselines_may_fail_and_the_model_is_saved_and_reported(tmp_path: Path) -> None:
    scorer = failing(9, until=11)
    with pytest.warns(TrainingWarning, match="2 of 6 candidates have no score: early stopping "):
        fitted = crossvalidated("regression", scoring=scorer, n_candidates=6).fit(*given("regression"))
    assert [c.state for c in fitted.candidates_[:2]] == ["failed", "failed"]
    fitted.report(tmp_path / "page.html")
    fitted.save(tmp_path / "model")


@pytest.mark.fault(80)
def test_where_all_fail_the_error_names_the_scorer_and_the_predictions() -> None:
    X, y = given("regression")
    y = np.where(y > np.quantile(y, 0.9), 100.0, 0.0) + 0.01  # a network falls below 0 with ease
    with pytest.raises(TrainingError) as caught:
        crossvalidated("regression", scoring="neg_mean_gamma_deviance", n_candidates=4).fit(X, y)
    assert str(caught.value).startswith(
        "No candidate has a score: scoring='neg_mean_gamma_deviance' raised ValueError: Mean Tweedie"
    )
    assert "All 4 candidates that were scored predicted negative values (as low as -" in str(caught.value)


@pytest.mark.fault(80)
def test_counts_with_zeros_are_scored_by_poisson_deviance() -> None:
    X, _ = given("regression")
    counts = np.random.default_rng(0).poisson(4.0 + X[:, 0] ** 2)
    assert (counts == 0).any()
    fitted = crossvalidated("regression", scoring="neg_mean_poisson_deviance", n_candidates=4).fit(X, counts)
    assert fitted.estimate_.score.value < 0


def module_scorer(estimator: Any, X: Any, y: Any) -> float:
    if module_calls.pop(0):
        raise RuntimeError("no")
    return float(-np.mean((estimator.predict(X) - y) ** 2))


module_calls: list[bool] = []


@pytest.mark.fault(80)
def test_a_search_that_is_taken_up_again_has_what_had_failed(tmp_path: Path) -> None:
    """The third candidate fails on its second fold; taken up again only the failed folds are asked for."""

    def fit() -> Any:
        with pytest.warns(TrainingWarning, match="1 of 6 candidates have no score"):
            return crossvalidated(
                "regression", scoring=module_scorer, n_candidates=6, random_state=0, resume=tmp_path / "r"
            ).fit(*given("regression"))

    module_calls[:] = [False] * 16 + [True] + [False] * 9
    first = fit()
    module_calls[:] = [False] * 9 + [True]
    again = fit()
    assert not module_calls
    assert [c.state for c in again.candidates_] == [c.state for c in first.candidates_]
    assert again.recipe_ == first.recipe_
