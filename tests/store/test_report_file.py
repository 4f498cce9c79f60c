"""Whose ``report.json`` it is: only taut's own, and of the same networks, is written over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut.errors import DataWarning, StoreError
from taut.report.facts import facts_of
from taut.store import REPORT, fingerprint, save, schema_of, write_report
from taut.store.report_file import is_foreign
from tests.estimators.helpers import given, single

OURS = '{"schema": 1, "task": "classification", "fingerprint": "x"}'
THEIRS = [
    '{"schema": "https://json-schema.org/draft/2020-12/schema"}',
    '{"schema": 1, "total": 3}',
    '{"schema": true, "fingerprint": ""}',
    '[{"schema": 1, "task": 0}]',
    "dear diary",
    "{",
]


@pytest.fixture(scope="module")
def fitted() -> Any:
    return single(max_epochs=3).fit(*given())


@pytest.fixture
def model(fitted: Any, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def test_what_is_ours_is_known_by_its_beginning_or_by_its_names() -> None:
    assert schema_of(OURS.encode()) == 1
    assert schema_of(OURS.encode()[:30]) == 1  # torn
    assert schema_of(json.dumps(dict(reversed(json.loads(OURS).items())), indent=2).encode()) == 1
    assert schema_of(b'{"schema": 12, "task": \xff') == 12
    assert schema_of(b" \n") == 0
    assert schema_of(b"[" * 100_000) is None
    assert [schema_of(text.encode()) for text in THEIRS] == [None] * len(THEIRS)


@pytest.mark.parametrize("text", THEIRS)
def test_what_is_foreign_own_stays(model: Path, fitted: Any, text: str) -> None:
    (model / REPORT).write_text(text)
    with pytest.raises(StoreError, match=r"report\.json: not taut's, and left alone; move it elsewhere"):
        write_report(model, OURS)
    with pytest.warns(DataWarning, match=r"report\.json: not taut's, and left alone"):
        save(fitted, model, report=OURS)
    save(fitted, model)
    assert (model / REPORT).read_text() == text


def test_a_link_and_a_folder_of_that_name_stay(model: Path, fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(OURS)
    (model / REPORT).unlink()
    (model / REPORT).symlink_to(tmp_path / "elsewhere.json")
    assert is_foreign(model)
    save(fitted, model)
    assert (model / REPORT).is_symlink()
    (model / REPORT).unlink()
    (model / REPORT).mkdir()
    with pytest.raises(StoreError, match="not taut's"):
        write_report(model, OURS)
    with pytest.warns(DataWarning, match="not taut's"):
        fitted.save(model)
    assert (model / REPORT).is_dir()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere.json", "model"]


@pytest.mark.parametrize("text", [OURS, OURS[:30], "", OURS.replace("x", "y")])
def test_ours_is_replaced_damaged_or_not(model: Path, fitted: Any, text: str) -> None:
    (model / REPORT).write_text(text)
    write_report(model, OURS)
    assert (model / REPORT).read_text() == OURS
    (model / REPORT).write_text(text)
    save(fitted, model)
    assert not (model / REPORT).exists()


def test_a_newer_tauts_is_left_alone(model: Path) -> None:
    newer = OURS.replace("1", "2")
    (model / REPORT).write_text(newer)
    with pytest.raises(StoreError, match=r"report\.json: a newer taut's, and left alone"):
        write_report(model, OURS)
    write_report(model, newer.replace("x", "y"))


def test_facts_of_other_networks_are_not_written(model: Path, fitted: Any) -> None:
    before = (model / REPORT).read_bytes()
    own = fingerprint(network.weights for network in fitted.model_.networks)
    assert facts_of(fitted)["fingerprint"] == own
    with pytest.raises(StoreError, match="another model was saved there meanwhile"):
        write_report(model, OURS, "0" * 64)
    assert (model / REPORT).read_bytes() == before
    write_report(model, OURS, own)
    assert (model / REPORT).read_text() == OURS
    single(max_epochs=4).fit(*given()).save(model)
    with pytest.raises(StoreError, match="another model"):
        write_report(model, OURS, own)
    (model / "weights.safetensors").write_bytes(b"")
    with pytest.raises(StoreError, match="checksum"):
        write_report(model, OURS, own)
    assert not list(model.glob(".report-*"))


def test_many_networks_have_one_fingerprint(tmp_path: Path) -> None:
    """Those after the tenth too: the file's order is another one."""
    weights = [{"layers.0.weight": np.full((2, 2), i, dtype=np.float32)} for i in range(12)]
    assert fingerprint(weights) == fingerprint(dict(reversed(one.items())) for one in weights)
    assert fingerprint(weights) != fingerprint(weights[::-1])
