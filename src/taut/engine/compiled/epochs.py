"""Epochs of one member: training, evaluation, and the decision to stop, resumable after any step."""

from __future__ import annotations

import math
from typing import Any

from taut.engine.compiled.gather import add_noise, drop_inputs, gather, mix_rows
from taut.engine.compiled.jit import part
from taut.engine.compiled.looked_up import find_pieces, is_looked_up
from taut.engine.compiled.losses import add_losses, loss_gradient
from taut.engine.compiled.passes import (
    average_steps,
    backward,
    forward_evaluation,
    forward_training,
    layer_places,
    update,
)
from taut.engine.compiled.random import shuffled
from taut.engine.compiled.records import (
    AVERAGE,
    BATCH,
    BEST_EPOCH,
    BEST_LOSS,
    BLOCK,
    CORRECT_SUM,
    CURSOR,
    DIVERGED,
    EPOCH,
    IN,
    IN_STRIDE,
    LOSS_SUM,
    MIN_DELTA,
    N_DENSE,
    N_NUMBERS,
    N_PARAMETERS,
    OUT_STRIDE,
    PATIENCE,
    PATIENCE_OVER,
    PHASE,
    ROW_SUM,
    RUNNING,
    SAMPLING,
    SEED,
    STATUS,
    STEP,
    TRAIN_LOSS,
    TRAINING,
    TRUE_OUT,
    VALIDATING,
    VALIDATION_CORRECT,
    VALIDATION_LOSS,
    WEIGHT_SUM,
)
from taut.engine.compiled.scratch import OUTPUTS
from taut.engine.compiled.simd import LANES


def train_some(
    rows: Any, encoding: Any, plan: Any, state: Any, scratch: Any, until_epoch: int, budget: int
) -> int:
    """Continue a member for about ``budget`` rows, at most to the end of epoch ``until_epoch``.

    Returns the number of rows not used up; more than 0 means that the member is at that epoch or stopped.
    """
    progress = state.progress
    if progress[PHASE] == TRAINING:
        shuffled(scratch.order, len(rows.train), plan.sizes[SEED], progress[EPOCH])
    while budget > 0 and progress[EPOCH] < until_epoch and progress[STATUS] == RUNNING:
        if progress[PHASE] == TRAINING:
            budget -= _train_step(rows, encoding, plan, state, scratch)
        else:
            validating = progress[PHASE] == VALIDATING
            chosen = rows.validation if validating else rows.sample
            column = VALIDATION_LOSS if validating else TRAIN_LOSS
            budget -= _evaluate_block(rows, encoding, plan, state, scratch, chosen, column)
        if progress[PHASE] > SAMPLING:
            _end_epoch(plan, state)
            if progress[EPOCH] < until_epoch and progress[STATUS] == RUNNING:
                shuffled(scratch.order, len(rows.train), plan.sizes[SEED], progress[EPOCH])
    return budget


@part
def _train_step(rows: Any, encoding: Any, plan: Any, state: Any, scratch: Any) -> int:
    """One batch; returns its rows.  A last batch of one row is merged into the one before."""
    progress = state.progress
    n, start, batch = len(rows.train), progress[CURSOR], plan.sizes[BATCH]
    count = min(batch, n - start)
    if n - start - count == 1:
        count += 1
    epoch, step = progress[EPOCH], start
    first, last = plan.layers[0], plan.layers[len(plan.layers) - 1]
    x0, _, _, _ = layer_places(scratch, 0)
    _gather_shuffled(rows, encoding, plan, scratch, start, count)
    mix_rows(scratch.floats, x0, first[IN], first[IN_STRIDE], count, plan, epoch, step)
    add_noise(scratch.floats, x0, first[IN_STRIDE], count, plan, epoch, step)
    drop_inputs(scratch.floats, x0, first[IN], first[IN_STRIDE], count, plan, epoch, step)
    forward_training(plan, encoding, state, scratch, count, epoch, step)
    loss_gradient(
        scratch.floats,
        scratch.offsets[OUTPUTS],
        last[OUT_STRIDE],
        last[TRUE_OUT],
        rows,
        plan,
        scratch.order,
        start,
        count,
        epoch,
        step,
    )
    backward(plan, encoding, state, scratch, count)
    update(plan, state, scratch)
    progress[STEP] += 1
    average_steps(plan, state)
    progress[CURSOR] = start + count
    if progress[CURSOR] >= n:
        progress[PHASE], progress[CURSOR] = VALIDATING, 0
        _clear(state.sums)
    return count


@part
def _gather_shuffled(rows: Any, encoding: Any, plan: Any, scratch: Any, start: int, count: int) -> None:
    """The next rows of the epoch's order; turns positions among the training rows into rows of the table."""
    order = scratch.order
    for i in range(start, start + count):
        order[i] = rows.train[order[i]]
    _gather_rows(plan, rows.values, encoding, scratch, order, start, count)


@part
def _gather_rows(
    plan: Any, values: Any, encoding: Any, scratch: Any, chosen: Any, start: int, count: int
) -> None:
    """Encode rows ``chosen[start:start + count]`` into the first layer's input."""
    x0, _, _, _ = layer_places(scratch, 0)
    sizes, stride = plan.sizes, plan.layers[0, IN_STRIDE]
    width = (sizes[N_DENSE] + LANES - 1) // LANES * LANES
    f, n_numbers, looked_up = scratch.floats, sizes[N_NUMBERS], is_looked_up(plan)
    n_pieces = 0 if looked_up else len(encoding.piece_feature)
    gather(f, x0, width, stride, values, encoding, n_numbers, n_pieces, chosen, start, count)
    if looked_up:
        find_pieces(values, encoding, scratch, chosen, start, count)


@part
def _evaluate_block(
    rows: Any, encoding: Any, plan: Any, state: Any, scratch: Any, chosen: Any, column: int
) -> int:
    """Score the next block of the chosen rows; at their end, write the mean into the curve's column."""
    progress, sums = state.progress, state.sums
    start = progress[CURSOR]
    count = min(BLOCK, len(chosen) - start)
    if count > 0:
        parameters, statistics = _evaluated(plan, state)
        evaluate(rows.values, encoding, plan, parameters, statistics, scratch, chosen, start, count)
        last = plan.layers[len(plan.layers) - 1]
        index = -1
        if column == VALIDATION_LOSS and len(state.losses) > 0:
            index = progress[EPOCH] * len(chosen) + start
        if column == VALIDATION_LOSS and len(state.outputs) > 0:
            z0, stride, width = scratch.offsets[OUTPUTS], last[OUT_STRIDE], last[TRUE_OUT]
            first = (progress[EPOCH] * len(chosen) + start) * width
            for i in range(count):
                for j in range(width):
                    state.outputs[first + i * width + j] = scratch.floats[z0 + i * stride + j]
        add_losses(
            scratch.floats,
            scratch.offsets[OUTPUTS],
            last[OUT_STRIDE],
            last[TRUE_OUT],
            rows,
            plan,
            chosen,
            start,
            count,
            sums,
            state.losses,
            index,
        )
        progress[CURSOR] = start + count
    if progress[CURSOR] >= len(chosen):
        line, weight = state.curve[progress[EPOCH]], sums[WEIGHT_SUM]
        line[column] = math.nan
        if weight > 0.0:
            # NaN means that nothing was scored; a loss that is none is as bad as can be.
            line[column] = math.inf if math.isnan(sums[LOSS_SUM]) else sums[LOSS_SUM] / weight
        if column == VALIDATION_LOSS:
            line[VALIDATION_CORRECT] = sums[CORRECT_SUM] / sums[ROW_SUM] if sums[ROW_SUM] > 0.0 else math.nan
        _clear(sums)
        progress[PHASE] += 1
        progress[CURSOR] = 0
    return max(1, count // 3)  # an evaluation costs about a third of a training step


@part
def _evaluated(plan: Any, state: Any) -> tuple[Any, Any]:
    """The numbers that are evaluated and kept: those of the last step, or their averages over the steps."""
    if plan.hyperparameters[AVERAGE] > 0.0:
        return state.average, state.average_statistics
    return state.parameters, state.statistics


@part
def _clear(sums: Any) -> None:
    """Begin to add up anew."""
    sums[LOSS_SUM] = sums[WEIGHT_SUM] = sums[CORRECT_SUM] = sums[ROW_SUM] = 0.0


@part
def evaluate(
    values: Any,
    encoding: Any,
    plan: Any,
    parameters: Any,
    statistics: Any,
    scratch: Any,
    chosen: Any,
    start: int,
    count: int,
) -> None:
    """Outputs of rows ``chosen[start:start + count]`` in evaluation mode, left at OUTPUTS."""
    _gather_rows(plan, values, encoding, scratch, chosen, start, count)
    forward_evaluation(plan, encoding, parameters, statistics, scratch, count)


@part
def _end_epoch(plan: Any, state: Any) -> None:
    """Count the epoch; look for divergence, for a new best, and for the end of patience."""
    progress, sums = state.progress, state.sums
    epoch = progress[EPOCH]
    progress[EPOCH], progress[PHASE], progress[CURSOR] = epoch + 1, TRAINING, 0
    size = 0.0
    for i in range(plan.sizes[N_PARAMETERS]):
        size += abs(float(state.parameters[i]))
    train, validation = state.curve[epoch, TRAIN_LOSS], state.curve[epoch, VALIDATION_LOSS]
    if not math.isfinite(size) or math.isinf(train) or math.isinf(validation):
        progress[STATUS] = DIVERGED
        return
    if plan.sizes[PATIENCE] <= 0:
        return
    if validation < sums[BEST_LOSS] - plan.hyperparameters[MIN_DELTA] or epoch == 0:
        sums[BEST_LOSS] = validation
        progress[BEST_EPOCH] = epoch + 1
        parameters, statistics = _evaluated(plan, state)
        _copy(state.best_parameters, parameters)
        _copy(state.best_statistics, statistics)
    elif epoch + 1 - progress[BEST_EPOCH] >= plan.sizes[PATIENCE]:
        progress[STATUS] = PATIENCE_OVER


@part
def _copy(target: Any, source: Any) -> None:
    """Copy numbers; assigning slices would bring error messages and seconds of compiling along."""
    for i in range(len(source)):
        target[i] = source[i]


def predict_rows(
    values: Any,
    encoding: Any,
    plan: Any,
    parameters: Any,
    statistics: Any,
    scratch: Any,
    chosen: Any,
    out: Any,
) -> None:
    """Raw outputs (logits, or values in the fold's units) of the chosen rows into out (n, n_outputs)."""
    last = plan.layers[len(plan.layers) - 1]
    z0, stride = scratch.offsets[OUTPUTS], last[OUT_STRIDE]
    for start in range(0, len(chosen), BLOCK):
        count = min(BLOCK, len(chosen) - start)
        evaluate(values, encoding, plan, parameters, statistics, scratch, chosen, start, count)
        for i in range(count):
            for j in range(last[TRUE_OUT]):
                out[start + i, j] = scratch.floats[z0 + i * stride + j]
