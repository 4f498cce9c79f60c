"""What commands that train on a table share: options, and how the file and its target are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast, final

import typer

from taut.cli.voice import Voice, one_line, show
from taut.errors import DataError, ParameterError
from taut.parameters import MOST_BINS, whole

if TYPE_CHECKING:
    from taut.report.schema import ReadingFacts
    from taut.table import Column, Frame, Note, Task

_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".parquet", ".pq")
_MOST_CLASSES_SHOWN = 10

# --- options ------------------------------------------------------------------------------------------------

DataFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="DATA", help="A CSV, TSV or Parquet file; text may be gzipped.")
]
TargetColumn: TypeAlias = Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")]
TaskOption: TypeAlias = Annotated[
    Literal["auto", "classification", "regression"],
    typer.Option(help="What the target is; auto looks at its values."),
]
Dropped: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column to leave out; may be given several times."),
]
NoHeader: TypeAlias = Annotated[
    bool, typer.Option("--no-header", help="The first row is data: the columns are x0, x1, ...")
]
Hidden: TypeAlias = Annotated[
    str, typer.Option(metavar="WIDTHS", help='Widths of the hidden layers; "" is a linear model.')
]
HiddenOrAuto: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="WIDTHS", help='Widths of the hidden layers; "" is a linear model, auto searches them too.'
    ),
]
ActivationOption: TypeAlias = Annotated[
    Literal["relu", "silu", "gelu"], typer.Option(help="After each hidden layer.")
]
Bins: TypeAlias = Annotated[
    int, typer.Option(min=0, max=MOST_BINS, metavar="NUMBER", help="Pieces that each number is seen in too.")
]
BinsOrAuto: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NUMBER", help="Pieces that each number is seen in too, or auto: 0 and 24 are tried."
    ),
]
LearningRate: TypeAlias = Annotated[str, typer.Option(metavar="NUMBER", help="A number above 0, or auto.")]
BatchSize: TypeAlias = Annotated[str, typer.Option(metavar="NUMBER", help="Rows a step, or auto.")]
MaxEpochs: TypeAlias = Annotated[
    int, typer.Option(min=1, metavar="NUMBER", help="Training ends here if nothing stopped it before.")
]
Folds: TypeAlias = Annotated[
    int, typer.Option(min=2, metavar="NUMBER", help="Folds of the cross-validation.")
]
ClassWeightOption: TypeAlias = Annotated[
    Literal["balanced"] | None, typer.Option(help="Let all classes count equally in training.")
]
Jobs: TypeAlias = Annotated[int | None, typer.Option(metavar="NUMBER", help="Threads; all cores without it.")]
RandomState: TypeAlias = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="The seed.")
]


def widths_of(text: str) -> tuple[int, ...]:
    """Read ``--hidden``: "128,128" is ``(128, 128)``, and "" is ``()``.

    Raises
    ------
    ParameterError
        If it is no list of whole numbers above 0.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and int(part) for part in parts):
        raise ParameterError(f'--hidden is widths such as 128,128 (or "" for none), and it is {text!r}.')
    return tuple(map(int, parts))


def learning_rate_of(text: str) -> float | Literal["auto"]:
    """Read ``--learning-rate``: a number above 0, or "auto"."""
    return "auto" if text == "auto" else _number("--learning-rate", text, float)


def bins_of(text: str) -> int | Literal["auto"]:
    """Read ``--n-bins``: a whole number of 0 or more, or "auto"."""
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal()):
        raise ParameterError(f"--n-bins must be a whole number or auto, and it is {text!r}.")
    return whole("--n-bins", int(text), low=0, high=MOST_BINS)


def batch_size_of(text: str) -> int | Literal["auto"]:
    """Read ``--batch-size``: a whole number above 0, or "auto"."""
    return "auto" if text == "auto" else int(_number("--batch-size", text, int))


def _number(option: str, text: str, kind: type[float] | type[int]) -> float | int:
    try:
        number = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise ParameterError(f"{option} must be {wanted} or auto, and it is {text!r}.") from None
    if not 0 < number < float("inf"):
        raise ParameterError(f"{option} must be above 0 and finite, and it is {text}.")
    return number


def check_class_weight(class_weight: str | None, task: str, target: str | None = None) -> None:
    """Refuse class weights where there are no classes.

    Parameters
    ----------
    class_weight : str or None
    task : str
        As ``--task`` has it, or what the target turned out to be.
    target : str or None
        The target's name, once it has been read.

    Raises
    ------
    ParameterError
        If so.
    """
    if class_weight and task == "regression":
        known = "--task is regression: leave one out"
        found = f"the target {target!r} is an amount: leave it out"
        raise ParameterError(f"--class-weight is for classes, and {known if target is None else found}.")


# --- the file -----------------------------------------------------------------------------------------------


def stem(data: Path) -> str:
    """Give a data file's name without ``.csv``, ``.csv.gz`` and the like."""
    name = data.name
    if name.lower().endswith(".gz"):
        name = name[:-3]
    known = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(known)] or data.name


@final
@dataclass(frozen=True, eq=False)
class TrainingTable:
    """A file with a target: what is learned from, and what is learned.

    Parameters
    ----------
    file, target : str
        The names of the file and of the target.
    features : Frame
        Without the target and what was left out, and without rows that have no target.
    column : Column
        The target.
    y : array, shape (n_rows,)
        Classes as the file has them, or numbers.
    task : {"classification", "regression"}
    why : str
        Why it is that task.
    n_rows, n_columns : int
        Of the file.
    notes : tuple of Note
        What was found in the file.
    reading : ReadingFacts
        How it was read.
    """

    file: str
    target: str
    features: Frame
    column: Column
    y: Any
    task: Task
    why: str
    n_rows: int
    n_columns: int
    notes: tuple[Note, ...]
    reading: ReadingFacts

    def introduce(self, cv: int, voice: Voice) -> None:
        """Print what it is, and what is odd about it.

        Raises
        ------
        DataError
            If there are fewer rows than folds.
        """
        if self.features.n_rows < cv:
            raise DataError(
                f"{self.file!r} has {self.features.n_rows} {'row' if self.features.n_rows == 1 else 'rows'} "
                f"with a target, too few for {cv} folds: "
                "give --cv a lower number, or more rows."
            )
        show(one_line(f"{self.file}: {self.n_rows:,} rows, {self.n_columns:,} columns"))
        counts = Counter(self.y.tolist() if self.task == "classification" else ())
        show(f"target {self.target!r}: {self.task} ({self.why}){_classes(counts)}")
        voice.notes(self.notes)
        _warn_of_rare_classes(counts, cv, voice)


def read_training_table(
    data: Path,
    target: str,
    *,
    task: Literal["auto"] | Task,
    drop: Sequence[str],
    header: bool,
    keep: Collection[str] = (),
) -> TrainingTable:
    """Read a file, and take the target out.

    ``keep`` are columns that are read even if they are an index.

    Raises
    ------
    DataError
        If the file cannot be read, or the target cannot be learned.
    ParameterError
        If the target is to be left out.
    """
    from taut.table import read_file, split_target, target_values, task_of

    if target in drop:
        raise ParameterError(f"--drop {target}: this is the target, and it cannot be left out.")
    frame = read_file(data, header=header, target=target, drop=drop, keep=keep)
    features, column, notes = split_target(frame, target)
    found, why = task_of(column)
    chosen = found if task == "auto" else task
    return TrainingTable(
        file=data.name,
        target=target,
        features=features,
        column=column,
        y=target_values(column, chosen),
        task=chosen,
        why=why if task == "auto" else "as asked for",
        n_rows=frame.n_rows,
        n_columns=len(frame.columns) + len(set(drop)),
        notes=(*features.notes, *notes),
        reading=_reading(data, frame, drop),
    )


def _reading(data: Path, frame: Frame, drop: Sequence[str]) -> ReadingFacts:
    """How the file was read, as plain values."""
    from dataclasses import asdict

    from taut.table import Reading

    reading = frame.reading or Reading("text")
    names = None if reading.names is None else list(reading.names)
    return cast("ReadingFacts", {**asdict(reading), "names": names, "path": str(data), "dropped": list(drop)})


def _warn_of_rare_classes(counts: Counter[Any], cv: int, voice: Voice) -> None:
    """Warn of classes too rare for every fold; scikit-learn's own warning names none."""
    rare = {name: count for name, count in counts.items() if count < cv}
    if rare:
        import warnings

        warnings.filterwarnings("ignore", message="The least populated class in y has only")
        named = ", ".join(f"{name!r} ({count})" for name, count in list(rare.items())[:3])
        more = f" and {len(rare) - 3} more" if len(rare) > 3 else ""
        voice.warning(
            f"some classes have fewer rows than there are folds ({cv}): {named}{more}. They are "
            "hardly learned, and some folds do without them: join them with others, or lower --cv."
        )


def _classes(counts: Counter[Any]) -> str:
    """The classes and their rows, the most frequent first; empty where there are none."""
    if not counts:
        return ""
    shown = ", ".join(f"{name!r} {count:,}" for name, count in counts.most_common(_MOST_CLASSES_SHOWN))
    more = len(counts) - _MOST_CLASSES_SHOWN
    return f": {shown}" + (f" and {more:,} more" if more > 0 else "")
