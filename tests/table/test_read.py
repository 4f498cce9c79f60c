from __future__ import annotations

import csv
import gzip
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taut.errors import DataError, DataWarning
from taut.table import read
from taut.table.columns import describe
from taut.table.frame import BooleanColumn, DateColumn, Frame, NumberColumn, Reading, TextColumn
from taut.table.matrices import matrix
from taut.table.read import read_file
from taut.table.words import is_missing

Write = Callable[..., Path]


@pytest.fixture(params=["typed by Python", "typed by DuckDB"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short tables are typed by Python, long ones by DuckDB where that is plain: both ways give the same."""
    if request.param == "typed by DuckDB":
        monkeypatch.setattr(read, "is_short", lambda n_rows, n_columns: False)


def numbers(frame: Frame, name: str) -> list[float]:
    column = frame.column(name)
    assert isinstance(column, NumberColumn)
    return column.values.tolist()


def texts(frame: Frame, name: str) -> list[str | None]:
    column = frame.column(name)
    assert isinstance(column, TextColumn)
    return [None if code < 0 else column.levels[code] for code in column.codes]


def notes(frame: Frame) -> str:
    return "\n".join(str(note) for note in frame.notes)


MIXED = (
    "age,city,member,joined,pay\n31,Oslo,yes,2024-01-05,1.5\nNA,Rome,no,2024-02-05 10:00,\n45,Oslo,,,-2e3\n"
)


def test_a_table_of_all_kinds(write: Write) -> None:
    frame = read_file(write(MIXED))
    assert frame.n_rows == 3
    assert np.array_equal(numbers(frame, "age"), [31, np.nan, 45], equal_nan=True)
    assert np.array_equal(numbers(frame, "pay"), [1.5, np.nan, -2000], equal_nan=True)
    assert texts(frame, "city") == ["Oslo", "Rome", "Oslo"]
    member, joined = frame.column("member"), frame.column("joined")
    assert isinstance(member, BooleanColumn)
    assert np.array_equal(member.values, [1, 0, np.nan], equal_nan=True)
    assert member.words == ("no", "yes")
    assert isinstance(joined, DateColumn)
    expected = np.array(["2024-01-05T00:00", "2024-02-05T10:00", "NaT"], dtype="datetime64[us]")
    assert np.array_equal(joined.values, expected, equal_nan=True)
    assert frame.notes == ()


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "table.csv.gz", "table.txt"])
def test_the_name_does_not_matter(write: Write, name: str) -> None:
    data = MIXED.replace(",", "\t" if name.endswith("tsv") else ",").encode()
    frame = read_file(write(gzip.compress(data) if name.endswith("gz") else data, name))
    assert frame.names == ("age", "city", "member", "joined", "pay")
    assert frame.n_rows == 3
    assert ("separator is a tab" in notes(frame)) == name.endswith("tsv")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(write: Write, encoding: str) -> None:  # FAULTS 3
    frame = read_file(write("näme,v\né,1\nü,2\n".encode(encoding)))
    assert frame.names == ("näme", "v")
    assert texts(frame, "näme") == ["é", "ü"]
    assert "the file's text is" in notes(frame)


def test_a_european_file(write: Write) -> None:  # FAULTS 4
    frame = read_file(
        write("preis;menge;tag;rabatt\n1.234,50 €;1.000;1/2/2024;5 %\n99,90 €;2.500;2/3/2024;12,5 %\n")
    )
    assert numbers(frame, "preis") == [1234.5, 99.9]
    assert numbers(frame, "menge") == [1000.0, 2500.0]
    assert numbers(frame, "rabatt") == [0.05, 0.125]
    joined = frame.column("tag")
    assert isinstance(joined, DateColumn)
    assert joined.values.astype("datetime64[D]").astype(str).tolist() == ["2024-02-01", "2024-03-02"]
    for said in ("separator is a semicolon", "decimal comma", "thousands marks", "€", "%", "day first"):
        assert said in notes(frame)


def test_currency_and_thousands(write: Write) -> None:
    frame = read_file(write('a,b\n"€12,345",x\n"€1,234,567",y\n'))
    assert numbers(frame, "a") == [12345.0, 1234567.0]


def test_plain_numbers_in_a_file_with_decimal_commas(write: Write) -> None:
    frame = read_file(write("a;b;c\n1,5;10;0.5\n2,5;20;1.25\n"))
    assert numbers(frame, "b") == [10, 20]
    assert numbers(frame, "c") == [0.5, 1.25]


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_infinities_are_kept(write: Write, cell: str) -> None:
    frame = read_file(write(f"a,b\n{cell},1\n2,2\n"))
    assert np.isinf(numbers(frame, "a")[0])


def test_underscores_are_no_figures(write: Write) -> None:
    frame = read_file(write("a,b\n1_000,1\n2_000,2\n"))
    assert texts(frame, "a") == ["1_000", "2_000"]


def test_no_header(write: Write) -> None:  # FAULTS 11
    path = write("1.5,x\n2.5,y\n")
    with pytest.warns(DataWarning, match="--no-header"):
        assert read_file(path).n_rows == 1
    frame = read_file(path, header=False)
    assert frame.names == ("x0", "x1")
    assert numbers(frame, "x0") == [1.5, 2.5]


def test_faults_of_columns_arrive(write: Write) -> None:  # FAULTS 12 and 13
    rows = "\n".join(f"{place},{place:05d},{10**19 + place}" for place in range(100))
    with pytest.warns(DataWarning) as caught:
        frame = read_file(write(f"a,zip,long\n{rows}\noops,00001,1\n"))
    said = "\n".join(str(warning.message) for warning in caught)
    assert "column 'a': 1 of 101 rows (0.99 %) hold no number: 'oops'" in said
    assert "column 'zip': its numbers have leading zeros" in said
    assert "column 'long': its integers have more figures" in said
    assert texts(frame, "zip")[:2] == ["00000", "00001"]
    assert texts(frame, "long")[0] == "10000000000000000000"
    assert np.isnan(numbers(frame, "a")[-1])


def test_larger_than_memory(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:  # FAULTS 14
    path = write("a,b\n" + "1,2\n" * 1000)
    monkeypatch.setattr(read, "available_memory", lambda: 20_000)
    with pytest.raises(
        DataError, match="larger than the memory allows: 1,001 rows x 2 columns need about 24 kB, and 20 kB"
    ):
        read_file(path)
    monkeypatch.setattr(read, "available_memory", lambda: None)
    assert read_file(path).n_rows == 1000


def test_parquet_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"a": np.zeros(1000), "b": np.zeros(1000)}), tmp_path / "t.parquet")
    monkeypatch.setattr(read, "available_memory", lambda: 20_000)
    with pytest.raises(DataError, match="1,000 rows x 2 columns need about 24 kB"):
        read_file(tmp_path / "t.parquet")


def test_nothing_is_left_behind(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    read_file(write("a,b\né,1\nü,2\n".encode("utf-16")))
    with pytest.raises(DataError):
        read_file(write("a,b\n1,2,3\n"))
    assert list(folder.iterdir()) == []


# Parquet


def test_parquet_of_all_kinds(tmp_path: Path) -> None:
    table = pa.table(
        {
            "int": pa.array([1, None, 3]),
            "float": pa.array([1.5, None, float("inf")], pa.float32()),
            "decimal": pa.array([1, None, 2]).cast(pa.decimal128(25, 2)),
            "flag": pa.array([True, None, False]),
            "text": pa.array(["x", None, "y"]),
            "category": pa.array(["x", None, "y"]).dictionary_encode(),
            "date": pa.array([0, None, 1], pa.date32()),
            "moment": pa.array([0, None, 10**9], pa.timestamp("ns")),
            "zoned": pa.array([0, None, 10**6], pa.timestamp("us", tz="Europe/Oslo")),
            "time": pa.array([0, None, 60 * 10**6], pa.time64("us")),
            'a "quoted" name': pa.array([1, 2, 3]),
            "text numbers": pa.array(["1,5", None, "2,25"]),
        }
    )
    pq.write_table(table, tmp_path / "t.pq")
    frame = read_file(tmp_path / "t.pq")
    assert frame.names == tuple(table.column_names)
    for name, values in {
        "int": [1, np.nan, 3],
        "float": [1.5, np.nan, np.inf],
        "decimal": [1, np.nan, 2],
        "time": [0, np.nan, 60],
        'a "quoted" name': [1, 2, 3],
        "text numbers": [1.5, np.nan, 2.25],
    }.items():
        assert np.array_equal(numbers(frame, name), values, equal_nan=True), name
    assert texts(frame, "text") == texts(frame, "category") == ["x", None, "y"]
    assert isinstance(frame.column("flag"), BooleanColumn)
    for name, seconds in {"date": 86400, "moment": 1, "zoned": 1}.items():
        column = frame.column(name)
        assert isinstance(column, DateColumn)
        assert column.missing.tolist() == [False, True, False]
        assert (column.values[2] - column.values[0]) / np.timedelta64(1, "s") == seconds, name


def test_parquet_columns_that_are_not_read(tmp_path: Path) -> None:  # FAULTS 9
    table = pa.table({"ok": [1], "list": [[1, 2]], "struct": [{"a": 1}], "bytes": [b"x"]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"'list' \(BIGINT\[\]\), 'struct' \(STRUCT.*\), 'bytes' \(BLOB\)"):
        read_file(tmp_path / "t.parquet")


def test_parquet_without_rows_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="'t.parquet' has no rows"):
        read_file(path)
    path.write_bytes(path.read_bytes()[:20] + b"\x00" * 20 + b"PAR1")
    with pytest.raises(DataError, match="is damaged or incomplete"):
        read_file(path)


# With a schema: the next file is read as the first was


def encode(train: Frame, path: Path) -> np.ndarray:
    schema = describe(train)
    return matrix(schema, read_file(path, schema=schema), strict=False).values


def test_a_small_file_is_read_as_the_large_one_was(write: Write) -> None:
    rows = [
        f"{place},5;{code};{flag};{day}/1/2024"
        for place, (code, flag, day) in enumerate(
            [
                ("1.0", "yes", 13),
                ("007", "no", 14),
                ("x", "yes", 1),
                ("None", "no", 2),
                ("yes", "no", 3),
                ("no", "yes", 4),
            ]
        )
    ]
    train = read_file(write("a;code;flag;day\n" + "\n".join(rows), "train.csv"))
    schema = describe(train)
    assert [column.kind for column in schema.columns] == ["number", "category", "boolean", "date"]
    whole = matrix(schema, train, strict=False).values
    for place in (0, 1, 2, 3, 4, 5):
        part = write(f"a;code;flag;day\n{rows[place]}\n", "part.csv")
        assert np.array_equal(encode(train, part)[0], whole[place], equal_nan=True), rows[place]


def test_a_doubtful_number_is_read_as_in_training(write: Write) -> None:
    train = read_file(write("a\tb\n1,5\tx\n2,25\ty\n", "train.csv"))
    assert encode(train, write("b\ta\nx\t1,234\n", "next.csv"))[0, 0] == np.float32(1.234)
    train = read_file(write("a\tb\n1.5\tx\n2,002.25\ty\n", "train.csv"))
    assert encode(train, write("b\ta\nx\t1,234\n", "next.csv"))[0, 0] == 1234.0


def test_only_the_models_columns_are_read(write: Write) -> None:
    train = read_file(write("a,b,c\n1,x,5\n2,y,5\n", "train.csv"))
    schema = describe(train)
    assert schema.used == {"a", "b"}
    frame = read_file(write("d,b,c,a\noops,x,z,1\n", "next.csv"), schema=schema)
    assert frame.names == ("b", "a")
    assert "the model does not use these columns: 'd', 'c'." in notes(frame)


def test_words_that_were_missing_in_training_are_so_again(write: Write) -> None:
    with pytest.warns(DataWarning, match="oops"):
        train = read_file(write("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(100)) + "oops,1\n"))
    with pytest.warns(DataWarning, match="like a row number"):
        schema = describe(train)
    again = read_file(write("a,b\noops,1\n5,2\n"), schema=schema)
    assert np.array_equal(matrix(schema, again, strict=False).values[:, 0], [np.nan, 5.0], equal_nan=True)
    with pytest.raises(
        DataError, match="column 'a' held numbers in training, and 1 of 2 rows now hold text: 'what'"
    ):
        matrix(schema, read_file(write("a,b\nwhat,1\n5,2\n"), schema=schema), strict=False)


# Any table that the csv module writes

names = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(lambda text: f"n{text}".strip()),
    min_size=2, max_size=5, unique=True,
)  # fmt: skip
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    names,
    st.data(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning")
def test_any_table_is_read_back(
    tmp_path: Path,
    header: list[str],
    data: st.DataObject,
    separator: str,
    encoding: str,
    quoting: int,
    end: str,
) -> None:
    kinds = data.draw(
        st.lists(st.sampled_from(["text", "number"]), min_size=len(header), max_size=len(header))
    )
    rows = []
    for _ in range(data.draw(st.integers(1, 6))):
        draws = [
            data.draw(st.one_of(st.just(""), cells.map(lambda text: f"w{text}"))) if kind == "text"
            else data.draw(st.one_of(st.just(""), st.floats(-1e6, 1e6).map(lambda value: f"{value:.4f}")))
            for kind in kinds
        ]  # fmt: skip
        rows.append(draws)
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # before Python 3.13 the writer leaves a lone carriage return without quotes
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([header, *rows])
    path = tmp_path / "table.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    frame = read_file(path)
    assert frame.names == tuple(header)
    for place, (name, kind) in enumerate(zip(header, kinds, strict=True)):
        written = [row[place].strip() for row in rows]
        if all(is_missing(cell) for cell in written):
            assert frame.column(name).missing.all()
        elif kind == "text":
            assert texts(frame, name) == [None if is_missing(cell) else cell for cell in written]
        else:
            expected = [float(cell or "nan") for cell in written]
            assert np.array_equal(numbers(frame, name), expected, equal_nan=True)


def test_a_data_frame_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "number": rng.normal(size=300),
            "integer": rng.integers(-5, 5, 300),
            "text": rng.choice(["a b", "c,d", 'e"f', "g\nh"], 300),
            "flag": rng.random(300) < 0.5,
            "moment": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, 300), unit="s"),
        }
    ).mask(rng.random((300, 5)) < 0.1)
    data.to_csv(tmp_path / "t.csv", index=False)
    frame = read_file(tmp_path / "t.csv")
    for name in ("number", "integer"):
        assert np.array_equal(numbers(frame, name), data[name].astype(float), equal_nan=True)
    assert texts(frame, "text") == [None if text != text else text for text in data["text"]]
    flag, moment = frame.column("flag"), frame.column("moment")
    assert isinstance(flag, BooleanColumn)
    assert np.array_equal(flag.values, data["flag"].astype(float), equal_nan=True)
    assert isinstance(moment, DateColumn)
    assert np.array_equal(moment.values, data["moment"].to_numpy().astype("datetime64[us]"), equal_nan=True)


# --- how it was read ----------------------------------------------------------------------------------------


def test_how_it_was_read_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{i},5;{i}.000,5;{'hm' if i == 3 else i};{i} m\n" for i in range(1, 60))
    path.write_bytes(gzip.compress(f"sep=;\na;b;a;c\n{rows}".encode("utf-16")))
    with pytest.warns(DataWarning):
        frame = read_file(path)
    assert frame.reading == Reading(
        "text", packed=True, encoding="utf-16", separator=";", decimal=",", skipped=1,
        names=("a", "b", "a (2)", "c"), marked={"b": ",", "a (2)": ","},
    )  # fmt: skip
    assert frame.without(["c"]).reading == frame.reading
    path.write_text("a,b\n1,2\n")
    assert read_file(path).reading == Reading("text")
    path.write_text("3,4\n1,2\n")
    assert read_file(path, header=False).reading == Reading("text", header=False, names=("x0", "x1"))


# FAULTS 84 and 85


@pytest.mark.fault(84)
@pytest.mark.parametrize("packed", [False, True])
def test_a_wrong_name_is_told_of_before_the_rest_is_read(
    write: Write, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    content = b"age,city\n" + b"31,Oslo\n" * 500_000
    path = write(gzip.compress(content, 1) if packed else content)
    monkeypatch.setattr(read, "utf8", None)  # reads all of it
    started = time.process_time()
    with pytest.raises(DataError, match=r"there is no column 'Age'; did you mean 'age'\?"):
        read_file(path, target="Age")
    with pytest.raises(DataError, match="there is no column 'town'; the columns are 'age', 'city'"):
        read_file(path, target="age", drop=["town"])
    assert time.process_time() - started < 2


@pytest.mark.fault(84)
def test_a_wrong_name_in_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"age": [1, 2], "city": ["a", "b"]}), path)
    monkeypatch.setattr(read, "readable", None)
    with pytest.raises(DataError, match=r"there is no column 'Age'; did you mean 'age'\?"):
        read_file(path, target="Age")


def test_columns_to_leave_out_are_not_read(write: Write) -> None:
    # A column that would be refused: numbers with text among them.
    bad = "".join(f"{row % 7},{'oops' if row % 9 == 0 else row / 7}\n" for row in range(100))
    frame = read_file(write(f"a,b\n{bad}"), target="a", drop=["b"])
    assert frame.names == ("a",)


@pytest.mark.fault(85)
@pytest.mark.parametrize("n_rows", [2, 20_000])
@pytest.mark.parametrize("length", [131_073, 2_100_000])
def test_long_fields_are_read(write: Write, n_rows: int, length: int) -> None:
    rows = "x,1\ny,2\n" * (n_rows // 2)
    frame = read_file(write(f'a,b\n{rows}"{"z" * length}",\n'))
    column = frame.column("a")
    assert isinstance(column, TextColumn)
    assert [len(level) for level in column.levels] == [1, 1, length]
    assert frame.n_rows == n_rows + 1
    assert csv.field_size_limit() == 131_072  # as the csv module has it


@pytest.mark.fault(85)
def test_what_is_wrong_with_a_long_field(write: Write) -> None:
    rows = "x,1\ny,2\n" * 100
    with pytest.raises(DataError, match=r"line 202 of 'table.csv' has a quote that is not closed; correct"):
        read_file(write(f'a,b\n{rows}"z\n{rows * 1000}'))
    with pytest.raises(DataError, match="line 202 of 'table.csv' has a field of more than 10,000,000 char"):
        read_file(write(f'a,b\n{rows}"{"z" * 10_000_001}",1\n'))
    # A message does not write it out.
    numbers = "".join(f"{row},{row / 7}\n" for row in range(20))
    with pytest.raises(DataError, match="column 'b' holds numbers, but") as caught:
        read_file(write(f"a,b\n{numbers}{'1,' + 'z' * 200_000}\n1,q\n1,r\n"))
    assert len(str(caught.value)) < 500


@pytest.mark.fault(85)
def test_a_guessed_encoding_is_warned_of(write: Write) -> None:
    with pytest.warns(DataWarning, match="neither UTF-8 nor clearly Latin-1"):
        frame = read_file(write("性别,年龄\n男,31\n女,32\n".encode("gbk")))
    assert "a guess" in notes(frame)


@pytest.mark.parametrize("times", [1, 2])
def test_a_header_that_comes_again_is_no_row(write: Write, times: int) -> None:
    path = write("age;größe;kind\n31;1,5;a\n" + times * "age;größe;kind\n" + "40;1,7;b\n")
    with pytest.warns(DataWarning, match="the header once more; ") as caught:
        frame = read_file(path)
    assert len(caught) == 1
    said = "1 row of 'table.csv' is" if times == 1 else "2 rows of 'table.csv' are"
    assert f"{said} the header once more; {'it is' if times == 1 else 'they are'} left out." in notes(frame)
    assert (numbers(frame, "age"), numbers(frame, "größe")) == ([31, 40], [1.5, 1.7])
    assert texts(frame, "kind") == ["a", "b"]


def test_a_header_that_comes_again_over_texts_is_one_all_the_same(write: Write) -> None:
    with pytest.warns(DataWarning, match="1 row of 'table.csv' is the header once more; it is left out."):
        frame = read_file(write("town,kind\nOslo,a\ntown,kind\nRome,b\n"))
    assert (texts(frame, "town"), texts(frame, "kind")) == (["Oslo", "Rome"], ["a", "b"])


def test_a_row_with_some_of_the_names_stays(write: Write) -> None:
    frame = read_file(write("age,kind\nage,b\nold,c\nx,y\n"))
    assert texts(frame, "kind") == ["b", "c", "y"]
    with pytest.warns(DataWarning, match="looks like data: "):  # of one column it may be a value
        assert read_file(write("kind\nkind\na\nb\n", "one.csv")).n_rows == 3
