"""The pages for learning say what was measured and no more, and the site built of them holds together."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from taut.evidence.certainty import MAY_BE_CHANCE
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique

ROOT = Path(__file__).parents[1]
LEARN = ROOT / "docs" / "learn"
PAGES = sorted(LEARN.glob("*.md"))
FACTS: dict[str, Any] = json.loads((LEARN / "measured.json").read_text(encoding="utf-8"))
#: A claim of the text around it: ``<!--?l2.digits=lower-->``.
CLAIM = re.compile(r"<!--\?([a-z0-9_.]+)=(lower|higher|chance)-->")
MOST_BYTES = 60_000

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
kinds = pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)


def script(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


quoted = script(LEARN / "quoted.py")
website = script(ROOT / "docs" / "website.py")


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@kinds
def test_every_technique_has_a_page(kind: type[Technique]) -> None:
    text = (LEARN / f"{kind.name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {kind.page.title.split(' (')[0]}")
    assert f"](../techniques/{kind.name}.md)" in text
    assert f"]({kind.name}.svg)" in text
    assert "\n```text\n" in text  # its formula
    assert "\n```python\n" in text
    for heading in ("## What was measured", "## Exercise"):
        assert heading in text
    assert f"]({kind.name}.md)" in (LEARN / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [one for one in PAGES if one.stem != "index"], ids=lambda page: page.stem)
def test_what_it_quotes_is_what_was_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = quoted.MARKED.findall(text)
    assert len(found) >= 5
    assert not re.search(r"^[> ]*<!--", text, re.MULTILINE)  # it would end the paragraph
    assert text.count("<!--=") == text.count("<!--/-->") == len(found)
    for name, shown in found:
        assert name.split(".")[0] == page.stem
        assert " ".join(shown.split()) == quoted.written(FACTS[name]), name  # a line may end in it


def test_everything_that_was_measured_is_quoted() -> None:
    quoted_names = {name for page in PAGES for name, _ in quoted.MARKED.findall(prose(page))}
    assert quoted_names == set(FACTS)


@pages
def test_no_measured_number_stands_outside(page: Path) -> None:
    text = quoted.MARKED.sub("", prose(page)).replace("95 % interval", "")
    assert not re.findall(r"\d[\d.,]* ?%|± ?\d", text)


@pages
def test_what_may_be_chance_says_so_and_nothing_else(page: Path) -> None:
    for paragraph in prose(page).split("\n\n"):
        for name, shown in quoted.MARKED.findall(paragraph):
            assert (MAY_BE_CHANCE in " ".join(shown.split())) is quoted.may_be_chance(FACTS[name])
            if quoted.may_be_chance(FACTS[name]):
                assert not re.search(r"\b(clearly|surely|certainly|proves?|proven)\b", paragraph), name


@pages
def test_a_claim_holds(page: Path) -> None:
    for name, claim in CLAIM.findall(prose(page)):
        fact = FACTS[name]
        assert fact["kind"] in ("lower", "points")
        is_so = {"lower": fact["low"] > 0, "higher": fact["high"] < 0, "chance": quoted.may_be_chance(fact)}
        assert is_so[claim], f"{name} is not {claim}: {quoted.written(fact)}"


def test_there_are_claims_of_each_kind() -> None:
    assert {claim for page in PAGES for _, claim in CLAIM.findall(prose(page))} == {
        "lower",
        "higher",
        "chance",
    }


def test_numbers_are_written_with_what_is_not_sure() -> None:
    sure = {"kind": "lower", "value": 0.2, "low": 0.1, "high": 0.3, "than": ""}
    assert quoted.written(sure) == "20 % (95 % interval 10 to 30 %) lower"
    assert (
        quoted.written(sure | {"low": -0.1}) == "20 % (95 % interval -10 to 30 %) lower, which may be chance"
    )
    assert quoted.written(sure | {"low": 0.004}) == "20 % (95 % interval 0.4 to 30 %) lower"
    points = {"kind": "points", "value": -0.01, "low": -0.02, "high": 0.0}
    assert quoted.written(points) == "-1.0 percentage points (95 % interval -2.0 to 0.0), which may be chance"
    assert quoted.written({"kind": "mean", "value": 0.25, "error": 0.04}) == "0.250 ± 0.040"
    assert quoted.filled("a <!--=x-->?<!--/--> b", {"x": sure}) == (
        "a <!--=x-->20 % (95 % interval 10 to 30 %) lower<!--/--> b"
    )


def test_figures_are_small_and_shown() -> None:
    shown = {name for page in PAGES for name in re.findall(r"\]\(([a-z0-9_]+\.svg)\)", prose(page))}
    figures = {file.name: file.stat().st_size for file in LEARN.glob("*.svg")}
    assert shown == set(figures)
    assert max(figures.values()) <= MOST_BYTES


def test_everything_in_docs_can_be_reached_from_the_readme(tmp_path: Path) -> None:
    order = website.gathered(ROOT, tmp_path)
    assert {page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md")} <= set(order)
    assert order[0] == "README.md"
    assert "](docs/techniques/index.md)" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "[Dropout](dropout.md)" in (tmp_path / "docs/techniques/index.md").read_text(encoding="utf-8")
    assert (tmp_path / "docs" / "learn" / "l1.svg").exists()


def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="sub/b.html#here">b</a><a href="#top">top</a>'
    )
    (tmp_path / "sub" / "b.html").write_text(
        '<p id="here"><a href="../a.html">a</a><a href="https://a.b/">c</a>'
    )
    assert website.wrong_links(tmp_path) == []
    (tmp_path / "a.html").write_text(
        '<a href="sub/c.html"></a><a href="sub/b.html#there"></a><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "a.css").write_text("@import url(//fonts.example/a.css)")
    found = "\n".join(website.wrong_links(tmp_path))
    for part in ("sub/c.html", "no such anchor", "loads https://cdn.example/x.js", "a.css loads"):
        assert part in found


@pytest.mark.slow
def test_the_site_is_built(tmp_path: Path) -> None:
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("Zensical is not installed: make site installs it, and builds the site.")
    command = [sys.executable, str(ROOT / "docs" / "website.py"), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "html" / "docs" / "learn" / "l1.html").exists()
