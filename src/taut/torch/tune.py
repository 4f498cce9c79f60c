"""``tune``: which regularization a person's module needs, how strong, and how good it then is."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from taut.engine.torch.engine import unchanged
from taut.evidence.all_rows import expected_of_all_rows
from taut.evidence.of_search import estimate_of, gained_by
from taut.evidence.simple_baselines import SimpleBaseline, simple_baselines
from taut.learning.training import Control
from taut.parameters import real, whole
from taut.selection.final import Finish
from taut.selection.fingerprint import fingerprint
from taut.selection.folds import Split, make_fold
from taut.selection.interrupts import Interrupts
from taut.selection.progress import Callbacks, Progress
from taut.selection.proposer import OptunaProposer
from taut.selection.search import Search
from taut.selection.space import Space
from taut.selection.stages import make_stages
from taut.selection.trial_store import TrialStore
from taut.streams import Stream, seed_of
from taut.techniques.base import Technique
from taut.techniques.find import technique_of
from taut.torch.given import EngineName, Given, GivenModule, Options, prepare, read
from taut.torch.tuned import Tuned

_N_CANDIDATES, _N_FIRST = 66, 16
# Candidates are first compared after this share of the epochs, where that is so many at least.
_SHORT, _LEAST_SHORT = 0.4, 5
# By this share of a time limit what is begun last may be late.
_LATE = 0.1
_EVERY_SECONDS = 10.0  # between lines
_NOBODY = np.empty(0, dtype=np.int32)


def tune(
    module: GivenModule,
    data: Any,
    *,
    loss: Callable[..., Tensor] | None = None,
    valid: Any = None,
    cv: Any = 3,
    groups: Any = None,
    time_limit: float | None = 600,
    n_candidates: int | None = None,
    techniques: Sequence[str | type[Technique]] | None = None,
    where: str | Sequence[str] = "everywhere",
    optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    learning_rate: float | None = None,
    max_epochs: int = 30,
    batch_size: int = 64,
    collate: Callable[[list[Any]], Any] | None = None,
    engine: EngineName = "auto",
    device: str = "auto",
    resume: str | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
) -> Tuned:
    """Find the regularization that a PyTorch module needs on these data.

    The module as it is, with the dropout and the weight decay that it has, is the baseline: always among the
    candidates, on every fold. What can be put into it, and where, is found by one traced forward pass, and
    told before training (``found.plan``).

    Parameters
    ----------
    module : callable or torch.nn.Module
        A function without arguments that makes a new module; or a module, which is copied and given new
        weights.
    data : (X, y), torch.utils.data.Dataset, or (Dataset, Dataset)
        Arrays or tensors of shape (n, ...), a tuple or a dict of them; or a map-style dataset of (inputs,
        target), or two views of one: with augmentation for training, and without for evaluation.
    loss : callable, optional
        Of outputs and target. Without it, cross-entropy where y is whole numbers, text or booleans, else
        squared error. taut compares rows, and asks for ``reduction="none"``.
    valid : like data, optional
        Held-out examples, in place of cross-validation.
    cv : int, splitter, or iterable of splits, default=3
    groups : array, shape (n,), optional
        Examples of one group stay in one fold.
    time_limit : float or None, default=600
        Seconds, about; the final training is within them.
    n_candidates : int, optional
        At most so many, the two baselines counted; 66 without it.
    techniques : sequence of str or technique classes, optional
        Which ones are searched; those that bring something in general without it.
    where : "everywhere", "head", or sequence of str, default="everywhere"
        Which layers are touched: all, those behind the last one that is not linear, or those whose names
        begin with one of these.
    optimizer : callable, optional
        Gives an optimizer for an iterable of parameters, such as ``lambda p: torch.optim.SGD(p, lr=0.1)``.
        Without it, AdamW without decay. Its own learning rate and decay are kept then.
    learning_rate : float, optional
        Without it, 0.001 and others around it are tried.
    max_epochs : int, default=30
    batch_size : int, default=64
    collate : callable, optional
        Makes a batch of a list of a dataset's items; PyTorch's ``default_collate`` without it.
    engine : {"auto", "torch"}, default="auto"
        With "auto" the compiled engine trains a plain MLP on a table of floats, many times faster, where
        ``where`` and ``optimizer`` are left as they are; "torch" always trains the module itself.
    device : str, default="auto"
        "auto" is a GPU where there is one.
    resume : path, optional
        File in which finished work is kept; the same call continues from it.
    n_jobs : int or None, default=None
        Worker processes on a processor. None is one a core; 1 is this process.
    random_state : int, default=0
    verbose : int, default=1
        0 prints nothing; 1 the plan and progress, to standard error.
    on_progress : callable, optional
        Called with a :class:`~taut.selection.progress.Progress`.

    Returns
    -------
    Tuned

    Raises
    ------
    ParameterError, DataError
        Where a parameter or the data cannot be used as they are.
    TrainingError
        Where the module raises or gives what does not fit the target, with the shapes; or nothing trains.

    Notes
    -----
    The module, its mode, the caller's random numbers and number of threads are as before afterwards.
    """
    started = time.monotonic()
    limit = math.inf if time_limit is None else real("time_limit", time_limit)
    n = _N_CANDIDATES if n_candidates is None else whole("n_candidates", n_candidates, low=2)
    kinds = (
        None if techniques is None else tuple(technique_of(one, "each of techniques") for one in techniques)
    )
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
    trainer, seed = given.trainer, given.trainer.settings.seed
    space = Space(
        given.learning_rate,
        given.architecture,
        trainer.problem.objective,
        search_rate=optimizer is None and learning_rate is None,
        only=kinds,
        few=True,
    )
    store: Any = nullcontext()
    if resume is not None:
        arguments: dict[str, Any] = {
            "module": given.module.name,
            "optimizer": given.module.optimizer_name,
        }
        arguments |= {"plan": str(given.plan), "max_epochs": max_epochs, "batch_size": batch_size}
        arguments |= {"learning_rate": learning_rate, "n_candidates": n, "random_state": random_state}
        arguments |= {
            "loss": trainer.problem.objective.loss_name,
            "techniques": [k.name for k in space.kinds],
        }
        with unchanged():  # it reads the dataset
            data_mark = fingerprint(trainer.problem, given.folds)
        store = TrialStore.open(resume, arguments, data_mark)
    with store as trial_store:
        elapsed = trial_store.elapsed if trial_store and math.isfinite(limit) else 0.0
        search = Search(
            trainer=trainer,
            stages=make_stages(given.folds, trainer.problem, seed, _short(max_epochs)),
            baselines=space.baselines(),
            proposer=OptunaProposer(space, seed, n_first=_N_FIRST),
            n_candidates=n,
            deadline=started + limit - elapsed,
            finish=_finish(given),
            trial_store=trial_store,
            callbacks=Callbacks(on_progress=on_progress or (printer() if verbose else None)),
        )
        result = search.run()
    control = Control(deadline=search.deadline)
    with Interrupts(control.cancelled):
        estimate, _ = estimate_of(search, result, None, control)
        simple: tuple[SimpleBaseline, ...] = ()
        if trainer.problem.objective.score_name != "negative loss":
            classes = given.classes
            simple = gained_by(
                trainer.problem,
                result,
                estimate,
                simple_baselines(trainer, given.folds, given.architecture.linear(), classes, control),
                None,
            )
        if search.finish.halves and not result.are_of_folds:
            control = replace(control, deadline=search.deadline + _LATE * limit)
            estimate = expected_of_all_rows(estimate, trainer, given.folds, result, given.n_train, control)
    return Tuned(
        given=given, result=result, estimate=estimate, simple=simple, seconds=time.monotonic() - started
    )


def _short(max_epochs: int) -> int | None:
    """Epochs of the first stage, in which most candidates lose; few epochs are trained at once."""
    short = math.ceil(max_epochs * _SHORT)
    return short if short >= _LEAST_SHORT else None


def _finish(given: Given) -> Finish:
    """One network: of all rows, or of the one split that was given."""
    problem, seed = given.trainer.problem, given.trainer.settings.seed
    if len(problem) > given.n_train:
        return Finish()
    everyone = np.arange(given.n_train, dtype=np.int32)
    fold = make_fold(Split(everyone, _NOBODY), problem, seed_of(seed, Stream.MODULE_REFIT_FOLD, 1))
    return Finish("refit", fold, n_networks=1, in_time=False, halves=True)


def tell(given: Given) -> None:
    """Print the plan and the notes to standard error."""
    for line in (f"taut: {given.module.label}", str(given.plan), *given.notes):
        print(line, file=sys.stderr, flush=True)


def printer() -> Callable[[Progress], None]:
    """Print a line for every candidate, and every ten seconds while they are trained."""
    reported, last = 0, -math.inf

    def show(progress: Progress) -> None:
        nonlocal reported, last
        now = time.monotonic()
        quiet = progress.done == reported and now - last < _EVERY_SECONDS
        if math.isnan(progress.best) or (quiet and not progress.finishing):
            return
        reported, last = progress.done, now
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        print(
            f"taut: {progress.done} candidates, {progress.folds} networks, best loss {progress.best:.4g} "
            f"(the module as it is, stopped early: {progress.baseline:.4g}){left}",
            file=sys.stderr,
            flush=True,
        )

    return show
