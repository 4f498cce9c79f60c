"""What the two estimators that choose their recipe by cross-validation share."""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np

from taut.errors import ParameterError, TrainingWarning
from taut.estimators.automatic import bins_for, learning_rate_of
from taut.estimators.base import TautEstimator, history_of
from taut.estimators.calibrating import Calibrated, calibrated_search
from taut.estimators.cv_results import cv_results
from taut.estimators.effort import (
    SHORT_EPOCHS,
    SHORT_FIRST,
    Effort,
    SearchBudget,
    budget_of,
    is_short_of_time,
)
from taut.estimators.problem import TableProblem
from taut.estimators.scoring import fold_scorer, score_name
from taut.estimators.splits import make_splits
from taut.estimators.trouble import warn_of_trouble
from taut.evidence.bagged import Bagged
from taut.evidence.importance import Importance
from taut.evidence.of_search import estimate_of, gained_by, importance_of_search
from taut.evidence.simple_baselines import SimpleBaseline, simple_baselines
from taut.learning.architecture import MLP
from taut.learning.problem import Fold
from taut.learning.training import Control
from taut.parameters import real, whole
from taut.recipe import Recipe
from taut.selection.architectures import Tried, try_architectures
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION
from taut.selection.choice import Selection
from taut.selection.failures import describe_failures
from taut.selection.final import Final, Finish
from taut.selection.folds import Split, make_fold, make_folds
from taut.selection.interrupts import Interrupts
from taut.selection.progress import Callbacks, Progress
from taut.selection.proposer import OptunaProposer, SamplerMaker
from taut.selection.result import SearchResult
from taut.selection.score import CandidateScore
from taut.selection.scored_epochs import TimedScorer
from taut.selection.search import Search
from taut.selection.space import Space
from taut.selection.stages import MANY_ROWS, make_stages
from taut.selection.trainer import Trainer
from taut.streams import Stream, seed_of

Auto: TypeAlias = Literal["auto"]
OnCandidate: TypeAlias = Callable[[CandidateScore], object]
OnBatch: TypeAlias = Callable[[tuple[CandidateScore, ...]], object]

#: Widths that ``hidden="auto"`` begins with; the baselines have them.
USUAL_WIDTHS = (128, 128)
_N_BASELINES = 2
_MOST_CANDIDATES = 100_000  # days on the smallest table; with a time limit it is as many as fit in
# At most this long beyond the time limit, to measure which columns the networks use.
_IMPORTANCE_SECONDS, _IMPORTANCE_SHARE = 1.0, 0.025
# A linear model takes a hundredth of the networks' time; without time even for this, it is left out.
_LINEAR_SHARE = 0.1
# Of a time limit, to find out whether numbers are better seen in pieces.
_ARCHITECTURES_SHARE = 0.15
# Of a time limit, what may be kept to measure what averaging the networks brings.
_AVERAGE_SHARE = 0.15


class CrossValidated(TautEstimator):
    """How a recipe is chosen and its networks are fitted."""

    #: Called with where the search stands, one call at a time, also from worker threads; an instance sets it.
    on_progress: Callable[[Progress], None] | None = None

    def __init__(
        self,
        hidden: tuple[int, ...] | Auto = (128, 128),
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        n_bins: int | Auto = "auto",
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        cv: Any = "auto",
        effort: Effort = "standard",
        n_candidates: int | None = None,
        time_limit: float | None = None,
        scoring: Any = None,
        selection: Selection = "best",
        final: Final = "bag",
        sampler: SamplerMaker | None = None,
        resume: str | os.PathLike[str] | None = None,
        on_candidate: OnCandidate | None = None,
        on_batch: OnBatch | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.n_bins = n_bins
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.cv = cv
        self.effort = effort
        self.n_candidates = n_candidates
        self.time_limit = time_limit
        self.scoring = scoring
        self.selection = selection
        self.final = final
        self.sampler = sampler
        self.resume = resume
        self.on_candidate = on_candidate
        self.on_batch = on_batch
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Choose a recipe and train its networks.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), or data frame
            Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
        y : array, shape (n_rows,)
            Classes, or finite numbers.
        sample_weight : array, shape (n_rows,), optional
            Weights of the rows, in training and in validation.
        groups : array, shape (n_rows,), optional
            Rows of one group stay in one fold.
        X_val, y_val, sample_weight_val : optional
            A validation set, in place of cross-validation.

        Returns
        -------
        self
        """
        started = time.monotonic()
        plan, n_candidates = self._budget()
        limit = math.inf if self.time_limit is None else real("time_limit", self.time_limit)
        self._check_choices()
        learning_rate, architecture = learning_rate_of(self.learning_rate), self._architecture()
        engine = self._engine()
        table = self._problem(X, y, sample_weight, X_val, y_val, sample_weight_val)
        trainer = Trainer(engine, table.problem, self._settings(table.n_counted))
        seed, objective = trainer.settings.seed, table.problem.objective
        self.signs_ = warn_of_trouble(table, seed, limit, stacklevel=2)
        seconds = math.inf if self.time_limit is None else float(self.time_limit)
        splits = make_splits(
            table, self.cv, groups, seed, architecture, seconds * engine.threads, stacklevel=2
        )
        if groups is not None:
            self._given = (*self._given, "groups")
        folds = make_folds(splits, table.problem, seed)
        scorer = fold_scorer(self.scoring, table, folds, X, X_val, seconds=limit)
        compiled = time.monotonic()
        engine.prepare()  # the one-time compilation does not count
        started += time.monotonic() - compiled
        control = Control(deadline=started + _LINEAR_SHARE * limit)
        with self._trial_store(table, folds) as trial_store:
            simple = self._simple(trainer, table, folds, architecture, scorer, control, trial_store)
            few = is_short_of_time(
                len(folds[0].train), table.n_weights(architecture), seconds * engine.threads
            )
            stages = make_stages(
                folds, table.problem, seed, SHORT_EPOCHS if few and table.n_train <= MANY_ROWS else None
            )
            spaces = [
                Space(learning_rate, one, objective, isinstance(self.learning_rate, str), few=few)
                for one in self._architectures(architecture, table)
            ]
            control = Control(deadline=time.monotonic() + _ARCHITECTURES_SHARE * limit)
            with _nothing_to_keep(control):
                tried = try_architectures(trainer, stages, spaces, control, trial_store, keep_networks=few)
            (space,) = (one for one in spaces if one.architecture == tried[0].architecture)
            n_first = min(plan.n_first, SHORT_FIRST) if few else plan.n_first
            search = Search(
                trainer=trainer,
                stages=stages,
                baselines=space.baselines(),
                proposer=OptunaProposer(space, seed, sampler=self.sampler, n_first=n_first),
                n_candidates=n_candidates,
                deadline=started
                + limit
                - (trial_store.elapsed if trial_store and math.isfinite(limit) else 0.0),
                selection=self.selection,
                scorer=scorer,
                finish=self._finish(table, seed, limit, keep_networks=few),
                trial_store=trial_store,
                callbacks=self._callbacks(table),
                begun=tried[0].trainings,
            )
            result = search.run()
        failures = describe_failures(result.candidates)
        if failures:
            warnings.warn(failures, TrainingWarning, stacklevel=2)
        self._keep(table, result.networks)
        self._describe(table, result)
        # Nearly all of a time limit is spent by now, and importance is a hundredth of the work.
        more = 0.0 if limit == math.inf else max(_IMPORTANCE_SECONDS, _IMPORTANCE_SHARE * limit)
        control = Control(deadline=search.deadline)
        # The search is done: Ctrl+C now only ends what is left of this.
        with Interrupts(control.cancelled):
            factor = table.target.loss_unit
            scoring = None if self.scoring is None else (self.scoring, score_name(self.scoring))
            estimate, bag = estimate_of(search, result, scoring, control)
            self.estimate_ = estimate.in_units(factor)
            if objective.n_classes:
                found = calibrated_search(trainer, folds, result, bag)
                self.restore_calibrated(found)
                self.estimate_ = self.estimate_.tempered(found.loss_factor)
            gains = gained_by(table.problem, result, estimate, simple, self.scoring)
            self.simple_baselines_ = {one.kind: one.in_units(factor) for one in gains}
            control = replace(control, deadline=search.deadline + more)
            self.importance_ = self._importance_of(search, result, table, bag, control)
        self.n_bins_ = self.model_.n_bins
        self.n_bins_losses_ = _losses_by_bins(tried, table.target.loss_unit)
        self.n_splits_ = len(folds)
        self.batch_size_ = trainer.settings.batch_size
        self.interrupted_ = result.interrupted
        self.search_seconds_ = result.seconds
        return self

    def _importance_of(
        self,
        search: Search,
        result: SearchResult,
        table: TableProblem,
        bag: Bagged | None,
        control: Control,
    ) -> Importance | None:
        """Which columns the networks use; a failure here must not cost a finished search."""
        try:
            found = importance_of_search(search, result, bag, self.model_.networks, table.owners, control)
            return None if found is None else found.in_units(table.target.loss_unit)
        except (ArithmeticError, LookupError, MemoryError, ValueError) as error:
            warnings.warn(
                f"Which columns the networks use could not be measured ({error!r}); all else is as it should "
                "be.",
                TrainingWarning,
                stacklevel=3,
            )
            return None

    # --- what is asked for ----------------------------------------------------------------------------------

    def _check_choices(self) -> None:
        """Check the parameters that are not numbers, before anything takes time."""
        for name, kinds in (("selection", Selection), ("final", Final)):
            if getattr(self, name) not in get_args(kinds):
                known = " or ".join(repr(kind) for kind in get_args(kinds))
                raise ParameterError(f"{name} must be {known}, and it is {getattr(self, name)!r}.")
        for name in ("sampler", "on_candidate", "on_batch"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                wanted = "a sampler's class, a function" if name == "sampler" else "a function"
                raise ParameterError(f"{name} must be {wanted} or None, and it is {value!r}.")
        if self.resume is not None and not isinstance(self.random_state, (int, np.integer)):
            raise ParameterError(
                "resume needs random_state, a whole number: a search continues only with the seed that it "
                "began with."
            )
        for name in ("scoring", "sampler"):
            if self.resume is not None and "<" in getattr(getattr(self, name), "__qualname__", ""):
                raise ParameterError(
                    f"resume cannot tell one nameless function from another: give {name} one that is defined "
                    "in a module."
                )

    def _budget(self) -> tuple[SearchBudget, int | None]:
        """The effort's budget, and how many candidates there are; None: as many as the time limit allows."""
        plan = budget_of(self.effort)
        if self.n_candidates is not None:
            return plan, whole("n_candidates", self.n_candidates, low=_N_BASELINES, high=_MOST_CANDIDATES)
        return plan, None if self.time_limit is not None else plan.n_candidates

    def _architecture(self) -> MLP:
        n_bins = 0 if self.n_bins == "auto" else self.n_bins  # what a search takes to begin with
        if isinstance(self.hidden, str) and self.hidden == "auto":
            return MLP(USUAL_WIDTHS, self.activation, searched=True, n_bins=n_bins)
        return MLP(self.hidden, self.activation, n_bins=n_bins)

    def _architectures(self, architecture: MLP, table: TableProblem) -> list[MLP]:
        """Those that are tried before the recipes are."""
        if self.n_bins != "auto":
            return [architecture]
        return [replace(architecture, n_bins=n) for n in bins_for(table.matrix.n_numbers)]

    def _simple(
        self,
        trainer: Trainer,
        table: TableProblem,
        folds: Sequence[Fold],
        architecture: MLP,
        scorer: TimedScorer | None,
        control: Control,
        trial_store: Any,
    ) -> tuple[SimpleBaseline, ...]:
        """Always the same answer, and a linear model; of a constant target, nothing."""
        if table.target.constant:
            return ()
        linear, classes = architecture.linear(), table.target.classes
        with _nothing_to_keep(control):
            return simple_baselines(trainer, folds, linear, classes, control, scorer, trial_store=trial_store)

    def _finish(self, table: TableProblem, seed: int, limit: float, *, keep_networks: bool) -> Finish:
        average_seconds = _AVERAGE_SHARE * limit
        if self.final == "bag":
            return Finish(average_seconds=average_seconds, keep_networks=keep_networks)
        everyone = np.arange(table.n_train, dtype=np.int32)
        nobody = np.empty(0, dtype=np.int32)
        own_seed = seed_of(seed, Stream.REFIT_FOLD, 1)
        fold = make_fold(Split(everyone, nobody), table.problem, own_seed)
        return Finish("refit", fold, average_seconds=average_seconds)

    @contextlib.contextmanager
    def _trial_store(self, table: TableProblem, folds: Sequence[Fold]) -> Iterator[Any]:
        """The file that finished work is kept in, where one was named."""
        if self.resume is None:
            yield None
            return
        from taut.selection.fingerprint import fingerprint
        from taut.selection.trial_store import TrialStore

        with TrialStore.open(
            self.resume, self._arguments(), fingerprint(table.problem, folds)
        ) as trial_store:
            yield trial_store

    def _arguments(self) -> dict[str, Any]:
        """What decides what is trained, by parameter name; threads, time, progress and the choice do not.

        What ``cv`` makes of the rows is in the data's fingerprint.
        """
        without = {"n_jobs", "verbose", "time_limit", "resume", "on_candidate", "on_batch", "cv"}
        without |= {"selection", "final"}
        parameters = self.get_params(deep=False)
        found = {name: _written(value) for name, value in parameters.items() if name not in without}
        return {"estimator": type(self).__name__, **found}

    # --- progress -------------------------------------------------------------------------------------------

    def _callbacks(self, table: TableProblem) -> Callbacks:
        """The callbacks, which get losses in the target's own units."""
        factor = table.target.loss_unit
        progress, candidate, batch = self.on_progress, self.on_candidate, self.on_batch
        progress = progress or (_printer() if self.verbose else None)
        return Callbacks(
            on_progress=None if progress is None else lambda now: progress(now.in_units(factor)),
            on_candidate=None if candidate is None else lambda score: candidate(score.in_units(factor)),
            on_batch=None
            if batch is None
            else lambda scores: batch(tuple(score.in_units(factor) for score in scores)),
        )

    # --- what is found --------------------------------------------------------------------------------------

    def _describe(self, table: TableProblem, result: SearchResult) -> None:
        """The fitted attributes that tell of the search."""
        factor = table.target.loss_unit
        self.best_index_ = result.chosen
        self.restore_candidates([c.in_units(factor) for c in result.candidates])
        self.recipe_ = result.best.recipe
        self.learning_rate_ = result.best.candidate.learning_rate
        self.network_ = self.model_.networks[0].network
        self.best_epoch_ = result.best.epoch
        self.history_ = {
            name: tuple(history_of(curve, table.target) for curve in curves)
            for name, curves in result.curves.items()
        }
        self.zero_share_ = float(np.mean([network.zero_share for network in result.networks]))
        # float32 ends at 3e38, and the squares of some targets do not.
        kind = np.float32 if 1e-30 < factor < 1e30 else np.float64
        self._plain_runs = {
            place: (tuple(curve.times(factor) for curve in runs.curves), runs.weights)
            for place, runs in result.plain.items()
        }
        self.row_losses_ = np.empty((len(result.candidates), table.n_train), dtype=kind)
        for i, rows in result.row_losses.items():
            np.multiply(rows[: table.n_train], kind(factor), out=self.row_losses_[i])

    def restore_calibrated(self, found: Calibrated) -> None:
        """Set what out-of-fold probabilities tell, and the temperature; also when a saved model is loaded."""
        self.calibration_, self.confusion_, self.thresholds_ = (
            found.calibration,
            found.confusion,
            found.thresholds,
        )
        self.model_ = replace(self.model_, temperature=found.temperature)

    def restore_candidates(self, candidates: Sequence[CandidateScore]) -> None:
        """Set what follows from the candidates and ``best_index_``; also when a saved model is loaded."""
        self.candidates_ = tuple(candidates)
        self.best_ = self.candidates_[self.best_index_]
        by_recipe: dict[Recipe, CandidateScore] = {}
        for c in candidates:
            if c.batch < 0:
                by_recipe[c.recipe] = c
        self.baseline_ = {
            "none": by_recipe.get(NO_REGULARIZATION),
            "early_stopping": by_recipe.get(EARLY_STOPPING_ALONE),
        }
        self.cv_results_ = cv_results(candidates)


@contextlib.contextmanager
def _nothing_to_keep(control: Control) -> Iterator[None]:
    """Let Ctrl+C end what goes before the search: it raises, since there is nothing yet to finish with."""
    with Interrupts(control.cancelled):
        yield
    if control.cancelled.is_set():
        raise KeyboardInterrupt


def _losses_by_bins(tried: Sequence[Tried], factor: float) -> dict[int, float]:
    """By number of pieces, in the target's units; nothing where they were not compared."""
    found = {}
    for one in tried:
        if isinstance(one.architecture, MLP) and math.isfinite(one.loss):
            found[one.architecture.n_bins] = one.loss * factor
    return found


def _written(value: Any) -> Any:
    """A parameter as JSON has it, or as its ``repr`` where it has no such form."""
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_written(one) for one in value]
    if hasattr(value, "__qualname__"):  # a function or a class
        return f"{value.__module__}.{value.__qualname__}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))  # where it lies in memory is another every time


def _printer() -> Callable[[Progress], None]:
    """Print a line for every candidate."""
    reported = 0

    def show(progress: Progress) -> None:
        nonlocal reported
        if math.isnan(progress.best) or (progress.done == reported and not progress.finishing):
            return
        reported = progress.done
        total = f" of {progress.total}" if progress.total else ""
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        print(
            f"taut: {progress.done}{total} candidates, {progress.folds} folds, best loss {progress.best:.4g} "
            f"(early stopping alone {progress.baseline:.4g}){left}",
            file=sys.stderr,
            flush=True,
        )

    return show
