"""Random numbers by name: as they should be, and unrelated to one another."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numba import njit
from threadpoolctl import threadpool_limits

from taut.engine.compiled.random import (
    INPUT_MASK,
    MASK,
    ORDER,
    _word,
    philox,
    shuffled,
    stream_key,
    stream_words,
)  # fmt: skip
from taut.engine.compiled.simd import LANES, store

N = 1 << 16


@njit
def fill(out: Any, seed: int, purpose: int, epoch: int, step: int) -> None:
    key_a, key_b = stream_key(seed, purpose, epoch, step)
    for place in range(0, len(out), LANES):
        store(out, place, stream_words(place, key_a, key_b))


@njit
def one_by_one(out: Any, seed: int, purpose: int, epoch: int, step: int) -> None:
    key_a, key_b = stream_key(seed, purpose, epoch, step)
    for place in range(len(out)):
        out[place] = _word(np.uint64(place), key_a, key_b)


@njit
def all_words(a: Any, b: Any, c: Any, d: Any, key_a: Any, key_b: Any) -> Any:
    return philox(a, b, c, d, key_a, key_b)


@njit
def key_of(seed: int, purpose: int, epoch: int, step: int) -> Any:
    return stream_key(seed, purpose, epoch, step)


@njit
def permutation(order: Any, seed: int, epoch: int) -> None:
    shuffled(order, len(order), seed, epoch)


def words(seed: int = 1, purpose: int = MASK, epoch: int = 0, step: int = 0, n: int = N) -> Any:
    out = np.empty(n, np.uint32)
    fill(out, seed, purpose, epoch, step)
    return out


# Known answers of Philox-4x32-10, from Random123, the library of the paper's authors.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_known_answers(counter: str, key: str, answer: str) -> None:
    arguments = [np.uint64(int(word, 16)) for word in (counter + " " + key).split()]
    assert [int(word) for word in all_words(*arguments)] == [int(word, 16) for word in answer.split()]


def test_a_stream_is_named_by_all_of_its_name() -> None:
    names = [(1, MASK, 0, 0), (2, MASK, 0, 0), (1 << 40, MASK, 0, 0), (1, INPUT_MASK, 0, 0), (1, ORDER, 0, 0)]
    names += [(1, MASK + (1 << 8), 0, 0), (1, MASK, 1, 0), (1, MASK, 0, 1), (1, MASK, 0, 2**31)]
    keys = {tuple(int(k) for k in key_of(*name)) for name in names}
    assert len(keys) == len(names)
    assert all(0 <= k < 2**32 for pair in keys for k in pair)


def test_vectors_and_single_words_are_the_same_numbers() -> None:
    single = np.empty(1000, np.uint64)
    one_by_one(single, 5, MASK, 2, 3)
    np.testing.assert_array_equal(words(5, MASK, 2, 3, 1008)[:1000], single)


# --- one stream -------------------------------------------------------------------------------------------


def test_every_bit_is_a_fair_coin_and_bits_are_unrelated() -> None:
    coins = 2.0 * np.unpackbits(words().view(np.uint8)).reshape(N, 32) - 1.0
    assert np.abs(coins.mean(axis=0)).max() < 5 / np.sqrt(N)
    with threadpool_limits(1):  # BLAS threads wait for one another where the cores are busy
        correlations = coins.T @ coins / N - np.eye(32)
        assert np.abs(correlations).max() < 5 / np.sqrt(N)
        for lag in (1, 2, 3, 16, 17, 32, 256):
            assert np.abs(coins[lag:].T @ coins[:-lag] / N).max() < 5.5 / np.sqrt(N)


def test_words_are_uniform() -> None:
    for part in (words() >> 24, words() & 0xFF, (words() >> 8) & 0xFF):
        counts = np.bincount(part, minlength=256)
        chi_square = float(((counts - N / 256) ** 2 / (N / 256)).sum())
        assert abs(chi_square - 255) < 5 * np.sqrt(2 * 255)


# --- streams against one another --------------------------------------------------------------------------

NAMES = {
    "members": [(seed, MASK, 0, 0) for seed in (0, 1, 2, 3, 1 << 32, 2**62)],
    "layers": [(1, MASK + (layer << 8), 0, 0) for layer in range(6)],
    "steps": [(1, MASK, 0, step) for step in (0, 1, 2, 32, 64, 96)],
    "epochs": [(1, MASK, epoch, 0) for epoch in range(6)],
    "purposes": [(1, INPUT_MASK, 0, 0), (1, MASK, 0, 0), (1, ORDER, 0, 0)],
    # A name whose parts add up, or are swapped, is another name.
    "mixed": [(1, MASK, 2, 3), (1, MASK, 3, 2), (2, MASK, 1, 3), (3, MASK, 2, 1), (2, MASK, 2, 2)],
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_masks_are_uncorrelated(kind: str, rate: float) -> None:
    # As the kernel does it: one word serves two rows, sixteen bits each.
    threshold = int(rate * 65536 + 0.5)
    masks = []
    for name in NAMES[kind]:
        w = words(*name)
        mask = np.concatenate([(w & 0xFFFF) < threshold, (w >> 16) < threshold])
        assert abs(mask.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / (2 * N))
        masks.append((mask - rate) / np.sqrt(rate * (1 - rate)))
    for a, b in combinations(masks, 2):
        assert abs(float((a * b).mean())) < 5 / np.sqrt(2 * N)


@pytest.mark.parametrize("kind", NAMES)
def test_no_stream_is_a_shifted_copy_of_another(kind: str) -> None:
    # The correlation at every shift at once, by Fourier transform.
    centered = [words(*name).astype(np.float64) / 2.0**32 - 0.5 for name in NAMES[kind]]
    spectra = [np.fft.rfft(c) for c in centered]
    for a, b in combinations(spectra, 2):
        correlations = np.fft.irfft(a * np.conj(b), N) * 12 / N
        assert np.abs(correlations).max() < 6.5 / np.sqrt(N)  # of 65,536 shifts
    # Nor of itself.
    for a in spectra:
        own = np.fft.irfft(a * np.conj(a), N) * 12 / N
        assert np.abs(own[1:]).max() < 6.5 / np.sqrt(N)


@pytest.mark.parametrize("kind", NAMES)
def test_no_stream_is_a_permuted_copy_of_another(kind: str) -> None:
    # A permuted copy holds the same words: of 65,536 out of 2^32, two streams share about one by chance.
    for a, b in combinations([words(*name) for name in NAMES[kind]], 2):
        assert len(np.intersect1d(a, b)) < 12
        # And the order of one says nothing of the order of the other.
        ranks = [np.argsort(np.argsort(w)) - (N - 1) / 2 for w in (a, b)]
        assert abs(float((ranks[0] * ranks[1]).mean()) * 12 / N**2) < 5 / np.sqrt(N)


# --- the order of the rows --------------------------------------------------------------------------------


def orders(n: int, how_many: int, seed: int = 1) -> Any:
    out = np.empty((how_many, n), np.int32)
    for epoch in range(how_many):
        permutation(out[epoch], seed, epoch)
    return out


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 5000])
def test_an_order_is_a_permutation(n: int) -> None:
    for order in orders(n, 5):
        np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_every_permutation_of_four_is_as_likely() -> None:
    codes = orders(4, 24_000) @ np.array([1, 4, 16, 64])
    _, counts = np.unique(codes, return_counts=True)
    assert len(counts) == 24
    assert float(((counts - 1000) ** 2 / 1000).sum()) < 23 + 5 * np.sqrt(2 * 23)


def test_every_row_comes_anywhere_and_epochs_are_unrelated() -> None:
    n, many = 50, 20_000
    drawn = orders(n, many)
    for place in (0, 1, 25, 49):
        counts = np.bincount(drawn[:, place], minlength=n)
        assert float(((counts - many / n) ** 2 / (many / n)).sum()) < 49 + 5 * np.sqrt(2 * 49)
    centered = (drawn - (n - 1) / 2) / np.sqrt((n * n - 1) / 12)
    following = float((centered[1:] * centered[:-1]).mean())
    assert abs(following) < 5 / np.sqrt(n * many)
    other = (orders(n, many, seed=2) - (n - 1) / 2) / np.sqrt((n * n - 1) / 12)
    assert abs(float((centered * other).mean())) < 5 / np.sqrt(n * many)
