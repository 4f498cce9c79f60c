"""Searches on many splits of real tables, laid down as files, for evidence.py to judge.

One file a search: every candidate's losses row by row, and of those with all folds what their networks lose
on rows that had no part in anything. Rules of choice and intervals are then compared without training again.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from selection_common import Bench
from tables import load

from taut.estimators.problem import encode_target, read_features
from taut.learning.objective import RowResults
from taut.learning.training import Fitted
from taut.selection.result import SearchResult
from taut.selection.runs import RACED
from taut.selection.search import Search
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix

#: Two classes, several, and amounts; each has 4,000 rows or more.
ESTIMATE_TABLES = (
    "magic", "spam", "credit-data", "caravan", "satimage", "hpc", "diamonds", "stackoverflow", "wages",
)  # fmt: skip
SIZES = (300, 1000)
LARGE_TABLES, LARGE = ("magic", "diamonds", "wages", "letter"), 3000
PERMUTED_TABLES = ("magic", "hpc", "stackoverflow", "credit-data", "satimage")
_MOST_HELD_OUT = 5_000


@dataclass(frozen=True)
class Case:
    """One search: a table, how many of its rows, and which split."""

    table: str
    n_rows: int
    split: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.table}-{self.n_rows}-{self.split}.npz"


def cases(n_splits: int, n_large: int) -> list[Case]:
    """All searches, all tables' first splits before any second one."""
    found = [Case(t, n, s) for s in range(n_splits) for n in SIZES for t in ESTIMATE_TABLES]
    return found + [Case(t, LARGE, s) for s in range(n_large) for t in LARGE_TABLES]


def collect(folder: Path, wanted: Sequence[Case], n_jobs: int | None = None) -> None:
    """Run the searches that have no file yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in wanted:
        path = folder / case.name
        if path.exists():
            continue
        started = time.perf_counter()
        _write(path, run(case, n_jobs))
        print(f"{path.name} {time.perf_counter() - started:.1f} s", flush=True)


def run(case: Case, n_jobs: int | None) -> dict[str, Any]:
    """Search on some rows, and look at the others."""
    X, y, task = load(case.table)
    rng = np.random.default_rng((case.split, case.n_rows, len(case.table)))
    keep = rng.permutation(len(y))[: case.n_rows + max(3 * case.n_rows, _MOST_HELD_OUT)]
    bench = Bench.of(
        X.iloc[keep].reset_index(drop=True), y[keep], task, case.split,
        test_size=len(keep) - case.n_rows, n_jobs=n_jobs,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search, result, seconds = bench.search()
        return lay_down(bench, search, result) | {"seconds": seconds}


def lay_down(bench: Bench, search: Search, result: SearchResult) -> dict[str, Any]:
    """All that judging needs, in the engine's units."""
    table, folds = bench.table, search.stages.folds
    objective = table.problem.objective
    n, m = table.n_train, len(result.candidates)
    n_repeats = max(1, result.candidates[0].n_repeats)
    scored, raced = (np.full((m, n_repeats, n), np.nan, dtype=np.float32) for _ in range(2))
    correct = np.full((m, n_repeats, n), np.nan, dtype=np.float32)
    for i, score in enumerate(result.candidates):
        trial = search._scored.trials[i]
        for k, fold in enumerate(folds):
            run = trial.runs.get(k)
            if run is None or not run.losses:
                continue
            repeat, rows = k * n_repeats // len(folds), fold.validation
            raced[i, repeat, rows] = run.losses[RACED]
            epoch = int(score.fold_epochs[k]) if score.state == "complete" else RACED
            if epoch in run.losses:
                scored[i, repeat, rows] = run.losses[epoch]
                if epoch in run.correct:
                    correct[i, repeat, rows] = run.correct[epoch]
    matrix = read_features(bench.estimator, bench.X_test, table.schema)[1]
    target = encode_target(table.target, bench.y_test, objective.task, bench.estimator)
    complete = [i for i, score in enumerate(result.candidates) if score.state == "complete"]
    bags, bag_hits, singles, single_hits = [], [], [], []
    for i in complete:
        trial, score = search._scored.trials[i], result.candidates[i]
        networks = search.runner.networks(
            [trial.job(k) for k in range(len(folds))], [score.epoch] * len(folds)
        )
        assert networks is not None
        found = _held_out(bench, networks, matrix, target)
        for store, one in zip((bags, bag_hits, singles, single_hits), found, strict=True):
            store.append(one)
    fold_of = np.full((n_repeats, n), -1, dtype=np.int16)
    for k, fold in enumerate(folds):
        fold_of[k * n_repeats // len(folds), fold.validation] = k
    facts = {
        "task": objective.task,
        "n_outputs": objective.n_outputs,
        "unit": table.target.unit,
        "variance": float(np.var(target.astype(float))),
        "n_folds": len(folds),
        "batch_size": bench.trainer.settings.batch_size,
        "n_columns": int(table.matrix.values.shape[1]),
        "n_numbers": int(table.matrix.n_numbers),
        "n_features": int(TableExamples(table.matrix).encoder(folds[0].train).n_features),
        "chosen": result.chosen,
        "candidates": [
            {
                "recipe": c.recipe.to_json(), "rate": c.candidate.learning_rate, "state": c.state,
                "batch": c.batch, "loss": c.loss, "epoch": c.epoch, "gap": c.gap,
                "seconds": c.seconds, "fold_losses": c.validation_loss.tolist(),
            }
            for c in result.candidates
        ],
    }  # fmt: skip
    return {
        "facts": json.dumps(facts),
        "target": np.asarray(table.problem.target, dtype=np.float64)[:n],
        "scored": scored,
        "raced": raced,
        "correct": correct,
        "fold_of": fold_of,
        "complete": np.array(complete),
        "bags": np.array(bags, dtype=np.float32),
        "bag_hits": np.array(bag_hits, dtype=np.float32),
        "folds_loss": np.array(singles),
        "folds_hits": np.array(single_hits),
    }


def _held_out(
    bench: Bench, networks: Sequence[Fitted], matrix: Matrix, target: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], float, float]:
    """Row losses and correct of the bag, and the mean loss and correct of its networks one by one."""
    objective, engine = bench.trainer.problem.objective, bench.trainer.engine
    rows = np.arange(len(target))
    outputs = [engine.predict(TableExamples(matrix), network).astype(np.float64) for network in networks]
    each: list[RowResults] = [objective.row_results(one, target) for one in outputs]
    if objective.task == "regression":
        bag = (np.mean(outputs, axis=0)[:, 0] - target) ** 2
        correct = np.zeros(len(bag))
        single_hits = 0.0
    else:
        shares = [np.exp(one - one.max(axis=1, keepdims=True)) for one in outputs]
        mean = np.mean([one / one.sum(axis=1, keepdims=True) for one in shares], axis=0)
        codes = target.astype(int)
        bag = -np.log(np.maximum(mean[rows, codes], 1e-12))
        correct = (mean.argmax(axis=1) == codes).astype(float)
        single_hits = float(np.mean([one.correct for one in each]))
    return bag, correct, float(np.mean([one.losses.mean(dtype=float) for one in each])), single_hits


def permuted(folder: Path, n_runs: int, n_jobs: int | None = None) -> None:
    """Searches of 100 candidates on 300 rows whose target means nothing, that have no file yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n_runs):
        table = PERMUTED_TABLES[number % len(PERMUTED_TABLES)]
        path = folder / f"{table}-300-{number}.npz"
        if path.exists():
            continue
        X, y, task = load(table)
        rng = np.random.default_rng((number, 7))
        keep = rng.permutation(len(y))[: 300 + 3000]
        bench = Bench.of(
            X.iloc[keep].reset_index(drop=True), rng.permutation(y[keep]), task, number,
            test_size=3000, n_jobs=n_jobs,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search, result, seconds = bench.search(n_candidates=100)
            _write(path, lay_down(bench, search, result) | {"seconds": seconds})
        print(f"{path.name} {seconds:.1f} s", flush=True)


def _write(path: Path, found: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, **found)
    os.replace(part, path)
