"""The cheap signs of trouble, which ``fit`` looks for before it reports success."""

from __future__ import annotations

import warnings

from taut.errors import DataWarning
from taut.estimators.problem import TableProblem
from taut.evidence.signs import Sign
from taut.evidence.signs.leaks import leaks
from taut.evidence.signs.view import View, rows_in

_FEWEST_ROWS = 20  # too few to tell anything from


def warn_of_trouble(
    table: TableProblem, seed: int, seconds: float = float("inf"), *, stacklevel: int
) -> tuple[Sign, ...]:
    """Look for columns that give the target away, by the rule of ``diagnose``, and warn of the severe ones.

    It takes a few hundredths of a quick fit, however large the table: at most 20,000 rows are examined.

    Parameters
    ----------
    table : TableProblem
    seed : int
    seconds : float
        The time that the whole fit has.
    stacklevel : int
        Of the caller of ``fit``, counted from the function that calls this one.

    Returns
    -------
    tuple of Sign
        Those that were warned of.

    Warns
    -----
    DataWarning
        Once for each such column.
    """
    if table.target.constant:
        return ()
    view = View.of(table.schema, table.matrix, table.problem, seed, rows_in(seconds))
    if len(view.sample) < _FEWEST_ROWS:
        return ()
    found = tuple(sign for sign in leaks(view) if sign.severity == "severe")
    for sign in found:
        warnings.warn(sign.sentence, DataWarning, stacklevel=stacklevel + 1)
    return found
