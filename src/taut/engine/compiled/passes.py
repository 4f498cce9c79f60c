"""Forward and backward through a whole network, and the step that follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from taut.engine.compiled.functions import RELU
from taut.engine.compiled.jit import part
from taut.engine.compiled.layers import (
    VARIANCE_FLOOR,
    activate_block,
    deactivate_block,
    denormalize_block,
    moments_of_block,
    move_statistics,
)
from taut.engine.compiled.looked_up import add_pieces, is_looked_up, pieces_gradient
from taut.engine.compiled.matmul import forward_product, input_product, weight_product
from taut.engine.compiled.random import MASK, stream_key
from taut.engine.compiled.records import (
    ACTIVATION,
    AVERAGE,
    BETA_1,
    BETA_2,
    DROP,
    DROP_FROM,
    EPSILON,
    GAIN,
    IN,
    IN_STRIDE,
    LEARNING_RATE,
    N_DENSE,
    N_HYPERPARAMETERS,
    N_INPUTS,
    N_PARAMETERS,
    N_WEIGHTS,
    NORMALIZE,
    OUT,
    OUT_STRIDE,
    SEED,
    SHIFT,
    STATISTICS,
    STEP,
    TRUE_OUT,
    WARMUP,
    WEIGHTS,
)
from taut.engine.compiled.scratch import GRAD_A, GRAD_B, GRADIENT, LAYER, OUTPUTS, STRIP, TURNED
from taut.engine.compiled.simd import LANES, fabs, load, select, splat, sqrt, store
from taut.techniques import UNIT_TECHNIQUES, WEIGHT_TECHNIQUES

_FIRST_UNIT = N_HYPERPARAMETERS + len(WEIGHT_TECHNIQUES)  # their strengths are the last hyperparameters
_TINY_FIRST, _TINY_SECOND = 1e-30, 1e-36  # moments of dead weights are cut off before they turn denormal


@part
def layer_places(scratch: Any, layer: int) -> tuple[int, int, int, int]:
    """Where layer's output, hat, slope and inverse deviation lie; layer 0 is the input."""
    at = LAYER + 4 * layer
    p = scratch.offsets
    return p[at], p[at + 1], p[at + 2], p[at + 3]


@part
def forward_training(
    plan: Any, encoding: Any, state: Any, scratch: Any, count: int, epoch: int, step: int
) -> None:
    """From the encoded batch to the outputs (at OUTPUTS), with batch statistics and masks."""
    f, parameters, statistics = scratch.floats, state.parameters, state.statistics
    normalize, activation = plan.sizes[NORMALIZE] != 0, plan.sizes[ACTIVATION]
    for layer in range(len(plan.layers) - 1):
        d = plan.layers[layer]
        width, stride = d[OUT], d[OUT_STRIDE]
        out0, hat0, slope0, inverse0 = layer_places(scratch, layer + 1)
        z0 = hat0 if normalize else out0
        _dense(plan, encoding, parameters, scratch, layer, z0, count)
        drop = plan.hyperparameters[DROP] if layer >= plan.sizes[DROP_FROM] else 0.0
        key_a, key_b = stream_key(plan.sizes[SEED], MASK + (layer << 8), epoch, step)
        for j in range(0, width, LANES):
            mean, inverse, gain = splat(f, 0.0), splat(f, 1.0), splat(f, 1.0)
            if normalize:
                mean, variance = moments_of_block(f, z0 + j, stride, count)
                move_statistics(
                    statistics, d[STATISTICS] + j, width, mean, variance, count, state.progress[STEP] + 1
                )
                inverse = 1.0 / sqrt(variance + VARIANCE_FLOOR)
                store(f, inverse0 + j, inverse)
                gain = load(parameters, d[GAIN] + j)
            activate_block(
                f, out0 + j, slope0 + j, z0 + j, stride, count, mean, inverse, gain,
                load(parameters, d[SHIFT] + j), normalize, activation, activation != RELU, drop, j, width,
                key_a, key_b,
            )  # fmt: skip
    _outputs(plan, encoding, parameters, scratch, count)


@part
def forward_evaluation(
    plan: Any, encoding: Any, parameters: Any, statistics: Any, scratch: Any, count: int
) -> None:
    """From the encoded batch to the outputs, with running statistics and without masks."""
    f = scratch.floats
    normalize, activation = plan.sizes[NORMALIZE] != 0, plan.sizes[ACTIVATION]
    none = splat(f, 0.0)
    for layer in range(len(plan.layers) - 1):
        d = plan.layers[layer]
        width, stride = d[OUT], d[OUT_STRIDE]
        out0, _, _, _ = layer_places(scratch, layer + 1)
        _dense(plan, encoding, parameters, scratch, layer, out0, count)
        for j in range(0, width, LANES):
            gain = splat(f, 1.0)
            shift = load(parameters, d[SHIFT] + j)
            if normalize:
                variance = load(statistics, d[STATISTICS] + width + j)
                gain = load(parameters, d[GAIN] + j) / sqrt(variance + VARIANCE_FLOOR)
                shift = shift - load(statistics, d[STATISTICS] + j) * gain
            activate_block(
                f, out0 + j, 0, out0 + j, stride, count, none, none, gain, shift, False, activation, False,
                0.0, 0, 0, 0, 0,
            )  # fmt: skip
    _outputs(plan, encoding, parameters, scratch, count)


@part
def _dense(plan: Any, encoding: Any, parameters: Any, scratch: Any, layer: int, z0: int, count: int) -> None:
    """A layer's inputs times its weights."""
    d = plan.layers[layer]
    x0, _, _, _ = layer_places(scratch, layer)
    n_in = plan.sizes[N_DENSE] if layer == 0 else d[IN]
    forward_product(
        scratch.floats, z0, d[OUT_STRIDE], x0, d[IN_STRIDE], parameters, d[WEIGHTS], count, n_in, d[OUT],
        scratch.offsets[STRIP],
    )  # fmt: skip
    if layer == 0 and is_looked_up(plan):
        w0 = d[WEIGHTS] + n_in * d[OUT]
        add_pieces(encoding, scratch, z0, d[OUT_STRIDE], parameters, w0, d[OUT], count)


@part
def _outputs(plan: Any, encoding: Any, parameters: Any, scratch: Any, count: int) -> None:
    """The last dense layer and its bias."""
    f, z0, last = scratch.floats, scratch.offsets[OUTPUTS], len(plan.layers) - 1
    d = plan.layers[last]
    _dense(plan, encoding, parameters, scratch, last, z0, count)
    for j in range(0, d[OUT], LANES):
        bias = load(parameters, d[SHIFT] + j)
        for i in range(count):
            at = z0 + i * d[OUT_STRIDE] + j
            store(f, at, load(f, at) + bias)


@part
def backward(plan: Any, encoding: Any, state: Any, scratch: Any, count: int) -> None:
    """From d loss / d output (at OUTPUTS) to the gradient of every parameter (at GRADIENT)."""
    f, parameters, p = scratch.floats, state.parameters, scratch.offsets
    g0 = p[GRADIENT]
    normalize, activation = plan.sizes[NORMALIZE] != 0, plan.sizes[ACTIVATION]
    last = len(plan.layers) - 1
    dz0 = p[OUTPUTS]
    for layer in range(last, -1, -1):
        d = plan.layers[layer]
        n_in, width, stride = d[IN], d[OUT], d[OUT_STRIDE]
        if layer == last:
            for j in range(0, width, LANES):
                s = splat(f, 0.0)
                for i in range(count):
                    s = s + load(f, dz0 + i * stride + j)
                store(f, g0 + d[SHIFT] + j, s)
        else:
            out0, hat0, slope0, inverse0 = layer_places(scratch, layer + 1)
            drop = plan.hyperparameters[DROP] if layer >= plan.sizes[DROP_FROM] else 0.0
            hat0 = hat0 if normalize else out0  # without batch norm the second sum is not used
            for j in range(0, width, LANES):
                dy_sum, dy_hat_sum = deactivate_block(
                    f, dz0 + j, out0 + j, slope0 + j, hat0 + j, stride, count, activation, drop
                )
                store(f, g0 + d[SHIFT] + j, dy_sum)
                if normalize:
                    store(f, g0 + d[GAIN] + j, dy_hat_sum)
                    gain, inverse = load(parameters, d[GAIN] + j), load(f, inverse0 + j)
                    denormalize_block(f, dz0 + j, hat0 + j, stride, count, dy_sum, dy_hat_sum, gain, inverse)
        x0, _, _, _ = layer_places(scratch, layer)
        n_dense = plan.sizes[N_DENSE] if layer == 0 else n_in
        weight_product(f, g0 + d[WEIGHTS], x0, d[IN_STRIDE], dz0, stride, count, n_dense, width, p[STRIP])
        if layer == 0 and is_looked_up(plan):
            at = g0 + d[WEIGHTS] + n_dense * width
            pieces_gradient(encoding, scratch, at, dz0, stride, width, count)
            for padding in range(plan.sizes[N_INPUTS] * width, n_in * width, LANES):
                store(f, g0 + d[WEIGHTS] + padding, splat(f, 0.0))
        if layer > 0:
            dx0 = p[GRAD_A] if dz0 != p[GRAD_A] else p[GRAD_B]
            input_product(
                f, dx0, d[IN_STRIDE], dz0, stride, parameters, d[WEIGHTS], count, n_in, width, d[TRUE_OUT],
                p[TURNED], p[STRIP],
            )  # fmt: skip
            dz0 = dx0


def _compose(steps: tuple[Callable[..., Any], ...], index: int = 0) -> Any:
    """Chain the techniques' weight steps, in their order, into one compiled function."""
    if index == len(steps):

        @part
        def unchanged(w: Any, hyperparameters: Any, learning_rate: float) -> Any:
            return w

        return unchanged
    step, rest = part(steps[index]), _compose(steps, index + 1)

    @part
    def stepped(w: Any, hyperparameters: Any, learning_rate: float) -> Any:
        amount = learning_rate * hyperparameters[N_HYPERPARAMETERS + index]
        return rest(step(w, amount), hyperparameters, learning_rate)

    return stepped


_on_weights = _compose(tuple(t.weight_step for t in WEIGHT_TECHNIQUES))


@part
def update(plan: Any, state: Any, scratch: Any) -> None:
    """One step of Adam (Kingma and Ba 2015) with linear warm-up; then the techniques on the weights.

    These are decoupled from the gradient (Loshchilov and Hutter 2019), and leave shifts and gains alone.
    Those on units come last.
    """
    f, g0 = scratch.floats, scratch.offsets[GRADIENT]
    hyperparameters, t = plan.hyperparameters, state.progress[STEP] + 1
    learning_rate = hyperparameters[LEARNING_RATE] * min(1.0, t / max(1.0, float(plan.sizes[WARMUP])))
    b1, b2 = hyperparameters[BETA_1], hyperparameters[BETA_2]
    # w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), with both corrections drawn out of the loop
    root = math.sqrt(1.0 - b2**t)
    step_size = learning_rate * root / (1.0 - b1**t)
    epsilon = hyperparameters[EPSILON] * root
    n_weights = plan.sizes[N_WEIGHTS]
    for j in range(0, plan.sizes[N_PARAMETERS], LANES):
        g = load(f, g0 + j)
        m = load(state.first, j) * b1 + g * (1.0 - b1)
        v = load(state.second, j) * b2 + g * g * (1.0 - b2)
        m = select(fabs(m) < _TINY_FIRST, 0.0, m)
        v = select(v < _TINY_SECOND, 0.0, v)
        store(state.first, j, m)
        store(state.second, j, v)
        w = load(state.parameters, j) - m * step_size / (sqrt(v) + epsilon)
        if j < n_weights:
            w = _on_weights(w, hyperparameters, learning_rate)
        store(state.parameters, j, w)
    _step_units(plan, state.parameters, learning_rate)


def _compose_factors(steps: tuple[Callable[..., Any], ...], index: int = 0) -> Any:
    """Chain the techniques' unit steps, in their order, into one compiled function that gives a factor."""
    if index == len(steps):

        @part
        def unchanged(norm: Any, hyperparameters: Any, learning_rate: float) -> float:
            return 1.0

        return unchanged
    step, rest = part(steps[index]), _compose_factors(steps, index + 1)

    @part
    def factor(norm: Any, hyperparameters: Any, learning_rate: float) -> Any:
        own = step(norm, hyperparameters[_FIRST_UNIT + index], learning_rate)
        return own * rest(norm * own, hyperparameters, learning_rate)

    return factor


_on_units = _compose_factors(tuple(t.unit_step for t in UNIT_TECHNIQUES))


@part
def _step_units(plan: Any, parameters: Any, learning_rate: float) -> None:
    """The techniques on units: each hidden unit's incoming weights times one factor."""
    strongest = 0.0
    for k in range(_FIRST_UNIT, len(plan.hyperparameters)):
        strongest = max(strongest, plan.hyperparameters[k])
    if strongest <= 0.0:
        return
    for layer in range(len(plan.layers) - 1):
        d = plan.layers[layer]
        end = d[WEIGHTS] + d[IN] * d[OUT]
        for j in range(0, d[OUT], LANES):
            s = splat(parameters, 0.0)
            for at in range(d[WEIGHTS] + j, end, d[OUT]):
                w = load(parameters, at)
                s = s + w * w
            norm = sqrt(s)
            # An infinite norm makes NaN, not zeros: divergence must be seen.
            factor = _on_units(norm, plan.hyperparameters, learning_rate) + (norm - norm)
            for at in range(d[WEIGHTS] + j, end, d[OUT]):
                store(parameters, at, load(parameters, at) * factor)


@part
def average_steps(plan: Any, state: Any) -> None:
    """Take the newest step into the averages: a <- a + (w - a) min(1, c / t) after step t.

    Step s has about the weight c s^(c-1) / t^c then: a window that grows with training, of mean age
    t / (c + 1) (the power function of Karras et al., 2024), so that it needs no horizon. Weights that are
    exactly zero now are zero in the average too, as L1 wants them.
    """
    reach = plan.hyperparameters[AVERAGE]
    if reach <= 0.0:
        return
    share = min(1.0, reach / state.progress[STEP])
    for j in range(0, plan.sizes[N_PARAMETERS], LANES):
        w, a = load(state.parameters, j), load(state.average, j)
        store(state.average, j, select(w == 0.0, 0.0, a + (w - a) * share))
    for j in range(0, len(state.statistics), LANES):
        w, a = load(state.statistics, j), load(state.average_statistics, j)
        store(state.average_statistics, j, a + (w - a) * share)
