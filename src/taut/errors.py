"""The errors and warnings that taut raises.

Each one is a sentence that names the thing (a column, a file, a line, a parameter), says what is wrong with
it and what to do. The command line prints that sentence and nothing else.
"""

from __future__ import annotations

from typing import final


class TautError(Exception):
    """Anything that taut refuses or cannot do. Catch this to catch them all."""


@final
class DataError(TautError, ValueError):
    """A file, a table or a target cannot be used as it is."""


@final
class ParameterError(TautError, ValueError):
    """A parameter is of the wrong kind or out of its range."""


@final
class TrainingError(TautError, RuntimeError):
    """Training gave no usable network."""


@final
class StoreError(TautError, ValueError):
    """A saved model is damaged, unsafe, or of a format that this version does not know."""


@final
class DataWarning(UserWarning):
    """Something in the data was changed, left out, or looks wrong; the work continues."""


@final
class TrainingWarning(UserWarning):
    """Something in training did not go as asked; the result stands, but read this."""
