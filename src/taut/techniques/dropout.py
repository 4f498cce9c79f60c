"""Dropout: leave out random units of the network at each training step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

from taut.parameters import real
from taut.techniques.base import Hooks, Place, Technique
from taut.techniques.pages import Page, Range, Source


@final
@dataclass(frozen=True, repr=False)
class Dropout(Technique):
    """Dropout: each hidden unit is left out with probability ``rate`` at each training step.

    Raising the rate makes training noisier and lets units rely less on one another.

    Formula: ``h <- mask * h / (1 - rate)``, ``mask ~ Bernoulli(1 - rate)`` for each row and unit in training;
    ``h <- h`` in prediction, which is the expectation.

    Source: Hinton et al. (2012); Srivastava et al. (2014).

    Parameters
    ----------
    rate : float, default=0.5
        The probability that a hidden unit is left out: 0 (off) or more, below 1.
    input_rate : float, default=0.0
        The same for the features that enter the network.

    Raises
    ------
    ParameterError
        If a rate is out of range or not a number.
    """

    rate: float = 0.5
    input_rate: float = 0.0

    name: ClassVar[str] = "dropout"
    acts_on: ClassVar[Place] = Place.HIDDEN
    search_range: ClassVar[Range] = Range(0.05, 0.7, "linear")
    path_range: ClassVar[Range | None] = Range(0.02, 0.9, "linear")
    page: ClassVar[Page] = Page(
        title="Dropout",
        what=(
            "In training each hidden unit is left out at random, anew for every row and step, and the rest "
            "are scaled up to compensate. No unit can rely on any other unit being there. In prediction "
            "all units take part: about the average of many thinned networks. A separate input rate "
            "leaves out features."
        ),
        raising=(
            "Training gets noisier, slower and worse on its own rows, and the gap to validation narrows. Too "
            "much, and too few units are left at a time to learn anything."
        ),
        helps=(
            "Wide networks on few or noisy rows that fit their training rows almost perfectly. The input "
            "rate helps where many features say the same thing."
        ),
        hurts=(
            "Small networks, which have no units to spare; regression, where the noise lands in the "
            "predicted number; and in front of batch normalization, whose statistics are measured with units "
            "left out and used with all of them. It needs more epochs."
        ),
        formula=(
            "training:   h <- mask * h / (1 - rate),  mask ~ Bernoulli(1 - rate), one draw a row and unit\n"
            "prediction: h <- h"
        ),
        source=(
            Source(
                "Hinton, G. E., Srivastava, N., Krizhevsky, A., Sutskever, I. & Salakhutdinov, R. R.",
                2012,
                "Improving neural networks by preventing co-adaptation of feature detectors",
                "arXiv:1207.0580",
            ),
            Source(
                "Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I. & Salakhutdinov, R.",
                2014,
                "Dropout: a simple way to prevent neural networks from overfitting",
                "Journal of Machine Learning Research 15, 1929-1958",
            ),
        ),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", real("Dropout's rate", self.rate, below=1.0))
        object.__setattr__(self, "input_rate", real("Dropout's input_rate", self.input_rate, below=1.0))

    @classmethod
    def at(cls, strength: float) -> Self:
        """Give dropout of the hidden units at this rate; the inputs are left alone."""
        return cls(strength)

    @property
    def strength(self) -> float:
        """The rate of the hidden units."""
        return self.rate

    @property
    def is_off(self) -> bool:
        """Whether both rates are 0."""
        return self.rate == 0 and self.input_rate == 0

    @property
    def label(self) -> str:
        """A short label for tables."""
        of_input = f" (input {self.input_rate:.3g})" if self.input_rate else ""
        return f"dropout {self.rate:.3g}{of_input}"

    def apply(self, hooks: Hooks) -> Hooks:
        """Set its hooks."""
        return replace(hooks, drop=self.rate, input_drop=self.input_rate)

    def __repr__(self) -> str:
        of_input = f", input_rate={self.input_rate!r}" if self.input_rate else ""
        return f"Dropout({self.rate!r}{of_input})"
