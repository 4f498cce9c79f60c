"""``taut.read``: the table that the command line sees, in Python."""

from __future__ import annotations

import os
from typing import Any, overload

from numpy.typing import NDArray

from taut.table.checks import split_target, target_values, task_of
from taut.table.frame import Frame, warn
from taut.table.read import read_file


@overload
def read(path: str | os.PathLike[str], target: None = None, *, header: bool = True) -> Frame: ...


@overload
def read(path: str | os.PathLike[str], target: str, *, header: bool = True) -> tuple[Frame, NDArray[Any]]: ...


def read(
    path: str | os.PathLike[str], target: str | None = None, *, header: bool = True
) -> Frame | tuple[Frame, NDArray[Any]]:
    r"""Read a table from a CSV, TSV or Parquet file, as the command line does.

    Estimators, :func:`taut.diagnose` and the others take it for X. A model predicts for it what ``taut
    predict`` gives for the file.

    Parameters
    ----------
    path : str or path
        A text file may be gzipped.
    target : str, optional
        A column to split off.
    header : bool, default=True
        Whether a text file's first row has the names; else they are x0, x1, ...

    Returns
    -------
    X : Frame
        ``X["age"]`` is a column, ``X.without(["id"])`` the table without one, ``X.names`` has the names,
        ``X.notes`` what was found while reading, and ``X.to_pandas()`` gives a data frame.
    y : array, shape (n_rows,)
        Where there is a target. Numbers, or classes: text, booleans or integers. Rows without a target are in
        neither.

    Raises
    ------
    DataError
        If the file cannot be read, or the target is not there or cannot be predicted. A column of numbers
        with text among them is refused in training.

    Warns
    -----
    DataWarning
        If something was repaired or left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from taut import TautRegressor, read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "flats.csv")
    ...     _ = file.write_text("rooms,rent\n" + "2,$800\n3,$1200\n4,$1500\n" * 20)
    ...     X, y = read(file, target="rent")
    >>> X
    <Frame: 60 rows; columns 'rooms'>
    >>> y[:3].tolist()
    [800, 1200, 1500]
    >>> model = TautRegressor(hidden=(8,), max_epochs=20, random_state=0).fit(X, y)
    """
    frame = read_file(path, header=header, target=target, texts=True)
    if target is None:
        return frame
    frame[[target]].check()
    X, column, notes = split_target(frame, target)
    y = target_values(column, task_of(column)[0])
    if X.n_rows < frame.n_rows:
        warn(notes[-1])  # of the rows without a target
    return X, y
