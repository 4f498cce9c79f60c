from __future__ import annotations

import pytest

from taut import Dropout
from taut.errors import ParameterError
from taut.techniques import compose


def test_it_drops_hidden_units_or_inputs_or_both() -> None:
    hidden = compose([Dropout(0.3)])
    assert (hidden.drop, hidden.input_drop) == (0.3, 0.0)
    both = compose([Dropout(0.3, input_rate=0.1)])
    assert (both.drop, both.input_drop) == (0.3, 0.1)


def test_it_is_off_only_where_both_rates_are() -> None:
    assert Dropout(0).is_off
    assert not Dropout(0, input_rate=0.1).is_off
    assert Dropout(0, input_rate=0.1).strength == 0
    assert compose([Dropout(0, input_rate=0.1)]).input_drop == 0.1


def test_how_it_prints() -> None:
    assert repr(Dropout()) == "Dropout(0.5)"
    assert repr(Dropout(0.3, 0.1)) == "Dropout(0.3, input_rate=0.1)"
    assert Dropout(1 / 3).label == "dropout 0.333"
    assert Dropout(0.3, 0.1).label == "dropout 0.3 (input 0.1)"


@pytest.mark.parametrize("rate", [1, 1.0, 2, -0.1, float("nan")])
def test_the_range_is_said(rate: float) -> None:
    with pytest.raises(ParameterError, match="Dropout's rate must be a number from 0 to below 1, and it is"):
        Dropout(rate)
    with pytest.raises(ParameterError, match="Dropout's input_rate must be a number from 0 to below 1"):
        Dropout(0.5, input_rate=rate)
