"""Files that hold no table that taut reads: what they are, by their first bytes, and what to do."""

from __future__ import annotations

import codecs
import io
import json
import re
import zipfile
from pathlib import Path

from taut.errors import DataError

#: How many of the first bytes ``refuse`` needs.
START_BYTES = 4096

_PICKLE = ("a Python pickle", "pandas.read_pickle")
_DTA = ("a Stata data file", "pandas.read_stata")
_SPSS = ("an SPSS data file", "pandas.read_spss")
_PICTURE = ("a picture", "")
_PROGRAM = ("a program", "")
# First bytes -> what the file is, and what reads its table.
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office document", "pandas.read_excel"),
    (b"%PDF", "a PDF document", ""),
    (b"SQLite format 3\x00", "an SQLite database", "pandas.read_sql"),
    (b"PARE", "a Parquet file that is encrypted", ""),
    (b"ORC", "an ORC file", "pandas.read_orc"),
    (b"ARROW1", "an Arrow (Feather) file", "pandas.read_feather"),
    (b"FEA1", "an Arrow (Feather) file", "pandas.read_feather"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "pyarrow.ipc.open_stream"),
    (b"Obj\x01", "an Avro file", ""),
    (b"\x89HDF", "an HDF5 file", "pandas.read_hdf"),
    (b"\x93NUMPY", "a NumPy array (.npy)", "numpy.load"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", "scipy.io.loadmat"),
    (b"<stata_dta>", *_DTA),
    (b"$FL2", *_SPSS),
    (b"$FL3", *_SPSS),
    (b"HEADER RECORD*******LIB", "a SAS transport file", "pandas.read_sas"),
    (b"HEADER RECORD*******CPORT", "a SAS transport file", "pandas.read_sas"),
    (b"RDX", "an R data file", "R's write.csv"),
    (b"RDA", "an R data file", "R's write.csv"),
    (b"X\n\x00\x00\x00", "an R data file", "R's write.csv"),
    (b"(dp0", *_PICKLE),
    (b"(lp0", *_PICKLE),
    (b"ccopy_reg", *_PICKLE),
    (b"{\\rtf", "a document in RTF", ""),
    (b"%!PS", "a PostScript document", ""),
    (b"\x89PNG", *_PICTURE),
    (b"\xff\xd8\xff", *_PICTURE),
    (b"GIF8", *_PICTURE),
    (b"II*\x00", *_PICTURE),
    (b"MM\x00*", *_PICTURE),
    (b"RIFF", "a picture, a sound or a film", ""),
    (b"\x7fELF", *_PROGRAM),
)
_PACKED = (
    (b"\x1f\x8b", "gzip once more"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy"),
)
_SAS = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_LFS = re.compile(r"version https://(git-lfs|hawser)\.github\.com/spec/")
_TAG = re.compile(r"<(?:!--|!doctype\b|\?xml\b|/?[a-z][\w:.-]*(?:\s[^<>]*)?/?>)", re.IGNORECASE)
_FIRST_CELL = re.compile(r"<[^<>]*>(?:[^<>]*</[^<>]*>)?[,;\t|]")
_JSON = re.compile(r"[\[{]\s*(?:[\[{]|\"(?:[^\"\\]|\\.)*\"\s*[:,\]]|[\]}]\s*$)")
_SVMLIGHT = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[ \t]+(?:qid:\d+|\d+:[-+.\deE]+))+[ \t]*(?:#.*)?")
_MARKDOWN = re.compile(r"\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)*\|?")
_ISO_2022 = re.compile(r"\x1b(?:\$[@ABC]|\$\([CD]|\([JI])")
_FEW_LINES = 10


def refuse(path: Path, start: bytes) -> None:
    """Refuse a file that is not a table of text, and say what it is.

    Parameters
    ----------
    path : Path
        For the message; a zip archive is opened.
    start : bytes
        The first 4096 of the file, or of what a .gz file holds.

    Raises
    ------
    DataError
        If the first bytes are those of another kind of file.
    """
    for magic, what in _PACKED:
        if start.startswith(magic) and not _is_words(start, magic):
            raise DataError(f"{str(path)!r} is compressed by {what}, which is not read; unpack it first.")
    if start.startswith(b"PK\x03\x04") or start.startswith(b"PK\x05\x06"):
        _refuse_zip(path)
    if start[257:262] == b"ustar":
        raise DataError(f"{str(path)!r} is a tar archive; unpack it, and give the table in it.")
    what, reader = _binary(start) or _text(start) or ("", "")
    if what:
        raise DataError(f"{str(path)!r} is {what}{_in_spite_of(path)}; {_how(reader)}")


def _in_spite_of(path: Path) -> str:
    """Say that the name is wrong, where it is that of a readable table."""
    known = path.suffix.lower() in (".csv", ".tsv", ".txt", ".tab", ".dat", ".gz", ".parquet", ".pq")
    return ", whatever its name says" if known else ""


def _how(reader: str) -> str:
    way = "save the table as CSV or Parquet"
    if reader.startswith(("pandas", "numpy", "scipy", "pyarrow", "sklearn")):
        return f"{way} ({reader} reads it)."
    return f"{way} with {reader}." if reader else f"{way}."


def _refuse_zip(path: Path) -> None:
    """Say what a zip archive is: many kinds of files are zip archives."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):  # inside a .gz, or cut off
        names = []
        what, how = "an Excel workbook or another zip archive", _how("")
    else:
        if any(name.startswith("xl/") for name in names):
            what, how = "an Excel workbook", _how("pandas.read_excel")
        elif any(name.startswith(("word/", "ppt/")) for name in names):
            what, how = "an Office document", _how("")
        elif "mimetype" in names and "content.xml" in names:
            what, how = "an OpenDocument table or text", _how("pandas.read_excel")
        elif names and all(name.endswith(".npy") for name in names):
            what, how = "a file of NumPy arrays (.npz)", _how("numpy.load")
        elif any(name.endswith("/data.pkl") for name in names):
            what, how = "a file of PyTorch", _how("")
        elif names:
            what = "a zip archive"
            how = f"unpack it, and give the table in it, such as {names[0]!r}."
        else:
            what, how = "an empty zip archive", _how("")
    raise DataError(f"{str(path)!r} is {what}{_in_spite_of(path)}; {how}")


def _binary(start: bytes) -> tuple[str, str] | None:
    for magic, what, reader in _MAGIC:
        if start.startswith(magic) and not _is_words(start, magic):
            return what, reader
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _PICKLE
    if start[12:32] == _SAS:
        return "a SAS data file", "pandas.read_sas"
    if start[:1] in tuple(bytes([version]) for version in range(0x69, 0x74)) and (
        start[1:2] in (b"\x01", b"\x02") and start[2:4] == b"\x01\x00"
    ):
        return _DTA
    if start[8:12] == b"DUCK":
        return "a DuckDB database", "duckdb"
    if b"Standard Jet DB" in start[:32] or b"Standard ACE DB" in start[:32]:
        return "an Access database", ""
    if _is_utf16(start):
        return None
    zeros = start.count(0)
    controls = sum(byte < 9 or 13 < byte < 27 for byte in start)
    if zeros > 0.2 * len(start) or (controls > 0.02 * len(start) and not _is_utf8(start)):
        return "a binary file of a kind that is not known here", ""
    return None


def _is_words(start: bytes, magic: bytes) -> bool:
    """Whether it is a text that only begins like a file of another kind."""
    return magic.isascii() and magic.isalnum() and _is_utf8(start) and not any(byte < 9 for byte in start)


def _is_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # the last letter may be cut off
    except UnicodeDecodeError:
        return False
    return True


def _is_utf16(start: bytes) -> bool:
    """Whether it is a text in UTF-16 or UTF-32."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return True
    even, odd = start[::2].count(0), start[1::2].count(0)
    return max(even, odd) > len(start) / 5 and min(even, odd) < len(start) / 50


def _text(start: bytes) -> tuple[str, str] | None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = start.decode("utf-16", errors="ignore")
    else:
        text = start.decode("utf-8-sig", errors="ignore")
    text = text.lstrip()
    lines = [line for line in io.StringIO(text, newline=None).read().split("\n")[:_FEW_LINES] if line.strip()]
    if not lines:
        return None
    if _LFS.match(text):
        return "a pointer of Git LFS and not the file itself (run: git lfs pull)", ""
    if re.match(r"(\.\./)*\.git/annex/objects/|/annex/objects/", text):
        return "a pointer of git-annex and not the file itself (run: git annex get)", ""
    if lines[0].startswith("<<<<<<< "):
        return "a file with Git's marks of a conflict that was not resolved", ""
    if re.match(r"(%.*\s+)*@relation\b", text, re.IGNORECASE):
        return "an ARFF file (Weka)", "scipy.io.arff.loadarff"
    if re.match(r"\*{40}|.{0,40}ASCII SPSS PORT FILE", lines[0]):
        return _SPSS
    if _ISO_2022.search(text):
        return "a text in ISO-2022, whose letters would be lost (save it as UTF-8)", ""
    if len(lines) > 1 and "|" in lines[1] and _MARKDOWN.fullmatch(lines[1].strip()):
        return "a table in Markdown", ""
    if _is_json(text, lines[0]):
        return "JSON", "pandas.read_json"
    if _TAG.match(text) and not _has_columns(lines):
        if text[:5].lower() == "<?xml":
            return "an XML document", "pandas.read_xml"
        return "an HTML page or another document with tags (XML)", "pandas.read_html"
    if len(lines) > 1 and all(_SVMLIGHT.fullmatch(line) for line in lines[:-1]):
        return "a file of svmlight", "sklearn.datasets.load_svmlight_file"
    return None


def _is_json(text: str, first: str) -> bool:
    if text[0] not in "[{":
        return False
    try:
        json.loads(first)
    except ValueError:  # over many lines, or longer than what is examined
        return _JSON.match(text) is not None
    return True


def _has_columns(lines: list[str]) -> bool:
    """Tell a table whose first name is a tag from a document: all lines have as many separators."""
    if _FIRST_CELL.match(lines[0]):
        return True
    whole = lines[:-1] or lines  # the last may be cut off
    return any(len({line.count(mark) for line in whole}) == 1 and mark in whole[0] for mark in "\t;|,")
