"""What a page begins with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from taut import TautClassifier
from taut.play.opening import own_data, start_of
from taut.play.settings import OWN, read
from taut.recipe import Recipe
from taut.report.facts import NO_SOURCE
from taut.table.convert import frame_from
from taut.techniques import L2, Dropout, EarlyStopping
from tests.play.helpers import finished

SOURCE: Any = {**NO_SOURCE, "file": "shop.csv", "target": "kind"}


def table(n: int = 90, *, repeated: bool = False) -> Any:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.standard_normal(n), "b": rng.choice(["x", "y"], n)})
    if repeated:
        frame.iloc[n // 2 :] = frame.iloc[: n - n // 2].to_numpy()
    return own_data(frame_from(frame), rng.choice(["no", "yes"], n), "classification", SOURCE, ("a note",))


def test_without_anything_it_begins_with_a_toy() -> None:
    assert start_of(None).problem == "moons"
    assert start_of(None).recipe == Recipe()


def test_a_table_begins_with_early_stopping() -> None:
    own = table()
    start = start_of(own)
    assert (start.problem, start.recipe) == (OWN, Recipe(EarlyStopping()))
    assert (own.title, own.notes, own.groups) == ("shop.csv: kind", ("a note",), None)
    assert read(start.to_json(), own) == start
    assert finished(start, own).training.epoch > 0


def test_identical_rows_stay_together() -> None:
    own = table(repeated=True)
    assert own.groups is not None
    split = own.split(0.3, 0)
    assert not set(own.groups[split.train]) & set(own.groups[split.validation])


def test_a_model_begins_with_its_recipe_and_its_network() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 3)), rng.integers(0, 2, 80)
    recipe = Recipe(L2(0.3), Dropout(0.1))
    model = TautClassifier(
        (12, 6), recipe, activation="silu", n_bins=3, learning_rate=0.01, batch_size=8, max_epochs=4
    )
    start = start_of(None, model.fit(X, y))
    assert start.recipe == recipe
    assert (start.hidden, start.activation, start.n_bins) == ((12, 6), "silu", 3)
    assert (start.learning_rate, start.batch_size, start.max_epochs) == (0.01, 8, 4)
    assert read(start.to_json(), None) == start


def test_a_model_that_is_larger_than_the_page_offers_begins_smaller() -> None:
    rng = np.random.default_rng(0)
    model = TautClassifier((2,) * 8, max_epochs=1).fit(rng.standard_normal((40, 2)), np.arange(40) % 2)
    start = start_of(None, model)
    assert len(start.hidden) == 6
    assert read(start.to_json(), None) == start
