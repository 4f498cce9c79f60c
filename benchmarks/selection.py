"""Figures of the search and of paths.

    python benchmarks/selection.py --path --quality --racing --fit --tables [--json]

Without a choice, all of them (two hours or so, of which most is the PyTorch search that taut is compared
with). The real tables come with `make tables`. Run it on a quiet machine: both sides take both cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import statistics
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from selection_common import Bench
from selection_reference import encoded
from selection_reference_path import Job, spread, time_path
from selection_reference_search import Plan, incumbents, rescore, search
from sklearn.datasets import make_classification
from tables import load

from taut import Dropout, TautClassifierCV
from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.selection.candidate import EARLY_STOPPING_ALONE, Candidate
from taut.selection.race import NO_CUTS, Rule
from taut.selection.space import is_single
from taut.techniques import L2

FIVE_TABLES = ("pima", "cmc", "concrete", "hmda", "cells")
# Of these, so many rows train, and the thousands that are left tell small differences apart.
RACED_TABLES = ("spam", "optdigits", "satimage", "computers", "hpc")
N_RACED = 1500
TEN_TABLES = (
    *("pima", "credit-data", "hmda", "email", "cmc", "hpc", "leaf", "concrete", "saratoga", "computers"),
)


@contextlib.contextmanager
def watched(trained: list[Any]) -> Iterator[None]:
    """Note every training that the engine begins."""
    train = CompiledEngine.train

    def noting(engine: Any, problem: Any, members: Any, **more: Any) -> Any:
        found = train(engine, problem, members, **more)
        known = {id(t) for t in trained}
        trained.extend(t for t in found if id(t) not in known)
        return found

    CompiledEngine.train = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        CompiledEngine.train = train  # type: ignore[method-assign]


def path(repeats: int = 3) -> dict[str, Any]:
    """A path of 250 networks against a PyTorch loop that trains 20 of them, both on two cores."""
    from taut import regularization_path

    X, y = make_classification(2000, 20, n_informative=8, flip_y=0.1, random_state=0)
    bench = Bench.of(X, y, "binary", 0, test_size=2, hidden=(64, 64), batch_size=64, cv=5)
    arrays = encoded(bench.table.problem, bench.folds)
    strengths = np.geomspace(0.03, 20, 50)
    options = {"hidden": (64, 64), "batch_size": 64, "cv": 5, "random_state": 0}
    regularization_path(X, y, "l2", 2, **options)  # warm
    runs = []
    for _ in range(repeats):
        trained: list[Any] = []
        with watched(trained):
            started = time.perf_counter()
            regularization_path(X, y, "l2", strengths, **options)
            taut_seconds = time.perf_counter() - started
        jobs = [
            Job(
                Candidate(
                    EARLY_STOPPING_ALONE.with_(L2(t.member.hooks.weight_amounts[0])), 1e-3, MLP((64, 64))
                ),
                fold=place % 5,
                epochs=t.epoch,
            )
            for place, t in enumerate(trained)
            if t.member.hooks.weight_amounts[0] > 0  # the 250 networks of the path, without off's 5
        ]
        some = spread(jobs, 20)
        runs.append((taut_seconds, time_path(arrays, some).seconds / len(some), len(jobs)))
    as_networks = statistics.median(taut / each for taut, each, _ in runs)
    return {
        "networks": runs[0][2],
        "mean_epochs": statistics.mean(job.epochs for job in jobs),
        "taut_s": statistics.median(taut for taut, _, _ in runs),
        "loop_s_20": 20 * statistics.median(each for _, each, _ in runs),
        "each_run": [taut / each for taut, each, _ in runs],
        "path_in_loop_networks": as_networks,
        "bar": 20,
    }


def quality(tables: tuple[str, ...], seeds: int) -> list[dict[str, Any]]:
    """How much sooner taut is where Optuna and PyTorch get in 50 trials."""
    out = []
    engine = CompiledEngine()
    engine.prepare()
    for name in tables:
        X, y, task = load(name)
        for seed in range(seeds):
            bench = Bench.of(X, y, task, seed, hidden=(64, 64), batch_size=64, cv=5)
            fresh = range(100, 103)

            def anew(candidate: Candidate, bench: Bench = bench, fresh: Any = fresh) -> float:
                return rescore(candidate, bench.table.problem, bench.folds, fresh, engine=engine)

            trials = list(search(encoded(bench.table.problem, bench.folds), seed, Plan()))
            winner = incumbents(trials)[-1]
            goal = anew(winner.candidate)
            started, found, best = time.perf_counter(), [], math.inf

            def note(score: Any, started: float = started, found: list[Any] = found) -> None:
                best = found[-1][1] if found else math.inf
                if score.complete and score.loss < best:
                    found.append((time.perf_counter() - started, score.loss, score.candidate))

            bench.search(on_candidate=note)
            reached = math.inf
            for seconds, _, candidate in found:
                best = anew(candidate)
                if best <= goal:
                    reached = seconds
                    break
            whole = max(t.seconds for t in trials)
            out.append(
                {
                    "table": name, "seed": seed, "goal": goal, "taut_s": reached, "taut_last": best,
                    "winner_s": winner.seconds, "whole_s": whole, "sooner": whole / reached,
                    "sooner_than_winner": winner.seconds / reached,
                }
            )  # fmt: skip
            print(json.dumps(out[-1]), flush=True)
    return out


def racing(tables: tuple[str, ...], seeds: int, rule: Rule) -> list[dict[str, Any]]:
    """The raced search against the one without cuts, on held-out rows: a third, or all but ``N_RACED``."""
    out = []
    for name in tables:
        X, y, task = load(name)
        for seed in range(seeds):
            test_size = len(y) - N_RACED if name in RACED_TABLES else 1 / 3
            bench = Bench.of(X, y, task, seed, test_size=test_size, hidden=(64, 64), cv=5)
            line: dict[str, Any] = {"table": name, "seed": seed}
            for kind, one in (("full", NO_CUTS), ("raced", rule)):
                done, result, seconds = bench.search(one)
                line[f"{kind}_cv"] = result.best.loss
                line[f"{kind}_held_out"] = bench.held_out_networks(result.networks)
                line[f"{kind}_epochs"] = sum(c.epochs_trained for c in result.candidates)
                line[f"{kind}_s"] = seconds
                dropout = result.best.recipe.get(Dropout)
                line[f"{kind}_dropout"] = dropout.rate if dropout else 0.0
                if kind == "full":
                    line["early_stopping_held_out"] = bench.held_out(done, 0)
                    line["early_stopping_cv"] = result.candidates[0].loss
            out.append(line)
            print(json.dumps(line), flush=True)
    return out


def racing_summary(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Regret as a share of the gain; losses in units of early stopping's, so that tables count alike."""
    summary = {}
    for where in ("held_out", "cv"):
        alone = np.array([line[f"early_stopping_{where}"] for line in lines])
        full, raced = (np.array([line[f"{kind}_{where}"] for line in lines]) for kind in ("full", "raced"))
        regret, gain = (raced - full) / alone, (alone - full) / alone
        summary[f"regret_{where}"] = float(regret.mean())
        summary[f"gain_{where}"] = float(gain.mean())
        summary[f"regret_share_{where}"] = float(regret.mean() / gain.mean())
        spread = np.random.default_rng(0).integers(0, len(lines), (2000, len(lines)))
        shares = regret[spread].mean(axis=1) / gain[spread].mean(axis=1)
        summary[f"regret_share_{where}_low"], summary[f"regret_share_{where}_high"] = np.quantile(
            shares, [0.025, 0.975]
        ).tolist()
    strong = [line for line in lines if line["full_dropout"] >= 0.4]
    if strong:
        summary["n_strong_dropout"] = len(strong)
        summary["regret_strong_dropout"] = float(
            np.mean(
                [(s["raced_held_out"] - s["full_held_out"]) / s["early_stopping_held_out"] for s in strong]
            )
        )
    epochs = [sum(line[f"{kind}_epochs"] for line in lines) for kind in ("raced", "full")]
    summary["epochs_share"] = epochs[0] / epochs[1]
    each = [line["raced_epochs"] / line["full_epochs"] for line in lines]
    summary["epochs_share_mean"] = float(np.mean(each))
    summary["seconds_share"] = sum(x["raced_s"] for x in lines) / sum(x["full_s"] for x in lines)
    return summary


def fit_times() -> list[dict[str, Any]]:
    """What `fit` takes as it comes."""
    out = []
    for n, p in ((1000, 20), (10_000, 50)):
        X, y = make_classification(n, p, n_informative=p // 3, flip_y=0.1, random_state=0)
        for effort in ("quick", "standard"):
            started = time.perf_counter()
            fitted = TautClassifierCV(effort=effort, random_state=0).fit(X, y)
            seconds = time.perf_counter() - started
            out.append(
                {"rows": n, "columns": p, "effort": effort, "s": seconds, "n": len(fitted.candidates_)}
            )
            print(json.dumps(out[-1]), flush=True)
    return out


def ten_tables(tables: tuple[str, ...]) -> list[dict[str, Any]]:
    """No regularization, early stopping alone, the best single technique, and what is chosen."""
    out = []
    for name in tables:
        X, y, task = load(name)
        bench = Bench.of(X, y, task, 0)
        done, result, seconds = bench.search()
        scores = result.candidates
        singles = [i for i, c in enumerate(scores) if c.complete and is_single(c.recipe)]
        places = {
            "none": 1, "early_stopping": 0, "single": min(singles, key=lambda i: scores[i].loss),
            "chosen": result.chosen,
        }  # fmt: skip
        unit = bench.table.target.loss_unit
        line: dict[str, Any] = {"table": name, "rows": len(y), "s": round(seconds, 1)}
        line["single_is"] = scores[places["single"]].recipe.describe()
        line["chosen_is"] = result.best.recipe.describe()
        line["chosen_rate"] = result.best.candidate.learning_rate
        for kind, place in places.items():
            line[f"{kind}_cv"] = scores[place].loss * unit
            line[f"{kind}_held_out"] = bench.held_out(done, place)
        out.append(line)
        print(json.dumps(line), flush=True)
    return out


def main() -> None:
    """Measure what was asked for."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    for part in ("path", "quality", "racing", "fit", "tables"):
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--names", help="tables, comma separated, in place of the usual ones")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object at the end")
    given = parser.parse_args()
    names = tuple(given.names.split(",")) if given.names else None
    everything = not (given.path or given.quality or given.racing or given.fit or given.tables)
    figures: dict[str, Any] = {}
    if given.path or everything:
        figures["path"] = path()
    if given.fit or everything:
        figures["fit"] = fit_times()
    if given.racing or everything:
        lines = racing(names or RACED_TABLES, given.seeds, Rule())
        figures["racing"] = {"lines": lines, **racing_summary(lines)}
    if given.tables or everything:
        figures["tables"] = ten_tables(names or TEN_TABLES)
    if given.quality or everything:
        found = quality(names or FIVE_TABLES, given.seeds)
        figures["quality"] = {
            "lines": found,
            "median_sooner": statistics.median(line["sooner"] for line in found),
            "median_sooner_than_winner": statistics.median(line["sooner_than_winner"] for line in found),
            "reached": sum(math.isfinite(line["taut_s"]) for line in found) / len(found),
        }
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(
                name, {k: v for k, v in value.items() if k != "lines"} if isinstance(value, dict) else value
            )


if __name__ == "__main__":
    main()
