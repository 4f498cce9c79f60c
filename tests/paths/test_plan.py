"""What is trained for a path; what comes of it is test_function's."""

from __future__ import annotations

from typing import Any

import pytest

from taut.errors import TrainingWarning
from taut.learning.progress import Reporter, TrainingProgress
from taut.learning.training import Control
from taut.paths import plan as module
from taut.paths.plan import EpochPlan, StrengthPlan
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, EarlyStopping
from tests.paths.test_training import work

STOP = EarlyStopping(patience=5)


def train(plan: Any, base: Recipe, told: list[TrainingProgress] | None = None, **changes: Any) -> Any:
    reporter = Reporter(None if told is None else told.append)
    unit, control = changes.pop("unit", 1.0), changes.pop("control", Control())
    return plan.train(work(**changes), base, unit, control, reporter)


def test_off_is_trained_with_the_strengths_and_all_networks_are_counted() -> None:
    told: list[TrainingProgress] = []
    plan = StrengthPlan(L2, None, (0.1, 1.0))
    course = train(plan, Recipe(STOP), told)
    assert [strength for strength, _, _ in course.lines] == [0.0, 0.1, 1.0]
    assert [recipe for _, recipe, _ in course.lines] == [
        Recipe(STOP), Recipe(L2(0.1), STOP), Recipe(L2(1.0), STOP),
    ]  # fmt: skip
    assert (told[-1].done, told[-1].total) == (9, 9)
    assert course.top is None
    assert plan.axis == "strength"
    assert plan.shown([], 0, 0) == []


def test_a_number_of_strengths_looks_for_the_top_where_there_is_one() -> None:
    told: list[TrainingProgress] = []
    course = train(StrengthPlan(L1, 4, None), Recipe(STOP), told, max_epochs=20)
    assert told[0].doing == "looking for the top"
    assert course.top is not None
    assert course.lines[-1][0] == course.top
    assert (course.lines[-1][2].weights.zero_share == 1).all()
    assert train(StrengthPlan(L2, 2, None), Recipe(STOP), max_epochs=5).top is None
    assert train(StrengthPlan(L1, None, (0.1,)), Recipe(STOP), max_epochs=5).top is None


def test_no_top_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "strength_of_zeros", lambda *_: None)
    with pytest.warns(TrainingWarning, match="No strength of l1 makes every weight zero within 3 epochs"):
        course = train(StrengthPlan(L1, 2, None), Recipe(STOP), max_epochs=3)
    assert [strength for strength, _, _ in course.lines] == [0.0, 0.002, 2.0]


def test_a_switch_has_two_lines() -> None:
    plan = StrengthPlan(BatchNorm, 50, None)
    course = train(plan, Recipe(STOP), max_epochs=5)
    assert plan.axis == "switch"
    assert [recipe for _, recipe, _ in course.lines] == [Recipe(STOP), Recipe(BatchNorm(), STOP)]


def test_min_delta_is_in_the_units_of_the_losses_that_people_see() -> None:
    early = EarlyStopping(patience=5, min_delta=0.08)
    usual = train(StrengthPlan(L2, None, (1.0,)), Recipe(early))
    scaled = train(
        StrengthPlan(L2, None, (1.0,)), Recipe(EarlyStopping(patience=5, min_delta=8.0)), unit=10.0
    )
    for one, other in zip(usual.lines, scaled.lines, strict=True):
        assert (one[2].scores.validation_loss == other[2].scores.validation_loss).all()
    assert scaled.lines[1][1].get(EarlyStopping).min_delta == 8.0
    plain = train(StrengthPlan(L2, None, (1.0,)), Recipe(STOP))
    assert plain.lines[0][2].scores.epoch != usual.lines[0][2].scores.epoch


def test_every_epoch_is_a_line_and_some_are_shown() -> None:
    told: list[TrainingProgress] = []
    plan = EpochPlan(4, None)
    course = train(plan, Recipe(), told, max_epochs=12)
    assert [strength for strength, _, _ in course.lines] == list(map(float, range(1, 13)))
    assert (told[-1].done, told[-1].total) == (12, 12)
    assert plan.axis == "epoch"
    shown = plan.shown([None] * 12, 6, 4)  # type: ignore[list-item]
    assert {0, 4, 6, 11} <= set(shown)
    assert len(shown) <= 6
    assert shown == sorted(shown)


def test_given_epochs_and_the_last_one_are_the_lines() -> None:
    plan = EpochPlan(None, (2, 5))
    course = train(plan, Recipe(), max_epochs=12)
    assert [strength for strength, _, _ in course.lines] == [2.0, 5.0, 12.0]
    assert plan.shown([None] * 3, 1, 0) == [0, 1, 2]  # type: ignore[list-item]


def test_what_is_not_finished_is_not_there_but_off_is_named() -> None:
    control = Control()
    control.cancelled.set()
    for plan in (StrengthPlan(L2, 5, None), StrengthPlan(L1, 5, None)):
        course = train(plan, Recipe(STOP), control=control)
        assert [(line[0], line[2].failed) for line in course.lines] == [(0.0, "not finished")]
    assert train(EpochPlan(5, None), Recipe(), control=control).lines == []
