from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.errors import DataError, ParameterError
from taut.examine.history import HistoryDiagnosis, diagnose_history

N = 80
EPOCH = np.arange(N)
TRAIN = np.exp(-EPOCH / 15)


def noise(size: float, n: int = N) -> NDArray[np.float64]:
    return size * np.random.default_rng(7).standard_normal(n)


def overfitted() -> HistoryDiagnosis:
    return diagnose_history(TRAIN, 0.4 + np.exp(-EPOCH / 6) + 0.01 * EPOCH + noise(0.01))


def test_it_overfits() -> None:
    found = overfitted()
    assert found.verdict == "overfits"
    assert found.since == found.lowest_epoch
    assert found.between is not None
    assert found.since is not None
    assert found.between[0] <= found.since <= found.between[1]
    assert found.between[0] <= 18 <= found.between[1]  # where the trend is lowest
    assert 0 < found.rise_at_least < found.rise < 0.6
    assert found.noise == pytest.approx(0.01, rel=0.5)
    assert found.sentence.startswith(f"It overfits since epoch {found.since} of 80")
    assert "times its noise" in str(found)


def test_it_is_still_falling() -> None:
    found = diagnose_history(TRAIN, np.exp(-EPOCH / 60) + noise(0.004))
    assert (found.verdict, found.since, found.between) == ("underfits", None, None)
    assert "still falling at the last epoch, 80" in found.sentence
    assert "Train longer" in found.sentence


def test_it_is_level() -> None:
    found = diagnose_history(TRAIN, 0.4 + np.exp(-EPOCH / 6) + noise(0.01))
    assert found.verdict == "level"
    assert "would not have been seen" in str(found)


def test_it_is_too_noisy() -> None:
    found = diagnose_history(TRAIN, 0.4 + 0.1 * np.exp(-EPOCH / 6) + noise(0.3))
    assert found.verdict == "noisy"
    assert "too noisy for a verdict" in found.sentence


@pytest.mark.parametrize("n", [8, 20, 60, 200])
@pytest.mark.parametrize("falling", [True, False])
def test_pure_noise_has_no_verdict_in_95_of_100_cases(n: int, falling: bool) -> None:
    rng = np.random.default_rng(n)
    found: Counter[str] = Counter()
    for _ in range(200):
        train = np.exp(-4 * np.arange(n) / n) if falling else 1 + 0.1 * rng.standard_normal(n)
        found[diagnose_history(train, 1 + 0.1 * rng.standard_normal(n)).verdict] += 1
    assert found["noisy"] + found["level"] >= 0.95 * 200, found
    assert found["level"] <= 0.05 * 200, found


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", ["train", "valid"])
def test_it_diverged(value: float, which: str) -> None:
    curves = {"train": TRAIN.copy(), "valid": TRAIN + 0.1}
    curves[which][30:] = value
    found = diagnose_history(**curves)
    assert (found.verdict, found.since) == ("diverged", 31)
    assert found.last_loss == pytest.approx(TRAIN[29] + 0.1)
    assert "epoch 31 of 80" in found.sentence


def test_it_diverged_at_once() -> None:
    found = diagnose_history([np.nan, np.nan], [1.0, 1.0])
    assert (found.verdict, found.since) == ("diverged", 1)
    assert found.to_dict()["lowest_loss"] is None


def test_an_infinity_between_is_divergence_too() -> None:
    train = TRAIN.copy()
    train[40] = np.inf
    assert diagnose_history(train, TRAIN + 0.1).since == 41


def test_it_exploded() -> None:
    up = np.where(EPOCH > 50, np.exp((EPOCH - 50) / 3.0) - 1, 0.0)
    found = diagnose_history(TRAIN + up, TRAIN + 0.1 + up)
    assert found.verdict == "diverged"
    assert "exploded" in found.sentence
    assert found.since is not None
    assert 45 <= found.since <= 52


def test_where_both_rise_training_is_unstable() -> None:
    found = diagnose_history(0.5 * TRAIN + 0.01 * EPOCH, TRAIN + 0.02 * EPOCH)
    assert found.verdict == "unstable"
    assert "no overfitting" in found.sentence


def test_a_validation_loss_that_grows_beyond_all_bounds_is_overfitting_while_training_falls() -> None:
    assert diagnose_history(TRAIN, np.exp(-EPOCH / 4) + (EPOCH / 10.0) ** 3).verdict == "overfits"


def test_a_validation_loss_below_the_training_loss_is_doubted() -> None:
    found = diagnose_history(TRAIN + 0.5, TRAIN + 0.3 + noise(0.01))
    assert found.validation_below
    assert found.gap < 0
    assert "dropout, augmentation or a penalty" in str(found)
    assert "copies of training rows" in str(found)
    assert not overfitted().validation_below


def test_a_training_loss_that_lags_by_half_an_epoch_is_not_doubted() -> None:
    falling = 1.0 - EPOCH / 100.0
    assert not diagnose_history(falling + 0.005, falling).validation_below


def test_a_loss_that_never_moves() -> None:
    found = diagnose_history(TRAIN, np.ones(N))
    assert found.verdict == "level"
    assert "never moves" in found.sentence


@pytest.mark.parametrize("n", [1, 2, 7])
def test_few_epochs_are_too_few(n: int) -> None:
    found = diagnose_history(TRAIN[:n], TRAIN[:n] + 1)
    assert found.verdict == "too short"
    assert found.sentence.startswith(f"{n} epoch")
    assert np.isnan(found.rise)


def test_a_trifle_is_no_rise() -> None:
    """Without any noise every rise is sure, and 1 % of the way is still none that matters."""
    valid = np.exp(-EPOCH / 6) + 0.0001 * EPOCH
    assert diagnose_history(TRAIN, valid).verdict == "level"


def test_losses_below_zero_and_of_any_unit() -> None:
    for shift, unit in ((-5.0, 1.0), (0.0, 1e-9), (0.0, 1e9)):
        valid = unit * (shift + 0.4 + np.exp(-EPOCH / 6) + 0.01 * EPOCH + noise(0.01))
        assert diagnose_history(unit * (shift + TRAIN), valid).verdict == "overfits"


def test_what_curves_cannot_tell_is_always_said() -> None:
    for valid in (TRAIN, TRAIN + 0.01 * EPOCH, np.full(N, np.inf)):
        text = str(diagnose_history(TRAIN, valid))
        assert "What these curves cannot tell:" in text
        assert "optimistic" in text
        assert "not comparable" in text
        assert "this is one run" in text


def test_the_facts_are_plain_values() -> None:
    found = overfitted()
    facts = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert facts["verdict"] == "overfits"
    assert facts["sentence"] == found.sentence
    assert facts["between"] == list(found.between or ())
    assert facts["sentences"] == list(found.sentences)
    assert repr(found) == f"<HistoryDiagnosis: {found.sentence}>"


def test_lists_and_integers_are_curves() -> None:
    assert diagnose_history([3, 2, 1], (3.0, 2.0, 1.5)).n_epochs == 3


@pytest.mark.parametrize(
    ("train", "valid", "error", "said"),
    [
        ([1, 2], [1, 2, 3], DataError, "train has 2 epochs and valid 3 epochs"),
        ([], [], DataError, "train is empty"),
        ([1.0, np.nan, 1.0], [1, 2, 3], DataError, "train has no loss in epoch 2, and later ones have"),
        ([1, 2, 3], [np.nan, 1.0, 1.0], DataError, "valid has no loss in epoch 1"),
        ([1, 2], [np.nan, np.nan], DataError, "was there a validation set"),
        ([[1, 2]], [1, 2], ParameterError, r"its shape is \(1, 2\)"),
        (1.0, 1.0, ParameterError, r"its shape is \(\)"),
        (["1", "2"], [1, 2], ParameterError, "train must be losses by epoch"),
        ([1, 2], [1, None], ParameterError, "valid must be losses by epoch"),
        ([1, 2], [[1], [1, 2]], ParameterError, "valid must be losses by epoch"),
        ([1, 2], [1j, 2], ParameterError, "valid must be losses by epoch"),
        (np.zeros(1_000_001), np.zeros(1_000_001), DataError, "1,000,000 are the most"),
    ],
)
def test_what_is_no_pair_of_curves_is_refused(train: Any, valid: Any, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        diagnose_history(train, valid)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from taut.examine import diagnose_history\n"
        "print(diagnose_history([1, 2], [1, 2]).verdict, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "too short False\n"
