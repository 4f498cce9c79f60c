from __future__ import annotations

import pytest

from taut import errors


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.DataError, ValueError),
        (errors.ParameterError, ValueError),
        (errors.StoreError, ValueError),
        (errors.TrainingError, RuntimeError),
    ],
)
def test_an_error_is_caught_as_taut_s_and_as_python_s(
    error: type[Exception], builtin: type[Exception]
) -> None:
    for caught in (errors.TautError, builtin):
        with pytest.raises(caught, match="column 'age'"):
            raise error("column 'age' is empty")


@pytest.mark.parametrize("warning", [errors.DataWarning, errors.TrainingWarning])
def test_a_warning_is_one_that_python_shows(warning: type[Warning]) -> None:
    assert issubclass(warning, UserWarning)
