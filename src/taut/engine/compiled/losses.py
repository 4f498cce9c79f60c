"""Loss at the end of the network: gradients for training, values for evaluation.

Cross-entropy goes through log-sum-exp, never through a clipped logarithm: a network that diverges gives NaN
here and is seen.
"""

from __future__ import annotations

import math
from typing import Any

from taut.engine.compiled.functions import exp
from taut.engine.compiled.gather import share_of_partner
from taut.engine.compiled.jit import part
from taut.engine.compiled.random import SHARE, stream_key
from taut.engine.compiled.records import (
    CENTER,
    CLASSES,
    CORRECT_SUM,
    FIT_FACTOR,
    LOSS_SUM,
    MIX,
    ROW_SUM,
    SCALE,
    SEED,
    SMOOTHING,
    TASK,
    WEIGHT_SUM,
)
from taut.engine.compiled.simd import (
    LANES,
    first_lanes,
    get,
    largest,
    load,
    one_hot,
    put,
    select,
    splat,
    store,
    total,
)

_NOWHERE = -1e30  # a padded class: its probability is exactly zero
_FAINT = 1e-30  # smaller probabilities count as zero: their products would be denormal, and slow


@part
def _exponentials(z: Any, at: int, n_classes: int) -> tuple[Any, Any]:
    """Replace logits by exp(logit - max); returns the maximum and the sum."""
    top = get(z, at)
    for j in range(0, n_classes, LANES):
        v = select(first_lanes(n_classes - j), load(z, at + j), _NOWHERE)
        top = max(top, largest(v))
    s = splat(z, 0.0)
    for j in range(0, n_classes, LANES):
        e = select(first_lanes(n_classes - j), exp(load(z, at + j) - top), 0.0)
        store(z, at + j, e)
        s = s + e
    return top, total(s)


@part
def _class_scores(z: Any, at: int, n_classes: int, target: int) -> tuple[Any, Any, Any, float]:
    """The target's logit, the largest of those before it, the largest of all, and sum(exp(logit - that))."""
    own = get(z, at + target)
    top, before = own, splat(z, _NOWHERE)
    for j in range(0, n_classes, LANES):
        v = load(z, at + j)
        top = max(top, largest(select(first_lanes(n_classes - j), v, _NOWHERE)))
        before = max(before, select(first_lanes(target - j), v, _NOWHERE))
    s = splat(z, 0.0)
    for j in range(0, n_classes, LANES):
        s = s + select(first_lanes(n_classes - j), exp(load(z, at + j) - top), 0.0)
    return own, largest(before), top, float(total(s))


@part
def loss_gradient(
    z: Any, z0: int, stride: int, n_outputs: int, rows: Any, plan: Any, chosen: Any, start: int, count: int,
    epoch: int, step: int,
) -> None:  # fmt: skip
    """Replace outputs by d (weighted mean loss of the batch) / d output.

    Cross-entropy: (softmax - indicator) weight / count.  Squared error: 2 (output - target) weight / count,
    the target in the fold's own units.  Where targets are mixed or smoothed, see :func:`_soft_gradient`.
    """
    share = plan.hyperparameters[FIT_FACTOR] / count
    classes = plan.sizes[TASK] == CLASSES
    if plan.hyperparameters[MIX] > 0.0 or (classes and plan.hyperparameters[SMOOTHING] > 0.0):
        _soft_gradient(z, z0, stride, n_outputs, rows, plan, chosen, start, count, epoch, step)
        return
    for i in range(count):
        row = get(chosen, start + i)
        at = z0 + i * stride
        factor = get(rows.fit_weight, row) * share
        target = get(rows.target, row)
        if classes and stride == LANES:  # up to sixteen classes: one vector, which never leaves its register
            present = first_lanes(n_outputs)
            logits = select(present, load(z, at), _NOWHERE)
            p = select(present, exp(logits - largest(logits)), 0.0)
            p = p * (1.0 / total(p))
            store(z, at, (select(p < _FAINT, 0.0, p) - one_hot(z, int(target))) * factor)
        elif classes:
            _, s = _exponentials(z, at, n_outputs)
            for j in range(0, n_outputs, LANES):
                p = load(z, at + j) / s
                store(z, at + j, (select(p < _FAINT, 0.0, p) - one_hot(z, int(target) - j)) * factor)
        else:
            standard = (target - plan.hyperparameters[CENTER]) / plan.hyperparameters[SCALE]
            put(z, at, 2.0 * (get(z, at) - standard) * factor)


@part
def _soft_gradient(
    z: Any, z0: int, stride: int, n_outputs: int, rows: Any, plan: Any, chosen: Any, start: int, count: int,
    epoch: int, step: int,
) -> None:  # fmt: skip
    """As :func:`loss_gradient`, where a row's target is more than its own class or value.

    The loss of a mixed row is (1 - share) times that of its own target and share times that of its partner's,
    each with its own row's weight; of a smoothed indicator ``smoothing`` is spread evenly over all classes.
    """
    scalars = plan.hyperparameters
    key_a, key_b = stream_key(plan.sizes[SEED], SHARE, epoch, step)
    for i in range(count):
        at, own, partner = z0 + i * stride, get(chosen, start + i), get(chosen, start + count - 1 - i)
        mixed = share_of_partner(i, plan, key_a, key_b)
        target, other = get(rows.target, own), get(rows.target, partner)
        a = get(rows.fit_weight, own) * (1.0 - mixed) * scalars[FIT_FACTOR] / count
        b = get(rows.fit_weight, partner) * mixed * scalars[FIT_FACTOR] / count
        if plan.sizes[TASK] == CLASSES:
            _, s = _exponentials(z, at, n_outputs)
            even = (a + b) * scalars[SMOOTHING] / n_outputs
            for j in range(0, n_outputs, LANES):
                p = load(z, at + j) / s
                aim = one_hot(z, int(target) - j) * a + one_hot(z, int(other) - j) * b
                aim = aim * (1.0 - scalars[SMOOTHING]) + select(
                    first_lanes(n_outputs - j), splat(z, even), 0.0
                )
                store(z, at + j, select(p < _FAINT, 0.0, p) * (a + b) - aim)
        else:
            miss = get(z, at) - (target - scalars[CENTER]) / scalars[SCALE]
            partners_miss = get(z, at) - (other - scalars[CENTER]) / scalars[SCALE]
            put(z, at, 2.0 * (miss * a + partners_miss * b))


@part
def add_losses(
    z: Any,
    z0: int,
    stride: int,
    n_outputs: int,
    rows: Any,
    plan: Any,
    chosen: Any,
    start: int,
    count: int,
    sums: Any,
    losses: Any,
    index: int,
) -> None:
    """Add the block's weighted losses, correct rows and weights to the sums.

    The squared error is in the table's units: the fold's scale is taken out again, so that folds compare.
    Each row's own loss goes to ``losses`` from ``index`` on, or nowhere where that is negative. No loss
    is below 0, so that its sign is free to say whether the class was missed.
    """
    # log a + log b = log (a b): rows of one weight share a logarithm, which is the dearest part of a loss.
    product, product_weight = 1.0, 0.0
    for i in range(count):
        row = get(chosen, start + i)
        at = z0 + i * stride
        weight = float(get(rows.score_weight, row))
        target = get(rows.target, row)
        if plan.sizes[TASK] == CLASSES:
            own, before, top, s = _class_scores(z, at, n_outputs, int(target))
            hit = 1.0 if own >= top and own > before else 0.0  # as argmax has it: the first of equal ones
            loss = float(top - own)
            if weight != product_weight or not product < 1e100:
                sums[LOSS_SUM] += product_weight * math.log(product)
                product, product_weight = 1.0, weight
            product *= s
        else:
            hit, s = 0.0, 1.0
            miss = float(get(z, at)) * plan.hyperparameters[SCALE] + plan.hyperparameters[CENTER] - target
            loss = miss * miss
        if index >= 0:
            own_loss = loss
            if plan.sizes[TASK] == CLASSES:
                own_loss += math.log(float(s))
                if hit == 0.0:
                    own_loss = -own_loss
            put(losses, index + i, own_loss)
        sums[LOSS_SUM] += weight * loss
        row_weight = float(get(rows.row_weight, row))
        sums[CORRECT_SUM] += row_weight * hit
        sums[ROW_SUM] += row_weight
        sums[WEIGHT_SUM] += weight
    sums[LOSS_SUM] += product_weight * math.log(product)
