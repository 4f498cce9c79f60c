from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from taut.errors import DataError, DataWarning
from taut.table import files
from taut.table.files import kind_of, utf8

Write = Callable[..., Path]


# FAULTS 1


def test_a_missing_path_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file '.*nowhere.csv'"):
        kind_of(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"is a directory; give a CSV, TSV or Parquet file"):
        kind_of(tmp_path)
    with pytest.raises(DataError, match="is an address, not a file: download it first"):
        kind_of(Path("https://example.com/table.csv"))


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file '.*b+\.csv'|b+\.csv' cannot be read: "):
        kind_of(tmp_path / ("b" * 300 + ".csv"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"pipe\.csv' is a pipe or a device; save the table to a file first"):
        kind_of(pipe)


# FAULTS 2


def test_an_empty_file(write: Write) -> None:
    with pytest.raises(DataError, match="is empty: it has no rows"):
        kind_of(write(""))


# FAULTS 7


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"%PDF-1.7", "a PDF document"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"<html><table>", "an HTML page"),
    ],
)
def test_another_kind_of_file_is_named(write: Write, tmp_path: Path, start: bytes, what: str) -> None:
    with pytest.raises(DataError, match=f"is {what}.*save the table as CSV or Parquet"):
        kind_of(write(start))
    packed = write(gzip.compress(start), "table.csv.gz")
    assert kind_of(packed) == "text"
    with pytest.raises(DataError, match=f"is {what}"):
        utf8(packed, tmp_path)


def test_the_kind_is_told_by_the_bytes(write: Write) -> None:
    assert kind_of(write("a,b\n1,2\n", "table.dat")) == "text"
    assert kind_of(write(b"PAR1" + b"\x00" * 20 + b"PAR1", "table.csv")) == "parquet"
    with pytest.raises(DataError, match="is not a Parquet file, or its start is damaged"):
        kind_of(write("a,b\n", "table.parquet"))


# FAULTS 8


def test_a_parquet_file_without_its_end(write: Write) -> None:
    with pytest.raises(DataError, match="is incomplete: its end is missing"):
        kind_of(write(b"PAR1" + b"\x00" * 20))
    with pytest.raises(DataError, match="is incomplete"):
        kind_of(write(b"PAR1"))


def test_a_gzip_file_without_its_end(write: Write, tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n1,2\n" * 1000)
    for size in (5, len(whole) // 2, len(whole) - 1):
        with pytest.raises(DataError, match="is incomplete; copy or download it again"):
            utf8(write(whole[:size], "table.csv.gz"), tmp_path)


def test_a_damaged_gzip_file(write: Write, tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(bytes(range(256)) * 100))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(DataError, match="is damaged"):
        utf8(write(bytes(whole), "table.csv.gz"), tmp_path)


# FAULTS 3

TEXT = "name,price\né,1\nb,2\n"


def test_plain_utf8_is_not_copied(write: Write, tmp_path: Path) -> None:
    path = write(TEXT)
    text = utf8(path, tmp_path)
    assert text.path == path
    assert (text.n_bytes, text.n_lines) == (len(TEXT.encode()), 3)
    assert text.notes == ()


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "UTF-8 with a byte-order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("latin-1", "Latin-1"),
        ("cp1252", "Latin-1"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_other_encodings_are_found_and_recorded(
    write: Write, tmp_path: Path, encoding: str, said: str, packed: bool
) -> None:
    data = TEXT.encode(encoding)
    text = utf8(write(gzip.compress(data) if packed else data), tmp_path)
    assert text.path.read_text(encoding="utf-8") == TEXT
    assert text.n_lines == 3
    assert said in text.notes[-1].what
    assert (text.notes[0].what == "the file is compressed (gzip).") == packed


def test_windows_euro_and_bytes_without_meaning(write: Write, tmp_path: Path) -> None:
    text = utf8(write("a\n€5\n".encode("cp1252")), tmp_path)
    assert text.path.read_text(encoding="utf-8") == "a\n€5\n"
    with pytest.warns(DataWarning, match="read as Latin-1, which is a guess"):
        text = utf8(write(b"a\n\xe9\x81\n"), tmp_path)
    assert text.path.read_text(encoding="utf-8") == "a\n\xe9\x81\n"


def test_a_late_byte_that_is_not_utf8(write: Write, tmp_path: Path) -> None:
    text = utf8(write(b"a,b\n" + b"1,x\n" * 500_000 + b"1,\xe9\n"), tmp_path)
    assert text.n_lines == 500_002
    assert text.path.read_text(encoding="utf-8").endswith("1,é\n")


def test_utf16_cut_in_a_letter(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="starts like UTF-16, but it is damaged or cut off"):
        utf8(write(TEXT.encode("utf-16")[:-1]), tmp_path)


# FAULTS 84


@pytest.mark.fault(84)
def test_a_bomb_is_stopped(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST_UNPACKED", 3 * 10**6)
    rows = b"a,b\n" + b"1,2\n" * 1_000_000
    said = r"unpacks to more than 3 MB, over 100 times its own size.* unpack it yourself \(gunzip\)"
    with pytest.raises(DataError, match=said):
        utf8(write(gzip.compress(rows), "table.csv.gz"), tmp_path)
    assert utf8(write(rows), tmp_path).n_lines == 1_000_001  # as it is told to
    # What grows less than 100 times is unpacked, however large.
    random = "\n".join(map(str, np.random.default_rng(0).normal(size=200_000))).encode()
    assert utf8(write(gzip.compress(b"a\n" + random, 1), "table.csv.gz"), tmp_path).n_lines == 200_000


# FAULTS 85


@pytest.mark.fault(85)
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gbk", "性别,年龄\n男,31\n女,32\n"),
        ("gbk", "sex,age\n男,31\n女,32\n"),
        ("shift_jis", "都市,年齢\n東京,31\nおおさか,32\n"),
        ("big5", "城市,x\n台北,1\n高雄,2\n"),
        ("euc_kr", "성별,x\n남,1\n여,2\n"),
        ("cp1251", "пол,возраст\nм,31\nж,32\n"),
        ("cp1251", "city,x\nМосква,1\nКазань,2\n"),
        ("koi8-r", "город,x\nМосква,1\n"),
        ("cp1253", "πόλη,x\nΑθήνα,1\n"),
        ("cp1250", "miasto,x\nŁódź,1\nWrocław,2\n"),
        ("cp1254", "şehir,x\nİstanbul,1\nEskişehir,2\n"),
        ("cp850", "Stadt,x\nMünchen,1\nKöln,2\n"),
        ("mac_roman", "Stadt,x\nMünchen,1\nKöln,2\n"),
    ],
)
def test_another_encoding_is_warned_of_as_a_guess(
    write: Write, tmp_path: Path, encoding: str, content: str
) -> None:
    said = r"neither UTF-8 nor clearly Latin-1; it was read as Latin-1.* a guess.* save it as UTF-8"
    with pytest.warns(DataWarning, match=said):
        text = utf8(write(content.encode(encoding)), tmp_path)
    assert len(text.notes) == 1


@pytest.mark.fault(85)
def test_utf8_with_a_broken_letter_is_not_read_as_something_else_in_silence(
    write: Write, tmp_path: Path
) -> None:
    with pytest.warns(DataWarning, match="UTF-8 but for some bytes, the first in line 4.* 'MÃ¼nchen'"):
        utf8(write("city,x\nMünchen,1\nKöln,2\n".encode() + b"\xff,3\n"), tmp_path)


@pytest.mark.fault(85)
@pytest.mark.parametrize(
    "content",
    [
        "Größe,x\nMünchen,1\nKöln,2\nÜBERGRÖSSE,3\nä,4\n",
        "ville,x\nOrléans,1\nCréée,2\nÎle-de-France,3\nl’eau,4\nFÉE,5\n",
        "ciudad,x\nCádiz,1\nÑuñoa,2\n¿Qué?,3\n1º,4\n",
        "cidade,x\nSão Paulo,1\nCamões,2\ninformações,3\n",
        "by,x\nÅrhus,1\nÆrø,2\nMalmö,3\n",
        "price €,area m²,temperature °C,µm\n£5,½,1–2,“it’s”\n¥5,¢3,®,™\n",
    ],
)
def test_latin_1_is_none(write: Write, tmp_path: Path, content: str) -> None:
    text = utf8(write(content.encode("cp1252")), tmp_path)
    assert [note.what for note in text.notes] == ["the file's text is Latin-1 (Windows-1252)."]
