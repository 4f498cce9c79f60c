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
from taut.estimators.automatic import engine_of, learning_rate_of
from taut.estimators.effort import budget_of
from taut.estimators.model import Model
from taut.estimators.problem import TableProblem, encode_target, read_features
from taut.estimators.splits import make_splits
from taut.learning.problem import Fold
from taut.selection.folds import make_folds
from taut.selection.progress import Callbacks
from taut.selection.proposer import OptunaProposer
from taut.selection.race import Rule
from taut.selection.result import SearchResult
from taut.selection.score import CandidateScore
from taut.selection.search import Search
from taut.selection.space import Space
from taut.selection.stages import make_stages
from taut.selection.trainer import Trainer


@dataclass(frozen=True, eq=False)
class Bench:
    """A table split in two, and the first part as a search wants it."""

    estimator: Any  # a search's; its parameters are scikit-learn's
    table: TableProblem
    trainer: Trainer
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
            table = estimator._problem(X_train, y_train, None, None, None, None)
            engine, settings = engine_of(estimator.n_jobs), estimator._settings(table.n_counted)
            architecture = estimator._architecture()
            splits = make_splits(table, estimator.cv, None, settings.seed, architecture, stacklevel=1)
        folds = make_folds(splits, table.problem, settings.seed)
        return cls(estimator, table, Trainer(engine, table.problem, settings), folds, X_test, y_test)

    def search(
        self,
        rule: Rule | None = None,
        *,
        n_candidates: int | None = None,
        on_candidate: Callable[[CandidateScore], object] | None = None,
    ) -> tuple[Search, SearchResult, float]:
        """Search; with the seconds it took."""
        estimator, trainer, seed = self.estimator, self.trainer, self.trainer.settings.seed
        rate, architecture = learning_rate_of(estimator.learning_rate), estimator._architecture()
        search_rate = isinstance(estimator.learning_rate, str)
        space = Space(rate, architecture, trainer.problem.objective, search_rate)
        budget = budget_of("standard")
        trainer.engine.prepare()
        started = time.perf_counter()
        search = Search(
            trainer=trainer,
            stages=make_stages(self.folds, trainer.problem, seed),
            baselines=space.baselines(),
            proposer=OptunaProposer(space, seed, n_first=budget.n_first),
            n_candidates=n_candidates or budget.n_candidates,
            rule=rule or Rule(),
            callbacks=Callbacks(on_candidate=on_candidate),
        )
        result = search.run()
        return search, result, time.perf_counter() - started

    def held_out(self, search: Search, place: int) -> float:
        """Mean loss of a candidate's bag on the rows that chose nothing, in units of the target."""
        trial, score = search._scored.trials[place], search._scored.scores[place]
        jobs = [trial.job(k) for k in range(len(self.folds))]
        networks = search.runner.networks(jobs, [score.epoch] * len(jobs))
        assert networks is not None
        return self.held_out_networks(networks)

    def held_out_networks(self, networks: Sequence[Any]) -> float:
        """Mean loss of these networks' average."""
        target, engine = self.table.target, self.trainer.engine
        model = Model(self.table.schema, target, tuple(networks))
        matrix = read_features(self.estimator, self.X_test, self.table.schema)[1]
        if target.classes is None:
            return float(np.mean((model.values(engine, matrix) - self.y_test) ** 2))
        probabilities = model.probabilities(engine, matrix)
        codes = encode_target(target, self.y_test, "classification", self.estimator).astype(int)
        return float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(codes)), codes], 1e-12))))
