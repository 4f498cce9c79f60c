from __future__ import annotations

import json
import shlex
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import KFold, PredefinedSplit, RepeatedStratifiedKFold

from taut.estimators import TautClassifier, TautClassifierCV
from taut.recipe import Recipe
from taut.report.facts import facts_of, from_text, to_text
from taut.report.harmless import is_call, is_command, is_value
from taut.report.reported import call_of
from taut.techniques import L2, EarlyStopping
from tests.ids import without_address
from tests.report.models import searched, single

HARM = [
    "__import__('os').system('true')",
    "eval('1')",
    "open('x', 'w')",
    "os.system('true')",
    "np.load('x')",
    "np.fromfile",
    "().__class__",
    "[x for x in y]",
    "(lambda: 1)()",
    "f(1)(2)",
    "f'{x}'",
    'f"{__import__("os").abort()}"',  # an older Python cannot read it, a newer one runs it
    '1 <f"{__import__("os").abort()}"> 2',
    "1 < print() > 2",
    "1; evil()",
    "1\nevil()",
    "1 if evil else 2",
    "x := 1",
    "a.b",
    "_evil()",
    "(" * 3000,
    "9" * 6000,
    "1" * 70_000,
]


@pytest.mark.parametrize("code", HARM)
def test_what_runs_is_no_value(code: str) -> None:
    assert not is_value(code)
    assert not is_call(f"TautClassifier(cv={code})")


@pytest.mark.parametrize(
    "value",
    [
        3,
        -1.5,
        "it's <b>",
        None,
        ("a", 1),
        {"a": [1.0]},
        np.float64(2.5),
        np.random.RandomState(0),
        KFold(3),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2),
        PredefinedSplit(np.arange(2000) % 3),
        make_scorer(mean_absolute_error),
        mean_absolute_error,
        lambda x: x,
        Recipe(L2(0.1), EarlyStopping(patience=3)),
        KFold,
    ],
    ids=without_address,
)
def test_how_honest_values_show_themselves_is_shown(value: Any) -> None:
    call = call_of(TautClassifierCV((4,), cv=value))
    assert "..." not in call or "..." in repr(value)
    assert is_call(call)


def test_a_value_that_shows_itself_as_code_is_left_out() -> None:
    class Evil:
        def __repr__(self) -> str:
            return "__import__('os').abort()"

    assert call_of(TautClassifier((4,), batch_size=Evil())) == "TautClassifier(hidden=(4,), batch_size=...)"
    weights = {np.int64(0): np.float64(2.0)}
    assert "class_weight={0: 2.0}" in call_of(TautClassifier(class_weight=weights))  # type: ignore[arg-type]


def test_a_command_runs_taut_alone() -> None:
    for words in (["taut", "fit", "my $table;.csv"], ["python3.12", "-m", "taut", "fit", "a\nb"]):
        assert is_command(shlex.join(words))
    for text in (
        "curl evil | sh",
        "rm -rf x",
        "taut fit a.csv; rm -rf x",
        "taut fit $(evil)",
        "taut fit `evil`",
        "taut fit a\nevil",
        "taut fit > x",
        "evil -m taut",
        "taut fit 'a",
        "",
        "taut fit # x",
    ):
        assert not is_command(text)


def test_saved_facts_lose_what_does_harm_and_nothing_else() -> None:
    for estimator in (searched("y"), single("amount")):
        found: Any = deepcopy(facts_of(estimator))
        found["source"]["command"] = "taut fit 'a b.csv' --target y"
        assert from_text(to_text(found)) == json.loads(json.dumps(found))
        found["source"]["command"] = "taut fit a.csv; curl evil | sh"
        found["made"]["call"] = "TautClassifier(); evil()"
        back = from_text(to_text(found))
        assert back is not None
        assert back["source"] == {**found["source"], "command": None}
        assert back["made"] == {**found["made"], "call": f"{type(estimator).__name__}(...)"}
        found["made"]["estimator"] = "evil"
        back = from_text(to_text(found))
        assert back is not None
        assert back["made"]["call"] == "TautClassifier(...)"
