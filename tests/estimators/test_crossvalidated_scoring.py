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


class Failing:
    """A scorer that raises, or gives something else, for the candidates of these numbers.

    The first calls, one a fold, try it out.
    """

    def __init__(self, which: Any, what: Any = GONE) -> None:
        self.which, self.what = which, what
        self.n_calls = self.n_told = 0
        self.__name__ = "scorer"

    def __call__(self, estimator: Any, X: Any, y: Any) -> Any:
        self.n_calls += 1
        if self.n_calls > 3 and self.n_told in self.which:
            if isinstance(self.what, Exception):
                raise self.what
            return self.what
        return -float(np.mean((estimator.predict(X) - y) ** 2))

    def told(self, candidate: Any) -> None:
        self.n_told += 1

    def fit(self, **changes: Any) -> Any:
        made = crossvalidated("regression", scoring=self, n_candidates=6, on_candidate=self.told, **changes)
        return made.fit(*given("regression"))


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
    with pytest.warns(TrainingWarning, match=rf"1 of 6 candidates have .*scoring=scorer {sentence}"):
        fitted = Failing([3], what).fit()
    assert [i for i, c in enumerate(fitted.candidates_) if c.state == "failed"] == [3]
    assert "scoring=scorer" in fitted.candidates_[3].failed
    assert fitted.estimate_.score_name == "scorer"
    assert np.isfinite(fitted.estimate_.score.value)
    assert np.isfinite(fitted.predict(given("regression")[0])).all()


@pytest.mark.fault(80)
def test_also_the_baselines_may_fail_and_the_model_is_saved_and_reported(tmp_path: Path) -> None:
    with pytest.warns(TrainingWarning, match="2 of 6 candidates have no score: early stopping "):
        fitted = Failing([0, 1]).fit()
    assert [c.state for c in fitted.candidates_[:2]] == ["failed", "failed"]
    fitted.report(tmp_path / "page.html")
    fitted.save(tmp_path / "model")


@pytest.mark.fault(80)
def test_an_epoch_without_a_score_is_not_the_best_one() -> None:
    def late(estimator: Any, X: Any, y: Any) -> float:
        said = estimator.predict(X)
        if np.std(said) < 0.4:  # as in the first epochs
            raise GONE
        return -float(np.mean((said - y) ** 2))

    fitted = crossvalidated("regression", scoring=late, n_candidates=2).fit(*given("regression"))
    assert [c.state for c in fitted.candidates_] == ["complete"] * 2


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


@pytest.mark.fault(80)
def test_a_search_that_is_taken_up_again_fails_where_it_had_failed(tmp_path: Path) -> None:
    fits = []
    for _ in range(2):
        with pytest.warns(TrainingWarning, match="1 of 6 candidates have no score"):
            fits.append(Failing([3]).fit(random_state=0, resume=tmp_path / "file"))
    first, again = fits
    assert [c.state for c in again.candidates_] == [c.state for c in first.candidates_]
    assert [c.failed for c in again.candidates_] == [c.failed for c in first.candidates_]
    assert again.recipe_ == first.recipe_
