from __future__ import annotations

import gzip
import io
import json
import pickle
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from taut.errors import DataError
from taut.table.files import kind_of, start_of
from taut.table.read import read_file

pytestmark = pytest.mark.fault(85)

Write = Callable[..., Path]

TABLE = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


def made(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


def arrow_stream() -> bytes:
    file = io.BytesIO()
    table = pa.table({"a": [1, 2]})
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def sqlite() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a)")
    return connection.serialize()


KINDS = {
    "JSON lines": (b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', "JSON.*read_json"),
    "JSON records": (TABLE.to_json(orient="records").encode(), "JSON.*read_json"),
    "JSON columns": (TABLE.to_json().encode(), "JSON"),
    "JSON in lines": (json.dumps([{"a": 1}, {"a": 2}], indent=2).encode(), "JSON"),
    "JSON, long": (json.dumps({"rows": list(range(5000))}).encode(), "JSON"),
    "JSON, arrays": (b"[1, 2]\n[3, 4]\n", "JSON"),
    "JSON, UTF-16": ('[{"a": 1}]\n'.encode("utf-16"), "JSON"),
    "JSON after a mark": (b'\xef\xbb\xbf\n{"a": 1}\n', "JSON"),
    "npy": (made(lambda file: np.save(file, np.eye(3))), r"a NumPy array \(\.npy\).*numpy.load"),
    "npz": (made(lambda file: np.savez(file, x=np.eye(3))), r"a file of NumPy arrays \(\.npz\)"),
    "dta": (made(lambda file: TABLE.to_stata(file)), "a Stata data file.*read_stata"),
    "dta 118": (made(lambda file: TABLE.to_stata(file, version=118)), "a Stata data file"),
    "pickle": (pickle.dumps(TABLE), "a Python pickle"),
    "pickle 0": (pickle.dumps({"a": [1]}, protocol=0), "a Python pickle"),
    "sqlite": (sqlite(), "an SQLite database"),
    "feather": (made(lambda file: pa.feather.write_feather(TABLE, file)), r"an Arrow \(Feather\) file"),
    "feather 1": (b"FEA1\x00\x00", r"an Arrow \(Feather\) file"),
    "arrow": (arrow_stream(), "an Arrow stream"),
    "orc": (made(lambda file: pa.orc.write_table(pa.table({"a": [1]}), file)), "an ORC file"),
    "sav": (b"$FL2@(#) SPSS DATA FILE" + bytes(100), "an SPSS data file"),
    "sas7bdat": (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011"), "a SAS data file"),
    "xpt": (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "a SAS transport file"),
    "rds": (b"X\n\x00\x00\x00\x03", "an R data file.*write.csv"),
    "mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
    "xlsx": (zipped(xl__workbook_dot_xml=b""), "an Excel workbook.*read_excel"),
    "ods": (zipped(mimetype=b"", content_dot_xml=b""), "an OpenDocument table"),
    "docx": (zipped(word__document_dot_xml=b""), "an Office document"),
    "zip": (zipped(train_dot_csv=b"a,b\n1,2\n"), "a zip archive.*unpack it.*'train.csv'"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "compressed by 7-Zip.*unpack it first"),
    "xz": (b"\xfd7zXZ\x00", "compressed by xz.*unpack it first"),
    "bz2": (b"BZh91AY&SY\x93\xb4", "compressed by bzip2"),
    "zst": (b"\x28\xb5\x2f\xfd\x24", "compressed by zstd"),
    "tar": (b"train.csv".ljust(257, b"\x00") + b"ustar\x0000" + bytes(200), "a tar archive"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "html": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML page"),
    "html, a part": (b"<table>\n<tr><td>1</td></tr>\n</table>\n", "an HTML page.*read_html"),
    "html, another part": (b'  <div class="x">\n<p>Not found, sorry</p>\n</div>\n', "an HTML page"),
    "html comment": (b"<!-- made by x -->\n<html>\n", "an HTML page"),
    "xml": (b'<?xml version="1.0"?>\n<rows><row a="1"/></rows>\n', "an XML document.*read_xml"),
    "xml without a head": (b'<rows>\n<row a="1"/>\n</rows>\n', "an HTML page or another document with tags"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a pointer of Git LFS and not the file itself.*git lfs pull",
    ),
    "conflict": (b"<<<<<<< HEAD\na,b\n=======\na,c\n>>>>>>> x\n", "a file with Git's marks of a conflict"),
    "arff": (b"% a comment\n@RELATION iris\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "an ARFF file"),
    "svmlight": (b"1 1:0.5 3:2\n-1 2:1e-3\n1 1:3\n", "a file of svmlight"),
    "Markdown": (b"| a | b |\n|---|:---:|\n| 1 | 2 |\n", "a table in Markdown"),
    "iso-2022": ("名前,x\n山田,1\n".encode("iso2022_jp"), "a text in ISO-2022.*save it as UTF-8"),
    "picture": (b"GIF89a\x01\x00", "a picture"),
    "something": (struct.pack("<200d", *np.linspace(1, 2, 200)), "a binary file of a kind that is not known"),
    "zeros": (b"abc\x00\x00\x00" * 50, "a binary file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["table.csv", "table.parquet", "table"])
def test_what_it_is_whatever_its_name_says(write: Write, kind: str, name: str) -> None:
    content, what = KINDS[kind]
    with pytest.raises(DataError, match=f"{name}' is {what}"):
        kind_of(write(content, name))


@pytest.mark.parametrize("kind", ["JSON lines", "html", "lfs", "pickle", "npy", "tar", "bz2", "something"])
def test_what_is_in_a_gz(write: Write, tmp_path: Path, kind: str) -> None:
    content, what = KINDS[kind]
    path = write(gzip.compress(content), "table.csv.gz")
    with pytest.raises(DataError, match=what):
        start_of(path, tmp_path)


def test_gzip_twice(write: Write, tmp_path: Path) -> None:
    path = write(gzip.compress(gzip.compress(b"a,b\n1,2\n")), "table.csv.gz")
    with pytest.raises(DataError, match="compressed by gzip once more"):
        start_of(path, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"<script>,<b>x</b>\n1,2\n3,4\n",
        b'<script>alert(1)</script>,"say ""hi"", you"\n1,2\n',
        b"<5,>5\n1,2\n",
        b"[id],[name]\n1,2\n",
        b"{a},{b}\n1,2\n",
        b'"{""a"": 1}",b\nx,y\n',
        b"MZ,II\n1,2\n",
        b"ORCHARD,BZ\n1,2\n",
        b"version,https\n1,2\n",
        b"1:2 3:4,5\n1,2\n",
        b"a\n1 1\n",
        b"time 12:30,b\n12:30,2\n",
        b"a,b\n\x1ax,\x01\n",
        "größe,x\n1,2\n".encode("cp1252"),
        "größe,x\n1,2\n".encode("utf-16"),
        "a,x\n1,2\n".encode("utf-32"),
    ],
)
def test_tables_are_left_in_peace(write: Write, tmp_path: Path, content: bytes) -> None:
    path = write(content)
    assert kind_of(path) == "text"
    assert start_of(path, tmp_path).path.read_text(encoding="utf-8")


@pytest.mark.fault(85)
@pytest.mark.parametrize(("name", "wrong"), [("table.json", False), ("table.csv", True), ("table", False)])
def test_a_name_is_spoken_of_only_where_it_is_wrong(tmp_path: Path, name: str, wrong: bool) -> None:
    path = tmp_path / name
    path.write_text('[{"a": 1}, {"a": 2}]')
    with pytest.raises(DataError, match="is JSON") as caught:
        read_file(path)
    assert ("whatever its name says" in str(caught.value)) == wrong
