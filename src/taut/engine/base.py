"""What an engine promises to everything above it."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from taut.network import Network
from taut.table.encoder import Encoder
from taut.techniques.base import Hooks

Floats = NDArray[np.floating]
Indices = NDArray[np.int32]


@final
@dataclass(frozen=True, eq=False)
class Data:
    """The table as all members see it, stored once.

    Parameters
    ----------
    values : float32 array, shape (n_rows, n_columns)
        Numbers (NaN = missing), then category codes; see ``table.columns.Matrix``.
    target : float array, shape (n_rows,)
        The number of the row's class, or its value in the table's units.
    task : {"classification", "regression"}
        Cross-entropy, or squared error.
    n_outputs : int
        Number of classes, or 1.
    fit_weight, score_weight : float array, shape (n_rows,), or None
        Weight of a row in training and in the loss of evaluation; None counts every row once.
    accuracy_weight : float array, shape (n_rows,), or None
        Weight of a row in accuracy, and in whatever counts rows, where classes have weights too; None: as in
        the loss.
    """

    values: NDArray[np.float32]
    target: Floats
    task: Literal["classification", "regression"]
    n_outputs: int
    fit_weight: Floats | None = None
    score_weight: Floats | None = None
    accuracy_weight: Floats | None = None

    @property
    def row_weight(self) -> Floats | None:
        """Weight of a row without that of its class."""
        return self.score_weight if self.accuracy_weight is None else self.accuracy_weight


@final
@dataclass(frozen=True, eq=False)
class Fold:
    """Who trains, who is held out, and what was fitted on those who train.

    Parameters
    ----------
    train, validation : int32 array
        Rows of the table; ``validation`` may be empty.
    sample : int32 array
        Some of the training rows, evaluated every epoch.
    encoder : Encoder
        Fitted on ``train``.
    center, scale : float
        The network's output times ``scale`` plus ``center`` is in the table's units (regression).
    start : float array, shape (n_outputs,), or None
        What the last layer's biases are before training: the logarithm of the classes' shares.
    """

    train: Indices
    validation: Indices
    sample: Indices
    encoder: Encoder
    center: float = 0.0
    scale: float = 1.0
    start: Floats | None = None


@final
@dataclass(frozen=True, eq=False)
class Member:
    """One network to be trained.

    Parameters
    ----------
    network : Network
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
    """

    network: Network
    hooks: Hooks
    fold: Fold
    learning_rate: float
    batch_size: int
    max_epochs: int
    seed: int
    keep_losses: bool = False
    keep_outputs: bool = False


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
        Weighted mean cross-entropy (nats), or squared error in the table's units.
    correct : float64 array, shape (n_epochs,)
        Weighted share of validation rows whose class was right (classification).
    """

    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    correct: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.train)

    def times(self, factor: float) -> Curve:
        """The same with the losses in another unit."""
        return Curve(self.train * factor, self.validation * factor, self.correct)


@final
@dataclass(frozen=True, eq=False)
class Trained:
    """A network that can predict: all that has to be kept of a member.

    Parameters
    ----------
    network : Network
    normalize : bool
        Whether it has batch norm.
    encoder : Encoder
    center, scale : float
        As in :class:`Fold`.
    weights : dict
        ``layers.0.weight`` (n_in, n_out), ``layers.0.bias`` (n_out,) and, with batch norm, ``.gain``,
        ``.mean``, ``.variance`` (n_out,); then ``layers.1....``
    """

    network: Network
    normalize: bool
    encoder: Encoder
    center: float
    scale: float
    weights: dict[str, Floats]

    @property
    def zero_share(self) -> float:
        """Share of weights (biases and the like aside) that are exactly zero."""
        matrices = [w for name, w in self.weights.items() if name.endswith(".weight")]
        return float(sum(np.count_nonzero(w == 0) for w in matrices) / sum(w.size for w in matrices))


class Training(ABC):
    """A member on its way: the engine's own state, which can be gone on with and read."""

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

        None where the task is regression, and where :meth:`losses` is.
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
    def weights(self, which: Literal["kept", "last"] = "kept") -> dict[str, Floats]:
        """The network's numbers by name, in true shapes (see :class:`Trained`).

        Parameters
        ----------
        which : {"kept", "last"}
            ``"kept"``: those of the best epoch where the recipe stops early, else the last ones.
        """

    def trained(self, which: Literal["kept", "last"] = "kept") -> Trained:
        """The network as it is now, to keep and to predict with."""
        m = self.member
        fold = m.fold
        return Trained(
            m.network, m.hooks.normalize, fold.encoder, fold.center, fold.scale, self.weights(which)
        )


@final
@dataclass
class Control:
    """How a run of the engine is watched and ended from outside.

    Parameters
    ----------
    deadline : float
        On ``time.monotonic``'s clock; training stops at the next chance (a fifth of a second or so).
    on_done : callable, optional
        Called with a member's index when it has arrived, stopped or diverged; from a worker's thread, one
        call at a time.
    """

    deadline: float = math.inf
    on_done: Callable[[int], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def should_stop(self) -> bool:
        """Whether to end now."""
        return self.cancelled.is_set() or time.monotonic() >= self.deadline


class Engine(ABC):
    """Trains many members; knows nothing of why they were chosen."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many members it trains at a time."""

    def prepare(self) -> None:  # noqa: B027 - an engine may have nothing to prepare
        """Do what has to be done once per machine or process, such as compiling, before the clock starts."""

    def affordable(self, members: Sequence[Member]) -> int:
        """How many of these members, the first ones, there is memory for side by side.

        All of them, where an engine does not know what they cost.
        """
        return len(members)

    @abstractmethod
    def train(
        self,
        data: Data,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        """Train members side by side, from the start or from where they stand.

        Parameters
        ----------
        data : Data
        members : sequence of Member or Training
            A Training goes on exactly where it is (it is changed in place).
        until_epoch : int or sequence of int, optional
            Train everyone to this epoch (or each to its own).  Without it, to ``max_epochs``.
        respect_patience : bool, optional
            Whether a member's own patience may end it before.  By default it may where there is no
            ``until_epoch``.
        control : Control, optional
            A time limit, a way to cancel, news.  Members that were cut off can be gone on with.

        Returns
        -------
        list of Training
            In the members' order.

        Raises
        ------
        TrainingError
            Where there is no memory for the members that begin.
        """

    @abstractmethod
    def predict(self, values: NDArray[np.float32], trained: Trained, rows: Indices | None = None) -> Floats:
        """Outputs in the table's units: logits, or values.

        Parameters
        ----------
        values : float32 array, shape (n_rows, n_columns)
        trained : Trained
        rows : int32 array, optional
            Which rows; all of them without it.

        Returns
        -------
        array, shape (n, n_outputs)
        """
