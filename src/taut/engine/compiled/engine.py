"""The engine on the CPU: compiled kernels, one member a thread at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import DTypeLike, NDArray

from taut.engine import pool
from taut.engine.compiled import memory
from taut.engine.compiled import records as R
from taut.engine.compiled.fitted import FittedMLP, FoldFit, fit_fold, table_of
from taut.engine.compiled.kernels import Kernels, load_kernels
from taut.engine.compiled.layout import Layout
from taut.engine.compiled.plans import encoding_of, mlp_of, network_of, plan_to_predict, rows_of
from taut.engine.compiled.scratch import aligned, scratch_for
from taut.engine.compiled.training import CompiledTraining, in_units
from taut.learning.engine import Engine
from taut.learning.examples import Examples, Indices
from taut.learning.objective import Floats
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Fitted, Member, Training
from taut.table.examples import TableExamples

# A call into a kernel: shorter pays for the interpreter's lock, longer makes cancelling late.
_CALL_SECONDS = 0.05
_FOREVER = 2**31 - 1
_CURVE_EPOCHS = 64  # a curve has room for twice as many, to begin with
_PREDICT_ROWS = 8192  # rows a thread takes at a time


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
        shared = rows_of(problem, self.dtype)
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
