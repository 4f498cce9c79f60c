from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

from taut import warned
from taut.errors import DataWarning

CROSS_VALIDATED = """
import numpy as np, pandas as pd
from sklearn.model_selection import cross_val_score
from taut import TautClassifier
r = np.random.default_rng(0)
X = pd.DataFrame({"a": r.normal(size=60), "same": 1.0, "id": [f"k{i}" for i in range(60)]})
y = np.where(X["a"] > 0, "p", "q")
cross_val_score(TautClassifier((2,), max_epochs=2, random_state=0, n_jobs=1), X, y, cv=4)
"""


@pytest.mark.fault(94)
def test_cross_val_score_warns_of_a_thing_once_at_the_persons_line() -> None:
    done = subprocess.run([sys.executable, "-c", CROSS_VALIDATED], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if "DataWarning" in line]
    assert len([line for line in lines if "'id'" in line]) == 1
    assert all(line.startswith("<string>:8: DataWarning: ") for line in lines), done.stderr


def times_shown(action: str, n: int = 3) -> int:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action)  # type: ignore[arg-type]
        for _ in range(n):
            warned.warn(f"something, {action}", DataWarning)
    return len(seen)


def test_the_persons_filters_hold() -> None:
    assert times_shown("always") == 3
    assert times_shown("default") == 1
    assert times_shown("ignore") == 0
    with pytest.raises(DataWarning, match="something"):
        times_shown("error")


def test_another_line_is_told_again() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        warned.warn("here and there", DataWarning)
        warned.warn("here and there", DataWarning)
    assert [one.filename for one in seen] == [__file__, __file__]
    assert seen[0].lineno + 1 == seen[1].lineno
