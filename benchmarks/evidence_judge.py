"""From searches laid down by evidence_collect.py: is the estimate right, and is the choice never worse?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from taut.evidence.estimate import Estimate, RowFigures, estimate
from taut.learning.objective import SquaredError
from taut.selection.choice import Choosing, errors_over_rows

WORSE_ERRORS, WORSE_SHARE = 2.0, 0.01


@dataclass(frozen=True, eq=False)
class Laid:
    """One search, as far as judging goes: those who could be chosen, and what came of them."""

    table: str
    n_rows: int
    split: int
    seconds: float
    losses: NDArray[np.float64]  # (n_candidates, n_rows), out of fold
    badness: NDArray[np.float64]
    rule: Choosing
    by_fold: NDArray[np.float64]  # (n_candidates,): the mean over the folds, by which was chosen
    bags: NDArray[np.float64]  # (n_candidates, n_held_out)
    folds_loss: NDArray[np.float64]  # (n_candidates,): the folds' networks on held-out rows, one by one
    folds_score: NDArray[np.float64]
    techniques: tuple[tuple[str, ...], ...]
    chosen: int

    @classmethod
    def read(cls, path: Path) -> Laid:
        """From its file."""
        table, n_rows, split = path.stem.rsplit("-", 2)
        found = np.load(path)
        facts = json.loads(str(found["facts"]))
        places = found["complete"]
        candidates = [facts["candidates"][i] for i in places]
        losses = np.nanmean(found["scored"][places], axis=1).astype(np.float64)
        if facts["task"] == "regression":
            target = found["target"]
            badness = SquaredError().shortfalls(losses, None, target, None)
            folds_score = 1.0 - found["folds_loss"] / facts["variance"]
        else:
            badness = 1.0 - np.nanmean(found["correct"][places], axis=1).astype(np.float64)
            folds_score = found["folds_hits"]
        techniques = tuple(tuple(sorted(c["recipe"]["techniques"])) for c in candidates)
        rule = Choosing(
            selection="best",
            errors=errors_over_rows(list(losses), None, len(losses)),
            gaps=np.array([c["gap"] for c in candidates]),
            is_baseline=np.array([c["batch"] < 0 for c in candidates]),
            is_alone=np.array([t == ("early_stopping",) for t in techniques]),
        )
        by_fold = np.array([c["loss"] for c in candidates])
        return cls(
            table, int(n_rows), int(split), float(found["seconds"]), losses, badness, rule, by_fold,
            found["bags"].astype(np.float64), found["folds_loss"], folds_score, techniques,
            int(rule.winners(by_fold[None])[0]),
        )  # fmt: skip

    @property
    def alone(self) -> int:
        """Early stopping alone, at the learning rate that cross-validation says is best."""
        return int(np.argmin(np.where(self.rule.is_alone, self.by_fold, np.inf)))

    def estimate(self) -> Estimate:
        """As a fit says it."""
        name = "score"
        return estimate(RowFigures(self.losses, self.badness, None), self.rule, self.chosen, name, self.split)


def read(folder: Path) -> list[Laid]:
    """All searches of a folder."""
    return [Laid.read(path) for path in sorted(folder.glob("*.npz"))]


def judge_estimates(laid: Sequence[Laid]) -> dict[str, Any]:
    """Coverage, width, and how often the returned model is worse than the interval allows."""
    lines = []
    for one in laid:
        found = one.estimate()
        truth, score = one.folds_loss[one.chosen], one.folds_score[one.chosen]
        usual = 3.92 * one.losses[one.chosen].std() / np.sqrt(one.n_rows)
        lines.append(
            {
                "table": one.table,
                "n_rows": one.n_rows,
                "holds": bool(found.loss.low <= truth <= found.loss.high),
                "above": bool(truth > found.loss.high),
                "score_holds": bool(found.score.low <= score <= found.score.high),
                "width": float((found.loss.high - found.loss.low) / usual),
                "bag_above": bool(one.bags[one.chosen].mean() > found.loss.high),
                "naive": float(found.naive_loss / truth - 1),
                "corrected": float(found.loss.value / truth - 1),
            }
        )
    tables = sorted({line["table"] for line in lines})

    def mean(name: str, some: Sequence[dict[str, Any]] = lines) -> float:
        return float(np.mean([line[name] for line in some]))

    of = {t: [line for line in lines if line["table"] == t] for t in tables}
    by_size = {
        n: [line for line in lines if line["n_rows"] == n] for n in sorted({x["n_rows"] for x in lines})
    }
    return {
        "searches": len(lines),
        "splits_by_table": {t: len(of[t]) for t in tables},
        "coverage": mean("holds"),
        "coverage_by_table": {t: mean("holds", of[t]) for t in tables},
        "coverage_by_rows": {str(n): mean("holds", some) for n, some in by_size.items()},
        "truth_above": mean("above"),
        "coverage_of_score": mean("score_holds"),
        "coverage_of_score_by_table": {t: mean("score_holds", of[t]) for t in tables},
        "width_median": float(np.median([line["width"] for line in lines])),
        "returned_above": mean("bag_above"),
        "naive_bias": mean("naive"),
        "corrected_bias": mean("corrected"),
    }


def judge_choices(laid: Sequence[Laid]) -> dict[str, Any]:
    """The returned bag against that of early stopping alone, its learning rate tuned on the same folds."""
    worse, better, gains, tables, same = [], [], [], [], 0
    for one in laid:
        if one.chosen == one.alone:
            same += 1
        difference = one.bags[one.chosen] - one.bags[one.alone]
        mean, error = float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))
        share = mean / float(one.bags[one.alone].mean())
        worse.append(mean > WORSE_ERRORS * error and share > WORSE_SHARE)
        better.append(mean < -WORSE_ERRORS * error and share < -WORSE_SHARE)
        gains.append(-share)
        tables.append(one.table)
    n, k = len(worse), int(np.sum(worse))
    names = np.array(tables)
    return {
        "table_splits": n,
        "worse": k / n,
        "worse_interval": [
            float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0,
            float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0,
        ],
        "better": float(np.mean(better)),
        "early_stopping_alone_returned": same / n,
        "mean_gain": float(np.mean(gains)),
        "median_gain": float(np.median(gains)),
        "worse_by_table": {t: float(np.mean(np.array(worse)[names == t])) for t in sorted(set(tables))},
        "better_by_table": {t: float(np.mean(np.array(better)[names == t])) for t in sorted(set(tables))},
    }


def judge_bias(laid: Sequence[Laid]) -> dict[str, Any]:
    """What is left of the naive figure's bias after the correction, as shares of the true loss.

    The chance of the rows, which both figures share, is taken out by early stopping alone, which nobody
    chose: its own cross-validated less its true loss.
    """
    naive, left = [], []
    for one in laid:
        found = one.estimate()
        truth = one.folds_loss[one.chosen]
        chance = one.by_fold[0] - one.folds_loss[0]
        naive.append((found.naive_loss - truth - chance) / truth)
        left.append((found.loss.value - truth - chance) / truth)
    n = len(naive)

    def told(values: list[float]) -> list[float]:
        mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(n))
        return [mean, mean - 1.96 * error, mean + 1.96 * error]

    return {
        "runs": n,
        "naive_bias": told(naive),
        "corrected_bias": told(left),
        "share_left": float(np.mean(left) / np.mean(naive)),
    }
