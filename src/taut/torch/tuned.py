"""What tuning a module gives: the module, its recipe, how good it is, and how that was found."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import nn

from taut import handed_in
from taut.engine.compiled.fitted import FittedMLP
from taut.engine.torch.plan import Plan
from taut.engine.torch.training import FittedModule
from taut.evidence.certainty import certainty_of, change_text
from taut.evidence.estimate import Estimate
from taut.evidence.interval import Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.examine.effects_result import Effects
from taut.examine.explaining import effects_of
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.parameters import whole
from taut.recipe import Recipe
from taut.selection.interrupts import Interrupts
from taut.selection.result import SearchResult
from taut.selection.score import CandidateScore
from taut.text_table import text_table
from taut.torch.folder import save
from taut.torch.given import Given


@final
@dataclass(frozen=True, eq=False)
class Tuned:
    """A tuned module.

    Parameters
    ----------
    given : Given
    result : SearchResult
    estimate : Estimate
        Of the loss on unseen examples, corrected for having picked the best.
    simple : tuple of SimpleBaseline
    seconds : float
    """

    given: Given
    result: SearchResult
    estimate: Estimate
    simple: tuple[SimpleBaseline, ...]
    seconds: float

    @cached_property
    def network(self) -> FittedModule:
        """Its numbers, by the person's own keys."""
        found, given = self.result.networks[0], self.given
        if given.plain is not None:
            assert isinstance(found, FittedMLP)
            return given.plain.fitted(found, given.module, given.trainer.problem.objective)
        assert isinstance(found, FittedModule)
        return found

    @cached_property
    def module(self) -> nn.Module:
        """The person's own class with their own keys, in evaluation mode, trained by the recipe.

        After cross-validation it is one network trained on all examples; with ``valid``, that of the split.
        """
        return self.network.module()

    @property
    def recipe(self) -> Recipe:
        """The one chosen."""
        return self.best.recipe

    @property
    def best(self) -> CandidateScore:
        """The chosen candidate."""
        return self.result.best

    @property
    def baseline(self) -> CandidateScore:
        """The module as it is, trained to the last epoch."""
        return self.result.candidates[1]

    @property
    def plan(self) -> Plan:
        """What was put into the module, and where."""
        return self.given.plan

    @property
    def learning_rate(self) -> float:
        """The one chosen."""
        return self.best.candidate.learning_rate

    @property
    def epoch(self) -> int:
        """The epoch that is kept."""
        return self.best.epoch

    def __str__(self) -> str:
        """A table of the module as it is, stopped early, and tuned; and what it means in sentences."""
        objective = self.given.trainer.problem.objective
        rows = [["", "training loss", "validation loss", objective.score_title, "epochs"]]
        lines = [("as it is", self.baseline), ("as it is, stopped early", self.result.candidates[0])]
        for label, score in (
            *lines,
            (f"tuned: {self.recipe.describe() if self.recipe.active else 'left as it is'}", self.best),
        ):
            found = [float(np.mean(part[score.folds])) if score.folds.any() else float("nan")
                     for part in (score.train_loss, score.validation_loss, score.score)]  # fmt: skip
            shown = f"{found[2]:.1%}" if objective.n_classes else f"{found[2]:.4g}"
            rows.append([label, f"{found[0]:.4g}", f"{found[1]:.4g}", shown, str(score.epoch)])
        return "\n".join([text_table(rows), "", *self.sentences()])

    def sentences(self) -> list[str]:
        """What tuning brought, and what to expect on unseen examples."""
        objective, estimate = self.given.trainer.problem.objective, self.estimate
        write = "{:.1%}".format if objective.n_classes else "{:.3g}".format
        found = []
        for name, against in (("none", "the module as it is"), ("early_stopping", "it stopped early")):
            gain = estimate.gains.get(name)
            # Where nothing is gained by stopping, it is the same network.
            same = name == "early_stopping" and self.baseline.loss == self.result.candidates[0].loss
            if gain is not None and not same and self.result.chosen != (1 if name == "none" else 0):
                if certainty_of(gain) == "not shown":
                    found.append(
                        f"Against {against} there is no difference in the loss that these data can show."
                    )
                else:
                    found.append(f"The loss is {change_text(gain, than=f'with {against}')}.")
        loss, score = estimate.loss, estimate.score
        whose = "that of the folds' networks" if estimate.n_rows else "it"
        found.append(
            f"On unseen examples expect a loss of {loss.value:.3g} (95 % interval {loss.low:.3g} to "
            f"{loss.high:.3g}; {objective.loss_in_words}), corrected for having picked the best: uncorrected "
            f"{whose} is {estimate.naive_loss:.3g}."
        )
        if objective.score_name != "negative loss":
            found.append(
                f"Expected {objective.score_title}: {write(score.value)} (95 % interval {write(score.low)} "
                f"to {write(score.high)})."
            )
        if self.result.are_of_folds and len(self.given.folds) > 1:
            found.append("The module is that of the first fold: it was not trained on all examples.")
        elif len(self.given.folds) > 1:
            trained = (
                f"the module was trained on all {self.given.n_train:,} of them, by the same recipe to epoch "
                f"{self.epoch}"
            )
            if estimate.n_rows:
                found.append(
                    f"The table is of networks trained on a part of the examples; {trained}. What to expect "
                    "of it is extrapolated: the recipe was trained on half as many examples too."
                )
            else:
                found.append(f"These figures are of networks trained on a part of the examples; {trained}.")
        return found

    def effects(
        self,
        *,
        n_seeds: int = 1,
        verbose: int = 1,
        on_progress: Callable[[TrainingProgress], None] | None = None,
    ) -> Effects:
        """Measure what each technique of the recipe contributes, as lines that add up.

        As :func:`taut.effects` does for tables, on the folds of the search: all combinations of the recipe's
        techniques are trained, each at three learning rates. With three techniques beside early stopping that
        is 24 networks a fold and seed. The start is the module as it is.

        Parameters
        ----------
        n_seeds : int, default=1
        verbose : int, default=1
            1 prints progress.
        on_progress : callable, optional

        Returns
        -------
        Effects

        Raises
        ------
        ParameterError
            If ``n_seeds`` is no number of seeds.
        TrainingError
            If networks of every combination diverged.
        KeyboardInterrupt
            After Ctrl+C: lines that add up need all networks.
        """
        given, best = self.given, self.best.candidate
        n_seeds = whole("n_seeds", n_seeds)
        started = time.monotonic()
        reporter = Reporter(on_progress or (print_progress() if verbose else None), started)
        control = Control()
        with Interrupts(control.cancelled) as interrupts:
            found = effects_of(
                given.trainer,
                given.folds,
                best,
                given.learning_rate,
                control,
                reporter,
                n_seeds=n_seeds,
                groups=given.groups if len(given.trainer.problem) == given.n_train else None,
            )
        if interrupts.count:
            raise KeyboardInterrupt
        return replace(found, seconds=time.monotonic() - started)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        effects: Effects | None = None,
        diagnosis: Any = None,
        paths: Sequence[Any] = (),
    ) -> None:
        """Write the report: one page for the browser.

        Parameters
        ----------
        path : path
        effects : Effects, optional
            What :meth:`effects` found.
        diagnosis : Diagnosis, optional
            What :func:`taut.torch.diagnose` found.
        paths : sequence of RegularizationPath
            Of :func:`taut.torch.regularization_path`.

        Raises
        ------
        DataError
            Where the file cannot be written, or is no page of taut's.
        """
        handed_in.write_module_report(self, path, effects, diagnosis, paths)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save numbers, recipe and scores, and no code.

        :func:`taut.torch.load` makes the module again from them and the function that makes one.

        Raises
        ------
        DataError
            Where the folder cannot be written.
        """
        given, best, estimate = self.given, self.best, self.estimate
        objective, kind = given.trainer.problem.objective, type(self.module)
        told = {
            "module": given.module.name,
            "import_path": f"{kind.__module__}.{kind.__qualname__}",  # for a person to read, never imported
            "recipe": self.recipe.to_json(),
            "learning_rate": self.learning_rate,
            "optimizer": given.module.optimizer_name,
            "batch_size": given.trainer.settings.batch_size,
            "epoch": self.epoch,
            "plan": str(self.plan),
            "loss": objective.loss_name,
            "classes": None if given.classes is None else [str(one) for one in given.classes],
            "validation_loss": [float(one) for one in best.validation_loss],
            "estimate": {"loss": _plain(estimate.loss), "score": _plain(estimate.score)},
        }
        save(Path(folder), self.network.state, told)


def _plain(interval: Interval) -> list[float | None]:
    """Value and ends as JSON has them."""
    return [one if math.isfinite(one) else None for one in (interval.value, interval.low, interval.high)]
