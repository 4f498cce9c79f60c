from __future__ import annotations

import pytest

from taut import EarlyStopping
from taut.errors import ParameterError
from taut.techniques import compose


def test_it_enters_its_patience_and_what_counts_as_an_improvement() -> None:
    hooks = compose([EarlyStopping(7, min_delta=0.01)])
    assert (hooks.patience, hooks.min_delta) == (7, 0.01)


def test_its_off_value_is_absence() -> None:
    assert compose([]).patience is None
    assert not EarlyStopping(1).is_off
    with pytest.raises(ParameterError, match=r"to switch it off, leave it out"):
        EarlyStopping.at(0)


def test_a_strength_is_a_patience_in_epochs() -> None:
    assert EarlyStopping.at(5.0) == EarlyStopping(patience=5)
    assert type(EarlyStopping.at(5.0).patience) is int


def test_how_it_prints() -> None:
    assert repr(EarlyStopping()) == "EarlyStopping(patience=20)"
    assert repr(EarlyStopping(5, 0.1)) == "EarlyStopping(patience=5, min_delta=0.1)"
    assert EarlyStopping().label == "early stopping"


@pytest.mark.parametrize("patience", [0, -1, 1.5, float("inf"), True, None])
def test_the_patience_is_a_whole_number(patience: int) -> None:
    with pytest.raises(ParameterError, match="Early stopping's patience must be a whole number of 1 or more"):
        EarlyStopping(patience)


def test_the_improvement_is_not_negative() -> None:
    with pytest.raises(
        ParameterError, match="Early stopping's min_delta must be a finite number of 0 or more"
    ):
        EarlyStopping(5, min_delta=-0.1)
