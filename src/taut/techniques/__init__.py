"""The techniques: one file each.

To add one that fits a hook, write its file and add it to the lists below; CONTRIBUTING.md has the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from taut.techniques.base import Hooks, Technique, UnitTechnique, WeightTechnique
from taut.techniques.batch_norm import BatchNorm
from taut.techniques.dropout import Dropout
from taut.techniques.early_stopping import EarlyStopping
from taut.techniques.input_noise import InputNoise
from taut.techniques.l1 import L1
from taut.techniques.l2 import L2
from taut.techniques.label_smoothing import LabelSmoothing
from taut.techniques.max_norm import MaxNorm

# These names are public in `taut` as well.
__all__ = ["L1", "L2", "BatchNorm", "Dropout", "EarlyStopping", "InputNoise", "LabelSmoothing", "MaxNorm"]

#: In the order in which they are shown and composed; on the weights, shrinking (L2) comes before the
#: proximal step (L1), so that its zeros are final.
TECHNIQUES: tuple[type[Technique], ...] = (
    L2,
    L1,
    MaxNorm,
    Dropout,
    BatchNorm,
    InputNoise,
    LabelSmoothing,
    EarlyStopping,
)

#: Those that move the weights after a step, in the order in which they do so.
WEIGHT_TECHNIQUES: tuple[type[WeightTechnique], ...] = tuple(
    kind for kind in TECHNIQUES if issubclass(kind, WeightTechnique)
)

#: Those that act on the incoming weights of a unit as a whole, in the order in which they do so.
UNIT_TECHNIQUES: tuple[type[UnitTechnique], ...] = tuple(
    kind for kind in TECHNIQUES if issubclass(kind, UnitTechnique)
)


def compose(techniques: Iterable[Technique]) -> Hooks:
    """Combine techniques into the hooks that the engine reads; those that are off change nothing.

    Parameters
    ----------
    techniques : iterable of Technique
        At most one of each kind.
    """
    active = {type(technique): technique for technique in techniques if not technique.is_off}

    def amounts(kinds: Iterable[type[Technique]]) -> tuple[float, ...]:
        return tuple(active[kind].strength if kind in active else 0.0 for kind in kinds)

    hooks = Hooks(weight_amounts=amounts(WEIGHT_TECHNIQUES), unit_amounts=amounts(UNIT_TECHNIQUES))
    for kind in TECHNIQUES:
        if kind in active:
            hooks = active[kind].apply(hooks)
    return hooks
