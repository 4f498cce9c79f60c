"""From a table and a recipe to lines that add up."""

from __future__ import annotations

import math
import os
import signal
import threading
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.errors import DataError, ParameterError, TrainingError, TrainingWarning
from taut.evidence.contributions import ContributionWork
from taut.examine import effects
from taut.examine.effects_result import Effects
from taut.learning.progress import TrainingProgress
from tests.estimators.helpers import crossvalidated, given

#: The function has the module's name.
MODULE = import_module("taut.examine.effects_function")
STOP = EarlyStopping(patience=5)
SMALL: dict[str, Any] = {
    "hidden": (8,), "max_epochs": 15, "learning_rate": 0.02, "n_jobs": 1, "random_state": 0, "cv": 3,
    "n_seeds": 2,
}  # fmt: skip
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def found(*techniques: Any, task: str = "classification", **changes: Any) -> Effects:
    X, y = changes.pop("given", None) or given(task)
    return effects(X, y, Recipe(*techniques), **{**SMALL, **changes})


def figures(one: Effects) -> dict[str, Any]:
    """All but the time that it took."""
    return {name: value for name, value in one.to_dict().items() if name != "seconds"}


def assert_adds_up(one: Effects) -> None:
    for figure in ("loss", "score"):
        start, end = getattr(one, f"start_{figure}"), getattr(one, f"end_{figure}")
        total = math.fsum(getattr(line, figure).value for line in one.lines)
        assert total == pytest.approx(end - start, rel=1e-9, abs=1e-12)
        assert getattr(one, figure).value == pytest.approx(end - start, rel=1e-9, abs=1e-12)


@tasks
def test_lines_add_up_from_nothing_to_the_recipe(task: str) -> None:
    one = found(L2(0.3), Dropout(0.2), STOP, task=task)
    assert_adds_up(one)
    assert [line.kind for line in one.lines] == ["early stopping", "learning rate", *["technique"] * 2]
    assert [line.name for line in one.lines] == ["early_stopping", "learning_rate", "l2", "dropout"]
    assert one["l2"].label == "L2 0.3"
    assert one["learning_rate"].label.startswith("learning rate 0.002 -> 0.0")
    for line in one.lines:
        for change in (line.loss, line.score):
            assert change.low <= change.value <= change.high
    assert one.loss.low < one.loss.value < one.loss.high
    assert one.task == task
    assert one.exact
    assert one.failed == ()
    assert (one.n_rows, one.n_folds, one.n_seeds) == (150, 3, 2)
    assert [pair.names for pair in one.interactions] == [("l2", "dropout")]
    assert set(one.rates) == {
        "early stopping", "L2 0.3 + early stopping", "dropout 0.2 + early stopping",
        "L2 0.3 + dropout 0.2 + early stopping",
    }  # fmt: skip
    assert "L2 0.3" in str(one)


def test_a_technique_that_is_off_contributes_exactly_nothing() -> None:
    one = found(L1(0), L2(0.3), Dropout(0), STOP)
    for name in ("l1", "dropout"):
        for change in (one[name].loss, one[name].score):
            assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)
        assert one[name].kind == "off"
    without = found(L2(0.3), STOP)
    assert one["l2"] == without["l2"]
    assert one.n_networks == without.n_networks
    assert_adds_up(one)


def test_a_technique_that_cannot_act_contributes_exactly_nothing() -> None:
    """Without hidden layers there is nothing to drop."""
    one = found(L2(0.3), Dropout(0.5), STOP, hidden=())
    assert one["dropout"].loss.value == one["dropout"].score.value == 0.0
    assert one["l2"].loss.value != 0.0
    assert one.interactions[0].loss.value == 0.0


def test_the_same_seed_gives_the_same_figures_whatever_the_threads() -> None:
    one = found(L2(0.3), BatchNorm(), STOP)
    assert figures(found(L2(0.3), BatchNorm(), STOP, n_jobs=2)) == figures(one)
    assert found(L2(0.3), STOP, random_state=1).loss != found(L2(0.3), STOP).loss


def test_the_strong_technique_shows() -> None:
    one = found(L2(30.0), STOP)
    assert one["l2"].loss.value > 0
    assert not one["l2"].loss.spans_zero
    assert "L2 30 raises the loss" in str(one)


def test_losses_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    usual, scaled = (found(L2(0.3), STOP, given=(X, target)) for target in (y, 1000.0 * y + 5e6))
    assert scaled.start_loss == pytest.approx(1e6 * usual.start_loss, rel=1e-3)
    assert scaled["l2"].loss.low == pytest.approx(1e6 * usual["l2"].loss.low, rel=0.05)
    assert scaled.end_score == pytest.approx(usual.end_score, rel=1e-3)


def test_without_early_stopping_a_last_line_takes_it_away() -> None:
    one = found(L2(0.3))
    assert one.lines[-1].name == one.lines[-1].kind.replace(" ", "_") == "without_early_stopping"
    assert_adds_up(one)
    nobody = found(learning_rate="auto")
    assert [line.kind for line in nobody.lines][-1] == "without early stopping"
    assert nobody.loss.value == nobody.end_loss - nobody.start_loss == 0.0
    assert_adds_up(nobody)


def test_a_fitted_search_is_explained_at_its_own_parameters() -> None:
    X, y = given()
    model = crossvalidated().fit(X, y)
    one = effects(X, y, model, cv=3, n_seeds=1, n_jobs=1, random_state=0)
    assert one.recipe == model.recipe_
    assert one.learning_rate == model.learning_rate_
    assert (one.hidden, one.max_epochs, one.batch_size) == ((8,), 15, model.batch_size_)
    assert_adds_up(one)
    assert "With one seed" in str(one)


def test_weights_of_rows_are_respected() -> None:
    X, y = given()
    weight = np.ones(150)
    weight[:30] = 0.0
    weighted = found(L2(0.3), STOP, sample_weight=weight)
    assert weighted.n_rows == 120
    assert_adds_up(weighted)
    ones = found(L2(0.3), STOP, sample_weight=np.full(150, 2.0))
    assert ones.start_loss == pytest.approx(found(L2(0.3), STOP).start_loss, rel=1e-4)


def test_groups_are_kept_and_drawn_together() -> None:
    groups = np.repeat([f"g{i}" for i in range(30)], 5)
    one = found(L2(0.3), STOP, groups=groups)
    assert_adds_up(one)
    assert one.n_rows == 150


def test_one_split_has_figures_too() -> None:
    one = found(L2(0.3), STOP, cv=[(np.arange(100), np.arange(100, 150))])
    assert (one.n_folds, one.n_rows) == (1, 50)
    assert_adds_up(one)


def test_many_players_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taut.examine.explaining.MOST_EXACT", 2)
    one = found(L1(0.01), L2(0.3), Dropout(0.1), STOP, n_seeds=1, max_epochs=6)
    assert (one.exact, one.n_orders, one.interactions) == (False, 6, ())
    assert_adds_up(one)
    assert "6 orders drawn at random" in str(one)


# --- what goes wrong --------------------------------------------------------------------------------------


def test_what_diverges_is_named_and_has_no_figures() -> None:
    with pytest.warns(TrainingWarning, match=r"1 of 4 combinations diverged .* L2 1e\+07 \+ early stopping"):
        one = found(L2(1e7), STOP)
    assert math.isnan(one["l2"].loss.value)
    assert math.isnan(one.end_loss)
    assert one["early_stopping"].loss.value <= 0.1
    assert one.failed == ("L2 1e+07 + early stopping",)
    assert "none" in str(one)
    assert one.to_dict()["end_loss"] is None


def test_where_all_diverge_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "AUTO_LEARNING_RATE", 1e30)
    with pytest.raises(TrainingError, match="every combination diverged .* lower learning_rate"):
        found(L2(0.3), STOP, learning_rate=1e30)


def test_wrong_parameters_are_refused_in_words() -> None:
    with pytest.raises(ParameterError, match="n_seeds must be a whole number from 1 to 1,000"):
        found(STOP, n_seeds=0)
    with pytest.raises(ParameterError, match="learning_rate must be above 0"):
        found(STOP, learning_rate=0.0)
    with pytest.raises(ParameterError, match="class_weight is for classes"):
        found(STOP, task="regression", given=given("regression"), class_weight="balanced")
    X, y = given()
    with pytest.raises(DataError, match="one class only"):
        found(STOP, given=(X, np.zeros(150, dtype=int)))


def test_progress_is_told_network_by_network() -> None:
    seen: list[TrainingProgress] = []
    one = found(L2(0.3), STOP, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == one.n_networks
    assert [news.done for news in seen] == sorted(news.done for news in seen)


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread()
    or signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="Ctrl+C does not mean Python's usual KeyboardInterrupt here",
)
def test_ctrl_c_ends_it() -> None:
    def tell(progress: TrainingProgress) -> None:
        if progress.done == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        found(L2(0.3), STOP, on_progress=tell, n_jobs=2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- effort and time ----------------------------------------------------------------------------------------


def test_effort_is_how_many_seeds() -> None:
    one = found(STOP, n_seeds=None, effort="quick")
    assert (one.n_seeds, one.n_seeds_asked) == (1, 1)
    with pytest.raises(ParameterError, match="effort must be one of"):
        found(STOP, effort="lazy")


def test_a_time_limit_ends_between_seeds_and_the_lines_still_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = ContributionWork._totals

    def late(self: ContributionWork, pick: Any, seed: int) -> Any:
        if seed == 1:
            raise KeyboardInterrupt  # as where the time is over
        return usual(self, pick, seed)

    monkeypatch.setattr(ContributionWork, "_totals", late)
    one = found(L2(0.3), STOP, n_seeds=3, time_limit=600)
    assert (one.n_seeds, one.n_seeds_asked) == (1, 3)
    assert_adds_up(one)
    assert "There was time for 1 of 3 seeds." in str(one)
    monkeypatch.undo()
    alone = found(L2(0.3), STOP, n_seeds=1)
    assert alone.loss == one.loss
    assert [line.loss for line in alone.lines] == [line.loss for line in one.lines]


def test_no_time_at_all_is_said() -> None:
    with pytest.raises(TrainingError, match="time_limit is 1e-06 s, and it passed before all combinations"):
        found(STOP, time_limit=1e-6)
