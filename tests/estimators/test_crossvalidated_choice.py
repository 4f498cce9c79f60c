"""The recipe chosen by cross-validation: by which figure, by which rule, and which networks are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.samplers import RandomSampler
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold

from taut.selection.bootstrap import paired_standard_error
from tests.estimators.helpers import crossvalidated, given, numbers_of, output, tasks


def folds_by_hand(n: int = 150, k: int = 3) -> list[tuple[Any, Any]]:
    """The same splits for whoever asks."""
    return list(KFold(k, shuffle=True, random_state=4).split(np.zeros(n)))


def lowest_loss(candidates: Any) -> int:
    """The place of the complete candidate with the lowest loss."""
    return min((i for i, c in enumerate(candidates) if c.complete), key=lambda i: candidates[i].loss)


# --- scoring ----------------------------------------------------------------------------------------------

SCORINGS = [
    ("accuracy", "classification"),
    ("roc_auc_ovr", "classification"),
    ("neg_log_loss", "classification"),
    ("neg_mean_absolute_error", "regression"),
    ("r2", "regression"),
]


@pytest.mark.parametrize(("scoring", "task"), SCORINGS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_scorer_chooses_the_candidate_that_scikit_learn_says_is_best(
    scoring: str, task: str, weighted: bool
) -> None:
    """One epoch, so that every fold's network is the one that is kept, and can be asked by itself."""
    X, y = given(task)
    weight = np.random.default_rng(2).random(150) if weighted else None
    usual = {"max_epochs": 1, "n_candidates": 12, "cv": folds_by_hand(), "learning_rate": 0.1}
    fitted = crossvalidated(task, **usual, scoring=scoring).fit(X, y, weight)
    complete = np.array([c.complete for c in fitted.candidates_])
    means = fitted.cv_results_["mean_test_score"]
    assert means[fitted.best_index_] == means[complete].max()
    assert np.isnan(means[~complete]).all()
    assert fitted.cv_results_["rank_test_score"][fitted.best_index_] == 1
    scorer, model = get_scorer(scoring), fitted.model_
    for k, (_, held) in enumerate(folds_by_hand()):
        fitted.model_ = type(model)(model.schema, model.target, (model.networks[k],))
        own = {} if weight is None else {"sample_weight": weight[held]}
        expected = scorer(fitted, X[held], y[held], **own)
        assert fitted.cv_results_[f"split{k}_test_score"][fitted.best_index_] == pytest.approx(
            expected, rel=1e-4
        )
    # They race on the loss, so that the same ones have all folds, with the same losses.
    by_loss = crossvalidated(task, **usual).fit(X, y, weight)
    assert [c.state for c in by_loss.candidates_] == [c.state for c in fitted.candidates_]
    assert [c.loss for c in by_loss.candidates_] == [c.loss for c in fitted.candidates_]


@pytest.mark.parametrize(
    ("scoring", "task"), [("neg_log_loss", "classification"), ("neg_mean_squared_error", "regression")]
)
def test_a_scorer_sees_each_folds_network_of_the_epoch_that_is_scored(scoring: str, task: str) -> None:
    """The loss as a scorer is the loss, at epochs that differ from fold to fold."""
    X, y = given(task, n=90)
    y = np.random.default_rng(0).permutation(y)
    fitted = crossvalidated(task, n_candidates=8, max_epochs=20, scoring=scoring).fit(X, y)
    n_epochs = set()
    for c in fitted.candidates_:
        if c.complete:
            n_epochs.add(tuple(c.fold_epochs))
            np.testing.assert_allclose(c.scoring, -c.validation_loss, rtol=1e-4)
    assert any(len(set(epochs)) > 1 for epochs in n_epochs)
    # Whoever names a scorer wants the best by it, where the loss itself is chosen by with caution.
    assert fitted.best_index_ == lowest_loss(fitted.candidates_)
    by_loss = crossvalidated(task, n_candidates=8, max_epochs=20).fit(X, y)
    assert [c.loss for c in fitted.candidates_] == [c.loss for c in by_loss.candidates_]


def test_a_scorer_of_ones_own_overrules_the_loss() -> None:
    """One that likes large losses chooses another candidate than the loss does."""
    X, y = given()

    def reversed_loss(estimator: Any, rows: Any, y: Any) -> float:
        shares = estimator.predict_proba(rows)
        return float(-np.mean(np.log(shares[np.arange(len(y)), y])))

    fitted = crossvalidated(n_candidates=10, scoring=reversed_loss).fit(X, y)
    complete = [c for c in fitted.candidates_ if c.complete]
    assert fitted.best_.loss == max(c.loss for c in complete) > min(c.loss for c in complete)
    for c in complete:
        assert c.scoring is not None
        assert c.scoring.mean() == pytest.approx(c.loss, rel=1e-4)


# --- selection --------------------------------------------------------------------------------------------


@tasks
def test_within_one_standard_error_the_smallest_gap_is_chosen(task: str) -> None:
    X, y = given(task, n=60)
    noise = np.random.default_rng(5)  # so that many are as good as the best
    if task == "regression":
        y = y + 2 * noise.standard_normal(60)
    else:
        y = np.where(noise.random(60) < 0.4, np.random.default_rng(6).permutation(y), y)
    others = 0
    for seed in range(3):
        usual = {"n_candidates": 26, "max_epochs": 40, "random_state": seed}
        best, fitted = (crossvalidated(task, **usual, selection=s).fit(X, y) for s in ("best", "1se"))
        assert numbers_of(best) == numbers_of(fitted)
        top = lowest_loss(fitted.candidates_)
        worst_baseline = max(-c.loss for c in fitted.baseline_.values())
        near = [top]
        for i, c in enumerate(fitted.candidates_):
            if i == top or not c.complete or -c.loss < worst_baseline:
                continue
            differences = fitted.row_losses_[i] - fitted.row_losses_[top]
            mean, error = paired_standard_error(differences, None)
            assert mean == pytest.approx(c.loss - fitted.candidates_[top].loss, rel=1e-3, abs=1e-6)
            if mean <= error:
                near.append(i)
        assert fitted.best_index_ == min(near, key=lambda i: fitted.candidates_[i].gap)
        assert fitted.best_.gap <= fitted.candidates_[top].gap
        others += fitted.best_index_ != top
    assert others


# --- the networks that are kept ---------------------------------------------------------------------------


@tasks
def test_refit_trains_five_networks_on_all_rows(task: str) -> None:
    X, y = given(task)
    bag = crossvalidated(task, n_candidates=6, max_epochs=40).fit(X, y)
    refit = crossvalidated(task, n_candidates=6, max_epochs=40, final="refit").fit(X, y)
    assert numbers_of(bag) == numbers_of(refit)
    assert refit.recipe_ == bag.recipe_
    assert (refit.n_splits_, len(refit.model_.networks), len(bag.model_.networks)) == (3, 5, 3)
    medians = np.median(X, axis=0)
    for network in refit.model_.networks:
        np.testing.assert_allclose(network.encoder.center, medians, rtol=1e-5)
    for network in bag.model_.networks:
        assert np.abs(network.encoder.center - medians).max() > 1e-3
    # From seeds of their own.
    first = [network.weights["layers.0.weight"] for network in refit.model_.networks]
    assert min(np.abs(a - b).max() for i, a in enumerate(first) for b in first[:i]) > 0.01
    assert refit.score(X, y) > 0.6
    assert (
        output(refit, X).tobytes()
        == output(
            crossvalidated(task, n_candidates=6, max_epochs=40, final="refit", n_jobs=2).fit(X, y), X
        ).tobytes()
    )


def test_refit_leaves_out_validation_rows_and_rows_without_weight() -> None:
    X, y = given()
    weight = np.where(np.arange(150) < 30, 0.0, 1.0)
    fitted = crossvalidated(final="refit").fit(X, y, weight)
    np.testing.assert_allclose(fitted.model_.networks[0].encoder.center, np.median(X[30:], axis=0), rtol=1e-5)
    fitted = crossvalidated(final="refit").fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    np.testing.assert_allclose(
        fitted.model_.networks[0].encoder.center, np.median(X[:100], axis=0), rtol=1e-5
    )
    assert len(fitted.model_.networks) == 5


def test_refit_networks_have_the_inputs_that_all_rows_make() -> None:
    """A column has its input for missing values where enough rows miss it, which may be none of the folds."""
    X, y = given(n=90)
    differ = 0
    for n_missing in range(2, 14):
        some = X.copy()
        some[:n_missing, 0] = np.nan
        bag, refit = (
            crossvalidated(final=final, n_candidates=2, max_epochs=2).fit(some, y)
            for final in ("bag", "refit")
        )
        first = bag.model_.networks[0].encoder.n_features
        for network in refit.model_.networks:
            assert network.network.n_inputs == network.encoder.n_features
        differ += refit.model_.networks[0].encoder.n_features != first
        assert np.isfinite(output(refit, some)).all()
    assert differ


# --- the sampler ------------------------------------------------------------------------------------------


def test_a_sampler_is_made_from_a_seed_for_every_batch_after_the_first() -> None:
    seeds: list[int] = []

    def sampler(*, seed: int) -> RandomSampler:
        seeds.append(seed)
        return RandomSampler(seed=seed)

    usual: dict[str, Any] = {"effort": "quick", "n_candidates": 32, "max_epochs": 4, "learning_rate": "auto"}
    X, y = given()
    own, again, other = (crossvalidated(**usual, sampler=s).fit(X, y) for s in (sampler, sampler, None))
    assert [c.batch for c in own.candidates_] == [-1] * 2 + [0] * 16 + [1] * 8 + [2] * 6
    assert len(seeds) == 4
    assert seeds[:2] == seeds[2:]
    assert len(set(seeds)) == 2
    assert numbers_of(own) == numbers_of(again)
    assert numbers_of(own)[:18] == numbers_of(other)[:18]
    assert numbers_of(own)[18:] != numbers_of(other)[18:]
    # Optuna's classes are such, as they are.
    class_itself = crossvalidated(**usual, sampler=RandomSampler).fit(X, y)
    assert numbers_of(class_itself) == numbers_of(own)
