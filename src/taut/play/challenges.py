"""Challenges: a network that has something wrong, a goal, and a check of what the next network did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from taut.play.run import Run
from taut.play.settings import read
from taut.play.words import Standing, standing
from taut.wording import number, percent

Json: TypeAlias = dict[str, Any]
#: What decides which rows there are: with others a network would be better or worse for that alone.
_ROWS = ("n_rows", "noise", "held_out", "random_state")


class Outcome(NamedTuple):
    """Whether it is solved, and what was measured, in a sentence."""

    solved: bool
    sentence: str


@final
@dataclass(frozen=True)
class Challenge:
    """One challenge.

    Parameters
    ----------
    name, title, goal, hint : str
    start : dict
        Settings to begin with; what is not there is as usual, with every technique off.
    answer : dict
        Settings that solve it, over those to begin with.
    why : str
        What the answer shows.
    check : callable
        Of a finished run, where it stands, and where the first one stood.
    """

    name: str
    title: str
    goal: str
    hint: str
    start: Json
    answer: Json
    why: str
    check: Callable[[Run, Standing, Standing], Outcome]

    def checked(self, run: Run, first: Standing) -> Outcome:
        """Check a finished run on the challenge's problem."""
        if run.settings.problem != self.start["problem"]:
            return Outcome(False, "This is another problem: start the challenge again.")
        begun = read(self.start, None)
        if any(getattr(run.settings, name) != getattr(begun, name) for name in _ROWS):
            return Outcome(False, "These are other rows than the challenge's: start it again.")
        if run.changes:
            return Outcome(False, "Settings were changed on the way: train it anew with the last ones.")
        if run.diverged:
            return Outcome(False, "Training diverged.")
        solved, sentence = self.check(run, standing(run), first)
        return Outcome(bool(solved), sentence)

    def to_json(self) -> Json:
        """What the page shows; the answer is loaded from here."""
        names = ("name", "title", "goal", "hint", "start", "answer", "why")
        return {name: getattr(self, name) for name in names}


def on(**strengths: Any) -> Json:
    """Techniques that are on, by name, with their parameters."""
    return {name: {"on": True, "values": values} for name, values in strengths.items()}


def _close_the_gap(run: Run, now: Standing, first: Standing) -> Outcome:
    gap, before = now.validation - now.train, first.validation - first.train
    told = (
        f"Gap {number(gap)}, and {number(before)} at first; validation loss {number(now.validation)}, and "
        f"{number(first.validation)} at first."
    )
    if now.validation >= now.constant:
        return Outcome(False, f"{told} But the same answer for every row has {number(now.constant)}.")
    return Outcome(gap <= before / 2 and now.validation <= first.validation, told)


def _irrelevant(run: Run, now: Standing, first: Standing) -> Outcome:
    found = run.kept.input_weights()
    used = np.zeros(run.begun.table.matrix.values.shape[1], dtype=bool)
    np.logical_or.at(used, found.columns, np.any(found.weights != 0, axis=1))
    dropped, signal = int(np.count_nonzero(~used[2:])), int(np.count_nonzero(used[:2]))
    others = len(used) - 2 - dropped
    told = f"It reads {signal} of the two columns that matter, and {others} of the forty others."
    return Outcome(signal == 2 and dropped >= 30, told)


def _patient_dropout(run: Run, now: Standing, first: Standing) -> Outcome:
    dropout = run.settings.techniques["dropout"]
    rate = dropout.values["rate"]
    told = f"Accuracy {percent(now.score)} with dropout {rate:g}, and {percent(first.score)} at first."
    if not dropout.on or rate < 0.5:
        return Outcome(False, "Dropout has to stay on, at 0.5 or more.")
    return Outcome(now.score >= 0.9, told)


def _by_heart(run: Run, now: Standing, first: Standing) -> Outcome:
    told = (
        f"Training loss {number(now.train)}; validation loss {number(now.validation)}, where the same "
        f"answer for "
        f"every row has {number(now.constant)}."
    )
    return Outcome(now.train <= 0.05 and now.validation > now.constant, told)


def _in_time(run: Run, now: Standing, first: Standing) -> Outcome:
    others = [name for name, one in run.settings.techniques.items() if one.on and name != "early_stopping"]
    if others or not run.settings.techniques["early_stopping"].on:
        return Outcome(False, "Early stopping alone, please: switch it on, and the others off.")
    told = (
        f"Epoch {now.kept} is kept after {now.epoch} trained, with a validation loss of "
        f"{number(now.validation)}; "
        f"the lowest of the first run was {number(first.best_validation)}."
    )
    return Outcome(now.validation <= 1.02 * first.best_validation and now.epoch <= first.epoch / 2, told)


def _smooth(run: Run, now: Standing, first: Standing) -> Outcome:
    told = f"Validation loss {number(now.validation)}, and {number(first.validation)} at first."
    return Outcome(now.validation <= 0.7 * first.validation, told)


def _fewer_weights(run: Run, now: Standing, first: Standing) -> Outcome:
    share = run.kept.zero_share
    told = (
        f"{percent(share) if share else 'None'} of the weights are zero; validation loss "
        f"{number(now.validation)}, "
        f"and {number(first.validation)} at first."
    )
    return Outcome(share >= 0.5 and now.validation <= first.validation, told)


def _beat_the_line(run: Run, now: Standing, first: Standing) -> Outcome:
    if not run.settings.hidden:
        return Outcome(False, "This is the linear model: give the network a hidden layer.")
    told = f"Validation loss {number(now.validation)}; the linear model's is {number(first.validation)}."
    return Outcome(now.validation <= first.validation, told)


#: Six on toy problems, two on real tables; in the order in which they are shown.
CHALLENGES: tuple[Challenge, ...] = (
    Challenge(
        "gap",
        "Close the gap",
        "This network knows its training rows by heart. Halve the gap between training and validation loss "
        "without a higher validation loss.",
        "Anything that makes learning by heart harder: L2, dropout, early stopping. Begin with one.",
        {"problem": "moons", "n_rows": 200, "noise": 0.35, "max_epochs": 300, "hidden": [64, 64]},
        {"techniques": on(l2={"strength": 3.0}, early_stopping={"patience": 20})},
        "Shrinking the weights smooths the border, and stopping in time keeps it from bending around "
        "single rows.",
        _close_the_gap,
    ),
    Challenge(
        "irrelevant",
        "Find the irrelevant columns",
        "Two of the 42 columns decide the class, the others are noise. Let L1 cut the network off from "
        "thirty of "
        "the forty others, and keep the two.",
        "L1 sets weights to exactly zero. Raise its strength until columns fall away; too far, and all do.",
        {"problem": "needles", "n_rows": 400, "noise": 0.2, "hidden": [16], "max_epochs": 300},
        {"techniques": on(l1={"strength": 0.5})},
        "A column whose weights are all zero is not read any more: L1 selects columns, L2 only shrinks.",
        _irrelevant,
    ),
    Challenge(
        "dropout",
        "Why does strong dropout need more epochs?",
        "With dropout at 0.6 and 40 epochs the spiral is not learned. Reach an accuracy of 90 % with "
        "dropout at "
        "0.5 or more.",
        "Each step trains a random half of the network: look whether the losses still fall at the end.",
        {"problem": "spiral", "n_rows": 600, "noise": 0.1, "hidden": [128, 128], "max_epochs": 40,
         "held_out": 0.3, "techniques": on(dropout={"rate": 0.6})},
        {"max_epochs": 1000, "techniques": on(dropout={"rate": 0.5})},
        "Dropout adds noise to every step, so that the same progress takes more of them.",
        _patient_dropout,
    ),
    Challenge(
        "by-heart",
        "Learn it by heart",
        "Half of the labels are wrong at random. Bring the training loss below 0.05, and see what the "
        "validation "
        "loss does.",
        "More units, more epochs, and nothing that regularizes.",
        {"problem": "blobs", "n_rows": 150, "noise": 0.5, "hidden": [8], "max_epochs": 100},
        {"hidden": [128, 128], "max_epochs": 800, "learning_rate": 0.005},
        "A network that is large enough learns pure chance, too, and pays for it on rows that it has not "
        "seen.",
        _by_heart,
    ),
    Challenge(
        "in-time",
        "Stop in time",
        "With early stopping alone, get a validation loss within 2 % of the lowest of the first run's "
        "curve, in "
        "half of its epochs or fewer.",
        "The patience is how many epochs without improvement are waited for: too few, and it stops at "
        "the first "
        "bump.",
        {"problem": "circles", "n_rows": 300, "noise": 0.3, "hidden": [128, 128], "max_epochs": 400},
        {"techniques": on(early_stopping={"patience": 20})},
        "Early stopping costs nothing but a few held-out rows, and saves most of the training.",
        _in_time,
    ),
    Challenge(
        "smooth",
        "A curve that is smooth",
        "Twenty noisy points of a sine, and a network that goes through each of them. Lower its "
        "validation loss by "
        "30 %.",
        "Look at the curve while you raise L2.",
        {"problem": "sine", "n_rows": 40, "noise": 0.3, "hidden": [128, 128], "max_epochs": 2000,
         "held_out": 0.5, "batch_size": 8},
        {"techniques": on(l2={"strength": 1.0})},
        "What goes through every point has learned the noise.",
        _smooth,
    ),
    Challenge(
        "fewer",
        "As good with half of the weights",
        "Thirty measurements of cell nuclei. Set half of the weights to exactly zero without a higher "
        "validation "
        "loss.",
        "Only one technique makes exact zeros.",
        {"problem": "breast_cancer", "hidden": [64, 64], "max_epochs": 100, "held_out": 0.4},
        {"techniques": on(l1={"strength": 0.3})},
        "Most weights of a network for a table are not needed, and what is not there cannot learn by heart.",
        _fewer_weights,
    ),
    Challenge(
        "line",
        "Beat the straight line",
        "On 442 patients a linear model is hard to beat. Give the network hidden layers, and regularize "
        "it until "
        "it is as good or better.",
        "Without regularization two layers of 64 are far worse. Begin with early stopping, then make it "
        "stronger.",
        {"problem": "diabetes", "hidden": [], "max_epochs": 300, "held_out": 0.4,
         "techniques": on(early_stopping={"patience": 20})},
        {"hidden": [64, 64],
         "techniques": on(early_stopping={"patience": 40}, l2={"strength": 3.0}, dropout={"rate": 0.5})},
        "Few noisy rows leave little to learn beyond the line: regularization is what keeps a network "
        "near it.",
        _beat_the_line,
    ),
)  # fmt: skip
