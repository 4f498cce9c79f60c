"""Is the verdict right?  Cross-validated verdicts against what thousands of held-out rows say.

A case is a table, a network (widths and epochs) and a number of rows. The truth: the network and its fixed
alternatives are trained on all these rows; one half of the held-out rows picks the best alternative of
either side (and the epoch of those that stop early), the other half judges it. Overfits: better by more than
two standard errors and 2 %, on the side of those regularized or stopped earlier; underfits: the same on the
side of those wider or longer; of both, the larger gain.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tables import load

from taut.estimators.prepare import Options, Prepared, prepare
from taut.evidence.variants import DROPOUTS, L2S, Variant, Variants
from taut.evidence.verdict import verdict_of
from taut.learning.architecture import MLP
from taut.learning.problem import Fold
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_fold
from taut.techniques import L2, Dropout, EarlyStopping

TABLES = ("magic", "letter", "diamonds", "wages", "satimage", "caravan", "computers", "stackoverflow")
#: Widths, epochs, and whether it stops early.
NETWORKS = (
    ((4,), 30, False), ((32,), 30, False), ((128, 128), 30, False),
    ((4,), 300, False), ((32,), 300, False), ((128, 128), 300, False),
    ((16,), 120, False), ((64,), 60, False), ((32,), 300, True), ((128, 128), 300, True),
)  # fmt: skip
#: Tables that had no part in the thresholds; they take 500 rows where others take 1,000.
MORE = ("optdigits", "texture")
ROWS = (300, 1000)
HELD_OUT = 5000
_SEEDS = 2


@dataclass(frozen=True)
class Case:
    """A table, how many of its rows, and a network."""

    table: str
    n_rows: int
    hidden: tuple[int, ...]
    epochs: int
    stops: bool
    sample: int

    @property
    def name(self) -> str:
        """Of its file."""
        widths = "x".join(map(str, self.hidden))
        return f"{self.table}-{self.n_rows}-{widths}-{self.epochs}{'-stops' * self.stops}-{self.sample}.npz"


def cases() -> list[Case]:
    """All that are judged; tables that have no 5,000 rows more take fewer."""
    first = [Case(t, n, *network, 0) for n in ROWS for network in NETWORKS for t in TABLES]
    others = [Case(t, n, *network, 1) for n in ROWS for network in NETWORKS for t in (*TABLES, *MORE)]
    return first + others


def collect(folder: Path, n_jobs: int | None = None) -> None:
    """Run the cases that have no file yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases():
        path = folder / case.name
        if not path.exists():
            started = time.perf_counter()
            found = run(case, n_jobs)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.savez_compressed(file, **found)
            os.replace(part, path)
            print(f"{path.name} {time.perf_counter() - started:.1f} s", flush=True)


def run(case: Case, n_jobs: int | None) -> dict[str, Any]:
    """Diagnose by cross-validation, and look at the held-out rows."""
    X, y, _task = load(case.table)
    rng = np.random.default_rng((case.n_rows, len(case.table), *([case.sample] if case.sample else [])))
    n_rows = min(case.n_rows, len(y) - HELD_OUT)
    keep = rng.permutation(len(y))[: n_rows + HELD_OUT]
    X, y = X.iloc[keep].reset_index(drop=True), y[keep]
    given: dict[str, Any] = {
        "task": "regression" if _task == "number" else "classification", "hidden": case.hidden,
        "activation": "relu", "learning_rate": "auto", "batch_size": "auto", "max_epochs": case.epochs,
        "sample_weight": None, "groups": None, "class_weight": None, "n_jobs": n_jobs, "random_state": 0,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = prepare(X, y, Options(cv=[(np.arange(n_rows), np.arange(n_rows, len(y)))], **given))
        if _task != "number":  # those of classes that the rows have
            known = np.isin(y, np.unique(y[:n_rows]))
            X, y = X[known].reset_index(drop=True), y[known]
            whole = prepare(X, y, Options(cv=[(np.arange(n_rows), np.arange(n_rows, len(y)))], **given))
        part = prepare(X.iloc[:n_rows], y[:n_rows], Options(cv=5, **given))
    started = time.perf_counter()
    recipe = Recipe(EarlyStopping()) if case.stops else Recipe()
    tried = diagnose(part, recipe)
    seconds = time.perf_counter() - started
    verdict = verdict_of(tried, None, 0)
    truth = true_gains(whole, n_rows, part.trainer.settings.batch_size, stops=case.stops)
    facts = {
        "n_rows": n_rows, "verdict": verdict.fit, "seconds": seconds, "truth": truth,
        "weaker": verdict.weaker.share.to_dict(), "stronger": verdict.stronger.share.to_dict(),
        "names": [t.name for t in tried], "sides": [t.side for t in tried],
        "train": float(np.mean(tried[0].train_losses)),
        "validation": float(np.mean(tried[0].validation_losses)),
    }  # fmt: skip
    return {"facts": json.dumps(facts), "losses": np.stack([t.losses for t in tried])}


def diagnose(part: Prepared, recipe: Recipe) -> list[Variant]:
    """All variants, by cross-validation."""
    candidate = Candidate(recipe, part.learning_rate, part.architecture)
    variants = Variants(part.trainer, part.folds, candidate, Control())
    return [*variants.own(), *variants.weaker(), *variants.stronger()]


def true_gains(whole: Prepared, n_rows: int, batch_size: int, *, stops: bool) -> dict[str, list[float]]:
    """By side: share of the loss that the picked alternative saves, and its standard error."""
    problem, epochs = whole.trainer.problem, whole.trainer.settings.max_epochs
    n = len(problem)
    rows = np.arange(n, dtype=np.int32)
    fold = make_fold(Split(rows[:n_rows], rows[n_rows:]), problem, 0)
    own = Candidate(Recipe(), whole.learning_rate, whole.architecture)
    wide = replace(own, architecture=whole.architecture.wider().architecture)
    weaker = [replace(own, recipe=Recipe(Dropout(p))) for p in DROPOUTS]
    weaker += [replace(own, recipe=Recipe(L2(s))) for s in L2S]
    curves = {c: _losses(whole, c, fold, epochs, batch_size) for c in (wide, *weaker)}
    longer = _losses(whole, own, fold, epochs if stops else 2 * epochs, batch_size)
    half = np.random.default_rng(0).permutation(n - n_rows) < (n - n_rows) // 2
    stopped = [_at_best(table, half) for table in (longer[:epochs], *(curves[c] for c in weaker))]
    last = stopped[0] if stops else longer[epochs - 1]
    stronger = [_at_best(curves[wide], half)] if stops else [curves[wide][-1], longer[-1]]
    out = {}
    for side, options in (("weaker", stopped), ("stronger", stronger)):
        picked = min(options, key=lambda one: float(one[half].mean()))
        difference = (last - picked)[~half]
        level = float(last[~half].mean())
        error = float(difference.std() / np.sqrt(len(difference)))
        out[side] = [float(difference.mean()) / level, error / level]
    return out


def _at_best(table: NDArray[Any], half: NDArray[np.bool_]) -> NDArray[Any]:
    return np.asarray(table[int(np.argmin(table[:, half].mean(axis=1)))])


def _losses(
    whole: Prepared, candidate: Candidate, fold: Fold, epochs: int, batch_size: int
) -> NDArray[np.float32]:
    """Held-out row losses by epoch, mean over seeds: shape (epochs, n_held_out)."""
    settings = replace(whole.trainer.settings, max_epochs=epochs, batch_size=batch_size)
    trainer = replace(whole.trainer, settings=settings)
    member = trainer.member(candidate, fold, 0)
    members = [replace(member, keep_losses=True, seed=100 + s) for s in range(_SEEDS)]
    trainings = trainer.train(members, until_epoch=epochs)
    total = np.zeros((epochs, len(fold.validation)), dtype=np.float32)
    for training in trainings:
        for epoch in range(1, epochs + 1):
            losses = training.losses(epoch)
            total[epoch - 1] += np.inf if losses is None else losses
    return total / len(trainings)


def true_class(truth: dict[str, list[float]]) -> str:
    """What the held-out rows say."""
    gains = {side: share for side, (share, error) in truth.items() if share > max(0.02, 2 * error)}
    if not gains:
        return "fits"
    return "overfits" if max(gains, key=lambda side: gains[side]) == "weaker" else "underfits"


def balanced_accuracy(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean over the true classes of the share that was said rightly."""
    t, s = np.array(truth), np.array(said)
    return float(np.mean([np.mean(s[t == one] == one) for one in np.unique(t)]))


def report(folder: Path) -> dict[str, Any]:
    """How often the verdicts are right: on the rows that chose the thresholds, and on others."""
    found: dict[str, list[dict[str, Any]]] = {"chose the thresholds": [], "other rows and tables": []}
    for path in sorted(folder.glob("*.npz")):
        laid = np.load(path)
        facts = json.loads(str(laid["facts"]))
        facts["verdict"] = verdict_of([_variant(*one) for one in _told(facts, laid["losses"])], None, 0).fit
        found["chose the thresholds" if path.stem.endswith("-0") else "other rows and tables"].append(facts)
    return {name: _right(some) for name, some in found.items() if some}


def _told(facts: dict[str, Any], losses: NDArray[Any]) -> list[tuple[str, Any, NDArray[Any]]]:
    return list(zip(facts["names"], facts["sides"], losses, strict=True))


def _variant(name: str, side: Any, losses: NDArray[Any]) -> Variant:
    """As much of a variant as the verdict needs, so that rules can be changed without training again."""
    mean = np.array([float(np.mean(losses))])
    nothing = np.zeros(1)
    anybody = Candidate(Recipe(), 1.0, MLP(()))
    failed = not np.isfinite(mean[0])
    rows = losses.astype(float)
    return Variant(name, side, 0, anybody, nothing.astype(int), 0, (), rows, nothing, mean, nothing, failed)


def _right(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    truth, said = [true_class(one["truth"]) for one in found], [one["verdict"] for one in found]
    names = ("underfits", "fits", "overfits")
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(found), len(found)) for _ in range(1000)]

    def told(wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        t, s = np.array(wanted), np.array(given)
        again = [balanced_accuracy(t[one].tolist(), s[one].tolist()) for one in draws]
        return [balanced_accuracy(t.tolist(), s.tolist()), *np.quantile(again, [0.025, 0.975]).tolist()]

    return {
        "cases": len(found),
        "share_of_cases": {name: truth.count(name) / len(truth) for name in names},
        "right": float(np.mean([t == s for t, s in zip(truth, said, strict=True)])),
        "balanced_accuracy_three": told(truth, said),
        "balanced_accuracy_overfits": told(
            [str(t == "overfits") for t in truth], [str(s == "overfits") for s in said]
        ),
        "confusion": {
            t: {s: sum(a == t and b == s for a, b in zip(truth, said, strict=True)) for s in names}
            for t in names
        },
        "median_seconds": float(np.median([one["seconds"] for one in found])),
    }
