"""The engine on the CPU: compiled kernels, one member a thread at a time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Literal, final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import DTypeLike, NDArray

from taut.engine import pool
from taut.engine.compiled import memory
from taut.engine.compiled import records as R
from taut.engine.compiled.fitted import FittedMLP, FoldFit, fit_fold, table_of
from taut.engine.compiled.functions import ACTIVATION_CODES
from taut.engine.compiled.kernels import Kernels, load_kernels
from taut.engine.compiled.layout import Layout, initial_weights
from taut.engine.compiled.scratch import aligned, scratch_for
from taut.errors import TrainingError
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.examples import Examples, Indices
from taut.learning.objective import Floats
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Curve, Fitted, Member, Status, Training
from taut.network import Network
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.techniques import UNIT_TECHNIQUES, WEIGHT_TECHNIQUES

# A call into a kernel: shorter pays for the interpreter's lock, longer makes cancelling late.
_CALL_SECONDS = 0.05
_FOREVER = 2**31 - 1
_CURVE_EPOCHS = 64  # a curve has room for twice as many, to begin with
# Dropout is behind every hidden layer.  It shifts the statistics of a later batch norm; still, "behind the
# last one only" was worse on most tables (benchmarks/README.md, "Defaults").
FIRST_WITH_DROPOUT = 0
# The learning rate rises over this many steps, on small tables over fewer.
_WARMUP_STEPS, _WARMUP_EPOCHS = 100, 5
_PREDICT_ROWS = 8192  # rows a thread takes at a time


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


@final
class CompiledEngine(Engine):
    """Trains members on threads, each in its own core's cache.

    Parameters
    ----------
    n_jobs : int, optional
        Threads, in scikit-learn's sense; None is all cores, and one inside a joblib worker.
    dtype : {"float32", "float64"}
        float64 is for tests.
    """

    def __init__(self, n_jobs: int | None = None, dtype: DTypeLike = np.float32) -> None:
        self._threads = pool.n_threads(n_jobs)
        self.dtype = np.dtype(dtype)
        # By fold what was fitted on its training rows, by the numbers' pieces, and for which problem.
        self._fits: WeakKeyDictionary[Fold, tuple[Problem, dict[int, FoldFit]]] = WeakKeyDictionary()

    @property
    def threads(self) -> int:
        """How many members it trains at a time."""
        return self._threads

    def prepare(self) -> None:
        """Compile the kernels, or load them."""
        load_kernels(self.dtype)

    @property
    def kernels(self) -> Kernels:
        """The compiled kernels; compiles on first use."""
        return load_kernels(self.dtype)

    def _fit(self, problem: Problem, fold: Fold, n_bins: int = 0) -> FoldFit:
        """What is fitted on a fold's training rows, once for all its members that see numbers alike."""
        known = self._fits.get(fold)
        if known is None or known[0] is not problem:
            known = self._fits[fold] = problem, {}
        if n_bins not in known[1]:
            known[1][n_bins] = fit_fold(problem, fold, n_bins)
        return known[1][n_bins]

    def _fit_for(self, problem: Problem, member: Member) -> FoldFit:
        return self._fit(problem, member.fold, mlp_of(member).n_bins)

    def _cost(self, problem: Problem, member: Member) -> memory.Cost:
        network = network_of(member, problem, self._fit_for(problem, member))
        return memory.cost_of(member, network, self.dtype.itemsize)

    def memory(self, problem: Problem, member: Member) -> int:
        """The bytes that a member keeps."""
        return self._cost(problem, member).kept

    def n_parameters(self, problem: Problem, member: Member) -> int:
        """Weights and biases."""
        return network_of(member, problem, self._fit_for(problem, member)).n_parameters(batch_norm=False)

    def inputs(self, problem: Problem, fold: Fold, rows: Indices) -> Floats:
        """Encoded rows."""
        return self._fit(problem, fold).encoder.transform(table_of(problem).matrix.values, rows)

    def train(
        self,
        problem: Problem,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        """Train members side by side, from the start or from where they stand; see :class:`Engine`."""
        control = control or Control()
        own = [_own(one) for one in members]
        kernel = self.kernels.train_some
        shared = _shared(problem, self.dtype)
        everyone = [m if isinstance(m, Member) else m.member for m in own]
        costs = [self._cost(problem, member) for member in everyone]
        begin = [m for m in own if isinstance(m, Member)]
        memory.check(begin, [self._cost(problem, member) for member in begin])
        try:
            trainings = [
                CompiledTraining(m, problem, self._fit_for(problem, m), self.dtype)
                if isinstance(m, Member)
                else m
                for m in own
            ]
        except MemoryError as error:
            raise memory.ran_out(everyone) from error
        scratch = max((cost.scratch for cost in costs), default=0)
        threads = memory.affordable_threads(scratch, min(self.threads, max(1, len(members))))
        goals = until_epoch if isinstance(until_epoch, Sequence) else [until_epoch] * len(trainings)
        respect = until_epoch is None if respect_patience is None else respect_patience
        reporting = threading.Lock()

        def work(index: int, room: dict[str, Any]) -> None:
            if (
                _train_one(kernel, shared, trainings[index], goals[index], respect, control, room)
                and control.on_done
            ):
                with reporting:
                    control.on_done(index)

        # The longest first, so that the last thread is not left alone with a long one.
        order = sorted(range(len(trainings)), key=lambda i: -trainings[i].layout.n_weights)
        try:
            pool.run(order, work, dict, threads, control.cancelled)
        except MemoryError as error:
            raise memory.ran_out(everyone) from error
        return list(trainings)

    def affordable(self, problem: Problem, members: Sequence[Member]) -> int:
        """How many of these members there is memory for side by side; see :class:`Engine`."""
        return memory.affordable([self._cost(problem, member) for member in members])

    def predict(self, examples: Examples, fitted: Fitted, rows: Indices | None = None) -> Floats:
        """Outputs in the table's units; see :class:`Engine`."""
        if not (isinstance(fitted, FittedMLP) and isinstance(examples, TableExamples)):
            raise TypeError(
                f"the compiled engine predicts a table's rows with its own networks, not "
                f"{type(examples).__name__} with a {type(fitted).__name__}"
            )
        layout = Layout(fitted.network, fitted.normalize)
        parameters, statistics = (
            aligned(layout.n_parameters, self.dtype),
            aligned(layout.n_statistics, self.dtype),
        )
        layout.pack(fitted.weights, parameters, statistics)
        encoding, plan = encoding_of(fitted.encoder), plan_to_predict(layout, fitted.encoder)
        kernel = self.kernels.predict_rows
        values = np.require(examples.matrix.values, np.float32, ["C", "W"])
        chosen = (
            np.arange(len(values), dtype=np.int32) if rows is None else np.require(rows, np.int32, ["C", "W"])
        )
        out = np.empty((len(chosen), layout.network.n_outputs), dtype=self.dtype)

        def work(start: int, room: dict[str, Any]) -> None:
            if "scratch" not in room:
                room["scratch"] = scratch_for(layout, R.BLOCK, 1, self.dtype, None, encoding)
            part = slice(start, start + _PREDICT_ROWS)
            kernel(values, encoding, plan, parameters, statistics, room["scratch"], chosen[part], out[part])

        starts = range(0, len(chosen), _PREDICT_ROWS)
        if len(starts) <= 1:
            work(0, {})
        elif pool.run(starts, work, dict, self.threads, threading.Event()):
            raise KeyboardInterrupt
        return in_units(out, fitted.center, fitted.scale)


def _own(one: Member | Training) -> Member | CompiledTraining:
    """What this engine can begin or continue."""
    if isinstance(one, (Member, CompiledTraining)):
        return one
    raise TypeError(f"a {type(one).__name__} comes from another engine and cannot be continued here")


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


def _train_one(
    kernel: Any,
    shared: R.Rows,
    training: CompiledTraining,
    until_epoch: int | None,
    respect_patience: bool,
    control: Control,
    room: dict[str, Any],
) -> bool:
    """Take one member as far as it goes; says whether it got there."""
    member = training.member
    goal = member.max_epochs if until_epoch is None else until_epoch
    sizes, progress = training.plan.sizes, training.state.progress
    patience = min(member.hooks.patience or 0, _FOREVER) if training.stops_early else 0
    if respect_patience:
        sizes[R.PATIENCE] = patience
        if patience and progress[R.STATUS] == R.RUNNING and _waited(progress) >= patience:
            progress[R.STATUS] = R.PATIENCE_OVER
    else:
        # Beyond its patience, the best epoch is still looked for.
        sizes[R.PATIENCE] = _FOREVER if patience else 0
        if progress[R.STATUS] == R.PATIENCE_OVER and progress[R.EPOCH] < goal:
            progress[R.STATUS] = R.RUNNING
    fold = member.fold
    scratch = scratch_for(
        training.layout,
        int(sizes[R.BATCH]) + 1,
        len(fold.train),
        training.dtype,
        room.get("floats"),
        training.encoding,
    )
    room["floats"] = scratch.floats
    rows = shared._replace(train=fold.train, validation=fold.validation, sample=fold.sample)
    pace = training.rows_a_second or 2e9 / max(1, training.layout.n_weights)
    while not control.should_stop():
        # The curve grows as it is needed: max_epochs may be a million.
        until = min(goal, 2 * max(_CURVE_EPOCHS, training.epoch))
        training.make_room(until)
        before = training.epoch
        if member.keep_networks:
            until = min(until, before + 1)
        budget = int(max(1, min(_CALL_SECONDS * pace, 2**40)))
        started = time.perf_counter()
        left = int(kernel(rows, training.encoding, training.plan, training.state, scratch, until, budget))
        spent = time.perf_counter() - started
        training.seconds_spent += spent
        if member.keep_networks and training.epoch > before:
            training.keep_network()
        if progress[R.STATUS] != R.RUNNING or progress[R.EPOCH] >= goal:
            return True
        if left <= 0:
            pace = training.rows_a_second = (budget - left) / max(1e-6, spent)
    return False


def _waited(progress: NDArray[np.int64]) -> int:
    """Epochs since the best one."""
    return int(progress[R.EPOCH] - progress[R.BEST_EPOCH])


def mlp_of(member: Member) -> MLP:
    """The member's architecture.

    Raises
    ------
    TrainingError
        Where it is none of this engine's.
    """
    if not isinstance(member.architecture, MLP):
        raise TrainingError(
            "The compiled engine trains networks of dense layers, and this one is "
            f"{member.architecture.label}."
        )
    return member.architecture


def network_of(member: Member, problem: Problem, fit: FoldFit) -> Network:
    """The member's network, for the features of its fold."""
    # A fold whose columns are all constant leaves no feature: its network sees one that is 0.
    return mlp_of(member).network(max(1, fit.encoder.n_features), problem.objective.n_outputs)


def _shared(problem: Problem, dtype: np.dtype[Any]) -> R.Rows:
    """The table's arrays as kernels want them; copies only what has another type or is read-only."""
    n = len(problem)
    ones = np.ones(n, dtype=dtype) if problem.fit_weight is None or problem.score_weight is None else None

    def weights(array: Floats | None) -> Any:
        return ones if array is None else np.require(array, dtype, ["C", "W"])

    nobody = np.empty(0, dtype=np.int32)
    values = np.require(table_of(problem).matrix.values, np.float32, ["C", "W"])
    target = np.require(problem.target, np.float64, ["C", "W"])
    fit, score = weights(problem.fit_weight), weights(problem.score_weight)
    row = score if problem.accuracy_weight is None else weights(problem.accuracy_weight)
    return R.Rows(values, target, fit, score, row, nobody, nobody, nobody)


def encoding_of(encoder: Encoder) -> R.Encoding:
    """An encoder's arrays, padded for the kernels."""
    length = -(-max(1, encoder.n_numbers) // 16) * 16

    def wide(values: Any) -> Any:
        out = np.zeros(length, dtype=np.float32)
        out[: encoder.n_numbers] = values
        return out

    def index(values: Any) -> Any:
        return np.array(values, dtype=np.int32)

    return R.Encoding(
        wide(encoder.center),
        wide(encoder.scale),
        index(encoder.flags),
        index(encoder.category_start),
        index(encoder.category_feature),
        np.float32(1.0 / 9.0 if encoder.clips else 0.0),
        index(range(encoder.first_piece, encoder.n_features)),
        index(encoder.pieces.column),
        np.array(encoder.pieces.low, dtype=np.float32),
        np.array(encoder.pieces.slope, dtype=np.float32),
        index(np.flatnonzero(np.diff(encoder.pieces.column, append=-1)) + 1),
    )


def plan_to_predict(layout: Layout, encoder: Encoder) -> R.Plan:
    """What the kernels have to know of a network to run it."""
    sizes = np.zeros(R.N_SIZES, dtype=np.int64)
    sizes[R.ACTIVATION] = ACTIVATION_CODES[layout.network.activation]
    sizes[R.NORMALIZE] = int(layout.normalize)
    sizes[R.N_NUMBERS] = encoder.n_numbers
    sizes[R.N_INPUTS] = layout.network.n_inputs
    sizes[R.N_DENSE] = encoder.first_piece if len(encoder.pieces) else layout.table[0, R.IN]
    sizes[R.N_WEIGHTS] = layout.n_weights
    sizes[R.N_PARAMETERS] = layout.n_parameters
    n = R.N_HYPERPARAMETERS + len(WEIGHT_TECHNIQUES) + len(UNIT_TECHNIQUES)
    return R.Plan(layout.table, sizes, np.zeros(n))


def plan_to_train(member: Member, layout: Layout, problem: Problem, fit: FoldFit) -> R.Plan:
    """One member in numbers."""
    hooks, fold = member.hooks, member.fold
    plan = plan_to_predict(layout, fit.encoder)
    sizes, hyperparameters = plan.sizes, plan.hyperparameters
    sizes[R.SEED] = member.seed
    sizes[R.BATCH] = max(1, min(member.batch_size, len(fold.train)))
    sizes[R.DROP_FROM] = FIRST_WITH_DROPOUT
    sizes[R.TASK] = R.CLASSES if problem.objective.n_classes else R.NUMBER
    sizes[R.WARMUP] = min(_WARMUP_STEPS, _WARMUP_EPOCHS * math.ceil(len(fold.train) / sizes[R.BATCH]))
    hyperparameters[R.LEARNING_RATE] = member.learning_rate
    hyperparameters[R.INPUT_DROP], hyperparameters[R.DROP] = hooks.input_drop, hooks.drop
    hyperparameters[R.MIX], hyperparameters[R.INPUT_NOISE] = hooks.mix, hooks.input_noise
    if hooks.input_drop or hooks.mix or hooks.input_noise:
        sizes[R.N_DENSE] = layout.table[0, R.IN]  # they change single inputs, so all are written out
    hyperparameters[R.SMOOTHING], hyperparameters[R.AVERAGE] = hooks.smoothing, member.average
    hyperparameters[R.MIN_DELTA] = hooks.min_delta
    hyperparameters[R.CENTER], hyperparameters[R.SCALE] = fit.center, fit.scale
    hyperparameters[R.BETA_1], hyperparameters[R.BETA_2], hyperparameters[R.EPSILON] = 0.9, 0.999, 1e-8
    hyperparameters[R.FIT_FACTOR] = 1.0
    hyperparameters[R.N_HYPERPARAMETERS :] = hooks.weight_amounts + hooks.unit_amounts
    if problem.fit_weight is not None:
        hyperparameters[R.FIT_FACTOR] = len(fold.train) / float(
            np.sum(problem.fit_weight[fold.train], dtype=np.float64)
        )
    return plan
