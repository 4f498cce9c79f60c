"""The table that is played with: whole, and split into rows that train and rows that are held out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from taut.report.schema import SourceFacts
from taut.table.convert import frame_from
from taut.table.frame import Frame

Task: TypeAlias = Literal["classification", "regression"]

#: Tables that come with scikit-learn: by name the title, the task and what y is called.
REAL: dict[str, tuple[str, Task, str]] = {
    "breast_cancer": ("Breast cancer (569 rows)", "classification", "diagnosis"),
    "diabetes": ("Diabetes (442 rows)", "regression", "progression"),
}


@final
@dataclass(frozen=True, eq=False)
class Data:
    """A table and its target.

    Parameters
    ----------
    X : Frame or float64 array, shape (n_rows, n_columns)
    y : array, shape (n_rows,)
    task : {"classification", "regression"}
    title : str
        For people.
    target : str
        What y is called.
    groups : array, shape (n_rows,), or None
        Identical rows that chance would not repeat share a number: they stay on one side. None where there
        are none.
    notes : tuple of str
        What was found while it was read.
    source : SourceFacts or None
        The file, for code to take away; None of a table that was made.
    """

    X: Frame | NDArray[np.float64]
    y: NDArray[Any]
    task: Task
    title: str
    target: str = "y"
    groups: NDArray[np.integer] | None = None
    notes: tuple[str, ...] = ()
    source: SourceFacts | None = None

    def __len__(self) -> int:
        return len(self.y)

    def split(self, held_out: float, random_state: int) -> Split:
        """Hold rows out, as scikit-learn's ``train_test_split`` does; stratified by class where it can be."""
        rows = np.arange(len(self.y))
        if self.groups is not None:
            maker = GroupShuffleSplit(1, test_size=held_out, random_state=random_state)
            train, validation = next(maker.split(rows, groups=self.groups))
            return Split(self, train, validation)
        classes = self.y if self.stratifies(held_out) else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes with few rows; the page shows them
            train, validation = train_test_split(
                rows, test_size=held_out, random_state=random_state, stratify=classes
            )
        return Split(self, train, validation)

    def stratifies(self, held_out: float) -> bool:
        """Whether the rows are held out class by class: each class has rows enough for both sides."""
        if self.task != "classification" or self.groups is not None:
            return False
        counts = np.unique(self.y, return_counts=True)[1]
        n_held = round(held_out * len(self.y))
        return bool(counts.min() >= 2 and min(n_held, len(self.y) - n_held) >= len(counts))


@final
@dataclass(frozen=True, eq=False)
class Split:
    """Rows that train and rows that are held out: int arrays, shape (n,)."""

    data: Data
    train: NDArray[np.intp]
    validation: NDArray[np.intp]

    @property
    def training_rows(self) -> tuple[Any, NDArray[Any]]:
        """X and y of the rows that train."""
        return self.data.X[self.train], self.data.y[self.train]

    @property
    def held_out_rows(self) -> tuple[Any, NDArray[Any]]:
        """X and y of the rows that are held out."""
        return self.data.X[self.validation], self.data.y[self.validation]


def real_table(name: str) -> Data:
    """One of the tables of ``REAL``."""
    found = {"breast_cancer": load_breast_cancer, "diabetes": load_diabetes}[name](as_frame=True)
    title, task, target = REAL[name]
    y = found.target.to_numpy()
    if name == "breast_cancer":
        y = found.target_names[y]
    return Data(frame_from(found.data), y, task, title, target)
