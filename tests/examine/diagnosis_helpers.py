"""Diagnoses without any training, for those who only read them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taut.evidence.advice import Advice
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import CurvePoint, LearningCurve
from taut.evidence.signs import Sign
from taut.evidence.verdict import Gain, Verdict
from taut.examine.diagnosis import Alternative, Diagnosis
from taut.learning.architecture import MLP
from taut.learning.objective import objective_of
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

STOP = EarlyStopping()


def around(value: float, half: float = 0.05) -> Interval:
    return Interval(value, value - half, value + half)


def gain(share: float, best: str) -> Gain:
    return Gain(around(share), best, share)


NOBODY = Gain(Interval(-math.inf, -math.inf, -math.inf), "", -math.inf)
WEAKER, STRONGER = gain(0.3, "stopped at its best epoch"), gain(-0.2, "twice as wide")
OVERFITS = Verdict("overfits", WEAKER, STRONGER)
UNDERFITS = Verdict("underfits", gain(-0.1, "L2 5"), gain(0.6, "twice as wide"))
FITS = Verdict("fits", gain(0.01, "L2 5"), STRONGER)

CURVE = LearningCurve(
    (
        CurvePoint(50, around(1.2), 0.2),
        CurvePoint(100, around(0.9), 0.3),
        CurvePoint(1200, around(0.7), 0.4),
    ),
    Interval(0.222, 0.15, 0.29),
    0.123,
)
STOPPED = Alternative("stopped at its best epoch", "weaker", Recipe(STOP), 0.5, 0.7, around(0.3))
DROPPED = Alternative("dropout 0.5", "weaker", Recipe(Dropout(0.5), STOP), 0.55, 0.72)
WIDE = Alternative("twice as wide", "stronger", Recipe(), 0.01, 1.2)
FAILED = Alternative("batch norm", "other", Recipe(BatchNorm(), STOP), math.nan, math.nan)

BEFORE = (
    Advice(Dropout, "There are few rows for so large a network.", "Srivastava 2014"),
    Advice(L2, "A reason.", "A source"),
    Advice(L1, "Another reason.", "Another source"),
    Advice(BatchNorm, "A last one.", "Its source"),
)
HELPS = Advice(L2, "L2 5 lowered the loss by 0.1.", "measured here", L2(5.0), around(0.1))
HELPS_TOO = Advice(
    Dropout, "Dropout 0.5 lowered the loss by 0.07.", "measured here", Dropout(0.5), around(0.07)
)
UNKNOWN = Advice(L1, "L1 0.3 made no difference.", "measured here", L1(0.3), around(0.01))
HARMS = Advice(BatchNorm, "Batch norm raised the loss.", "measured here", BatchNorm(), around(-0.2))

LEAK = Sign("leak", "severe", "column 'a' alone predicts the target.", ("a",))
TWINS = Sign("duplicates", "worth a look", "rows 3 and 4 are the same.", rows=np.array([3, 4]))


def made(gains: Verdict = OVERFITS, **changes: Any) -> Diagnosis:
    """A diagnosis with these gains."""
    usual: dict[str, Any] = {
        "verdict": gains.fit, "degree": gains.degree, "gains": gains,
        "train_loss": around(0.01, 0.005), "validation_loss": around(1.0), "score": 0.8123, "turned": 12,
        "epochs": 300, "recovered": Interval(0.31, 0.25, 0.37), "best": "stopped at its best epoch",
        "alternatives": (STOPPED, DROPPED, WIDE), "learning_curve": CURVE, "signs": (),
        "advice": (HELPS, HELPS_TOO, UNKNOWN, HARMS), "before": BEFORE,
        "curves": ({"epoch": np.arange(1, 3), "train_loss": np.array([1.0, math.nan])},),
        "objective": objective_of(changes.pop("task", "classification"), 2), "recipe": Recipe(),
        "architecture": MLP(changes.pop("hidden", (128, 64))), "learning_rate": 0.001,
        "batch_size": 64, "n_rows": 1500, "n_columns": 7, "n_folds": 5, "n_used": 1500, "seconds": 12.34,
    }  # fmt: skip
    return Diagnosis(**{**usual, **changes})


def too_few() -> LearningCurve:
    """A learning curve of nothing."""
    return LearningCurve((), NONE, math.nan)
