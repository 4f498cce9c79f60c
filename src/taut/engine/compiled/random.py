"""Random numbers without a sequence: every number is a function of its name.

A stream is named by (seed, purpose, epoch, step).  The name goes through Philox-4x32 with ten rounds (Salmon,
Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), so names that differ in one bit give
unrelated keys.  Within a stream, a number is a keyed hash of its index: cheap, vectorized, and nothing is
stored, so that the mask of a step can be made again.  Because no draw ever moves another stream, leaving a
technique out cannot change what the others see (law 1), and neither can other members (law 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.engine.compiled.jit import part
from taut.engine.compiled.simd import LANES, lanes_from
from taut.streams import KernelStream

# Plain numbers, for the compiler.
ORDER, INPUT_MASK, MASK, NOISE, SHARE = map(int, KernelStream)

_MULTIPLIER_A = np.uint64(0xD2511F53)
_MULTIPLIER_B = np.uint64(0xCD9E8D57)
_WEYL_A = np.uint64(0x9E3779B9)
_WEYL_B = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_TAUT = np.uint64(0x74617574)  # "taut": the counter's last word


@part
def philox(a: Any, b: Any, c: Any, d: Any, key_a: Any, key_b: Any) -> tuple[Any, Any, Any, Any]:
    """Philox-4x32-10: four words from a counter of four and a key of two (all uint64 below 2^32)."""
    for _ in range(10):
        left, right = _MULTIPLIER_A * a, _MULTIPLIER_B * c
        a, c = (right >> _HALF) ^ b ^ key_a, (left >> _HALF) ^ d ^ key_b
        b, d = right & _LOW, left & _LOW
        key_a, key_b = (key_a + _WEYL_A) & _LOW, (key_b + _WEYL_B) & _LOW
    return a, b, c, d


@part
def stream_key(seed: int, purpose: int, epoch: int, step: int) -> tuple[Any, Any]:
    """The two 32-bit keys (as uint64) of a stream.

    ``purpose`` may carry a layer's number in its higher bits; seeds are 64 bits, epochs and steps 32 bits.
    """
    s = np.uint64(seed)
    a, b, _, _ = philox(
        np.uint64(epoch) & _LOW,
        np.uint64(step) & _LOW,
        np.uint64(purpose) & _LOW,
        _TAUT,
        s & _LOW,
        s >> _HALF,
    )
    return a, b


@part
def stream_words(index: int, key_a: Any, key_b: Any) -> Any:
    """LANES random 32-bit words for the indices ``index, index + 1, ...`` of a stream (uint32 vector).

    A multiply-xorshift hash with full avalanche, the second key entering between the two multiplications:
    two streams are then neither shifted nor permuted copies of one another.
    """
    x = lanes_from(index) * 0x9E3779B1 + key_a
    x = x ^ (x >> 16)
    x = x * 0x7FEB352D
    x = (x ^ (x >> 15)) + key_b
    x = x * 0x846CA68B
    return x ^ (x >> 16)


@part
def twelve_bytes(index: int, key_a: Any, key_b: Any) -> Any:
    """LANES sums of twelve random bytes (uint32 vector) from the words ``3 * index`` and on of a stream.

    Less 1530 and divided by the root of 65535 they have mean 0, variance 1 and nearly a normal's shape: the
    kurtosis is 2.9 and nothing lies further out than six.
    """
    pairs = lanes_from(0) & 0
    for k in range(3):
        words = stream_words(3 * index + k * LANES, key_a, key_b)
        pairs = pairs + (words & 0xFF00FF) + ((words >> 8) & 0xFF00FF)
    return (pairs & 0xFFFF) + (pairs >> 16)


@part
def uniform(index: int, key_a: Any, key_b: Any) -> float:
    """A number from 0 to below 1 for one index of a stream."""
    return float(_word(np.uint64(index), key_a, key_b)) / 4294967296.0


@part
def _word(index: Any, key_a: Any, key_b: Any) -> Any:
    """The same hash for one index; all numbers uint64 below 2^32."""
    x = (index * np.uint64(0x9E3779B1) + key_a) & _LOW
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x7FEB352D)) & _LOW
    x = ((x ^ (x >> np.uint64(15))) + key_b) & _LOW
    x = (x * np.uint64(0x846CA68B)) & _LOW
    return x ^ (x >> np.uint64(16))


@part
def shuffled(order: Any, count: int, seed: int, epoch: int) -> None:
    """Fill ``order[:count]`` with a random permutation of 0 .. count - 1 (Fisher and Yates)."""
    key_a, key_b = stream_key(seed, ORDER, epoch, 0)
    for i in range(count):
        order[i] = i
    for i in range(count - 1, 0, -1):
        j = np.int64((_word(np.uint64(i), key_a, key_b) * np.uint64(i + 1)) >> _HALF)
        order[i], order[j] = order[j], order[i]
