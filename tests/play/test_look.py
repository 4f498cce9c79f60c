"""What is shown of a network is what the fitted estimator has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from taut.play.data import Data
from taut.play.look import (
    SIDE,
    confusion,
    dead_units,
    histogram,
    important_columns,
    said,
    view_of,
)
from taut.play.run import Run
from taut.play.settings import read
from taut.table.convert import frame_from
from taut.table.public import read as read_table
from taut.techniques import L1, BatchNorm, Dropout
from tests.play.helpers import finished, quick

SHADE = 1 / 255


def points(run: Run, *columns: int) -> Any:
    """The view's points as a person writes them: other columns at their medians."""
    view = view_of(run.begun.table, columns or None)
    X = np.tile(np.median(np.asarray(run.data.X, dtype=float), axis=0), (SIDE**2, 1))
    for column, grid in zip(view.columns, np.meshgrid(*view.axes), strict=True):
        X[:, column] = grid.ravel()
    return view, X


@pytest.mark.parametrize("batch_norm", [(), (BatchNorm(),)], ids=["plain", "batch norm"])
def test_a_surface_is_what_predict_proba_says(batch_norm: tuple[BatchNorm, ...]) -> None:
    run = finished(quick(*batch_norm, Dropout(0.2), max_epochs=20))
    view, X = points(run)
    shades = np.array(said(run, view)["shades"]) / 255  # type: ignore[index]
    np.testing.assert_allclose(shades, run.fitted().predict_proba(X)[:, 1], atol=0.51 * SHADE + 1e-4)
    assert np.ptp(shades) > 0.5


def test_of_three_classes_a_surface_is_the_likeliest_one() -> None:
    run = finished(quick(problem="blobs", max_epochs=20))
    view, X = points(run)
    found = said(run, view)
    assert found is not None
    assert found["high"] == 2
    classes = np.array(found["shades"]) * 2 / 255
    assert np.mean(classes.round() == run.fitted().predict(X)) > 0.999


def test_over_two_columns_of_many_the_others_are_at_their_medians() -> None:
    run = finished(quick(problem="needles", max_epochs=20))
    view, X = points(run, 1, 0)
    assert (view.to_json(run)["names"], view.others) == (["x1", "x0"], 40)
    shades = np.array(said(run, view)["shades"]) / 255  # type: ignore[index]
    # Of many columns a median is that of all rows, here as there.
    np.testing.assert_allclose(shades, run.fitted().predict_proba(X)[:, 1], atol=0.51 * SHADE + 1e-3)


def test_of_amounts_a_surface_goes_from_the_lowest_to_the_highest() -> None:
    run = finished(quick(problem="diabetes", max_epochs=4))
    found = said(run, view_of(run.begun.table))
    assert found is not None
    assert (found["low"], found["high"]) == (pytest.approx(run.data.y.min()), pytest.approx(run.data.y.max()))


def test_of_one_column_a_curve_is_what_predict_says() -> None:
    run = finished(quick(problem="sine", max_epochs=20))
    view = view_of(run.begun.table)
    assert view.kind == "curve"
    values = said(run, view)["values"]  # type: ignore[index]
    np.testing.assert_allclose(values, run.fitted().predict(view.axes[0][:, None]), rtol=1e-3, atol=1e-4)


def test_rows_are_shown_where_they_are() -> None:
    run = finished(quick())
    shown = view_of(run.begun.table).to_json(run)
    X, y = run.split.held_out_rows
    np.testing.assert_allclose(shown["held_out"]["at"], X.T, rtol=1e-4)
    assert shown["held_out"]["target"] == y.tolist()
    assert len(shown["training"]["target"]) == len(run.split.train)


def messy(**columns: Any) -> Data:
    import pandas as pd

    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame({name: make(rng, n) for name, make in columns.items()})
    return Data(frame_from(frame), rng.integers(0, 2, n), "classification", "messy")


def numbers_with_gaps(rng: np.random.Generator, n: int) -> Any:
    values = rng.standard_normal(n)
    values[::5] = np.nan
    return values


def texts(rng: np.random.Generator, n: int) -> Any:
    return rng.choice(["a", "b", "<c>"], n)


def test_a_missing_number_is_null_for_the_page() -> None:
    own = messy(a=numbers_with_gaps, b=numbers_with_gaps, c=texts)
    run = finished(quick(problem="own"), own)
    view = view_of(run.begun.table)
    shown = view.to_json(run)
    assert None in shown["training"]["at"][0]
    assert (view.kind, view.others, shown["choices"]) == ("surface", 1, ["a", "b"])
    json.dumps([shown, said(run, view)], allow_nan=False)


def test_a_table_without_numbers_has_nothing_to_look_along() -> None:
    run = finished(quick(problem="own"), messy(c=texts))
    view = view_of(run.begun.table)
    assert view.kind == "none"
    assert said(run, view) is None
    json.dumps(view.to_json(run), allow_nan=False)


def test_a_column_without_any_spread_has_a_view() -> None:
    own = messy(a=lambda rng, n: np.arange(n) % 2 * 1e-9 + 5.0, b=numbers_with_gaps)
    run = finished(quick(problem="own"), own)
    json.dumps(said(run, view_of(run.begun.table)), allow_nan=False)


def test_the_important_columns_are_the_two_that_decide() -> None:
    run = finished(quick(L1(0.1), problem="needles", n_rows=400, noise=0.0, max_epochs=60))
    assert important_columns(run) == (0, 1)
    assert important_columns(finished(quick(problem="sine"))) is None


# --- the network itself --------------------------------------------------------------------------------


def test_a_histogram_has_each_weight_once() -> None:
    run = finished(quick(L1(0.5), max_epochs=30))
    found = histogram(run.kept)
    sizes = np.concatenate([array.ravel() for _, array in run.kept.penalized_weights()])
    assert found["n_zero"] == np.count_nonzero(sizes == 0) > 0
    assert sum(found["counts"]) + found["n_zero"] == sizes.size
    edges = found["low"] + found["width"] * np.arange(len(found["counts"]) + 1)
    assert found["low"] == pytest.approx(-edges[-1])
    expected = np.histogram(sizes[sizes != 0], edges)[0]
    assert np.abs(expected - found["counts"]).max() <= 1


def test_a_unit_that_says_the_same_to_all_rows_is_dead() -> None:
    settings = quick(hidden=(8, 5))
    before, total = dead_units(finished(settings))
    assert total == 13
    run = finished(settings)  # the same; what a run has shown of itself it keeps until it is trained further
    arrays = run.training.weights()
    arrays["layers.0.bias"][:3] = -1e6
    run.training.layout.pack(arrays, *run.training.buffers("kept"))
    assert dead_units(run)[0] >= max(3, before)


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu"])
def test_units_are_looked_at_as_the_network_computes_them(activation: str) -> None:
    run = finished(quick(BatchNorm(), activation=activation))
    arrays = run.training.weights()
    arrays["layers.0.gain"][:2] = 0.0  # batch norm's: what comes in does not matter any more
    run.training.layout.pack(arrays, *run.training.buffers("kept"))
    assert dead_units(run) == (2, 8)


def test_strong_l1_kills_units() -> None:
    run = finished(quick(L1(50.0), max_epochs=40))
    assert dead_units(run) == (8, 8)
    assert run.kept.zero_share == 1


def test_a_linear_model_has_no_units() -> None:
    assert dead_units(finished(quick(hidden=()))) == (0, 0)


@pytest.mark.parametrize("problem", ["moons", "blobs", "breast_cancer"])
def test_a_confusion_is_that_of_scikit_learn(problem: str) -> None:
    run = finished(quick(problem=problem, max_epochs=10))
    X, y = run.split.held_out_rows
    assert confusion(run) == confusion_matrix(y, run.fitted().predict(X)).tolist()


def test_amounts_and_many_classes_have_no_confusion() -> None:
    assert confusion(finished(quick(problem="sine"))) is None
    own = Data(np.random.default_rng(0).standard_normal((90, 2)), np.arange(90) % 9, "classification", "nine")
    assert confusion(finished(quick(problem="own"), own)) is None


def test_dates_are_dates_along_an_axis(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    lines = [f"2024-0{1 + i % 9}-1{i % 7},{i % 13},{'ab'[i % 2]}" for i in range(120)]
    path.write_text("\n".join(["day,size,kind", *lines]), encoding="utf-8")
    X, y = read_table(path, target="kind")
    own = Data(X, y, "classification", "visits")
    run = Run(read({"problem": "own", "max_epochs": 2}, own), own)
    table = run.begun.table
    column = table.matrix.names.index("day (days)")
    shown = view_of(table, (column, table.matrix.names.index("size"))).to_json(run)
    assert shown["names"] == ["day", "size"]
    assert "day" in shown["choices"]
    assert all(one[:4] == "2024" and one.endswith("T00:00:00") for one in shown["training"]["at"][0])
    assert shown["axes"][0][0] < "2024-01-11" < shown["axes"][0][-1]
