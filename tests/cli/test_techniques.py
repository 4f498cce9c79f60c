from __future__ import annotations

import pytest

from taut.cli.techniques import page
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique
from tests.cli.conftest import Run


def test_all_techniques_are_listed_with_their_ranges(run: Run) -> None:
    result = run("techniques")
    assert result.exit_code == 0
    for kind in TECHNIQUES:
        searched = "not searched, worth a try" if kind.why_not_searched else "searched"
        assert f"{kind.name}  {kind.page.title}, {searched}: {kind.search_range}\n" in result.stdout


@pytest.mark.parametrize("kind", TECHNIQUES)
def test_a_page_has_everything(run: Run, kind: type[Technique]) -> None:
    result = run("techniques", kind.name)
    assert result.exit_code == 0
    assert result.stdout == page(kind) + "\n"
    flat = " ".join(result.stdout.split())
    about = kind.page
    for part in (about.title, about.what, about.raising, about.helps, about.hurts, str(kind.search_range)):
        assert " ".join(part.split()) in flat
    assert ("Not searched" in flat) == bool(kind.why_not_searched)
    assert kind.why_not_searched in flat
    for line in about.formula.splitlines():
        assert f"    {line}" in result.stdout
    for source in about.source:
        assert " ".join(str(source).split()) in flat
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_a_wrong_name_has_a_hint(run: Run) -> None:
    result = run("techniques", "early-stoping")
    assert result.exit_code == 2
    assert result.stderr == "error: there is no technique 'early-stoping'; did you mean early_stopping?\n"
