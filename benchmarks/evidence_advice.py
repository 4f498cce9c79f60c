"""Whether the technique that is advised first is better than always advising the same one.

    python benchmarks/evidence_advice.py FOLDER [FOLDER ...]
    python benchmarks/evidence_advice.py --collect FOLDER [--tables a,b] [--rows 300,1000] [--splits 2]
        [--hidden 16] [--batch 8]

The first form judges searches that lie as files. evidence_collect.py makes them, and the second form, which
tries only the techniques alone and the first mixtures. The gain of a technique is the share by which the
held-out loss of its bag is below early stopping alone's, its strength chosen by cross-validation. Tables
count alike, whatever their number of files; intervals are bootstraps of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from evidence_collect import _MOST_HELD_OUT, Case, lay_down
from selection_common import Bench
from tables import load

from taut.evidence.advice import advise
from taut.evidence.advice_rules import MANY_CLASSES, has_many_classes
from taut.evidence.profile import Profile, profile_of
from taut.learning.architecture import MLP
from taut.recipe import Recipe
from taut.selection.candidate import Candidate

KINDS = ("l1", "l2", "dropout", "batch_norm")
WIDTHS = (128, 128)
_RATE = 0.001
_RESAMPLES = 10_000
# In fitting, so that one table with a huge gain does not decide alone.
_MOST_GAIN = 0.1
#: Those that had no part in making the rules.
FRESH = (
    "letter", "texture", "ames", "concrete", "hmda", "cells", "email", "saratoga", "cmc", "leaf", "pima",
    "car-prices",
)  # fmt: skip

Gains = dict[str, float]
Pick = Callable[[Profile], str]


@dataclass(frozen=True)
class Search:
    """What one file says: the profile beforehand, and what each technique gained."""

    case: Case
    profile: Profile
    gains: Gains


def read(path: Path) -> Search | None:
    """One file; None where a technique alone was not trained on all folds."""
    with np.load(path) as file:
        said = json.loads(str(file["facts"]))
        held = dict(zip(file["complete"].tolist(), file["bags"].mean(axis=1, dtype=float), strict=True))
    best: dict[str, tuple[float, int]] = {}
    for i, candidate in enumerate(said["candidates"]):
        techniques = candidate["recipe"]["techniques"]
        kinds = [kind for kind in techniques if kind != "early_stopping"]
        alone = len(kinds) == 1 and "early_stopping" in techniques
        if alone and candidate["batch"] == 0 and candidate["rate"] == _RATE and i in held:
            best[kinds[0]] = min(best.get(kinds[0], (np.inf, -1)), (candidate["loss"], i))
    if set(best) != set(KINDS):
        return None
    table, n_rows, split = path.stem.rsplit("-", 2)
    hidden = tuple(said.get("hidden", WIDTHS))
    case = Case(table, int(n_rows), int(split))
    gains = {kind: 1.0 - held[i] / held[0] for kind, (_, i) in best.items()}
    return Search(case, known(table, int(n_rows), hidden, said["batch_size"]), gains)


@cache
def known(table: str, n_rows: int, hidden: tuple[int, ...], batch_size: int) -> Profile:
    """The profile of a table's first split, which stand for all of its splits."""
    bench = _bench(Case(table, n_rows, 0))
    settings = replace(bench.trainer.settings, batch_size=batch_size, seed=0)
    trainer = replace(bench.trainer, settings=settings)
    member = trainer.member(Candidate(Recipe(), _RATE, MLP(hidden)), bench.folds[0], 0)
    profile = profile_of(trainer, member)
    assert profile is not None
    return profile


def _bench(case: Case, **parameters: Any) -> Bench:
    """The rows that evidence_collect.py takes."""
    X, y, task = load(case.table)
    rng = np.random.default_rng((case.split, case.n_rows, len(case.table)))
    keep = rng.permutation(len(y))[: case.n_rows + _MOST_HELD_OUT]
    return Bench.of(
        X.iloc[keep].reset_index(drop=True), y[keep], task, case.split,
        test_size=len(keep) - case.n_rows, n_jobs=1, **parameters,
    )  # fmt: skip


def collect(folder: Path, cases: Sequence[Case], **parameters: Any) -> None:
    """Searches of one batch only, for those that have no file yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        path = folder / case.name
        if path.exists():
            continue
        bench = _bench(case, **parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search, result, _ = bench.search(n_candidates=24)
            found = lay_down(bench, search, result)
        found["facts"] = json.dumps(json.loads(found["facts"]) | {"hidden": parameters.get("hidden", WIDTHS)})
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(file, **found)
        os.replace(part, path)
        print(path.name, flush=True)


def judge(folder: Path | Sequence[Path]) -> dict[str, Any]:
    """Everything that is said of the advice, as plain values; gains and regrets in per cent."""
    folders = [folder] if isinstance(folder, Path) else list(folder)
    found = [read(path) for one in folders for path in sorted(one.glob("*-*-*.npz"))]
    searches = [search for search in found if search is not None]
    at_best = [s.gains[first_advised(s.profile)] >= max(s.gains.values()) for s in searches]
    tables = sorted({search.case.table for search in searches})
    picks: dict[str, Callable[[Search], str]] = {"advised": lambda s: first_advised(s.profile)}
    picks |= {kind: lambda s, kind=kind: kind for kind in KINDS}
    if len(tables) > 2:
        fitted = {t: fit([s for s in searches if s.case.table != t])[0] for t in tables}
        picks["fitted without the table"] = lambda s: fitted[s.case.table](s.profile)
    gains = {name: _by_table(searches, lambda s, p=pick: s.gains[p(s)]) for name, pick in picks.items()}
    best = _by_table(searches, lambda s: max(s.gains.values()))
    return {
        "n_searches": len(searches),
        "n_left_out": len(found) - len(searches),
        "n_tables": len(tables),
        "gain": {name: _interval(list(by.values())) for name, by in gains.items()},
        "advised_less": {kind: _interval(_differences(gains["advised"], gains[kind])) for kind in KINDS},
        "fitted_less": {
            kind: _interval(_differences(gains["fitted without the table"], gains[kind]))
            for kind in KINDS
            if "fitted without the table" in gains
        },
        "regret": {name: _interval(_differences(best, by)) for name, by in gains.items()},
        "advised_is_best": round(float(np.mean(at_best)), 3),
        "fitted_on_all": fit(searches)[1],
        "tables_where_advised_is_better": {
            kind: sum(gains["advised"][t] > gains[kind][t] for t in tables) for kind in KINDS
        },
        "groups": _groups(searches),
        "tables": [
            {"table": t, "rows": n, "n_searches": len(some), "first": first_advised(some[0].profile),
             "noise": round(some[0].profile.noise, 3)}
            | {kind: round(100 * float(np.mean([s.gains[kind] for s in some])), 2) for kind in KINDS}
            for (t, n), some in sorted(_grouped(searches).items())
        ],
    }  # fmt: skip


def _groups(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """Mean gains of the kinds of target."""
    kinds: dict[str, Callable[[Profile], bool]] = {
        "amounts": lambda f: f.n_classes is None,
        "2 to 4 classes": lambda f: f.n_classes is not None and f.n_classes < MANY_CLASSES,
        "more classes": has_many_classes,
        "all": lambda _: True,
    }
    found = []
    for name, belongs in kinds.items():
        some = [s for s in searches if belongs(s.profile)]
        if some:
            by = {kind: _by_table(some, lambda s, kind=kind: s.gains[kind]) for kind in KINDS}
            gains = {kind: _interval(list(values.values())) for kind, values in by.items()}
            found.append({"group": name, "n_tables": len(by["l1"]), "n_searches": len(some)} | gains)
    return found


def first_advised(profile: Profile) -> str:
    """The name of the technique that stands first."""
    return advise(profile)[0].technique.name


def fit(searches: Sequence[Search]) -> tuple[Pick, str]:
    """The best rule of at most two questions, by the tables' mean gain (each gain cut at 10 %)."""
    cut = [
        (s.case.table, s.profile, {k: float(np.clip(g, -_MOST_GAIN, _MOST_GAIN)) for k, g in s.gains.items()})
        for s in searches
    ]
    weight = {t: 1.0 / sum(1 for table, *_ in cut if table == t) for t in {table for table, *_ in cut}}
    gains = np.array([[weight[t] * g[kind] for kind in KINDS] for t, _, g in cut])
    said = [(name, np.array([ask(f) for _, f, _ in cut])) for name, ask in QUESTIONS.items()]
    best: tuple[float, str, Pick] = (-np.inf, "", lambda _: KINDS[0])
    for (first, a), (second, b) in product(said, said):
        leaves = [a, ~a & b, ~a & ~b]
        sums = [gains[leaf].sum(axis=0) for leaf in leaves]
        total = sum(float(s.max()) for s in sums)
        if total > best[0] + 1e-9:
            names = [KINDS[int(s.argmax())] for s in sums]
            text = f"{first}: {names[0]}; else {second}: {names[1]}; else {names[2]}"
            best = (total, text, _rule(QUESTIONS[first], QUESTIONS[second], names))
    return best[2], best[1]


def _rule(first: Callable[[Profile], bool], second: Callable[[Profile], bool], names: Sequence[str]) -> Pick:
    return lambda profile: names[0] if first(profile) else names[1] if second(profile) else names[2]


def _questions() -> dict[str, Callable[[Profile], bool]]:
    """What a rule may ask; each and its contrary."""
    asked: dict[str, Callable[[Profile], bool]] = {
        "amount": lambda f: f.n_classes is None,
        "500 rows or more": lambda f: f.n_rows >= 500,
    }
    for most in (3, 5, 8):
        asked[f"{most} classes or more"] = lambda f, most=most: (f.n_classes or 0) >= most
    for level in (0.15, 0.25, 0.35, 0.5, 0.65, 0.8):
        asked[f"noise below {level}"] = lambda f, level=level: f.noise < level
    for share in (0.05, 0.25, 0.5):
        asked[f"share of categories above {share}"] = lambda f, share=share: f.categorical_share > share
    for ratio in (5, 10, 20, 40):
        asked[f"fewer than {ratio} rows a feature"] = lambda f, ratio=ratio: f.n_rows < ratio * f.n_features
    for share in (0.08, 0.2):
        asked[f"rarest class below {share}"] = lambda f, share=share: (f.rarest_share or 1.0) < share
    contrary = {f"not {name}": (lambda f, ask=ask: not ask(f)) for name, ask in asked.items()}
    return asked | contrary


QUESTIONS = _questions()


def _grouped(searches: Sequence[Search]) -> dict[tuple[str, int], list[Search]]:
    groups: dict[tuple[str, int], list[Search]] = defaultdict(list)
    for search in searches:
        groups[search.case.table, search.case.n_rows].append(search)
    return groups


def _by_table(searches: Sequence[Search], value: Callable[[Search], float]) -> dict[str, float]:
    """Means over the splits, then over the numbers of rows."""
    sizes: dict[str, list[float]] = defaultdict(list)
    for (table, _), some in sorted(_grouped(searches).items()):
        sizes[table].append(float(np.mean([value(s) for s in some])))
    return {table: float(np.mean(values)) for table, values in sizes.items()}


def _differences(some: dict[str, float], others: dict[str, float]) -> list[float]:
    return [some[table] - others[table] for table in some]


def _interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and middle 95 % of its bootstrap, in per cent."""
    v = 100.0 * np.array(values)
    means = np.random.default_rng(0).choice(v, size=(_RESAMPLES, len(v))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": round(float(v.mean()), 2), "low": round(float(low), 2), "high": round(float(high), 2)}


def main() -> None:
    """Judge, or collect."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--tables", default=",".join(FRESH))
    parser.add_argument("--rows", default="300,1000")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--hidden", type=int, nargs="*")
    parser.add_argument("--batch", type=int)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if not given.collect:
        print(json.dumps(judge(given.folders), indent=1))
        return
    parameters = {} if given.hidden is None else {"hidden": tuple(given.hidden)}
    parameters |= {} if given.batch is None else {"batch_size": given.batch}
    cases = [
        Case(table, int(n), split)
        for split, n, table in product(range(given.splits), given.rows.split(","), given.tables.split(","))
        if len(load(table)[1]) >= 2 * int(n)
    ]
    collect(given.folders[0], cases, **parameters)


if __name__ == "__main__":
    main()
