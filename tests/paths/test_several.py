from __future__ import annotations

import pytest

from taut.estimators import TautClassifier, TautClassifierCV
from taut.paths.several import path_of, techniques_of
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.report.explored import moons, paths, table


def test_what_acts_on_hidden_units_needs_some() -> None:
    X, y = table()
    linear = TautClassifier((), max_epochs=2, random_state=0).fit(X, y)
    assert set(techniques_of(linear)) == {L1, L2, EarlyStopping}
    assert set(techniques_of(moons())) == {L1, L2, Dropout, BatchNorm, EarlyStopping}


def test_a_path_is_trained_as_the_search_trained_its_singles() -> None:
    """The same seed, folds and widths: off is early stopping alone of the search, bit for bit."""
    clf: TautClassifierCV = moons()
    path = next(p for p in paths() if p.technique is L2)
    early = clf.baseline_["early_stopping"]
    assert path.off.recipe == Recipe(EarlyStopping())
    assert path.off.validation_loss == early.loss
    assert path.off.epochs == early.epoch
    assert path.n_folds == 3


def test_cv_that_is_no_number_means_five_folds() -> None:
    X, y = table()
    single = TautClassifier((4,), max_epochs=3, random_state=0).fit(X, y)
    assert path_of(single, X, y, BatchNorm).n_folds == 5


def test_points_have_their_curves_and_weights() -> None:
    for path in paths():
        for point in path.points:
            assert len(point.curves) == 3
            assert point.weight_counts.sum() == 3 * (2 * 8 + 8 * 2)
            share = point.weight_counts[-1] / point.weight_counts.sum()
            assert share == pytest.approx(point.zero_share)
