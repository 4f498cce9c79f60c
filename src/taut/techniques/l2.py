"""L2: shrink every weight by a share of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self, final

from taut.parameters import real
from taut.techniques.base import WeightTechnique
from taut.techniques.pages import Page, Range, Source


@final
@dataclass(frozen=True, repr=False)
class L2(WeightTechnique):
    """L2 regularization (weight decay): every weight shrinks by a share of itself after each step.

    Raising the strength shrinks the weights more, and the network's function becomes smoother.

    Formula: ``w <- w - learning_rate * strength * w`` after the optimizer's step, apart from its gradient.

    Source: Krogh & Hertz (1991); decoupled from the gradient: Loshchilov & Hutter (2019).

    Parameters
    ----------
    strength : float
        0 (off) or more.

    Raises
    ------
    ParameterError
        If the strength is negative, not finite or not a number.
    """

    strength: float

    name: ClassVar[str] = "l2"
    search_range: ClassVar[Range] = Range(3e-2, 20.0, "log")
    path_range: ClassVar[Range | None] = Range(1e-3, 50.0, "log")
    page: ClassVar[Page] = Page(
        title="L2 (weight decay)",
        what=(
            "After every step each weight loses the same small share of itself. A weight stays large only if "
            "the data keep pushing it up, so the network leans a little on many inputs and not heavily on a "
            "few. Biases and the parameters of batch normalization are left alone."
        ),
        raising=(
            "Weights get smaller and the function smoother; training loss rises, and the gap between "
            "training and validation loss narrows. Too much, and the network predicts close to the average "
            "for every row."
        ),
        helps=(
            "Nearly always a little: correlated features, noisy targets, few rows for the size of the "
            "network. A safe first choice."
        ),
        hurts=(
            "Few features matter and they matter much: all weights pay, the useful ones too, and none "
            "becomes exactly zero. With batch normalization the scale of a hidden layer's weights no longer "
            "matters to its output, so there it acts mostly like a higher learning rate."
        ),
        formula="w <- w - learning_rate * strength * w",
        source=(
            Source(
                "Krogh, A. & Hertz, J. A.",
                1991,
                "A simple weight decay can improve generalization",
                "Advances in Neural Information Processing Systems 4",
            ),
            Source(
                "Loshchilov, I. & Hutter, F.",
                2019,
                "Decoupled weight decay regularization",
                "International Conference on Learning Representations",
            ),
        ),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", real("L2's strength", self.strength))

    @classmethod
    def at(cls, strength: float) -> Self:
        """Give L2 at this strength."""
        return cls(strength)

    @property
    def is_off(self) -> bool:
        """Whether the strength is 0."""
        return self.strength == 0

    @property
    def label(self) -> str:
        """A short label for tables."""
        return f"L2 {self.strength:.3g}"

    @staticmethod
    def weight_step(w: float, amount: float) -> float:
        """Shrink one weight by the share ``amount`` of itself."""
        # The comparison is for -0.0 and infinity, which `w - 0 * w` would not return unchanged.
        return w - amount * w if amount > 0 else w

    @staticmethod
    def penalty(w: float, amount: float) -> float:
        """Give half the square, whose gradient :meth:`weight_step` follows."""
        return amount * w * w / 2

    def __repr__(self) -> str:
        return f"L2({self.strength!r})"
