"""``taut fit``: from a file to a regularized network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from taut.cli.command import command_line
from taut.cli.table import (
    ActivationOption,
    BatchSize,
    BinsOrAuto,
    ClassWeightOption,
    DataFile,
    Dropped,
    HiddenOrAuto,
    Jobs,
    LearningRate,
    MaxEpochs,
    NoHeader,
    RandomState,
    TargetColumn,
    TaskOption,
    batch_size_of,
    bins_of,
    check_class_weight,
    learning_rate_of,
    read_training_table,
    stem,
    widths_of,
)
from taut.cli.voice import INTERRUPTED, Voice, in_sentences
from taut.errors import DataError, ParameterError

if TYPE_CHECKING:
    from taut.estimators.crossvalidated import CrossValidated
    from taut.report.schema import SourceFacts


@in_sentences
def fit(
    context: typer.Context,
    data: DataFile,
    target: TargetColumn,
    task: TaskOption = "auto",
    time_limit: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Seconds for everything but the one-time compilation."),
    ] = None,
    effort: Annotated[
        Literal["quick", "standard", "thorough"],
        typer.Option(help="18, 66 or 200 candidates, where neither a number nor a time limit is given."),
    ] = "standard",
    n_candidates: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="NUMBER", help="Recipes to try; without it by --effort, or until --time-limit."
        ),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A scikit-learn scorer to choose by, such as roc_auc; else the loss."
        ),
    ] = None,
    selection: Annotated[
        Literal["best", "1se"],
        typer.Option(help="The best, or the smallest gap within one standard error of it."),
    ] = "best",
    final: Annotated[
        Literal["bag", "refit"],
        typer.Option(help="Average the folds' networks, or five trained on all rows."),
    ] = "bag",
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep finished work here, and continue from it when started again."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder for the model; without it NAME.taut next to DATA."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The page that shows what came out; without it NAME.html next to the model."
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no page.")] = False,
    drop: Dropped = None,
    no_header: NoHeader = False,
    hidden: HiddenOrAuto = "128,128",
    activation: ActivationOption = "relu",
    n_bins: BinsOrAuto = "auto",
    learning_rate: LearningRate = "auto",
    batch_size: BatchSize = "auto",
    max_epochs: MaxEpochs = 300,
    cv: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="NUMBER",
            help="Folds; without it 5, made three times for few rows; one split above 200,000.",
        ),
    ] = None,
    class_weight: ClassWeightOption = None,
    n_jobs: Jobs = None,
    random_state: RandomState = 0,
) -> None:
    """Choose how to regularize a network for a table.

    Says what regularization brought, saves the network, and writes a page that shows it all. Tries no
    regularization, early stopping, each technique at several strengths, and mixtures, by cross-validation.
    Ctrl+C ends the search early and keeps the best so far; a second one ends at once. With --resume, the same
    command continues where it was ended.
    """
    started = time.monotonic()
    # Before anything takes time: what can be wrong with the options.
    widths: tuple[int, ...] | Literal["auto"] = "auto" if hidden == "auto" else widths_of(hidden)
    rate, batch = learning_rate_of(learning_rate), batch_size_of(batch_size)
    check_class_weight(class_weight, task)
    if report and no_report:
        raise ParameterError("--report and --no-report: give one of them.")
    from taut.report.place import page_beside

    folder = model_folder(data) if output is None else output
    page = None if no_report else page_beside(folder) if report is None else report
    voice = Voice()
    with voice.speaking():
        table = read_training_table(data, target, task=task, drop=drop or (), header=not no_header)
        # Estimators take seconds to import: a missing column is reported before that.
        from taut.cli.train import train
        from taut.estimators.effort import AUTO_FOLDS
        from taut.store import check_folder

        check_folder(folder)
        if resume is not None and _is_in(resume, folder):
            raise ParameterError(
                f"--resume: {str(resume)!r} is the model's folder, or in it; give a place outside of it."
            )
        if page is not None:
            _check_page(page, folder, resume, data, asked=report is not None)
        check_class_weight(class_weight, table.task, target)
        table.introduce(AUTO_FOLDS if cv is None else cv, voice)
        estimator = _estimator(
            table.task,
            class_weight,
            hidden=widths,
            activation=activation,
            n_bins=bins_of(n_bins),
            learning_rate=rate,
            batch_size=batch,
            max_epochs=max_epochs,
            cv="auto" if cv is None else cv,
            effort=effort,
            n_candidates=n_candidates,
            scoring=scoring,
            selection=selection,
            final=final,
            resume=resume,
            # Without what reading took.
            time_limit=None
            if time_limit is None
            else round(max(0.0, time_limit - (time.monotonic() - started)), 2),
            n_jobs=n_jobs,
            random_state=random_state,
        )
        source: SourceFacts = {
            "file": data.name,
            "target": target,
            "folder": str(folder),
            "command": command_line(context),
            "reading": table.reading,
        }
        if train(estimator, table.features, table.y, folder, voice, source=source, page=page):
            raise typer.Exit(INTERRUPTED)


def model_folder(data: Path) -> Path:
    """The default folder for a model: ``NAME.taut`` next to the data."""
    return data.parent / f"{stem(data)}.taut"


def _is_in(path: Path, folder: Path) -> bool:
    """Whether it is the folder, or anywhere in it."""
    return path.resolve().is_relative_to(folder.resolve())


def _check_page(page: Path, folder: Path, resume: Path | None, data: Path, *, asked: bool) -> None:
    """Refuse, before the search, a page that cannot be written there."""
    from taut.report.place import check

    if _is_in(page, folder):
        raise ParameterError(
            f"--report: {str(page)!r} is the model's folder, or in it; give a place outside of it."
        )
    if resume is not None and page.resolve() == resume.resolve():
        raise ParameterError(f"--report: {str(page)!r} is --resume's file; give another name.")
    try:
        check(page, None if asked else folder, [data], into_model=not asked)
    except DataError as error:
        if asked:
            raise
        text = str(error).replace("; give another name.", ".")
        raise DataError(f"{text} The report goes there: say --report FILE or --no-report.") from error


def _estimator(task: str, class_weight: Literal["balanced"] | None, **parameters: Any) -> CrossValidated:
    from taut.estimators import TautClassifierCV, TautRegressorCV

    if class_weight is not None:  # which an amount has been refused
        parameters["class_weight"] = class_weight
    kinds: dict[str, type[CrossValidated]] = {
        "classification": TautClassifierCV,
        "regression": TautRegressorCV,
    }
    return kinds[task](**parameters)
