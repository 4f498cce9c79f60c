"""Networks of many candidates over folds and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence import contribution_training
from taut.evidence.contribution_training import SeededTraining, Watch
from taut.learning.architecture import MLP
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection import runner
from taut.selection.candidate import Candidate
from taut.selection.trainer import Trainer
from taut.techniques import L2, EarlyStopping
from tests.selection.helpers import folds_of, search, settings, table

STOP = EarlyStopping(patience=4)
ALONE = Candidate(Recipe(STOP), 0.01, MLP((8,)))
OTHER = Candidate(Recipe(L2(0.1), STOP), 0.01, MLP((8,)))


def training(
    task: Any = "classification", n_seeds: int = 2, max_epochs: int = 25, **changes: Any
) -> SeededTraining:
    problem = table(120, task=task)
    return SeededTraining(
        Trainer(CompiledEngine(1), problem, settings(max_epochs=max_epochs)),
        tuple(folds_of(problem)),
        n_seeds,
        changes.get("control", Control()),
        changes.get("watch", Watch()),
    )


def test_all_folds_are_trained_to_the_latest_best_epoch() -> None:
    made = training()
    made.train([(ALONE, 0), (OTHER, 1)])
    for group in ((ALONE, 0), (OTHER, 1)):
        runs = made.runs(group)
        assert runs is not None
        assert len(runs) == 3
        latest = max(run.best_epoch for run in runs)
        assert all(len(run.curve) == run.epoch >= latest for run in runs)
    assert made.n_networks == 6


def test_a_fold_that_stopped_before_the_latest_best_epoch_goes_on() -> None:
    """Its best epoch stays, and its curve has the others' best epochs too."""
    made = training(n_seeds=6, max_epochs=80)
    quick = Candidate(Recipe(EarlyStopping(patience=2)), 0.02, MLP((8,)))
    made.train([(quick, seed) for seed in range(made.n_seeds)])
    went_on = 0
    for group in [(quick, seed) for seed in range(made.n_seeds)]:
        runs = made.runs(group)
        assert runs is not None
        latest = max(run.best_epoch for run in runs)
        assert all(run.epoch >= latest for run in runs)
        went_on += sum(run.epoch > run.best_epoch + 2 for run in runs)
    assert went_on


def test_nothing_is_trained_twice() -> None:
    arrived: list[int] = []
    made = training(watch=Watch(on_done=lambda: arrived.append(1)))
    made.train([(ALONE, 0), (ALONE, 0)])
    made.train([(ALONE, 0), (OTHER, 0)])
    made.train([(OTHER, 0)])
    assert len(arrived) == made.n_networks == 6


def test_seeds_are_other_networks_and_the_first_is_the_searchs() -> None:
    made = training()
    made.train([(ALONE, seed) for seed in range(made.n_seeds)])
    first, second = made.runs((ALONE, 0)), made.runs((ALONE, 1))
    assert first is not None
    assert second is not None
    for one, other in zip(first, second, strict=True):
        assert one.curve.validation[0] != other.curve.validation[0]
    problem = table(120)
    found = search(CompiledEngine(1), [], given=problem, max_epochs=25).run()
    for run, curve in zip(first, found.curves["early_stopping"], strict=True):
        n = min(len(curve), run.epoch)
        assert run.curve.validation[:n].tobytes() == curve.validation[:n].tobytes()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_are_those_of_the_curve(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were kept; and predicted again where there are too many to keep."""
    kept = training(task)
    kept.train([(ALONE, seed) for seed in range(kept.n_seeds)])
    found = kept.rows_at_the_end(ALONE, 1)
    assert found is not None
    assert len(found) == 3
    monkeypatch.setattr(runner, "_MOST_LOSSES", 0)
    again = training(task)
    again.train([(ALONE, seed) for seed in range(again.n_seeds)])
    predicted = again.rows_at_the_end(ALONE, 1)
    assert predicted is not None
    for one, other in zip(found, predicted, strict=True):
        np.testing.assert_allclose(one.losses, other.losses, rtol=1e-4, atol=1e-5)
        if one.correct is not None:
            assert one.correct.tolist() == other.correct.tolist()
    runs = kept.runs((ALONE, 1))
    assert runs is not None
    rows = kept.rows((ALONE, 1), 2, 3)
    assert rows.losses.mean() == pytest.approx(runs[2].curve.validation[2], rel=1e-4)


def test_a_candidate_that_diverged_has_no_runs() -> None:
    made = training()
    wild = Candidate(Recipe(L2(1e6), STOP), 0.1, MLP((8,)))
    made.train([(wild, 0), (wild, 1), (ALONE, 0)])
    assert made.runs((wild, 0)) is None
    assert made.rows_at_the_end(wild, 0) is None
    assert made.runs((ALONE, 0)) is not None


def test_who_is_cancelled_gets_a_keyboard_interrupt() -> None:
    control = Control()
    made = training(control=control, watch=Watch(on_done=control.cancelled.set))
    with pytest.raises(KeyboardInterrupt):
        made.train([(ALONE, 0), (OTHER, 0)])


def test_many_networks_are_trained_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    made = training()
    lines = [[ALONE, OTHER]] * 5
    assert [len(block) for block in made.blocks(lines)] == [5]
    monkeypatch.setattr(contribution_training, "_MOST_BYTES", 1)
    assert [len(block) for block in made.blocks(lines)] == [1] * 5


def test_what_is_forgotten_is_made_again() -> None:
    made = training()
    made.train([(ALONE, 0)])
    before = made.rows((ALONE, 0), 0, 2).losses
    made.forget([ALONE])
    assert made.rows((ALONE, 0), 0, 2).losses.tobytes() == before.tobytes()
