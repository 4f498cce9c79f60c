"""What README.md and docs/ show is run, and the commands that they name exist."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

from taut.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, each as words: those of its shell blocks, and those in single backticks."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`((?:taut|make) [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_there_is_something_to_test() -> None:
    assert {"README.md", "docs/command-line.md", "docs/python.md", "docs/search.md"} <= {
        Path(name).as_posix() for name in NAMES
    }
    assert len(blocks(ROOT / "README.md", "python")) == 1
    assert len(blocks(ROOT / "docs" / "python.md", "python")) > 5
    assert ["make", "demo"] in commands(ROOT / "README.md")
    assert ["taut", "techniques", "batch_norm"] in commands(ROOT / "docs" / "command-line.md")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_the_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for place, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {place + 1}", "exec"), names)  # one session a page


def test_the_numbers_of_the_search_are_those_of_the_code() -> None:
    from taut.estimators.effort import AUTO_FOLDS, FEW_ROWS, ONE_SPLIT_ROWS, REPEATS, budget_of

    text = " ".join((ROOT / "docs" / "search.md").read_text(encoding="utf-8").split())
    quick, standard, thorough = (budget_of(effort) for effort in ("quick", "standard", "thorough"))
    assert f"{quick.n_candidates}, {standard.n_candidates} and {thorough.n_candidates} candidates" in text
    assert f"the first batch, {standard.n_first} candidates" in text
    assert (AUTO_FOLDS, REPEATS) == (5, 3)
    assert f"there are five, made three times on up to {FEW_ROWS:,} rows" in text
    assert f"Above {ONE_SPLIT_ROWS:,} rows one split takes the place of cross-validation" in text


def test_the_callback_for_mlflow_logs_what_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a module that only writes down what it is called with."""
    from taut import TautClassifierCV

    logged: list[tuple[str, Any]] = []

    class Run(contextlib.nullcontext[None]):
        def __init__(self, **options: Any) -> None:
            logged.append(("run", options))
            super().__init__()

    mlflow: Any = types.ModuleType("mlflow")
    mlflow.start_run = Run
    mlflow.log_params = lambda values: logged.append(("params", values))
    mlflow.log_metrics = lambda values: logged.append(("metrics", values))
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    (block,) = (one for one in blocks(ROOT / "docs" / "search.md", "python") if "mlflow" in one)
    names: dict[str, Any] = {}
    exec(block, names)
    X = np.random.default_rng(0).standard_normal((60, 2))
    small = {"hidden": (4,), "cv": 2, "n_candidates": 10, "max_epochs": 3, "random_state": 0}
    clf = TautClassifierCV(**small, on_candidate=names["to_mlflow"]).fit(X, X[:, 0] > 0)
    runs, params, metrics = (
        [what for name, what in logged if name == kind] for kind in ("run", "params", "metrics")
    )
    assert [run["run_name"] for run in runs] == [c.recipe.describe() for c in clf.candidates_]
    assert all(run["nested"] for run in runs)
    assert [one["state"] for one in params] == [c.state for c in clf.candidates_]
    assert [one["learning_rate"] for one in params] == [c.candidate.learning_rate for c in clf.candidates_]
    assert [one["loss"] for one in metrics] == [c.loss for c in clf.candidates_]
    assert all(np.isfinite(list(one.values())).all() for one in metrics)  # what MLflow can plot


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_commands_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for program, *words in commands(page):
        assert program in ("taut", "make"), f"{page.name}: {program} is none of ours"
        if program == "make":
            assert words[0] in targets, f"{page.name}: there is no make {words[0]}"
            continue
        if words[0].startswith("-"):
            continue
        found = group.commands.get(words[0])  # type: ignore[attr-defined]
        assert found is not None, f"{page.name}: there is no taut {words[0]}"
        known = {
            option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for word in words[1:]:
            if word.startswith("--"):
                assert word in known | {"--help"}, f"{page.name}: taut {words[0]} has no {word}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_options_that_are_named_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    known = {
        option
        for command in group.commands.values()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in parameter.opts
    }
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for option in re.findall(r"`(--[a-z0-9-]+)", text):
        assert option in known | {"--help", "--version"}, f"{page.name}: no command has {option}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
