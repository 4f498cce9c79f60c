"""What a report asks of a result, whoever made it: an estimator of a table, a search over a person's network.

The sections know this alone. An estimator is made one of these in one place, :func:`reported`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.estimators.base import TautEstimator
from taut.estimators.calibrating import Calibrated
from taut.evidence.estimate import Estimate
from taut.evidence.importance import Importance
from taut.evidence.simple_baselines import SimpleBaseline
from taut.learning.objective import loss_name
from taut.learning.training import Curve
from taut.network import Network
from taut.recipe import Recipe
from taut.report import class_weight
from taut.report.harmless import is_value
from taut.report.schema import Task
from taut.selection.choice import Selection
from taut.selection.score import CandidateScore
from taut.store import fingerprint
from taut.table.schema import ColumnSchema

#: ``train_loss`` and ``validation_loss`` by epoch, NaN where nothing was held out: shape (n_epochs,).
History: TypeAlias = Mapping[str, NDArray[np.floating]]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Search:
    """How the recipe was found."""

    candidates: tuple[CandidateScore, ...]  # as they were tried
    chosen: int  # its place among them
    baselines: Mapping[str, CandidateScore | None]  # "none" and "early_stopping"; None of what was not tried
    n_folds: int
    selection: Selection = "best"
    scoring: str | None = None  # what the person's scorer is called, if one chose
    simple: tuple[SimpleBaseline, ...] = ()  # with what the chosen recipe gains over each
    estimate: Estimate | None = None
    seconds: float | None = None
    #: By a candidate's place the folds' curves and counted weights (:mod:`taut.selection.weights`) of those
    #: with one technique at most beside early stopping.
    runs: Mapping[int, tuple[tuple[Curve, ...], NDArray[np.int64]]] = field(default_factory=dict)

    @property
    def best(self) -> CandidateScore:
        """The chosen one."""
        return self.candidates[self.chosen]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """What only a result of a table has."""

    columns: tuple[ColumnSchema, ...]
    n_features: int  # numbers that enter the network
    classes: list[str] | None
    network: Network
    n_bins: int = 0
    n_bins_losses: dict[int, float] = field(default_factory=dict)  # by which that was decided
    importance: Importance | None = None  # as far as it was measured
    calibrated: Calibrated = Calibrated()  # what out-of-fold probabilities tell


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Reported:
    """A result as a report asks for it; None is what nobody noted, or what it has not."""

    task: Task  # what saved files call it
    loss: str  # what it is called, such as "cross-entropy"
    metric: str  # what the score is called, such as "accuracy", which is told in per cent
    recipe: Recipe
    histories: Mapping[str, Sequence[History]]  # by network those of its folds; or of the "single" one
    learning_rate: float
    batch_size: int
    max_epochs: int
    n_parameters: int  # of one network
    zero_share: float  # of the weights, how many are exactly zero
    fingerprint: str  # tells these networks from others
    kind: str  # what made it
    call: str  # and how, as Python
    unregularized: str = "no regularization"  # what the network is called before anything was put into it
    architecture: str = ""  # such as "a network of 3 convolutions"; of a table it is told from its network
    best_epoch: int | None = None  # the one that is kept
    n_networks: int = 1  # that are averaged
    n_rows: int | None = None  # that were learned from
    n_identical: int | None = None  # that another row is identical to
    seed: str | None = None
    repeats: bool = False  # whether the same call gives the same again
    class_weight: str | None = None  # as Python
    given: Sequence[str] = ()  # beside the rows, such as "sample_weight"
    notes: Sequence[str] = ()  # what was noticed while reading
    signs: list[str] | None = None  # of trouble in the data, in sentences
    interrupted: bool = False
    search: Search | None = None  # none of a recipe that was given
    table: Table | None = None

    def label_of(self, recipe: Recipe) -> str:
        """What a network with this recipe is called."""
        return recipe.describe() if recipe.active else self.unregularized


def reported(estimator: TautEstimator) -> Reported:
    """Ask a fitted or loaded estimator; what a loaded one does not know is None."""
    model, seed = estimator.model_, estimator.random_state
    networks, classes = model.networks, model.target.classes
    network, weight = networks[0].network, getattr(estimator, "class_weight", None)
    rows, signs = getattr(estimator, "row_losses_", None), getattr(estimator, "signs_", None)
    search = search_of(estimator) if isinstance(estimator, (TautClassifierCV, TautRegressorCV)) else None
    whole = isinstance(seed, (int, np.integer)) and getattr(estimator, "time_limit", None) is None
    return Reported(
        task=estimator._task,
        loss=loss_name(estimator._task, getattr(estimator, "class_weighted_", False)),
        metric="R²" if classes is None else "accuracy",
        recipe=estimator.recipe_,
        histories=estimator.history_ if search else {"single": (estimator.history_,)},
        learning_rate=float(estimator.learning_rate_),
        batch_size=int(estimator.batch_size_),
        max_epochs=int(estimator.max_epochs),
        best_epoch=getattr(estimator, "best_epoch_", None),
        n_parameters=network.n_parameters(batch_norm=networks[0].normalize),
        n_networks=len(networks),
        zero_share=getattr(estimator, "zero_share_", float(np.mean([one.zero_share for one in networks]))),
        fingerprint=fingerprint(one.weights for one in networks),
        n_rows=getattr(estimator, "n_rows_", None if rows is None else rows.shape[1]),
        n_identical=getattr(estimator, "n_identical_rows_", None),
        kind=type(estimator).__name__,
        call=call_of(estimator),
        seed=None if seed is None else _code(seed),
        repeats=whole and not estimator.interrupted_,
        class_weight=None if weight is None else class_weight.written(weight),
        given=getattr(estimator, "_given", ()),
        notes=[str(note) for note in getattr(estimator, "notes_", ())],
        signs=None if signs is None else [sign.sentence for sign in signs],
        interrupted=bool(estimator.interrupted_),
        search=search,
        table=Table(
            columns=model.schema.columns,
            n_features=len(networks[0].encoder.names),
            classes=None if classes is None else [str(one) for one in classes.tolist()],
            network=network,
            n_bins=model.n_bins,
            n_bins_losses=getattr(estimator, "n_bins_losses_", {}),
            importance=getattr(estimator, "importance_", None),
            calibrated=Calibrated(
                *(getattr(estimator, name, None) for name in ("calibration_", "confusion_", "thresholds_"))
            ),
        ),
    )


def search_of(estimator: TautClassifierCV | TautRegressorCV) -> Search:
    """The part of it that is how the recipe was found."""
    estimate, best = getattr(estimator, "estimate_", None), estimator.best_
    scoring = estimator.scoring
    if best.scoring is None:
        scoring = None
    elif not isinstance(scoring, str):  # a function's name is in the estimate, after loading too
        scoring = "the scorer" if estimate is None else estimate.score_name
    return Search(
        candidates=estimator.candidates_,
        chosen=int(estimator.best_index_),
        baselines=estimator.baseline_,
        n_folds=estimator.n_splits_,
        selection=estimator.selection,
        scoring=scoring,
        simple=tuple(getattr(estimator, "simple_baselines_", {}).values()),
        estimate=estimate,
        seconds=getattr(estimator, "search_seconds_", None),
        runs=getattr(estimator, "_plain_runs", {}),
    )


def call_of(estimator: TautEstimator) -> str:
    """The estimator as Python, with the parameters that are not as they usually are."""
    silent = {"n_jobs", "verbose", "on_candidate", "on_batch"}
    values = estimator.get_params(deep=False)
    given = [
        f"{name}={_code(values[name])}"
        for name, usual in inspect.signature(type(estimator)).parameters.items()
        if name not in silent and _code(values[name]) != _code(usual.default)
    ]
    return f"{type(estimator).__name__}({', '.join(given)})"


def _code(value: object) -> str:
    """As it shows itself, on one line; ``...`` for what does more than make a value where it is pasted."""
    if isinstance(value, np.generic):
        value = value.item()
    shown = class_weight.written(value) if isinstance(value, dict) else repr(value)
    code = re.sub(r"\s*\n\s*", " ", re.sub(r" at 0x[0-9a-fA-F]+", "", shown))
    return code if is_value(code) else "..."
