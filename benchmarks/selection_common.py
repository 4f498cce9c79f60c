"""Searches on tables, as the estimators make them, laid open for the benchmarks."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from taut import TautClassifierCV, TautRegressorCV
from taut.engine.base import Fold
from taut.engine.compiled.engine import CompiledEngine
from taut.estimators.base import TautEstimator
from taut.estimators.effort import plan_of
from taut.estimators.model import Model
from taut.estimators.problem import Problem, encode_target, read_features
from taut.selection.folds import make_folds
from taut.selection.progress import Callbacks
from taut.selection.proposer import OptunaProposer
from taut.selection.race import Rule
from taut.selection.result import SearchResult
from taut.selection.runner import Settings
from taut.selection.score import CandidateScore
from taut.selection.search import Search
from taut.selection.stages import make_stages


@dataclass(frozen=True, eq=False)
class Bench:
    """A table split in two, and the first part as a search wants it."""

    estimator: TautEstimator
    problem: Problem
    settings: Settings
    folds: list[Fold]
    X_test: Any
    y_test: Any

    @classmethod
    def of(
        cls, X: Any, y: Any, task: str, seed: int, *, test_size: float | int = 1 / 3, **parameters: Any
    ) -> Bench:
        """Hold a part out; the estimator's parameters are given by name."""
        stratify = None if task == "number" else y
        parts = train_test_split(X, y, test_size=test_size, random_state=seed, stratify=stratify)
        X_train, X_test, y_train, y_test = parts
        kind = TautRegressorCV if task == "number" else TautClassifierCV
        estimator = kind(random_state=seed, **parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem = estimator._problem(X_train, y_train, None, None, None, None)
            settings = estimator._settings(problem.n_counted)
            splits = estimator._splits(problem, None, settings.seed)
        folds = make_folds(splits, problem.data, problem.matrix, settings.seed)
        return cls(estimator, problem, settings, folds, X_test, y_test)

    def search(
        self,
        rule: Rule | None = None,
        *,
        n_candidates: int | None = None,
        on_candidate: Callable[[CandidateScore], object] | None = None,
    ) -> tuple[Search, SearchResult, float]:
        """Search; with the seconds it took."""
        estimator, space = self.estimator, self.estimator._space()  # type: ignore[attr-defined]
        plan = plan_of("standard")
        engine = CompiledEngine(estimator.n_jobs)
        engine.prepare()
        started = time.perf_counter()
        search = Search(
            engine=engine,
            data=self.problem.data,
            stages=make_stages(self.folds, self.problem.data, self.problem.matrix, self.settings.seed),
            settings=self.settings,
            baselines=space.baselines(),
            proposer=OptunaProposer(space, self.settings.seed, n_first=plan.n_first),
            n_candidates=n_candidates or plan.n_candidates,
            rule=rule or Rule(),
            callbacks=Callbacks(on_candidate=on_candidate),
        )
        result = search.run()
        return search, result, time.perf_counter() - started

    def held_out(self, search: Search, place: int) -> float:
        """Mean loss of a candidate's bag on the rows that chose nothing, in units of the target."""
        entry, score = search._entries[place], search._scores[place]
        jobs = [entry.job(k) for k in range(len(self.folds))]
        networks = search.runner.networks(jobs, [score.epoch] * len(jobs))
        assert networks is not None
        return self.held_out_networks(search, networks)

    def held_out_networks(self, search: Search, networks: Sequence[Any]) -> float:
        """Mean loss of these networks' average."""
        target = self.problem.target
        model = Model(self.problem.schema, target, tuple(networks))
        values = read_features(self.estimator, self.X_test, self.problem.schema)[1].values
        if target.classes is None:
            return float(np.mean((model.values(search.engine, values) - self.y_test) ** 2))
        probabilities = model.probabilities(search.engine, values)
        codes = encode_target(target, self.y_test, "classification", self.estimator).astype(int)
        return float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(codes)), codes], 1e-12))))
