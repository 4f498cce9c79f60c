from __future__ import annotations

import math

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.report.comparison import CHOSEN
from taut.report.facts import facts_of
from taut.report.schema import ComparisonFacts, Facts, LineFacts, SearchFacts
from taut.report.text import plain_table
from taut.selection.score import CandidateScore
from taut.techniques import L1, L2
from tests.report.helpers import (
    EARLY,
    MIXTURE,
    NONE,
    USUAL,
    alone,
    dropped,
    facts_of_search,
    failed,
    scored,
    searched,
    usual,
)
from tests.report.models import single

NAN = float("nan")


def lines(facts: Facts) -> list[LineFacts]:
    return compared(facts)["lines"]


def line(facts: Facts, label: str) -> LineFacts:
    return next(one for one in lines(facts) if one["label"] == label)


def compared(facts: Facts) -> ComparisonFacts:
    assert facts["comparison"] is not None
    return facts["comparison"]


def search_in(facts: Facts) -> SearchFacts:
    assert facts["search"] is not None
    return facts["search"]


def of(*candidates: CandidateScore) -> Facts:
    return facts_of_search(searched(TautClassifierCV(), candidates))


def test_the_lines_are_the_baselines_each_technique_at_its_best_and_the_chosen_recipe() -> None:
    facts = of(*USUAL)
    assert [one["label"] for one in lines(facts)] == [
        "no regularization",
        "early stopping alone",
        "L2 0.1",
        "L1 0.01",
        "dropout 0.5",
        "Batch normalization",
        CHOSEN,
    ]
    assert [one["state"] for one in lines(facts)] == ["scored"] * 4 + ["diverged", "not tried", "scored"]
    assert facts["recipe"]["techniques"] == MIXTURE.to_json() == lines(facts)[-1]["recipe"]
    comparison, made, search = compared(facts), facts["made"], search_in(facts)
    assert (made["n_folds"], made["n_candidates"], search["n_dropped"], search["n_failed"]) == (3, 7, 0, 1)
    assert comparison["chosen_is"] is None
    assert comparison["has_lowest_loss"]
    assert search["scoring"] is None


def test_a_line_has_the_means_over_the_folds() -> None:
    found = line(of(*USUAL), "L1 0.01")
    assert found["validation_loss"] == pytest.approx(1.3)
    assert found["train_loss"] == pytest.approx(0.65)
    assert found["gap"] == pytest.approx(0.65)
    assert found["standard_error"] == pytest.approx(0.2 / math.sqrt(3))
    assert (found["metric"], found["epochs"], found["zero_share"]) == (pytest.approx(0.9), 12, 0.5)


def test_the_zero_share_of_the_chosen_recipe_is_that_of_the_networks_that_are_kept() -> None:
    assert line(of(*USUAL), CHOSEN)["zero_share"] == 0.25


def test_a_technique_that_never_trained_to_an_end_counts_as_diverged_and_another_strength_wins() -> None:
    candidates = [scored(EARLY, [2, 2]), scored(NONE, [3, 3]), failed(alone(L2(0.1)), 2)]
    assert line(of(*candidates), "L2 0.1")["state"] == "diverged"
    candidates.append(scored(alone(L2(1.0)), [1, 1]))
    assert line(of(*candidates), "L2 1")["state"] == "scored"


def test_changes_are_paired_by_fold() -> None:
    changes = {change["against"]: change for change in compared(of(*USUAL))["changes"]}
    early = changes["early_stopping"]
    # The folds differ by 0.4, the differences from fold to fold by nothing.
    assert early["difference"] == pytest.approx(0.2)
    assert early["standard_error"] == pytest.approx(0.0, abs=1e-12)
    assert early["share"] == pytest.approx(0.2 / 1.2)
    assert early["within_chance"] is False
    assert changes["none"]["share"] == pytest.approx(1.4 / 2.4)


def test_a_difference_whose_interval_holds_zero_is_within_chance() -> None:
    facts = of(scored(EARLY, [1.0, 1.0, 1.0]), scored(NONE, [2, 2, 2]), scored(MIXTURE, [0.5, 1.4, 0.9]))
    change = compared(facts)["changes"][1]
    assert change["against"] == "early_stopping"
    assert change["within_chance"] is True


def test_one_fold_has_no_standard_error() -> None:
    facts = of(scored(EARLY, [1.0]), scored(NONE, [2.0]))
    assert lines(facts)[0]["standard_error"] is None
    assert compared(facts)["changes"][0]["within_chance"] is None


def test_a_baseline_that_is_chosen_or_failed_is_not_compared_with() -> None:
    found = compared(of(scored(EARLY, [1, 1]), failed(NONE, 2)))
    assert found["chosen_is"] == "early_stopping"
    assert found["changes"] == []
    found = compared(of(scored(EARLY, [2, 2]), scored(NONE, [1, 1])))
    assert found["chosen_is"] == "none"
    assert [change["against"] for change in found["changes"]] == ["early_stopping"]


def test_a_loss_of_nothing_cannot_be_lowered() -> None:
    assert compared(of(scored(EARLY, [0, 0]), scored(NONE, [0, 0])))["changes"][0]["share"] == 0.0


def test_what_was_cut_off_is_marked() -> None:
    facts = of(scored(EARLY, [1, 1]), scored(NONE, [2, 2], state="cut off"))
    assert lines(facts)[0]["state"] == "cut off"


def test_what_was_dropped_has_the_means_of_the_folds_that_it_has() -> None:
    facts = of(
        scored(EARLY, [1.0, 1.2, 1.4]),
        scored(NONE, [2.0, 2.4, 2.8]),
        dropped(alone(L2(0.1)), [1.0, 2.0, NAN]),
        dropped(alone(L1(0.1)), [0.5, NAN, NAN]),
    )
    found = line(facts, "L2 0.1")
    assert found["state"] == "dropped"
    assert (found["train_loss"], found["validation_loss"], found["gap"]) == pytest.approx((0.75, 1.5, 0.75))
    assert found["standard_error"] == pytest.approx(0.5)
    assert (found["metric"], found["epochs"]) == (pytest.approx(0.9), 12)
    assert line(facts, "L1 0.1")["standard_error"] is None
    assert (search_in(facts)["n_dropped"], search_in(facts)["n_failed"]) == (2, 0)
    assert compared(facts)["has_lowest_loss"]  # among those that have all folds


def test_a_technique_is_shown_at_its_best_strength_with_all_folds_if_any_has_them() -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2]),
        scored(NONE, [2.0, 2.4]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
        scored(alone(L2(1.0)), [1.1, 1.3]),
        failed(alone(L2(5.0)), 2),
    ]
    assert line(of(*candidates), "L2 1")["state"] == "scored"
    assert line(of(*candidates[:3], candidates[4]), "L2 0.1")["state"] == "dropped"


def test_folds_that_were_made_anew_add_no_rows_to_the_standard_error() -> None:
    losses = [1.0, 1.2, 1.4, 0.9]
    once, twice = (
        compared(
            of(scored(EARLY, losses, n_repeats=n_repeats), scored(NONE, [2, 2, 3, 3], n_repeats=n_repeats))
        )
        for n_repeats in (1, 2)
    )
    for first, second in (
        (once["lines"][0]["standard_error"], twice["lines"][0]["standard_error"]),
        (once["changes"][0]["standard_error"], twice["changes"][0]["standard_error"]),
    ):
        assert first is not None
        assert second == pytest.approx(first * math.sqrt(2))


def test_what_was_trained_with_is_told() -> None:
    chosen = scored(MIXTURE, [0.5, 0.5], candidate=usual(MIXTURE, 0.003, (64, 32)))
    facts = of(scored(EARLY, [1, 1]), scored(NONE, [2, 2]), chosen)
    found = search_in(facts)["candidates"][search_in(facts)["chosen"]]
    assert (found["learning_rate"], found["hidden"]) == (0.003, [64, 32])
    assert facts["recipe"]["learning_rate"] == 0.003


@pytest.mark.parametrize(
    ("scoring", "name"), [("roc_auc", "roc_auc"), (len, "the scorer"), (None, "the scorer")]
)
def test_a_scorer_and_what_it_said_are_told(scoring: object, name: str) -> None:
    candidates = [
        scored(EARLY, [1.0, 1.2], scoring=[0.7, 0.9]),
        scored(NONE, [2.0, 2.4], scoring=[0.9, 0.9]),
        dropped(alone(L2(0.1)), [0.1, NAN]),
    ]
    facts = facts_of_search(searched(TautClassifierCV(scoring=scoring), candidates))
    found = compared(facts)
    assert search_in(facts)["scoring"] == name
    assert found["chosen_is"] == "none"
    assert not found["has_lowest_loss"]
    assert [one["scoring"] for one in found["lines"][:2]] == pytest.approx([0.9, 0.8])
    assert line(facts, CHOSEN)["scoring"] == pytest.approx(0.9)
    assert line(facts, "L2 0.1")["scoring"] is None
    # It is worse by its loss than early stopping, and that is what is said.
    (change,) = found["changes"]
    assert (change["against"], change["difference"]) == ("early_stopping", pytest.approx(-1.1))


def test_whether_the_chosen_one_has_the_lowest_loss_is_told() -> None:
    facts = facts_of_search(searched(TautClassifierCV(selection="1se"), USUAL, best=2))
    assert not compared(facts)["has_lowest_loss"]
    assert search_in(facts)["scoring"] is None
    assert facts["recipe"]["techniques"] == alone(L2(0.1)).to_json()


def test_names_go_with_the_task() -> None:
    classes = of(*USUAL)
    amount = facts_of_search(searched(TautRegressorCV(), USUAL, interrupted=True))
    for facts, loss, metric, cut in (
        (classes, "cross-entropy", "accuracy", False),
        (amount, "squared error", "R²", True),
    ):
        assert (facts["loss"], facts["metric"], search_in(facts)["interrupted"]) == (loss, metric, cut)


def test_an_estimator_with_a_given_recipe_has_nothing_to_compare() -> None:
    facts = facts_of(single("y"))
    assert facts["comparison"] is None
    with pytest.raises(ParameterError, match="TautClassifier has one recipe"):
        plain_table(facts)


def test_a_search_and_its_saved_model_have_the_same_facts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from taut.store import load

    stream = np.random.default_rng(0)
    X = stream.normal(size=(60, 3))
    y = X[:, 0] + stream.normal(size=60)
    options = {"hidden": (4,), "cv": 3, "n_candidates": 16, "max_epochs": 5, "random_state": 0}
    options |= {"scoring": "r2", "selection": "1se"}
    reg = TautRegressorCV(**options).fit(X, y)  # type: ignore[arg-type]
    facts = facts_of(reg)
    assert search_in(facts)["n_dropped"] > 0
    reg.save(tmp_path / "model")
    loaded = facts_of(load(tmp_path / "model"))
    for name in ("comparison", "search", "recipe", "made"):
        assert loaded[name] == facts[name]  # type: ignore[literal-required]
