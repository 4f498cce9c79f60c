"""A matrix's rows -> the inputs of a network, fitted on the training rows of one fold alone.

The compiled kernel applies an encoder while it gathers rows, so that a fold needs no table of its own.
``Encoder.transform`` is the same in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import StoreError
from taut.table.matrices import Matrix
from taut.table.pieces import Pieces

FORMAT = 1  # of the JSON form
_WITH_PIECES = 2  # of one that has pieces, which earlier versions would pass over

MOST_FEATURES = 64  # of one category
MOST_SCALE = 3e6  # with MOST = 1e12 of the matrix, the square of (v - center) * scale stays in float32
SQUASH = np.float32(1.0 / 3.0)  # of a number's distance from its center
_SAMPLE_ROWS = 100_000
_BLOCK_COLUMNS = 16
_BLOCK_CELLS = 250_000


@final
@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """The map from a matrix's columns to features.

    A number v becomes ``u / sqrt(1 + (u / 3)**2)`` with ``u = (v - center) * scale``, and u = 0 where v is
    missing: robust scaling and a smooth clip at 3 (RealMLP; Holzmüller, Grinsztajn and Steinwart, 2024). The
    center is the median; the scale is 1 / (upper - lower quartile), where these are equal 2 / (maximum -
    minimum), and 0 for a constant.

    A number gets a second feature, its missing flag, where enough training rows have no value and enough
    have one (``enough_rows``), and no earlier flag is 1 in the same training rows.

    A category's values become one feature each (one-hot) where enough training rows have them, the 64 most
    frequent at most. The rest, and values that are not in the training rows, share "(other)" where it has
    enough training rows, and else have no feature: all features of the category are 0 then. A missing
    value is treated as one more value. Where there are two features and one of them is 1 in every training
    row, the rarer is enough. A feature that is 1 in all but a few training rows is left out.

    Attributes
    ----------
    n_numbers : int
    center, scale : float32 (n_numbers,)
    flags : int32 (n_flags,)
        The numbers that have a missing flag.
    category_start : int32 (n_categories + 1,)
        Where the codes of each category start in ``category_feature``.
    category_feature : int32 (category_start[-1],)
        The feature that a code sets to 1, or -1.
    names : tuple of str, (n_features,)
        Readable names: "income", "income missing", "city=Paris", "city=(other)".
    clips : bool
        Whether numbers are clipped as above. Without it u itself is the feature, so that a layer can take
        the encoder in; see :meth:`standard`.
    pieces : Pieces
        Further features of the numbers, the last ones.
    """

    n_numbers: int
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    flags: NDArray[np.int32]
    category_start: NDArray[np.int32]
    category_feature: NDArray[np.int32]
    names: tuple[str, ...]
    clips: bool = True
    pieces: Pieces = field(default_factory=Pieces.none)

    @property
    def n_features(self) -> int:
        """The number of features: numbers, then flags, then one-hot, then pieces."""
        return len(self.names)

    @property
    def columns(self) -> NDArray[np.intp]:
        """The column of the matrix that each feature comes from: shape (n_features,).

        A number's missing flag and all features of a category belong to their column.
        """
        columns = np.zeros(self.n_features, dtype=np.intp)
        columns[: self.n_numbers] = np.arange(self.n_numbers)
        flags = self.n_numbers + len(self.flags)
        columns[self.n_numbers : flags] = self.flags
        for index, (start, stop) in enumerate(pairwise(self.category_start)):
            features = self.category_feature[start:stop]
            columns[features[features >= 0]] = self.n_numbers + index
        columns[self.first_piece :] = self.pieces.column
        return columns

    @property
    def first_piece(self) -> int:
        """The feature that is the first piece."""
        return self.n_features - len(self.pieces)

    @classmethod
    def fit(cls, matrix: Matrix, rows: NDArray[Any], n_bins: int = 0) -> Encoder:
        """Fit an encoder.

        Medians and quartiles of more than 100,000 training rows come from 100,000 of them, evenly spaced.

        Parameters
        ----------
        matrix : Matrix
        rows : int array (n,)
            The training rows of the fold, one or more.
        n_bins : int, default=0
            Pieces of each number, at most.
        """
        center, scale, flags = _fit_numbers(matrix, rows)
        names = list(matrix.names[: matrix.n_numbers])
        names += [f"{matrix.names[column]} missing" for column in flags]
        features = [np.empty(0, dtype=np.int32)]
        categories = np.take(matrix.values[:, matrix.n_numbers :], rows, axis=0).T.astype(np.int64, order="C")
        for index, (codes, levels) in enumerate(zip(categories, matrix.levels, strict=True)):
            found, labels = _fit_category(codes, levels)
            features.append(np.where(found >= 0, found + len(names), -1).astype(np.int32))
            names += [f"{matrix.names[matrix.n_numbers + index]}={label}" for label in labels]
        start = np.concatenate([[0], np.cumsum(matrix.n_levels)]).astype(np.int32)
        pieces = Pieces.fit(np.take(matrix.values[:, : matrix.n_numbers], rows, axis=0), n_bins)
        return cls(
            matrix.n_numbers,
            center,
            scale,
            flags,
            start,
            np.concatenate(features).astype(np.int32),
            (*names, *pieces.names(matrix.names)),
            pieces=pieces,
        )

    @classmethod
    def standard(cls, matrix: Matrix, rows: NDArray[Any]) -> Encoder:
        """Fit one for complete numbers alone, by mean and standard deviation and without a clip.

        Parameters
        ----------
        matrix : Matrix
            Without categories, and without missing numbers.
        rows : int array (n,)
        """
        center = np.zeros(matrix.n_numbers, dtype=np.float32)
        scale = np.zeros(matrix.n_numbers, dtype=np.float32)
        for column in range(matrix.n_numbers):
            values = matrix.values[rows, column].astype(np.float64)
            center[column] = values.mean()
            if values.min() < values.max():
                scale[column] = min(1.0 / values.std(), MOST_SCALE)
        nothing = np.empty(0, dtype=np.int32)
        return cls(
            matrix.n_numbers,
            center,
            scale,
            nothing,
            np.zeros(1, dtype=np.int32),
            nothing,
            matrix.names,
            clips=False,
        )

    def transform(self, values: NDArray[np.float32], rows: NDArray[Any]) -> NDArray[np.float32]:
        """Encode rows.

        Parameters
        ----------
        values : float32 (n_rows, n_numbers + n_categories)
            A matrix's values.
        rows : int array (n,)

        Returns
        -------
        float32 (n, n_features)
        """
        out = np.zeros((len(rows), self.n_features), dtype=np.float32)
        numbers = values[rows, : self.n_numbers]
        u = (numbers - self.center) * self.scale
        u = np.where(np.isnan(numbers), np.float32(0), u)
        out[:, : self.n_numbers] = u / np.sqrt(1 + (u * SQUASH) ** 2) if self.clips else u
        for index, column in enumerate(self.flags):
            out[:, self.n_numbers + index] = np.isnan(numbers[:, column])
        here = np.arange(len(rows))
        for index, start in enumerate(self.category_start[:-1]):
            codes = values[rows, self.n_numbers + index].astype(np.int64)
            features = self.category_feature[start + codes]
            found = features >= 0
            out[here[found], features[found]] = 1.0
        out[:, self.first_piece :] = self.pieces.transform(numbers)
        return out

    def to_json(self) -> dict[str, Any]:
        """Give the encoder as a dict of plain lists for ``json``."""
        return {
            "format": _WITH_PIECES if len(self.pieces) else FORMAT,
            "n_numbers": self.n_numbers,
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "flags": self.flags.tolist(),
            "category_start": self.category_start.tolist(),
            "category_feature": self.category_feature.tolist(),
            "names": list(self.names),
            **({} if self.clips else {"clips": False}),
            **({"pieces": self.pieces.to_json()} if len(self.pieces) else {}),
        }

    @classmethod
    def from_json(cls, data: object) -> Encoder:
        """Read what ``to_json`` gave.

        Raises
        ------
        StoreError
            If it is of another format, or its parts do not fit each other.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("format"), int):
            raise StoreError("the encoder is damaged: it has no format number.")
        if data["format"] not in (FORMAT, _WITH_PIECES):
            raise StoreError(
                f"the encoder has format {data['format']}, and this version of taut reads formats {FORMAT} "
                f"and {_WITH_PIECES}; use the version that saved it, or save it again."
            )
        try:
            encoder = cls(
                n_numbers=int(data["n_numbers"]),
                center=np.array(data["center"], dtype=np.float32),
                scale=np.array(data["scale"], dtype=np.float32),
                flags=np.array(data["flags"], dtype=np.int32),
                category_start=np.array(data["category_start"], dtype=np.int32),
                category_feature=np.array(data["category_feature"], dtype=np.int32),
                names=tuple(str(name) for name in data["names"]),
                clips=bool(data.get("clips", True)),
                pieces=Pieces.from_json(data["pieces"]) if "pieces" in data else Pieces.none(),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"the encoder is damaged: {type(error).__name__} {error}.") from error
        if not encoder._fits():
            raise StoreError("the encoder is damaged: its parts do not fit each other.")
        return encoder

    def _fits(self) -> bool:
        """Whether no part points outside another: the kernel trusts them."""
        start, feature = self.category_start, self.category_feature
        return bool(
            self.center.shape == self.scale.shape == (self.n_numbers,)
            and np.isfinite(self.center).all()
            and ((self.scale >= 0) & (self.scale <= MOST_SCALE)).all()
            and self.flags.ndim == start.ndim == feature.ndim == 1
            and ((self.flags >= 0) & (self.flags < self.n_numbers)).all()
            and len(start) > 0
            and start[0] == 0
            and (np.diff(start) >= 2).all()
            and start[-1] == len(feature)
            and self.pieces.fits(self.n_numbers)
            and ((feature >= -1) & (feature < self.first_piece)).all()
            and self.first_piece >= self.n_numbers + len(self.flags)
        )


def enough_rows(n_rows: int) -> int:
    """The number of training rows from which a flag or a value gets its own feature.

    8 rows, or one in a thousand where that is more; for fewer than 64 rows, one in eight and at least 2.
    """
    return max(2, min(8, n_rows // 8), math.ceil(n_rows / 1000))


def _fit_numbers(
    matrix: Matrix, rows: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Find center, scale and flags, as many columns at a time as a block has room for."""
    n_numbers, n_rows = matrix.n_numbers, len(rows)
    center = np.zeros(n_numbers, dtype=np.float32)
    scale = np.zeros(n_numbers, dtype=np.float32)
    flags = []
    patterns: set[bytes] = set()
    enough = enough_rows(n_rows)
    step = max(_BLOCK_COLUMNS, _BLOCK_CELLS // n_rows)
    for first in range(0, n_numbers, step):
        columns = slice(first, min(first + step, n_numbers))
        block = np.ascontiguousarray(np.take(matrix.values[:, columns], rows, axis=0).T)
        missing = np.isnan(block)
        n_missing = missing.sum(axis=1)
        for index in np.flatnonzero((n_missing >= enough) & (n_missing <= n_rows - enough)).tolist():
            pattern = np.packbits(missing[index]).tobytes()
            if pattern not in patterns:
                patterns.add(pattern)
                flags.append(first + index)
        center[columns], scale[columns] = _robust(block, n_rows - n_missing)
    return center, scale, np.array(flags, dtype=np.int32)


def _robust(
    block: NDArray[np.float32], n_present: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the median of each column, and its scale by quartiles or else by range; 0 and 0 where it is empty.

    Parameters
    ----------
    block : float32 (n_columns, n_rows)
    n_present : int (n_columns,)
        How many are not NaN.
    """
    n_rows = block.shape[1]
    sample, n_sample = block, n_present
    if n_rows >= 2 * _SAMPLE_ROWS:
        sample, n_sample = _thinned(block)
    last = np.maximum(n_sample - 1, 0)[:, None]
    positions = np.array([0.25, 0.5, 0.75]) * last
    below = positions.astype(np.int64)
    above = np.minimum(below + 1, last)
    ordered = np.sort(sample, axis=1)  # NaN go last; quicker than np.partition
    lower = np.take_along_axis(ordered, below, axis=1).astype(np.float64)
    upper = np.take_along_axis(ordered, above, axis=1).astype(np.float64)
    quartiles = lower + (positions - below) * (upper - lower)
    spread = quartiles[:, 2] - quartiles[:, 0]
    empty = n_present == 0
    constant = np.flatnonzero(~(spread > 0) & ~empty)
    span = np.zeros(len(block))
    span[constant] = np.fmax.reduce(block[constant], axis=1).astype(np.float64)
    span[constant] -= np.fmin.reduce(block[constant], axis=1)
    with np.errstate(divide="ignore"):
        scale = np.where(spread > 0, 1.0 / spread, np.where(span > 0, 2.0 / span, 0.0))
    return np.where(empty, 0.0, quartiles[:, 1]), np.where(empty, 0.0, np.minimum(scale, MOST_SCALE))


def _thinned(block: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Give 100,000 or more present values of each column, evenly spaced, filled up with NaN; and how many."""
    chosen = []
    for values in block:
        present = values[~np.isnan(values)]
        chosen.append(present[:: max(1, len(present) // _SAMPLE_ROWS)])
    n = np.array([len(sample) for sample in chosen])
    thinned = np.full((len(block), n.max(initial=1)), np.nan, dtype=np.float32)
    for row, sample in zip(thinned, chosen, strict=True):
        row[: len(sample)] = sample
    return thinned, n


def _fit_category(codes: NDArray[np.int64], levels: tuple[str, ...]) -> tuple[NDArray[np.int64], list[str]]:
    """Choose the features of one category: (the feature of each code counted from 0, or -1; their labels)."""
    n_rows, other, missing = len(codes), len(levels), len(levels) + 1
    enough = enough_rows(n_rows)
    counts = np.bincount(codes, minlength=len(levels) + 2)
    own = [code for code in np.argsort(-counts[:other], kind="stable").tolist() if counts[code] >= enough]
    own = own[:MOST_FEATURES]
    own += [missing] if counts[missing] >= enough else []
    labels = [*levels, "(other)", "(missing)"]
    groups = {code: [code] for code in own}
    # Codes that occur in no training row are treated as rare.
    groups[other] = [code for code in range(len(levels) + 2) if code not in groups]
    sizes = {code: int(counts[group].sum()) for code, group in groups.items()}
    chosen = [code for code in groups if enough <= sizes[code] <= n_rows - enough]
    if len(chosen) == 2 and sizes[chosen[0]] + sizes[chosen[1]] == n_rows:
        chosen = [min(chosen, key=lambda code: sizes[code])]
    feature = np.full(len(levels) + 2, -1, dtype=np.int64)
    for index, code in enumerate(chosen):
        feature[groups[code]] = index
    return feature, [labels[code] for code in chosen]
