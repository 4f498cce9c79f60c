"""Where a network's numbers lie in the engine's flat buffers.

Widths are padded to whole vectors; padding weights are zero and stay zero, because a padded unit's output
and gradient are both zero (every activation here is 0 at 0).  All weights come first, then for each layer
its shift (bias, or batch norm's beta) and, with batch norm, its gain (gamma): so what is on the weights can
run over one dense piece and leaves the rest alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.simd import LANES
from taut.network import Network
from taut.streams import Stream, generator


def padded(width: int) -> int:
    """The next multiple of LANES."""
    return -(-width // LANES) * LANES


def stride(width: int) -> int:
    """From one row of a batch to the next, for a padded width.

    A column of rows that are a power of two apart falls into a few sets of the first-level cache, and the
    passes over it miss every time; one cache line more, and it is spread over all of them.
    """
    return width + LANES if width % (4 * LANES) == 0 else width


@dataclass(frozen=True)
class Layout:
    """The places of one network's parameters, with or without batch norm."""

    network: Network
    normalize: bool

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """True widths: inputs, hidden layers, outputs."""
        n = self.network
        return (n.n_inputs, *n.hidden, n.n_outputs)

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """One row per layer for the kernels.

        Returns
        -------
        array, shape (n_layers, 9)
            Padded inputs, padded outputs, true outputs, and the places of the weights, the shift, the gain
            and the running statistics (mean, then variance, in a buffer of their own); then the strides of
            a batch's inputs and outputs.
        """
        rows, index, statistics = [], 0, 0
        n_layers = len(self.widths) - 1
        for n_in, n_out in zip(self.widths[:-1], self.widths[1:], strict=True):
            a, b = padded(n_in), padded(n_out)
            rows.append([a, b, n_out, index, 0, 0, 0, stride(a), stride(b)])
            index += a * b
        for i, row in enumerate(rows):
            row[4] = index
            index += row[1]
            if self.normalize and i < n_layers - 1:
                row[5] = index
                index += row[1]
                row[6] = statistics
                statistics += 2 * row[1]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def n_weights(self) -> int:
        """Padded numbers in the weight matrices."""
        return int(sum(r[0] * r[1] for r in self.table))

    @cached_property
    def n_parameters(self) -> int:
        """Padded numbers in all parameters."""
        vectors = sum(int(r[1]) for r in self.table)
        gains = sum(int(r[1]) for r in self.table[:-1]) if self.normalize else 0
        return self.n_weights + vectors + gains

    @cached_property
    def n_statistics(self) -> int:
        """Padded numbers in batch norm's running statistics."""
        return 2 * sum(int(r[1]) for r in self.table[:-1]) if self.normalize else 0

    def unpack(
        self, parameters: NDArray[np.floating], statistics: NDArray[np.floating]
    ) -> dict[str, NDArray[np.floating]]:
        """The parameters by name and in their true shapes, copied.

        Returns
        -------
        dict
            ``layers.0.weight`` (n_in, n_out), ``layers.0.bias`` (n_out,) and, with batch norm, ``.gain``,
            ``.mean``, ``.variance`` (n_out,); then ``layers.1....``
        """
        arrays: dict[str, NDArray[np.floating]] = {}
        for i, (n_in, width, n_out, w, shift, gain, stats) in enumerate(self.table[:, :7].tolist()):
            name = f"layers.{i}."
            block = parameters[w : w + n_in * width].reshape(n_in, width)
            arrays[name + "weight"] = block[: self.widths[i], :n_out].copy()
            arrays[name + "bias"] = parameters[shift : shift + n_out].copy()
            if self.normalize and i < len(self.table) - 1:
                arrays[name + "gain"] = parameters[gain : gain + n_out].copy()
                arrays[name + "mean"] = statistics[stats : stats + n_out].copy()
                arrays[name + "variance"] = statistics[stats + width : stats + width + n_out].copy()
        return arrays

    def pack(
        self,
        arrays: dict[str, NDArray[np.floating]],
        parameters: NDArray[np.floating],
        statistics: NDArray[np.floating],
    ) -> None:
        """Write what :meth:`unpack` gave into zeroed flat buffers."""
        parameters[:] = 0.0
        statistics[:] = 0.0
        for i, (n_in, width, n_out, w, shift, gain, stats) in enumerate(self.table[:, :7].tolist()):
            name = f"layers.{i}."
            block = parameters[w : w + n_in * width].reshape(n_in, width)
            block[: self.widths[i], :n_out] = arrays[name + "weight"]
            parameters[shift : shift + n_out] = arrays[name + "bias"]
            if self.normalize and i < len(self.table) - 1:
                parameters[gain : gain + n_out] = arrays[name + "gain"]
                statistics[stats : stats + n_out] = arrays[name + "mean"]
                statistics[stats + width : stats + width + n_out] = arrays[name + "variance"]


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
