"""What kind of file it is, and its text in UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

from taut.errors import DataError
from taut.table.encodings import is_guess, odd_words
from taut.table.filetypes import START_BYTES, refuse
from taut.table.frame import Note, warn
from taut.table.memory import size_text

_CHUNK = 1 << 20
_START_BYTES = 1 << 18
_START_LINES = 20
_MOST_START_BYTES = 1 << 26
# What a .gz file may unpack to: the larger of the two. Tables shrink to a third or a tenth, seldom more.
_MOST_UNPACKED = 10**9
_MOST_RATIO = 100

_URL = re.compile(r"(https?|ftps?|s3a?|gs|abfss?|hdfs):/", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A text file in UTF-8.

    Attributes
    ----------
    path : Path
        The user's file where it is plain UTF-8, else a copy in UTF-8.
    n_bytes, n_lines : int
        Of the whole text.
    notes : tuple of Note
        How it was decoded, where that was not plain.
    packed : bool
        Whether the user's file is compressed (gzip).
    encoding : str
        Python's name for the user's file's encoding.
    """

    path: Path
    n_bytes: int
    n_lines: int
    notes: tuple[Note, ...]
    packed: bool = False
    encoding: str = "utf-8"


def kind_of(path: Path) -> Literal["text", "parquet"]:
    """Tell a text file (.gz or not) from Parquet by the first bytes, whatever its name.

    Raises
    ------
    DataError
        If there is no such file, it is a directory, a pipe, empty, cut off, or of another kind.
    """
    try:
        if not path.exists():
            if _URL.match(str(path)):
                raise DataError(f"{str(path)!r} is an address, not a file: download it first.")
            raise DataError(f"there is no file {str(path)!r}.")
        if path.is_dir():
            raise DataError(f"{str(path)!r} is a directory; give a CSV, TSV or Parquet file.")
        if not path.is_file():  # it cannot be read twice, and opening it may wait forever
            raise DataError(f"{str(path)!r} is a pipe or a device; save the table to a file first.")
        with path.open("rb") as file:
            start = file.read(START_BYTES)
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
    if not start.startswith(_GZIP):
        refuse(path, start)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(f"{str(path)!r} is not a Parquet file, or its start is damaged.")
    return "text"


@final
@dataclass(frozen=True, slots=True)
class Start:
    """The first lines of a text file.

    Attributes
    ----------
    path : Path
        A file in UTF-8 with only these: whole lines, or all that there is.
    packed : bool
        Whether the user's file is compressed (gzip).
    encoding : str
        By which they can be read; what comes later may show that it is another.
    """

    path: Path
    packed: bool
    encoding: str


def start_of(path: Path, folder: Path) -> Start:
    """Read at least 20 lines of a text file, so that its columns are known before the rest is read.

    Parameters
    ----------
    path : Path
        A text file, gzipped or not.
    folder : Path
        For the copy of these lines.

    Raises
    ------
    DataError
        If it is not text, a .gz file is cut off or damaged, or there is no room for the copy.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    data, whole = _first_bytes(path, packed)
    refuse(path, data[:START_BYTES])
    for encoding, _ in _encodings(data[:START_BYTES]):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise _damaged(path, data)
    # Not splitlines(), which splits at the separators of Unicode too.
    lines = list(io.StringIO(text, newline=""))
    if not whole and len(lines) > 1:
        del lines[-1]  # cut off, it would look like a short row
    copy = folder / "start.csv"
    try:
        copy.write_text("".join(lines), encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be copied: {error.strerror}.") from error
    return Start(copy, packed, encoding)


def _first_bytes(path: Path, packed: bool) -> tuple[bytes, bool]:
    """Read the first bytes, and whether they are all."""
    parts: list[bytes] = []
    size = n_lines = 0
    for chunk in _chunks(path, packed, _START_BYTES):
        # Long rows (thousands of columns) need more.
        if size and (n_lines >= _START_LINES or size >= _MOST_START_BYTES):
            return b"".join(parts), False
        parts.append(chunk)
        size += len(chunk)
        n_lines += chunk.count(b"\n")
    return b"".join(parts), True


def utf8(path: Path, folder: Path) -> Text:
    """Give the text of a file in UTF-8.

    A .gz file is unpacked. Without a byte-order mark, a file that is not UTF-8 is read as UTF-16 where it
    looks like it, and else as Windows-1252, which has all printable characters of Latin-1.

    Parameters
    ----------
    path : Path
        A text file, gzipped or not.
    folder : Path
        For the copy, where one is needed.

    Raises
    ------
    DataError
        If a .gz file is cut off or damaged, or unpacks to more than 1 GB and 100 times its size, or there
        is no room for the copy.

    Warns
    -----
    DataWarning
        If the text is surely in none of these encodings.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    start = next(_chunks(path, packed, START_BYTES), b"")
    refuse(path, start)
    copy = folder / "text.csv"
    for encoding, name in _encodings(start):
        target = copy if packed or encoding != "utf-8" else None
        try:
            counts = _decode(path, packed, encoding, target)
        except OSError as error:
            raise DataError(f"{str(path)!r} cannot be read or copied: {error.strerror}.") from error
        if counts is not None:
            notes = [Note("", "the file is compressed (gzip).")] if packed else []
            notes += [_encoding_note(path, copy, encoding, name)] if name else []
            return Text(target or path, *counts, tuple(notes), packed, encoding)
    raise _damaged(path, start)


def _damaged(path: Path, start: bytes) -> DataError:
    return DataError(f"{str(path)!r} starts like {_encodings(start)[-1][1]}, but it is damaged or cut off.")


def _encoding_note(path: Path, text: Path, encoding: str, name: str) -> Note:
    """Note how a text was decoded; where that is a guess, warn."""
    if encoding in ("cp1252", "latin-1"):
        with text.open(encoding="utf-8", newline="") as file:
            n_odd, n_words, example = odd_words(iter(lambda: file.read(_CHUNK), ""))
        if is_guess(n_odd, n_words) and _is_utf8(example.encode(encoding)):
            what = (
                f"the file's text is UTF-8 but for some bytes, the first in line {_bad_line(path):,}; it was "
                f"read as {name}, which made words such as {example[:20]!r}. Correct that line."
            )
            return warn(Note("", what))
        if is_guess(n_odd, n_words):
            what = (
                f"the file's text is neither UTF-8 nor clearly Latin-1; it was read as {name}, which is a "
                f"guess that made words such as {example[:20]!r}. If they are wrong, save it as UTF-8."
            )
            return warn(Note("", what))
    return Note("", f"the file's text is {name}.")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bad_line(path: Path) -> int:
    """Find the first line of a file that is not UTF-8, from 1."""
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        return next((number for number, line in enumerate(file, 1) if not _is_utf8(line)), 0)


def _encodings(start: bytes) -> list[tuple[str, str]]:
    """List the encodings to try, by the first bytes: (Python's name, a readable name or "")."""
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
    most = max(_MOST_UNPACKED, _MOST_RATIO * path.stat().st_size) if packed else None
    n_bytes = 0
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
            n_bytes += len(chunk)
            if most is not None and n_bytes > most:
                raise DataError(
                    f"{str(path)!r} unpacks to more than {size_text(most)}, over {_MOST_RATIO} times its own "
                    "size, as no usual table does; if it is one, unpack it yourself (gunzip)."
                )
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
