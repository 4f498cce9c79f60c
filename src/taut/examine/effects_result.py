"""What each technique contributes: the lines that add up, and the same as plain text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, final

from taut.evidence.certainty import MAY_BE_CHANCE, NO_DIFFERENCE, certainty_of, change_text
from taut.evidence.interval import Interval
from taut.examine.plain import plain_values
from taut.learning.architecture import MLP, Architecture
from taut.learning.objective import Objective
from taut.recipe import Recipe
from taut.text_table import text_table
from taut.wording import capital, counted, formatter_for, listed, scored

#: "off": a technique of the recipe at its off value, which contributes exactly nothing.
Kind: TypeAlias = Literal["early stopping", "learning rate", "technique", "off", "without early stopping"]


@final
@dataclass(frozen=True)
class EffectLine:
    """What one step from no regularization to the recipe changes.

    Parameters
    ----------
    name : str
        ``early_stopping``, ``learning_rate``, a technique's name such as ``dropout``, or
        ``without_early_stopping``.
    label : str
        For people, with the strength: ``dropout 0.3``.
    kind : {"early stopping", "learning rate", "technique", "off", "without early stopping"}
    loss, score : Interval
        The change with its 95 % interval. A minus lowers the loss, a plus raises the score. NaN if
        networks that it needs diverged.
    """

    name: str
    label: str
    kind: Kind
    loss: Interval
    score: Interval


@final
@dataclass(frozen=True)
class Interaction:
    """What two techniques do together beyond what each does alone.

    Parameters
    ----------
    names, labels : tuple of two str
    loss, score : Interval
        The Shapley interaction index with its 95 % interval. Above 0 in the loss: they lower it less
        together than separately, and so replace each other. Below 0: they help each other.
    """

    names: tuple[str, str]
    labels: tuple[str, str]
    loss: Interval
    score: Interval


@final
@dataclass(frozen=True)
class Effects:
    """What each technique contributes on this data; see :func:`taut.effects`.

    Parameters
    ----------
    objective : Objective
    recipe : Recipe
    lines : tuple of EffectLine
        They add up to ``loss`` and ``score``, whatever the intervals.
    loss, score : Interval
        The whole change, from no regularization to the recipe.
    start_loss, end_loss : float
        Mean loss of held-out rows, each counted once: cross-entropy in nats, or squared error in the
        target's own units. ``start``: no regularization at ``max_epochs``; ``end``: the recipe.
    start_score, end_score : float
        Accuracy, or R squared of all held-out rows together.
    interactions : tuple of Interaction
        Of all pairs of players; empty if ``exact`` is False.
    rates : dict of str to tuple of float
        The learning rate that each fold took, by combination of players; NaN if all of them diverged.
    exact : bool
        Whether all combinations of the players were trained; else their shares are means over
        ``n_orders`` orders drawn at random.
    n_orders : int or None
    failed : tuple of str
        The combinations with networks that diverged.
    learning_rate, usual_learning_rate : float
        The recipe's, and the default one.
    architecture, batch_size, max_epochs
        What all networks have in common.
    n_rows, n_folds, n_seeds, n_networks : int
        Seeds: as many of ``n_seeds_asked`` as there was time for.
    seconds : float
        How long it took, without the one-time compilation.
    why : str
        Why it is that objective.
    """

    objective: Objective
    recipe: Recipe
    lines: tuple[EffectLine, ...]
    loss: Interval
    score: Interval
    start_loss: float
    end_loss: float
    start_score: float
    end_score: float
    interactions: tuple[Interaction, ...]
    rates: dict[str, tuple[float, ...]]
    exact: bool
    n_orders: int | None
    failed: tuple[str, ...]
    learning_rate: float
    usual_learning_rate: float
    architecture: Architecture
    batch_size: int
    max_epochs: int
    n_rows: int
    n_folds: int
    n_seeds: int
    n_networks: int
    seconds: float
    why: str = ""
    n_seeds_asked: int = 0

    @property
    def task(self) -> str:
        """Classification or regression."""
        return self.objective.task

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.architecture.widths

    @property
    def activation(self) -> str:
        """After each hidden layer; empty without a choice of it."""
        return self.architecture.activation if isinstance(self.architecture, MLP) else ""

    @property
    def score_name(self) -> str:
        """What the score is."""
        return self.objective.score_title

    @property
    def loss_name(self) -> str:
        """What the loss is."""
        return self.objective.loss_name

    def __getitem__(self, name: str) -> EffectLine:
        """Find a line by its name, such as ``"dropout"``."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(f"{name}; there are {', '.join(line.name for line in self.lines)}")

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values for JSON; NaN is None."""
        values = {one.name: plain_values(getattr(self, one.name)) for one in fields(self)}
        objective, architecture = values.pop("objective"), values.pop("architecture")
        found = {**objective, **values, **architecture, "activation": self.activation}
        return {**found, "loss_name": self.loss_name, "score_name": self.score_name}

    def __str__(self) -> str:
        return plain_text(self)

    def __repr__(self) -> str:
        change = f"{self.loss_name} {self.start_loss:.4g} to {self.end_loss:.4g}"
        return f"Effects({self.recipe.describe()}: {change}, {len(self.lines)} lines)"


def plain_text(effects: Effects) -> str:
    """Give the table and the sentences, for terminals, files and pipes."""
    return "\n".join([plain_table(effects), "", *in_words(effects), "", *_footing(effects)])


def plain_table(effects: Effects) -> str:
    """Give the lines as plain text: each figure's change, and its interval behind it."""
    loss, score = _loss(effects), _score(effects)
    whole = EffectLine("", "all together", "technique", effects.loss, effects.score)
    unit = effects.objective.score_points
    start = ["no regularization", _level(effects.start_loss, loss), "", _score_level(effects, False), ""]
    end = [effects.recipe.describe(), _level(effects.end_loss, loss), "", _score_level(effects, True), ""]
    head = ["", effects.loss_name, "95 % interval", f"{effects.score_name}{unit}", "95 % interval"]
    rows = [
        head,
        start,
        *([_row_label(line), *_cells(line.loss, loss), *_cells(line.score, score)] for line in effects.lines),
        ["all together", *_cells(whole.loss, loss), *_cells(whole.score, score)],
        end,
    ]
    return text_table(rows, rules=(1, -2))


def in_words(effects: Effects) -> list[str]:
    """Describe the lines in sentences; one whose interval spans zero is described as no difference."""
    return [
        f"A minus lowers the loss, a plus raises the {effects.score_name}. The lines add up.",
        *_verdict(effects),
        *_most(effects),
        *_each(effects),
        *_pairs(effects),
        *_last_step(effects),
        *_cautions(effects),
    ]


def _verdict(effects: Effects) -> list[str]:
    """The whole change."""
    change = effects.loss
    if math.isnan(change.value):
        return ["The whole change is unknown: networks diverged at one end."]
    loss = _loss(effects)
    levels = f"{_level(effects.start_loss, loss)} to {_level(effects.end_loss, loss)}"
    first = (
        f"From no regularization to {effects.recipe.describe()}, the {effects.loss_name} goes from {levels}"
    )
    if certainty_of(change) == "not shown":
        return [f"{first}: {NO_DIFFERENCE}."]
    if not effects.start_loss > 0:
        return [f"{first}."]
    return [f"{first}: {change_text(change.times(-1.0 / effects.start_loss))}."]


def _most(effects: Effects) -> list[str]:
    """Which line lowers the loss most, if more than one does."""
    helping = [line for line in effects.lines if _acts(line) < 0]
    if len(helping) < 2:
        return []
    best = min(helping, key=lambda line: line.loss.value)
    return [f"What lowers it most is {_called(best)}."]


def _each(effects: Effects) -> list[str]:
    """Those that help, those that harm, those that are undecided."""
    loss = _loss(effects)
    shown = [line for line in effects.lines if line.kind != "without early stopping"]
    out = []
    for sign, word in ((-1, "lowers"), (1, "raises")):
        for line in shown:
            if _acts(line) == sign:
                ends = sorted((abs(line.loss.low), abs(line.loss.high)))
                out.append(
                    f"{capital(_called(line))} {word} the loss by {loss(abs(line.loss.value))} "
                    f"({loss(ends[0])} to {loss(ends[1])})."
                )
    unsure = [line for line in shown if line.kind != "off" and _acts(line) == 0]
    likely = [line for line in unsure if certainty_of(line.loss) == "likely"]
    for line in likely:
        word, change = ("lowers", line.loss.times(-1.0)) if line.loss.value < 0 else ("raises", line.loss)
        out.append(
            f"{capital(_called(line))} perhaps {word} the loss by {loss(change.value)} "
            f"({_signed(change.low, loss).removeprefix('+')} to {loss(change.high)}), {MAY_BE_CHANCE}."
        )
    silent = [_called(line) for line in unsure if line not in likely]
    if silent:
        out.append(f"{capital(listed(silent))} made {NO_DIFFERENCE}.")
    off = [_called(line) for line in shown if line.kind == "off"]
    if off:
        verbs = "is off and contributes" if len(off) == 1 else "are off and contribute"
        out.append(f"{capital(listed(off))} {verbs} nothing.")
    return out


def _pairs(effects: Effects) -> list[str]:
    """Pairs that interact; one sentence if none does."""
    if not effects.interactions or all(math.isnan(one.loss.value) for one in effects.interactions):
        return []
    loss, out = _loss(effects), []
    for one in effects.interactions:
        if not one.loss.spans_zero:
            both = " and ".join(one.labels)
            by = loss(abs(one.loss.value))
            how = "less than separately: they partly replace each other"
            if one.loss.value < 0:
                how = "more than separately: they help each other"
            out.append(f"Together, {both} lower the loss by {by} {how}.")
    if out:
        return out
    if len(effects.interactions) == 1:
        both = " and ".join(effects.interactions[0].labels)
        return [f"These data do not show that {both} replace or help each other."]
    return ["These data do not show that any two techniques replace or help each other."]


def _last_step(effects: Effects) -> list[str]:
    last = effects.lines[-1]
    if last.kind != "without early stopping":
        return []
    first = "Early stopping is not in the recipe; it is in all lines above the last, which removes it again"
    acts = _acts(last)
    if acts == 0:
        return [f"{first}: that made {NO_DIFFERENCE}."]
    word = "lower" if acts < 0 else "higher"
    return [f"{first}: without it the loss is {_loss(effects)(abs(last.loss.value))} {word}."]


def _cautions(effects: Effects) -> list[str]:
    out = []
    if not effects.exact:
        out.append(
            "There are too many techniques to train all combinations: their shares are means over "
            f"{effects.n_orders} orders drawn at random, which the intervals account for."
        )
    if effects.failed:
        out.append(f"Networks diverged, so some lines have no figures: {'; '.join(effects.failed)}.")
    if effects.n_seeds < effects.n_seeds_asked:
        out.append(f"There was time for {effects.n_seeds} of {effects.n_seeds_asked} seeds.")
    if effects.n_seeds == 1:
        out.append("With one seed, the intervals do not include the chance in training.")
    return out


def _footing(effects: Effects) -> list[str]:
    task = [f"{capital(effects.task)} ({effects.why})."] if effects.why else []
    return [
        *task,
        f"Means over {effects.n_rows:,} held-out rows, {effects.n_folds} folds and "
        f"{counted(effects.n_seeds, 'seed')}; no regularization is measured at epoch {effects.max_epochs}.",
        "Intervals cover other held-out rows and seeds, not other training rows.",
        f"{effects.n_networks:,} networks in {effects.seconds:.0f} s.",
    ]


def _row_label(line: EffectLine) -> str:
    return f"{line.label} (off)" if line.kind == "off" else line.label


def _called(line: EffectLine) -> str:
    """What a line is called in a sentence."""
    return "the learning rate" if line.kind == "learning rate" else line.label


def _acts(line: EffectLine) -> int:
    """-1: it lowers the loss; 1: it raises it; 0: neither is shown."""
    if math.isnan(line.loss.value) or line.loss.spans_zero:
        return 0
    return -1 if line.loss.value < 0 else 1


def _cells(change: Interval, write: Callable[[float], str]) -> list[str]:
    if math.isnan(change.value):
        return ["none", ""]
    if change.value == change.low == change.high == 0:
        return ["0", ""]
    ends = "" if math.isnan(change.low) else f"{_signed(change.low, write)} to {_signed(change.high, write)}"
    return [_signed(change.value, write), ends]


def _signed(value: float, write: Callable[[float], str]) -> str:
    """With its sign, and without one if it rounds to zero."""
    text = write(abs(value))
    return text if not text.strip("0.") else f"{'-' if value < 0 else '+'}{text}"


def _level(value: float, write: Callable[[float], str]) -> str:
    return "none" if math.isnan(value) else write(value)


def _loss(effects: Effects) -> Callable[[float], str]:
    """Write losses with the decimals that give the smaller level four digits."""
    levels = [level for level in (effects.start_loss, effects.end_loss) if math.isfinite(level) and level > 0]
    return formatter_for(min(levels, default=1.0), digits=4)


def _score(effects: Effects) -> Callable[[float], str]:
    """Accuracy in percent, R squared as it is."""
    if effects.objective.score_points:
        return lambda value: f"{100 * value:.1f}"
    return lambda value: f"{value:.3f}"


def _score_level(effects: Effects, end: bool) -> str:
    value = effects.end_score if end else effects.start_score
    return "none" if math.isnan(value) else scored(value, effects.score_name)
