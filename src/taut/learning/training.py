"""Members: networks in training."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.architecture import Architecture
from taut.learning.objective import Floats
from taut.learning.problem import Fold
from taut.techniques.base import Hooks


@final
@dataclass(frozen=True, eq=False)
class Member:
    """One network to be trained.

    Parameters
    ----------
    architecture : Architecture
    hooks : Hooks
        What its recipe does.
    fold : Fold
    learning_rate : float
    batch_size : int
    max_epochs : int
        Where training ends that nothing stopped before.
    seed : int
        Below 2**63.  Two members with the same seed and the same rest are the same, bit for bit.
    keep_losses : bool
        Whether the loss of every validation row is kept of every epoch (four bytes each).
    keep_outputs : bool
        The same of the outputs for every validation row (four bytes each).
    keep_networks : int
        Of so many epochs, the last ones before its patience is over, and of as many after that, the network
        is kept (:meth:`Training.checkpoint`), where the engine would have to train it again.
    average : float
        The network that is evaluated and kept has the average of the weights over the steps so far: step t
        enters it with the share min(1, average / t), so that their mean age is t / (average + 1). 0 for the
        weights of the last step.
    """

    architecture: Architecture
    hooks: Hooks
    fold: Fold
    learning_rate: float
    batch_size: int
    max_epochs: int
    seed: int
    keep_losses: bool = False
    keep_outputs: bool = False
    keep_networks: int = 0
    average: float = 0.0

    def equals(self, other: Member) -> bool:
        """Whether the other is trained to the same network, bit for bit, and keeps the same of it."""
        return vars(self) == vars(other)


class Status(Enum):
    """How a member stands."""

    RUNNING = "running"
    STOPPED = "stopped"  # by its own patience
    DIVERGED = "diverged"


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """A member's losses by epoch, without penalty and in evaluation mode; NaN where nothing was scored.

    Parameters
    ----------
    train, validation : float64 array, shape (n_epochs,)
        Weighted mean loss, in the units of the problem's target.
    correct : float64 array, shape (n_epochs,)
        Weighted share of validation rows whose class was right; NaN or 0 where there are no classes.
    """

    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    correct: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.train)

    def times(self, factor: float) -> Curve:
        """The same with the losses in another unit."""
        return Curve(self.train * factor, self.validation * factor, self.correct)

    def until(self, epoch: int) -> Curve:
        """Its first epochs."""
        return Curve(self.train[:epoch], self.validation[:epoch], self.correct[:epoch])


class InputWeights(NamedTuple):
    """The weights by which a network reads its columns.

    Parameters
    ----------
    weights : float array, shape (n_features, n_units)
        Of the first layer.
    columns : intp array, shape (n_features,)
        The column of the examples that each feature comes from.
    """

    weights: Floats
    columns: NDArray[np.intp]


class Fitted(ABC):
    """A network that can predict: all that has to be kept of a member.

    An engine predicts with it (:meth:`taut.learning.engine.Engine.predict`).
    """

    @abstractmethod
    def penalized_weights(self) -> Sequence[tuple[str, Floats]]:
        """The weights that techniques on weights act on, by name; neither biases nor normalization."""

    def input_weights(self) -> InputWeights | None:
        """The weights on the columns of the examples; None where inputs are no columns."""
        return None

    @property
    @final
    def zero_share(self) -> float:
        """Share of penalized weights that are exactly zero; 0 where nothing is penalized."""
        arrays = [array for _, array in self.penalized_weights()]
        return sum(np.count_nonzero(w == 0) for w in arrays) / max(1, sum(w.size for w in arrays))


class Training(ABC):
    """A member on its way: the engine's own state, which can be continued and read."""

    @property
    @abstractmethod
    def member(self) -> Member:
        """What is being trained."""

    @property
    @abstractmethod
    def status(self) -> Status:
        """How it stands."""

    @property
    @abstractmethod
    def epoch(self) -> int:
        """Whole epochs trained."""

    @property
    @abstractmethod
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss so far, from 1; without patience the last one."""

    @property
    @abstractmethod
    def curve(self) -> Curve:
        """Losses of all whole epochs so far."""

    @abstractmethod
    def losses(self, epoch: int) -> NDArray[np.float32] | None:
        """Losses of the validation rows in one epoch (from 1), in evaluation mode: shape (n_validation,).

        In the order of ``member.fold.validation`` and in the units of the curve; None where the member does
        not keep them, or has not trained that epoch.
        """

    @abstractmethod
    def correct(self, epoch: int) -> NDArray[np.bool_] | None:
        """Whether the validation rows' classes were right in one epoch (from 1): shape (n_validation,).

        None where there are no classes, and where :meth:`losses` is.
        """

    @abstractmethod
    def outputs(self, epoch: int) -> Floats | None:
        """Outputs for the validation rows in one epoch (from 1), as :meth:`Engine.predict` gives them.

        Shape (n_validation, n_outputs); None where the member does not keep them, or has not trained that
        epoch.
        """

    @property
    @abstractmethod
    def seconds(self) -> float:
        """Time that a thread has spent on it."""

    @abstractmethod
    def fitted(self, which: Literal["kept", "last"] = "kept") -> Fitted:
        """The network as it is now, to keep and to predict with.

        Parameters
        ----------
        which : {"kept", "last"}
            ``"kept"``: that of the best epoch where the recipe stops early, else the last one.
        """

    def checkpoint(self, epoch: int) -> Fitted | None:
        """The network of an earlier epoch (from 1), where the engine keeps it.

        An engine that does not replay exactly (:attr:`taut.learning.engine.Engine.replays_exactly`) keeps
        every epoch that it has trained; others need keep no more than the member asks for.
        """
        return None


@final
@dataclass
class Control:
    """How a run of the engine is watched and ended from outside.

    Parameters
    ----------
    deadline : float
        On ``time.monotonic``'s clock; training stops at the next chance (a fifth of a second or so).
    on_done : callable, optional
        Called with a member's index when it has reached its goal, stopped or diverged; from a worker's
        thread, one call at a time.
    """

    deadline: float = math.inf
    on_done: Callable[[int], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def should_stop(self) -> bool:
        """Whether to end now."""
        return self.cancelled.is_set() or time.monotonic() >= self.deadline
