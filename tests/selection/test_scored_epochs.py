from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from taut.errors import TrainingWarning
from taut.selection import runner
from taut.selection.scored_epochs import epochs_to_score
from tests.estimators.helpers import crossvalidated, numbers, numbers_of


def test_the_epochs_that_are_scored_are_few_and_nested() -> None:
    for n in (1, 2, 29, 30):
        assert epochs_to_score(n).tolist() == list(range(1, n + 1))
    assert epochs_to_score(33).tolist() == [*range(2, 33, 2), 33]
    for n in (31, 100, 300, 5000):
        found = epochs_to_score(n)
        assert found[-1] == n
        assert 15 <= len(found) <= 31
        assert set(epochs_to_score(2 * n)[:-1].tolist()) <= {*found.tolist(), *range(n + 1, 2 * n)}


def noisy(n: int = 200) -> tuple[Any, Any]:
    X = numbers(n)
    return X, (X[:, 0] + 1.5 * np.random.default_rng(1).standard_normal(n) > 0.6).astype(int)


def confidence(estimator: Any, X: Any, y: Any) -> float:
    """Rises as long as a network goes on to fit its own rows."""
    return float(estimator.predict_proba(X).max(axis=1).mean())


def undecided(estimator: Any, X: Any, y: Any) -> float:
    """Has no score where the probabilities are much alike, as those of a network in its first epochs."""
    said = estimator.predict_proba(X)
    if np.ptp(said[:, 1]) < 0.3:
        raise ValueError("undecided")
    return float(roc_auc_score(y, said[:, 1]))


SEARCH: dict[str, Any] = {"n_candidates": 3, "max_epochs": 60, "hidden": (16,)}


@pytest.mark.fault(65)
def test_the_scorer_decides_the_epoch() -> None:
    X, y = noisy()
    by_loss = crossvalidated(**SEARCH).fit(X, y).baseline_["early_stopping"]
    assert by_loss.epochs_trained < 3 * 60
    fitted = crossvalidated(scoring=confidence, **SEARCH).fit(X, y)
    score = fitted.baseline_["early_stopping"]
    assert score.epochs_trained == 3 * 60  # beyond the patience of the loss, as long as the score rises
    assert score.epoch > 40 > by_loss.epoch
    assert score.fold_epochs.min() > 40
    none = fitted.baseline_["none"]  # of the same networks, at the last epoch
    assert none.scoring.mean() == pytest.approx(score.scoring.mean(), abs=0.02)


@pytest.mark.fault(65)
def test_by_the_loss_as_a_scorer_the_epochs_are_those_of_the_loss() -> None:
    X, y = noisy()
    search = {**SEARCH, "max_epochs": 30}
    by_loss = crossvalidated(**search).fit(X, y)
    by_score = crossvalidated(scoring="neg_log_loss", **search).fit(X, y)
    for one, other in zip(by_loss.candidates_, by_score.candidates_, strict=True):
        assert one.candidate == other.candidate
        if one.complete and other.complete:
            assert one.epoch == other.epoch
            assert one.fold_epochs.tolist() == other.fold_epochs.tolist()
            assert other.scoring == pytest.approx(-one.validation_loss, rel=1e-5)


@pytest.mark.fault(65)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_each_fold_is_scored_at_the_epoch_best_on_the_others(task: str) -> None:
    X, y = noisy()
    y = y if task == "classification" else X[:, 0] + X[:, 1] ** 2
    scoring = "roc_auc" if task == "classification" else "neg_median_absolute_error"
    fitted = crossvalidated(task, scoring=scoring, **SEARCH).fit(X, y)
    score = fitted.best_
    assert score.scoring is not None
    assert 1 <= score.epoch <= 60
    assert np.isfinite(score.scoring).all()
    again = crossvalidated(task, scoring=scoring, **{**SEARCH, "n_jobs": 2}).fit(X, y)
    assert again.best_.fold_epochs.tolist() == score.fold_epochs.tolist()
    assert again.best_.scoring.tolist() == score.scoring.tolist()
    assert numbers_of(again) == numbers_of(fitted)


@pytest.mark.fault(65)
def test_a_resumed_search_finds_the_same(tmp_path: Any) -> None:
    X, y = noisy()
    whole = crossvalidated(scoring="roc_auc", **SEARCH).fit(X, y)
    file = tmp_path / "search.db"
    assert whole.best_.scoring is not None
    resumed = crossvalidated(scoring="roc_auc", resume=file, **SEARCH).fit(X, y)
    again = crossvalidated(scoring="roc_auc", resume=file, **SEARCH).fit(X, y)
    for one in (resumed, again):
        for a, b in zip(whole.candidates_, one.candidates_, strict=True):
            assert (a.epoch, a.fold_epochs.tolist()) == (b.epoch, b.fold_epochs.tolist())
            assert (a.scoring is None) == (b.scoring is None)
        assert one.best_.scoring.tolist() == whole.best_.scoring.tolist()
        assert numbers_of(one) == numbers_of(whole)


@pytest.mark.fault(65)
def test_an_epoch_without_a_score_is_not_the_best_one_and_does_not_fail_the_candidate() -> None:
    fitted = crossvalidated(scoring=undecided, **{**SEARCH, "learning_rate": 0.003}).fit(*noisy())
    score = fitted.baseline_["early_stopping"]
    assert not score.failed
    assert np.isfinite(score.scoring).all()
    assert score.fold_epochs.min() > 1


@pytest.mark.fault(65)
def test_beyond_the_memory_for_outputs_the_loss_decides_and_this_is_said(monkeypatch: Any) -> None:
    X, y = noisy()
    by_loss = crossvalidated(**SEARCH).fit(X, y).baseline_["early_stopping"]
    monkeypatch.setattr(runner, "_MOST_OUTPUTS", 0)
    with pytest.warns(TrainingWarning, match="scoring chooses among the candidates, and the loss the epoch"):
        fitted = crossvalidated(scoring=confidence, **SEARCH).fit(X, y)
    assert fitted.baseline_["early_stopping"].fold_epochs.tolist() == by_loss.fold_epochs.tolist()
