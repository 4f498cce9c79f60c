from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import StoreError
from taut.table.encoder import Encoder
from taut.table.matrices import Matrix
from taut.table.pieces import Pieces


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, None]


def test_a_piece_rises_between_two_quantiles() -> None:
    pieces = Pieces.fit(column(*range(9)), 4)
    assert pieces.low.tolist() == [0, 2, 4, 6]
    assert pieces.slope.tolist() == [0.5] * 4
    assert pieces.transform(column(-1, 0, 1, 2, 5, 8, 99)).tolist() == [
        [0, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0.5, 0], [1, 1, 1, 1], [1, 1, 1, 1],
    ]  # fmt: skip
    assert pieces.names(("age",)) == ("age from 0", "age from 2", "age from 4", "age from 6")


def test_few_levels_give_few_pieces_and_what_has_two_or_fewer_gives_none() -> None:
    levels = np.tile(column(1, 2, 5), (20, 1))
    assert Pieces.fit(levels, 24).low.tolist() == [1, 2]
    both, constant = np.tile(column(0, 1), (30, 1)), np.ones((60, 1), dtype=np.float32)
    missing = np.full((60, 1), np.nan, dtype=np.float32)
    found = Pieces.fit(np.hstack([both, levels, constant, missing]), 24)
    assert found.column.tolist() == [1, 1]
    assert len(Pieces.fit(levels, 0)) == 0


def test_a_missing_number_is_in_no_piece_and_has_no_part_in_the_quantiles() -> None:
    values = column(*range(9), *[np.nan] * 50)
    assert Pieces.fit(values, 4).low.tolist() == [0, 2, 4, 6]
    assert not Pieces.fit(values, 4).transform(column(np.nan)).any()


@given(st.integers(1, 40), st.integers(3, 60), st.integers(0, 10**6))
def test_every_row_adds_up_to_its_place_among_the_quantiles(n_bins: int, n: int, seed: int) -> None:
    """The pieces together rise with the number, by one a piece."""
    values = np.sort(np.random.default_rng(seed).standard_t(1, (n, 1)).astype(np.float32), axis=0)
    pieces = Pieces.fit(values, n_bins)
    total = pieces.transform(values).sum(axis=1)
    assert (np.diff(total) >= -1e-5).all()
    if len(pieces):
        assert total[0] == 0
        assert total[-1] == pytest.approx(len(pieces))
        assert len(pieces) <= n_bins


def test_an_encoder_with_pieces_survives_json_and_one_that_points_outside_is_refused() -> None:
    rng = np.random.default_rng(0)
    values = np.hstack([rng.normal(size=(80, 2)), rng.integers(0, 3, (80, 1))]).astype(np.float32)
    matrix = Matrix(values, ("a", "b", "c"), 2, (("x", "y"),))
    encoder = Encoder.fit(matrix, np.arange(60), n_bins=6)
    assert encoder.pieces.n_bins == 6
    assert len(encoder.names) == encoder.n_features == encoder.transform(values, np.arange(80)).shape[1]
    assert encoder.columns[encoder.first_piece :].tolist() == [0] * 6 + [1] * 6
    data = json.loads(json.dumps(encoder.to_json()))
    assert data["format"] == 2
    again = Encoder.from_json(data)
    assert np.array_equal(again.transform(values, np.arange(80)), encoder.transform(values, np.arange(80)))
    assert Encoder.fit(matrix, np.arange(60)).to_json()["format"] == 1
    for name, value in (("column", 2), ("low", float("nan")), ("slope", 0.0)):
        damaged = json.loads(json.dumps(data))
        damaged["pieces"][name][0] = value
        with pytest.raises(StoreError, match="damaged"):
            Encoder.from_json(damaged)
    del data["pieces"]["slope"]
    with pytest.raises(StoreError, match="damaged"):
        Encoder.from_json(data)
