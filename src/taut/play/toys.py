"""Toy problems: small tables made of random numbers, each of which shows one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_blobs, make_circles, make_moons

from taut.errors import ParameterError
from taut.parameters import real, whole
from taut.streams import Stream, generator

Task: TypeAlias = Literal["classification", "regression"]
Table: TypeAlias = tuple[NDArray[np.float64], NDArray[Any]]

#: Rows of a toy problem, at least and at most.
FEWEST_ROWS, MOST_ROWS = 20, 5_000
_MOST_NOISE = 1.0
_TURNS = 1.75  # of the spiral
_SQUARES = 4  # of the checkerboard, along a side
_IRRELEVANT = 40


@final
@dataclass(frozen=True)
class Toy:
    """A toy problem.

    Parameters
    ----------
    name : str
        On the command line and in JSON.
    title : str
        For people.
    task : {"classification", "regression"}
    noise : str
        What its noise does, in a sentence.
    usual : float
        The noise to begin with.
    make : callable
        Of the number of rows, the noise and a generator; gives X, shape (n_rows, n_columns), and y.
    """

    name: str
    title: str
    task: Task
    noise: str
    usual: float
    make: Callable[[int, float, np.random.Generator], Table]


def toy(name: str, n_rows: int = 300, noise: float | None = None, random_state: int = 0) -> Table:
    """Make a toy problem's table.

    Parameters
    ----------
    name : str
        Of one of ``TOYS``.
    n_rows : int, default=300
        From 20 to 5,000.
    noise : float, optional
        From 0 to 1; without it the usual one.
    random_state : int, default=0

    Returns
    -------
    X : float64 array, shape (n_rows, n_columns)
    y : array, shape (n_rows,)
        Classes 0, 1, ... or values.

    Raises
    ------
    ParameterError
        Where there is no such problem, or a number is out of its range.
    """
    found = NAMED.get(name)
    if found is None:
        raise ParameterError(f"There is no toy problem {name!r}; there are {', '.join(NAMED)}.")
    n = whole("n_rows", n_rows, low=FEWEST_ROWS, high=MOST_ROWS)
    amount = found.usual if noise is None else noise_of(noise)
    return found.make(n, amount, generator(whole("random_state", random_state, low=0), Stream.TOY_ROWS))


def noise_of(value: object) -> float:
    """Check a noise.

    Raises
    ------
    ParameterError
        Where it is not a number from 0 to 1.
    """
    noise = real("noise", value)
    if noise > _MOST_NOISE:
        raise ParameterError(f"noise must be a number from 0 to 1, and it is {noise:g}.")
    return noise


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _moons(n: int, noise: float, rng: np.random.Generator) -> Table:
    X, y = make_moons(n, noise=noise, random_state=_seed(rng))
    return X, y


def _circles(n: int, noise: float, rng: np.random.Generator) -> Table:
    X, y = make_circles(n, noise=noise, factor=0.5, random_state=_seed(rng))
    return X, y


def _spiral(n: int, noise: float, rng: np.random.Generator) -> Table:
    y, along = rng.permutation(np.arange(n) % 2), np.sqrt(rng.uniform(0.01, 1, n))
    angle = 2 * np.pi * _TURNS * along + np.pi * y
    X = along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + 0.2 * noise * rng.standard_normal(X.shape), y


def _checkerboard(n: int, noise: float, rng: np.random.Generator) -> Table:
    X = rng.uniform(0, _SQUARES, (n, 2))
    y = np.floor(X).sum(axis=1).astype(np.int64) % 2
    return X + noise * rng.standard_normal(X.shape), y


def _blobs(n: int, noise: float, rng: np.random.Generator) -> Table:
    corners = 2 * np.pi * np.arange(3) / 3
    centers = 1.5 * np.column_stack([np.cos(corners), np.sin(corners)])
    X, y = make_blobs(n, centers=centers, cluster_std=0.6, random_state=_seed(rng))
    wrong = rng.random(n) < noise
    return X, np.where(wrong, rng.integers(0, 3, n), y)


def _sine(n: int, noise: float, rng: np.random.Generator) -> Table:
    x = rng.uniform(-1, 1, n)
    return x[:, None], np.sin(2 * np.pi * x) + noise * rng.standard_normal(n)


def _step(n: int, noise: float, rng: np.random.Generator) -> Table:
    x = rng.uniform(-1, 1, n)
    return x[:, None], (x > 0) + noise * rng.standard_normal(n)


def _needles(n: int, noise: float, rng: np.random.Generator) -> Table:
    X = rng.standard_normal((n, 2 + _IRRELEVANT))
    signal = X[:, 0] + X[:, 1] + 2 * noise * rng.standard_normal(n)
    return X, (signal > 0).astype(np.int64)


_AWAY = "How far rows are from where they belong"
#: In the order in which they are shown.
TOYS: tuple[Toy, ...] = (
    Toy("moons", "Two moons", "classification", f"{_AWAY}: a standard deviation.", 0.3, _moons),
    Toy("circles", "Circles", "classification", f"{_AWAY}: a standard deviation.", 0.15, _circles),
    Toy("spiral", "Spiral", "classification", f"{_AWAY}: five standard deviations.", 0.2, _spiral),
    Toy("checkerboard", "Checkerboard", "classification", f"{_AWAY}: a standard deviation.", 0.1,
        _checkerboard),
    Toy("blobs", "Blobs with wrong labels", "classification",
        "The share of rows that get a label at random.", 0.25, _blobs),
    Toy("sine", "Noisy sine", "regression", "The standard deviation of what is added to y.", 0.3, _sine),
    Toy("step", "Step", "regression", "The standard deviation of what is added to y.", 0.2, _step),
    Toy("needles", "A linear signal among forty irrelevant columns", "classification",
        "How much of the class is chance: half the standard deviation of what is added.", 0.4, _needles),
)  # fmt: skip
#: The same by name.
NAMED: dict[str, Toy] = {one.name: one for one in TOYS}
