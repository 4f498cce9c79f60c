"""``taut path``: one technique over a grid of strengths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    batch_size_of,
    check_class_weight,
    learning_rate_of,
    read_training_table,
    stem,
    widths_of,
)
from taut.cli.voice import INTERRUPTED, Voice, in_sentences, one_line, show, show_wrapped
from taut.errors import ParameterError
from taut.techniques.find import find

if TYPE_CHECKING:
    from taut.paths import RegularizationPath
    from taut.techniques.base import Technique


@in_sentences
def path(
    data: DataFile,
    target: TargetColumn,
    technique: Annotated[str, typer.Option(metavar="NAME", help="Such as l2; taut techniques lists them.")],
    strengths: Annotated[
        str,
        typer.Option(
            metavar="NUMBER", help="How many, or which: 0.1,0.3,1 (of early stopping, epochs: 5,10,20)."
        ),
    ] = "50",
    task: TaskOption = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The page to write; without it NAME.TECHNIQUE.html next to DATA.",
        ),
    ] = None,
    drop: Dropped = None,
    no_header: NoHeader = False,
    hidden: Hidden = "128,128",
    activation: ActivationOption = "relu",
    n_bins: Bins = 0,
    learning_rate: LearningRate = "auto",
    batch_size: BatchSize = "auto",
    max_epochs: MaxEpochs = 300,
    cv: Folds = 5,
    class_weight: ClassWeightOption = None,
    n_jobs: Jobs = None,
    random_state: RandomState = 0,
) -> None:
    """Show what one technique does at every strength.

    Trains networks at many strengths of one technique, all folds of each, and says how strong it should be:
    the best strength, and the strongest that is no worse than one standard error. Prints a table, and writes
    a page with the figure, which needs no internet. Ctrl+C shows what is finished; a second one ends at once.
    """
    # Before anything takes time: what can be wrong with the options.
    kind, chosen = find(technique), strengths_of(strengths)
    widths, rate, batch = widths_of(hidden), learning_rate_of(learning_rate), batch_size_of(batch_size)
    check_class_weight(class_weight, task)
    page_file = page_of(data, kind) if output is None else output
    from taut.report.place import check, put

    voice = Voice()
    with voice.speaking():
        table = read_training_table(data, target, task=task, drop=drop or (), header=not no_header)
        check(page_file, inputs=[data], into_model=output is None)
        check_class_weight(class_weight, table.task, target)
        table.introduce(cv, voice)
        from taut.cli.counting import CountingBar
        from taut.cli.train import sklearns_as_ours
        from taut.paths import regularization_path
        from taut.paths.page import page
        from taut.techniques import EarlyStopping

        ctrl_c.raise_from_here()
        voice.say(f"training the {kind.name} path, {cv} folds; Ctrl+C ends it and shows what is finished")
        with CountingBar(voice, "epochs" if kind is EarlyStopping else "networks") as bar, sklearns_as_ours():
            found = regularization_path(
                table.features,
                table.y,
                kind,
                chosen,
                cv=cv,
                hidden=widths,
                activation=activation,
                n_bins=n_bins,
                learning_rate=rate,
                batch_size=batch,
                max_epochs=max_epochs,
                task=task,
                class_weight=class_weight,
                n_jobs=n_jobs,
                random_state=random_state,
                on_progress=bar.update,
            )
        _print(found)
        put(page_file, page(found, f"{kind.page.title} on {table.file}, target {target!r}"))
        show(f"figure   {one_line(str(page_file))}")
    if found.interrupted:
        voice.say(f"interrupted: {len(found.points)} points were finished, and are what is shown.")
        raise typer.Exit(INTERRUPTED)


def page_of(data: Path, kind: type[Technique]) -> Path:
    """The default file for a page: ``NAME.TECHNIQUE.html`` next to the data."""
    return data.parent / f"{stem(data)}.{kind.name}.html"


def strengths_of(text: str) -> int | list[float]:
    """Read ``--strengths``: "50" is how many, "0.1,0.3" (or "0.5") are which.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if text.strip().isdecimal():
        return int(text)
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ParameterError(
            f"--strengths is how many, such as 50, or which, such as 0.1,0.3,1; and it is {text!r}."
        ) from None


def _print(found: RegularizationPath) -> None:
    from taut.paths.text import plain_table
    from taut.paths.words import in_words

    loss = found.objective.loss_in_words
    show(f"\n{plain_table(found)}\n")
    show_wrapped(f"Losses are {loss}, without penalties, means of {found.n_folds} folds ± standard error.")
    show()
    for sentence in in_words(found):
        show_wrapped(sentence)
    epochs = f", max_epochs={found.best.epochs}" if found.axis == "epoch" else ""
    show(f"\nrecipe   {found.best.recipe!r}{epochs}")
