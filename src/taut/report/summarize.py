"""The facts of a search, computed once: every output renders these and computes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import ParameterError
from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.evidence.estimate import Estimate
from taut.evidence.interval import NONE, Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.learning.objective import loss_name
from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE
from taut.selection.choice import Selection
from taut.selection.failures import DIVERGED
from taut.selection.score import CandidateScore, is_within_chance, paired_change
from taut.selection.space import SEARCHED, is_single
from taut.techniques import EarlyStopping

CrossValidated: TypeAlias = TautClassifierCV | TautRegressorCV
State: TypeAlias = Literal["scored", "dropped", "cut off", "diverged", "no score", "not tried"]
Baseline: TypeAlias = Literal["none", "early_stopping"]

NAN = float("nan")


@final
@dataclass(frozen=True)
class Line:
    """One line of the comparison; numbers that are not there are NaN.

    Attributes
    ----------
    label : str
        Such as "no regularization", "dropout 0.5" or "chosen recipe".
    recipe : Recipe or None
        None where nothing of the kind was tried.
    state : str
        "dropped": it lost the race, and its figures are those of the folds that it has. "cut off" by the time
        limit or Ctrl+C: its figures are those of the epochs that it got.
    train_loss, validation_loss : float
        Means over the folds, without penalties: cross-entropy in nats, or squared error in the target's
        units.
    standard_error : float
        Of the validation loss, over the folds; NaN with one.
    gap : float
        Validation loss less training loss.
    metric : float
        Accuracy or R squared, mean over the folds.
    epochs : int
        The epoch whose weights are kept; 0 where there is none.
    zero_share : float
        Share of weights that are exactly zero.
    scoring : float
        What the person's scorer says, mean over the folds; NaN without one.
    """

    label: str
    recipe: Recipe | None
    state: State
    train_loss: float = NAN
    validation_loss: float = NAN
    standard_error: float = NAN
    gap: float = NAN
    metric: float = NAN
    epochs: int = 0
    zero_share: float = NAN
    scoring: float = NAN


@final
@dataclass(frozen=True)
class Change:
    """What the chosen recipe changed against a baseline.

    Attributes
    ----------
    against : str
        "none" (no regularization) or "early_stopping" (alone).
    share : Interval
        By which share of the baseline's validation loss it is lower: over the rows and corrected for having
        picked the best, as the estimate has it; where that has none, over the folds.
    difference : float
        Mean over the folds of the baseline's validation loss less that of the chosen recipe.
    standard_error : float
        Of these paired differences over the folds: the folds' own ups and downs cancel. NaN with one fold.
    """

    against: Baseline
    share: Interval
    difference: float
    standard_error: float

    @property
    def within_chance(self) -> bool | None:
        """Whether the share's 95 % interval holds zero; None where there is none."""
        return is_within_chance(self.share.low, self.share.high)


@final
@dataclass(frozen=True)
class Summary:
    """What a search found.

    Attributes
    ----------
    loss, metric : str
        What they are called: "cross-entropy" ("class-weighted cross-entropy") and "accuracy", or "squared
        error" and "R²".
    n_folds, n_candidates, n_dropped, n_failed : int
        Of the ``n_candidates``, ``n_dropped`` lost the race before they had all folds, and ``n_failed`` have
        no score.
    simple : tuple of SimpleBaseline
        Always the same answer, and a linear model; with what the chosen recipe gains over each.
    lines : tuple of Line
        No regularization, early stopping alone, each technique alone at its best strength with early
        stopping, the chosen recipe.
    changes : tuple of Change
        Against each baseline that has a score and is not the chosen recipe.
    recipe : Recipe
        The chosen one.
    learning_rate : float
        That it was trained with.
    hidden : tuple of int
        Widths of its hidden layers.
    chosen_is : str or None
        The baseline that it is, if it is one; early stopping alone at another learning rate is one too.
    chosen_how : str
        How it differs from that baseline all the same: "at a lower learning rate", "with other widths"; else
        empty.
    has_lowest_loss : bool
        Whether nobody who could have been chosen has a lower loss; a scorer, or "1se", may choose another.
    selection : {"best", "1se"}
        The rule of choice.
    scoring : str or None
        What the person's scorer is called, if one chose.
    estimate : Estimate or None
        What to expect on unseen rows; None of a model that was saved before there was one.
    interrupted : bool
    """

    loss: str
    metric: Literal["accuracy", "R²"]
    n_folds: int
    n_candidates: int
    n_dropped: int
    n_failed: int
    simple: tuple[SimpleBaseline, ...]
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]
    recipe: Recipe
    learning_rate: float
    hidden: tuple[int, ...]
    chosen_is: Baseline | None
    chosen_how: str
    has_lowest_loss: bool
    selection: Selection
    scoring: str | None
    estimate: Estimate | None
    interrupted: bool

    @property
    def all_lines(self) -> tuple[Line, ...]:
        """The comparison as it is shown: what anybody would try first comes first."""
        return (*map(simple_line, self.simple), *self.lines)

    def line(self, label: str) -> Line:
        """Find a line by its label."""
        return next(line for line in self.lines if line.label == label)


NO_REGULARIZATION, EARLY_STOPPING, CHOSEN = "no regularization", "early stopping alone", "chosen recipe"


def summarize(estimator: CrossValidated) -> Summary:
    """Compute the facts of a fitted estimator's search, or of a loaded one's.

    Parameters
    ----------
    estimator : TautClassifierCV or TautRegressorCV

    Raises
    ------
    ParameterError
        Where the estimator has not searched: it has one recipe, which was given.
    """
    if not isinstance(estimator, (TautClassifierCV, TautRegressorCV)):
        raise ParameterError(
            f"a {type(estimator).__name__} has one recipe, so there is nothing to compare; use its CV form."
        )
    candidates, best = estimator.candidates_, estimator.best_
    none, early = estimator.baseline_["none"], estimator.baseline_["early_stopping"]
    lines = [_line(NO_REGULARIZATION, none), _line(EARLY_STOPPING, early)]
    for kind in SEARCHED:
        alone = _best_alone(candidates, kind)
        label = kind.page.title if alone is None else alone.recipe.without(EarlyStopping).describe()
        lines.append(_line(label, alone))
    lines.append(_line(CHOSEN, best, zero_share=estimator.zero_share_))
    baselines: dict[Baseline, CandidateScore | None] = {"none": none, "early_stopping": early}
    found = getattr(estimator, "estimate_", None)
    changes = [
        _change(name, score, best, {} if found is None else found.gains)
        for name, score in baselines.items()
        if score is not None and score is not best and _has_score(score)
    ]
    classes = isinstance(estimator, TautClassifierCV)
    return Summary(
        loss=loss_name(
            "classification" if classes else "regression", getattr(estimator, "class_weighted_", False)
        ),
        metric="accuracy" if classes else "R²",
        n_folds=estimator.n_splits_,
        n_candidates=len(candidates),
        n_dropped=sum(c.state == "dropped" for c in candidates),
        n_failed=sum(not _has_score(c) for c in candidates),
        simple=tuple(getattr(estimator, "simple_baselines_", {}).values()),
        lines=tuple(lines),
        changes=tuple(changes),
        recipe=best.recipe,
        learning_rate=best.candidate.learning_rate,
        hidden=best.candidate.architecture.widths,
        chosen_is="early_stopping"
        if best.recipe == EARLY_STOPPING_ALONE
        else next((name for name, score in baselines.items() if score is best), None),
        chosen_how=_how(best, early) if best.recipe == EARLY_STOPPING_ALONE else "",
        has_lowest_loss=not any(c.loss < best.loss for c in candidates if c.state == best.state),
        selection=estimator.selection,
        estimate=found,
        scoring=None if best.scoring is None else scorer_name(estimator.scoring, found),
        interrupted=bool(estimator.interrupted_),
    )


def scorer_name(scoring: object, estimate: Estimate | None) -> str:
    """What a scorer is called; a function's name is in the estimate, after loading too."""
    if isinstance(scoring, str):
        return scoring
    return "the scorer" if estimate is None else estimate.score_name


def _has_score(score: CandidateScore) -> bool:
    return not score.failed and math.isfinite(score.loss)


def _best_alone(candidates: tuple[CandidateScore, ...], kind: type) -> CandidateScore | None:
    """The best of those with this technique and early stopping alone; with all folds, where any has."""
    alone = [c for c in candidates if is_single(c.recipe) is kind]
    return min(alone, key=lambda c: (not c.complete, c.loss if _has_score(c) else math.inf), default=None)


_STATES: dict[str, State] = {"complete": "scored", "dropped": "dropped", "cut off": "cut off"}


def _mean(values: NDArray[np.float64]) -> float:
    """Mean over the folds that there are."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else NAN


def _line(label: str, score: CandidateScore | None, zero_share: float | None = None) -> Line:
    if score is None:
        return Line(label, None, "not tried")
    if not _has_score(score):
        # Whatever trained to an end and has no score has one's own scorer to thank.
        return Line(label, score.recipe, "diverged" if score.failed in ("", DIVERGED) else "no score")
    return Line(
        label=label,
        recipe=score.recipe,
        state=_STATES[score.state],
        train_loss=_mean(score.train_loss),
        validation_loss=_mean(score.validation_loss),
        standard_error=score.loss_se,
        gap=score.gap,
        metric=_mean(score.score),
        epochs=score.epoch,
        zero_share=score.zero_share if zero_share is None else zero_share,
        scoring=NAN if score.scoring is None else _mean(score.scoring),
    )


def simple_line(model: SimpleBaseline) -> Line:
    """A simple model's line; a constant has no epoch and no weights."""
    return Line(
        label=model.label,
        recipe=None,
        state="scored",
        train_loss=_mean(model.train_loss),
        validation_loss=model.loss,
        standard_error=model.loss_se,
        gap=model.loss - _mean(model.train_loss),
        metric=_mean(model.score),
        epochs=model.epoch,
        scoring=NAN if model.scoring is None else _mean(model.scoring),
    )


def _change(
    against: Baseline, baseline: CandidateScore, best: CandidateScore, gains: Mapping[str, Interval]
) -> Change:
    folds = paired_change(best.validation_loss, baseline.validation_loss, best.n_repeats)
    share = gains.get(against, NONE)
    if not math.isfinite(share.value):
        share = Interval(folds.share, folds.low, folds.high)
    return Change(against, share, folds.difference, folds.standard_error)


def _how(best: CandidateScore, baseline: CandidateScore | None) -> str:
    """How a candidate differs from the baseline with the same recipe."""
    if baseline is None or best is baseline:
        return ""
    own, usual = best.candidate, baseline.candidate
    parts = []
    if own.learning_rate != usual.learning_rate:
        word = "lower" if own.learning_rate < usual.learning_rate else "higher"
        parts.append(f"at a {word} learning rate")
    if own.architecture != usual.architecture:
        parts.append("with other widths")
    return " and ".join(parts)
