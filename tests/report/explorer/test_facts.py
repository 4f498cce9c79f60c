from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.errors import ParameterError
from taut.estimators import TautClassifier, TautRegressorCV
from taut.paths import regularization_path
from taut.paths.plane import Plane
from taut.paths.several import path_of
from taut.recipe import Recipe
from taut.report import column_path
from taut.report.explorer.facts import MOST_STRENGTHS, facts, with_earlier
from taut.report.explorer.points import point_of, technique_of
from taut.report.facts import facts_of, from_text, to_text
from taut.report.reported import reported
from taut.report.schema import ExplorerFacts, ExplorerTechnique
from taut.selection.weights import N_BINS, count_weights
from taut.techniques import L2
from tests.paths.helpers import made
from tests.report.explored import moons, paths, table
from tests.selection.helpers import ScriptedFitted


def of_search(task: str = "two") -> ExplorerFacts:
    found = facts(reported(moons(task)), ())
    assert found is not None
    return found


def of_paths(task: str = "two") -> ExplorerFacts:
    found = facts(reported(moons(task)), paths(task))
    assert found is not None
    return found


def technique(found: ExplorerFacts, name: str) -> ExplorerTechnique:
    return next(one for one in found["techniques"] if one["name"] == name)


def test_a_search_shows_its_singles_with_all_else_equal() -> None:
    found, clf = of_search(), moons()
    assert [one["name"] for one in found["techniques"]] == [
        "l2", "l1", "dropout", "batch_norm", "early_stopping",
    ]  # fmt: skip
    assert {one["source"] for one in found["techniques"]} == {"search"}
    l2 = technique(found, "l2")
    assert [point["label"] for point in l2["points"]][0] == "off"
    strengths = [point["strength"] for point in l2["points"]]
    assert strengths == sorted(strengths)
    assert len(strengths) == 4
    usual = clf.baseline_["early_stopping"]
    assert l2["points"][0]["loss"] == usual.loss
    assert l2["points"][0]["epoch"] == usual.epoch
    by_strength = {
        c.recipe.active[0].strength: c
        for c in clf.candidates_
        if [t.name for t in c.recipe.active] == ["l2", "early_stopping"]
        and c.candidate.learning_rate == usual.candidate.learning_rate
    }
    for point in l2["points"][1:]:
        score = by_strength[point["strength"]]
        assert point["loss"] == score.loss
        assert point["loss"] - point["train_loss"] == pytest.approx(score.gap)
        assert point["zero_share"] == score.zero_share
        error = score.loss_se if score.complete else float("nan")
        assert point["standard_error"] == pytest.approx(error, nan_ok=True)
        assert ("cut it early" in point["note"]) == (score.state == "dropped")


def test_curves_are_those_that_were_trained_in_the_targets_units() -> None:
    reg = moons("amount")
    point = technique(of_search("amount"), "l2")["points"][0]
    curves = [np.array(fold["validation_loss"]) for fold in reg.history_["early_stopping"]]
    length = min(map(len, curves))
    assert point["epochs"] == list(range(1, length + 1))
    mean = np.mean([curve[:length] for curve in curves], axis=0)
    assert point["validation"] == pytest.approx(mean, rel=1e-4)
    assert len(point["folds"]) == 3


def test_every_weight_of_a_strength_is_in_a_bin_or_zero() -> None:
    weights = 3 * (2 * 8 + 8 * 2)  # folds x (inputs x hidden + hidden x outputs)
    for point in technique(of_search(), "l1")["points"]:
        if not point["note"]:  # a cut one has fewer folds
            assert sum(point["counts"]) + point["n_zero"] == weights
        assert 0 <= (point["zero_share"] or 0) <= 1


def test_early_stopping_is_one_training_looked_at_in_several_epochs() -> None:
    stop = technique(of_search(), "early_stopping")
    assert stop["axis"] == "epoch"
    epochs = [point["epoch"] for point in stop["points"]]
    assert epochs == sorted(set(epochs))
    assert len(epochs) <= MOST_STRENGTHS
    assert stop["off"] == len(epochs) - 1
    assert epochs[-1] == 15
    none = np.array([fold["validation_loss"] for fold in moons().history_["none"]])
    for point in stop["points"]:
        assert point["loss"] == pytest.approx(none[:, point["epoch"] - 1].mean())
        assert point["standard_error"] == pytest.approx(
            none[:, point["epoch"] - 1].std(ddof=1) / np.sqrt(3), rel=1e-6
        )
    assert stop["points"][-1]["counts"]  # the last epoch's weights are known, the others' are not
    assert stop["points"][0]["counts"] == []
    assert np.isnan(stop["points"][0]["zero_share"])


def test_paths_take_the_place_of_the_searchs_and_bring_planes() -> None:
    found = of_paths()
    assert {one["source"] for one in found["techniques"]} == {"path"}
    assert found["grid"] is not None
    side = len(found["grid"]["x"])
    assert found["grid"]["names"] == ["x0", "x1"]
    for one in found["techniques"]:
        path = next(p for p in paths() if p.technique.name == one["name"])
        assert len(one["points"]) <= MOST_STRENGTHS
        for point in one["points"]:
            surface = np.array(point["surface"])
            assert surface.shape == (side, side)
            assert ((surface >= 0) & (surface <= 1)).all()
            same = next(p for p in path.points if p.strength == point["strength"])
            assert point["loss"] == same.validation_loss
            # Of the network that has the loss beside it: the one that early stopping goes back to.
            assert point["zero_share"] == same.kept_zero_share
        assert one["off"] is not None
        assert one["points"][one["off"]]["loss"] == path.off.validation_loss
        assert (one["hidden"], one["learning_rate"], one["n_folds"]) == ([8], 0.002, 3)
        assert one["beside"] == ("" if one["name"] == "early_stopping" else "early stopping")
    l1 = technique(found, "l1")["points"][-1]
    assert l1["n_zero"] == 3 * 32  # at the top of L1's path all are zero at the end of training
    assert sum(l1["counts"]) == 0


def test_a_surface_is_what_the_kept_networks_say() -> None:
    path = next(p for p in paths() if p.technique.name == "dropout")
    plane = path.plane
    assert plane is not None
    point = technique(of_paths(), "dropout")["points"][1]
    said = path.points[1].predictions
    assert said is not None
    assert said.sum(axis=1) == pytest.approx(1.0)
    surface = np.array(point["surface"])
    # x runs fastest: row i of the surface is the i-th value of the second column.
    assert surface[3, 5] == pytest.approx(said[3 * len(plane.x) + 5, 1], abs=1e-3)


def test_many_classes_have_numbers_and_amounts_have_their_units() -> None:
    three = technique(of_paths("three"), "l2")["points"][0]["surface"]
    assert three is not None
    assert set(np.unique(three)) <= {0.0, 1.0, 2.0}
    amount = technique(of_paths("amount"), "l2")["points"][0]["surface"]
    assert amount is not None
    assert 300 < np.median(amount) < 700
    grid = of_paths("amount")["grid"]
    assert grid is not None
    assert set(grid["targets"]) <= {float(f"{value:.5g}") for value in table("amount")[1]}


def test_a_long_path_is_thinned_to_twelve_with_off_and_the_best() -> None:
    path = replace(made("l2"), column_names=("x0", "x1"))
    many = replace(path, points=path.points + (path.points[-1],) * 40)
    found = facts(reported(moons()), (many,))
    assert found is not None
    l2 = technique(found, "l2")
    assert len(l2["points"]) <= MOST_STRENGTHS
    strengths = [point["strength"] for point in l2["points"]]
    assert strengths[l2["off"]] == 0.0
    assert path.best.strength in strengths
    assert l2["best"] == strengths.index(path.best.strength)


def test_earlier_paths_stay_and_a_new_search_does_not_hide_them() -> None:
    before, now = of_paths(), of_search()
    merged = with_earlier(now, before)
    assert merged is not None
    assert merged["techniques"] == before["techniques"]
    assert merged["grid"] == before["grid"]
    assert with_earlier(None, before) is before
    assert with_earlier(now, None) is now
    new = facts(reported(moons()), paths()[:1])
    merged = with_earlier(new, before)
    assert merged is not None
    assert [one["source"] for one in merged["techniques"]] == ["path"] * 5


def test_a_plane_of_elsewhere_goes_where_the_new_one_is_another() -> None:
    path = paths()[0]
    assert path.plane is not None
    moved = replace(
        path,
        plane=Plane(
            ("a", "b"), path.plane.x + 1, path.plane.y, path.plane.rows, path.plane.targets, path.plane.points
        ),
    )
    merged = with_earlier(facts(reported(moons()), (moved,)), of_paths())
    assert merged is not None
    first, *rest = merged["techniques"]
    assert all(point["surface"] is not None for point in first["points"])
    assert all(point["surface"] is None for one in rest for point in one["points"])


def test_a_single_network_has_nothing_to_explore() -> None:
    X, y = table()
    clf = TautClassifier((4,), max_epochs=3, random_state=0).fit(X, y)
    assert facts(reported(clf), ()) is None
    assert facts(reported(clf), paths()[:1]) is not None


def test_l1s_columns_come_with_its_path_alone() -> None:
    assert column_path.facts(paths()[:1]) is None  # L2
    found = column_path.facts(paths())
    assert found is not None
    assert sorted(found["names"]) == ["x0", "x1"]
    assert len(found["strengths"]) == 3
    assert all(norms[-1] == 0 for norms in found["norms"])  # at the top all weights are zero
    assert found["n_more"] == 0


def test_facts_with_an_explorer_survive_their_json() -> None:
    facts = facts_of(moons("three"), paths=paths("three"))
    again = from_text(to_text(facts))
    assert again == facts
    assert json.loads(to_text(facts))["explorer"]["techniques"]


def test_edges_are_the_same_for_all_strengths() -> None:
    counts = [
        count_weights(ScriptedFitted({"layers.0.weight": np.full((3, 3), 0.1)})),
        np.zeros(N_BINS + 1, dtype=np.int64),
    ]
    figures: Any = {"strength": 1.0, "label": "1", "epoch": 0, "train_loss": 0.1, "loss": 0.2}
    figures |= {"standard_error": 0.01, "metric": 0.9, "zero_share": 0.0}
    counted = [point_of((), one, **figures) for one in counts]
    setting: Any = {"source": "search", "beside": "", "hidden": (8,), "learning_rate": 0.001, "n_folds": 3}
    found = technique_of(L2, "strength", counted, 0, **setting)
    edges, (known, unknown) = found["edges"], found["points"]
    assert len(edges) == 41
    assert edges[0] == -edges[-1]
    assert edges[-1] >= 0.1
    assert sum(known["counts"]) == 9
    assert known["epochs"] == []
    assert unknown["counts"] == []


def test_repeated_folds_count_once_in_standard_errors() -> None:
    X, y = table("amount")
    reg = TautRegressorCV((4,), n_candidates=4, max_epochs=8, random_state=0).fit(X, y)
    assert reg.best_.n_repeats == 3  # so few rows are held out three times
    found = facts(reported(reg), ())
    assert found is not None
    none = reg.baseline_["none"]
    assert technique(found, "early_stopping")["points"][-1]["standard_error"] == pytest.approx(none.loss_se)
    early = reg.baseline_["early_stopping"]
    path = path_of(reg, X, y, L2, 1)
    assert path.n_folds == 15
    assert path.off.validation_loss == pytest.approx(early.loss, rel=1e-12)
    assert path.off.validation_loss_se == pytest.approx(early.loss_se)


def test_an_interrupted_path_does_not_take_the_place_of_a_whole_one() -> None:
    before = of_paths()
    short = replace(paths()[0], points=paths()[0].points[:2], best_index=0, one_se_index=0, interrupted=True)
    now = facts(reported(moons()), (short,))
    assert now is not None
    assert technique(now, "l2")["interrupted"]
    merged = with_earlier(now, before)
    assert merged is not None
    assert technique(merged, "l2") == technique(before, "l2")
    assert with_earlier(now, of_search()) is not None
    assert technique(with_earlier(now, of_search()), "l2")["source"] == "path"  # type: ignore[arg-type]


def test_without_off_nothing_is_compared_with_it() -> None:
    path = paths()[0]
    diverged = replace(path.points[0], failed="diverged")
    found = facts(reported(moons()), (replace(path, points=(diverged, *path.points[1:]), best_index=1),))
    assert found is not None
    l2 = technique(found, "l2")
    assert l2["off"] is None
    assert l2["left_out"] == ["At off training diverged."]
    assert len(l2["points"]) == len(path.points) - 1


def test_each_technique_tells_what_it_was_trained_with() -> None:
    X, y = table()
    other = regularization_path(
        X, y, "dropout", [0.3], cv=4, hidden=(5,), recipe=Recipe(L2(2)), learning_rate=0.01, max_epochs=3
    )
    found = facts(reported(moons()), (other,))
    assert found is not None
    dropout, l1 = technique(found, "dropout"), technique(found, "l1")
    assert (dropout["hidden"], dropout["learning_rate"], dropout["n_folds"]) == ([5], 0.01, 4)
    assert dropout["beside"] == "L2 2 + early stopping"
    assert (l1["hidden"], l1["learning_rate"], l1["beside"]) == ([8], 0.002, "early stopping")


def test_figures_that_differ_late_keep_their_digits() -> None:
    X, y = table("amount")
    far = 2_000_000 + X * 50
    reg = TautRegressorCV((4,), cv=3, n_candidates=3, max_epochs=5, random_state=0).fit(far, y + 1e6)
    found = facts(reported(reg), (path_of(reg, far, y + 1e6, L2, 1),))
    assert found is not None
    assert found["grid"] is not None
    rows = np.array(found["grid"]["rows"])
    places = [np.flatnonzero(np.abs(far[:, 0] - row[0]) < 0.05) for row in rows]
    assert all(len(place) for place in places)
    assert len({row[0] for row in found["grid"]["rows"]}) > 100
    assert len(set(found["grid"]["targets"])) > 100
    assert min(found["grid"]["targets"]) > 1e6


def test_a_path_of_another_table_is_refused() -> None:
    other = made("l2")  # of age, income and city
    with pytest.raises(ParameterError, match="3 columns that is not the model's table"):
        facts(reported(moons()), (other,))
    with pytest.raises(ParameterError, match="a regression of 2 columns that is not the model's table"):
        facts(reported(moons()), paths("amount"))


def test_a_cut_strength_has_no_figures_of_its_few_folds() -> None:
    clf = moons()
    cut = [point for one in of_search()["techniques"] for point in one["points"] if point["note"]]
    assert cut
    assert all(np.isnan([point["standard_error"], point["metric"]]).all() for point in cut)  # type: ignore[arg-type]
    assert all(point["within_chance"] is None for point in cut)
    whole = [p for one in of_search()["techniques"] for p in one["points"] if not p["note"]]
    early = clf.baseline_["early_stopping"].loss
    assert {p["within_chance"] for p in whole} >= {True}
    assert [p["within_chance"] for p in whole if p["loss"] == early]


def test_an_interrupted_path_of_l1_leaves_the_columns_of_the_whole_one() -> None:
    before = facts_of(moons(), paths=paths())
    l1 = next(path for path in paths() if path.technique.name == "l1")
    cut = replace(l1, points=l1.points[:2], best_index=0, one_se_index=0, interrupted=True)
    after = facts_of(moons(), paths=[cut], earlier=before)
    assert after["column_path"] == before["column_path"]
    assert facts_of(moons(), paths=[cut])["column_path"] != before["column_path"]
    whole = facts_of(moons(), paths=[l1], earlier=facts_of(moons(), paths=[cut]))
    assert whole["column_path"] == before["column_path"]
