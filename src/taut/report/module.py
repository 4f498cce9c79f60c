"""The report of a person's own module: the same page, from the same sections."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from taut.examine import Diagnosis, Effects
from taut.paths import RegularizationPath
from taut.report.facts import facts_of
from taut.report.page import write_page
from taut.report.place import check, put
from taut.report.reported import Reported, Search
from taut.store import fingerprint

if TYPE_CHECKING:
    from taut.torch.tuned import Tuned


def reported(tuned: Tuned) -> Reported:
    """What a report asks of a tuned module."""
    given, result = tuned.given, tuned.result
    problem, settings = given.trainer.problem, given.trainer.settings
    objective, scores = problem.objective, result.candidates
    return Reported(
        task=objective.task,
        loss=objective.loss_name,
        metric=objective.score_title,
        recipe=tuned.recipe,
        histories={
            name: [{"train_loss": curve.train, "validation_loss": curve.validation} for curve in curves]
            for name, curves in result.curves.items()
        },
        learning_rate=tuned.learning_rate,
        batch_size=settings.batch_size,
        max_epochs=settings.max_epochs,
        best_epoch=tuned.epoch,
        architecture=given.module.label,
        # It may have dropout or weight decay of its own, which stay.
        unregularized="the module as it is",
        n_parameters=given.plan.n_parameters,
        n_networks=len(result.networks),
        zero_share=float(np.mean([one.zero_share for one in result.networks])),
        fingerprint=fingerprint([{name: one.numpy() for name, one in tuned.network.state.items()}]),
        n_rows=given.n_train,
        kind="taut.torch.tune",
        call=f"taut.torch.tune({given.module.name}, ...)",
        seed=str(settings.seed),
        notes=[*given.plan.declined, *given.notes],
        interrupted=result.interrupted,
        search=Search(
            candidates=scores,
            chosen=result.chosen,
            baselines={"early_stopping": scores[0], "none": scores[1]},
            n_folds=len(given.folds),
            estimate=tuned.estimate,
            simple=tuned.simple,
            seconds=result.seconds,
            runs={i: (runs.curves, runs.weights) for i, runs in result.plain.items()},
        ),
    )


def write_module_report(
    tuned: Tuned,
    path: str | os.PathLike[str],
    effects: Effects | None,
    diagnosis: Diagnosis | None,
    paths: Sequence[RegularizationPath],
) -> None:
    """Write the page of a tuned module."""
    check(Path(path))
    put(Path(path), write_page(facts_of(reported(tuned), effects=effects, diagnosis=diagnosis, paths=paths)))
