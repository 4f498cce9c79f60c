"""``taut fit``: from a file to a regularized network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from taut.cli.table import (
    ActivationOption,
    BatchSize,
    ClassWeightOption,
    DataFile,
    Dropped,
    Folds,
    Hidden,
    Jobs,
    LearningRate,
    MaxEpochs,
    NoHeader,
    RandomState,
    TargetColumn,
    TaskOption,
    batch_size_of,
    learning_rate_of,
    read_training_table,
    stem,
    widths_of,
)
from taut.cli.voice import INTERRUPTED, Voice, in_sentences
from taut.errors import ParameterError

if TYPE_CHECKING:
    from taut.report.summarize import CrossValidated


@in_sentences
def fit(
    data: DataFile,
    target: TargetColumn,
    task: TaskOption = "auto",
    time_limit: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Seconds for everything but the one-time compilation."),
    ] = None,
    n_candidates: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="NUMBER", help="Recipes to try; without it 40, or as many as --time-limit allows."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder for the model; without it NAME.taut next to DATA."
        ),
    ] = None,
    drop: Dropped = None,
    no_header: NoHeader = False,
    hidden: Hidden = "128,128",
    activation: ActivationOption = "relu",
    learning_rate: LearningRate = "auto",
    batch_size: BatchSize = "auto",
    max_epochs: MaxEpochs = 300,
    cv: Folds = 5,
    class_weight: ClassWeightOption = None,
    n_jobs: Jobs = None,
    random_state: RandomState = 0,
) -> None:
    """Choose how to regularize a network for a table.

    Says what regularization brought, and saves the network. Tries no regularization, early stopping, each
    technique at several strengths, and mixtures, by cross-validation. Ctrl+C ends the search early and keeps
    the best so far; a second one ends at once.
    """
    started = time.monotonic()
    # Before anything takes time: what can be wrong with the options.
    widths, rate, batch = widths_of(hidden), learning_rate_of(learning_rate), batch_size_of(batch_size)
    if class_weight and task == "regression":
        raise ParameterError("--class-weight is for classes, and --task is regression: leave one out.")
    from taut.cli.train import train
    from taut.store import check_folder

    folder = model_folder(data) if output is None else output
    voice = Voice()
    with voice.speaking():
        table = read_training_table(data, target, task=task, drop=drop or (), header=not no_header)
        check_folder(folder)
        if class_weight and table.task == "regression":
            raise ParameterError(
                f"--class-weight is for classes, and the target {target!r} is an amount: leave it out."
            )
        table.introduce(cv, voice)
        estimator = _estimator(
            table.task,
            class_weight,
            hidden=widths,
            activation=activation,
            learning_rate=rate,
            batch_size=batch,
            max_epochs=max_epochs,
            cv=cv,
            n_candidates=n_candidates,
            # What reading took is gone.
            time_limit=None if time_limit is None else max(0.0, time_limit - (time.monotonic() - started)),
            n_jobs=n_jobs,
            random_state=random_state,
        )
        if train(estimator, table.features, table.y, folder, voice):
            raise typer.Exit(INTERRUPTED)


def model_folder(data: Path) -> Path:
    """Where a model goes that no folder was named for: ``NAME.taut`` next to the data."""
    return data.parent / f"{stem(data)}.taut"


def _estimator(task: str, class_weight: Literal["balanced"] | None, **parameters: Any) -> CrossValidated:
    from taut.estimators import TautClassifierCV, TautRegressorCV

    if task == "classification":
        return TautClassifierCV(**parameters, class_weight=class_weight)
    return TautRegressorCV(**parameters)
