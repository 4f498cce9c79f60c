"""One member on its way in the compiled engine: its numbers, and what can be read of them."""

from __future__ import annotations

import math
from typing import Literal, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from taut.engine.compiled import records as R
from taut.engine.compiled.fitted import FittedMLP, FoldFit
from taut.engine.compiled.layout import Layout, initial_weights
from taut.engine.compiled.plans import encoding_of, network_of, plan_to_train
from taut.engine.compiled.scratch import aligned
from taut.learning.objective import Floats
from taut.learning.problem import Problem
from taut.learning.training import Curve, Member, Status, Training


@final
class CompiledTraining(Training):
    """One member's numbers in the compiled engine."""

    def __init__(self, member: Member, problem: Problem, fit: FoldFit, dtype: DTypeLike) -> None:
        self._member, self.fit = member, fit
        self.dtype = np.dtype(dtype)
        network = network_of(member, problem, fit)
        self.layout = Layout(network, member.hooks.normalize)
        self.encoding = encoding_of(fit.encoder)
        self.plan = plan_to_train(member, self.layout, problem, fit)
        n, s = self.layout.n_parameters, self.layout.n_statistics
        early = member.hooks.patience is not None
        self.state = R.State(
            parameters=aligned(n, dtype),
            statistics=aligned(s, dtype),
            first=aligned(n, dtype),
            second=aligned(n, dtype),
            best_parameters=aligned(n if early else 0, dtype),
            best_statistics=aligned(s if early else 0, dtype),
            average=aligned(n if member.average else 0, dtype),
            average_statistics=aligned(s if member.average else 0, dtype),
            curve=np.full((0, 3), np.nan),
            losses=np.empty(0, dtype=np.float32),
            outputs=np.empty(0, dtype=np.float32),
            progress=aligned(R.N_PROGRESS, np.int64),
            sums=aligned(R.N_SUMS, np.float64),
        )
        self.state.sums[R.BEST_LOSS] = math.inf
        arrays = initial_weights(network, member.hooks.normalize, member.seed)
        if fit.start is not None:
            arrays[f"layers.{len(network.hidden)}.bias"] = fit.start
        self.layout.pack(arrays, self.state.parameters, self.state.statistics)
        if member.average:  # before the first step
            self.state.average[:], self.state.average_statistics[:] = (
                self.state.parameters,
                self.state.statistics,
            )
        self.rows_a_second = 0.0
        self.seconds_spent = 0.0
        # By epoch: flat parameters and statistics.
        self._checkpoints: dict[int, tuple[Floats, Floats]] = {}
        self._waited_enough = False

    @property
    def seconds(self) -> float:
        """Time that a thread has spent on it."""
        return self.seconds_spent

    @property
    def member(self) -> Member:
        """What is being trained."""
        return self._member

    @property
    def status(self) -> Status:
        """How it stands."""
        code = int(self.state.progress[R.STATUS])
        return (Status.RUNNING, Status.STOPPED, Status.DIVERGED)[code]

    @property
    def epoch(self) -> int:
        """Whole epochs trained."""
        return int(self.state.progress[R.EPOCH])

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 1; without patience the last one."""
        return int(self.state.progress[R.BEST_EPOCH]) if self.stops_early else self.epoch

    @property
    def stops_early(self) -> bool:
        """Whether the best epoch's weights are the ones to keep."""
        return self._member.hooks.patience is not None and len(self._member.fold.validation) > 0

    @property
    def curve(self) -> Curve:
        """Losses of all whole epochs so far."""
        lines = self.state.curve[: self.epoch]
        return Curve(
            lines[:, R.TRAIN_LOSS].copy(),
            lines[:, R.VALIDATION_LOSS].copy(),
            lines[:, R.VALIDATION_CORRECT].copy(),
        )

    def buffers(self, which: Literal["kept", "last"]) -> tuple[Floats, Floats]:
        """Flat parameters and statistics."""
        if which == "kept" and self.stops_early and self.best_epoch > 0:
            return self.state.best_parameters, self.state.best_statistics
        if self._member.average:
            return self.state.average, self.state.average_statistics
        return self.state.parameters, self.state.statistics

    def weights(self, which: Literal["kept", "last"] = "kept") -> dict[str, Floats]:
        """The network's numbers by name, in true shapes (see :class:`FittedMLP`)."""
        return self.layout.unpack(*self.buffers(which))

    def fitted(self, which: Literal["kept", "last"] = "kept") -> FittedMLP:
        """The network as it is now."""
        return self._fitted(self.weights(which))

    def checkpoint(self, epoch: int) -> FittedMLP | None:
        """The network of an epoch, if the member keeps it."""
        kept = self._checkpoints.get(epoch)
        return None if kept is None else self._fitted(self.layout.unpack(*kept))

    def keep_network(self) -> None:
        """Copy the network of the epoch that has just ended, if the member keeps it.

        Before its patience is over, the oldest one is forgotten for it: the epoch that is wanted is mostly
        one of the last before that. After it the first ones are kept: training goes on until other folds'
        patience is over too, and for no regularization far beyond.
        """
        most = self._member.keep_networks
        if self._waited_enough and len(self._checkpoints) >= 2 * most:
            return
        parameters, statistics = self.buffers("last")
        self._checkpoints[self.epoch] = parameters.copy(), statistics.copy()
        if not self._waited_enough:
            self._checkpoints.pop(self.epoch - most, None)
        self._waited_enough |= self.status is Status.STOPPED

    def _fitted(self, weights: dict[str, Floats]) -> FittedMLP:
        fit, layout = self.fit, self.layout
        return FittedMLP(layout.network, layout.normalize, fit.encoder, fit.center, fit.scale, weights)

    def losses(self, epoch: int) -> NDArray[np.float32] | None:
        """What each validation row lost in one epoch; None where the member does not keep it."""
        kept = self._kept(epoch)
        return None if kept is None else np.abs(kept)

    def correct(self, epoch: int) -> NDArray[np.bool_] | None:
        """Whether each validation row's class was right in one epoch; None where that is not kept."""
        kept = self._kept(epoch) if self.plan.sizes[R.TASK] == R.CLASSES else None
        return None if kept is None else ~np.signbit(kept)

    def _kept(self, epoch: int) -> NDArray[np.float32] | None:
        """The rows' losses in one epoch, negative where the class was missed."""
        n = len(self._member.fold.validation)
        if not self._member.keep_losses or not n or not 0 < epoch <= self.epoch:
            return None
        kept: NDArray[np.float32] = self.state.losses[(epoch - 1) * n : epoch * n]
        return kept

    def outputs(self, epoch: int) -> Floats | None:
        """Outputs for each validation row in one epoch; None where the member does not keep them."""
        member = self._member
        n, width = len(member.fold.validation), self.layout.network.n_outputs
        if not member.keep_outputs or not n or not 0 < epoch <= self.epoch:
            return None
        kept: NDArray[np.float32] = self.state.outputs[(epoch - 1) * n * width : epoch * n * width]
        return in_units(kept.reshape(n, width), self.fit.center, self.fit.scale)

    def make_room(self, epochs: int) -> None:
        """Let the curve, and the rows' losses and outputs where they are kept, hold this many epochs."""
        curve = self.state.curve
        if len(curve) < epochs:
            longer = np.full((epochs, curve.shape[1]), np.nan)
            longer[: len(curve)] = curve
            self.state = self.state._replace(curve=longer)
        n, member = len(self._member.fold.validation) * epochs, self._member
        if member.keep_losses:
            self.state = self.state._replace(losses=_longer(self.state.losses, n))
        if member.keep_outputs:
            longer = _longer(self.state.outputs, n * self.layout.network.n_outputs)
            self.state = self.state._replace(outputs=longer)


def in_units(outputs: Floats, center: float, scale: float) -> Floats:
    """A fold's raw outputs in the table's units."""
    if scale == 1.0 and center == 0.0:
        return outputs
    # In float64: a target may be large and vary little (a year, a time stamp).
    return outputs.astype(np.float64) * scale + center


def _longer(values: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """The same with room for n."""
    if len(values) >= n:
        return values
    more = np.empty(n, dtype=np.float32)
    more[: len(values)] = values
    return more
