"""What anybody would try first, on the same folds: always the same answer, and a linear model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import NONE, Interval, over_folds
from taut.evidence.skew import skewed_interval
from taut.learning.architecture import Architecture
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Status
from taut.selection.candidate import EARLY_STOPPING_ALONE, Candidate
from taut.selection.failures import ScorerError
from taut.selection.folds import n_repeats, out_of_fold
from taut.selection.race import Race, Rule, Trial
from taut.selection.runner import Runner
from taut.selection.score import paired_change, standard_error
from taut.selection.scored_epochs import FoldScorer, TimedScorer
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.selection.trial_scorer import TrialScorer
from taut.selection.trial_store import TrialStore

Kind: TypeAlias = Literal["constant", "linear"]
Vector: TypeAlias = NDArray[np.float64]

#: Of the linear model, whatever the network's is: a single layer bears a higher rate, and at 0.001 it has not
#: converged after 300 epochs of few rows. On eight tables its loss is 0.92 to 1.11 times that of the better
#: of scikit-learn's (benchmarks/simple_baselines.py).
LINEAR_RATE = 1e-2
# Of the linear model in a search's trial store: beyond the highest number of candidates.
_NUMBER = 10**9
# As in taut.evidence.estimate: the networks' own luck is in no row.
_WIDER = 1.2


@final
@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What a model does on the rows of a table where they are held out.

    Parameters
    ----------
    losses : float array, shape (n_rows,)
        Each row's mean over the folds that hold it out; NaN where none does.
    correct : float array, shape (n_rows,), or None
        The share of these folds in which its class was right; None for regression.
    scoring : float64 array, shape (n_folds,), or None
        What the person's scorer says.
    """

    losses: NDArray[np.floating]
    correct: NDArray[np.floating] | None
    scoring: Vector | None


@final
@dataclass(frozen=True, eq=False)
class SimpleBaseline:
    """A simple model, cross-validated on the same folds as the networks.

    Attributes
    ----------
    kind : {"constant", "linear"}
        Always the most frequent class (with the classes' shares as probabilities) or the mean; or a network
        that is linear and stops early.
    label : str
        Such as "always 'no'", "always the mean" or "linear model".
    train_loss, validation_loss, score : float64 array, shape (n_folds,)
        As those of a candidate; losses in the target's own units.
    scoring : float64 array, shape (n_folds,), or None
        What the person's scorer says; None without one, and where it has no value for this model.
    epoch : int
        The epoch that is best on all folds' mean curve; 0 of a constant.
    n_repeats : int
        How often the folds hold out all rows, where they were made anew.
    gain : Interval
        Which share of this model's loss on unseen rows the network saves: 95 %, over the rows.
    score_gain : Interval
        By how much the network's score is higher: accuracy over the rows, or the person's scorer over the
        folds. NaN for regression without a scorer, whose R squared says what the loss does.
    """

    kind: Kind
    label: str
    train_loss: Vector
    validation_loss: Vector
    score: Vector
    scoring: Vector | None
    epoch: int
    n_repeats: int = 1
    gain: Interval = NONE
    score_gain: Interval = NONE
    rows: OutOfFold | None = field(default=None, repr=False)

    @property
    def loss(self) -> float:
        """Mean validation loss over the folds."""
        return float(np.mean(self.validation_loss))

    @property
    def loss_se(self) -> float:
        """Standard error of that mean; NaN with one fold."""
        return standard_error(self.validation_loss, self.n_repeats)

    def in_units(self, factor: float) -> SimpleBaseline:
        """The same with losses in other units, and without the rows, which are in the engine's."""
        return replace(
            self,
            train_loss=self.train_loss * factor,
            validation_loss=self.validation_loss * factor,
            rows=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; see :meth:`from_dict`."""
        return {
            "kind": self.kind,
            "label": self.label,
            "train_loss": self.train_loss.tolist(),
            "validation_loss": self.validation_loss.tolist(),
            "score": self.score.tolist(),
            "scoring": None if self.scoring is None else self.scoring.tolist(),
            "epoch": self.epoch,
            "n_repeats": self.n_repeats,
            "gain": self.gain.to_dict(),
            "score_gain": self.score_gain.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SimpleBaseline:
        """Make it again; None stands for NaN."""
        return cls(
            kind=data["kind"],
            label=str(data["label"]),
            train_loss=np.array(data["train_loss"], dtype=np.float64),
            validation_loss=np.array(data["validation_loss"], dtype=np.float64),
            score=np.array(data["score"], dtype=np.float64),
            scoring=None if data["scoring"] is None else np.array(data["scoring"], dtype=np.float64),
            epoch=int(data["epoch"]),
            n_repeats=int(data["n_repeats"]),
            gain=Interval.from_dict(data["gain"]),
            score_gain=Interval.from_dict(data["score_gain"]),
        )


def simple_baselines(
    trainer: Trainer,
    folds: Sequence[Fold],
    linear: Architecture | None,
    classes: NDArray[Any] | None,
    control: Control,
    scorer: FoldScorer | None = None,
    *,
    trial_store: TrialStore | None = None,
) -> tuple[SimpleBaseline, ...]:
    """Cross-validate what anybody would try first.

    Parameters
    ----------
    trainer : Trainer
    folds : sequence of Fold
        Each with rows held out.
    linear : Architecture or None
        The linear model; None where there is none, or the networks are linear themselves.
    classes : array, shape (n_classes,), or None
        Their names; None for regression.
    control : Control
        Where it ends the linear model early, that is left out; and what the scorer says of a constant, where
        it takes longer.
    scorer : callable, optional
        The person's; see :data:`taut.selection.scored_epochs.FoldScorer`.
    trial_store : TrialStore, optional
        Where the linear model's finished work is kept, beside that of a search.

    Returns
    -------
    tuple of SimpleBaseline
        In the engine's units, with their rows and without gains.
    """
    found = [_constant(trainer.problem, folds, classes, control, scorer)]
    if linear is not None:
        one = _linear(trainer, folds, linear, control, scorer, trial_store)
        found += [] if one is None else [one]
    return tuple(found)


def gained(
    models: Sequence[SimpleBaseline],
    network: OutOfFold,
    problem: Problem,
    loss_price: float = 0.0,
    score_price: float = 0.0,
    score_span: float = math.inf,
) -> tuple[SimpleBaseline, ...]:
    """What a network gains over each of these, with intervals.

    Parameters
    ----------
    models : sequence of SimpleBaseline
        With their rows.
    network : OutOfFold
    problem : Problem
        Whose rows they are, with their weights.
    loss_price, score_price : float
        How much of the network's loss and score is due to having picked it among many: its loss is that much
        higher on unseen rows, its score that much higher too (so that a price of a score is negative).
    score_span : float
        The most by which two values of the person's scorer can differ.
    """
    out = []
    for model in models:
        rows = model.rows
        assert rows is not None
        gain = _gain(rows.losses, network.losses, problem.score_weight, loss_price)
        score_gain = NONE
        if rows.scoring is not None and network.scoring is not None:
            away = network.scoring - rows.scoring
            score_gain = over_folds(float(np.mean(away)) + score_price, away, model.n_repeats)
            score_gain = score_gain.within(-score_span, score_span)
            if not away.any():
                score_gain = Interval(0.0, 0.0, 0.0)  # as in _difference
        elif rows.correct is not None and network.correct is not None and network.scoring is None:
            score_gain = _difference(network.correct - rows.correct, problem.row_weight, score_price).within(
                -1.0, 1.0
            )
        out.append(replace(model, gain=gain, score_gain=score_gain))
    return tuple(out)


def gained_over_folds(
    models: Sequence[SimpleBaseline], validation_loss: Vector
) -> tuple[SimpleBaseline, ...]:
    """What a network gains over each of these where only its folds' losses are known, shape (n_folds,)."""
    out = []
    for model in models:
        change = paired_change(validation_loss, model.validation_loss, model.n_repeats)
        out.append(replace(model, gain=Interval(change.share, change.low, change.high)))
    return tuple(out)


def _constant(
    problem: Problem,
    folds: Sequence[Fold],
    classes: NDArray[Any] | None,
    control: Control,
    scorer: FoldScorer | None,
) -> SimpleBaseline:
    """Always the training rows' mean; or their shares of the classes, and the most frequent of these."""
    objective = problem.objective
    train, validation, right, scoring = (np.full(len(folds), np.nan) for _ in range(4))
    losses: list[NDArray[np.floating]] = []
    correct: list[NDArray[np.floating]] = []
    for k, fold in enumerate(folds):
        answer = problem.constant(fold.train)

        def outputs(rows: NDArray[np.int32], answer: NDArray[np.float64] = answer) -> NDArray[np.float64]:
            return np.broadcast_to(answer, (len(rows), len(answer)))

        held = problem.row_results(outputs(fold.validation), fold.validation)
        trained = problem.row_results(outputs(fold.train), fold.train).losses
        train[k] = _mean(problem.score_weight, fold.train, trained)
        validation[k] = _mean(problem.score_weight, fold.validation, held.losses)
        losses.append(held.losses)
        if objective.n_classes:
            # Not the largest probability: where the classes are weighted, all of these may be the same.
            usual = _most_frequent(problem, fold.train)
            correct.append((problem.target[fold.validation] == usual).astype(np.float32))
            right[k] = _mean(problem.row_weight, fold.validation, correct[-1])
        in_time = not isinstance(scorer, TimedScorer) or scorer.fits(len(folds) - k, control)
        if scorer is not None and in_time:
            scoring[k] = _scored(scorer, k, outputs(fold.validation))
    whole = np.isfinite(scoring).all()
    label = "always the mean"
    if objective.n_classes:
        usual = _most_frequent(problem, np.arange(len(problem)))
        label = f"always class {usual}" if classes is None else f"always {_shortened(classes[usual])}"
    n = len(problem)
    return SimpleBaseline(
        kind="constant",
        label=label,
        train_loss=train,
        validation_loss=validation,
        score=objective.scores(validation, right, problem.spreads(folds)),
        scoring=scoring if whole else None,
        epoch=0,
        n_repeats=n_repeats(folds),
        rows=OutOfFold(
            out_of_fold(folds, losses, n),
            out_of_fold(folds, correct, n) if correct else None,
            scoring if whole else None,
        ),
    )


def _linear(
    trainer: Trainer,
    folds: Sequence[Fold],
    linear: Architecture,
    control: Control,
    scorer: FoldScorer | None,
    trial_store: TrialStore | None,
) -> SimpleBaseline | None:
    """A linear model with early stopping alone; None where it was cut off or diverged."""
    runner = Runner(trainer, Stages(tuple(folds)), trial_store, for_scorer=scorer is not None)
    trial = Trial(_NUMBER, Candidate(EARLY_STOPPING_ALONE, LINEAR_RATE, linear))
    for k, run in enumerate(runner.first([trial.job(k) for k in range(len(folds))], control)):
        if run is None or run.status is Status.DIVERGED:
            return None
        trial.runs[k] = run
    score = TrialScorer(runner, Race(runner, Rule()), scorer).finish(trial, 0, control)
    if score is None or not score.complete:
        return None
    runs = [(trial.runs[k], int(score.fold_epochs[k])) for k in range(len(folds))]
    n, classes = len(trainer.problem), trainer.problem.objective.n_classes
    return SimpleBaseline(
        kind="linear",
        label="linear model",
        train_loss=score.train_loss,
        validation_loss=score.validation_loss,
        score=score.score,
        scoring=score.scoring,
        epoch=score.epoch,
        n_repeats=score.n_repeats,
        rows=OutOfFold(
            out_of_fold(folds, [run.losses[epoch] for run, epoch in runs], n),
            out_of_fold(folds, [run.correct[epoch] for run, epoch in runs], n) if classes else None,
            score.scoring,
        ),
    )


def _scored(scorer: FoldScorer, fold: int, outputs: NDArray[np.float64]) -> float:
    """What the person's scorer says of a constant; NaN where it says nothing, as a correlation."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return scorer(fold, outputs)
        except (ArithmeticError, ValueError, ScorerError):
            return math.nan


def _mean(
    weight: NDArray[np.floating] | None, rows: NDArray[np.integer], values: NDArray[np.floating]
) -> float:
    return float(np.average(values.astype(np.float64), weights=None if weight is None else weight[rows]))


def _most_frequent(problem: Problem, rows: NDArray[np.integer]) -> int:
    """The number of the class that most rows have, without the weights of the classes."""
    weight = None if problem.row_weight is None else problem.row_weight[rows]
    counts = np.bincount(problem.target[rows].astype(np.intp), weight, problem.objective.n_classes)
    return int(counts.argmax())


def _shortened(value: Any) -> str:
    """A class as a person would write it, in a table's first column."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 24 else f"{text[:21]}..."


def _gain(
    simple: NDArray[np.floating],
    network: NDArray[np.floating],
    weight: NDArray[np.floating] | None,
    price: float,
) -> Interval:
    """Which share of the simple model's loss is saved: ``1 - c / s``, with the spread of that ratio's rows.

    The interval is that of ``log(c / s)``, whose influence function (Hampel, 1974) is
    ``(c_i - c) / c - (s_i - s) / s``: a ratio of 40 is as far from 1 as one of 1/40, and none is below 0.
    """
    known = np.isfinite(simple) & np.isfinite(network)
    used = None if weight is None else weight[: len(known)][known]
    s, c = simple[known].astype(np.float64), network[known].astype(np.float64)
    if not len(s) or (used is not None and not used.sum() > 0):
        return NONE
    own, other = float(np.average(c, weights=used)), float(np.average(s, weights=used))
    if not other > 0:
        return NONE
    if not min(own, own + price) > 0:
        return Interval(1.0, 1.0, 1.0)
    rows = math.log(other / own) - (c / own - 1.0) + (s / other - 1.0)
    found = skewed_interval(math.log(other / (own + price)), rows, used, _WIDER)
    value, low, high = (1.0 - math.exp(-min(end, 700.0)) for end in (found.value, found.low, found.high))
    return Interval(value, low, high)


def _difference(rows: NDArray[np.floating], weight: NDArray[np.floating] | None, price: float) -> Interval:
    """By how much a share of rows is higher."""
    known = np.isfinite(rows)
    used = None if weight is None else weight[: len(known)][known]
    if not known.any() or (used is not None and not used.sum() > 0):
        return NONE
    if not rows[known].any():
        return Interval(0.0, 0.0, 0.0)  # the same in every row, whatever the network is due to
    value = float(np.average(rows[known], weights=used)) + price
    return skewed_interval(value, rows[known].astype(np.float64), used, _WIDER)
