"""``taut fit``: from a file to a regularized network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from taut.cli.voice import INTERRUPTED, Voice, in_sentences
from taut.errors import DataError, ParameterError

if TYPE_CHECKING:
    from taut.report.summarize import CrossValidated

_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".parquet", ".pq")
_MOST_CLASSES_SHOWN = 10


@in_sentences
def fit(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A CSV, TSV or Parquet file; text may be gzipped.")
    ],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")],
    task: Annotated[
        Literal["auto", "classification", "regression"],
        typer.Option(help="What the target is; auto looks at its values."),
    ] = "auto",
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
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column to leave out; may be given several times."),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row is data: the columns are x0, x1, ...")
    ] = False,
    hidden: Annotated[
        str, typer.Option(metavar="WIDTHS", help='Widths of the hidden layers; "" is a linear model.')
    ] = "128,128",
    activation: Annotated[
        Literal["relu", "silu", "gelu"], typer.Option(help="After each hidden layer.")
    ] = "relu",
    learning_rate: Annotated[str, typer.Option(metavar="NUMBER", help="A number above 0, or auto.")] = "auto",
    batch_size: Annotated[str, typer.Option(metavar="NUMBER", help="Rows a step, or auto.")] = "auto",
    max_epochs: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Where training ends that nothing stopped.")
    ] = 300,
    cv: Annotated[int, typer.Option(min=2, metavar="NUMBER", help="Folds of the cross-validation.")] = 5,
    class_weight: Annotated[
        Literal["balanced"] | None, typer.Option(help="Let all classes count alike in training.")
    ] = None,
    n_jobs: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Threads; all cores without it.")
    ] = None,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="The seed.")] = 0,
) -> None:
    """Choose how to regularize a network for a table.

    Says what regularization brought, and saves the network. Tries no regularization, early stopping, each
    technique at several strengths, and mixtures, by cross-validation. Ctrl+C ends the search early and keeps
    the best so far; a second one ends at once.
    """
    started = time.monotonic()
    # Before anything takes time: what can be wrong with the options.
    widths = _widths(hidden)
    rate = "auto" if learning_rate == "auto" else _number("--learning-rate", learning_rate, float)
    batch = "auto" if batch_size == "auto" else _number("--batch-size", batch_size, int)
    if class_weight and task == "regression":
        raise ParameterError("--class-weight is for classes, and --task is regression: leave one out.")
    from taut.cli.train import train
    from taut.store import check_folder
    from taut.table import read_file, split_target, target_leaks, target_values, task_of

    folder = model_folder(data) if output is None else output
    voice = Voice()
    with voice.speaking():
        frame = read_file(data, header=not no_header)
        n_columns = len(frame.columns)
        if target in (drop or ()):
            raise ParameterError(f"--drop {target}: this is the target, and it cannot be left out.")
        features, column, notes = split_target(frame.without(drop or ()), target)
        check_folder(folder)
        found, why = task_of(column)
        if task == "auto":
            task = found
        else:
            why = "as asked for"
        if class_weight and task == "regression":
            raise ParameterError(
                f"--class-weight is for classes, and the target {target!r} is an amount: leave it out."
            )
        if features.n_rows < cv:
            raise DataError(
                f"{str(data.name)!r} has {features.n_rows} rows with a target, too few for {cv} folds: "
                "give --cv a lower number, or more rows."
            )
        y = target_values(column, task)
        print(f"{data.name}: {frame.n_rows:,} rows, {n_columns:,} columns")
        classes = _classes(y) if task == "classification" else ""
        print(f"target {target!r}: {task} ({why}){classes}", flush=True)
        voice.notes([*features.notes, *notes])
        target_leaks(features, column)
        if task == "classification":
            _warn_of_rare_classes(y, cv, voice)
        estimator = _estimator(
            task,
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
        if train(estimator, features, y, folder, voice):
            raise typer.Exit(INTERRUPTED)


def model_folder(data: Path) -> Path:
    """Where a model goes that no folder was named for: ``NAME.taut`` next to the data."""
    return data.parent / f"{stem(data)}.taut"


def stem(data: Path) -> str:
    """Give a data file's name without ``.csv``, ``.csv.gz`` and the like."""
    name = data.name
    if name.lower().endswith(".gz"):
        name = name[:-3]
    known = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(known)] or data.name


def _estimator(task: str, class_weight: Literal["balanced"] | None, **parameters: Any) -> CrossValidated:
    from taut.estimators import TautClassifierCV, TautRegressorCV

    if task == "classification":
        return TautClassifierCV(**parameters, class_weight=class_weight)
    return TautRegressorCV(**parameters)


def _widths(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and int(part) for part in parts):
        raise ParameterError(f'--hidden is widths such as 128,128 (or "" for none), and it is {text!r}.')
    return tuple(map(int, parts))


def _number(option: str, text: str, kind: type[float] | type[int]) -> float | int:
    try:
        number = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise ParameterError(f"{option} must be {wanted} or auto, and it is {text!r}.") from None
    if not 0 < number < float("inf"):
        raise ParameterError(f"{option} must be above 0 and finite, and it is {text}.")
    return number


def _warn_of_rare_classes(y: Any, cv: int, voice: Voice) -> None:
    """Say which classes are too rare for every fold; scikit-learn's own warning names none."""
    import warnings
    from collections import Counter

    rare = {name: count for name, count in Counter(y.tolist()).items() if count < cv}
    if rare:
        warnings.filterwarnings("ignore", message="The least populated class in y has only")
        named = ", ".join(f"{name!r} ({count})" for name, count in list(rare.items())[:3])
        more = f" and {len(rare) - 3} more" if len(rare) > 3 else ""
        voice.warning(
            f"some classes have fewer rows than there are folds ({cv}): {named}{more}. They are "
            "hardly learned, and some folds do without them: join them with others, or lower --cv."
        )


def _classes(y: Any) -> str:
    """The classes and their rows, the most frequent first."""
    from collections import Counter

    counts = Counter(y.tolist()).most_common()
    shown = ", ".join(f"{name!r} {count:,}" for name, count in counts[:_MOST_CLASSES_SHOWN])
    more = len(counts) - _MOST_CLASSES_SHOWN
    return f": {shown}" + (f" and {more:,} more" if more > 0 else "")
