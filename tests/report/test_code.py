from __future__ import annotations

import io
import keyword
import warnings
from contextlib import redirect_stdout
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from taut.errors import DataWarning
from taut.recipe import Recipe
from taut.report.code import keras_code, listed, loading_code, taut_code, torch_code
from taut.report.facts import facts_of
from taut.report.schema import Facts, SourceFacts
from taut.table import Encoder, describe, matrix
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping, InputNoise, LabelSmoothing, MaxNorm
from tests.report.models import FULL, NASTY, fitted, searched, single, table

RECIPES = [
    FULL,
    Recipe(),
    Recipe(EarlyStopping(patience=10, min_delta=0.01)),
    Recipe(L2(0.5)),
    Recipe(L1(0.02), EarlyStopping()),
    Recipe(Dropout(0.3), BatchNorm(), EarlyStopping()),
    Recipe(LabelSmoothing(0.1), EarlyStopping()),
    Recipe(L1(0.02), MaxNorm(0.5)),
    Recipe(InputNoise(0.2), EarlyStopping()),
]


def facts(estimator: Any, target: str) -> Facts:
    source: SourceFacts = {
        "file": "my table.csv",
        "target": target,
        "folder": "m",
        "command": None,
        "reading": None,
    }
    found = facts_of(estimator, source=source)
    for column in found["data"]["columns"]:
        if column["name"] == "price":  # as `taut fit` reads it from a file
            column.update(kind="number", decimal=",")
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table, where code runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(code: str, target: str) -> dict[str, Any]:
    """Run code beside a file with its features and this target."""
    import torch

    torch.set_num_threads(1)  # more of them wait for each other on a busy machine
    others = {"y", "three", "amount"} - {target}
    table().drop(columns=sorted(others)).to_csv("my table.csv", index=False)
    names: dict[str, Any] = {"__name__": "pasted"}
    with redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # a column is the same everywhere
        exec(compile(code, "pasted.py", "exec"), names)
    assert printed.getvalue()
    return names


@pytest.mark.parametrize("target", ["y", "three", "amount"])
def test_the_taut_code_trains_the_recipe(target: str, here: Path) -> None:
    found = facts(searched(target), target)
    model = run(taut_code(found), target)["model"]
    assert model.recipe_ == searched(target).recipe_
    assert model.learning_rate_ == searched(target).learning_rate_
    assert model.hidden == searched(target).network_.hidden
    assert model.max_epochs == 25
    assert set(model.history_) >= {"train_loss", "validation_loss"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.describe())
def test_the_torch_code_learns_with_any_recipe(recipe: Recipe, here: Path) -> None:
    names = run(torch_code(facts(single("y", recipe), "y")), "y")
    assert set(names["prediction"]) <= {"no", NASTY}
    # Easy to learn: one column has nearly all there is to know.
    assert np.mean(names["prediction"] == table()["y"].to_numpy()) > 0.7


@pytest.mark.parametrize("recipe", [FULL, Recipe()], ids=["full", "none"])
def test_the_torch_code_learns_an_amount(recipe: Recipe, here: Path) -> None:
    names = run(torch_code(facts(single("amount", recipe, 40), "amount")), "amount")
    amount = table()["amount"].to_numpy()
    assert np.mean((names["prediction"] - amount) ** 2) < 0.5 * amount.var()


@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning")
def test_the_torch_code_has_the_features_of_every_kind_of_column(here: Path) -> None:
    found = searched("y")
    names = run(torch_code(facts(found, "y")), "y")
    # taut's own: the numbers, the flag of the one with gaps, the date's, the towns, yes or no.
    X, _ = taut.read("my table.csv", target="y")
    own = matrix(describe(X), X, strict=True)
    expected = Encoder.fit(own, names["train"], found.n_bins_).transform(own.values, np.arange(150))
    np.testing.assert_array_equal(names["features"], expected)
    assert names["features"].shape[1] >= 1 + 2 + 1 + 5 + 3 + 1
    assert np.isfinite(names["features"]).all()
    assert np.abs(names["features"]).max() <= 3
    assert len(names["held_out"]) == 22
    assert not set(names["held_out"]) & set(names["train"])


def test_the_torch_code_makes_exact_zeros_with_l1_and_none_without(here: Path) -> None:
    strong = single("y", Recipe(L1(3.0)))
    zeros = [
        float((run(torch_code(facts(one, "y")), "y")["weights"][0] == 0).float().mean())
        for one in (strong, single("y", Recipe()))
    ]
    assert zeros[0] > 0.5
    assert zeros[1] == 0.0


def test_the_torch_code_has_noise_in_training_alone(here: Path) -> None:
    import torch

    noise = run(torch_code(facts(single("y", Recipe(InputNoise(0.2))), "y")), "y")["net"][0]
    x = torch.ones(1000, 4)
    assert torch.equal(noise.eval()(x), x)
    assert float((noise.train()(x) - x).std()) == pytest.approx(0.2, rel=0.1)


def test_the_torch_code_bounds_the_norms_of_hidden_units(here: Path) -> None:
    *hidden, last = run(torch_code(facts(single("y", Recipe(MaxNorm(2.0))), "y")), "y")["weights"]
    assert max(float(w.detach().norm(dim=1).max()) for w in hidden) == pytest.approx(0.5, rel=1e-5)
    assert float(last.detach().norm(dim=1).max()) > 0.5


@pytest.mark.parametrize("weight", ["balanced", {"no": 1.0, NASTY: 3.0}])
def test_class_weights_are_taken_along(weight: Any, here: Path) -> None:
    estimator = deepcopy(single("y")).set_params(class_weight=weight)
    names = run(torch_code(facts(estimator, "y")), "y")
    assert len(names["class_weight"]) == 2
    smoothed = deepcopy(single("y", Recipe(LabelSmoothing(0.1)))).set_params(class_weight=weight)
    assert np.isfinite(float(run(torch_code(facts(smoothed, "y")), "y")["net"][0].weight.detach().sum()))
    assert f"class_weight={weight!r}" in taut_code(facts(estimator, "y"))
    assert "class_weight=dict" in keras_code(facts(estimator, "y"))


@pytest.mark.parametrize("target", ["y", "three", "amount"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.describe())
def test_the_keras_code_is_python_with_what_the_recipe_has(recipe: Recipe, target: str) -> None:
    recipe = recipe.without(LabelSmoothing) if target == "amount" else recipe  # which is refused there
    code = keras_code(facts(single(target, recipe), target))
    compile(code, "pasted.py", "exec")
    kinds = {type(technique) for technique in recipe.techniques}
    assert ("SoftThreshold()" in code) is (L1 in kinds)
    assert ("weight_decay=L2" in code) is (L2 in kinds)
    assert ("Dropout(DROPOUT)" in code) is (Dropout in kinds)
    assert ("BatchNormalization(" in code) is (BatchNorm in kinds)
    assert ("GaussianNoise(INPUT_NOISE)" in code) is (InputNoise in kinds)
    assert ("MaxNorm(1.0 / MAX_NORM)" in code) is (MaxNorm in kinds)
    assert ("def smoothed(" in code) is (LabelSmoothing in kinds)
    assert ("loss=smoothed, weighted_metrics=[" in code) is (LabelSmoothing in kinds)
    assert ("EarlyStopping(patience=PATIENCE" in code) is (EarlyStopping in kinds)


def test_what_is_off_is_not_in_the_code() -> None:
    code = torch_code(facts(single("y", Recipe(L2(0.0), Dropout(0.0))), "y"))
    assert "L2" not in code
    assert "DROPOUT" not in code


def test_a_linear_model_and_a_table_without_numbers_run_too(here: Path) -> None:
    from taut.estimators import TautClassifier

    linear = fitted(TautClassifier((), max_epochs=5, random_state=0), "y")
    found = facts(linear, "y")
    found["data"]["columns"] = [c for c in found["data"]["columns"] if c["kind"] == "dropped"]
    names = run(torch_code(found), "y")
    assert names["features"].shape == (150, 1)


def test_the_model_is_loaded_from_its_folder() -> None:
    assert "taut.load('m')" in loading_code(facts(single("y"), "y"))


def test_names_are_listed_over_lines_and_none_is_broken() -> None:
    names = [f"a name, with a comma {i} and 'marks' \\ {'x' * i}" for i in range(60)]
    text = listed(names)
    assert eval(text) == names
    assert max(map(len, text.splitlines())) <= 110
    assert not keyword.iskeyword(text)
