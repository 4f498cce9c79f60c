"""What is said of rows by networks that have not seen them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.bagged import Bagged
from taut.evidence.out_of_fold import OutOfFoldPredictions, out_of_fold_predictions
from taut.selection.trainer import Trainer
from tests.evidence.test_bagged import ONE, bag, made
from tests.selection.helpers import folds_of, settings, table

PROBLEM = table(90, task="classification")
FOLDS = folds_of(PROBLEM, 3)
TRAINER = Trainer(CompiledEngine(1), PROBLEM, settings(max_epochs=8))


def networks(folds: Any = FOLDS) -> tuple[Any, ...]:
    members = [TRAINER.member(ONE, fold, k, k) for k, fold in enumerate(folds)]
    return tuple(one.fitted("last") for one in TRAINER.train(members, until_epoch=4))


def predictions(
    own: Any, bagged: Bagged | None, *, are_of_folds: bool = True, folds: Any = FOLDS
) -> OutOfFoldPredictions | None:
    result = cast(Any, SimpleNamespace(networks=own, are_of_folds=are_of_folds))
    return out_of_fold_predictions(TRAINER, folds, result, bagged)


def a_bag() -> Bagged:
    return bag(made("classification")[0])


def test_an_average_goes_before_single_networks() -> None:
    bagged = a_bag()
    found = predictions(networks(), bagged)
    assert found is not None
    assert found.n_averaged == bagged.n_bagged == 3
    assert found.like_returned
    np.testing.assert_allclose(found.predictions, np.exp(bagged.outputs), rtol=1e-6)
    np.testing.assert_allclose(found.predictions.sum(axis=1), 1.0)


def test_without_an_average_every_fold_speaks_of_its_own_rows() -> None:
    own = networks()
    found = predictions(own, None)
    assert found is not None
    assert found.rows.tolist() == list(range(90))
    assert found.n_averaged == 1
    assert not found.like_returned  # three are averaged later
    for network, fold in zip(own, FOLDS, strict=True):
        said = PROBLEM.objective.predictions(TRAINER.outputs(network, fold.validation))
        np.testing.assert_array_equal(found.predictions[fold.validation], said)


@pytest.mark.parametrize("bagged", [None, a_bag()])
def test_one_network_speaks_for_itself(bagged: Bagged | None) -> None:
    found = predictions(networks(FOLDS[:1]), bagged, folds=FOLDS[:1])
    assert found is not None
    assert found.rows.tolist() == FOLDS[0].validation.tolist()
    assert found.n_averaged == 1
    assert found.like_returned


def test_networks_of_all_rows_have_seen_every_row() -> None:
    assert predictions(networks(), None, are_of_folds=False) is None
    found = predictions(networks(), a_bag(), are_of_folds=False)
    assert found is not None
    assert found.like_returned
