"""A result without any table: a search over somebody's own network can be reported too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from markupsafe import escape

from taut.evidence.estimate import Estimate
from taut.evidence.interval import Interval
from taut.learning.training import Curve
from taut.recipe import Recipe
from taut.report.facts import facts_of, from_text, to_text
from taut.report.page import write_page
from taut.report.reported import Reported, Search
from taut.report.text import footnotes, in_words, plain_table
from taut.selection.weights import N_BINS
from taut.techniques import L2, EarlyStopping
from tests.report.helpers import EARLY, MIXTURE, NONE, alone, scored
from tests.report.test_page import read


def history(first: float) -> Any:
    losses = first * 0.8 ** np.arange(12.0)
    return {"train_loss": losses / 2, "validation_loss": losses}


def searched() -> Reported:
    """What a search over networks on pictures tells, with an objective of its own."""
    candidates = (
        scored(EARLY, [1.0, 1.2, 1.4]),
        scored(NONE, [2.0, 2.4, 2.8]),
        scored(alone(L2(0.1)), [0.9, 1.1, 1.3]),
        scored(MIXTURE, [0.8, 1.0, 1.2]),
    )
    curve = Curve(np.linspace(1, 0.4, 12), np.linspace(1.2, 0.6, 12), np.full(12, np.nan))
    runs = ((curve,) * 3, np.ones(N_BINS + 1, dtype=np.int64))
    interval = Interval(0.42, 0.35, 0.5)
    return Reported(
        task="classification",
        loss="focal loss",
        metric="F1",
        recipe=MIXTURE,
        histories={name: (history(first),) * 3 for name, first in (("none", 2.0), ("chosen", 1.0))},
        learning_rate=0.001,
        batch_size=32,
        max_epochs=30,
        best_epoch=12,
        architecture="3 convolutions of 16 channels <b>",
        n_parameters=5_000,
        zero_share=0.0,
        fingerprint="0" * 64,
        n_rows=600,
        kind="tune",
        call="taut.torch.tune(make, X, y)",
        search=Search(
            candidates=candidates,
            chosen=3,
            baselines={"none": candidates[1], "early_stopping": candidates[0]},
            n_folds=3,
            estimate=Estimate(interval, interval, "F1", 0.4, 0.86),
            seconds=12.0,
            runs=dict.fromkeys(range(3), runs),
        ),
    )


def single() -> Reported:
    """The least that there is to report of: one network, of which only the training loss is known."""
    alone = {"train_loss": np.array([0.9, 0.5]), "validation_loss": np.full(2, np.nan)}
    return Reported(
        task="classification",
        loss="cross-entropy",
        metric="accuracy",
        recipe=Recipe(EarlyStopping()),
        histories={"single": (alone,)},
        learning_rate=0.01,
        batch_size=8,
        max_epochs=2,
        n_parameters=10,
        zero_share=0.0,
        fingerprint="1" * 64,
        kind="train",
        call="train()",
    )


def test_a_search_without_a_table_is_a_page_without_the_tables_sections() -> None:
    facts = facts_of(searched())
    page = write_page(facts)
    reader = read(page)
    assert "3 convolutions of 16 channels <b>, learning rate 0.001, batches of 32 rows" in reader.text
    assert "600 rows were learned from." in reader.text
    assert "F1 is 0.900" in reader.text or "F1 stayed at 0.900" in reader.text
    body = page[page.index("<main>") : page.index('id="figures"')]
    for absent in (
        "column",
        "features",
        "--explore",
        "Widths",
        "widths",
        "hidden layer",
        "taut.",
        "channels <b>",
    ):
        assert absent not in body.replace("taut.torch.tune", ""), absent
    ids = {attributes.get("id") for _, attributes in reader.elements}
    assert {"search-figure", "explorer-path", "curve-0", "curve-1", "strengths-title"} <= ids
    assert not {"importance-figure", "column-path-figure", "code-torch"} & ids
    assert f"<code>{escape(repr(MIXTURE))}</code>" in page  # what is there to take away


def test_its_facts_go_through_json() -> None:
    for result in (searched(), single()):
        facts = facts_of(result)
        text = to_text(facts)
        back = from_text(text)
        assert back is not None
        assert {**back, "made": None} == {**json.loads(json.dumps(facts)), "made": None}
        assert facts["data"]["columns"] is facts["recipe"]["hidden"] is facts["importance"] is None
        assert "</html>" in write_page(back)


def test_its_text_names_its_own_loss_and_score() -> None:
    facts = facts_of(searched())
    assert "F1" in plain_table(facts).splitlines()[0]
    assert footnotes(facts)[0].startswith("Losses are focal loss, without penalties, means of 3 folds")
    words = " ".join(in_words(facts))
    assert words.startswith("Regularization lowered the validation loss by 58 %")
    assert "and F1 0.420 (0.350 to 0.500), corrected" in words


def test_one_network_is_a_page_too() -> None:
    reader = read(write_page(facts_of(single())))
    assert "no rows were held out" in reader.text
    assert "No search was made, so there is nothing to compare it with." in reader.text
    assert not any(attributes.get("href") == "#data" for _, attributes in reader.elements)


@pytest.mark.parametrize("name", ["n_rows", "best_epoch"])
def test_what_nobody_noted_is_said_or_left_out(name: str) -> None:
    text = read(write_page(facts_of(replace(searched(), **{name: None})))).text
    assert "None" not in text
