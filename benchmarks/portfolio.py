"""Learns recipes that a search might try first, and judges them on tables that they were not learnt from.

    python benchmarks/portfolio.py measure FILE [--folds 2] [--tables hpc,spam,...]
    python benchmarks/portfolio.py learn FILE

``measure`` trains every recipe of a pool on the first of five folds of up to 1,875 rows of each table, to its
own early stop, and appends a line of JSON for each table and fold: losses on the fold, and on up to 6,000
rows that no fold has. ``learn`` builds portfolios greedily: the next recipe is the one that lowers most the
mean over tables of the logarithm of the best loss so far. Learnt from two thirds of the tables and judged on
the other third, they are compared with the designs of taut.selection.space and with random orders: the best
by the folds' rows is chosen, as a search does, and the other rows judge it. A loss below half that of early
stopping alone counts as half, else the tables where hardly anything is left to lose would decide alone.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from tables import TABLES, load

from taut import EarlyStopping, Recipe, TautClassifier, TautRegressor
from taut.engine.compiled.engine import CompiledEngine
from taut.estimators.automatic import AUTO_LEARNING_RATE, AVERAGE, auto_batch_size, bins_for
from taut.estimators.problem import make_problem
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Fold, Problem
from taut.learning.training import Status
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_fold
from taut.selection.space import SEARCHED, Space
from taut.selection.trainer import Settings, Trainer

MOST_TRAIN, MOST_JUDGES, N_FOLDS = 1500, 6000, 5
MAX_EPOCHS, SEED = 200, 0
# Where in a technique's range a mixture may have it, and the rates as multiples of the usual one.
POSITIONS = (0.2, 0.4, 0.6, 0.8)
RATES = (1 / 3, 1.0, 3.0)
MIXTURES = 4  # of each combination of techniques
DESIGN_SEEDS = (0, 1, 2)
SIZES = (1, 2, 4, 8, 16)
GROUPINGS, ORDERS, RESAMPLES = 20, 200, 4000
LOWEST = 0.5  # that a loss over early stopping alone's counts as

SPACE = Space(AUTO_LEARNING_RATE, MLP((128, 128)), CrossEntropy(2))
ALONE = SPACE.baselines()[0]


def design(few: bool, seed: int) -> list[Candidate]:
    """What a search tries first beside the baselines."""
    return list(islice(replace(SPACE, few=few).design(seed), SIZES[-1]))


def pool() -> list[Candidate]:
    """Early stopping alone, the designs' candidates, and mixtures of each combination of techniques."""
    found = [ALONE, *(one for few in (True, False) for seed in DESIGN_SEEDS for one in design(few, seed))]
    rng = np.random.default_rng(0)
    for size in range(1, len(SEARCHED) + 1):
        for kinds in combinations(SEARCHED, size):
            # Each position and each rate about as often as the others.
            places = [rng.permutation(POSITIONS) for _ in kinds]
            rates = rng.permutation([*RATES, RATES[1]])
            for i in range(MIXTURES):
                strengths = [
                    kind.at(float(f"{kind.search_range.strength_at(max(place[i], 0.5 * switch)):.2g}"))
                    for kind, place in zip(kinds, places, strict=True)
                    for switch in [kind.search_range.scale == "switch"]
                ]
                rate = float(f"{AUTO_LEARNING_RATE * rates[i]:.2g}")
                found.append(Candidate(Recipe(*strengths, EarlyStopping()), rate, SPACE.architecture))
    return list(dict.fromkeys(found))


def name_of(candidate: Candidate) -> str:
    return f"{candidate.recipe} at {candidate.learning_rate:g}"


# --- training -----------------------------------------------------------------------------------------------


def parts(name: str) -> tuple[Problem, list[Fold], NDArray[np.int32], bool]:
    """The table, its folds, the rows that judge, and whether an amount is predicted."""
    X, y, task = load(name)
    number = task == "number"
    kind, estimator = ("regression", TautRegressor()) if number else ("classification", TautClassifier())
    problem = make_problem(estimator, kind, X, y, None, None, None).problem  # type: ignore[arg-type]
    n_train = min(MOST_TRAIN, int(0.64 * len(y)))
    stratify = None if number else y
    train, rest = train_test_split(
        np.arange(len(y)), train_size=n_train, random_state=SEED, stratify=stratify
    )
    n_held_out = n_train // (N_FOLDS - 1)
    held_out = [rest[:n_held_out], *np.array_split(train, N_FOLDS - 1)]
    everyone = np.concatenate(held_out)
    folds = [
        make_fold(Split(_rows(np.setdiff1d(everyone, rows)), _rows(rows)), problem, SEED) for rows in held_out
    ]
    return problem, folds, _rows(rest[n_held_out:][:MOST_JUDGES]), number


def _rows(rows: NDArray[np.integer]) -> NDArray[np.int32]:
    return np.sort(rows).astype(np.int32)


def trained(
    trainer: Trainer, candidate: Candidate, fold: Fold, judge: NDArray[np.int32], k: int, number: bool
) -> tuple[float, float, int, float]:
    """Loss on the fold and on the rows that judge, epochs and seconds of one network."""
    begun = time.perf_counter()
    member = replace(trainer.member(candidate, fold, k), keep_losses=True)
    (training,) = trainer.train([member])
    if training.status is Status.DIVERGED:
        return np.inf, np.inf, training.epoch, time.perf_counter() - begun
    rows = np.array([training.losses(epoch + 1) for epoch in range(training.epoch)])
    # Crosswise, as candidates race: the epoch that is best on one half gives the losses of the other.
    halves = [slice(0, None, 2), slice(1, None, 2)]
    chosen = [rows[rows[:, a].mean(axis=1).argmin(), b] for a, b in (halves, halves[::-1])]
    losses = [
        float(np.mean(np.concatenate(chosen))),
        float(np.mean(trainer.row_results(training.fitted(), judge).losses)),
    ]
    validation, judged = np.sqrt(losses) if number else losses
    return float(validation), float(judged), training.epoch, time.perf_counter() - begun


def measure(name: str, k: int, n_bins: int | None, engine: CompiledEngine) -> dict[str, Any]:
    """Losses of the whole pool on one fold of a table.

    The first fold decides whether numbers are in pieces, much as a search does.
    """
    problem, folds, judge, number = parts(name)
    fold = folds[k]
    settings = Settings(auto_batch_size(len(fold.train)), MAX_EPOCHS, SEED, AVERAGE)
    trainer = Trainer(engine, problem, settings)

    def result(candidate: Candidate, n_bins: int) -> tuple[float, float, int, float]:
        architecture = replace(SPACE.architecture, n_bins=n_bins)
        return trained(trainer, replace(candidate, architecture=architecture), fold, judge, k, number)

    if n_bins is None:
        tried = bins_for(problem.examples.matrix.n_numbers)  # type: ignore[attr-defined]
        lowest = {n: min(result(one, n)[0] for one in (ALONE, SPACE.middle())) for n in tried}
        best = min(lowest, key=lambda n: lowest[n])
        n_bins = best if lowest[best] < 0.98 * lowest[0] else 0
    found = {name_of(one): result(one, n_bins) for one in pool()}
    return {"table": name, "fold": k, "n_bins": n_bins, "n_judge": len(judge), "found": found}


def measure_all(file: Path, names: Sequence[str], n_folds: int) -> None:
    """Append what the file does not have yet."""
    n_bins = {(one["table"], one["fold"]): one["n_bins"] for one in read(file)}
    engine = CompiledEngine(1)
    for k in range(n_folds):
        for name in names:
            if (name, k) not in n_bins:
                begun = time.perf_counter()
                line = measure(name, k, n_bins.get((name, 0)), engine)
                n_bins[name, k] = line["n_bins"]
                with file.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(f"{name} {k}: {time.perf_counter() - begun:.0f} s", flush=True)


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


# --- learning -----------------------------------------------------------------------------------------------


class Results(NamedTuple):
    """Log losses over early stopping alone's, which comes first: shape (n_tables, n_pool)."""

    folds: NDArray[np.float64]
    judged: NDArray[np.float64]

    @classmethod
    def of(cls, lines: Sequence[dict[str, Any]], names: Sequence[str]) -> Results:
        """From the lines of a file: means over each table's folds."""
        tables = dict.fromkeys(line["table"] for line in lines)
        losses = [
            np.mean([[one["found"][name][:2] for name in names] for one in lines if one["table"] == table], 0)
            for table in tables
        ]
        logs = np.log(losses)
        folds, judged = np.moveaxis(logs - logs[:, :1], -1, 0)
        return cls(folds, np.maximum(judged, np.log(LOWEST)))

    def some(self, tables: NDArray[np.intp]) -> Results:
        """Those of some tables."""
        return Results(self.folds[tables], self.judged[tables])

    def reached(self, order: Sequence[int]) -> NDArray[np.float64]:
        """What judges say of the best by folds of early stopping alone and the first 1, 2, ... of an order.

        Shape (n_tables, len(order)).
        """
        tried = np.array([0, *order])
        chosen = [tried[self.folds[:, tried[: n + 1]].argmin(axis=1)] for n in range(1, len(tried))]
        return np.take_along_axis(self.judged, np.array(chosen).T, axis=1)


def learnt(results: Results, n: int) -> list[int]:
    """A portfolio of ``n``, greedily, from all rows that the networks did not train on."""
    losses = (np.maximum(results.folds, np.log(LOWEST)) + results.judged) / 2
    lowest = losses[:, 0]
    order: list[int] = []
    for _ in range(n):
        means = np.minimum(losses, lowest[:, None]).mean(axis=0)
        means[[0, *order]] = np.inf
        order.append(int(means.argmin()))
        lowest = np.minimum(lowest, losses[:, order[-1]])
    return order


def crossed(results: Results, n_learnt: int, then: Sequence[int] = ()) -> NDArray[np.float64]:
    """Each table's losses by portfolios that were learnt without it, and others after them.

    Shape (n_tables, SIZES[-1]).
    """
    rng = np.random.default_rng(0)
    n = len(results.judged)
    total = np.zeros((n, SIZES[-1]))
    for _ in range(GROUPINGS):
        for out in np.array_split(rng.permutation(n), 3):
            first = learnt(results.some(np.setdiff1d(np.arange(n), out)), n_learnt)
            order = [*first, *(one for one in then if one not in first)][: SIZES[-1]]
            total[out] += results.some(out).reached(order)
    return total / GROUPINGS


def interval(values: NDArray[np.float64]) -> str:
    """A geometric mean over tables with its 95 % interval over resamples of the tables."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.exp(np.percentile(means, [2.5, 97.5]))
    return f"{np.exp(values.mean()):.3f} ({low:.3f} to {high:.3f})"


def orders_of(kind: str, names: Sequence[str]) -> Iterator[list[int]]:
    """The designs' orders, or random ones, as numbers in the pool."""
    if kind == "random":
        rng = np.random.default_rng(0)
        for _ in range(ORDERS):
            yield [int(i) for i in 1 + rng.permutation(len(names) - 1)[: SIZES[-1]]]
    else:
        for seed in DESIGN_SEEDS:
            yield [names.index(name_of(one)) for one in design(kind == "few", seed)]


def show(file: Path) -> None:
    """Print the comparison, and the portfolio that is learnt from all tables."""
    names = [name_of(one) for one in pool()]
    lines = read(file)
    results = Results.of(lines, names)
    found = {"learnt": crossed(results, SIZES[-1])}
    for kind in ("few", "many", "random"):
        found[kind] = np.mean([results.reached(order) for order in orders_of(kind, names)], axis=0)
    pairs = [("few", "many"), *(("learnt", kind) for kind in ("few", "many", "random"))]
    for kind in ("few", "many"):
        for n in (4, 6, 8):
            of_seeds = [crossed(results, n, order) for order in orders_of(kind, names)]
            found[f"{n}, {kind}"] = np.mean(of_seeds, axis=0)
            pairs.append((f"{n}, {kind}", kind))
    print(f"{len(lines)} folds of {len(results.judged)} tables: loss over early stopping alone's")
    for kind, losses in found.items():
        print(f"{kind:20}", *(f"{n:3}: {interval(losses[:, n - 1])}" for n in SIZES))
    for one, other in pairs:
        ratio = found[one] - found[other]
        print(f"{one + ' / ' + other:20}", *(f"{n:3}: {interval(ratio[:, n - 1])}" for n in SIZES))
    order = learnt(results, SIZES[-1])
    for i, mean in zip(order, np.exp(results.reached(order).mean(axis=0)), strict=True):
        epochs = np.median([one["found"][names[i]][2] / one["found"][names[0]][2] for one in lines])
        print(f"{mean:.3f}  {names[i]}; {epochs:.2f} times the epochs of early stopping alone")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["measure", "learn"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--tables", default=",".join(table.name for table in TABLES))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.what == "measure":
        measure_all(given.file, given.tables.split(","), given.folds)
    else:
        show(given.file)


if __name__ == "__main__":
    main()
