"""``regularization_path``: one technique at many strengths on a person's module."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from taut.errors import ParameterError
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.parameters import whole
from taut.paths.function import base_of, plan_of
from taut.paths.result import RegularizationPath
from taut.paths.traced import traced
from taut.paths.training import PathWork
from taut.recipe import Recipe
from taut.selection.interrupts import Interrupts
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique
from taut.techniques.find import technique_of
from taut.torch.given import EngineName, GivenModule, Options, prepare, read
from taut.torch.tune import tell


def regularization_path(
    module: GivenModule,
    data: Any,
    technique: str | type[Technique],
    strengths: int | Sequence[float] = 8,
    *,
    recipe: Recipe | None = None,
    loss: Callable[..., Tensor] | None = None,
    valid: Any = None,
    cv: Any = 3,
    groups: Any = None,
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
) -> RegularizationPath:
    """Train a module with one technique at many strengths, cross-validated.

    Parameters
    ----------
    module, data, loss, valid, cv, groups, where, optimizer, learning_rate, max_epochs, batch_size, collate
        As for :func:`taut.torch.tune`.
    technique : str or technique class
    strengths : int or sequence of float, default=8
        How many over the technique's range, or which.
    recipe : Recipe, optional
        What is in every network; early stopping without it.
    engine, device, n_jobs, random_state, verbose
        As for :func:`taut.torch.tune`.
    on_progress : callable, optional
        Called with a :class:`~taut.learning.progress.TrainingProgress`.

    Returns
    -------
    RegularizationPath

    Raises
    ------
    ParameterError, DataError
        Where a parameter or the data cannot be used as they are, or the technique finds no place in the
        module.
    TrainingError
        Where the module raises or gives what does not fit the target.
    """
    started = time.monotonic()
    kind = technique_of(technique)
    base = base_of(recipe, kind)
    plan = plan_of(kind, strengths, whole("max_epochs", max_epochs))
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
    given = read(module, data, options, many=True)
    started += prepare(given)
    why = given.architecture.supports(kind, given.trainer.problem.objective)
    if why is not None:
        raise ParameterError(why)
    if verbose:
        tell(given)
    work = PathWork(given.trainer, given.folds, given.architecture, given.learning_rate)
    noun = "epochs" if kind is EarlyStopping else "networks"
    reporter = Reporter(on_progress or (print_progress(noun) if verbose else None), started)
    control = Control()
    with Interrupts(control.cancelled) as interrupts:
        found = traced(work, kind, base, plan, control, reporter, classes=given.classes)
    if interrupts.count > 1:
        raise KeyboardInterrupt
    return replace(found, seconds=time.monotonic() - started)
