"""What regularization brought: the chosen recipe beside the baselines and each technique alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.certainty import certainty_of, change_text, share_text
from taut.evidence.interval import NONE, Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.evidence.simple_words import against_simple, constants, doubts, others
from taut.report.reported import Reported, Search
from taut.report.schema import ComparisonFacts, LineFacts, SimpleFacts
from taut.selection.candidate import EARLY_STOPPING_ALONE
from taut.selection.failures import DIVERGED
from taut.selection.score import CandidateScore, is_within_chance, paired_change
from taut.selection.space import SEARCHED, is_single
from taut.techniques import EarlyStopping
from taut.wording import capital, number

#: "dropped": it lost the race, and its figures are those of the folds that it has. "cut off" by the time
#: limit or Ctrl+C: its figures are those of the epochs that it got.
State: TypeAlias = Literal["scored", "dropped", "cut off", "diverged", "no score", "not tried"]

EARLY_STOPPING, CHOSEN = "early stopping alone", "chosen recipe"
_STATES: dict[str, State] = {"complete": "scored", "dropped": "dropped", "cut off": "cut off"}


@final
@dataclass(frozen=True)
class Change:
    """What the chosen recipe changed against a baseline.

    ``share`` tells by which share of the baseline's validation loss it is lower: over the rows and corrected
    for having picked the best, as the estimate has it; where that has none, over the folds. ``difference`` is
    the mean over the folds, and ``standard_error`` of these paired differences: the folds' own ups and downs
    cancel.
    """

    against: str
    share: Interval
    difference: float
    standard_error: float


def facts(result: Reported) -> ComparisonFacts | None:
    """No regularization, early stopping alone, each technique alone at its best strength, the chosen recipe.

    None of a result that searched nothing.
    """
    search = result.search
    if search is None:
        return None
    labels = baselines(result)
    lines = [_line(label, search.baselines[name]) for name, label in labels.items()]
    for kind in SEARCHED:
        alone = _best_alone(search.candidates, kind)
        label = kind.page.title if alone is None else alone.recipe.without(EarlyStopping).describe()
        lines.append(_line(label, alone))
    lines.append({**_line(CHOSEN, search.best), "zero_share": result.zero_share})
    changes, best = changes_of(search), search.best
    chosen_is = next((name for name, score in search.baselines.items() if score is best), None)
    if best.recipe == EARLY_STOPPING_ALONE:  # at another learning rate too
        chosen_is = "early_stopping"
    found: ComparisonFacts = {
        "sentences": [],
        "simple": [_simple(model) for model in search.simple],
        "doubts": doubts(search.simple),
        "lines": lines,
        "changes": [
            {
                "against": one.against,
                "share": one.share.value,
                "low": one.share.low,
                "high": one.share.high,
                "difference": one.difference,
                "standard_error": one.standard_error,
                "within_chance": is_within_chance(one.share.low, one.share.high),
            }
            for one in changes
        ],
        "chosen_is": chosen_is,
        "has_lowest_loss": not any(c.loss < best.loss for c in search.candidates if c.state == best.state),
        "estimate": None if search.estimate is None else cast(Any, search.estimate.to_dict()),
    }
    return {**found, "sentences": _Words(found, changes, search, result.metric, labels).all()}


def baselines(result: Reported) -> dict[str, str]:
    """What the two baselines are called."""
    return {"none": result.unregularized, "early_stopping": EARLY_STOPPING}


def has_score(score: CandidateScore) -> bool:
    """Whether it trained to an end, and its scorer gave a number."""
    return not score.failed and math.isfinite(score.loss)


def changes_of(search: Search) -> list[Change]:
    """Against each baseline that has a score and is not the chosen recipe."""
    best, changes = search.best, []
    gains = {} if search.estimate is None else search.estimate.gains
    for name, score in search.baselines.items():
        if score is not None and score is not best and has_score(score):
            folds = paired_change(best.validation_loss, score.validation_loss, best.n_repeats)
            share = gains.get(name, NONE)
            if not math.isfinite(share.value):
                share = Interval(folds.share, folds.low, folds.high)
            changes.append(Change(name, share, folds.difference, folds.standard_error))
    return changes


def _best_alone(candidates: Sequence[CandidateScore], kind: type) -> CandidateScore | None:
    """The best of those with this technique and early stopping alone; with all folds, where any has."""
    alone = [c for c in candidates if is_single(c.recipe) is kind]
    return min(alone, key=lambda c: (not c.complete, c.loss if has_score(c) else math.inf), default=None)


def mean(values: NDArray[np.floating] | None) -> float | None:
    """Over the folds that there are; None where there are none."""
    known = np.empty(0) if values is None else values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _line(label: str, score: CandidateScore | None) -> LineFacts:
    """Means over the folds, without penalties; of what was not tried, or has no score, nothing but that."""
    known = score if score is not None and has_score(score) else None
    # Whatever trained to an end and has no score has one's own scorer to thank.
    diverged: State = "diverged" if score is None or score.failed in ("", DIVERGED) else "no score"
    return {
        "label": label,
        "recipe": None if score is None else score.recipe.to_json(),
        "state": "not tried" if score is None else _STATES[known.state] if known else diverged,
        "train_loss": mean(known.train_loss) if known else None,
        "validation_loss": mean(known.validation_loss) if known else None,
        "standard_error": known.loss_se if known else None,
        "gap": known.gap if known else None,
        "metric": mean(known.score) if known else None,
        "epochs": known.epoch if known else 0,
        "zero_share": known.zero_share if known else None,
        "scoring": mean(known.scoring) if known else None,
    }


def _simple(model: SimpleBaseline) -> SimpleFacts:
    """A simple model's line; a constant has no epoch and no weights."""
    train = mean(model.train_loss)
    return {
        **_line(model.label, None),
        "state": "scored",
        "train_loss": train,
        "validation_loss": model.loss,
        "standard_error": model.loss_se,
        "gap": None if train is None else model.loss - train,
        "metric": mean(model.score),
        "epochs": model.epoch,
        "scoring": mean(model.scoring),
        "kind": model.kind,
        "gain": cast(Any, model.gain.to_dict()),
        "score_gain": cast(Any, model.score_gain.to_dict()),
    }


# --- in words -----------------------------------------------------------------------------------------------


# A module as it is may have regularization of its own; where there is none at all, it is said.
_WITHOUT = {"no regularization": "Without regularization"}
_NETWORKS = {"no regularization": "the network without any"}


@final
@dataclass(frozen=True)
class _Words:
    """What regularization did, in a few honest sentences; what to expect is told from the estimate itself."""

    found: ComparisonFacts
    changes: list[Change]
    search: Search
    metric: str
    labels: dict[str, str]

    def all(self) -> list[str]:
        search, chosen = self.search, self.found["lines"][-1]
        sentences = self._verdict()
        if search.scoring:  # what was asked for comes first
            sentences.insert(0, self._reason())
        elif not self.found["has_lowest_loss"]:
            sentences.append(self._reason())
        if self.found["lines"][0]["state"] == "diverged":
            name = self.labels["none"]
            sentences.append(f"{_WITHOUT.get(name, f'With {name}')}, training diverged.")
        score = chosen["metric"] if search.scoring is None else chosen["scoring"]
        score = math.nan if score is None else score
        name = "score" if search.scoring == "the scorer" else search.scoring or self.metric
        # Whoever is not surely better than one answer to all has nothing else to be glad of.
        sentences = against_simple(constants(search.simple), score, name) + sentences
        sentences += against_simple(others(search.simple), score, name)
        if search.n_folds == 1 and any(math.isnan(change.share.low) for change in self.changes):
            sentences.append("With one validation set, nothing tells how much of this is chance.")
        return sentences

    def _verdict(self) -> list[str]:
        """What was chosen, and by how much it is better: what is sure first, then what may be chance."""
        chosen_is, lowest = self.found["chosen_is"], self.found["has_lowest_loss"]
        candidates = self.search.candidates
        tried = f"of the {len(candidates)} candidates tried"
        n_dropped = sum(c.state == "dropped" for c in candidates)
        if n_dropped:  # their losses are of some of the folds
            n_whole = len(candidates) - n_dropped - sum(not has_score(c) for c in candidates)
            tried = f"of the {n_whole} candidates that had all folds"
        nothing = all(line["state"] == "not tried" for line in self.found["lines"][2:-1])
        last = ["No technique but early stopping was tried: give more time, or more candidates."] * nothing
        better = [change for change in self.changes if change.difference > 0]
        sure = [change for change in better if certainty_of(change.share) == "sure"]
        if chosen_is == "none" and lowest:
            name = _NETWORKS.get(self.labels["none"], self.labels["none"])
            first = f"Regularization did not help here: {name} had the lowest loss {tried}."
            return [first, *last]
        if chosen_is:
            name = " ".join(filter(None, (capital(self.labels[chosen_is]), self._how())))
            first = f"{name} was chosen"
            if lowest:
                first = f"{name} had the lowest loss {tried}"
                first += "" if nothing else "; no other technique added to it"
            first += f". It lowered the validation loss {self._lowered(sure)}" if sure else ""
        elif sure:
            first = f"Regularization lowered the validation loss {self._lowered(sure)}"
        elif better:
            first = "That regularization lowers the loss is not sure here"
        elif lowest:
            first = f"The chosen recipe had the lowest loss {tried}"
        else:
            first = "The chosen recipe did not lower the validation loss"
        unsure = [
            f"The loss is {change_text(one.share, than=f'with {self._against(one)}')}."
            for one in better
            if one not in sure
        ]
        return [f"{first}.", *unsure, *last]

    def _how(self) -> str:
        """How the chosen one differs from the baseline that has its recipe: "at a lower learning rate"."""
        best, usual = self.search.best, self.search.baselines["early_stopping"]
        if best.recipe != EARLY_STOPPING_ALONE or usual is None or best is usual:
            return ""
        own, other, parts = best.candidate, usual.candidate, []
        if own.learning_rate != other.learning_rate:
            word = "lower" if own.learning_rate < other.learning_rate else "higher"
            parts.append(f"at a {word} learning rate")
        if own.architecture.widths != other.architecture.widths:
            parts.append("with other widths")
        return " and ".join(parts)

    def _lowered(self, changes: Sequence[Change]) -> str:
        """Such as "by 22 % (95 % interval 15 to 29 %) against no regularization, and by ..."."""
        return ", and ".join(f"by {share_text(one.share)} against {self._against(one)}" for one in changes)

    def _against(self, change: Change) -> str:
        name = self.labels[change.against]
        usual = change.against == self.found["chosen_is"] and "learning rate" in self._how()
        return f"{name} at the usual learning rate" if usual else name

    def _reason(self) -> str:
        """Why this one, where not (or not only) for its loss."""
        if not self.search.scoring and self.search.selection == "best":
            return "Others had a lower loss, but what they gained over early stopping alone is less sure."
        if not self.search.scoring:
            return (
                "Others had a lower loss: of those within one standard error of the best, this one has the "
                "smallest gap."
            )
        chosen, lines = self.found["chosen_is"], self.found["lines"]
        against = [
            f"{number(line['scoring'])} of {line['label']}"
            for name, line in zip(self.labels, lines, strict=False)
            if line["scoring"] is not None and name != chosen
        ]
        own = lines[-1]["scoring"]
        reached = f"Chosen by {self.search.scoring}: {number(math.nan if own is None else own)}"
        return f"{reached} against {' and '.join(against)}." if against else f"{reached}."
