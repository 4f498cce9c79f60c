"""A law: every technique appears wherever techniques are told of, or a sentence says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import taut
from taut.cli.diagnose import _recipe
from taut.cli.techniques import page, techniques
from taut.errors import ParameterError
from taut.evidence.advice import advise
from taut.evidence.variants import Variants
from taut.learning.architecture import MLP
from taut.play.settings import Settings, controls, read, switches
from taut.recipe import Recipe
from taut.report import code
from taut.report.code import keras_code, taut_code, torch_code
from taut.report.facts import facts_of
from taut.report.page import write_page
from taut.selection.candidate import Candidate
from taut.selection.space import SEARCHED
from taut.techniques import TECHNIQUES, EarlyStopping
from taut.techniques.base import Technique
from taut.techniques.find import find
from tests.evidence.test_advice_rules import profile
from tests.evidence.variants_helpers import variants
from tests.report.models import single

kinds = pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.name)
frameworks = pytest.mark.parametrize(
    ("framework", "write"), [("PyTorch", torch_code), ("Keras", keras_code)], ids=["torch", "keras"]
)


def middle(kind: type[Technique]) -> Technique:
    return kind.at(kind.search_range.grid(3)[-1])


def facts(recipe: Recipe) -> Any:
    return facts_of(single("y", recipe))


@kinds
def test_it_is_public_and_in_recipes(kind: type[Technique]) -> None:
    assert getattr(taut, kind.__name__) is kind
    assert kind.__name__ in taut.__all__
    recipe = Recipe(middle(kind))
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.describe() == middle(kind).label


@kinds
def test_the_search_tries_it_or_says_why_not(kind: type[Technique], root: Path) -> None:
    assert (kind in SEARCHED or kind is EarlyStopping) is not bool(kind.why_not_searched)
    written = (root / "docs" / "techniques" / f"{kind.name}.md").read_text(encoding="utf-8")
    for text in (written, " ".join(page(kind).split())):
        assert kind.why_not_searched in text
    assert not kind.why_not_searched or kind.why_not_searched.endswith(".")


@kinds
def test_the_code_of_taut_has_it(kind: type[Technique]) -> None:
    text = taut_code(facts(Recipe(middle(kind))))
    assert f"recipe=Recipe({middle(kind)!r})" in text
    assert kind.__name__ in text.split("from taut import ")[1].splitlines()[0]


@pytest.mark.parametrize("kind", [kind for kind in TECHNIQUES if kind in code._WRITTEN])
@pytest.mark.parametrize("write", [torch_code, keras_code])
def test_other_code_has_it(kind: type[Technique], write: Callable[[Any], str]) -> None:
    text = write(facts(Recipe(middle(kind))))
    assert text != write(facts(Recipe()))
    if kind.search_range.scale != "switch":
        assert f" = {middle(kind).strength:g}" in text


@kinds
@frameworks
def test_code_that_cannot_have_it_is_refused_in_a_sentence_that_the_page_shows(
    kind: type[Technique], framework: str, write: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "_WRITTEN", code._WRITTEN - {kind})
    with pytest.raises(ParameterError, match=f"There is no {framework} code for this recipe") as refused:
        write(facts(Recipe(middle(kind))))
    assert kind.page.title in str(refused.value)
    assert f"# There is no {framework} code for this recipe: {kind.page.title}" in write_page(
        facts(Recipe(middle(kind)))
    )
    assert write(facts(Recipe()))  # others are not


@kinds
def test_a_network_that_has_it_is_diagnosed_with_it(kind: type[Technique]) -> None:
    recipe = Recipe(middle(kind))
    made: Variants = variants(Candidate(recipe, 0.02, MLP((8,))), script=lambda *_: [1.0] * 24)
    for one in (*made.own(), *made.weaker(), *made.others(), *made.stronger()):
        assert one.candidate.recipe.get(kind) is not None


@kinds
def test_the_advice_names_it_for_classes_and_hidden_units(kind: type[Technique]) -> None:
    named = {one.technique: one for one in advise(profile())}
    assert (kind in named) is (kind is not EarlyStopping)  # which all of them are added to
    if kind in named:
        assert named[kind].reason.endswith(".")
        assert named[kind].source
        assert kind.why_not_searched in named[kind].reason


@kinds
def test_the_page_of_taut_play_has_its_switch_and_its_strength(kind: type[Technique]) -> None:
    told = {one["name"]: one for one in controls(None)["techniques"]}[kind.name]
    assert (told["title"], told["what"]) == (kind.page.title, kind.page.what)
    assert [one["name"] for one in told["parameters"]] == [
        name for name in vars(middle(kind)) if told["scale"] != "switch"
    ]
    assert Settings().techniques[kind.name].on is False
    assert read({"techniques": {kind.name: {"on": True}}}, None).recipe.get(kind) is not None
    assert Settings(techniques=switches(Recipe(middle(kind)))).recipe == Recipe(middle(kind))


@kinds
def test_the_command_line_knows_it(kind: type[Technique], capsys: pytest.CaptureFixture[str]) -> None:
    techniques(None)
    assert f"{kind.name}  {kind.page.title}" in capsys.readouterr().out
    assert find(kind.name) is kind  # as `taut path --technique` reads it
    strength = middle(kind).strength
    recipe = _recipe(0.0, 0.0, 0.0, batch_norm=False, others=[f"{kind.name}={strength!r}"], patience=None)
    assert recipe == Recipe(middle(kind))
