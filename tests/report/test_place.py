from __future__ import annotations

from pathlib import Path

import pytest

from taut.errors import DataError
from taut.paths.page import GENERATOR
from taut.report.place import check, owner_tag, page_beside, put

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


def test_a_folder_that_nothing_can_be_written_to_is_noticed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("taut.writing.os.open", refused)
    with pytest.raises(DataError, match=r"p\.html' cannot be written: Read-only file system"):
        check(tmp_path / "p.html")


def test_a_models_page_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page_beside(Path("a/b.taut")) == Path("a/b.html")
    assert page_beside(Path("a/b")) == Path("a/b.html")
    assert page_beside(Path("a.b.taut/")) == Path("a.b.html")
    (tmp_path / "in.taut").mkdir()
    monkeypatch.chdir(tmp_path / "in.taut")
    assert page_beside(Path(".")) == page_beside(Path("../in.taut")).resolve() == tmp_path / "in.html"


def test_a_page_is_one_models(tmp_path: Path) -> None:
    page, nasty = tmp_path / "p.html", tmp_path / '<p>"\udc80.taut'
    put(page, f"{OURS}{owner_tag(nasty)}".encode("utf-8", "replace").decode())
    check(page)
    check(page, nasty)
    with pytest.raises(DataError, match=r"p\.html' is the page of another model, '<p>\"\?\.taut'; give"):
        check(page, tmp_path / "p")
    put(page, OURS)  # nobody said whose it is
    check(page, tmp_path / "p")


def test_a_link_has_its_models_page(tmp_path: Path) -> None:
    (tmp_path / "x.taut").mkdir()
    (tmp_path / "latest").symlink_to("x.taut")
    put(tmp_path / "x.html", OURS + owner_tag(tmp_path / "x.taut"))
    check(tmp_path / "x.html", tmp_path / "latest")


def test_inside_of_a_folder_its_name_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.taut").mkdir()
    monkeypatch.chdir(tmp_path / "in.taut")
    assert owner_tag(".") == owner_tag(tmp_path / "in.taut") != ""
    assert owner_tag(None) == owner_tag("\0/..") == ""
