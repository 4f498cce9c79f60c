"""Evidence: is the estimate right, the verdict, the advice; is the choice never worse; and what it costs.

    python benchmarks/evidence.py --collect DIR      # some 450 searches, hours; goes on where it was ended
    python benchmarks/evidence.py --permuted DIR     # 100 searches on targets that mean nothing
    python benchmarks/evidence.py --returned DIR     # 450 fits and what their models lose on other rows
    python benchmarks/evidence.py --verdicts DIR     # 160 diagnoses and their truth
    python benchmarks/evidence.py --cost             # seconds of diagnosis, estimate and effects
    python benchmarks/evidence.py --json DIR         # all figures from what was laid down below DIR

Searches are laid down under DIR/searches, DIR/permuted and DIR/verdicts, so that rules and intervals are
compared without training again. Figures that were taken: benchmarks/README.md, "Evidence".
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import evidence_returned
import evidence_verdict
from evidence_advice import judge as judge_advice
from evidence_collect import cases, collect, permuted
from evidence_judge import judge_bias, judge_choices, judge_estimates, read


def figures(folder: Path) -> dict[str, Any]:
    """All that can be said from the files that are there."""
    found: dict[str, Any] = {}
    searches, meaningless, verdicts = (folder / name for name in ("searches", "permuted", "verdicts"))
    if searches.exists():
        laid = read(searches)
        found["estimate"] = judge_estimates(laid)
        found["adaptivity"] = judge_bias(laid)
        found["never_worse"] = judge_choices(laid)
        found["advice"] = judge_advice(searches)
    if meaningless.exists():
        found["permuted"] = judge_bias(read(meaningless))
    returned = evidence_returned.read(folder / "returned.jsonl")
    if returned:
        found["returned"] = evidence_returned.judge(returned)
    if verdicts.exists():
        found["verdict"] = evidence_verdict.report(verdicts)
    return found


def cost() -> dict[str, Any]:
    """Seconds on 1,000 x 20 made-up rows: a default fit with its estimate, a diagnosis, effects."""
    from sklearn.datasets import make_classification

    from taut import TautClassifierCV, diagnose, effects
    from taut.recipe import Recipe
    from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

    X, y = make_classification(1000, 20, n_informative=8, flip_y=0.1, random_state=0)
    TautClassifierCV(n_candidates=2, max_epochs=5, random_state=0).fit(X, y)  # compiles
    began = time.perf_counter()
    fitted = TautClassifierCV(random_state=0).fit(X, y)
    fit = time.perf_counter() - began
    diagnosed = diagnose(X, y, random_state=0)
    players = Recipe(L2(1.0), Dropout(0.3), L1(0.1), EarlyStopping())
    shared = effects(X, y, players, random_state=0)
    four = effects(X, y, players.with_(BatchNorm()), random_state=0)
    return {
        "search_seconds": fitted.search_seconds_,
        "estimate_seconds": fit - fitted.search_seconds_,
        "diagnosis_seconds": diagnosed.seconds,
        "diagnosis_and_estimate_by_search": (fit - fitted.search_seconds_ + diagnosed.seconds)
        / fitted.search_seconds_,
        "effects_seconds": shared.seconds,
        "effects_by_search": shared.seconds / fitted.search_seconds_,
        "effects_of_four_by_search": four.seconds / fitted.search_seconds_,
    }


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--collect", type=Path, metavar="DIR")
    parser.add_argument("--permuted", type=Path, metavar="DIR")
    parser.add_argument("--returned", type=Path, metavar="DIR")
    parser.add_argument("--verdicts", type=Path, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="DIR")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--splits", type=int, default=25)
    parser.add_argument("--large-splits", type=int, default=0, help="searches on 3,000 rows, a table")
    asked = parser.parse_args()
    if asked.collect:
        collect(asked.collect / "searches", cases(asked.splits, asked.large_splits))
    if asked.permuted:
        permuted(asked.permuted / "permuted", 100)
    if asked.returned:
        asked.returned.mkdir(parents=True, exist_ok=True)
        evidence_returned.collect(asked.returned / "returned.jsonl", asked.splits)
    if asked.verdicts:
        evidence_verdict.collect(asked.verdicts / "verdicts")
    if asked.cost:
        print(json.dumps(cost(), indent=1))
    if asked.json:
        print(json.dumps(figures(asked.json), indent=1))


if __name__ == "__main__":
    main()
