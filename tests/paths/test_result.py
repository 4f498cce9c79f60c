from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest
from scipy.stats import sem

from taut.paths.result import best_of, one_se_of, standard_error
from taut.techniques import L2, EarlyStopping
from tests.paths.helpers import LOSSES, made

SE = sem(np.linspace(-0.05, 0.05, 4))


def test_the_best_has_the_lowest_mean_loss_and_failures_never_have() -> None:
    assert made().best.strength == 0.1
    assert made(failed=[2]).best.strength == 1.0
    path = made(losses=(0.4, 0.5, 0.6))
    assert path.best is path.off
    points = made(failed=[0]).points
    assert best_of(points[:1]) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("l2", 1.0), ("l1", 0.5), ("dropout", 0.5), ("early_stopping", 3.0)],
)
def test_one_se_is_the_most_regularized_within_one_standard_error(name: str, expected: float) -> None:
    """The largest strength; of early stopping's own path the earliest epoch."""
    assert LOSSES[2] + SE > max(LOSSES[1], LOSSES[3])
    path = made(name)
    assert path.best.strength == sorted(p.strength for p in path.points)[2]
    assert path.one_se.strength == expected


def test_of_a_switch_one_se_is_the_best() -> None:
    for losses in ((0.5, 0.49), (0.49, 0.5)):
        path = made("batch_norm", losses)
        assert path.one_se is path.best is path.points[int(losses[0] > losses[1])]


def test_one_se_looks_beyond_a_bump_as_glmnet_does() -> None:
    path = made("l2", (0.6, 0.50, 0.9, 0.505, 0.8))
    assert path.best.strength == 0.01
    assert path.one_se.strength == 1.0


def test_one_se_of_off_may_be_a_strength() -> None:
    path = made("dropout", (0.5, 0.51, 0.515, 0.6, 0.7))
    assert path.best is path.off
    assert path.one_se.strength == 0.3


def test_with_one_split_one_se_is_the_best() -> None:
    path = made(n_folds=1)
    assert np.isnan(path.best.validation_loss_se)
    assert path.one_se is path.best


def test_a_failure_is_never_the_one_se_point() -> None:
    path = made(failed=[3])
    assert one_se_of(path.points, path.best_index, "strength") == 2


def test_off_is_the_first_point_or_the_last_epoch() -> None:
    assert made().off.strength == 0.0
    assert made("early_stopping").off.strength == 100.0


def test_a_points_figures_are_means_and_standard_errors_over_the_folds() -> None:
    point = made().points[1]
    assert point.validation_loss == pytest.approx(0.52)
    assert point.validation_loss_se == pytest.approx(sem(point.validation_losses))
    assert point.train_loss == pytest.approx(0.26)
    assert point.gap == pytest.approx(0.26)
    assert point.score == 0.75
    assert point.score_se == point.train_loss_se == 0.0
    assert np.isnan(standard_error(np.ones(1)))


def test_the_table_has_a_row_a_point_and_says_what_failed() -> None:
    table = made(failed=[3]).table
    assert set(map(len, table.values())) == {5}
    assert table["strength"].tolist() == [0, 0.01, 0.1, 1, 10]
    assert table["failed"].tolist() == ["", "", "", "diverged", ""]
    for name, values in table.items():
        if name not in ("strength", "failed", "epochs"):
            assert np.isnan(values[3]), name
            assert np.isfinite(np.delete(values, 3)).all(), name
    assert table["epochs"][3] == 0
    assert {f"split{k}_validation_loss" for k in range(4)} <= set(table)
    np.testing.assert_allclose(
        table["validation_loss"], np.mean([table[f"split{k}_validation_loss"] for k in range(4)], axis=0)
    )
    assert [p.strength for p in made(failed=[3]).failed] == [1.0]


def test_the_table_as_a_data_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    path = made()
    frame = path.to_frame()
    assert list(frame.columns) == list(path.table)
    assert frame["strength"].tolist() == path.table["strength"].tolist()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="needs pandas, which is not installed"):
        path.to_frame()


def test_a_gain_is_paired_over_the_folds() -> None:
    path = made()
    gain = path.gain()
    assert gain.difference == pytest.approx(0.1)
    assert gain.share == pytest.approx(0.1 / 0.6)
    assert gain.standard_error == pytest.approx(0.0, abs=1e-12)  # the folds' own ups and downs cancel
    assert gain.within_chance is False
    assert path.gain(path.points[-1]).difference == pytest.approx(-0.2)
    off: Any = path.gain(path.off)
    assert (off.difference, off.within_chance) == (0.0, True)
    assert made(n_folds=1).gain().within_chance is None


def test_a_path_can_be_pickled() -> None:
    path = made("l1", failed=[3])
    again = pickle.loads(pickle.dumps(path))
    np.testing.assert_equal(again.table, path.table)
    assert again.technique is path.technique


def test_names_and_repr() -> None:
    path = made()
    assert (path.score_name, path.loss_name) == ("accuracy", "cross-entropy")
    path = made(task="regression")
    assert (path.score_name, path.loss_name) == ("R²", "squared error")
    assert repr(path) == "RegularizationPath(l2, 5 points, best 0.1, one_se 1)"
    assert path.technique is L2
    assert made("early_stopping").technique is EarlyStopping
