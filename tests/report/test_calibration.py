"""The page's section on probabilities: what it says, and what it must not say."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from taut.report.calibration import (
    confusion_told,
    count,
    explained,
    figure,
    heads,
    seen,
    share_right,
    temperature_told,
    thresholds_told,
)
from taut.report.facts import facts_of, from_text, to_text
from taut.report.page import write_page
from taut.report.text import in_words
from tests.report.models import NASTY, searched, single
from tests.report.plotted import drawn
from tests.report.test_page import read


def changed(low: float, high: float, *, temperature: float = 1.0, target: str = "y") -> Any:
    """Facts with another gain."""
    facts: Any = deepcopy(facts_of(searched(target)))
    found = facts["calibrated"]["calibration"]
    found |= {
        "temperature": temperature,
        "fitted_temperature": 1.5,
        "log_loss": 0.5,
        "log_loss_after": 0.5 - (low + high) / 2,
        "gain": {"value": (low + high) / 2, "low": low, "high": high},
    }
    return facts


@pytest.mark.parametrize("target", ["y", "three"])
def test_the_facts_have_what_was_found(target: str) -> None:
    model = searched(target)
    found: Any = facts_of(model)["calibrated"]
    assert found["calibration"]["n_rows"] == 150
    assert found["calibration"]["log_loss"] == pytest.approx(model.calibration_.log_loss)
    assert found["confusion"]["classes"] == [str(one) for one in model.classes_]
    assert found["positive"] == (str(model.classes_[1]) if target == "y" else None)
    assert [one["metric"] for one in found["thresholds"]] == (
        ["f1", "balanced_accuracy", "matthews_corrcoef", "accuracy"] if target == "y" else []
    )
    again: Any = from_text(to_text(facts_of(model)), "report.json")
    assert again["calibrated"] == found


def test_an_amount_has_no_section() -> None:
    facts = facts_of(searched("amount"))
    assert facts["calibrated"] is None
    assert 'id="calibration"' not in write_page(facts)


@pytest.mark.parametrize("target", ["y", "three"])
def test_the_page_shows_them(target: str) -> None:
    facts = facts_of(searched(target))
    page = read(write_page(facts))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"calibration", "calibration-figure"} <= ids
    for sentence in (*explained(facts), confusion_told(facts), seen(facts)):
        assert sentence in page.text
    assert ("Other thresholds than 0.5" in page.text) == (target == "y")


def test_one_network_says_what_would_have_it() -> None:
    page = read(write_page(facts_of(single("y"))))
    assert "out-of-fold rows, which only a search has: TautClassifierCV holds out every row" in page.text


def test_facts_of_before_have_none() -> None:
    facts: Any = deepcopy(facts_of(searched("y")))
    del facts["calibrated"]
    again = from_text(to_text(facts), "report.json")
    assert again is not None
    page = read(write_page(facts))
    assert "It is not known: the model was saved without it" in page.text
    assert temperature_told(facts) == explained(facts) == []
    assert confusion_told(facts) == ""
    assert figure(facts) is None


def test_no_gain_is_claimed_that_is_not_sure() -> None:
    (unsure,) = temperature_told(changed(-0.1, 0.3))
    assert unsure == (
        "No temperature is applied to the probabilities: that the best one, 1.5, helps is not sure. Out of "
        "fold the cross-entropy is 0.5 without it and 0.4 with it, lower by 0.1 (95 % interval -0.1 to 0.3)."
    )
    (worse,) = temperature_told(changed(-0.3, 0.1))
    assert worse.endswith("0.6 with it, higher by 0.1 (95 % interval -0.1 to 0.3).")


def test_a_sure_gain_is_told() -> None:
    facts = changed(0.1, 0.3, temperature=1.5)
    (sure,) = temperature_told(facts)
    assert sure == (
        "Probabilities are taken at a temperature of 1.5, because the networks are too sure: out of fold "
        "that lowers the cross-entropy from 0.5 to 0.3, by 0.2 (95 % interval 0.1 to 0.3)."
    )
    assert explained(facts)[-1] == (
        "What to expect on unseen rows is with it; the losses of the candidates, which were compared before, "
        "are without."
    )
    names = [one["name"] for one in figure(facts)["data"]]  # type: ignore[index]
    assert names[-2:] == ["without temperature", "with temperature"]
    assert sure in in_words(facts)


def test_a_sure_gain_of_single_networks_is_not_promised_of_an_average() -> None:
    (sentence,) = temperature_told(changed(0.1, 0.3))
    assert "fits single networks best, and the returned model averages several" in sentence


@pytest.mark.parametrize("target", ["y", "three"])
def test_plotly_takes_the_figure(target: str) -> None:
    facts = facts_of(searched(target))
    assert drawn(figure(facts))
    assert NASTY not in str(figure(facts))
    axis = drawn(figure(facts)).layout.xaxis.title.text
    assert axis == "predicted probability" + ("" if target == "y" else " of the likeliest class")


def test_class_weights_are_told() -> None:
    facts: Any = deepcopy(facts_of(searched("y")))
    facts["loss"] = "class-weighted cross-entropy"
    assert "the probabilities are of a world in which the classes are as frequent" in " ".join(
        explained(facts)
    )
    assert confusion_told(facts).endswith("Every row counts alike, whatever its class.")


def test_row_weights_are_told() -> None:
    facts: Any = deepcopy(facts_of(searched("y")))
    facts["made"]["given"] = ["sample_weight"]
    assert explained(facts)[2].endswith("Rows count with their weights.")
    assert confusion_told(facts).startswith("Weights of rows out of fold")


def test_accuracy_is_that_of_the_average_elsewhere_on_the_page() -> None:
    facts: Any = facts_of(searched("y"))
    confusion, estimate = facts["calibrated"]["confusion"], facts["comparison"]["estimate"]
    assert confusion["accuracy"] == pytest.approx(estimate["bag_score"])
    assert facts["calibrated"]["calibration"]["log_loss"] == pytest.approx(estimate["bag_loss"], rel=1e-4)
    rows = confusion["rows"]
    assert (rows[0][0] + rows[1][1]) / sum(map(sum, rows)) == pytest.approx(confusion["accuracy"])


def test_small_words() -> None:
    assert count(12.0) == "12"
    assert count(1234.56) == "1,234.6"
    assert count(None) == "–"
    assert share_right([1.0, 3.0], 1) == "75.0 %"
    assert share_right([0.0, 0.0], 0) == "–"
    named: Any = {"classes": ["a", "b" * 40], "rows": [], "accuracy": 1.0, "n_left_out": 0}
    assert heads(named) == ["a", "b" * 23 + "…"]
    assert thresholds_told({"positive": "yes"}).startswith("The class yes is predicted where")  # type: ignore[typeddict-item]
