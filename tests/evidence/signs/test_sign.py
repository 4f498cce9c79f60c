from __future__ import annotations

import json

import numpy as np

from taut.evidence.signs import Sign
from taut.evidence.signs.sign import row_list


def test_a_sign_has_plain_values_and_the_first_hundred_rows() -> None:
    rows = np.arange(1000)[::-1].astype(np.int64)
    figures = {"auc": np.float64(0.5), "r2": float("nan")}
    sign = Sign("leak", "severe", "text", columns=("<b>'\"\n",), rows=rows, figures=figures)
    found = json.loads(json.dumps(sign.to_dict(), allow_nan=False))
    assert found["rows"] == list(range(999, 899, -1))
    assert found["n_rows"] == 1000
    assert found["figures"] == {"auc": 0.5, "r2": None}
    assert found["columns"] == ["<b>'\"\n"]
    assert found["rows_of"] == "table"
    assert str(sign) == "text"


def test_a_sign_without_rows_says_so() -> None:
    assert Sign("shift", "worth a look", "text").to_dict()["n_rows"] == 0


def test_rows_are_listed_in_words() -> None:
    assert row_list(np.array([3])) == "row 3 (counted from 0)"
    assert row_list(np.array([3, 1200])) == "rows 3, 1,200 (counted from 0)"
    assert row_list(np.arange(7)) == "rows 0, 1, 2, 3, 4 and 2 more (counted from 0)"
