"""Batch normalization: bring each hidden unit to mean 0 and variance 1 within the batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

from taut.parameters import switch
from taut.techniques.base import Hooks, Place, Technique
from taut.techniques.pages import Page, Range, Source


@final
@dataclass(frozen=True, repr=False)
class BatchNorm(Technique):
    """Batch normalization: each hidden unit is brought to mean 0 and variance 1 within the batch.

    Its strength is a switch: 1 is on and 0 is off.

    Formula: ``z <- scale * (z - mean) / sqrt(variance + eps) + shift`` before each activation, with the mean
    and variance of the batch in training and running ones in prediction; ``scale`` and ``shift`` are learned.

    Source: Ioffe & Szegedy (2015).

    Parameters
    ----------
    on : bool, default=True
        Whether it is on.

    Raises
    ------
    ParameterError
        If ``on`` is neither True nor False.
    """

    on: bool = True

    name: ClassVar[str] = "batch_norm"
    acts_on: ClassVar[Place] = Place.HIDDEN
    search_range: ClassVar[Range] = Range(0.0, 1.0, "switch")
    page: ClassVar[Page] = Page(
        title="Batch normalization",
        what=(
            "Before each activation, every hidden unit is shifted and scaled to mean 0 and variance 1 over "
            "the rows of the batch, then to a mean and spread of its own that are learned. What a row gives "
            "depends a little on the rows that happen to be beside it, and this noise regularizes. In "
            "prediction running averages take the batch's place, so a row's prediction depends on that row "
            "alone."
        ),
        raising="There is no strength to raise: it is on or off. Smaller batches make its noise stronger.",
        helps=(
            "Deeper networks and training that is slow or unsteady: it allows higher learning rates and "
            "often reaches its best epoch much sooner. The gain is in speed at least as much as in "
            "regularization."
        ),
        hurts=(
            "Small batches, whose statistics are poor; few rows; and rows at prediction that differ from "
            "those in training, for then the running averages are wrong. Together with dropout it can be "
            "worse than either. It makes a step slower."
        ),
        formula=(
            "training:   z <- scale * (z - mean(batch)) / sqrt(var(batch) + eps) + shift\n"
            "prediction: z <- scale * (z - running mean) / sqrt(running var + eps) + shift"
        ),
        source=(
            Source(
                "Ioffe, S. & Szegedy, C.",
                2015,
                "Batch normalization: accelerating deep network training by reducing internal "
                "covariate shift",
                "International Conference on Machine Learning",
            ),
        ),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", switch("Batch normalization's on", self.on))

    @classmethod
    def at(cls, strength: float) -> Self:
        """Give batch normalization on (1) or off (0)."""
        return cls(switch("Batch normalization's strength", strength))

    @property
    def strength(self) -> float:
        """1 where it is on, 0 where it is off."""
        return float(self.on)

    @property
    def is_off(self) -> bool:
        """Whether it is switched off."""
        return not self.on

    @property
    def label(self) -> str:
        """A short label for tables."""
        return "batch norm" if self.on else "batch norm off"

    def apply(self, hooks: Hooks) -> Hooks:
        """Set its hook."""
        return replace(hooks, normalize=True)

    def __repr__(self) -> str:
        return "BatchNorm()" if self.on else "BatchNorm(on=False)"
