"""All kinds of signs, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.classes import small_classes
from taut.evidence.signs.duplicates import duplicates, shared_rows
from taut.evidence.signs.identifiers import identifiers
from taut.evidence.signs.labels import labels
from taut.evidence.signs.leaks import leaks
from taut.evidence.signs.order import order
from taut.evidence.signs.shift import shift
from taut.evidence.signs.sign import Sign
from taut.evidence.signs.view import SAMPLE_ROWS, View
from taut.learning.problem import Fold, Problem
from taut.table.matrices import Matrix
from taut.table.schema import Schema


def find_signs(
    schema: Schema,
    matrix: Matrix,
    problem: Problem,
    classes: NDArray[Any] | None,
    folds: Sequence[Fold],
    outputs: NDArray[np.floating],
    test: Matrix | None = None,
    *,
    seed: int,
    most: int = SAMPLE_ROWS,
) -> tuple[Sign, ...]:
    """Look for signs of trouble in a table.

    Rows with a weight of 0 are passed over. Single columns are judged by at most 20,000 rows, models by
    fewer; which, the seed says.

    Parameters
    ----------
    schema : Schema
    matrix : Matrix
        Of all rows.
    problem : Problem
        Of the same rows.
    classes : array (n_classes,), or None
        The classes' names; None for regression.
    folds : sequence of Fold
        Those of the cross-validation.
    outputs : float array (n_rows, n_outputs)
        Of networks that were trained without the row: logits, or values in the engine's units; NaN where a
        row was never held out.
    test : Matrix, optional
        A second file, read by the same schema.
    seed : int
    most : int
        Single columns are judged by so many rows.

    Returns
    -------
    tuple of Sign
        The severe ones first, else by kind.
    """
    view = View.of(schema, matrix, problem, seed, most)
    signs = [*leaks(view), *duplicates(view, folds, outputs)]
    if test is not None:
        signs += shared_rows(view, test)
    signs += identifiers(view)
    signs += order(view, folds, outputs)
    signs += labels(view, outputs)
    if classes is not None:
        signs += small_classes(view, classes, folds)
    if test is not None:
        signs += shift(view, test)
    return tuple(sorted(signs, key=lambda sign: sign.severity != "severe"))
