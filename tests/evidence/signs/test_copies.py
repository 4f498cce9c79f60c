"""Columns that are the target once more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.evidence.signs.copies import copy_of, is_noisy_copy

RNG = np.random.default_rng(0)
Y = RNG.normal(size=100)
CLASSES = RNG.integers(0, 3, 100).astype(np.float64)


def changed(values: Any, n: int) -> Any:
    out = np.array(values)
    out[:n] = out[:n][::-1] + 1.0
    return out


def flipped(values: Any, n: int) -> Any:
    out = np.array(values)
    out[:n] = (out[:n] + 1) % 3
    return out


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("column", "target", "n_classes", "said"),
    [
        (Y, Y, 0, "it has the same order"),
        (np.exp(Y), Y, 0, "it has the same order"),
        (-Y, Y, 0, "it has the opposite order"),
        (np.round(Y, 3), Y, 0, "it is a copy"),
        (
            np.round(100 * np.exp(Y), -1),
            np.round(100 * np.exp(Y), 2),
            0,
            "but for rounding it has the same order",
        ),
        (Y, np.floor(-5 * Y), 0, "but for rounding it has the opposite order"),
        (changed(1.8 * Y + 32, 5), Y, 0, "it is a copy in 95 % of the rows"),
        (np.where(np.arange(100) < 50, np.nan, Y), Y, 0, "it has the same order"),
        (CLASSES, CLASSES, 3, "it is a copy"),
        (5 - CLASSES, CLASSES, 3, "it is a copy"),
        (flipped(CLASSES, 1), CLASSES, 3, "it is a copy in 99 % of the rows"),
    ],
)
def test_copies(column: Any, target: Any, n_classes: int, said: str) -> None:
    assert copy_of(column, target, n_classes, code=False) == said


@pytest.mark.parametrize(
    ("column", "target", "n_classes"),
    [
        (Y + 0.1 * RNG.normal(size=100), Y, 0),
        (RNG.normal(size=100), Y, 0),
        (RNG.normal(size=100), CLASSES, 3),
        (np.arange(100.0), CLASSES, 3),
        (flipped(CLASSES, 10), CLASSES, 3),
        (np.zeros(100) + (np.arange(100) == 7), np.repeat([0.0, 1.0], [99, 1]), 2),  # one class always
        (Y[:5], Y[:5], 0),
        (np.ones(100), Y, 0),
        (np.full(100, np.nan), Y, 0),
        (np.round(Y), Y, 0),
    ],
)
def test_others_are_none(column: Any, target: Any, n_classes: int) -> None:
    assert copy_of(column, target, n_classes, code=False) == ""


def test_codes_have_no_order() -> None:
    assert copy_of(np.arange(100.0), np.arange(100.0) ** 2, 0, code=True) == ""


def test_classes_far_apart() -> None:
    codes = CLASSES.astype(np.int64)
    assert is_noisy_copy(CLASSES + 0.1 * RNG.normal(size=100), codes)
    x = RNG.normal(size=1000)
    assert not is_noisy_copy(x, (x > 0).astype(np.int64))
    assert not is_noisy_copy(np.ones(100), codes)
    assert not is_noisy_copy(np.full(100, np.nan), codes)
