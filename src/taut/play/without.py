"""What each technique did to this network: the same one trained without it, from the same first weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

from taut.learning.training import Control
from taut.play.run import Run
from taut.play.settings import Settings
from taut.play.words import Standing, paired, standing
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique
from taut.wording import capital, number, percent

_SURE = 1.96  # standard errors of a 95 % interval
_LEAST_ZEROS = 0.01  # of the weights: a share that is worth a word


@final
@dataclass(frozen=True)
class Without:
    """A network with a technique against the same one without it.

    Parameters
    ----------
    technique : str
        Its name.
    change : float
        Of the validation loss of the network that is kept: with it less without it, so that below zero it
        helped.
    error : float
        Standard error over the held-out rows, of this one network; NaN where it is not known.
    sentence : str
    """

    technique: str
    change: float
    error: float
    sentence: str

    @property
    def is_sure(self) -> bool:
        """Whether the 95 % interval of the change does not hold zero."""
        return self.error > 0 and abs(self.change) > _SURE * self.error

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"technique": self.technique, "sentence": self.sentence, "sure": self.is_sure}


def without_each(run: Run, control: Control) -> Iterator[Without]:
    """Train a finished run's network without each of its techniques in turn, until ``control`` ends it.

    A run that was changed on the way has no such counterpart, and gives nothing.
    """
    if run.changes or run.diverged:
        return
    now = standing(run)
    for kind in TECHNIQUES:
        if not run.settings.techniques[kind.name].on:
            continue
        other = Run(_switched_off(run.settings, kind), run.data, run)
        other.train(control)
        if not other.is_over:
            return
        yield _compared(run, now, other, kind)


def _switched_off(settings: Settings, kind: type[Technique]) -> Settings:
    off = replace(settings.techniques[kind.name], on=False)
    return replace(settings, techniques={**settings.techniques, kind.name: off})


def _compared(run: Run, now: Standing, other: Run, kind: type[Technique]) -> Without:
    title = kind.page.title
    if other.diverged:
        return Without(kind.name, -math.inf, math.nan, f"Without {_low(title)}, training diverges.")
    then = standing(other)
    change, error = paired(run.row_losses(now.kept), other.row_losses(then.kept))
    if math.isnan(error):
        change = now.validation - then.validation
    found = Without(kind.name, change, error, "")
    did = f"validation loss {number(now.validation)} with it, {number(then.validation)} without"
    if math.isnan(error):
        verdict = "how sure that is, is not known of so many rows"
    elif found.is_sure:
        verdict = f"{'lower' if change < 0 else 'higher'} by {number(abs(change))} ± {number(_SURE * error)}"
    else:
        verdict = f"a difference of {number(abs(change))} ± {number(_SURE * error)}, which may be chance"
    gaps = f"gap {_gap(now)} with it, {_gap(then)} without"
    epochs = "" if now.kept == then.kept else f"; epoch {now.kept} kept instead of {then.kept}"
    zeros = ""
    share, before = run.kept.zero_share, other.kept.zero_share
    if max(share, before) >= _LEAST_ZEROS and share != before:
        zeros = f"; {percent(share)} of the weights zero instead of {percent(before) if before else 'none'}"
    return replace(found, sentence=capital(f"{did}: {verdict}; {gaps}{epochs}{zeros}."))


def _gap(now: Standing) -> str:
    return number(now.validation - now.train)


def _low(title: str) -> str:
    """A title within a sentence: "dropout", but "L2"."""
    return title if title[1:2].isdigit() else title[:1].lower() + title[1:]
