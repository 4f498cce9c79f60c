from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taut import read
from taut.errors import DataError
from taut.table.arrow import durations
from taut.table.convert import frame_from
from taut.table.read import read_file

HOURS = [dt.timedelta(hours=hour, microseconds=3) for hour in range(5)]
SECONDS = [3600.0 * hour + 3e-6 for hour in range(5)]


@pytest.mark.fault(73)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_seconds_as_in_a_frame(unit: str, tmp_path: Path) -> None:
    table = pa.table(
        {
            "flag": [True] * 5 + [None],
            "wait": pa.array([*HOURS, None]).cast(pa.duration(unit), safe=False),
            "größe": [1, 2, 3, 4, 5, 6],
        }
    )
    pq.write_table(table, tmp_path / "table.parquet")
    found = read_file(tmp_path / "table.parquet")["wait"]
    assert np.array_equal(found, frame_from(table)["wait"], equal_nan=True)
    assert found[:5] == pytest.approx(SECONDS, abs=1e-5)


@pytest.mark.fault(73)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_so_are_those_that_others_write(library: str, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    if library == "pandas":
        pd.DataFrame({"x": range(5), "wait": HOURS}).to_parquet(path)
    else:
        pl.DataFrame({"x": range(5), "wait": HOURS}).write_parquet(path)
    assert read_file(path)["wait"].tolist() == SECONDS


@pytest.mark.fault(73)
@pytest.mark.parametrize(
    "values",
    [pa.array(HOURS), pa.array([dt.time(hour) for hour in range(5)])],
    ids=["durations", "times of the day"],
)
def test_a_target_of_durations_is_refused_as_in_python(values: pa.Array, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": range(5), "wait": values}), tmp_path / "table.parquet")
    with pytest.raises(DataError, match=r"the target 'wait' holds durations .* such as seconds\.$"):
        read(tmp_path / "table.parquet", target="wait")


def test_what_is_no_schema_has_no_durations() -> None:
    whole = base64.b64encode(pa.schema({"wait": pa.duration("s")}).serialize().to_pybytes())
    assert durations(whole) == {"wait": 1}
    for end in range(0, len(whole), 4):
        assert durations(whole[:end]) in ({}, {"wait": 1})
    assert durations(b"none") == {}
    random = np.random.default_rng(0)
    data = np.frombuffer(base64.b64decode(whole), dtype=np.uint8)
    for _ in range(200):
        broken = data.copy()
        broken[random.integers(len(data), size=4)] = random.integers(256, size=4)
        assert isinstance(durations(base64.b64encode(broken.tobytes())), dict)
