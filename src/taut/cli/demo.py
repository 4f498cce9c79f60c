"""``taut demo``: a real table on which an unregularized network overfits."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taut.cli.command import command_line
from taut.cli.voice import INTERRUPTED, Voice, in_sentences
from taut.writing import written

if TYPE_CHECKING:
    from taut.report.schema import SourceFacts
    from taut.table import Frame

#: Patients who are kept aside, to be predicted.
N_ASIDE = 92

_INTRODUCTION = f"""\
442 patients with diabetes: age, sex, body mass index, blood pressure, six blood values, and how far
the disease had gone a year later (Efron, Hastie, Johnstone and Tibshirani, 2004; from scikit-learn).
{N_ASIDE} of them are kept aside. A network with two layers of 128 can learn the others by heart. How
should it be regularized?
"""


@in_sentences
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the model.")
    ] = Path("taut-demo"),
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="The seed.")] = 0,
    n_jobs: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Threads; all cores without it.")
    ] = None,
) -> None:
    """Show it on a real table.

    Regularizes a network for the diabetes table that comes with scikit-learn, saves it, and writes a page
    that shows what came out. Needs no file and no internet.
    """
    import numpy as np

    from taut.cli.train import train
    from taut.estimators import TautRegressorCV
    from taut.report.place import check, page_beside
    from taut.store import check_folder

    check_folder(output)
    page = page_beside(output)
    check(page, into_model=True)
    print(_INTRODUCTION, flush=True)
    frame, y = patients()
    mixed = np.random.default_rng(0).permutation(frame.n_rows)
    aside, rest = np.sort(mixed[:N_ASIDE]), np.sort(mixed[N_ASIDE:])
    voice = Voice()
    source: SourceFacts = {
        "file": None,
        "target": "progression",
        "folder": str(output),
        "command": command_line(context),
        "reading": None,
    }
    new = output / "new.csv"
    with voice.speaking():
        estimator = TautRegressorCV(random_state=random_state, n_jobs=n_jobs)
        interrupted = train(
            estimator, frame.take(rest), y[rest], output, voice, new=new, source=source, page=page
        )
    _write(new, frame.take(aside))
    r2 = estimator.score(frame.take(aside), y[aside])
    print(f"\nOn the {N_ASIDE} patients that were kept aside ({new}): R² {r2:.3f}", flush=True)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def patients() -> tuple[Frame, Any]:
    """Give the table in its own units, and the progression of the disease, shape (n_rows,)."""
    from sklearn.datasets import load_diabetes

    from taut.table import Frame, NumberColumn

    data = load_diabetes(scaled=False)
    columns = (NumberColumn(name, data.data[:, i]) for i, name in enumerate(data.feature_names))
    return Frame(tuple(columns), len(data.data)), data.target


def _write(path: Path, frame: Frame) -> None:
    from taut.table import NumberColumn

    with written(path, into_model=True) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.names)
        columns = [column.values.tolist() for column in frame.columns if isinstance(column, NumberColumn)]
        writer.writerows(zip(*columns, strict=True))
