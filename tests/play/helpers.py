"""Small things that the tests of ``taut play`` share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from taut.learning.training import Control
from taut.play.data import Data
from taut.play.run import Run
from taut.play.settings import Settings, switches
from taut.recipe import Recipe
from taut.techniques.base import Technique


def quick(*techniques: Technique, **changes: Any) -> Settings:
    """Settings whose network is trained in a blink."""
    usual: dict[str, Any] = {
        "n_rows": 80, "hidden": (8,), "max_epochs": 6, "learning_rate": 0.02, "random_state": 3,
    }  # fmt: skip
    return replace(Settings(), techniques=switches(Recipe(*techniques)), **(usual | changes))


def run_of(settings: Settings, own: Data | None = None) -> Run:
    """Before its first epoch."""
    return Run(settings, settings.data(own))


def finished(settings: Settings, own: Data | None = None) -> Run:
    run = run_of(settings, own)
    run.train(Control())
    assert run.is_over
    return run


def weights_of(estimator: Any) -> dict[str, bytes]:
    """A network's numbers, to be compared bit for bit."""
    return {name: array.tobytes() for name, array in estimator.model_.networks[0].weights.items()}


def curves_of(estimator: Any) -> dict[str, bytes]:
    return {name: np.asarray(values).tobytes() for name, values in estimator.history_.items()}
