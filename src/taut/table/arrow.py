"""The schema that Arrow keeps in a Parquet file -> its columns of durations, which Parquet has no type for.

It is a flatbuffer (https://arrow.apache.org/docs/format/Columnar.html, Message.fbs and Schema.fbs): tables of
numbered fields, each found through offsets. Only what a duration needs is read.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

_DURATION = 18  # in the union of types
_PER_SECOND = (1, 10**3, 10**6, 10**9)  # by the number of the unit
_MILLISECOND = 1


def durations(schema: bytes) -> dict[str, int]:
    """Find the columns that hold durations.

    Parameters
    ----------
    schema : bytes
        The value of ``ARROW:schema`` in the file's metadata.

    Returns
    -------
    dict of str to int
        Their names, and how many of the column's units are a second; empty where it cannot be read.
    """
    try:
        data = base64.b64decode(schema, validate=True)
        start = 8 if data[:4] == b"\xff\xff\xff\xff" else 4  # before it: a mark, and the size
        message = _Table(data, start + _whole(data, start))
        return dict(_durations(message.table(2)))
    except (struct.error, binascii.Error, UnicodeDecodeError, IndexError):
        return {}


@final
@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a flatbuffer, and where it begins."""

    data: bytes
    start: int

    def offset(self, field: int) -> int | None:
        """Where a field is; None where it has its default."""
        found = self.start - struct.unpack_from("<i", self.data, self.start)[0]
        if 4 + 2 * field >= struct.unpack_from("<H", self.data, found)[0]:
            return None
        offset = int(struct.unpack_from("<H", self.data, found + 4 + 2 * field)[0])
        return self.start + offset if offset else None

    def target(self, field: int) -> int:
        """Where what a field refers to is."""
        offset = self.offset(field)
        if offset is None:
            raise IndexError(field)
        return offset + _whole(self.data, offset)

    def table(self, field: int) -> _Table:
        """The table that a field refers to."""
        return _Table(self.data, self.target(field))


def _whole(data: bytes, offset: int) -> int:
    return int(struct.unpack_from("<I", data, offset)[0])


def _durations(schema: _Table) -> Iterator[tuple[str, int]]:
    data, fields = schema.data, schema.target(1)
    for offset in range(fields + 4, fields + 4 + 4 * _whole(data, fields), 4):
        field = _Table(data, offset + _whole(data, offset))
        kind = field.offset(2)
        if kind is None or data[kind] != _DURATION:
            continue
        name = field.target(0)
        text = data[name + 4 : name + 4 + _whole(data, name)].decode()
        unit = field.table(3).offset(0)
        yield text, _PER_SECOND[_MILLISECOND if unit is None else struct.unpack_from("<h", data, unit)[0]]
