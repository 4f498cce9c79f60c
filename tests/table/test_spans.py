from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taut.table import spans as module
from taut.table.frame import Floats
from taut.table.spans import spans, value_parts

_ANY = st.floats(width=64) | st.integers(-5, 5).map(float)


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=_ANY))
def test_the_span_of_each_column_is_its_own(columns: Floats) -> None:
    for values, span in zip(columns, spans(list(columns)), strict=True):
        finite = values[np.isfinite(values)]
        assert span.n_finite == len(finite)
        assert (span.low, span.high) == ((finite.min(), finite.max()) if len(finite) else (0, 0))
        assert span.whole == bool((finite == np.rint(finite)).all())
        if (np.diff(finite) > 0).all():
            assert span.rising
        elif np.isfinite(values).all():
            assert not span.rising


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e9, 1e9) | st.just(np.nan)))
def test_quantiles_are_those_of_numpy(sample: Floats) -> None:
    present = sample[~np.isnan(sample)]
    found = module._quantiles(sample[None])[0]
    if len(present):
        np.testing.assert_array_equal(found, np.quantile(present, module._QUANTILES))
    else:
        assert np.isnan(found).all()


def test_a_long_column_is_measured_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(1000.0) * 1e9
    values[::3] = np.nan
    monkeypatch.setattr(module, "_SAMPLE_ROWS", 100)
    monkeypatch.setattr(module, "_BLOCK_CELLS", 1000)
    near, far = spans([values, values + 1e15])
    assert (near.low, near.high, near.n_finite) == (1e9, 998e9, 666)
    assert near.part.unit == 1e11
    assert far.part.origin == pytest.approx(1e15 + 5e11, rel=1e-3)


def test_an_outlier_does_not_take_the_figures_from_the_others() -> None:
    sample = np.array([[1.0, 1.0, 1.0, 1.0, 1e30], [2.0, 2.0, 2.0, 2.0, 2.0]])
    outlier, constant = value_parts(sample, np.array([1e30, 0.0]))
    assert outlier.unit == 1e29  # of the 95 percent quantile, where five values are all that there is
    assert constant.unit == 1.0
