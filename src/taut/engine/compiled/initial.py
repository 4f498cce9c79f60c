"""Weights to start from."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from taut.network import Network
from taut.streams import Stream, generator


def initial_weights(network: Network, normalize: bool, seed: int) -> dict[str, NDArray[np.floating]]:
    """Normal weights with variance 2 / (inputs + outputs) (Glorot & Bengio 2010); shifts are zero.

    Larger ones (He et al. 2015: 2 / inputs) overfit more on tables: benchmarks/README.md, "Initial weights".
    Each layer draws from a stream named by the seed and its own number, so a layer's weights do not depend
    on what the recipe is made of.

    Returns
    -------
    dict
        As ``Layout.unpack`` names them.
    """
    sizes = network.layer_sizes
    arrays: dict[str, NDArray[np.floating]] = {}
    for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        stream = generator(seed, Stream.INITIAL_WEIGHTS, i)
        hidden = i < len(sizes) - 2
        deviation = math.sqrt(2.0 / (n_in + n_out))
        weight = stream.standard_normal((n_in, n_out))
        weight *= deviation  # in place: a wide network's copy would be half a gigabyte
        arrays[f"layers.{i}.weight"] = weight
        arrays[f"layers.{i}.bias"] = np.zeros(n_out)
        if normalize and hidden:
            arrays[f"layers.{i}.gain"] = np.ones(n_out)
            arrays[f"layers.{i}.mean"] = np.zeros(n_out)
            arrays[f"layers.{i}.variance"] = np.ones(n_out)
    return arrays
