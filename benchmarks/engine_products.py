"""Small matrix products: taut's tiles against the BLAS at hand, in GFLOP/s of one core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from engine_common import cpu_seconds, enough, table
from engine_speed import PRODUCTS, Product
from numba import njit
from threadpoolctl import threadpool_info, threadpool_limits

from taut.engine.compiled.layout import stride
from taut.engine.compiled.matmul import INNER_AT_MOST, WIDE, forward_product, input_product, weight_product
from taut.engine.compiled.scratch import aligned

# OpenBLAS chooses its kernels by the processor's name. Where it does not know it, this asks for AVX-512.
HERE = os.path.dirname(os.path.abspath(__file__))
FORCED = {"OPENBLAS_CORETYPE": "SKYLAKEX"}


@njit(nogil=True)
def _products(which: int, count: int, f: Any, places: Any, w: Any, m: int, k: int, n: int) -> None:
    x, dz, out, turned, strip = places
    k_row, n_row = row_stride(k), row_stride(n)
    for _ in range(count):
        if which == 0:
            forward_product(f, out, n_row, x, k_row, w, 0, m, k, n, strip)
        elif which == 1:
            weight_product(f, out, x, k_row, dz, n_row, m, k, n, strip)
        else:
            input_product(f, out, k_row, dz, n_row, w, 0, m, k, n, n, turned, strip)


row_stride = njit(stride)


class Tiles:
    """The three products of a training step with one layer (m rows, k inputs, n outputs)."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        m, k, n = self.shape = shape
        self.operations = 2 * m * k * n
        a, b = stride(k), stride(n)
        sizes = [m * a, m * b, max(m * a, m * b, k * n), k * n, INNER_AT_MOST * WIDE]
        self.f = aligned(sum(sizes), np.float32)
        self.f[:] = np.random.default_rng(0).standard_normal(len(self.f), dtype=np.float32)
        self.w = aligned(k * n, np.float32)
        self.w[:] = self.f[: k * n]
        self.places = tuple(int(place) for place in np.cumsum([0, *sizes[:-1]]))

    def forward(self, count: int) -> None:
        _products(0, count, self.f, self.places, self.w, *self.shape)

    def weight(self, count: int) -> None:
        _products(1, count, self.f, self.places, self.w, *self.shape)

    def input(self, count: int) -> None:
        _products(2, count, self.f, self.places, self.w, *self.shape)


def rate(run: Any, operations: int, rounds: int) -> float:
    """The best of several, in GFLOP/s."""
    count = enough(run, 0.05)
    return max(operations / cpu_seconds(run, count) for _ in range(rounds)) / 1e9


def blas_rates(rounds: int) -> dict[str, Any]:
    """Of NumPy's BLAS, with the name of the kernels that it chose."""
    with threadpool_limits(1):
        rates = [rate(p.times, p.operations, rounds) for p in map(Product, PRODUCTS)]
    names = [i for i in threadpool_info() if i["user_api"] == "blas" and "numpy" in i["filepath"]]
    name = f"{names[0]['internal_api']} {names[0].get('architecture', '')}".strip() if names else "BLAS"
    return {"name": name, "rates": rates}


def torch_rates(rounds: int) -> dict[str, Any]:
    """Of PyTorch's."""
    import torch

    torch.set_num_threads(1)
    rates = []
    for product in map(Product, PRODUCTS):
        a, b, out = (torch.from_numpy(array) for array in (product.a, product.b, product.out))

        def run(count: int, a: Any = a, b: Any = b, out: Any = out) -> None:
            for _ in range(count):
                torch.mm(a, b, out=out)

        rates.append(rate(run, product.operations, rounds))
    return {"name": "torch.mm", "rates": rates}


def other_blas(rounds: int) -> dict[str, Any]:
    """Rates of NumPy's BLAS in a process of its own, told to use other kernels."""
    code = f"import json, engine_products as e; print(json.dumps(e.blas_rates({rounds})))"
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **FORCED}, cwd=HERE, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(found.stdout)
    return {**result, "name": f"{result['name']} (asked for)"}


def in_words(rounds: int) -> str:
    with threadpool_limits(1):
        tiles = [Tiles(shape) for shape in PRODUCTS]
        lines = [
            {"name": f"taut, {name}", "rates": [rate(getattr(t, name), t.operations, rounds) for t in tiles]}
            for name in ("forward", "weight", "input")
        ]
    lines += [blas_rates(rounds), other_blas(rounds), torch_rates(rounds)]
    head = ["GFLOP/s", *("x".join(map(str, shape)) for shape in PRODUCTS)]
    cells = [[line["name"], *(f"{r:.0f}" for r in line["rates"])] for line in lines]
    return table("Matrix products on one core (rows x inner x columns)", head, cells)
