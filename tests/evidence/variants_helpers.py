"""Variants that were made up, and variants of networks whose losses were written beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.variants import Side, Variant, Variants
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.trainer import Trainer
from tests.selection.helpers import ScriptedEngine, curve, folds_of, settings, table

NOTHING = Candidate(Recipe(), 0.02, MLP((8,)))


def variant(name: str, side: Side, losses: Any, *, failed: bool = False) -> Variant:
    """A variant with these losses of the rows, held out in two halves; training losses are half of them."""
    losses = np.asarray(losses, dtype=np.float64)
    half = len(losses) // 2
    means = np.array([np.nanmean(losses[:half]), np.nanmean(losses[half:])])
    nan = np.full(2, np.nan)
    return Variant(
        name=name,
        side=side,
        number=0,
        candidate=NOTHING,
        epochs=np.array([3, 3]),
        epoch=3,
        curves=(curve([1.0, 0.9, means[0]]), curve([1.0, 0.9, means[1]])),
        losses=np.full(len(losses), np.nan) if failed else losses,
        train_losses=nan if failed else means / 2,
        validation_losses=nan if failed else means,
        scores=nan if failed else np.full(2, 0.8),
        failed=failed,
    )


def variants(
    candidate: Candidate = NOTHING,
    script: Callable[[Any, int], Any] | None = None,
    n: int = 120,
    task: Any = "classification",
    max_epochs: int = 12,
    control: Control | None = None,
    on_done: Callable[[], None] | None = None,
    **weights: Any,
) -> Variants:
    """On a small table with three folds; by the script where there is one."""
    problem = table(n, task=task, **weights)
    folds = folds_of(problem)
    engine: Engine = CompiledEngine(1) if script is None else ScriptedEngine(script, folds)
    trainer = Trainer(engine, problem, settings(max_epochs=max_epochs))
    return Variants(trainer, folds, candidate, control or Control(), on_done)
