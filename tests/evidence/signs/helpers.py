"""Small tables that the tests of signs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from taut.evidence.signs.sign import Sign
from taut.evidence.signs.view import View
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.learning.problem import Fold, Problem
from taut.selection.folds import cross_validation_splits, make_folds
from taut.table.columns import describe
from taut.table.convert import frame_from
from taut.table.duplicates import duplicate_groups
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix, matrix
from taut.table.schema import Schema


@dataclass(frozen=True, eq=False)
class Case:
    """A table as the signs are given it."""

    schema: Schema
    matrix: Matrix
    problem: Problem
    classes: Any
    folds: list[Fold]

    @property
    def view(self) -> View:
        return View.of(self.schema, self.matrix, self.problem, 0)

    @property
    def blank(self) -> Any:
        """Outputs where nothing was held out."""
        return np.full((len(self.problem), self.problem.objective.n_outputs), np.nan)


def case(columns: dict[str, Any], y: Any, cv: Any = 4, *, together: bool = True, **weights: Any) -> Case:
    """Columns by name, and a target: whole numbers and texts are classes."""
    y = np.asarray(y)
    X = frame_from(pd.DataFrame(columns))
    schema = describe(X)
    made = matrix(schema, X, strict=True)
    classes: Any = None
    target, n_outputs = y, 1
    if y.dtype.kind != "f":
        classes, codes = np.unique(y, return_inverse=True)
        target, n_outputs = codes.astype(np.float64), len(classes)
    objective: Objective = SquaredError() if classes is None else CrossEntropy(n_outputs)
    problem = Problem(TableExamples(made), target, objective, **weights)
    alike = duplicate_groups(made)[0] if together else np.arange(len(y))
    labels = target if classes is None else target.astype(np.int64)
    splits = cross_validation_splits(cv, labels, None, objective.stratify, 0, alike)
    return Case(schema, made, problem, classes, make_folds(splits, problem, 0))


def second(of: Case, columns: dict[str, Any]) -> Matrix:
    """Another file by the same schema."""
    return matrix(of.schema, frame_from(pd.DataFrame(columns)), strict=True)


def plain(n: int = 400, seed: int = 0, task: str = "classification") -> tuple[dict[str, Any], Any]:
    """Three numbers and a category, the first two of which matter somewhat."""
    rng = np.random.default_rng(seed)
    columns = {
        "a": rng.standard_normal(n),
        "b": rng.standard_normal(n),
        "c": rng.exponential(size=n),
        "kind": rng.choice(["red", "green", "blue"], size=n),
    }
    signal = columns["a"] - columns["b"] + 0.7 * rng.standard_normal(n)
    return columns, signal if task == "regression" else np.where(signal > 0, "yes", "no")


def kinds(signs: Any) -> list[str]:
    return [sign.kind for sign in signs]


def only(signs: Any) -> Sign:
    (sign,) = signs
    assert isinstance(sign, Sign)
    return sign
