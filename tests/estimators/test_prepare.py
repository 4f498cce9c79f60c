"""From a table to what is trained, without an estimator's fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from taut import TautClassifierCV
from taut.errors import DataError, DataWarning, ParameterError
from taut.estimators.prepare import Options, Prepared, prepare
from taut.learning.architecture import MLP
from taut.learning.problem import Fold
from taut.selection.folds import make_folds
from tests.estimators.helpers import crossvalidated, given, mixed_columns, mixed_target, numbers, tasks

USUAL: dict[str, Any] = {
    "task": "auto", "hidden": (8,), "activation": "relu", "learning_rate": "auto", "batch_size": "auto",
    "max_epochs": 15, "cv": 3, "sample_weight": None, "groups": None, "class_weight": None, "n_jobs": 1,
    "random_state": 0,
}  # fmt: skip


def prepared(kind: str = "classification", **changes: Any) -> Prepared:
    X, y = changes.pop("given", None) or given(kind)
    return prepare(X, y, Options(**{**USUAL, **changes}))


@tasks
def test_everything_is_as_the_estimators_have_it(task: str) -> None:
    found = prepared(task)
    assert found.table.problem.objective.task == task
    assert found.trainer.problem is found.table.problem
    assert found.reader.n_features_in_ == found.table.matrix.values.shape[1] == 4
    assert found.architecture == MLP((8,), "relu")
    assert found.learning_rate == 0.002
    assert (found.trainer.settings.batch_size, found.trainer.settings.max_epochs) == (32, 15)
    assert found.trainer.engine.threads == 1
    held_out = np.concatenate([fold.validation for fold in found.folds])
    assert sorted(held_out.tolist()) == list(range(150))
    assert len(found.folds) == 3
    for fold in found.folds:
        assert len(fold.train) + len(fold.validation) == 150


def test_the_folds_are_those_that_an_estimator_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = given()
    made: list[Fold] = []

    def kept(*how: Any) -> list[Fold]:
        made.extend(make_folds(*how))
        return made

    monkeypatch.setattr("taut.estimators.crossvalidated.make_folds", kept)
    fitted = TautClassifierCV(
        (8,), cv=3, max_epochs=2, n_candidates=2, random_state=0, n_jobs=1, learning_rate=0.02
    ).fit(X, y)
    found = prepared()
    assert len(found.folds) == fitted.n_splits_
    assert found.trainer.settings.seed == fitted._settings(150).seed
    for fold, wanted in zip(found.folds, made, strict=True):
        for name in ("train", "validation", "sample"):
            assert getattr(fold, name).tolist() == getattr(wanted, name).tolist()


def test_losses_have_the_targets_own_units() -> None:
    X, y = given("regression")
    assert prepared().loss_unit == 1.0
    assert prepared(given=(X, y)).loss_unit == pytest.approx(y.var())
    assert prepared(given=(X, 1000 * y + 7)).loss_unit == pytest.approx(1e6 * y.var())


def test_the_task_may_be_said() -> None:
    said = prepared(task="regression", given=given())
    assert (said.trainer.problem.objective.task, said.why) == ("regression", "as asked for")
    many = np.arange(120) % 30
    assert prepared(given=(numbers(120), many)).why == "the target is numbers with 30 different values"
    assert (
        prepared(task="classification", given=(numbers(120), many)).trainer.problem.objective.n_outputs == 30
    )


def test_tables_weights_and_groups() -> None:
    columns = mixed_columns()
    found = prepared(given=(pd.DataFrame(columns), mixed_target(columns)))
    assert [column.name for column in found.table.schema.columns] == list(columns)
    groups = np.arange(150) // 10
    by_group = prepared(groups=groups)
    for fold in by_group.folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
    weight = np.where(np.arange(150) < 75, 1.0, 3.0)
    weighted = prepared(sample_weight=weight).trainer.problem
    assert weighted.score_weight is not None
    np.testing.assert_allclose(weighted.score_weight, weight / 2)
    balanced = prepared(class_weight={0: 4.0, 1: 1.0, 2: 1.0}).trainer.problem
    assert balanced.row_weight is None or set(balanced.row_weight.tolist()) == {1.0}
    assert balanced.fit_weight is not None
    assert len(set(balanced.fit_weight.tolist())) == 2


def test_cv_may_be_a_splitter() -> None:
    assert len(prepared(cv=KFold(4)).folds) == 4


def test_the_same_seed_gives_the_same() -> None:
    one, other, another = prepared(), prepared(), prepared(random_state=1)
    rows = [[fold.validation.tolist() for fold in each.folds] for each in (one, other, another)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "both"}, "task must be auto, classification or regression, and it is 'both'"),
        ({"hidden": "auto"}, "hidden"),
        ({"hidden": (0,)}, "hidden"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more"),
        ({"max_epochs": 2.5}, "max_epochs must be a whole number"),
        ({"n_jobs": 0}, "n_jobs must be"),
        (
            {"task": "regression", "class_weight": "balanced"},
            "class_weight is for classes, and y is an amount",
        ),
    ],
)
def test_wrong_parameters_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        prepared(**changes)


def test_wrong_tables_are_named() -> None:
    X, y = given()
    with pytest.raises(DataError, match="y has one class only, 1"):
        prepared(given=(X, np.ones(150, dtype=int)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        prepared(given=(X, y[:-1]))
    with pytest.raises(ValueError, match="contains infinity"):
        prepared(given=(np.where(X > 2, np.inf, X), y))
    with pytest.raises(ValueError, match=r"[Ss]ample.?weight"):
        prepared(sample_weight=np.zeros(150))
    with pytest.raises(DataError, match="groups has 149 rows, and X has 150"):
        prepared(groups=np.arange(149))


def test_a_constant_amount_is_warned_of() -> None:
    with pytest.warns(DataWarning, match="y is 3 in every row"):
        prepared(task="regression", given=(numbers(), np.full(150, 3.0)))


def test_warnings_name_the_call_of_who_asked() -> None:
    X, y = given("regression")
    with pytest.warns(DataWarning, match="y is 3 in every row") as caught:
        crossvalidated("regression", n_candidates=2, max_epochs=1).fit(X, np.full(150, 3.0))
    assert caught[0].filename == __file__
    rare = np.where(np.arange(150) < 3, 2, y > 0)
    with pytest.warns(DataWarning, match="some folds have no training row of these classes") as caught:
        crossvalidated(n_candidates=2, max_epochs=1, cv=KFold(3)).fit(X, rare)
    assert caught[0].filename == __file__
