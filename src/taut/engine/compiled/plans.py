"""A member, a problem and an encoder as the arrays that kernels take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taut.engine.compiled import records as R
from taut.engine.compiled.fitted import FoldFit, table_of
from taut.engine.compiled.functions import ACTIVATION_CODES
from taut.engine.compiled.layout import Layout
from taut.errors import TrainingError
from taut.learning.architecture import MLP
from taut.learning.objective import Floats
from taut.learning.problem import Problem
from taut.learning.training import Member
from taut.network import Network
from taut.table.encoder import Encoder
from taut.techniques import UNIT_TECHNIQUES, WEIGHT_TECHNIQUES

# Dropout is behind every hidden layer.  It shifts the statistics of a later batch norm; still, "behind the
# last one only" was worse on most tables (benchmarks/README.md, "Defaults").
FIRST_WITH_DROPOUT = 0
# The learning rate rises over this many steps, on small tables over fewer.
_WARMUP_STEPS, _WARMUP_EPOCHS = 100, 5


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


def rows_of(problem: Problem, dtype: np.dtype[Any]) -> R.Rows:
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
