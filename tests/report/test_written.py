"""Facts as JSON: what comes back was checked, down to the last number."""

from __future__ import annotations

import json
import random
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taut.errors import DataWarning
from taut.report import written as module
from taut.report.facts import facts_of, from_text, to_text
from taut.report.page import write_page
from taut.report.schema import SCHEMA
from taut.store import REPORT, load
from tests.report.models import searched
from tests.report.test_facts import made_up_effects


def signed(facts: Any) -> str:
    """As somebody would write them who changes facts on purpose."""
    return to_text(facts)


def refused(text: str, why: str) -> None:
    then = "(is left alone|gives way to the next one)"
    with pytest.warns(DataWarning, match=f"the text cannot be used, and {then}: .*{why}"):
        assert from_text(text) is None


@cache
def _facts() -> Any:
    return facts_of(searched("y"), effects=made_up_effects())


def facts() -> Any:
    return deepcopy(_facts())


def test_what_is_no_facts_of_this_schema_is_none_and_said() -> None:
    refused("{", "no JSON")
    refused("[" * 100_000, "no JSON")
    refused("[1]", "no facts of taut's")
    refused('{"schema": true}', "no facts of taut's")
    refused(json.dumps({"schema": SCHEMA + 1}), f"schema {SCHEMA + 1}, and this taut reads {SCHEMA}")
    refused(to_text(facts()).replace('"loss": ', '"loss": NaN, "x": ', 1), "NaN is no number")


def test_one_that_is_very_long_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 1000)
    refused(to_text(facts()), "characters are too many")


def test_what_taut_may_write_over_is_told_from_what_it_may_not() -> None:
    """See ``taut.store.write_report``, which does as this says."""
    for text in (
        "",
        to_text(facts())[:1000],
        to_text(facts()).replace("150", "151"),
        '{"schema": 0, "task": 1',
    ):
        with pytest.warns(DataWarning, match="gives way to the next one"):
            assert from_text(text) is None
    newer = to_text({**facts(), "schema": SCHEMA + 1})
    for text in ("{", "[1]", "mine", '{"schema": 1, "mine": true}', newer):
        with pytest.warns(DataWarning, match="is left alone"):
            assert from_text(text) is None


def test_numbers_that_no_sum_can_hold_are_refused() -> None:
    for number in ("1e301", "-1e301", "1e999", "1" + "0" * 30):
        refused(to_text(facts()).replace('"seconds": ', f'"seconds": {number}, "x": ', 1), "is too large")


def test_the_layout_of_the_json_is_nobodys_concern() -> None:
    found = json.loads(to_text(facts()))
    assert from_text(json.dumps(dict(reversed(found.items())), indent=3)) == facts()


def test_a_changed_number_is_noticed() -> None:
    refused(to_text(facts()).replace('"n_rows": 150', '"n_rows": 151'), "SHA-256 is wrong")


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_a_flipped_bit_is_noticed_or_changes_nothing(share: float, bit: int) -> None:
    text = bytearray(to_text(facts()).encode())
    text[int(share * len(text))] ^= 1 << bit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert from_text(text.decode("utf-8", "replace")) in (None, _facts())


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("data", "columns", 0, "name"), 3, r"data\.columns\.0\.name: Input should be a valid string"),
        (("data", "n_rows"), 1.5, r"data\.n_rows"),
        (("data", "n_rows"), True, r"data\.n_rows"),
        (("task",), "clustering", "task: Input should be 'classification' or 'regression'"),
        (("curves", 0, "folds", 0, "train_loss", 2), "0.1", "train_loss"),
        (("effects",), {"lines": []}, "loss_name: Field required"),
        (("effects", "interactions"), [{"loss": 0}], r"interactions\.0\.labels: Field required"),
        (("effects", "lines", 0, "loss", "value"), "x", r"lines\.0\.loss\.value"),
        (("effects", "lines", 0, "loss", "value"), None, "an interval without a value does not fit"),
        (("diagnosis",), {"sentence": "fine"}, "signs: Field required"),
        (("importance",), [], "importance"),
        (("source", "reading"), "csv", r"source\.reading"),
        (("source",), None, "source"),
    ],
)
def test_what_has_another_shape_is_named(path: tuple[Any, ...], value: Any, why: str) -> None:
    found = facts()
    place = found
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    refused(signed(found), why)


def test_names_that_came_later_may_be_missing_and_newer_ones_are_kept() -> None:
    found = facts()
    del found["explorer"]
    found["from a newer taut"] = [1]
    back = from_text(signed(found))
    assert back is not None
    assert back["explorer"] is None
    assert back["from a newer taut"] == [1]  # type: ignore[typeddict-item]


def test_a_loaded_model_has_the_facts_that_were_saved_with_it(tmp_path: Path) -> None:
    estimator = deepcopy(searched("y"))
    estimator.report(tmp_path / "page.html", effects=made_up_effects())
    estimator.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert facts_of(loaded)["effects"] == made_up_effects().to_dict()
    assert facts_of(loaded)["importance"] == facts_of(estimator)["importance"] is not None
    loaded.report(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "page.html").read_bytes()


def test_damaged_ones_are_said_and_the_page_is_made_without_them(tmp_path: Path) -> None:
    searched("y").save(tmp_path / "model")
    text = (tmp_path / "model" / REPORT).read_text("utf-8")
    (tmp_path / "model" / REPORT).write_text(text[: len(text) // 2], "utf-8")
    loaded = load(tmp_path / "model")
    with pytest.warns(DataWarning, match=r"report\.json of the model cannot be used, and gives way"):
        loaded.report(tmp_path / "page.html")
    assert "What regularization did" in (tmp_path / "page.html").read_text("utf-8")


def test_those_of_another_model_are_left_alone(tmp_path: Path) -> None:
    searched("y").save(tmp_path / "model")
    searched("three").save(tmp_path / "other")
    other: Any = facts_of(load(tmp_path / "other"), effects=made_up_effects())
    (tmp_path / "model" / REPORT).write_text(to_text(other), "utf-8")
    assert facts_of(load(tmp_path / "model"))["effects"] is None


def test_facts_that_pass_make_a_page_whatever_is_in_them() -> None:
    """Values of the right kind in odd places break nothing."""
    stream = random.Random(0)
    made = 0
    for _ in range(25):
        found = facts()
        _shake(found, stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            back = from_text(signed(found))
        if back is not None:
            made += 1
            write_page(facts_of(searched("y"), earlier=back))
    assert made > 3


def _shake(value: Any, stream: random.Random) -> None:
    """Change one place somewhere below."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys:
        return
    key = stream.choice(keys)
    if isinstance(value[key], (dict, list)) and stream.random() < 0.9:
        _shake(value[key], stream)
    elif key not in ("schema", "fingerprint"):
        value[key] = stream.choice([None, -1, 0, 7, 1e300, "", "<b>", [], {}])
