from __future__ import annotations

import pytest

from taut import BatchNorm
from taut.errors import ParameterError
from taut.techniques import compose


def test_it_is_a_switch() -> None:
    assert BatchNorm().strength == 1
    assert BatchNorm.at(1) == BatchNorm()
    assert BatchNorm.at(0) == BatchNorm(on=False)
    assert compose([BatchNorm()]).normalize
    assert not compose([BatchNorm(False)]).normalize


def test_how_it_prints() -> None:
    assert repr(BatchNorm()) == "BatchNorm()"
    assert repr(BatchNorm(on=False)) == "BatchNorm(on=False)"
    assert BatchNorm().label == "batch norm"


@pytest.mark.parametrize("on", [0.5, 2, "yes", None])
def test_what_is_neither_on_nor_off_is_refused(on: bool) -> None:
    with pytest.raises(ParameterError, match="Batch normalization's on must be True or False"):
        BatchNorm(on)
    with pytest.raises(ParameterError, match="Batch normalization's strength must be True or False"):
        BatchNorm.at(on)
