"""``diagnose``: whether a person's module overfits on their data, and what would help."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from taut.errors import ParameterError, TrainingError
from taut.estimators.effort import Effort
from taut.evidence.diagnosis_plan import diagnosis_plan, enough_folds, within_time
from taut.examine.diagnosing import affordable_folds, diagnosis_of
from taut.examine.diagnosis import Diagnosis
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.parameters import real
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.interrupts import Interrupts
from taut.torch.given import EngineName, GivenModule, Options, prepare, read
from taut.torch.tune import tell


def diagnose(
    module: GivenModule,
    data: Any,
    *,
    recipe: Recipe | None = None,
    loss: Callable[..., Tensor] | None = None,
    valid: Any = None,
    cv: Any = 3,
    groups: Any = None,
    effort: Effort = "quick",
    time_limit: float | None = None,
    where: str | Sequence[str] = "everywhere",
    optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    learning_rate: float | None = None,
    max_epochs: int = 30,
    batch_size: int = 64,
    collate: Callable[[list[Any]], Any] | None = None,
    engine: EngineName = "auto",
    device: str = "auto",
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 1,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> Diagnosis:
    """Say whether a module overfits on these data, since which epoch, and what would help.

    Parameters
    ----------
    module, data, loss, valid, cv, groups, where, optimizer, learning_rate, max_epochs, batch_size, collate
        As for :func:`taut.torch.tune`.
    recipe : Recipe, optional
        With which it is trained; without it, the module as it is.
    effort : {"quick", "standard", "thorough"}, default="quick"
        How many other networks it is compared with.
    time_limit : float, optional
        Seconds, about.
    engine, device, n_jobs, random_state, verbose
        As for :func:`taut.torch.tune`.
    on_progress : callable, optional
        Called with an :class:`~taut.learning.progress.TrainingProgress`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ParameterError, DataError
        Where a parameter or the data cannot be used as they are.
    TrainingError
        Where the module raises, all networks diverged, or the time was over before the first was trained.
    """
    started = time.monotonic()
    plan = diagnosis_plan(effort)
    limit = math.inf if time_limit is None else real("time_limit", time_limit)
    if recipe is not None and not isinstance(recipe, Recipe):
        raise ParameterError(f"recipe must be a taut.Recipe, and it is {recipe!r}.")
    options = Options(
        loss=loss,
        valid=valid,
        cv=cv,
        groups=groups,
        where=where,
        optimizer=optimizer,
        learning_rate=learning_rate,
        max_epochs=max_epochs,
        batch_size=batch_size,
        collate=collate,
        engine=engine,
        device=device,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    given = read(module, data, options)
    started += prepare(given)
    if verbose:
        tell(given)
    trainer = given.trainer
    candidate = Candidate(Recipe() if recipe is None else recipe, given.learning_rate, given.architecture)
    folds = affordable_folds(trainer, given.folds)
    folds = folds[: enough_folds(folds, plan.held_out)]
    left = max(0.01, started + limit - time.monotonic())
    folds = within_time(trainer, folds, candidate, left)
    reporter = Reporter(on_progress or (print_progress() if verbose else None), limit=left)
    control = Control(deadline=started + limit)
    with Interrupts(control.cancelled):
        try:
            found = diagnosis_of(trainer, folds, candidate, plan, control, reporter, classes=given.classes)
        except KeyboardInterrupt:
            if control.cancelled.is_set() or math.isinf(limit):
                raise
            raise TrainingError(
                f"time_limit is {limit:g} s, and it was over before the module itself was trained: give more "
                "time, or lower max_epochs."
            ) from None
    return replace(found, seconds=time.monotonic() - started)
