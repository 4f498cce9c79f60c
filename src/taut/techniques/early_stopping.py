"""Early stopping: end training when the validation loss no longer falls, and go back to the best epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

from taut.parameters import real, whole
from taut.techniques.base import Hooks, Place, Technique
from taut.techniques.pages import Page, Range, Source


@final
@dataclass(frozen=True, repr=False)
class EarlyStopping(Technique):
    """Early stopping: end training after ``patience`` epochs without improvement, keep the best epoch.

    Raising the patience waits longer for a better epoch: training stops later and regularizes a little less.
    It is off only by absence: without it, all epochs are run and the last one's weights are kept.

    Formula: stop when ``epoch - best >= patience``, where an epoch becomes ``best`` if its validation loss is
    below ``loss(best) - min_delta``; the weights of ``best`` are kept.

    Source: Prechelt (1998).

    Parameters
    ----------
    patience : int, default=20
        Epochs, 1 or more.
    min_delta : float, default=0.0
        How much lower the validation loss has to be to count as an improvement; 0 or more.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """

    patience: int = 20
    min_delta: float = 0.0

    name: ClassVar[str] = "early_stopping"
    acts_on: ClassVar[Place] = Place.STOPPING
    search_range: ClassVar[Range] = Range(20.0, 20.0, "linear")
    page: ClassVar[Page] = Page(
        title="Early stopping",
        what=(
            "Rows are held out of training, and the loss on them is measured after every epoch. When it has "
            "not improved for a number of epochs, the patience, training ends, and the network goes back to "
            "the weights of its best epoch, whatever ended training."
        ),
        raising=(
            "More patience waits longer for a better epoch: it costs time and is less easily fooled by a "
            "bumpy curve. The best epoch's weights are kept either way."
        ),
        helps=(
            "Nearly always. It is the cheapest technique, it saves time as well, and it is the measure that "
            "the others have to beat."
        ),
        hurts=(
            "Few rows: those held out are missing in training, and the best epoch on so few is partly luck. "
            "With dropout or a low learning rate, a short patience gives up too soon. The loss at the chosen "
            "epoch is too good to be true, because the epoch was chosen by it: evaluate the network on other "
            "rows."
        ),
        formula=(
            "best <- epoch,  if loss(epoch) < loss(best) - min_delta on the validation rows\n"
            "stop,           if epoch - best >= patience;  keep the weights of best"
        ),
        source=(
            Source(
                "Prechelt, L.",
                1998,
                "Early stopping - but when?",
                "Neural Networks: Tricks of the Trade, Lecture Notes in Computer Science 1524, 55-69",
            ),
        ),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "patience", whole("Early stopping's patience", self.patience))
        object.__setattr__(self, "min_delta", real("Early stopping's min_delta", self.min_delta))

    @classmethod
    def at(cls, strength: float) -> Self:
        """Give early stopping with this patience; no patience switches it off."""
        return cls(whole("Early stopping's patience (to switch it off, leave it out)", strength))

    @property
    def strength(self) -> float:
        """The patience, in epochs."""
        return float(self.patience)

    @property
    def is_off(self) -> bool:
        """Never: it is off only by absence."""
        return False

    @property
    def label(self) -> str:
        """A short label for tables."""
        return "early stopping"

    def apply(self, hooks: Hooks) -> Hooks:
        """Set its hooks."""
        return replace(hooks, patience=self.patience, min_delta=self.min_delta)

    def __repr__(self) -> str:
        delta = f", min_delta={self.min_delta!r}" if self.min_delta else ""
        return f"EarlyStopping(patience={self.patience}{delta})"
