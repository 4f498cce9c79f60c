"""Loss by the number of rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.estimate import interval_of_loss
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve, learning_curve
from taut.evidence.variants import Variant, Variants
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.training import Control, Member
from taut.recipe import Recipe
from taut.selection.bootstrap import paired_standard_error
from taut.selection.candidate import Candidate
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping
from tests.selection.helpers import ScriptedEngine, folds_of, settings, table

ONE = Candidate(Recipe(EarlyStopping(3)), 0.02, MLP((8,)))


def curve_of(
    script: Any = None,
    n: int = 240,
    task: Any = "classification",
    control: Control | None = None,
    on_done: Any = None,
    n_epochs: int = 6,
    **weights: Any,
) -> tuple[LearningCurve, Variant]:
    problem = table(n, task=task, **weights)
    folds = folds_of(problem)
    engine: Engine = CompiledEngine(1) if script is None else ScriptedEngine(script, folds)
    trainer = Trainer(engine, problem, settings(max_epochs=n_epochs))
    control = control or Control()
    (whole,) = Variants(trainer, folds, ONE, Control()).own()
    found = learning_curve(trainer, folds, ONE, whole, control, on_done)
    return found, whole


def steps(by_size: dict[int, float], members: list[Member] | None = None) -> Any:
    """Rows' losses around a level that the number of training rows gives."""

    def script(member: Member, number: int) -> Any:
        if members is not None:
            members.append(member)
        size = len(member.fold.train)
        rows = np.linspace(0.5, 1.5, len(member.fold.validation)) ** (1 + size / 400)
        return [by_size[size] * rows / rows.mean()] * 12

    return script


LEVELS = {20: 1.0, 40: 0.8, 80: 0.6, 160: 0.5}


def test_points_are_an_eighth_a_quarter_half_and_all_of_the_rows() -> None:
    found, whole = curve_of(steps(LEVELS))
    assert [point.n_rows for point in found.points] == [20, 40, 80, 160]
    assert [point.loss.value for point in found.points] == pytest.approx([1.0, 0.8, 0.6, 0.5])
    assert [point.train_loss for point in found.points] == pytest.approx([0.5, 0.4, 0.3, 0.25])
    wanted = interval_of_loss(whole.losses.mean(), whole.losses, None)
    assert found.points[-1].loss == wanted
    assert all(point.loss.low < point.loss.value < point.loss.high for point in found.points)


def test_the_last_doubling_has_the_interval_of_paired_rows() -> None:
    made: list[Variant] = []
    original = Variants.own

    def own(self: Variants) -> list[Variant]:
        found = original(self)
        made.extend(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variants, "own", own)
        found, whole = curve_of(steps(LEVELS))
    half = made[-1]  # the parts are trained in this order, after the whole
    mean, error = paired_standard_error(half.losses - whole.losses, None)
    level = half.losses.mean()
    assert found.doubling.value == pytest.approx(mean / level) == pytest.approx(1 / 6)
    assert found.doubling.low == pytest.approx((mean - 1.96 * error) / level)
    assert found.doubling.high == pytest.approx((mean + 1.96 * error) / level)
    assert found.more_rows_help is True


@pytest.mark.parametrize(
    ("levels", "after"),
    [
        (LEVELS, 1 / 6 * 0.5),  # it brought half of what the one before did
        ({20: 1.0, 40: 0.8, 80: 0.7, 160: 0.5}, 2 / 7),  # more than the one before: no more than that again
        ({20: 1.0, 40: 0.4, 80: 0.6, 160: 0.5}, 1 / 6),  # the one before did harm
        ({20: 1.0, 40: 0.8, 80: 0.5, 160: 0.5}, 0.0),
        ({20: 1.0, 40: 0.8, 80: 0.5, 160: 0.6}, 0.0),
    ],
)
def test_another_doubling_brings_as_large_a_part_again(levels: dict[int, float], after: float) -> None:
    found, _ = curve_of(steps(levels))
    assert found.next_doubling == pytest.approx(after, abs=1e-6)


def test_rows_that_help_no_more() -> None:
    worse, _ = curve_of(steps({20: 1.0, 40: 0.8, 80: 0.5, 160: 0.6}))
    assert worse.more_rows_help is False
    assert worse.doubling.high < 0


def test_parts_that_are_too_small_are_left_out() -> None:
    found, _ = curve_of(steps({20: 0.6, 40: 0.5}), n=60)
    assert [point.n_rows for point in found.points] == [20, 40]
    assert found.doubling.value == pytest.approx(1 / 6)
    assert math.isnan(found.next_doubling)  # one step has no trend
    tiny, _ = curve_of(steps({20: 0.6}), n=30)
    assert [point.n_rows for point in tiny.points] == [20]
    assert tiny.doubling == NONE
    assert tiny.more_rows_help is None
    assert math.isnan(tiny.next_doubling)


def test_the_same_rows_are_held_out_and_a_smaller_part_is_of_the_larger_one() -> None:
    members: list[Member] = []
    curve_of(steps(LEVELS, members))
    by_rows: dict[bytes, dict[int, Member]] = {}
    for member in members:
        by_rows.setdefault(member.fold.validation.tobytes(), {})[len(member.fold.train)] = member
    assert len(by_rows) == 3
    for group in by_rows.values():
        parts = [set(group[size].fold.train.tolist()) for size in (20, 40, 80, 160)]
        assert parts[0] < parts[1] < parts[2] < parts[3]
        assert [group[size].batch_size for size in (20, 40, 80, 160)] == [4, 8, 16, 32]
        assert len({group[size].seed for size in (20, 40, 80, 160)}) == 4


def test_a_part_that_diverges_is_left_out() -> None:
    def script(member: Member, number: int) -> Any:
        if len(member.fold.train) == bad and number == -1:
            return [1.0, math.nan]
        return steps(LEVELS)(member, number)

    bad = 20
    found, _ = curve_of(script)
    assert [point.n_rows for point in found.points] == [40, 80, 160]
    assert found.doubling.value == pytest.approx(1 / 6)
    assert found.next_doubling == pytest.approx(1 / 12)
    bad = 40  # no trend then
    found, _ = curve_of(script)
    assert [point.n_rows for point in found.points] == [20, 80, 160]
    assert found.doubling.value == pytest.approx(1 / 6)
    assert math.isnan(found.next_doubling)
    bad = 80  # nor a last doubling
    found, _ = curve_of(script)
    assert [point.n_rows for point in found.points] == [20, 40, 160]
    assert found.doubling == NONE
    assert math.isnan(found.next_doubling)


def test_without_all_rows_nothing_is_said_of_the_last_doubling() -> None:
    problem = table(240)
    folds = folds_of(problem)
    trainer = Trainer(ScriptedEngine(steps(LEVELS), folds), problem, settings(max_epochs=6))
    (whole,) = Variants(trainer, folds, ONE, Control()).own()
    failed = replace(whole, failed=True)
    found = learning_curve(trainer, folds, ONE, failed, Control())
    assert [point.n_rows for point in found.points] == [20, 40, 80]
    assert found.more_rows_help is None


def test_weights_weigh_the_rows() -> None:
    weight = np.where(np.arange(240) < 120, 1.0, 3.0).astype(np.float32)
    found, whole = curve_of(steps(LEVELS), score_weight=weight)
    assert found.points[-1].loss.value == pytest.approx(np.average(whole.losses, weights=weight))


def test_losses_of_nothing_have_no_share() -> None:
    found, _ = curve_of(steps(dict.fromkeys(LEVELS, 0.0)))
    assert found.doubling == NONE
    assert found.more_rows_help is None


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_real_networks_learn_more_from_more_rows(task: str) -> None:
    arrived: list[int] = []
    found, whole = curve_of(None, 480, task, on_done=lambda: arrived.append(1), n_epochs=25)
    assert [point.n_rows for point in found.points] == [40, 80, 160, 320]
    assert found.points[0].loss.value > found.points[-1].loss.value
    assert found.points[-1].loss.value == pytest.approx(whole.losses.mean())
    assert len(arrived) == 9


def test_who_is_cancelled_gets_a_keyboard_interrupt() -> None:
    control = Control()
    control.cancelled.set()
    with pytest.raises(KeyboardInterrupt):
        curve_of(control=control)


def test_whether_more_rows_help_is_what_the_interval_shows() -> None:
    for low, shown in ((0.01, True), (-0.01, False), (0.0, False), (math.nan, None)):
        assert LearningCurve((), Interval(0.1, low, 0.2), 0.05).more_rows_help is shown
