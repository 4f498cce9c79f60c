"""What an engine promises to everything above it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from taut.learning.examples import Examples, Indices
from taut.learning.objective import Floats
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Fitted, Member, Training


class Engine(ABC):
    """Trains many members; knows nothing of why they were chosen."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many members it trains at a time."""

    @property
    def replays_exactly(self) -> bool:
        """Whether a member that is trained anew ends with the same weights, bit for bit.

        Where it does not, its trainings give the network of any epoch that they have trained
        (:meth:`Training.checkpoint`), and are kept for as long as it may be asked for.
        """
        return True

    def prepare(self) -> None:  # noqa: B027 - an engine may have nothing to prepare
        """Do what has to be done once per machine or process, such as compiling, before the clock starts."""

    def memory(self, problem: Problem, member: Member) -> int:
        """About the bytes that a member takes while it is trained or kept; 0 where that is not known."""
        return 0

    def affordable(self, problem: Problem, members: Sequence[Member]) -> int:
        """How many of these members, the first ones, there is memory for side by side.

        All of them, where an engine does not know what they cost.
        """
        return len(members)

    @abstractmethod
    def train(
        self,
        problem: Problem,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        """Train members side by side, from the start or from where they stand.

        Parameters
        ----------
        problem : Problem
        members : sequence of Member or Training
            A Training continues exactly where it is (it is changed in place).
        until_epoch : int or sequence of int, optional
            Train all members to this epoch (or each to its own).  Without it, to ``max_epochs``.
        respect_patience : bool, optional
            Whether a member's own patience may end it before.  By default it may where there is no
            ``until_epoch``.
        control : Control, optional
            A time limit, a way to cancel, a callback.  Members that were cut off can be continued.

        Returns
        -------
        list of Training
            In the members' order.

        Raises
        ------
        TrainingError
            Where there is no memory for the members that begin, or the engine cannot train them.
        """

    @abstractmethod
    def predict(self, examples: Examples, fitted: Fitted, rows: Indices | None = None) -> Floats:
        """Outputs in the target's units: logits, or values.

        Parameters
        ----------
        examples : Examples
            Of the kind that the network was trained on.
        fitted : Fitted
        rows : int32 array, optional
            Which examples; all of them without it.

        Returns
        -------
        array, shape (n, n_outputs)
        """

    def inputs(self, problem: Problem, fold: Fold, rows: Indices) -> Floats | None:
        """What enters the networks of a fold for some examples: shape (n, n_inputs).

        None where that is not a row of numbers for each example.
        """
        return None

    @abstractmethod
    def n_parameters(self, problem: Problem, member: Member) -> int:
        """How many numbers training changes, without those of batch normalization."""
