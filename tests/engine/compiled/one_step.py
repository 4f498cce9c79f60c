"""One training step of the compiled engine, laid open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from taut.engine.compiled.fitted import FoldFit, fit_fold
from taut.engine.compiled.kernels import load_kernels
from taut.engine.compiled.layout import stride
from taut.engine.compiled.plans import rows_of
from taut.engine.compiled.records import BATCH, Rows, Scratch
from taut.engine.compiled.scratch import GRADIENT, LAYER, OUTPUTS, scratch_for
from taut.engine.compiled.training import CompiledTraining
from taut.learning.problem import Problem
from taut.learning.training import Member


def begun(
    problem: Problem, member: Member, dtype: Any = np.float32, fit: FoldFit | None = None
) -> CompiledTraining:
    """A member before its first step; fitted on its fold where nothing else is given."""
    return CompiledTraining(member, problem, fit or fit_fold(problem, member.fold), dtype)


@dataclass
class OneStep:
    """All rows of a member in one batch, as often as wanted, in float64."""

    problem: Problem
    training: CompiledTraining
    rows: Rows
    scratch: Scratch

    @classmethod
    def of(cls, problem: Problem, member: Member, fit: FoldFit | None = None) -> OneStep:
        fold, nobody = member.fold, np.empty(0, dtype=np.int32)
        n = len(fold.train)
        member = replace(member, batch_size=n, fold=replace(fold, validation=nobody, sample=nobody))
        training = begun(problem, member, np.float64, fit)
        shared = rows_of(problem, np.dtype(np.float64))
        rows = shared._replace(train=fold.train, validation=nobody, sample=nobody)
        scratch = scratch_for(
            training.layout, int(training.plan.sizes[BATCH]) + 1, n, np.float64, None, training.encoding
        )
        return cls(problem, training, rows, scratch)

    def go(self, budget: int = 10**6) -> None:
        """Go one epoch on, which is one step; or as far as the budget of rows goes."""
        training, epoch = self.training, self.training.epoch + 1
        training.make_room(epoch)
        kernel = load_kernels(np.float64).train_some
        kernel(self.rows, training.encoding, training.plan, training.state, self.scratch, epoch, budget)

    @property
    def order(self) -> Any:
        """The rows of the table in the order of the batch."""
        return self.scratch.order

    def part(self, place: int, width: int) -> Any:
        """What lies at a place of the scratch, one line a row of the batch."""
        start = self.scratch.offsets[place]
        step = stride(width)
        return self.scratch.floats[start : start + len(self.order) * step].reshape(-1, step)[:, :width].copy()

    def outputs(self) -> Any:
        """D loss / d output."""
        n = self.training.layout.network.n_outputs
        return self.part(OUTPUTS, int(self.training.layout.table[-1, 1]))[:, :n]

    def inputs(self) -> Any:
        """The encoded batch, dropout included."""
        n = self.training.layout.network.n_inputs
        return self.part(LAYER, int(self.training.layout.table[0, 0]))[:, :n]

    def activations(self, layer: int) -> Any:
        """What a hidden layer gave, dropout included."""
        n = self.training.layout.network.hidden[layer]
        return self.part(LAYER + 4 * (layer + 1), int(self.training.layout.table[layer, 1]))[:, :n]

    def gradients(self) -> dict[str, Any]:
        """D loss / d parameter, by name."""
        layout = self.training.layout
        start = self.scratch.offsets[GRADIENT]
        flat = self.scratch.floats[start : start + layout.n_parameters]
        return layout.unpack(flat, np.zeros(layout.n_statistics))
