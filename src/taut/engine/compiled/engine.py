"""The engine on the CPU: compiled kernels, one member a thread at a time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from taut.engine import pool
from taut.engine.base import Control, Curve, Data, Engine, Floats, Indices, Member, Status, Training
from taut.engine.compiled import records as R
from taut.engine.compiled.functions import ACTIVATION_CODES
from taut.engine.compiled.initial import initial_weights
from taut.engine.compiled.kernels import Kernels, load_kernels
from taut.engine.compiled.layout import Layout
from taut.engine.compiled.scratch import aligned, scratch_for
from taut.table.encoder import Encoder

# A call into a kernel: shorter pays for the interpreter's lock, longer makes cancelling late.
_CALL_SECONDS = 0.05
_FOREVER = 2**31 - 1
_WARMUP_STEPS = 100
_PREDICT_ROWS = 8192  # rows a thread takes at a time


@final
class CompiledTraining(Training):
    """One member's numbers in the compiled engine."""

    def __init__(self, member: Member, data: Data, dtype: DTypeLike) -> None:
        self._member = member
        self.dtype = np.dtype(dtype)
        self.layout = Layout(member.network, member.hooks.normalize)
        self.encoding = encoding_of(member.fold.encoder)
        self.plan = _plan(member, self.layout, data)
        n, s = self.layout.n_parameters, self.layout.n_statistics
        early = member.hooks.patience is not None
        self.state = R.State(
            parameters=aligned(n, dtype),
            statistics=aligned(s, dtype),
            first=aligned(n, dtype),
            second=aligned(n, dtype),
            best_parameters=aligned(n if early else 0, dtype),
            best_statistics=aligned(s if early else 0, dtype),
            curve=np.full((0, 3), np.nan),
            progress=np.zeros(R.N_PROGRESS, dtype=np.int64),
            sums=np.zeros(R.N_SUMS),
        )
        self.state.sums[R.BEST_LOSS] = math.inf
        arrays = initial_weights(member.network, member.hooks.normalize, member.seed)
        self.layout.pack(arrays, self.state.parameters, self.state.statistics)
        self.rows_a_second = 0.0

    @property
    def member(self) -> Member:
        return self._member

    @property
    def status(self) -> Status:
        code = int(self.state.progress[R.STATUS])
        return (Status.RUNNING, Status.STOPPED, Status.DIVERGED)[code]

    @property
    def epoch(self) -> int:
        return int(self.state.progress[R.EPOCH])

    @property
    def best_epoch(self) -> int:
        return int(self.state.progress[R.BEST_EPOCH]) if self.stops_early else self.epoch

    @property
    def stops_early(self) -> bool:
        """Whether the best epoch's weights are the ones to keep."""
        return self._member.hooks.patience is not None and len(self._member.fold.validation) > 0

    @property
    def curve(self) -> Curve:
        lines = self.state.curve[: self.epoch]
        return Curve(
            lines[:, R.TRAIN_LOSS].copy(), lines[:, R.VALIDATION_LOSS].copy(), lines[:, R.VALIDATION_HITS].copy()
        )

    def buffers(self, which: Literal["kept", "last"]) -> tuple[Floats, Floats]:
        """Flat parameters and statistics."""
        if which == "kept" and self.stops_early and self.best_epoch > 0:
            return self.state.best_parameters, self.state.best_statistics
        return self.state.parameters, self.state.statistics

    def weights(self, which: Literal["kept", "last"] = "kept") -> dict[str, Floats]:
        return self.layout.unpack(*self.buffers(which))

    def make_room(self, epochs: int) -> None:
        """Let the curve hold this many epochs."""
        curve = self.state.curve
        if len(curve) < epochs:
            longer = np.full((epochs, curve.shape[1]), np.nan)
            longer[: len(curve)] = curve
            self.state = self.state._replace(curve=longer)


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
        self.threads = pool.n_threads(n_jobs)
        self.dtype = np.dtype(dtype)

    @property
    def kernels(self) -> Kernels:
        """The compiled kernels; compiles on first use."""
        return load_kernels(self.dtype)

    def train(
        self,
        data: Data,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        control = control or Control()
        kernel = self.kernels.train_some
        shared = _shared(data, self.dtype)
        trainings = [m if isinstance(m, CompiledTraining) else self._begin(m, data) for m in members]
        news = threading.Lock()

        def work(index: int, room: dict[str, Any]) -> None:
            if _train_one(kernel, shared, trainings[index], until_epoch, control, room) and control.on_done:
                with news:
                    control.on_done(index)

        # The longest first, so that the last thread is not left alone with a long one.
        order = sorted(range(len(trainings)), key=lambda i: -trainings[i].layout.n_weights)
        pool.run(order, work, dict, self.threads, control.cancelled)
        return list(trainings)

    def _begin(self, member: Member | Training, data: Data) -> CompiledTraining:
        if isinstance(member, Training):
            raise TypeError(f"a {type(member).__name__} comes from another engine and cannot be gone on with here")
        return CompiledTraining(member, data, self.dtype)

    def predict(
        self, values: NDArray[np.float32], training: Training, rows: Indices, which: Literal["kept", "last"] = "kept"
    ) -> Floats:
        if not isinstance(training, CompiledTraining):
            raise TypeError(f"a {type(training).__name__} comes from another engine and cannot predict here")
        return self._predict(
            values, training.layout, training.encoding, training.plan, *training.buffers(which), training.member.fold, rows
        )

    def predict_with(
        self, values: NDArray[np.float32], member: Member, weights: dict[str, Floats], rows: Indices
    ) -> Floats:
        """Outputs of a network given by its weights (of :meth:`Training.weights`), as :meth:`predict` gives them."""
        layout = Layout(member.network, member.hooks.normalize)
        parameters, statistics = aligned(layout.n_parameters, self.dtype), aligned(layout.n_statistics, self.dtype)
        layout.pack(weights, parameters, statistics)
        plan = _plan(member, layout, None)
        encoding = encoding_of(member.fold.encoder)
        return self._predict(values, layout, encoding, plan, parameters, statistics, member.fold, rows)

    def _predict(
        self, values: Any, layout: Layout, encoding: R.Encoding, plan: R.Plan, parameters: Floats, statistics: Floats,
        fold: Any, rows: Indices,
    ) -> Floats:  # fmt: skip
        out = np.empty((len(rows), layout.network.n_outputs), dtype=self.dtype)
        kernel = self.kernels.predict_rows
        values = np.require(values, np.float32, ["C", "W"])
        rows = np.require(rows, np.int32, ["C", "W"])

        def work(start: int, room: dict[str, Any]) -> None:
            if "scratch" not in room:
                room["scratch"] = scratch_for(layout, R.BLOCK, 1, self.dtype, None)
            part = slice(start, start + _PREDICT_ROWS)
            kernel(values, encoding, plan, parameters, statistics, room["scratch"], rows[part], out[part])

        starts = range(0, len(rows), _PREDICT_ROWS)
        if len(starts) == 1:
            work(0, {})
        elif pool.run(starts, work, dict, self.threads, threading.Event()):
            raise KeyboardInterrupt
        if fold.scale != 1.0 or fold.center != 0.0:
            out *= self.dtype.type(fold.scale)
            out += self.dtype.type(fold.center)
        return out


def _train_one(
    kernel: Any, shared: R.Rows, training: CompiledTraining, until_epoch: int | None, control: Control, room: dict[str, Any]
) -> bool:
    """Take one member as far as it goes; says whether it got there."""
    member = training.member
    goal = member.max_epochs if until_epoch is None else until_epoch
    sizes, progress = training.plan.sizes, training.state.progress
    patience = member.hooks.patience if training.stops_early else 0
    if until_epoch is None:
        sizes[R.PATIENCE] = patience
    else:
        # Beyond its patience, the best epoch is still looked for.
        sizes[R.PATIENCE] = _FOREVER if patience else 0
        if progress[R.STATUS] == R.PATIENCE_OVER and progress[R.EPOCH] < goal:
            progress[R.STATUS] = R.RUNNING
    training.make_room(goal)
    fold = member.fold
    scratch = scratch_for(training.layout, int(sizes[R.BATCH]) + 1, len(fold.train), training.dtype, room.get("floats"))
    room["floats"] = scratch.floats
    rows = shared._replace(train=fold.train, validation=fold.validation, sample=fold.sample)
    pace = training.rows_a_second or 2e9 / max(1, training.layout.n_weights)
    while not control.should_stop():
        budget = int(max(1, min(_CALL_SECONDS * pace, 2**40)))
        started = time.perf_counter()
        left = int(kernel(rows, training.encoding, training.plan, training.state, scratch, goal, budget))
        if left > 0:
            return True
        pace = (budget - left) / max(1e-6, time.perf_counter() - started)
        training.rows_a_second = pace
        if progress[R.STATUS] != R.RUNNING or progress[R.EPOCH] >= goal:
            return True
    return False


def _shared(data: Data, dtype: np.dtype[Any]) -> R.Rows:
    """The table's arrays as the kernels want them; copies only what has another type or may not be written."""
    n = len(data.values)
    ones = np.ones(n, dtype=dtype) if data.fit_weight is None or data.score_weight is None else None

    def real(array: Floats | None) -> Any:
        return ones if array is None else np.require(array, dtype, ["C", "W"])

    nobody = np.empty(0, dtype=np.int32)
    values = np.require(data.values, np.float32, ["C", "W"])
    return R.Rows(
        values, real(data.target), real(data.fit_weight), real(data.score_weight), nobody, nobody, nobody
    )


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
    )


def _plan(member: Member, layout: Layout, data: Data | None) -> R.Plan:
    """One member in numbers."""
    hooks, fold, network = member.hooks, member.fold, member.network
    sizes = np.zeros(R.N_SIZES, dtype=np.int64)
    batch = max(1, min(member.batch_size, len(fold.train)))
    sizes[R.SEED] = member.seed
    sizes[R.BATCH] = batch
    sizes[R.ACTIVATION] = ACTIVATION_CODES[network.activation]
    sizes[R.NORMALIZE] = int(hooks.normalize)
    sizes[R.DROP_FROM] = drop_from(len(network.hidden), hooks.normalize)
    sizes[R.N_NUMBERS] = fold.encoder.n_numbers
    sizes[R.N_WEIGHTS] = layout.n_weights
    sizes[R.N_PARAMETERS] = layout.n_parameters
    sizes[R.TASK] = R.CLASSES if network.n_outputs > 1 else R.NUMBER
    sizes[R.WARMUP] = _WARMUP_STEPS
    knobs = np.zeros(R.N_KNOBS)
    knobs[R.LEARNING_RATE] = member.learning_rate
    knobs[R.INPUT_DROP], knobs[R.DROP] = hooks.input_drop, hooks.drop
    knobs[R.MIN_DELTA] = hooks.min_delta
    knobs[R.CENTER], knobs[R.SCALE] = fold.center, fold.scale
    knobs[R.BETA_1], knobs[R.BETA_2], knobs[R.EPSILON] = 0.9, 0.999, 1e-8
    knobs[R.FIT_FACTOR] = 1.0
    if data is not None and data.fit_weight is not None:
        knobs[R.FIT_FACTOR] = len(fold.train) / float(np.sum(data.fit_weight[fold.train], dtype=np.float64))
    return R.Plan(layout.table, sizes, knobs, np.array(hooks.weight_amounts, dtype=np.float64))


def drop_from(n_hidden: int, normalize: bool) -> int:
    """The first hidden layer with dropout: behind the last batch norm only, whose statistics it would shift."""
    return n_hidden - 1 if normalize else 0
