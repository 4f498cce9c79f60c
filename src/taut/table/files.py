"""What kind of file it is, and its text in UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

from taut.errors import DataError
from taut.table.frame import Note

_CHUNK = 1 << 20

# First bytes -> what the file is. None of these is a table that is read here.
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office document"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd"),
    (b"BZh", "a file compressed by bzip2"),
    (b"\xfd7zXZ", "a file compressed by xz"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"RDX", "an R data file"),
    (b"<!doctype html", "an HTML page"),
    (b"<!DOCTYPE html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
)
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A text file in UTF-8.

    Attributes
    ----------
    path : Path
        The person's file where it is plain UTF-8, else a copy in UTF-8.
    n_bytes, n_lines : int
        Of the whole text.
    notes : tuple of Note
        How it was decoded, where that was not plain.
    packed : bool
        Whether the person's file is compressed (gzip).
    encoding : str
        Python's name of the person's file's.
    """

    path: Path
    n_bytes: int
    n_lines: int
    notes: tuple[Note, ...]
    packed: bool = False
    encoding: str = "utf-8"


def kind_of(path: Path) -> Literal["text", "parquet"]:
    """Tell a text file (.gz or not) from Parquet by the first bytes; the name is not asked.

    Raises
    ------
    DataError
        Where there is no such file, it is a directory, a pipe, empty, cut off, or of another kind.
    """
    try:
        if not path.exists():
            raise DataError(f"there is no file {str(path)!r}.")
        if path.is_dir():
            raise DataError(f"{str(path)!r} is a directory; give a CSV, TSV or Parquet file.")
        if not path.is_file():  # it cannot be read twice, and opening it may wait for ever
            raise DataError(f"{str(path)!r} is a pipe or a device; save the table to a file first.")
        with path.open("rb") as file:
            start = file.read(64)
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - 4))
            end = file.read(4)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    if not start:
        raise DataError(f"{str(path)!r} is empty: it has no rows.")
    if start.startswith(_PARQUET):
        if end != _PARQUET or size < 12:
            raise DataError(f"{str(path)!r} is incomplete: its end is missing; copy or download it again.")
        return "parquet"
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(f"{str(path)!r} is no Parquet file, or its start is damaged.")
    _refuse(path, start)
    return "text"


def utf8(path: Path, folder: Path) -> Text:
    """Give the text of a file in UTF-8.

    A .gz file is unpacked. Without a byte-order mark, a file that is not UTF-8 is read as UTF-16 where it
    looks so, and else as Windows-1252, which has all printable characters of Latin-1.

    Parameters
    ----------
    path : Path
        A text file, gzipped or not.
    folder : Path
        For the copy, where one is needed.

    Raises
    ------
    DataError
        Where a .gz file is cut off or damaged, or there is no room for the copy.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    start = next(_chunks(path, packed, 4096), b"")
    _refuse(path, start)
    copy = folder / "text.csv"
    for encoding, name in _encodings(start):
        target = copy if packed or encoding != "utf-8" else None
        try:
            counts = _decode(path, packed, encoding, target)
        except OSError as error:
            raise DataError(f"{str(path)!r} cannot be read or copied: {error.strerror}.") from error
        if counts is not None:
            notes = [Note("", "the file is compressed (gzip).")] if packed else []
            notes += [Note("", f"the file's text is {name}.")] if name else []
            return Text(target or path, *counts, tuple(notes), packed, encoding)
    raise DataError(f"{str(path)!r} starts like {name}, but it is damaged or cut off.")


def _refuse(path: Path, start: bytes) -> None:
    for magic, what in _OTHERS:
        if start.startswith(magic):
            raise DataError(
                f"{str(path)!r} is {what}, whatever its name says; save the table as CSV or Parquet."
            )


def _encodings(start: bytes) -> list[tuple[str, str]]:
    """List the encodings to try, by the first bytes: (Python's name, a name for people or "")."""
    if start.startswith(codecs.BOM_UTF8):
        return [("utf-8-sig", "UTF-8 with a byte-order mark")]
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return [("utf-32", "UTF-32")]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return [("utf-16", "UTF-16")]
    # In UTF-16 every second byte of plain letters is zero.
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) / 5 and min(even, odd) < len(start) / 50:
        return [("utf-16-le" if odd > even else "utf-16-be", "UTF-16")]
    # Five bytes mean nothing in Windows-1252; in Latin-1 every byte means something.
    return [("utf-8", ""), ("cp1252", "Latin-1 (Windows-1252)"), ("latin-1", "Latin-1")]


def _chunks(path: Path, packed: bool, size: int = _CHUNK) -> Iterator[bytes]:
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        while True:
            try:
                chunk = file.read(size)
            except EOFError as error:
                raise DataError(f"{str(path)!r} is incomplete; copy or download it again.") from error
            except (gzip.BadGzipFile, zlib.error) as error:
                raise DataError(f"{str(path)!r} is damaged: {error}.") from error
            if not chunk:
                return
            yield chunk


def _decode(path: Path, packed: bool, encoding: str, copy: Path | None) -> tuple[int, int] | None:
    """Decode a whole file, into a copy if one is asked for: (bytes, lines), or None where it cannot be."""
    decoder = codecs.getincrementaldecoder(encoding)()
    n_bytes = n_lines = 0
    with io.BytesIO() if copy is None else copy.open("wb") as out:
        try:
            for chunk in _chunks(path, packed):
                text = decoder.decode(chunk)
                data = chunk if copy is None else text.encode()
                n_bytes += len(data)
                n_lines += data.count(b"\n") or data.count(b"\r")
                if copy is not None:
                    out.write(data)
            decoder.decode(b"", final=True)  # nothing may be left over
        except UnicodeDecodeError:
            return None
    return n_bytes, n_lines
