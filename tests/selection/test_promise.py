from __future__ import annotations

import numpy as np
import pytest

from taut.selection.promise import further_fall

EPOCHS = np.arange(1.0, 31.0)


def test_what_falls_like_a_power_of_the_epoch_is_foreseen() -> None:
    curve = 0.3 + 0.6 * EPOCHS**-0.7
    seen = curve[:12]
    foreseen = seen.min() - further_fall(seen, 30)
    assert abs(foreseen - curve[-1]) < 0.3 * (seen.min() - curve[-1])
    assert 0 < further_fall(seen, 20) < further_fall(seen, 30)
    # A guess at a far epoch is one at four times as many.
    assert further_fall(seen, 48) == further_fall(seen, 480)


def test_who_is_behind_and_still_falls_may_be_ahead_of_who_has_turned() -> None:
    falling = 0.3 + 1.2 * EPOCHS[:12] ** -0.9
    turned = 0.40 + 0.004 * np.abs(EPOCHS[:12] - 5)
    assert falling.min() > turned.min()
    assert falling.min() - further_fall(falling, 30) < turned.min() - further_fall(turned, 30)
    assert further_fall(turned, 30) == 0.0


@pytest.mark.parametrize(
    ("curve", "goal"),
    [([3.0, 2.0, 1.0], 30), ([4.0, 3.0, 2.0, 1.0], 4), ([4.0, 3.0, np.nan, 1.0], 30), ([1.0] * 9, 30)],
)
def test_too_few_epochs_or_no_numbers_promise_nothing(curve: list[float], goal: int) -> None:
    assert further_fall(np.array(curve), goal) == 0.0
