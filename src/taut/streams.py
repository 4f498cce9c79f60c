"""Random numbers by name: every stream has a purpose, and no two purposes share one."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import final

import numpy as np


@final
@unique
class Stream(IntEnum):
    """What the random numbers below a seed are for.

    Never renumber: recipes, predictions and searches that are continued from a file go by these numbers.

    Notes
    -----
    ``(seed, stream)`` and ``(seed, stream, 0)`` are one and the same, as ``SeedSequence`` has it: a purpose
    either counts its streams always, or never.
    """

    # Of a network: below a member's own seed.
    INITIAL_WEIGHTS = 0
    # Of a fold: below the fold's own seed, see fold_seed.
    FOLD_SAMPLE = 1
    # Of a search.
    MIXTURES = 2
    MEMBER = 3
    PROPOSER = 4
    RACE = 5
    LOW_FIDELITY_ROWS = 6
    LOW_FIDELITY_FOLD = 7
    REFIT = 8
    REPEATED_SPLITS = 9
    REFIT_FOLD = 10
    RACE_HALVES = 11
    # Of effects, and of the networks that the diagnosis bags.
    BAGGED = 12
    EFFECT_UNITS = 13
    EFFECT_RESAMPLES = 14
    EFFECT_ORDER_RESAMPLES = 15
    EFFECT_ORDERS = 16
    # Of advice.
    LEARNABLE = 17
    # Of a figure.
    PLANE_ROWS = 18
    # Of the estimate, and of the importance of columns.
    ESTIMATE_RESAMPLES = 21
    ESTIMATE_GROUPS = 22
    ESTIMATE_FOLDS = 23
    IMPORTANCE_ROWS = 24
    IMPORTANCE_SHUFFLES = 25
    # Of the diagnosis.
    GAIN_RESAMPLES = 31
    GAIN_GROUPS = 32
    LEARNING_CURVE_MEMBER = 41
    LEARNING_CURVE_ROWS = 42
    LEARNING_CURVE_FOLD = 43
    DIAGNOSIS_ROWS = 44
    # Of the noise of a learning curve.
    FLAT_CURVES = 45
    # Of the signs in the data.
    SIGN_ROWS = 51
    SIGN_HALVES = 52
    COPY_PAIRS = 53
    LEAK_ROWS = 54
    LEAK_HALVES = 55
    SCREEN_ROWS = 56
    CLASS_NOISE_ROWS = 57
    AMOUNT_NOISE_ROWS = 58
    SHIFT_ROWS = 61
    SHIFT_OUR_ROWS = 62
    SHIFT_THEIR_ROWS = 63
    SHIFT_FOLDS = 64
    SHIFT_SHUFFLE = 65
    # Of a person's module: below a member's own seed.
    MODULE_WEIGHTS = 71
    MODULE_ORDER = 72
    MODULE_STEP = 73
    MODULE_NOISE = 74
    # Of the fold of all rows that a tuned module is trained on.
    MODULE_REFIT_FOLD = 75
    # Of the calibration, and of the thresholds.
    CALIBRATION_PARTS = 81
    CALIBRATION_NOISE = 82
    THRESHOLD_RESAMPLES = 83
    # Of the playground.
    TOY_ROWS = 91


@final
@unique
class KernelStream(IntEnum):
    """What the kernels draw below a member's seed, by a generator of their own (engine.compiled.random)."""

    ORDER = 1
    INPUT_MASK = 2
    MASK = 3
    NOISE = 4
    SHARE = 5


def sequence(seed: int, stream: Stream, *numbers: int) -> np.random.SeedSequence:
    """Where the random numbers for one purpose come from.

    Parameters
    ----------
    seed : int
        At least 0.
    stream : Stream
    numbers : int
        Which of the streams for this purpose.
    """
    return np.random.SeedSequence((seed, int(stream), *numbers))


def generator(seed: int, stream: Stream, *numbers: int) -> np.random.Generator:
    """Random numbers for one purpose; see :func:`sequence`."""
    return np.random.Generator(np.random.Philox(sequence(seed, stream, *numbers)))


def seed_of(seed: int, stream: Stream, *numbers: int) -> int:
    """A seed (63 bits) for one purpose below another seed; see :func:`sequence`."""
    return _seed(sequence(seed, stream, *numbers))


def fold_seed(seed: int, number: int) -> int:
    """The seed (63 bits) of a fold, by its number.

    The number stands where a stream's stands elsewhere, so that (seed, 3) is the fold with the number 3 and
    the first MEMBER. They draw nothing in common: below a fold's seed there is FOLD_SAMPLE only, which no
    member draws from, and the seeds of folds that are made otherwise count from 1.
    """
    return _seed(np.random.SeedSequence((seed, number)))


def race_generator(seed: int, n_rows: int) -> np.random.Generator:
    """Random numbers for the race's bootstrap over ``n_rows`` rows, from a seed that ``Stream.RACE`` gave.

    Such a seed has no other use, so that the number of rows can stand where a stream's stands elsewhere.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, n_rows))))


def _seed(entropy: np.random.SeedSequence) -> int:
    return int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1))
