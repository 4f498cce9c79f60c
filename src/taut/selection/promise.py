"""What a network that has trained a few epochs may become: its validation curve, extrapolated.

After few epochs those lead who fit fast, and they are the first to overfit; what is well regularized is
behind and still falling. Learning curves fall like powers of the epoch (Domhan, Springenberg and Hutter,
2015, fit several such forms), so that each doubling of the epochs brings about the same share of what the one
before it brought.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# The share: of .4 to .8 the best on two runs of one network (benchmarks/README.md, "Few epochs first").
_NEXT_DOUBLING = 0.6
# A guess at a far epoch is a poor one.
_MOST_DOUBLINGS = 2.0


def further_fall(validation: NDArray[np.float64], goal: int) -> float:
    """How much lower than its lowest value so far a curve may get until an epoch; 0 where it has turned.

    Parameters
    ----------
    validation : float64 array, shape (n_epochs,)
        Losses by epoch.
    goal : int
        An epoch beyond.
    """
    n = len(validation)
    if n < 4 or goal <= n or not np.isfinite(validation).all():
        return 0.0
    half = n // 2
    end = float(np.mean(validation[-2:]))
    fell = float(np.mean(validation[half - 1 : half + 1])) - end  # in one doubling
    if fell <= 0.0:
        return 0.0
    doublings = min(_MOST_DOUBLINGS, math.log2(goal / n))
    more = fell * _NEXT_DOUBLING * (1.0 - math.pow(_NEXT_DOUBLING, doublings)) / (1.0 - _NEXT_DOUBLING)
    return max(0.0, float(validation.min()) - end + more)
