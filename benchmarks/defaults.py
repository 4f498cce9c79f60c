"""How the defaults were chosen: learning rate and batch size, where dropout stands behind batch norm,
and between which strengths to search.

For each table, five folds; each setting is scored as a candidate is (the epoch chosen on the other folds).
A figure is the loss over the best setting's loss on that table, so 1.00 is the best that any setting did.

    python benchmarks/defaults.py learning-rate [--json]
    python benchmarks/defaults.py dropout [--json]
    python benchmarks/defaults.py strengths [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from tables import TABLES, load

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe, TautClassifier, TautRegressor
from taut.engine.compiled import plans
from taut.engine.compiled.engine import CompiledEngine
from taut.estimators.automatic import AUTO_LEARNING_RATE, auto_batch_size
from taut.estimators.problem import make_problem
from taut.learning.architecture import MLP
from taut.learning.problem import Fold, Problem
from taut.learning.training import Status
from taut.selection.candidate import Candidate
from taut.selection.folds import cross_validation_splits, make_folds
from taut.selection.score import score_folds
from taut.selection.trainer import Settings, Trainer

LEARNING_RATES = (3e-4, 1e-3, 3e-3, 1e-2)
BATCH_SIZES = (32, 64, 128, 256, 512)
RECIPES = {
    "early stopping": Recipe(EarlyStopping()),
    "batch norm + dropout": Recipe(BatchNorm(), Dropout(0.2), EarlyStopping()),
}
ARCHITECTURE = MLP((128, 128))


class Setting(NamedTuple):
    """What a recipe is tried with."""

    learning_rate: float
    common: Settings


def prepare(name: str, most_rows: int) -> tuple[Problem, list[Fold]]:
    """The table's folds; large tables are thinned."""
    X, y, task = load(name)
    if len(X) > most_rows:
        chosen = np.sort(np.random.default_rng(0).choice(len(X), most_rows, replace=False))
        X, y = X.iloc[chosen].reset_index(drop=True), y[chosen]
    kind = "regression" if task == "number" else "classification"
    estimator = TautRegressor() if task == "number" else TautClassifier()
    table = make_problem(estimator, kind, X, y, None, None, None)
    problem, stratify = table.problem, table.problem.objective.stratify
    labels = problem.target.astype(int) if stratify else problem.target
    splits = cross_validation_splits(5, labels, None, stratify, 0, table.duplicates)
    return problem, make_folds(splits, problem, 0)


def losses(
    engine: Any, problem: Problem, folds: list[Fold], recipe: Recipe, all_settings: list[Setting]
) -> list[float]:
    """The cross-validated loss of one recipe under each of the settings."""
    members = [
        Trainer(engine, problem, common).member(Candidate(recipe, rate, ARCHITECTURE), fold, i)
        for rate, common in all_settings
        for i, fold in enumerate(folds)
    ]
    trainings = engine.train(problem, members)
    n = len(folds)
    groups = [trainings[i : i + n] for i in range(0, len(trainings), n)]
    goals = [max(t.epoch for t in group) for group in groups for _ in group]
    trainings = engine.train(problem, trainings, until_epoch=goals)
    early, spreads = recipe.hooks().patience is not None, problem.spreads(folds)
    out = []
    for group in groups:
        if any(t.status is Status.DIVERGED for t in group):
            out.append(float("nan"))
        else:
            scores = score_folds([t.curve for t in group], early, problem.objective, spreads)
            out.append(float(np.mean(scores.validation_loss)))
    return out


def setting(learning_rate: float, batch_size: int, seed: int = 0) -> Setting:
    return Setting(learning_rate, Settings(batch_size, 300, seed))


def measure_learning_rate(names: list[str], most_rows: int, engine: Any) -> list[dict[str, Any]]:
    grid = [setting(rate, batch) for rate in LEARNING_RATES for batch in BATCH_SIZES]
    rows = []
    for name in names:
        problem, folds = prepare(name, most_rows)
        for label, recipe in RECIPES.items():
            found = np.array(losses(engine, problem, folds, recipe, grid))
            for one, loss in zip(grid, found / np.nanmin(found), strict=True):
                rows.append(
                    {
                        "table": name,
                        "rows": len(problem),
                        "recipe": label,
                        "learning_rate": one.learning_rate,
                        "batch_size": one.common.batch_size,
                        "relative_loss": float(loss),
                    }
                )
        print(f"{name} done", file=sys.stderr, flush=True)
    return rows


def measure_dropout(names: list[str], most_rows: int, engine: Any) -> list[dict[str, Any]]:
    """Dropout behind the last batch norm only, against dropout behind every activation."""
    rows = []
    for name in names:
        problem, folds = prepare(name, most_rows)
        for rate in (0.1, 0.3, 0.5):
            recipe = Recipe(BatchNorm(), Dropout(rate), EarlyStopping())
            settings = [setting(1e-3, 128, seed) for seed in range(3)]
            everywhere = np.mean(losses(engine, problem, folds, recipe, settings))
            with patch.object(plans, "FIRST_WITH_DROPOUT", len(ARCHITECTURE.hidden) - 1):
                last = np.mean(losses(engine, problem, folds, recipe, settings))
            rows.append({"table": name, "rate": rate, "everywhere_over_last": float(everywhere / last)})
        print(f"{name} done", file=sys.stderr, flush=True)
    return rows


STRENGTHS = {
    L2: (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    L1: (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    Dropout: (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
    BatchNorm: (1,),
}


def measure_strengths(names: list[str], most_rows: int, engine: Any) -> list[dict[str, Any]]:
    """Each technique alone (with early stopping) over a wide grid, against early stopping alone."""
    rows = []
    for name in names:
        problem, folds = prepare(name, most_rows)
        batch = auto_batch_size(len(folds[0].train))
        settings = [setting(AUTO_LEARNING_RATE, batch)]
        (alone,) = losses(engine, problem, folds, Recipe(EarlyStopping()), settings)
        for kind, strengths in STRENGTHS.items():
            for strength in strengths:
                (loss,) = losses(engine, problem, folds, Recipe(kind.at(strength), EarlyStopping()), settings)
                rows.append(
                    {"table": name, "technique": kind.name, "strength": strength, "over_alone": loss / alone}
                )
        print(f"{name} done", file=sys.stderr, flush=True)
    return rows


def show_strengths(rows: list[dict[str, Any]]) -> None:
    tables = list(dict.fromkeys(r["table"] for r in rows))
    for kind, strengths in STRENGTHS.items():
        print(f"{kind.name}: loss over early stopping alone, median over tables; on how many it is the best")
        mine = [r for r in rows if r["technique"] == kind.name]
        best = [
            min((r for r in mine if r["table"] == t), key=lambda r: r["over_alone"])["strength"]
            for t in tables
        ]
        for strength in strengths:
            found = [r["over_alone"] for r in mine if r["strength"] == strength]
            print(f"  {strength:<8g}{np.median(found):>8.3f}   {best.count(strength)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["learning-rate", "dropout", "strengths"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tables", default=",".join(t.name for t in TABLES))
    parser.add_argument("--most-rows", type=int, default=6000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    engine = CompiledEngine()
    measure = {
        "learning-rate": measure_learning_rate,
        "dropout": measure_dropout,
        "strengths": measure_strengths,
    }[options.what]
    rows = measure(options.tables.split(","), options.most_rows, engine)
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    if options.what == "strengths":
        show_strengths(rows)
        return
    if options.what == "dropout":
        for rate in (0.1, 0.3, 0.5):
            ratios = [r["everywhere_over_last"] for r in rows if r["rate"] == rate]
            wins = sum(r < 1 for r in ratios)
            middle = np.median(ratios)
            print(f"dropout {rate}: everywhere/last, median {middle:.4f}; better on {wins} of {len(ratios)}")
        return
    print("median over tables (and 90th percentile) of loss / best loss of the table")
    for label in RECIPES:
        print(label)
        print("  rate     " + "".join(f"{batch:>16}" for batch in BATCH_SIZES))
        for rate in LEARNING_RATES:
            cells = []
            for batch in BATCH_SIZES:
                found = [
                    r["relative_loss"]
                    for r in rows
                    if (r["recipe"], r["learning_rate"], r["batch_size"]) == (label, rate, batch)
                ]
                cells.append(f"{np.median(found):>8.3f} ({np.percentile(found, 90):.2f})")
            print(f"  {rate:<8g} " + "".join(f"{c:>16}" for c in cells))


if __name__ == "__main__":
    main()
