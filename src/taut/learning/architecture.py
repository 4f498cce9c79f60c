"""Architectures: what a network is, regularization aside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self, final

import numpy as np

from taut.errors import ParameterError
from taut.learning.objective import Objective
from taut.network import Activation, Network, hidden_widths
from taut.parameters import MOST_BINS, whole
from taut.techniques.base import Place, Technique

#: What a linear model is, so that a person knows how to have it.
LINEAR_MODEL = "a linear model (no hidden layers)"
#: The hidden layer that a linear model is given to be wider.
FIRST_LAYER = 64
_WIDER = 2


@final
@dataclass(frozen=True)
class Dimension:
    """One number of a candidate, from ``low`` to ``high``; ``condition`` is the switch that it needs on."""

    name: str
    low: float
    high: float
    log: bool
    whole: bool = False
    condition: str = ""


class Variant(NamedTuple):
    """Another architecture, and what it is called beside the one that it is a variant of."""

    name: str
    architecture: Architecture


class Architecture(ABC):
    """What a network is: an immutable value that an engine makes networks of."""

    @abstractmethod
    def supports(self, technique: type[Technique], objective: Objective) -> str | None:
        """None, or in a sentence why networks like this cannot be regularized so for this objective."""

    @property
    @abstractmethod
    def n_hidden(self) -> int:
        """Its size: how many hidden units it has; 0 for a linear model."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Of its hidden layers, where it is made of dense ones; else empty."""
        return ()

    def wider(self) -> Variant | None:
        """One with more capacity, for want of which it may underfit; None where there is none."""
        return None

    def linear(self) -> Architecture | None:
        """The linear model that it is compared with; None where it is one, or there is none."""
        return None

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What a search may vary of it; nothing, where a person fixed it."""
        return ()

    def at(self, point: Mapping[str, Any]) -> Self:
        """The architecture at a point of its dimensions."""
        return self

    def point(self) -> dict[str, float]:
        """Where it lies on its dimensions."""
        return {}

    @property
    @abstractmethod
    def label(self) -> str:
        """A few words for a sentence, such as ``"hidden layers 128-128"``."""

    @abstractmethod
    def code(self) -> str:
        """The arguments of taut that stand for it, such as ``"hidden=(128, 128), activation='relu'"``."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What differs between the architectures of a search, as plain values; see :meth:`from_json`."""

    @abstractmethod
    def from_json(self, data: Mapping[str, Any]) -> Self:
        """The one that :meth:`to_json` described; what it does not say is as in this one.

        Raises
        ------
        ParameterError
            Where it is none.
        """


@final
@dataclass(frozen=True)
class MLP(Architecture):
    """Dense layers, with an activation after each hidden one.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers; ``()`` is a linear model.
    activation : {"relu", "silu", "gelu"}
    searched : bool
        Whether a search may vary the widths and the depth.
    n_bins : int
        Pieces that each number of a table is seen in, beside itself (piecewise-linear encoding; Gorishniy et
        al., 2022); 0 for the number alone.

    Raises
    ------
    ParameterError
        Where a width is no whole number of 1 or more, the activation is unknown, or the number of pieces is
        no whole number of 0 or more.
    """

    hidden: tuple[int, ...]
    activation: Activation = "relu"
    searched: bool = False
    n_bins: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))
        object.__setattr__(self, "n_bins", whole("n_bins", self.n_bins, low=0, high=MOST_BINS))
        self.network(1, 1)  # which knows the activations

    def network(self, n_inputs: int, n_outputs: int) -> Network:
        """The network for so many features and outputs."""
        return Network(n_inputs, self.hidden, n_outputs, self.activation)

    def supports(self, technique: type[Technique], objective: Objective) -> str | None:
        """Classes for what acts on classes, and hidden units for what acts on them."""
        if technique.needs_classes and not objective.n_classes:
            return f"{technique.page.title} is for classes, and the target is an amount."
        if technique.acts_on in (Place.HIDDEN, Place.UNITS) and not (self.hidden or self.searched):
            return f"{technique.page.title} acts on {technique.acts_on.value}, and a linear model has none."
        return None

    @property
    def n_hidden(self) -> int:
        """Units of all hidden layers together."""
        return sum(self.hidden)

    @property
    def widths(self) -> tuple[int, ...]:
        """Of its hidden layers."""
        return self.hidden

    def wider(self) -> Variant:
        """Twice as wide; a linear model is given a hidden layer."""
        if not self.hidden:
            return Variant(f"with a hidden layer of {FIRST_LAYER}", replace(self, hidden=(FIRST_LAYER,)))
        return Variant("twice as wide", replace(self, hidden=tuple(_WIDER * width for width in self.hidden)))

    def linear(self) -> MLP | None:
        """Without hidden layers, and linear in every number."""
        return MLP((), self.activation) if self.hidden else None

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """One to three layers of 32 to 256."""
        if not self.searched:
            return ()
        return (
            Dimension("log2_width", 5, 8, False, whole=True),
            Dimension("depth", 1, 3, False, whole=True),
        )

    def at(self, point: Mapping[str, Any]) -> MLP:
        """All layers of one width."""
        if not self.searched:
            return self
        return replace(self, hidden=(2 ** int(point["log2_width"]),) * int(point["depth"]))

    def point(self) -> dict[str, float]:
        """The first layer's width, and the depth."""
        if not self.searched:
            return {}
        return {"log2_width": round(float(np.log2(self.hidden[0]))), "depth": len(self.hidden)}

    @property
    def label(self) -> str:
        """The widths, and the pieces."""
        pieces = f", numbers in {self.n_bins} pieces" if self.n_bins else ""
        return f"hidden layers {'-'.join(map(str, self.hidden)) or 'none'}{pieces}"

    def code(self) -> str:
        """The estimators' arguments."""
        pieces = f", n_bins={self.n_bins}" if self.n_bins else ""
        return f"hidden={self.hidden!r}, activation={self.activation!r}{pieces}"

    def to_json(self) -> dict[str, Any]:
        """The widths and the pieces: all networks of a search have one activation."""
        return {"hidden": list(self.hidden)} | ({"n_bins": self.n_bins} if self.n_bins else {})

    def from_json(self, data: Mapping[str, Any]) -> MLP:
        """One of these widths and pieces."""
        hidden = data["hidden"]
        if not isinstance(hidden, list) or not all(type(width) is int and width > 0 for width in hidden):
            raise ParameterError(f"A candidate's hidden widths are whole numbers, and this is {hidden!r}.")
        return replace(self, hidden=tuple(hidden), n_bins=data.get("n_bins", 0))
