"""A network in training that goes on under another recipe: its weights, its optimizer and its epoch stay."""

from __future__ import annotations

import math

import numpy as np

from taut.engine.compiled import records as R
from taut.engine.compiled.training import CompiledTraining
from taut.learning.problem import Problem
from taut.learning.training import Member


def onward(training: CompiledTraining, member: Member, problem: Problem) -> CompiledTraining:
    """Give the same network as a training of another member, to be continued by the engine.

    What may differ is what the techniques do, the learning rate, the batch size, the seed and the last epoch.
    Batch normalization that was not there begins with a gain of 1 and no statistics; one that is gone takes
    its gain and statistics with it. Early stopping looks for its best epoch from here on.

    Parameters
    ----------
    training : CompiledTraining
        It is left as it is, between two epochs or within one: the epoch that it is in begins again.
    member : Member
        On the same fold and of the same architecture.
    problem : Problem
        The same.
    """
    new = CompiledTraining(member, problem, training.fit, training.dtype)
    old, before = training.layout, training.state
    new.make_room(max(1, training.epoch))
    state = new.state
    nothing = np.zeros(old.n_statistics, dtype=training.dtype)
    unused = np.zeros(new.layout.n_statistics, dtype=training.dtype)
    fresh = new.layout.unpack(state.parameters, state.statistics)
    last = before.parameters, before.statistics
    new.layout.pack(fresh | old.unpack(*last), state.parameters, state.statistics)
    if len(state.average):  # one that was not there begins with the weights as they stand
        average = (before.average, before.average_statistics) if len(before.average) else last
        new.layout.pack(fresh | old.unpack(*average), state.average, state.average_statistics)
    for name in ("first", "second"):  # moments of what is new are zero
        moments = new.layout.unpack(getattr(state, name), unused)
        new.layout.pack(moments | old.unpack(getattr(before, name), nothing), getattr(state, name), unused)
    n = training.epoch
    state.curve[:n] = before.curve[:n]
    if member.keep_losses and training.member.keep_losses:
        rows = n * len(member.fold.validation)
        state.losses[:rows] = before.losses[:rows]
    state.progress[R.EPOCH], state.progress[R.STEP] = n, before.progress[R.STEP]
    state.progress[R.BEST_EPOCH] = n
    state.sums[R.BEST_LOSS] = math.inf
    if new.stops_early:
        parameters, statistics = new.buffers("last")
        state.best_parameters[:], state.best_statistics[:] = parameters, statistics
    return new
