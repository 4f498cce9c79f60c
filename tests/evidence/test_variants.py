"""A network and its alternatives, side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from taut.evidence.variants import Variant, Variants
from taut.learning.architecture import MLP
from taut.learning.training import Control, Member
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.score import choose_epochs
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.evidence.variants_helpers import NOTHING, variants

STOP = EarlyStopping(patience=5)


def all_of(candidate: Candidate = NOTHING, **how: Any) -> list[Variant]:
    made = variants(candidate, **how)
    return [*made.own(), *made.weaker(), *made.others(), *made.stronger()]


def named(found: list[Variant]) -> list[tuple[str, str]]:
    return [(one.name, one.side) for one in found]


def valley(member: Member, number: int) -> Any:
    """Lowest in the 4th epoch, on the second fold in the 5th."""
    at = 4 + (number == 1)
    return [0.6 + 0.02 * abs(epoch - at) for epoch in range(1, 25)]


# --- who they are -----------------------------------------------------------------------------------------


def test_a_network_without_regularization_has_all_alternatives() -> None:
    found = all_of(script=flat)
    assert named(found) == [
        ("as it is", "own"),
        ("stopped at its best epoch", "weaker"),
        ("dropout 0.2", "weaker"),
        ("dropout 0.5", "weaker"),
        ("L2 0.8", "weaker"),
        ("L2 5", "weaker"),
        ("L1 0.3", "other"),
        ("batch norm", "other"),
        ("twice as wide", "stronger"),
        ("trained twice as long", "stronger"),
    ]
    early = EarlyStopping()
    assert [one.candidate.recipe for one in found] == [
        Recipe(), Recipe(early), Recipe(Dropout(0.2), early), Recipe(Dropout(0.5), early),
        Recipe(L2(0.8), early), Recipe(L2(5.0), early), Recipe(L1(0.3), early), Recipe(BatchNorm(), early),
        Recipe(), Recipe(),
    ]  # fmt: skip
    assert [one.candidate.architecture.widths for one in found] == [(8,)] * 8 + [(16,), (8,)]
    assert {one.candidate.learning_rate for one in found} == {0.02}
    assert not any(one.failed for one in found)


def flat(member: Member, _: int) -> Any:
    return [1.0] * 24


def test_who_stops_early_already_is_not_stopped_again_nor_trained_longer() -> None:
    found = all_of(Candidate(Recipe(STOP), 0.02, MLP((8, 4))), script=flat)
    assert [name for name, _ in named(found)] == [
        "as it is", "dropout 0.2", "dropout 0.5", "L2 0.8", "L2 5", "L1 0.3", "batch norm", "twice as wide"
    ]  # fmt: skip
    assert all(one.candidate.recipe.get(EarlyStopping) == STOP for one in found)
    assert found[-1].candidate.architecture.widths == (16, 8)


def test_what_the_recipe_has_is_not_tried_at_a_lower_strength() -> None:
    recipe = Recipe(Dropout(0.3), L2(0.8), L1(0.1), BatchNorm())
    found = all_of(Candidate(recipe, 0.02, MLP((8,))), script=flat)
    assert [name for name, _ in named(found)] == [
        "as it is", "stopped at its best epoch", "dropout 0.5", "L2 5", "twice as wide",
        "trained twice as long",
    ]  # fmt: skip
    more = found[2].candidate.recipe
    assert more == recipe.with_(Dropout(0.5)).with_(EarlyStopping())
    assert found[-2].candidate.recipe == recipe


def test_a_linear_network_has_nothing_to_drop_or_to_normalize_and_gets_a_layer() -> None:
    found = all_of(Candidate(Recipe(), 0.02, MLP(())), script=flat)
    assert [name for name, _ in named(found)] == [
        "as it is", "stopped at its best epoch", "L2 0.8", "L2 5", "L1 0.3", "with a hidden layer of 64",
        "trained twice as long",
    ]  # fmt: skip
    assert found[-2].candidate.architecture.widths == (64,)


# --- how they are scored ----------------------------------------------------------------------------------


def test_as_it_is_is_scored_at_the_end_and_stopped_where_the_other_folds_say() -> None:
    made = variants(script=valley)
    own, stopped = made.own()
    assert own.epochs.tolist() == [12, 12, 12]
    assert own.epoch == 12
    # The second fold's lowest epoch is the 5th, which only the others may go by: a tie, and the first wins.
    assert stopped.epochs.tolist() == [4, 4, 4]
    assert stopped.epoch == 4
    np.testing.assert_allclose(own.validation_losses, 0.6 + 0.02 * np.array([8, 7, 8]))
    np.testing.assert_allclose(stopped.validation_losses, 0.6 + 0.02 * np.array([0, 1, 0]))
    np.testing.assert_allclose(stopped.train_losses, stopped.validation_losses / 2)
    assert len(own.curves[0]) == len(stopped.curves[0]) == 12


def test_the_epoch_of_a_fold_is_chosen_on_the_others_not_on_itself() -> None:
    def script(member: Member, number: int) -> Any:
        lowest = (3, 7, 7)[number]
        return [1.0 + 0.01 * (epoch - lowest) ** 2 for epoch in range(1, 25)]

    stopped = variants(script=script).own()[1]
    assert stopped.epochs[0] == 7
    assert stopped.epochs.tolist() == [7, 5, 5]


def test_rows_losses_are_those_of_the_epochs() -> None:
    def script(member: Member, number: int) -> Any:
        rows = np.arange(len(member.fold.validation)) / 100
        return [np.abs(epoch - 4) / 10 + rows + number for epoch in range(1, 25)]

    made = variants(script=script)
    own, stopped = made.own()
    for variant, extra in ((own, 0.8), (stopped, 0.0)):
        for k in range(3):
            fold = made.runner.stages.folds[k]
            np.testing.assert_allclose(
                variant.losses[fold.validation], extra + np.arange(len(fold.validation)) / 100 + k, atol=1e-6
            )


def test_trained_twice_as_long_goes_on_where_the_own_training_ended() -> None:
    made = variants()
    own, stopped = made.own()
    wide, longer = made.stronger()
    assert longer.epochs.tolist() == [24, 24, 24]
    for one, other in zip(own.curves, longer.curves, strict=True):
        assert len(one) == 12
        assert len(other) == 24
        assert other.validation[:12].tobytes() == one.validation.tobytes()
    assert wide.epochs.tolist() == own.epochs.tolist()


def test_early_stopping_goes_by_patience_and_shorter_folds_go_on() -> None:
    def script(member: Member, number: int) -> Any:
        lowest = (2, 9, 2)[number]
        return [1.0 + 0.01 * abs(epoch - lowest) for epoch in range(1, 25)]

    (own,) = variants(Candidate(Recipe(EarlyStopping(2)), 0.02, MLP((8,))), script=script).own()
    assert [len(one) for one in own.curves] == [11, 11, 11]
    assert own.epoch == 2
    assert own.epochs.tolist() == [2, 2, 2]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_real_networks(task: str) -> None:
    made = variants(task=task)
    found = [*made.own(), *made.weaker()]
    for one in found:
        assert np.isfinite(one.losses).all()
        folds = made.runner.stages.folds
        for k, fold in enumerate(folds):
            assert one.losses[fold.validation].mean() == pytest.approx(one.validation_losses[k], rel=1e-4)
            at = one.epochs[k] - 1
            assert one.train_losses[k] == one.curves[k].train[at]
            assert one.validation_losses[k] == one.curves[k].validation[at]
        table = np.stack([curve.validation for curve in one.curves])
        if one.name != "as it is":
            assert one.epochs.tolist() == (choose_epochs(table, True)[1] + 1).tolist()
        if task == "classification":
            assert one.scores.tolist() == [
                curve.correct[epoch - 1] for curve, epoch in zip(one.curves, one.epochs, strict=True)
            ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_outputs_are_those_of_the_rows_losses(task: str) -> None:
    made = variants(task=task)
    found = [*made.own(), *made.others()]
    problem = made.runner.trainer.problem
    for one in found:
        outputs = made.outputs(one)
        judged = problem.row_results(outputs, np.arange(120, dtype=np.int32))
        np.testing.assert_allclose(judged.losses, one.losses, rtol=1e-3, atol=1e-5)
    job = made.job(found[-1], 2)
    assert made.runner.member(job).hooks == found[-1].candidate.recipe.hooks()
    assert job.stage == 2


# --- what goes wrong --------------------------------------------------------------------------------------


def test_an_alternative_that_diverges_has_failed_and_the_others_stand() -> None:
    def script(member: Member, number: int) -> Any:
        bad = member.hooks.normalize and number == 1
        return [1.0, math.nan] if bad else valley(member, number)

    found = all_of(script=script)
    assert [one.name for one in found if one.failed] == ["batch norm"]
    (failed,) = (one for one in found if one.failed)
    assert np.isnan(failed.losses).all()
    assert np.isnan(failed.validation_losses).all()
    assert failed.epoch == 0
    assert all(np.isfinite(one.losses).all() for one in found if not one.failed)


def test_an_alternative_that_diverges_while_it_goes_on_has_failed() -> None:
    """The first fold stops, and would diverge before it is where the second stopped."""

    def script(member: Member, number: int) -> Any:
        if number == 0:
            return [1.0, 1.1, 1.2, 1.3, math.nan]
        return [1.0 - 0.01 * epoch for epoch in range(24)]

    (own,) = variants(Candidate(Recipe(EarlyStopping(2)), 0.02, MLP((8,))), script=script).own()
    assert own.failed


def test_a_network_that_diverges_on_the_second_half_of_twice_as_long_has_failed_there_alone() -> None:
    def script(member: Member, number: int) -> Any:
        return [1.0] * 15 + [math.nan] if number == 2 else [1.0] * 24

    found = all_of(script=script)
    assert [one.name for one in found if one.failed] == ["trained twice as long"]


def test_a_network_that_diverges_as_it_is_leaves_those_that_do_not() -> None:
    def script(member: Member, number: int) -> Any:
        return flat(member, number) if any(member.hooks.weight_amounts) else [1.0, math.nan]

    found = all_of(script=script)
    assert [one.name for one in found if not one.failed] == ["L2 0.8", "L2 5", "L1 0.3"]


def test_without_the_network_itself_there_is_nothing() -> None:
    control = Control()
    control.cancelled.set()
    with pytest.raises(KeyboardInterrupt):
        variants(control=control, script=flat).own()


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        ("weaker", ["dropout 0.2", "dropout 0.5", "L2 0.8", "L2 5"]),
        ("others", ["L1 0.3", "batch norm"]),
        ("stronger", ["twice as wide", "trained twice as long"]),
    ],
)
def test_alternatives_that_are_cut_off_are_named(step: str, missing: list[str]) -> None:
    control = Control()
    made = variants(control=control, script=flat)
    made.own()
    control.cancelled.set()
    assert getattr(made, step)() == []
    assert made.missing == missing


def test_outputs_that_are_cut_off_are_unknown() -> None:
    control = Control()
    made = variants(control=control)
    own, stopped = made.own()
    control.cancelled.set()
    assert np.isnan(made.outputs(stopped)).all()


def test_the_stronger_ones_may_have_fewer_folds() -> None:
    made = variants()
    own, _ = made.own()
    wide, longer = made.stronger(2)
    for one in (wide, longer):
        assert one.validation_losses.shape == (2,)
        assert 0 < np.isfinite(one.losses).sum() < np.isfinite(own.losses).sum()
    assert [one.name for one in trials_after_own().stronger(2, longer=False)] == ["twice as wide"]


def trials_after_own() -> Variants:
    made = variants(script=flat)
    made.own()
    return made


@pytest.mark.parametrize(
    ("recipe", "hidden", "n"),
    [
        (Recipe(), (8,), 8),  # going on with one is none
        (Recipe(STOP), (8,), 8),
        (Recipe(Dropout(0.3), L1(0.1), STOP), (8,), 6),
        (Recipe(), (), 5),
    ],
)
def test_every_network_is_counted_and_told_of_once(recipe: Recipe, hidden: tuple[int, ...], n: int) -> None:
    told: list[int] = []
    made = variants(Candidate(recipe, 0.02, MLP(hidden)), script=flat, on_done=lambda: told.append(1))
    assert made.n_networks == 3 * n
    for step in (made.own, made.weaker, made.others, made.stronger):
        step()
    assert len(told) == 3 * n
