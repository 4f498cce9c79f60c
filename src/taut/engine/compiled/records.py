"""The arrays that go into a kernel, in named groups.

Numba takes named tuples of arrays, so a kernel's signature stays readable and one compilation serves every
width, depth, recipe and table: whatever differs between members is a number in an array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# Columns of a row of Layout.table.
IN, OUT, TRUE_OUT, WEIGHTS, SHIFT, GAIN, STATISTICS, IN_STRIDE, OUT_STRIDE = range(9)

# Places in Plan.sizes.
(
    SEED, BATCH, ACTIVATION, NORMALIZE, DROP_FROM, N_NUMBERS, N_WEIGHTS, N_PARAMETERS, TASK, PATIENCE, WARMUP,
    N_INPUTS, N_DENSE,
) = range(13)  # fmt: skip
N_SIZES = 13

# Places in Plan.hyperparameters.
(
    LEARNING_RATE, INPUT_DROP, DROP, MIN_DELTA, CENTER, SCALE, BETA_1, BETA_2, EPSILON, FIT_FACTOR, MIX,
    INPUT_NOISE, SMOOTHING, AVERAGE,
) = range(14)  # fmt: skip
N_HYPERPARAMETERS = 14

# Places in State.progress, and the phases of an epoch.
EPOCH, PHASE, CURSOR, STEP, BEST_EPOCH, STATUS = range(6)
N_PROGRESS = 6
TRAINING, VALIDATING, SAMPLING = range(3)
RUNNING, PATIENCE_OVER, DIVERGED = range(3)

# Columns of a curve, and the places of the sums they are made of.
TRAIN_LOSS, VALIDATION_LOSS, VALIDATION_CORRECT = range(3)
LOSS_SUM, WEIGHT_SUM, CORRECT_SUM, BEST_LOSS, ROW_SUM = range(5)
N_SUMS = 5

CLASSES, NUMBER = range(2)

# Rows that are evaluated at a time.
BLOCK = 256


class Rows(NamedTuple):
    """The table that all members share, and who trains and who is scored."""

    values: Any  # float32 (n_rows, n_columns): numbers (NaN = missing), then category codes
    target: Any  # float64 (n_rows,): class number, or value in units of the table
    fit_weight: Any  # (n_rows,): weight in training; FIT_FACTOR makes its mean 1 over the training rows
    score_weight: Any  # (n_rows,): weight in evaluation
    row_weight: Any  # (n_rows,): weight in the accuracy
    train: Any  # int32: rows that train
    validation: Any  # int32: rows held out
    sample: Any  # int32: some of the training rows, evaluated every epoch


class Encoding(NamedTuple):
    """table.encoder.Encoder as arrays; center and scale are padded to whole vectors with zeros."""

    center: Any  # float32
    scale: Any  # float32
    flags: Any  # int32
    category_start: Any  # int32
    category_feature: Any  # int32
    curvature: Any  # float32: u becomes u / sqrt(1 + curvature * u**2); 0 leaves it
    piece_feature: Any  # int32: see table.pieces.Pieces
    piece_column: Any  # int32
    piece_low: Any  # float32
    piece_slope: Any  # float32
    piece_end: Any  # int32 (numbers in pieces,): the piece after the last one of each


class Plan(NamedTuple):
    """What one member is: layout, sizes, hyperparameters.

    In few arrays: each costs every call that takes a plan a little, which small networks feel.
    """

    layers: Any  # int64 (n_layers, 9), see Layout.table
    sizes: Any  # int64 (N_SIZES,)
    hyperparameters: (
        Any  # float64 (N_HYPERPARAMETERS + techniques on weights + on units,), their strengths last
    )


class State(NamedTuple):
    """What training changes: stop anywhere, copy it, go on later."""

    parameters: Any
    statistics: Any
    first: Any  # Adam's first moment
    second: Any  # Adam's second moment
    best_parameters: Any
    best_statistics: Any
    average: Any  # of the parameters over the steps; empty where only the last step counts
    average_statistics: Any
    curve: Any  # float64 (at least epochs, 3)
    losses: Any  # float32 (at least epochs * rows held out,): losses by epoch, below 0: missed; or empty
    outputs: Any  # float32 (at least epochs * rows held out * outputs,): raw outputs by epoch; or empty
    progress: Any  # int64 (N_PROGRESS,)
    sums: Any  # float64 (N_SUMS,)


class Scratch(NamedTuple):
    """A thread's own memory; nothing in it outlives a call."""

    floats: Any  # one flat buffer
    offsets: Any  # int64: where the parts begin, see scratch.py
    order: Any  # int32 (rows that train,)
