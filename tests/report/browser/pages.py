"""Pages of three real tables, of one network and of nasty names, as files; each is made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from taut import (
    TautClassifier,
    TautClassifierCV,
    TautRegressorCV,
    diagnose,
    effects,
    regularization_path,
)
from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.schema import Facts
from taut.techniques import L2, Dropout, EarlyStopping
from tests.report.models import searched


def _search(kind: type[Any]) -> Any:
    return kind((8,), cv=3, n_candidates=8, max_epochs=30, random_state=0)


@cache
def two_classes() -> Facts:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return facts_of(_search(TautClassifierCV).fit(X, y))


@cache
def regression() -> Facts:
    """With all that can be asked for beside the model."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    model = _search(TautRegressorCV).fit(X, y)
    found = effects(X, y, model, cv=3, n_seeds=1, max_epochs=30, random_state=0)
    told = diagnose(X, y, hidden=(8,), cv=3, max_epochs=30, random_state=0)
    paths = [
        regularization_path(X, y, name, hidden=(8,), cv=3, max_epochs=30, random_state=0)
        for name in ("l1", "dropout")
    ]
    return facts_of(model, effects=found, diagnosis=told, paths=paths)


@cache
def three_classes() -> Facts:
    """With two columns of numbers, so that there is a surface to look at."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    X = X.iloc[:, 2:]
    path = regularization_path(X, y, "l2", hidden=(8,), cv=3, max_epochs=30, random_state=0)
    return facts_of(_search(TautClassifierCV).fit(X, y), paths=[path])


@cache
def one_network() -> Facts:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    recipe = Recipe(L2(0.1), Dropout(0.2), EarlyStopping(patience=5))
    return facts_of(TautClassifier((8,), recipe=recipe, max_epochs=30, random_state=0).fit(X, y))


@cache
def nasty() -> Facts:
    """Columns, values and classes are named ``<script>alert(1)</script>``."""
    return facts_of(searched("y"))


PAGES: dict[str, Callable[[], Facts]] = {
    "two classes": two_classes,
    "regression": regression,
    "three classes": three_classes,
    "one network": one_network,
    "nasty names": nasty,
}
