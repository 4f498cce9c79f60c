from __future__ import annotations

from pathlib import Path

import pytest

from taut.errors import DataError
from taut.path.page import GENERATOR
from taut.report.place import check, put

OURS = f'<!doctype html>{GENERATOR} 0.1.0">'


def test_only_pages_of_ours_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    put(page, OURS)
    put(page, OURS + "again")
    assert page.read_text(encoding="utf-8").endswith("again")
    assert [one.name for one in tmp_path.iterdir()] == ["p.html"]
    page.write_text("a letter", encoding="utf-8")
    with pytest.raises(DataError, match="exists and is no page of taut's"):
        put(page, OURS)
    assert page.read_text(encoding="utf-8") == "a letter"


def test_places_where_nothing_can_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory: give the name of a file"):
        check(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        check(tmp_path / "none" / "p.html")
