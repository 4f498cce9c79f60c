"""Signs of trouble: how often they are seen in clean tables, and how often where trouble was put in.

    python benchmarks/evidence_signs.py [--splits 3] [--rows 5000] [--tables magic,spam] [--json out.json]
    python benchmarks/evidence_signs.py --unseen     # tables beyond the suite; clean only

Each table is shuffled, and cut in two halves: a table and a second file. Clean: any sign is a false alarm,
but for what the table really has. Injected: what share of the tables has the sign, with the right column.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import TABLES, _keel, load

from taut.estimators.prepare import Options, Prepared, prepare
from taut.estimators.problem import read_features
from taut.evidence.signs import Sign, find_signs
from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION, Candidate

HIDDEN = (32,)
NETWORKS = {"early stopping": EARLY_STOPPING_ALONE, "none": NO_REGULARIZATION}
#: What the tables really have, in any order of their rows.
REAL = {
    ("magic", "duplicates"), ("spam", "duplicates"), ("email", "duplicates"), ("saratoga", "duplicates"),
    ("wages", "duplicates"), ("leaf", "small class"), ("mammographic", "duplicates"),
    ("phoneme", "duplicates"), ("segment", "duplicates"), ("splice", "duplicates"), ("tae", "duplicates"),
    ("titanic", "duplicates"), ("iris", "small class"), ("tae", "small class"), ("wine", "small class"),
}  # fmt: skip
#: Of the same wheel as tables.py.
UNSEEN = (
    "australian", "banana", "bands", "chess", "crx", "german", "heart", "housevotes", "ionosphere", "iris",
    "mammographic", "marketing", "mushroom", "penbased", "phoneme", "ring", "saheart", "segment", "sonar",
    "splice", "tae", "titanic", "twonorm", "vehicle", "vowel", "wdbc", "wine", "wisconsin",
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """A table as a person has it."""

    X: pd.DataFrame
    y: Any
    task: str

    @property
    def amount(self) -> bool:
        return self.task == "number"

    def take(self, rows: Any) -> Given:
        return Given(self.X.iloc[rows].reset_index(drop=True), self.y[rows], self.task)

    def with_column(self, name: str, values: Any) -> Given:
        return Given(self.X.assign(**{name: values}), self.y, self.task)

    def with_target(self, y: Any) -> Given:
        return Given(self.X, y, self.task)


def prepared(given: Given, seed: int) -> Prepared:
    options = Options(
        task="regression" if given.amount else "classification", hidden=HIDDEN,
        activation="relu", learning_rate="auto", batch_size="auto", max_epochs=60, cv=5, sample_weight=None,
        groups=None, class_weight=None, n_jobs=1, random_state=seed,
    )  # fmt: skip
    return prepare(given.X, given.y, options)


def held_out(made: Prepared, recipe: Recipe) -> Any:
    """Outputs for rows that had no part in the training."""
    trainer, outputs = made.trainer, no_outputs(made)
    candidate = Candidate(recipe, made.learning_rate, made.architecture)
    members = [trainer.member(candidate, fold, i) for i, fold in enumerate(made.folds)]
    for fold, training in zip(made.folds, trainer.train(members), strict=True):
        outputs[fold.validation] = trainer.outputs(training.fitted(), fold.validation)
    return outputs


def no_outputs(made: Prepared) -> Any:
    return np.full((len(made.trainer.problem), made.trainer.problem.objective.n_outputs), np.nan)


def signs(
    given: Given, seed: int, recipe: Recipe | None = None, second: Given | None = None
) -> tuple[tuple[Sign, ...], float]:
    """What is seen, and the seconds that looking took; without a recipe there are no networks."""
    made = prepared(given, seed)
    outputs = no_outputs(made) if recipe is None else held_out(made, recipe)
    test = None
    if second is not None:
        test = read_features(made.reader, second.X, made.table.schema)[1]
    started = time.perf_counter()
    table = made.table
    found = find_signs(
        table.schema, table.matrix, table.problem, table.target.classes, made.folds, outputs, test, seed=seed
    )
    return found, time.perf_counter() - started


def flipped(given: Given, share: float, rng: Any) -> tuple[Given, Any]:
    """Some targets replaced by another class, or by another row's amount."""
    y = given.y.copy()
    rows = rng.permutation(len(y))[: int(share * len(y))]
    if given.amount:
        y[rows] = rng.permutation(given.y)[: len(rows)]
    else:
        classes = np.unique(y)
        y[rows] = [rng.choice(classes[classes != y[row]]) for row in rows]
    return given.with_target(y), rows


def number_columns(X: pd.DataFrame) -> list[str]:
    return [c for c in X.columns if pd.api.types.is_float_dtype(X[c]) or X[c].dtype.kind == "i"]


def leaked(given: Given, noise: float, rng: Any) -> Given:
    """The target again: classes of which a share is wrong, or amounts with noise (standard deviations)."""
    if given.amount:
        return given.with_column("z", given.y + noise * np.std(given.y) * rng.standard_normal(len(given.y)))
    return given.with_column("z", flipped(given, noise, rng)[0].y)


def leaked_missing(given: Given, rng: Any) -> Given:
    """A column that is filled in where the target is high, or of the most frequent class; but for 3 %."""
    high = given.y > np.median(given.y) if given.amount else given.y == pd.Series(given.y).mode()[0]
    shown = np.where(rng.random(len(given.y)) < 0.03, ~high, high)
    return given.with_column("z", np.where(shown, rng.standard_normal(len(given.y)), np.nan))


def doubled(given: Given, rng: Any) -> Given:
    """A twentieth of the rows once more."""
    n = len(given.y)
    return given.take(rng.permutation(np.append(np.arange(n), rng.permutation(n)[: n // 20])))


def in_order(given: Given, noise: float, rng: Any) -> Given:
    codes = pd.factorize(given.y, sort=True)[0] if not given.amount else pd.Series(given.y).rank().to_numpy()
    return given.take(
        np.argsort(codes + noise * np.std(codes) * rng.standard_normal(len(codes)), kind="stable")
    )


def thinned_class(given: Given, rng: Any) -> Given:
    """Twelve rows left of the rarest class."""
    rare = pd.Series(given.y).value_counts().index[-1]
    rows = np.flatnonzero(given.y == rare)
    return given.take(np.setdiff1d(np.arange(len(given.y)), rng.permutation(rows)[12:]))


def moved(second: Given, table: Given, by: float) -> tuple[Given, str]:
    """The number with the most values, moved by so many standard deviations."""
    name = max(number_columns(table.X), key=lambda c: table.X[c].nunique())
    return second.with_column(name, second.X[name] + by * table.X[name].std()), name


def chosen(second: Given, table: Given) -> Given:
    """Rows whose standardized numbers add up to much are more likely kept: no column moves far."""
    z = second.X[number_columns(table.X)].rank(pct=True).fillna(0.5).mean(axis=1).rank(pct=True)
    return second.take(np.flatnonzero(z >= 0.5))


def unseen(name: str) -> tuple[pd.DataFrame, Any, str]:
    X, y = _keel(name)()
    return X, y.astype(str).str.strip().to_numpy(), "classes"


def run(name: str, split: int, n_rows: int, *, clean_only: bool) -> list[dict[str, Any]]:
    X, y, task = unseen(name) if clean_only else load(name)
    rng = np.random.default_rng((split, len(name), len(y)))
    keep = rng.permutation(len(y))[:n_rows]
    both = Given(X, y, task).take(keep)
    half = len(keep) // 2
    table, second = both.take(np.arange(half)), both.take(np.arange(half, len(keep)))
    lines: list[dict[str, Any]] = []

    def note(case: str, found: tuple[Sign, ...], seconds: float, **more: Any) -> None:
        seen = [(s.kind, s.severity, list(s.columns), s.text) for s in found]
        lines.append({"table": name, "split": split, "case": case, "signs": seen, "seconds": seconds, **more})

    for word, recipe in NETWORKS.items():
        note(f"clean, {word}", *signs(table, split, recipe, second))
        if clean_only:
            continue
        for share in (0.02, 0.05):
            changed, rows = flipped(table, share, rng)
            found, seconds = signs(changed, split, recipe)
            flags = [s.rows for s in found if s.kind == "labels"]
            right = float(np.isin(np.concatenate(flags), rows).mean()) if flags else None
            caught = float(np.isin(rows, np.concatenate(flags)).mean()) if flags else None
            note(f"labels {share:.0%}, {word}", found, seconds, precision=right, recall=caught)
    if clean_only:
        return lines
    for noise in (0.02, 0.05) if not table.amount else (0.1, 0.2):
        note(f"leak {noise}", *signs(leaked(table, noise, rng), split), column="z")
    note("leak by missing", *signs(leaked_missing(table, rng), split), column="z")
    note("duplicates", *signs(doubled(table, rng), split))
    note("identifier, counts", *signs(table.with_column("z", np.arange(half)), split), column="z")
    numbers = rng.permutation(10 * half)[:half]
    note("identifier, named", *signs(table.with_column("customer_id", numbers), split), column="customer_id")
    for noise in (0.0, 2.0):
        note(f"order, noise {noise}", *signs(in_order(table, noise, rng), split, EARLY_STOPPING_ALONE))
    if not table.amount:
        note("small class", *signs(thinned_class(table, rng), split))
    if number_columns(table.X):
        changed, column = moved(second, table, 0.5)
        note("shift of a column", *signs(table, split, None, changed), column=column)
        note("shift of all", *signs(table, split, None, chosen(second, table)))
    return lines


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Rates of false alarms by kind, with the tables; rates of detection by case."""
    clean = [line for line in lines if line["case"].startswith("clean")]
    found: dict[str, Any] = {"n_clean": len(clean), "n_tables": len({line["table"] for line in clean})}
    alarms: dict[str, Counter[str]] = defaultdict(Counter)
    real: dict[str, Counter[str]] = defaultdict(Counter)
    for line in clean:
        for kind in {kind for kind, *_ in line["signs"]}:
            (real if (line["table"], kind) in REAL else alarms)[kind][line["table"]] += 1
    found["false_alarms"] = {
        kind: {"rate": sum(by.values()) / len(clean), "tables": dict(by)} for kind, by in alarms.items()
    }
    found["real"] = {kind: dict(by) for kind, by in real.items()}
    found["seconds_clean_median_max"] = [
        float(f([line["seconds"] for line in clean])) for f in (np.median, max)
    ]
    cases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if not line["case"].startswith("clean"):
            cases[line["case"]].append(line)
    found["detected"] = {}
    for case, of in cases.items():
        kind = next(k for k in ("labels", "leak", "duplicates", "identifier", "order", "small class", "shift")
                    if case.startswith(k))  # fmt: skip
        hit = [
            any(k == kind and line.get("column", (columns or [""])[0]) in (columns or [""])
                for k, _, columns, _ in line["signs"])
            for line in of
        ]  # fmt: skip
        one: dict[str, Any] = {"rate": float(np.mean(hit)), "n": len(of)}
        one["missed"] = dict(Counter(line["table"] for line, h in zip(of, hit, strict=True) if not h))
        for figure in ("precision", "recall"):
            values = [line[figure] for line in of if line.get(figure) is not None]
            if values:
                one[figure] = float(np.mean(values))
        found["detected"][case] = one
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--tables", default=",".join(table.name for table in TABLES))
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    lines: list[dict[str, Any]] = []
    for name in UNSEEN if given.unseen else given.tables.split(","):
        for split in range(given.splits):
            started = time.perf_counter()
            lines += run(name, split, given.rows, clean_only=given.unseen)
            print(f"{name} {split} {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    result = {"summary": summary(lines), "runs": lines}
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
