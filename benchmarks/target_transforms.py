"""Does it pay to learn a transformed target? Held-out RMSE in the target's own units, relative to none.

    python benchmarks/target_transforms.py measure OUT.jsonl [--splits 2] [--tables ames,...]
    python benchmarks/target_transforms.py show OUT.jsonl

Each table is split into at most 2,000 rows that train, in three folds, and the others (at most 4,000),
which judge the mean of the folds' networks. A network learns the target as it is, its square root, its
logarithm (about the median and with its sign, where it can be negative) or its normal scores (by
quantiles). Back it goes by one of four ways, fitted to out-of-fold rows: "plain", the inverse alone;
"smearing", the mean of the inverse at prediction + residual over the residuals (Duan, 1983); "ratio", the
inverse times the factor that makes the means agree; "line", the inverse on a line fitted by least squares;
"clipped" keeps to the range of the targets that train. What is chosen is chosen by out-of-fold squared
error in the target's own units.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.preprocessing import QuantileTransformer
from tables import TABLES, _rdata

from taut import L2, Dropout, EarlyStopping, Recipe, TautRegressor
from taut.estimators.automatic import AUTO_LEARNING_RATE, bins_for, engine_of, settings_of
from taut.estimators.problem import make_problem
from taut.learning.architecture import MLP
from taut.learning.problem import Fold, Problem
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_folds
from taut.selection.trainer import Trainer

Vector = NDArray[np.float64]

RECIPES = {
    "early stopping": Recipe(EarlyStopping()),
    "L2, dropout": Recipe(L2(0.3), Dropout(0.3), EarlyStopping()),
}
MOST_TRAIN, MOST_TEST, FOLDS, RESIDUALS = 2000, 4000, 3, 200
HIDDEN = (64, 64)
WAYS = ("plain", "smearing", "ratio", "line")

# package, item, target, columns to leave out (the target in another form, names)
MORE = (
    "AER HousePrices price", "AER NMES1988 visits", "AER DoctorVisits visits", "AER CPSSW8 earnings",
    "AER Guns violent murder robbery", "AER GSOEP9402 income", "AER CreditCard expenditure share",
    "AER CollegeDistance score",
    "Ecdat MedExp med", "Ecdat PSID earnings intnum persnum", "Ecdat PatentsRD patent",
    "Ecdat Workinghours income", "Ecdat UnempDur spell",
    "ISLR Wage wage logwage", "ISLR College Apps Accept Enroll", "HSAUR Forbes2000 marketvalue rank name",
    "modeldata Sacramento price", "modeldata deliveries time_to_delivery",
    "modeldata check_times check_time package status", "modeldata hotel_rates avg_price_per_room",
    "modeldata biomass HHV sample",
    "openintro loans_full_schema annual_income debt_to_income", "openintro acs12 income",
    "openintro births14 weight lowbirthweight", "openintro fastfood sodium item",
    "openintro epa2021 comb_mpg city_mpg hwy_mpg",
    "ggplot2movies movies votes title", "ggplot2 txhousing volume sales",
    "sampleSelection RandHIE meddol lnmeddol binexp outpdol drugdol suppdol mentdol inpdol lnum",
    "sandwich InstInnovation cites", "plm RiceFarms goutput noutput", "plm EmplUK emp",
    "survival flchain creatinine", "stevedata gss_wages realrinc",
    "causaldata scorecard earnings_med unitid inst_name", "causaldata nhefs_complete wt82_71 wt82",
    "COUNT medpar los", "COUNT rwm1984 docvis",
    "wooldridge k401ksubs nettfa", "wooldridge beauty wage lwage", "wooldridge airfare fare lfare",
    "wooldridge wage2 wage lwage", "wooldridge jtrain3 re78 unem78 em78", "wooldridge card wage lwage",
    "wooldridge bwght bwght lbwght bwghtlbs", "wooldridge htv wage lwage",
    "wooldridge charity gift", "wooldridge expendshares totexpend ltotexpend",
    "Stat2Data GrinnellHouses SalePrice CostPerSqFt SPLPPct Address", "mosaicData TenMileRace net time",
    "nlme MathAchieve MathAch",
)  # fmt: skip


def made(kind: str) -> Callable[[], tuple[pd.DataFrame, pd.Series[Any]]]:
    """A table of eight numbers and 6,000 rows."""

    def read() -> tuple[pd.DataFrame, pd.Series[Any]]:
        rng = np.random.default_rng(7)
        X = rng.standard_normal((6000, 8))
        f = X[:, 0] + np.sin(2 * X[:, 1]) + X[:, 2] * X[:, 3] / 2
        noise = rng.standard_normal(len(X))
        y = {
            "multiplicative": lambda: np.exp(f + 0.5 * noise),
            "multiplicative-wild": lambda: np.exp(f + 1.2 * noise),
            "pareto": lambda: np.exp(f / 2) * (1 + rng.pareto(2.5, len(X))),
            "additive": lambda: f + noise,
            "additive-t3": lambda: f + rng.standard_t(3, len(X)),
            "skewed-signal": lambda: np.exp(f) + 2 * noise,
            "skewed-signal-positive": lambda: np.exp(f) + 3 + rng.uniform(-2, 2, len(X)),
            "counts": lambda: rng.poisson(np.exp(f / 2) * rng.gamma(1.0, 1.0, len(X))).astype(float),
        }[kind]()
        return pd.DataFrame(X, columns=[f"x{i}" for i in range(8)]), pd.Series(y)

    return read


MADE = ("multiplicative", "multiplicative-wild", "pareto", "additive", "additive-t3", "skewed-signal",
        "skewed-signal-positive", "counts")  # fmt: skip


def readers() -> dict[str, Callable[[], tuple[pd.DataFrame, pd.Series[Any]]]]:
    """All tables by name."""
    found = {table.name: table.read for table in TABLES if table.task == "number"}
    for line in MORE:
        package, item, target, *drop = line.split()
        found[f"{item}.{target}"] = _rdata(package, item, target, *drop)
    return found | {f"made: {kind}": made(kind) for kind in MADE}


class Transform(NamedTuple):
    """To what a network learns, and back; both of any shape."""

    to: Callable[[Vector], Vector]
    back: Callable[[Vector], Vector]


def transforms(y: Vector) -> dict[str, Transform]:
    """Fitted to the target of the rows that train."""
    if y.min() >= 0:
        root = Transform(np.sqrt, lambda z: np.maximum(z, 0) ** 2)
        unit = float(np.quantile(y[y > 0], 0.1))
        log = Transform(lambda v: np.log1p(v / unit), lambda z: np.maximum(np.expm1(z), 0) * unit)
        if y.min() > 0:
            log = Transform(np.log, np.exp)
    else:
        middle = float(np.median(y))
        unit = float(np.median(np.abs(y - middle))) or float(np.std(y))
        log = Transform(lambda v: np.arcsinh((v - middle) / unit), lambda z: np.sinh(z) * unit + middle)
        root = Transform(
            lambda v: np.sign(v - middle) * np.sqrt(abs(v - middle)), lambda z: np.sign(z) * z**2 + middle
        )
    normal = QuantileTransformer(n_quantiles=min(1000, len(y)), output_distribution="normal")
    normal.fit(y[:, None])
    scores = Transform(
        lambda v: normal.transform(v.reshape(-1, 1)).reshape(v.shape),
        lambda z: normal.inverse_transform(z.reshape(-1, 1)).reshape(z.shape),
    )
    return {"none": Transform(np.array, np.array), "root": root, "log": log, "normal scores": scores}


def way_back(way: str, back: Callable[[Vector], Vector], z: Vector, y: Vector, t: Vector) -> Any:
    """A function from predictions to the target's units, fitted to out-of-fold ones and their targets."""
    if way == "smearing":
        residuals = np.quantile(t - z, (np.arange(RESIDUALS) + 0.5) / RESIDUALS)
        return lambda new: back(new[:, None] + residuals).mean(axis=1)
    if way == "ratio":
        total = back(z).sum()
        factor = y.sum() / total if y.min() >= 0 and total > 0 else 1.0
        return lambda new: back(new) * factor
    if way == "line":
        there = back(z)
        slope = np.cov(there, y)[0, 1] / (np.var(there, ddof=1) or 1.0)
        at_zero = y.mean() - slope * there.mean()
        return lambda new: back(new) * slope + at_zero
    if way == "clipped":
        return lambda new: np.clip(new, y.min(), y.max())
    return back


def out_of_fold(
    problem: Problem, folds: Sequence[Fold], recipe: Recipe, n_bins: int, test: NDArray[np.int32], seed: int
) -> tuple[Vector, list[Vector]]:
    """What a network for each fold predicts for its held-out rows, and all of them for the test rows."""
    settings = settings_of(len(folds[0].train), "auto", 300, seed)
    trainer = Trainer(engine_of(1), problem, settings)
    candidate = Candidate(recipe, AUTO_LEARNING_RATE, MLP(HIDDEN, n_bins=n_bins))
    trainings = trainer.train([trainer.member(candidate, fold, k) for k, fold in enumerate(folds)])
    held, bag = np.empty(sum(len(fold.validation) for fold in folds)), []
    for fold, training in zip(folds, trainings, strict=True):
        network = training.fitted()
        held[fold.validation] = trainer.outputs(network, fold.validation)[:, 0]
        bag.append(trainer.outputs(network, test)[:, 0].astype(np.float64))
    return held, bag


def measured(X: pd.DataFrame, y: Vector, split: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each recipe, encoding, transform and way back: errors of out-of-fold rows and of the others."""
    order = np.random.default_rng(split).permutation(len(X))[: MOST_TRAIN + MOST_TEST]
    n = min(MOST_TRAIN, len(order) * 2 // 3)
    X, y = X.iloc[order], y[order]
    test = np.arange(n, len(order), dtype=np.int32)
    table = make_problem(TautRegressor(), "regression", X, y, None, None, None)
    splits = [Split(*(rows.astype(np.int32) for rows in pair)) for pair in KFold(FOLDS).split(y[:n])]
    folds = make_folds(splits, table.problem, split)
    rows: list[dict[str, Any]] = []
    for name, transform in transforms(y[:n]).items():
        if name not in names:
            continue
        t = transform.to(y)
        center, scale = t[:n].mean(), t[:n].std()
        problem = replace(table.problem, target=(t - center) / scale)
        low, high = (t[:n].min(), t[:n].max()) if name != "none" else (-np.inf, np.inf)
        for recipe, n_bins in itertools.product(RECIPES, bins_for(table.matrix.n_numbers)):
            held, bag = out_of_fold(problem, folds, RECIPES[recipe], n_bins, test, split)
            held, *bag = (np.clip(z * scale + center, low, high) for z in (held, *bag))
            for row in judged(name, transform, y, t, folds, held, bag):
                rows.append({"recipe": recipe, "n_bins": n_bins, "transform": name, **row})
    alone = min((row for row in rows if is_usual(row)), key=lambda row: row["oof"])["squares"]
    again = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=500).astype(np.float64)
    for row in rows:
        ratios = np.sqrt((again @ row.pop("squares")) / (again @ alone))
        row["low"], row["high"] = np.quantile(ratios, (0.025, 0.975)).tolist()
    return rows


def is_usual(row: dict[str, Any]) -> bool:
    """Whether the target is learned as it is, and nothing is done to what is predicted."""
    return row["transform"] == "none" and row["way"] == "plain"


def judged(
    name: str, transform: Transform, y: Vector, t: Vector, folds: Sequence[Fold], held: Vector,
    bag: Sequence[Vector],
) -> list[dict[str, Any]]:  # fmt: skip
    """Each way back of one transform's predictions."""
    n, rows = len(held), []
    for way in WAYS if name != "none" else ("plain", "clipped", "line"):
        out = np.empty(n)
        for fold in folds:  # what leads back is not fitted to the rows that judge it
            there = way_back(way, transform.back, held[fold.train], y[fold.train], t[fold.train])
            out[fold.validation] = there(held[fold.validation])
        there = way_back(way, transform.back, held, y[:n], t[:n])
        missed = np.mean([there(z) for z in bag], axis=0) - y[n:]
        squares = (out - y[:n]) ** 2
        row: dict[str, Any] = {"way": way, "oof": math.sqrt(squares.mean()), "squares": squares}
        row |= {"rmse": float(np.sqrt(np.mean(missed**2))), "mae": float(np.mean(np.abs(missed)))}
        rows.append(row)
    return rows


def measure(path: str, splits: Sequence[int], tables: Sequence[str], names: Sequence[str]) -> None:
    """Append a line of JSON for each table and split."""
    warnings.simplefilter("ignore")
    for split, table in itertools.product(splits, tables):
        X, y = readers()[table]()
        present = y.notna().to_numpy()
        X, values = X[present].reset_index(drop=True), y[present].to_numpy(dtype=float)
        started = time.monotonic()
        rows = measured(X, values, split, names)
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"table": table, "split": split, "rows": rows}) + "\n")
        print(f"{split} {table}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def chosen(
    rows: Sequence[dict[str, Any]], allowed: Callable[[dict[str, Any]], bool], margin: float, sure: bool
) -> dict[str, Any]:
    """What the out-of-fold errors say: another than the usual one where its error is below ``margin`` of it.

    ``sure``: and where the interval of the ratio excludes 1.
    """
    usual = min(filter(is_usual, rows), key=lambda row: row["oof"])
    others = [row for row in rows if allowed(row) and (not sure or row["high"] < 1)]
    best = min(others, key=lambda row: row["oof"], default=usual)
    return best if best["oof"] < margin * usual["oof"] else usual


def show(path: str, only: str) -> None:
    """Geometric means over tables of the test error relative to none's, with intervals over the tables."""
    with open(path, encoding="utf-8") as file:
        lines = [line for line in map(json.loads, file) if only in ("all", kind_of(line["table"]))]
    tables = sorted({line["table"] for line in lines})
    again = np.random.default_rng(0).integers(0, len(tables), (5000, len(tables)))
    print(f"{len(tables)} tables, {len(lines)} splits")

    def report(label: str, pick: Callable[[Sequence[dict[str, Any]]], dict[str, Any]]) -> Vector:
        found: dict[str, Any] = {table: [] for table in tables}
        taken = 0
        for line in lines:
            rows = line["rows"]
            one, usual = pick(rows), min(filter(is_usual, rows), key=lambda row: row["oof"])
            taken += one is not usual
            found[line["table"]].append([math.log(one[k] / usual[k]) for k in ("rmse", "mae")])
        logs = np.array([np.mean(found[table], axis=0) for table in tables])
        means, ratios = np.exp(logs[again, 0].mean(axis=1)), np.exp(logs[:, 0])
        print(
            f"{label:36s} {np.exp(logs[:, 0].mean()):.4f} ({np.quantile(means, 0.025):.4f} to "
            f"{np.quantile(means, 0.975):.4f})  MAE {np.exp(logs[:, 1].mean()):.4f}  chosen "
            f"{taken / len(lines):4.0%}  3 % better {(ratios < 0.97).sum():2d}  2 % worse "
            f"{(ratios > 1.02).sum():2d}  {ratios.min():.3f} to {ratios.max():.3f}"
        )
        return ratios

    def lowest(rows: Sequence[dict[str, Any]], transform: str, way: str) -> dict[str, Any]:
        mine = [row for row in rows if (row["transform"], row["way"]) == (transform, way)]
        return min(mine, key=lambda row: row["oof"])

    for key in dict.fromkeys((row["transform"], row["way"]) for row in lines[0]["rows"]):
        report(f"always {key[0]}, {key[1]}", lambda rows, key=key: lowest(rows, *key))
    for way in ("smearing", "ratio", "line"):
        for margin, sure in ((1.0, False), (0.98, False), (1.0, True)):
            ratios = report(
                f"chosen, {way}, below {margin}" + (", surely" if sure else ""),
                lambda rows, way=way, margin=margin, sure=sure: chosen(
                    rows, lambda row: row["transform"] in ("root", "log") and row["way"] == way, margin, sure
                ),
            )
    print(", ".join(f"{tables[i]} {ratios[i]:.3f}" for i in np.argsort(ratios) if abs(ratios[i] - 1) > 0.01))


def kind_of(table: str) -> str:
    """Whether the table was made here."""
    return "made" if table.startswith("made") else "real"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["measure", "show"])
    parser.add_argument("path")
    parser.add_argument("--splits", default="0,1")
    parser.add_argument("--tables", default=",".join(readers()))
    parser.add_argument("--transforms", default="none,root,log,normal scores")
    parser.add_argument("--only", choices=["all", "real", "made"], default="all")
    options = parser.parse_args()
    if options.what == "show":
        show(options.path, options.only)
        return
    splits = [int(split) for split in options.splits.split(",")]
    measure(options.path, splits, options.tables.split(","), options.transforms.split(","))


if __name__ == "__main__":
    main()
