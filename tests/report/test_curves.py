from __future__ import annotations

from typing import Any

from taut.report.curves import figures, mean_curve, of_curve, shown
from taut.report.facts import facts_of
from taut.report.schema import CurveFacts
from tests.report.models import searched, single


def curve(folds: list[list[float | None]], stop: int | None = 2) -> CurveFacts:
    return {
        "name": "chosen",
        "label": "x",
        "stop": stop,
        "folds": [{"train_loss": one, "validation_loss": one} for one in folds],
    }


def test_folds_are_thin_and_the_kept_epoch_is_marked() -> None:
    facts = facts_of(searched("y"))
    for figure, found in zip(figures(facts), shown(facts), strict=True):
        widths = {trace["name"]: trace["line"]["width"] for trace in figure["data"] if "name" in trace}
        thin = [trace["line"]["width"] for trace in figure["data"] if "name" not in trace]
        assert set(widths) == {"training", "validation"}
        assert max(thin) < min(widths.values())
        assert figure["layout"]["shapes"][0]["x0"] == found["stop"]
    ranges = {tuple(figure["layout"]["yaxis"]["range"]) for figure in figures(facts)}
    assert len(ranges) == 1


def test_a_baseline_that_was_chosen_is_drawn_once() -> None:
    facts = facts_of(searched("y"))
    chosen = facts["curves"][-1]
    facts["curves"][1] = {**chosen, "name": "early_stopping"}
    assert facts["comparison"] is not None
    facts["comparison"]["chosen_is"] = "early_stopping"
    assert [one["name"] for one in shown(facts)] == ["none", "chosen"]
    facts["curves"][1]["folds"] = facts["curves"][1]["folds"][:1]  # at another learning rate
    assert len(shown(facts)) == 3


def test_the_mean_goes_as_far_as_all_folds() -> None:
    assert mean_curve(curve([[1.0, 2.0, 9.0], [3.0, None]]), "train_loss") == [2.0, None]


def test_long_curves_are_thinned_and_keep_the_stopping_epoch() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[1.0 + i % 7 for i in range(5003)]], stop=777)]
    (figure,) = figures(facts)
    assert len(figure["data"][0]["x"]) < 500
    assert 777 in figure["data"][0]["x"]
    assert 5003 in figure["data"][0]["x"]


def test_losses_over_magnitudes_have_a_logarithmic_axis() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[1000.0, 100.0, 10.0]])]
    assert figures(facts)[0]["layout"]["yaxis"]["type"] == "log"
    facts["curves"] = [curve([[3.0, 2.0, 1.0]])]
    assert figures(facts)[0]["layout"]["yaxis"]["type"] == "linear"


def test_the_first_epochs_do_not_set_the_scale() -> None:
    facts: Any = facts_of(single("y"))
    facts["curves"] = [curve([[50.0, 20.0, *[3.0 - 0.01 * i for i in range(98)]]])]
    axis = figures(facts)[0]["layout"]["yaxis"]
    assert axis["type"] == "linear"
    assert axis["range"][0] == 0
    assert 3 <= axis["range"][1] < 5


def test_curves_say_how_far_the_lines_are_apart() -> None:
    def curve(train: float, validation: float) -> Any:
        return {
            "name": "chosen",
            "label": "x",
            "stop": 1,
            "folds": [{"train_loss": [train], "validation_loss": [validation]}],
        }

    assert "by heart" in of_curve(curve(0.1, 0.5))
    assert "own rows only" in of_curve(curve(0.4, 0.5))
    assert "close together" in of_curve(curve(0.49, 0.5))
