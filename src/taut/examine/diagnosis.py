"""The result of a diagnosis, and its plain text: the verdict, the figures, the signs, the advice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, final

from numpy.typing import NDArray

from taut.evidence.advice import Advice
from taut.evidence.certainty import NO_DIFFERENCE, certainty_of, change_text, share_text
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve
from taut.evidence.signs import Sign
from taut.evidence.simple_baselines import SimpleBaseline
from taut.evidence.simple_words import against_simple
from taut.evidence.variants import STOPPED, TWICE_AS_LONG
from taut.evidence.verdict import Degree, Fit, Verdict
from taut.examine.plain import plain_values
from taut.learning.architecture import Architecture
from taut.learning.objective import Objective
from taut.recipe import Recipe
from taut.techniques import EarlyStopping
from taut.text_table import text_table
from taut.wording import capital, formatter_for, scored

#: In ``missing``: the learning curve.
MORE_ROWS = "whether more rows would help"
_MOST_ADVICE = 3

_Writer: TypeAlias = Callable[[float], str]


@final
@dataclass(frozen=True)
class Alternative:
    """The network trained in another way, on the same folds.

    Attributes
    ----------
    name : str
        Such as "stopped at its best epoch", "dropout 0.5", "twice as wide".
    side : str
        "weaker" (regularized, or stopped earlier), "other" (regularized in ways that the verdict does not
        use) or "stronger" (wider, or trained longer).
    recipe : Recipe
    train_loss, validation_loss : float
        NaN if it diverged.
    lowered : Interval
        By which share its validation loss is lower than that of the network as it is, paired over the rows;
        NaN if either diverged.
    """

    name: str
    side: str
    recipe: Recipe
    train_loss: float
    validation_loss: float
    lowered: Interval = NONE


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Whether a network overfits on a table, and what to do.

    Print it, or read its parts.

    Attributes
    ----------
    verdict : {"underfits", "fits", "overfits"}
    degree : {"", "perhaps", "slightly", "clearly", "badly"}
        How badly, by the share of the loss that could be saved: up to 10 %, up to 50 %, more. "perhaps" if
        the share's interval contains zero.
    gains : Verdict
        What the verdict is based on.
    train_loss, validation_loss : Interval
        Of the network as it is, with 95 % intervals: the training loss's over the folds, the validation
        loss's over the rows.
    score : float
        Accuracy or R squared, mean over the folds.
    turned : int or None
        The epoch (from 1) at which the validation loss was lowest, if it rose again afterwards; None if it
        was still falling, or level, at the end.
    epochs : int
        How many were trained.
    recovered : Interval
        Which share of the gap between validation and training loss the best of the regularized alternatives
        removes; corrected for having picked it. NaN if there is no gap.
    best : str
        That alternative's name.
    alternatives : tuple of Alternative
    learning_curve : LearningCurve
        Loss by the number of rows, with early stopping.
    signs : tuple of Sign
        Of trouble in the data.
    advice : tuple of Advice
        What to add to early stopping, from what was measured; the best first.
    before : tuple of Advice
        The same as guessed before any training.
    curves : tuple of dict
        One per fold: ``epoch``, ``train_loss``, ``validation_loss`` of the network as it is.
    objective : Objective
    recipe : Recipe
        The network's own.
    architecture : Architecture
    learning_rate : float
    batch_size, n_rows, n_columns, n_folds : int
    n_used : int
        Rows that were used; fewer than ``n_rows`` if there are very many.
    seconds : float
    missing : tuple of str
        What there was no time for: names of alternatives, "whether more rows would help".
    why : str
        Why it is that objective.
    simple : tuple of SimpleBaseline
        A constant, and a linear model, with what the network as it is gains over each.
    """

    verdict: Fit
    degree: Degree
    gains: Verdict
    train_loss: Interval
    validation_loss: Interval
    score: float
    turned: int | None
    epochs: int
    recovered: Interval
    best: str
    alternatives: tuple[Alternative, ...]
    learning_curve: LearningCurve
    signs: tuple[Sign, ...]
    advice: tuple[Advice, ...]
    before: tuple[Advice, ...]
    curves: tuple[dict[str, NDArray[Any]], ...]
    objective: Objective
    recipe: Recipe
    architecture: Architecture
    learning_rate: float
    batch_size: int
    n_rows: int
    n_columns: int
    n_folds: int
    n_used: int
    seconds: float
    why: str = ""
    simple: tuple[SimpleBaseline, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """Classification or regression."""
        return self.objective.task

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.architecture.widths

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return verdict_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values for JSON; NaN is None."""
        sides = {"weaker": self.gains.weaker, "stronger": self.gains.stronger}
        others = {"gains", "before", "objective", "architecture"}
        return {
            **{f.name: plain_values(getattr(self, f.name)) for f in fields(self) if f.name not in others},
            **{side: {"best": one.best, "share": plain_values(one.share)} for side, one in sides.items()},
            **self.objective.to_json(),
            **self.architecture.to_json(),
            "advice_before": plain_values(self.before),
            "sentence": self.sentence,
        }

    def __str__(self) -> str:
        return plain_text(self)

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.sentence}>"


def plain_text(found: Diagnosis) -> str:
    """Give the whole diagnosis as text, for terminals, files and pipes."""
    parts = [
        [verdict_of(found)],
        losses_of(found),
        [alternatives_of(found)],
        not_tried(found),
        rows_of(found),
    ]
    parts += [signs_of(found), advice_of(found), [_footing(found)]]
    return "\n\n".join("\n".join(part) for part in parts if part)


def verdict_of(found: Diagnosis) -> str:
    """Give the verdict in one sentence."""
    weaker, stronger = found.gains.weaker, found.gains.stronger
    if _diverged(found):
        sound = [one.name for one in found.alternatives if math.isfinite(one.validation_loss)]
        return f"The network diverges as it is; {_with(weaker.best or sound[0])} it does not."
    if found.verdict != "fits":
        gain = weaker if found.verdict == "overfits" else stronger
        how = f"{found.verdict} {found.degree}"
        if found.degree == "perhaps":
            how = f"perhaps {found.verdict}"
        return (
            f"The network {how}: {_with(gain.best)} its loss on unseen rows would be "
            f"{change_text(gain.share)}."
        )
    if found.missing:
        return (
            "The network fits as far as there was time to tell: none of the alternatives tried has a loss on "
            "unseen rows that is lower by more than a trifle, and by more than chance."
        )
    return (
        "The network fits: none of the alternatives tried, regularized, stopped earlier, wider or trained "
        "longer, has a loss on unseen rows that is lower by more than a trifle, and by more than chance."
    )


def losses_of(found: Diagnosis) -> list[str]:
    """Give the losses, the epoch at which the validation loss turned, and what regularization recovers."""
    if _diverged(found):
        return ["Its loss was no longer a finite number, so it has no figures of its own."]
    write = _writer(found)
    objective, name = found.objective, found.objective.score_title
    loss = capital(objective.loss_title)
    lines = [
        f"{loss}: {write(found.train_loss.value)}{_between(found.train_loss, write)} on training rows, "
        f"{write(found.validation_loss.value)}{_between(found.validation_loss, write)} on unseen rows "
        f"({name} {scored(found.score, name)})."
    ]
    if found.turned is not None:
        lines.append(
            f"The loss on unseen rows was lowest in epoch {found.turned} of {found.epochs}, and rose again."
        )
    else:
        lines.append(f"The loss on unseen rows had not turned by epoch {found.epochs}, the last one.")
    lines += against_simple(found.simple, found.score, name)
    share = found.recovered
    if math.isfinite(share.value):
        if share.low > 0:
            lines.append(
                f"Regularization recovers {100 * share.value:.0f} % of the gap between the two "
                f"({found.best}; 95 % interval {100 * share.low:.0f} to {100 * share.high:.0f} %)."
            )
        else:
            lines.append(
                "These data do not show that regularization recovers any of the gap between the two."
            )
    return lines


def alternatives_of(found: Diagnosis) -> str:
    """Give the alternatives as a table."""
    write = _writer(found)
    own = Alternative("as it is", "", found.recipe, found.train_loss.value, found.validation_loss.value)
    rows = [["", "training loss", "validation loss"]]
    rows += [[one.label, write(float(one.train_loss.mean())), write(one.loss)] for one in found.simple]
    for one in (own, *found.alternatives):
        bad = not math.isfinite(one.validation_loss)
        rows.append(
            [one.name, "", "diverged"]
            if bad
            else [one.name, write(one.train_loss), write(one.validation_loss)]
        )
    return text_table(rows)


def not_tried(found: Diagnosis) -> list[str]:
    """Name what the table does not have, and why."""
    lines = []
    if found.missing:
        lines.append(f"There was no time for: {', '.join(found.missing)}.")
    names = {*found.missing, *(one.name for one in found.alternatives)}
    if found.turned is not None and TWICE_AS_LONG not in names and found.recipe.get(EarlyStopping) is None:
        lines.append("Training longer was not tried: the loss on unseen rows had risen by the end.")
    return lines


def rows_of(found: Diagnosis) -> list[str]:
    """Say whether more rows would help."""
    if MORE_ROWS in found.missing:
        return []
    curve, write = found.learning_curve, _writer(found)
    if len(curve.points) < 2:
        return ["There are too few rows to tell whether more would help."]
    points = ", ".join(f"{write(point.loss.value)} with {point.n_rows:,}" for point in curve.points)
    doubling = curve.doubling
    first = f"With early stopping the loss on unseen rows is {points} training rows."
    if curve.more_rows_help:
        second = (
            f"The last doubling lowered it by {100 * doubling.value:.1f} % (95 % interval "
            f"{100 * doubling.low:.1f} to {100 * doubling.high:.1f} %), so more rows should help"
        )
        if math.isfinite(curve.next_doubling):
            second += f": twice as many by some {100 * curve.next_doubling:.1f} %, if the trend continues"
        return [first, f"{second}."]
    if doubling.high < 0:
        raised = share_text(doubling.times(-1.0))
        return [first, f"The last doubling raised it by {raised}, so more rows may not help."]
    return [
        first,
        f"The last doubling made {NO_DIFFERENCE}, so more rows may not help "
        f"(95 % interval {100 * doubling.low:.1f} to {100 * doubling.high:.1f} %).",
    ]


def signs_of(found: Diagnosis) -> list[str]:
    """Name the signs of trouble."""
    if not found.signs:
        return ["Signs of trouble in the data: none found."]
    mark = {"severe": "!", "worth a look": "-"}
    return [
        "Signs of trouble in the data:",
        *(f"{mark[sign.severity]} {capital(sign.text)}" for sign in found.signs),
    ]


def advice_of(found: Diagnosis) -> list[str]:
    """Give advice: from what was measured, otherwise from the rules."""
    if found.verdict == "underfits":
        best = found.gains.stronger.best
        if found.degree == "perhaps":
            return [f"What may help: more capacity ({best})."]
        return [f"What to do: more capacity first ({best}); regularize when it overfits."]
    if not found.advice:
        return _listed("What to try first, from the table alone:", found.before)
    shown = [one for one in found.advice if one.is_shown and one.lowered and one.lowered.value > 0]
    lines = []
    if found.verdict == "overfits":
        lines.append(_what_to_do(found, bool(shown)))
    lines.append("Measured against early stopping alone:")
    if not shown:
        lines.append("nothing lowered the loss of early stopping alone by more than chance.")
    lines += _listed("", shown)[1:]
    guessed = found.before[0].technique.name if found.before else ""
    if guessed and shown and shown[0].technique.name != guessed:
        lines.append(f"(From the table alone, before any training, the first would have been {guessed}.)")
    return lines


def _what_to_do(found: Diagnosis, adding_helps: bool) -> str:
    """What was shown to help; otherwise, what may help."""
    stopped = next((one for one in found.alternatives if one.name == STOPPED), None)
    parts = []
    if stopped is not None and stopped.lowered.low > 0:
        parts.append("stop early")
    if adding_helps:
        parts.append(f"let taut fit choose what to add to {'it' if parts else 'early stopping'}")
    best = found.gains.weaker
    if not parts and certainty_of(best.share) == "sure":
        parts.append(f"train it {_with(best.best)}")
    return f"What to do: {', and '.join(parts)}." if parts else f"What may help: {best.best}."


def _listed(head: str, advice: Sequence[Advice]) -> list[str]:
    return [
        head,
        *(f"{i}. {one.reason} [{one.source}]" for i, one in enumerate(advice[:_MOST_ADVICE], start=1)),
    ]


def _footing(found: Diagnosis) -> str:
    used = "" if found.n_used == found.n_rows else f" (of which {found.n_used:,} were used)"
    task = f"{capital(found.task)} ({found.why}); " if found.why else ""
    columns = f" {found.n_columns:,} columns," if found.n_columns else ""
    return (
        f"{task}{found.n_rows:,} rows{used},{columns} {found.n_folds} folds; {found.architecture.label}, "
        f"learning rate {found.learning_rate:g}, batches of {found.batch_size}, {found.recipe.describe()}; "
        f"{found.seconds:.1f} s."
    )


def _diverged(found: Diagnosis) -> bool:
    return not math.isfinite(found.validation_loss.value)


def _with(name: str) -> str:
    return name if name.startswith(("stopped", "twice", "trained", "with")) else f"with {name}"


def _between(interval: Interval, write: _Writer) -> str:
    if not math.isfinite(interval.low):
        return ""
    return f" ({write(interval.low)} to {write(interval.high)})"


def _writer(found: Diagnosis) -> _Writer:
    """Writes losses of one size with as many digits as distinguish them."""
    losses = [found.validation_loss.value, *(one.validation_loss for one in found.alternatives)]
    known = [loss for loss in losses if math.isfinite(loss) and loss > 0]
    write = formatter_for(min(known, default=1.0))
    return lambda value: write(value) if math.isfinite(value) else "unknown"
