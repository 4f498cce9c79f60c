"""``taut demo``: a real table on which a mixture of techniques surely beats early stopping alone.

This is measured on rows kept aside, over many draws of the rows, by ``benchmarks/demo_table.py``.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taut.cli.command import command_line
from taut.cli.voice import INTERRUPTED, Voice, in_sentences, shell, show
from taut.writing import written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taut.report.schema import SourceFacts
    from taut.table import Frame

#: Digits that are learned from; the others are kept aside, to be predicted.
N_TRAIN = 600
TARGET = "digit"

_INTRODUCTION = """\
1,797 handwritten digits, each as 8 x 8 grey values (Alpaydin and Kaynak, 1998; from scikit-learn). It
learns from 600 of them, which a network with two layers of 128 can learn by heart; the other 1,197 are kept
aside. How should it be regularized?
"""


@in_sentences
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the model and the tables.")
    ] = Path("taut-demo"),
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="The seed.")] = 0,
    n_jobs: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Threads; all cores without it.")
    ] = None,
) -> None:
    """Show it on a real table.

    Regularizes a network for the handwritten digits that come with scikit-learn, saves it with its table, and
    writes a page that shows what came out. Needs no file and no internet.
    """
    from taut.cli.train import train
    from taut.estimators import TautClassifierCV
    from taut.report.place import check, page_beside
    from taut.store import check_folder

    check_folder(output)
    page = page_beside(output)
    check(page, into_model=True)
    show(_INTRODUCTION)
    frame, y = digits()
    rest, aside = split(len(y))
    new, table = output / "new.csv", output / "train.csv"
    voice = Voice()
    source: SourceFacts = {
        "file": str(table),
        "target": TARGET,
        "folder": str(output),
        "command": command_line(context),
        "reading": None,
    }
    with voice.speaking():
        estimator = TautClassifierCV(effort="quick", random_state=random_state, n_jobs=n_jobs)
        interrupted = train(
            estimator, frame.take(rest), y[rest], output, voice, new=new, source=source, page=page
        )
    write(new, frame.take(aside))
    write(table, frame.take(rest), y[rest])
    show(f"explore  {shell(['taut', 'report', str(output), '--explore', str(table)])}")
    right = estimator.score(frame.take(aside), y[aside])
    show(
        f"\nOf the {len(aside):,} digits that were kept aside ({new}) it reads {100 * right:.1f} % correctly."
    )
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def digits() -> tuple[Frame, NDArray[Any]]:
    """Give the grey values, and the digits, shape (n_rows,)."""
    from sklearn.datasets import load_digits

    from taut.table import Frame, NumberColumn

    data = load_digits()
    columns = (NumberColumn(name, data.data[:, i]) for i, name in enumerate(data.feature_names))
    return Frame(tuple(columns), len(data.data)), data.target


def split(n_rows: int, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the rows that are learned from, and those that are kept aside."""
    import numpy as np

    mixed = np.random.default_rng(seed).permutation(n_rows)
    return np.sort(mixed[:N_TRAIN]), np.sort(mixed[N_TRAIN:])


def write(path: Path, frame: Frame, y: NDArray[Any] | None = None) -> None:
    """Write a table of numbers as a CSV, the target last."""
    from taut.table import NumberColumn

    with written(path, into_model=True) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*frame.names, *([] if y is None else [TARGET])])
        columns = [column.values for column in frame.columns if isinstance(column, NumberColumn)]
        columns += [] if y is None else [y]
        writer.writerows(zip(*([f"{value:g}" for value in column] for column in columns), strict=True))
