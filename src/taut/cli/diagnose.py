"""``taut diagnose``: whether a network overfits on a table, and what to do."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from taut import ctrl_c
from taut.cli.table import (
    ActivationOption,
    BatchSize,
    Bins,
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
    TrainingTable,
    batch_size_of,
    check_class_weight,
    learning_rate_of,
    read_training_table,
    widths_of,
)
from taut.cli.voice import Voice, in_sentences, one_line, show, show_wrapped
from taut.errors import ParameterError
from taut.techniques.find import find
from taut.writing import check, written

if TYPE_CHECKING:
    from taut.recipe import Recipe
    from taut.techniques.base import Technique


@in_sentences
def diagnose(
    data: DataFile,
    target: TargetColumn,
    test: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rows to predict later: do they differ from DATA?"),
    ] = None,
    task: TaskOption = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the diagnosis as JSON too.")
    ] = None,
    drop: Dropped = None,
    no_header: NoHeader = False,
    hidden: Hidden = "128,128",
    activation: ActivationOption = "relu",
    n_bins: Bins = 0,
    learning_rate: LearningRate = "auto",
    batch_size: BatchSize = "auto",
    max_epochs: MaxEpochs = 300,
    l1: Annotated[float, typer.Option("--l1", metavar="NUMBER", help="Of the network as it is now.")] = 0.0,
    l2: Annotated[float, typer.Option("--l2", metavar="NUMBER", help="Of the network as it is now.")] = 0.0,
    dropout: Annotated[float, typer.Option(metavar="NUMBER", help="Of the network as it is now.")] = 0.0,
    batch_norm: Annotated[bool, typer.Option("--batch-norm", help="Of the network as it is now.")] = False,
    technique: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STRENGTH", help="Another one of the network as it is now; may be repeated."
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, metavar="EPOCHS", help="Stops the network as it is now early."),
    ] = None,
    cv: Folds = 5,
    effort: Annotated[
        Literal["quick", "standard", "thorough"],
        typer.Option(help="How many alternatives, on how many folds."),
    ] = "standard",
    time_limit: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Seconds for everything but the one-time compilation."),
    ] = None,
    class_weight: ClassWeightOption = None,
    n_jobs: Jobs = None,
    random_state: RandomState = 0,
) -> None:
    """Tell whether a network overfits on a table, and what would help.

    Trains the network as it is (without regularization by default) by cross-validation, and fixed
    alternatives of it: stopped earlier, regularized, wider, trained longer. Says whether more rows would
    help, looks for signs of trouble in the data, and ends with what to do. Ctrl+C ends it.
    """
    started = time.monotonic()
    # Before anything takes time: what can be wrong with the options.
    recipe = _recipe(l1, l2, dropout, batch_norm=batch_norm, others=technique or (), patience=patience)
    widths, rate, batch = widths_of(hidden), learning_rate_of(learning_rate), batch_size_of(batch_size)
    check_class_weight(class_weight, task)
    inputs = [data] if test is None else [data, test]
    if output is not None:
        check(output, inputs)
    voice = Voice()
    with voice.speaking():
        table = read_training_table(data, target, task=task, drop=drop or (), header=not no_header)
        check_class_weight(class_weight, table.task, target)
        table.introduce(cv, voice)
        later = None if test is None else _second_file(test, table, header=not no_header)
        from taut.cli.counting import CountingBar
        from taut.cli.train import sklearns_as_ours
        from taut.examine import diagnose as examine

        # Without what reading took.
        limit = None if time_limit is None else max(0.01, time_limit - (time.monotonic() - started))
        ctrl_c.raise_from_here()
        voice.say(f"training the network and its alternatives, {cv} folds; Ctrl+C ends it")
        with CountingBar(voice, "networks") as bar, sklearns_as_ours():
            found = examine(
                table.features,
                table.y,
                X_test=later,
                recipe=recipe,
                hidden=widths,
                activation=activation,
                n_bins=n_bins,
                learning_rate=rate,
                batch_size=batch,
                max_epochs=max_epochs,
                cv=cv,
                effort=effort,
                time_limit=limit,
                task=task,
                class_weight=class_weight,
                n_jobs=n_jobs,
                random_state=random_state,
                on_progress=bar.update,
            )
        _print(str(found))
        if output is not None:
            with written(output, inputs) as file:
                file.write(json.dumps(found.to_dict(), indent=1, allow_nan=False) + "\n")
            show(f"written  {one_line(str(output))}")


def _recipe(
    l1: float, l2: float, dropout: float, *, batch_norm: bool, others: Sequence[str], patience: int | None
) -> Recipe:
    """The network's own recipe; what is 0 is left out."""
    from taut.recipe import Recipe
    from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

    techniques = [L1(l1), L2(l2), Dropout(dropout), BatchNorm(batch_norm)]
    kept = [one for one in techniques if not one.is_off]
    kept += [_technique(text) for text in others]
    return Recipe(*kept, *([] if patience is None else [EarlyStopping(patience)]))


def _technique(text: str) -> Technique:
    """Read ``NAME=STRENGTH``."""
    name, _, number = text.partition("=")
    kind = find(name)
    try:
        strength = float(number)
    except ValueError:
        usual = kind.search_range.grid(1)[0]
        raise ParameterError(
            f"--technique takes a name and a strength, such as {kind.name}={usual:.2g}, and this is {text!r}."
        ) from None
    return kind.at(strength)


def _second_file(path: Path, table: TrainingTable, *, header: bool) -> Any:
    """Read the file by the schema of the first."""
    from taut.table import read_file
    from taut.table.columns import describe

    return read_file(path, header=header, schema=describe(table.features))


def _print(text: str) -> None:
    show()
    for line in text.split("\n"):
        show_wrapped(line)
