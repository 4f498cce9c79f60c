"""A person's table: read from a file or a data frame, described, checked, and made a matrix.

The way of a table: ``read_file`` or ``frame_from`` -> ``Frame``; ``describe`` -> ``Schema``; ``matrix`` ->
``Matrix``, once; ``Encoder.fit`` on the training rows of each fold. For prediction the same, with the schema
and the encoders of training.
"""

from __future__ import annotations

from taut.table.as_it_is import read_texts
from taut.table.checks import Task, split_target, target_values, task_of
from taut.table.columns import describe
from taut.table.convert import frame_from
from taut.table.duplicates import duplicate_groups
from taut.table.encoder import Encoder
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Frame,
    Note,
    NumberColumn,
    Reading,
    TextColumn,
)
from taut.table.matrices import Matrix, matrix, matrix_from_numbers
from taut.table.read import read_file
from taut.table.schema import ColumnSchema, Part, Schema

__all__ = [
    "BooleanColumn",
    "Column",
    "ColumnSchema",
    "DateColumn",
    "Encoder",
    "Frame",
    "Matrix",
    "Note",
    "NumberColumn",
    "Part",
    "Reading",
    "Schema",
    "Task",
    "TextColumn",
    "describe",
    "duplicate_groups",
    "frame_from",
    "matrix",
    "matrix_from_numbers",
    "read_file",
    "read_texts",
    "split_target",
    "target_values",
    "task_of",
]
