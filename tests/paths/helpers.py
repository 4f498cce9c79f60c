"""A path without any training, for those who only read one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taut.learning.architecture import MLP
from taut.learning.objective import objective_of
from taut.paths.result import PathPoint, RegularizationPath, best_of, one_se_of
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Technique

STOP = EarlyStopping()
KINDS: dict[str, tuple[type[Technique], tuple[float, ...]]] = {
    "l2": (L2, (0.0, 0.01, 0.1, 1.0, 10.0)),
    "l1": (L1, (0.0, 0.01, 0.1, 0.5, 1.5)),
    "dropout": (Dropout, (0.0, 0.1, 0.3, 0.5, 0.8)),
    "early_stopping": (EarlyStopping, (1.0, 3.0, 10.0, 30.0, 100.0)),
    "batch_norm": (BatchNorm, (0.0, 1.0)),
}
#: Lowest in the middle; the point after it is within one standard error, and so is the one before.
LOSSES = (0.60, 0.52, 0.50, 0.51, 0.80)
COLUMNS = ("age", "income", "city")


def point(
    strength: float,
    recipe: Recipe,
    loss: float,
    spread: float = 0.05,
    *,
    n_folds: int = 4,
    zeros: float = 0.0,
    epochs: int = 12,
    failed: str = "",
) -> PathPoint:
    """A point whose folds' losses have this mean and lie evenly around it."""
    nan = float("nan")
    if failed:
        nothing = np.full(n_folds, nan)
        return PathPoint(strength, recipe, nothing, nothing, nothing, nan, nan, nan, nan, 0, failed)
    around = np.linspace(-spread, spread, n_folds) if n_folds > 1 else np.zeros(1)
    return PathPoint(
        strength=strength,
        recipe=recipe,
        train_losses=np.full(n_folds, loss / 2),
        validation_losses=loss + around,
        scores=np.full(n_folds, 0.75),
        zero_share=zeros,
        kept_zero_share=zeros / 2,
        weight_norm=10.0 - 10 * zeros,
        n_nonzero=1000 * (1 - zeros),
        epochs=epochs,
    )


def made(
    name: str = "l2",
    losses: Sequence[float] = LOSSES,
    *,
    failed: Sequence[int] = (),
    others: Sequence[Technique] = (),
    n_folds: int = 4,
    spread: float = 0.05,
    factor: float = 1.0,
    columns: Sequence[str] = COLUMNS,
    **changes: Any,
) -> RegularizationPath:
    """A path of one technique with these losses."""
    kind, strengths = KINDS[name]
    by_epoch = kind is EarlyStopping
    base = Recipe(*others) if by_epoch else Recipe(*others, STOP)
    points = []
    for i, (strength, loss) in enumerate(zip(strengths, losses, strict=False)):
        recipe = base if by_epoch or not strength else base.with_(kind.at(strength))
        zeros = (0.0, 0.2, 0.6, 0.9, 1.0)[i] if name == "l1" else 0.0
        epochs = int(strength) if by_epoch else 12 + i
        why = "diverged" if i in failed else ""
        points.append(
            point(
                strength, recipe, loss * factor, spread * factor,
                n_folds=n_folds, zeros=zeros, epochs=epochs, failed=why,
            )
        )  # fmt: skip
    axis: Any = "epoch" if by_epoch else "switch" if kind is BatchNorm else "strength"
    best = best_of(points)
    assert best is not None
    norms = np.array([[1.0 - p.zero_share * (0.8 + 0.1 * j) for j in range(len(columns))] for p in points])
    norms[[p.zero_share == 1 for p in points]] = 0.0
    usual: dict[str, Any] = {
        "objective": objective_of(changes.pop("task", "classification"), 2),
        "column_names": tuple(columns), "column_norms": norms, "top": None,
        "architecture": MLP((8,)), "learning_rate": 0.001, "batch_size": 32, "max_epochs": 100,
        "interrupted": False, "seconds": 1.0,
    }  # fmt: skip
    return RegularizationPath(
        technique=kind,
        axis=axis,
        points=tuple(points),
        best_index=best,
        one_se_index=one_se_of(points, best, axis),
        off_index=len(points) - 1 if by_epoch else 0,
        n_folds=n_folds,
        **{**usual, **changes},
    )
