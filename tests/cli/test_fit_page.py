"""The page that ``taut fit`` writes next to the model, and the facts beside it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

import taut
from taut.errors import DataError
from taut.report import place
from tests.cli.conftest import QUICK, Run, write_csv


def facts(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_bytes())


def test_the_page_lies_next_to_the_model(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", "--drop", "city", *QUICK)
    assert result.exit_code == 0, result.output
    here = table.parent
    assert result.stdout.endswith(f"\nreport   {here / 'shop.html'}\n")
    assert sorted(one.name for one in here.iterdir()) == ["shop.csv", "shop.html", "shop.taut"]
    text = (here / "shop.html").read_text(encoding="utf-8")
    assert "<h1>What regularization did: kind in shop.csv</h1>" in text
    source = facts(here / "shop.taut")["source"]
    assert (source["file"], source["target"], source["folder"]) == (
        "shop.csv",
        "kind",
        str(here / "shop.taut"),
    )
    assert source["reading"]["dropped"] == ["city"]
    # The command gives the same numbers again.
    command = shlex.split(source["command"])
    assert command[:3] == ["taut", "fit", str(table)]
    before = (here / "shop.taut" / "weights.safetensors").read_bytes()
    assert run(*command[1:]).exit_code == 0
    assert (here / "shop.taut" / "weights.safetensors").read_bytes() == before


def test_it_goes_where_it_is_told_to_or_nowhere(run: Run, table: Path, tmp_path: Path) -> None:
    page = tmp_path / "elsewhere.html"
    result = run("fit", table, "--target", "kind", "--report", page, *QUICK)
    assert result.stdout.endswith(f"\nreport   {page}\n")
    assert page.exists()
    page.unlink()
    result = run("fit", table, "--target", "kind", "--no-report", *QUICK)
    assert result.exit_code == 0, result.output
    assert "report   " not in result.stdout
    assert not list(table.parent.glob("*.html"))
    assert (table.parent / "shop.taut" / "report.json").exists()
    both = run("fit", table, "--target", "kind", "--report", page, "--no-report", *QUICK)
    assert both.exit_code == 2
    assert both.stderr == "error: --report and --no-report: give one of them.\n"


def test_a_page_of_somebodys_own_is_noticed_before_the_search(run: Run, table: Path) -> None:
    own = table.parent / "shop.html"
    own.write_text("<h1>My shop</h1>")
    result = run("fit", table, "--target", "kind", *QUICK)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"error: {str(own)!r} exists and is no page of taut's. The report goes there: say --report FILE or "
        "--no-report."
    )
    assert "searching" not in result.stderr
    assert not (table.parent / "shop.taut").exists()
    assert run("fit", table, "--target", "kind", "--no-report", *QUICK).exit_code == 0
    assert own.read_text() == "<h1>My shop</h1>"


def test_a_page_of_another_model_is_noticed_before_the_search(run: Run, table: Path) -> None:
    assert run("fit", table, "--target", "kind", *QUICK).exit_code == 0
    page = table.parent / "shop.html"
    before = page.read_bytes()
    result = run("fit", table, "--target", "kind", "--output", table.parent / "shop", *QUICK)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"error: {str(page)!r} is the page of another model, 'shop.taut'. The report goes there: say "
        "--report FILE or --no-report."
    )
    assert not (table.parent / "shop").exists()
    assert page.read_bytes() == before


@pytest.mark.parametrize("page", ["m", "m/page.html", "n/../m/page.html", "checkpoint"])
def test_a_page_in_the_models_place_is_noticed_before_the_search(run: Run, table: Path, page: str) -> None:
    here = table.parent
    (here / "m").mkdir()
    places = ("--output", here / "m", "--resume", here / "checkpoint", "--report", here / page)
    result = run("fit", table, "--target", "kind", *places, *QUICK)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"error: --report: {str(here / page)!r} is ")
    assert "searching" not in result.stderr


def test_a_page_that_cannot_be_written_at_the_end_leaves_the_model(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: str) -> None:
        raise DataError(f"{str(path)!r} cannot be written: No space left on device.")

    monkeypatch.setattr(place, "put", full)
    result = run("fit", table, "--target", "kind", *QUICK)
    assert result.exit_code == 2
    folder = table.parent / "shop.taut"
    assert result.stderr.splitlines()[-1] == (
        f"error: {str(table.parent / 'shop.html')!r} cannot be written: No space left on device. The model "
        f"is saved in {folder}; taut report {folder} --output FILE writes its page."
    )
    assert "chosen recipe" in result.stdout
    assert taut.load(folder).classes_.tolist() == ['a "low" one', "high"]
    monkeypatch.undo()
    assert run("report", folder, "--output", table.parent / "later.html").exit_code == 0


def test_a_new_search_says_what_it_did_and_not_what_another_did(run: Run, table: Path) -> None:
    run("fit", table, "--target", "kind", *QUICK)
    first = facts(table.parent / "shop.taut")
    run("fit", table, "--target", "price", *QUICK)
    second = facts(table.parent / "shop.taut")
    assert (first["task"], second["task"]) == ("classification", "regression")
    assert second["source"]["target"] == "price"


def test_a_nasty_name_stays_text(run: Run, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    path = write_csv(tmp_path / "t.csv", [[i % 7, "ab"[i % 2]] for i in range(60)], ["x", nasty])
    result = run("fit", path, "--target", nasty, *QUICK)
    assert result.exit_code == 0, result.output
    assert nasty not in (tmp_path / "t.html").read_text(encoding="utf-8")


@pytest.mark.fault(89)
def test_the_page_is_there_though_nobody_reads_the_output(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("taut.cli.train.print_comparison", gone)
    assert run("fit", table, "--target", "kind", *QUICK).exit_code != 0
    assert (table.parent / "shop.taut" / "model.json").exists()
    assert (table.parent / "shop.html").exists()
