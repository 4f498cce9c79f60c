"""Elementary functions on vectors, and the activations made of them.

Numba's ``math.exp`` and ``math.erf`` are scalar calls; these are straight-line arithmetic.
"""

from __future__ import annotations

import math
from typing import Any

from numba import types
from numba.extending import overload

from taut.engine.compiled.jit import part
from taut.engine.compiled.simd import fabs, floor, select, two_to

# Codes of the activations in a network's description.
RELU, SILU, GELU = 0, 1, 2
ACTIVATION_CODES = {"relu": RELU, "silu": SILU, "gelu": GELU}

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440054690583e-4
_INVERSE_FACTORIALS = tuple(1.0 / math.factorial(n) for n in range(13, 1, -1))


def exp(x: Any) -> Any:
    """Give e to the x, lane by lane (the kernels' version; only Numba can run it).

    x = n ln 2 + r with |r| <= ln 2 / 2, then a polynomial in r (Cody and Waite 1980).  Relative error below
    2e-7 in float32 and 1e-15 in float64.  Arguments are held within what a normal number can represent; NaN
    stays NaN.
    """
    raise NotImplementedError("exp works on vectors inside compiled code")


@overload(exp)
def _exp(x: Any) -> Any:
    if x.dtype == types.float32:

        def exp_single(x: Any) -> Any:
            bounded = select(x < -87.0, -87.0, select(x > 88.0, 88.0, x))
            n = floor(bounded * _LOG2_E + 0.5)
            r = bounded - n * _LN2_HIGH - n * _LN2_LOW
            # Terms in pairs, side by side (Estrin): a shorter chain of operations than Horner's.
            rr = r * r
            low = r * 1.6666665459e-1 + 5.0000001201e-1
            middle = r * 8.3334519073e-3 + 4.1665795894e-2
            high = r * 1.9875691500e-4 + 1.3981999507e-3
            p = (high * rr + middle) * rr + low
            # n is NaN where x is: its exponent bits are arbitrary then, the polynomial carries the NaN.
            return (p * rr + (r + 1.0)) * two_to(n)

        return exp_single

    c13, c12, c11, c10, c9, c8, c7, c6, c5, c4, c3, c2 = _INVERSE_FACTORIALS

    def exp_double(x: Any) -> Any:
        bounded = select(x < -708.0, -708.0, select(x > 709.0, 709.0, x))
        n = floor(bounded * _LOG2_E + 0.5)
        r = bounded - n * _LN2_HIGH - n * _LN2_LOW
        p = r * c13 + c12
        p = p * r + c11
        p = p * r + c10
        p = p * r + c9
        p = p * r + c8
        p = p * r + c7
        p = p * r + c6
        p = p * r + c5
        p = p * r + c4
        p = p * r + c3
        p = p * r + c2
        return (p * r * r + r + 1.0) * two_to(n)

    return exp_double


@part
def relu(y: Any) -> Any:
    """max(y, 0), with NaN kept."""
    return select(y < 0.0, 0.0, y)


@part
def silu(y: Any) -> tuple[Any, Any]:
    """Give y s(y) and its derivative s + y s (1 - s), s the logistic function."""
    s = 1.0 / (exp(-y) + 1.0)
    value = y * s
    return value, s + value * (1.0 - s)


@part
def gelu(y: Any) -> tuple[Any, Any]:
    """Give y Phi(y) and its derivative Phi(y) + y phi(y).

    Phi by Abramowitz and Stegun 1964, 7.1.26 (absolute error of erf below 1.5e-7), whose exponential is also
    phi's.
    """
    x = fabs(y) * 0.7071067811865476
    bell = exp(-x * x)
    t = 1.0 / (x * 0.3275911 + 1.0)
    tt = t * t
    p = ((t * 1.061405429 + -1.453152027) * tt + (t * 1.421413741 + -0.284496736)) * tt + t * 0.254829592
    tail = p * bell * 0.5
    cumulative = select(y < 0.0, tail, 1.0 - tail)
    return y * cumulative, cumulative + y * bell * 0.3989422804014327
