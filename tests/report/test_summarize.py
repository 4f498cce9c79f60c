from __future__ import annotations

import math

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.estimators import TautClassifier, TautClassifierCV, TautRegressorCV
from taut.report.summarize import CHOSEN, summarize
from taut.techniques import L1, L2
from tests.report.helpers import (
    EARLY,
    MIXTURE,
    NONE,
    USUAL,
    alone,
    dropped,
    failed,
    scored,
    searched,
    usual,
)

NAN = float("nan")


def test_the_lines_are_the_baselines_each_technique_at_its_best_and_the_chosen_recipe() -> None:
    summary = summarize(searched(TautClassifierCV(), USUAL))
    assert [line.label for line in summary.lines] == [
        "no regularization",
        "early stopping alone",
        "L2 0.1",
        "L1 0.01",
        "dropout 0.5",
        "Batch normalization",
        CHOSEN,
    ]
    assert [line.state for line in summary.lines] == ["scored"] * 4 + ["diverged", "not tried", "scored"]
    assert summary.recipe == MIXTURE == summary.lines[-1].recipe
    assert (summary.n_folds, summary.n_candidates, summary.n_dropped, summary.n_failed) == (3, 7, 0, 1)
    assert summary.chosen_is is None
    assert summary.has_lowest_loss
    assert summary.scoring is None


def test_a_line_has_the_means_over_the_folds() -> None:
    line = summarize(searched(TautClassifierCV(), USUAL)).line("L1 0.01")
    assert line.validation_loss == pytest.approx(1.3)
    assert line.train_loss == pytest.approx(0.65)
    assert line.gap == pytest.approx(0.65)
    assert line.standard_error == pytest.approx(0.2 / math.sqrt(3))
    assert (line.metric, line.epochs, line.zero_share) == (pytest.approx(0.9), 12, 0.5)


def test_the_zero_share_of_the_chosen_recipe_is_that_of_the_networks_that_are_kept() -> None:
    assert summarize(searched(TautClassifierCV(), USUAL)).line(CHOSEN).zero_share == 0.25


def test_a_technique_that_never_trained_to_an_end_counts_as_diverged_and_another_strength_wins() -> None:
    candidates = [scored(EARLY, [2, 2]), scored(NONE, [3, 3]), failed(alone(L2(0.1)), 2)]
    assert summarize(searched(TautClassifierCV(), candidates)).line("L2 0.1").state == "diverged"
    candidates.append(scored(alone(L2(1.0)), [1, 1]))
    assert summarize(searched(TautClassifierCV(), candidates)).line("L2 1").state == "scored"


def test_changes_are_paired_by_fold() -> None:
    changes = {change.against: change for change in summarize(searched(TautClassifierCV(), USUAL)).changes}
    early = changes["early_stopping"]
    # The folds differ by 0.4, the differences from fold to fold by nothing.
    assert early.difference == pytest.approx(0.2)
    assert early.standard_error == pytest.approx(0.0, abs=1e-12)
    assert early.share.value == pytest.approx(0.2 / 1.2)
    assert early.within_chance is False
    assert changes["none"].share.value == pytest.approx(1.4 / 2.4)


def test_a_difference_whose_interval_holds_zero_is_within_chance() -> None:
    candidates = [scored(EARLY, [1.0, 1.0, 1.0]), scored(NONE, [2, 2, 2]), scored(MIXTURE, [0.5, 1.4, 0.9])]
    change = summarize(searched(TautClassifierCV(), candidates)).changes[1]
    assert change.against == "early_stopping"
    assert change.within_chance is True


def test_one_fold_has_no_standard_error() -> None:
    summary = summarize(searched(TautClassifierCV(), [scored(EARLY, [1.0]), scored(NONE, [2.0])]))
    assert math.isnan(summary.lines[0].standard_error)
    assert summary.changes[0].within_chance is None


def test_a_baseline_that_is_chosen_or_failed_is_not_compared_with() -> None:
    summary = summarize(searched(TautClassifierCV(), [scored(EARLY, [1, 1]), failed(NONE, 2)]))
    assert summary.chosen_is == "early_stopping"
    assert summary.changes == ()
    summary = summarize(searched(TautClassifierCV(), [scored(EARLY, [2, 2]), scored(NONE, [1, 1])]))
    assert summary.chosen_is == "none"
    assert [change.against for change in summary.changes] == ["early_stopping"]


def test_a_loss_of_nothing_cannot_be_lowered() -> None:
    summary = summarize(searched(TautClassifierCV(), [scored(EARLY, [0, 0]), scored(NONE, [0, 0])]))
    assert summary.changes[0].share.value == 0.0


def test_what_was_cut_off_is_marked() -> None:
    candidates = [scored(EARLY, [1, 1]), scored(NONE, [2, 2], state="cut off")]
    assert summarize(searched(TautClassifierCV(), candidates)).lines[0].state == "cut off"


def test_what_was_dropped_has_the_means_of_the_folds_that_it_has() -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2, 1.4]),
        scored(NONE, [2.0, 2.4, 2.8]),
        dropped(alone(L2(0.1)), [1.0, 2.0, NAN]),
        dropped(alone(L1(0.1)), [0.5, NAN, NAN]),
    ]
    summary = summarize(searched(TautClassifierCV(), candidates))
    line = summary.line("L2 0.1")
    assert line.state == "dropped"
    assert (line.train_loss, line.validation_loss, line.gap) == pytest.approx((0.75, 1.5, 0.75))
    assert line.standard_error == pytest.approx(0.5)
    assert (line.metric, line.epochs) == (pytest.approx(0.9), 12)
    assert math.isnan(summary.line("L1 0.1").standard_error)
    assert (summary.n_dropped, summary.n_failed) == (2, 0)
    assert summary.has_lowest_loss  # among those that have all folds


def test_a_technique_is_shown_at_its_best_strength_with_all_folds_if_any_has_them() -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2]),
        scored(NONE, [2.0, 2.4]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
        scored(alone(L2(1.0)), [1.1, 1.3]),
        failed(alone(L2(5.0)), 2),
    ]
    summary = summarize(searched(TautClassifierCV(), candidates))
    assert summary.line("L2 1").state == "scored"
    fewer = summarize(searched(TautClassifierCV(), [*candidates[:3], candidates[4]]))
    assert fewer.line("L2 0.1").state == "dropped"


def test_folds_that_were_made_anew_add_no_rows_to_the_standard_error() -> None:
    losses = [1.0, 1.2, 1.4, 0.9]
    once, twice = (
        summarize(
            searched(
                TautClassifierCV(),
                [
                    scored(EARLY, losses, n_repeats=n_repeats),
                    scored(NONE, [2, 2, 3, 3], n_repeats=n_repeats),
                ],
            )
        )
        for n_repeats in (1, 2)
    )
    for part in ("lines", "changes"):
        first, second = getattr(once, part)[0], getattr(twice, part)[0]
        assert second.standard_error == pytest.approx(first.standard_error * math.sqrt(2))


def test_what_was_trained_with_is_told() -> None:
    chosen = scored(MIXTURE, [0.5, 0.5], candidate=usual(MIXTURE, 0.003, (64, 32)))
    summary = summarize(searched(TautClassifierCV(), [scored(EARLY, [1, 1]), scored(NONE, [2, 2]), chosen]))
    assert (summary.learning_rate, summary.hidden) == (0.003, (64, 32))


@pytest.mark.parametrize(
    ("scoring", "name"), [("roc_auc", "roc_auc"), (len, "the scorer"), (None, "the scorer")]
)
def test_a_scorer_and_what_it_said_are_told(scoring: object, name: str) -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2], scoring=[0.7, 0.9]),
        scored(NONE, [2.0, 2.4], scoring=[0.9, 0.9]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
    ]
    summary = summarize(searched(TautClassifierCV(scoring=scoring), candidates))
    assert summary.scoring == name
    assert summary.chosen_is == "none"
    assert not summary.has_lowest_loss
    assert [line.scoring for line in summary.lines[:2]] == pytest.approx([0.9, 0.8])
    assert summary.line(CHOSEN).scoring == pytest.approx(0.9)
    assert math.isnan(summary.line("L2 0.1").scoring)
    # It is worse by its loss than early stopping, and that is what is said.
    (change,) = summary.changes
    assert (change.against, change.difference) == ("early_stopping", pytest.approx(-1.1))


def test_whether_the_chosen_one_has_the_lowest_loss_is_told() -> None:
    summary = summarize(searched(TautClassifierCV(selection="1se"), USUAL, best=2))
    assert not summary.has_lowest_loss
    assert summary.scoring is None
    assert summary.recipe == alone(L2(0.1))


def test_names_go_with_the_task() -> None:
    classes = summarize(searched(TautClassifierCV(), USUAL))
    amount = summarize(searched(TautRegressorCV(), USUAL, interrupted=True))
    assert (classes.loss, classes.metric, classes.interrupted) == ("cross-entropy", "accuracy", False)
    assert (amount.loss, amount.metric, amount.interrupted) == ("squared error", "R²", True)


def test_an_estimator_with_a_given_recipe_has_nothing_to_compare() -> None:
    with pytest.raises(ParameterError, match="TautClassifier has one recipe"):
        summarize(TautClassifier())  # type: ignore[arg-type]


def test_a_search_and_its_saved_model_have_the_same_facts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from taut.store import load

    stream = np.random.default_rng(0)
    X = stream.normal(size=(60, 3))
    y = X[:, 0] + stream.normal(size=60)
    options = {"hidden": (4,), "cv": 3, "n_candidates": 16, "max_epochs": 5, "random_state": 0}
    options |= {"scoring": "r2", "selection": "1se"}
    reg = TautRegressorCV(**options).fit(X, y)  # type: ignore[arg-type]
    assert summarize(reg).n_dropped > 0
    reg.save(tmp_path / "model")
    assert repr(summarize(load(tmp_path / "model"))) == repr(summarize(reg))  # repr: NaN is not equal to NaN
