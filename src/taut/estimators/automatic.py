"""How networks are trained: the parameters, checked, with "auto" made numbers.

The numbers were measured, not asserted (benchmarks/README.md, "Defaults").
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state

from taut.errors import ParameterError
from taut.learning.engine import Engine
from taut.parameters import MOST_EPOCHS, real, whole
from taut.selection.trainer import Settings

#: As good as lower ones in fewer epochs, since the weights are averaged over the steps
#: (benchmarks/README.md, "Averaged weights").
AUTO_LEARNING_RATE = 2e-3
#: How the weights of a table's networks are averaged over the steps; see taut.learning.training.Member.
AVERAGE = 8.0

# Pieces of a number that are tried beside none: the most with which a network has so many inputs for them.
_BINS, _MOST_INPUTS = (24, 8), 3000


def bins_for(n_numbers: int) -> tuple[int, ...]:
    """The numbers of pieces that are tried for so many columns of numbers, none first."""
    fitting = [n for n in _BINS if n_numbers and n * n_numbers <= _MOST_INPUTS]
    return (0, *fitting[:1])


def auto_batch_size(n_train: int) -> int:
    """A power of two from 16 to 256, at most a quarter of the training rows.

    Losses hardly depend on it from 32 to 512; larger ones train faster, and few steps an epoch are wasteful.
    """
    return 1 << min(8, max(4, int(math.log2(max(16, n_train // 4)))))


def learning_rate_of(given: float | Literal["auto"]) -> float:
    """The parameter, checked; where it is "auto", the usual one."""
    if given == "auto":
        return AUTO_LEARNING_RATE
    learning_rate = real("learning_rate", given)
    if learning_rate == 0.0:
        raise ParameterError("learning_rate must be above 0, and it is 0.")
    return learning_rate


def settings_of(
    n_train: int,
    batch_size: int | Literal["auto"],
    max_epochs: int,
    random_state: Any,
) -> Settings:
    """The parameters, checked, for this many training rows."""
    batch_size = auto_batch_size(n_train) if batch_size == "auto" else whole("batch_size", batch_size)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    return Settings(
        batch_size=batch_size,
        max_epochs=whole("max_epochs", max_epochs, high=MOST_EPOCHS),
        seed=seed,
        average=AVERAGE,
    )


def engine_of(n_jobs: Any) -> Engine:
    """The engine with ``n_jobs`` threads: None is all cores, or one inside a joblib worker."""
    from taut.engine.compiled.engine import CompiledEngine

    if n_jobs is not None and (not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0):
        raise ParameterError(f"n_jobs must be None or a whole number other than 0, and it is {n_jobs!r}.")
    return CompiledEngine(None if n_jobs is None else int(n_jobs))
