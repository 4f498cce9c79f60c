"""The page with pinned runs: it needs no server, asks no network, and takes no name for a script."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from taut.errors import DataError
from taut.play.saved import saved_page
from tests.play.pinned import pinned

NASTY = "<script>alert(1)</script><!--\u2028'\"&amp;"


def page(*runs: dict[str, Any]) -> str:
    return saved_page(json.dumps({"runs": runs}).encode())


def figures(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    return made


def without_scripts(text: str) -> str:
    return re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)


def test_a_run_is_told_with_its_numbers() -> None:
    text = without_scripts(page(pinned()))
    for part in (
        "1 pinned run<", "no regularization (8, seed 0)", "<dd>0.66</dd>", "<dd>80.0 %</dd>", "0 of 8",
        "Training loss 0.4, validation 0.66.", "Accuracy",
    ):  # fmt: skip
        assert part in text


def test_of_amounts_the_score_is_r2() -> None:
    run = pinned(task="regression", loss="squared error")
    text = without_scripts(page(run))
    assert "<dt>R²</dt><dd>0.800</dd>" in text


def test_a_name_that_is_a_script_is_text() -> None:
    settings = {NASTY: NASTY}
    text = page(pinned(label=NASTY, seen=NASTY, target=NASTY, problem=NASTY, loss=NASTY, settings=settings))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in without_scripts(text)


def test_settings_are_read_back_from_the_page() -> None:
    found = re.search(r'<pre tabindex="0"><code>(.*?)</code>', page(pinned()), re.DOTALL)
    assert found is not None
    assert json.loads(found[1].replace("&#34;", '"')) == pinned()["settings"]


def test_it_asks_no_network_for_anything() -> None:
    text = page(pinned())
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r'(src|href)="(?!data:)', without_scripts(text))
    assert "connect-src" not in text.split('content="', 1)[1].split('"', 1)[0]


def test_losses_are_drawn_and_the_kept_epoch_marked() -> None:
    (figure,) = figures(page(pinned(kept=2))).values()
    training, validation = figure["data"]
    assert (training["x"], training["y"]) == ([1, 2, 3], [0.6, 0.5, 0.4])
    assert validation["y"] == [0.7, 0.65, 0.66]
    assert figure["layout"]["shapes"][0]["x0"] == 2


def test_runs_of_one_problem_share_their_scale() -> None:
    long = pinned(train=[0.5] * 50, validation=[0.5] * 50, kept=50)
    first, second, other = figures(page(pinned(), long, pinned(problem="sine"))).values()
    assert first["layout"]["xaxis"]["range"] == second["layout"]["xaxis"]["range"]
    assert other["layout"]["xaxis"]["range"] != first["layout"]["xaxis"]["range"]


def test_losses_far_apart_are_on_a_logarithmic_axis() -> None:
    (figure,) = figures(page(pinned(train=[1.0, 0.1, 0.001]))).values()
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_losses_that_are_not_finite_are_left_out() -> None:
    run = pinned(train=[0.5, None, None], validation=[None, None, None])
    run["numbers"] |= {"train": None, "validation": None, "gap": None, "score": None}
    (figure,) = figures(page(run)).values()
    assert figure["data"][0]["y"][1:] == [None, None]


@pytest.mark.parametrize(
    "change",
    [
        {"label": 3}, {"label": "x" * 3000}, {"train": []}, {"train": "no"}, {"train": [1e999]}, {"kept": -1},
        {"numbers": {}}, {"task": "art"}, {"settings": []}, {"train": [0.1] * 5001},
    ],
    ids=lambda change: str(change)[:30],
)  # fmt: skip
def test_what_is_no_run_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="These are no pinned runs"):
        page(pinned(**change))


def test_too_many_runs_are_refused() -> None:
    with pytest.raises(DataError, match="These are no pinned runs"):
        page(*[pinned()] * 41)


@pytest.mark.parametrize("kept", [0, 3, 99])
def test_an_epoch_that_is_not_there_marks_nothing_wrong(kept: int) -> None:
    assert figures(page(pinned(kept=kept)))
