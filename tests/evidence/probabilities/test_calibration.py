"""Whether out-of-fold probabilities are right, and the temperature that acts where it surely helps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import log_loss

from taut.evidence.probabilities.calibration import LEAST_ROWS, Calibration, calibration
from taut.evidence.probabilities.temperature import fitted_temperature
from tests.evidence.probabilities.test_temperature import drawn


def of(temperature: float, n: int = 2000, n_classes: int = 3, **how: object) -> Calibration:
    shares, codes = drawn(0, n, n_classes, temperature)
    found = calibration(shares, codes, None, 0, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", [0.6, 2.0])
def test_a_sure_gain_is_applied(temperature: float, n_classes: int) -> None:
    found = of(temperature, n_classes=n_classes)
    assert found.applied
    assert found.temperature == found.fitted_temperature == pytest.approx(temperature, rel=0.15)
    assert found.gain.low > 0.0
    assert found.log_loss - found.log_loss_after == pytest.approx(found.gain.value)
    assert found.error.low > 0.0
    assert found.error_after.low == 0.0
    assert found.error_after.value < found.error.value


def test_what_is_right_is_left_alone() -> None:
    found = of(1.0)
    assert not found.applied
    assert found.temperature == 1.0 != found.fitted_temperature
    assert found.gain.low < 0.0
    assert found.error.low == 0.0


def test_chance_rarely_applies_one() -> None:
    applied = 0
    for seed in range(60):
        shares, codes = drawn(seed, 300)
        found = calibration(shares, codes, None, seed)
        applied += found is not None and found.applied
    assert applied <= 3  # 2.5 % at most


def test_after_is_honest() -> None:
    """Of few rows the temperature that fits them best flatters them; the others' does not."""
    flattered, honest = [], []
    for seed in range(60):
        shares, codes = drawn(seed, 40)
        found = calibration(shares, codes, None, seed)
        assert found is not None
        assert found.fitted_temperature == fitted_temperature(shares, codes, None)
        flattered.append(found.log_loss)
        honest.append(found.log_loss_after)
    assert np.mean(honest) > np.mean(flattered)  # the truth is 1: whatever is fitted is worse elsewhere


def test_it_is_not_applied_to_what_it_is_not_of() -> None:
    found = of(2.0, may_apply=False)
    assert found.gain.low > 0.0
    assert not found.applied


def test_before_is_the_log_loss() -> None:
    shares, codes = drawn(0, 500)
    found = calibration(shares, codes, None, 0)
    assert found is not None
    assert found.log_loss == pytest.approx(log_loss(codes, shares))
    assert found.n_rows == sum(one.n_rows for one in found.bins) == 500


def test_rows_without_weight_take_no_part() -> None:
    shares, codes = drawn(0, 400)
    weight = np.where(np.arange(400) < 300, 2.0, 0.0)
    found, other = calibration(shares, codes, weight, 0), calibration(shares[:300], codes[:300], None, 0)
    assert found is not None
    assert other is not None
    assert found.n_rows == other.n_rows == 300
    assert found.fitted_temperature == pytest.approx(other.fitted_temperature, rel=1e-4)
    assert found.gain.value == pytest.approx(other.gain.value, abs=1e-6)


def test_of_few_rows_nothing_is_said() -> None:
    shares, codes = drawn(0, LEAST_ROWS)
    assert calibration(shares[1:], codes[1:], None, 0) is None
    assert calibration(shares, codes, None, 0) is not None


def test_a_class_that_no_row_has_and_one_that_all_have() -> None:
    shares = drawn(0, 50)[0]
    found = calibration(shares, np.zeros(50, dtype=int), None, 0)
    assert found is not None
    assert np.isfinite(found.log_loss_after)
    sure = calibration(np.tile([1.0, 0.0], (50, 1)), np.arange(50) % 2, None, 0)
    assert sure is not None
    assert np.isfinite([sure.log_loss, sure.log_loss_after, sure.temperature]).all()


def test_it_goes_to_json_and_back() -> None:
    found = of(2.0, 200)
    assert Calibration.from_dict(json.loads(json.dumps(found.to_dict()))) == found
