"""Effects without any training, for those who only read them."""

from __future__ import annotations

from typing import Any

from taut.evidence.interval import NONE, Interval
from taut.examine.effects_result import EffectLine, Effects, Interaction, Kind
from taut.learning.architecture import MLP
from taut.learning.objective import objective_of
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

RECIPE = Recipe(L2(0.1), Dropout(0.3), BatchNorm(), EarlyStopping())


def line(
    name: str, label: str, loss: float, half: float = 0.01, kind: Kind = "technique", score: float = 0.0
) -> EffectLine:
    """A change with an interval of this half width."""
    return EffectLine(
        name,
        label,
        kind,
        Interval(loss, loss - half, loss + half),
        Interval(score, score - 0.02, score + 0.02),
    )


STOPPED = line("early_stopping", "early stopping", -0.35, 0.05, "early stopping", 0.021)
RATE = line("learning_rate", "learning rate 0.001 -> 0.003", -0.004, 0.009, "learning rate")
L2_LINE = line("l2", "L2 0.1", -0.03)
DROPOUT_LINE = line("dropout", "dropout 0.3", 0.002, 0.006)
NORM_LINE = line("batch_norm", "batch norm", 0.02)
OFF = EffectLine("l1", L1(0).label, "off", Interval(0.0, 0.0, 0.0), Interval(0.0, 0.0, 0.0))
WITHOUT = line("without_early_stopping", "without early stopping", 0.2, 0.05, "without early stopping")
FAILED = EffectLine("l2", "L2 0.1", "technique", NONE, NONE)
LINES = (STOPPED, RATE, L2_LINE, DROPOUT_LINE, NORM_LINE)


def made(lines: tuple[EffectLine, ...] = LINES, **changes: Any) -> Effects:
    """Effects with these lines, from a loss of 0.9."""
    whole = sum(one.loss.value for one in lines)
    score = sum(one.score.value for one in lines)
    usual: dict[str, Any] = {
        "objective": objective_of(changes.pop("task", "classification"), 2), "recipe": RECIPE, "lines": lines,
        "loss": Interval(whole, whole - 0.05, whole + 0.05),
        "score": Interval(score, score - 0.02, score + 0.02),
        "start_loss": 0.9, "end_loss": 0.9 + whole, "start_score": 0.78, "end_score": 0.78 + score,
        "interactions": (), "rates": {"early stopping": (0.003, 0.001)}, "exact": True, "n_orders": None,
        "failed": (), "learning_rate": 0.003, "usual_learning_rate": 0.001,
        "architecture": MLP((128, 128)), "batch_size": 64, "max_epochs": 300, "n_rows": 1000,
        "n_folds": 5, "n_seeds": 3, "n_networks": 215, "seconds": 34.4,
    }  # fmt: skip
    return Effects(**{**usual, **changes})


def pair(loss: float, half: float = 0.001) -> Interaction:
    """L2 and dropout together."""
    zero = Interval(0.0, -0.01, 0.01)
    return Interaction(
        ("l2", "dropout"), ("L2 0.1", "dropout 0.3"), Interval(loss, loss - half, loss + half), zero
    )
