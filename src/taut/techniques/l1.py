"""L1: pull every weight towards zero by the same amount, and stop at zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self, final

from taut.parameters import real
from taut.techniques.base import WeightTechnique
from taut.techniques.pages import Page, Range, Source


@final
@dataclass(frozen=True, repr=False)
class L1(WeightTechnique):
    """L1 regularization (lasso): every weight moves towards zero by the same amount after each step.

    Raising the strength makes more weights exactly zero.

    Formula: ``w <- sign(w) * max(|w| - learning_rate * strength, 0)`` after the optimizer's step and
    decoupled from its gradient: the proximal step of ``learning_rate * strength * |w|``.

    Source: Tibshirani (1996); the proximal step: Parikh & Boyd (2014).

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

    name: ClassVar[str] = "l1"
    search_range: ClassVar[Range] = Range(3e-3, 1.0, "log")
    path_range: ClassVar[Range | None] = Range(2e-3, 2.0, "log")
    makes_zeros: ClassVar[bool] = True
    page: ClassVar[Page] = Page(
        title="L1 (lasso)",
        what=(
            "After every step each weight moves towards zero by the same small amount and stops there. A "
            "weight that the data do not support becomes exactly zero: the network drops connections, and "
            "features with them. Biases and the parameters of batch normalization are left alone."
        ),
        raising=(
            "More weights are exactly zero and the rest get smaller; training loss rises. Too much, and "
            "every weight of a layer is zero: the network then predicts the same for every row."
        ),
        helps=(
            "Many features of which few matter, or a network to be read or made small: the zeros are real, "
            "and are counted in the results."
        ),
        hurts=(
            "Many features matter a little each, or stand in for one another: L1 then keeps an arbitrary "
            "few, which differ from one seed to the next, and a pull that is the same for all shrinks the "
            "large, useful weights too. Its good range is narrow: try several strengths."
        ),
        formula="w <- sign(w) * max(|w| - learning_rate * strength, 0)",
        source=(
            Source(
                "Tibshirani, R.",
                1996,
                "Regression shrinkage and selection via the lasso",
                "Journal of the Royal Statistical Society B 58(1), 267-288",
            ),
            Source(
                "Parikh, N. & Boyd, S.",
                2014,
                "Proximal algorithms",
                "Foundations and Trends in Optimization 1(3), 127-239",
            ),
        ),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", real("L1's strength", self.strength))

    @classmethod
    def at(cls, strength: float) -> Self:
        """Give L1 at this strength."""
        return cls(strength)

    @property
    def is_off(self) -> bool:
        """Whether the strength is 0."""
        return self.strength == 0

    @property
    def label(self) -> str:
        """A short label for tables."""
        return f"L1 {self.strength:.3g}"

    @staticmethod
    def weight_step(w: float, amount: float) -> float:
        """Move one weight towards zero by ``amount`` and stop at zero (soft threshold)."""
        # w minus itself cut to [-amount, amount]: the same as the formula, and zeros are exact. Written with
        # comparisons, which a NaN fails, so that it stays a NaN. The last one is for -0.0.
        cut = max(min(amount, w), -amount)
        return w - cut

    @staticmethod
    def penalty(w: float, amount: float) -> float:
        """Give the absolute value, of which :meth:`weight_step` is the proximal step."""
        return amount * abs(w)

    def __repr__(self) -> str:
        return f"L1({self.strength!r})"
