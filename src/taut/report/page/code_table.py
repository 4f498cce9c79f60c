"""The part of the PyTorch and Keras code that reads the table: the features that taut makes, in short."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report import class_weight
from taut.report.schema import ColumnFacts, Facts, ReadingFacts

_WIDTH = 96


def table_code(facts: Facts) -> str:
    """Give code that reads the file as ``table``, as ``taut fit`` read it; else a plain CSV."""
    found = facts["source"].get("reading")
    if found is None:
        return f"table = pd.read_csv({facts['source']['file'] or 'table.csv'!r})"
    if found["kind"] == "parquet":
        return f"table = pd.read_parquet({found['path']!r})"
    before = ""
    arguments = _layout(found)
    if found["decimal"] != ".":
        arguments.append(f"decimal={found['decimal']!r}")
    if found["packed"] and not found["path"].endswith(".gz"):
        arguments.append('compression="gzip"')
    if found["names"] is not None:
        before = f"NAMES = {listed(found['names'])}\n"
        arguments.append(f"header={0 if found['header'] else None}, names=NAMES")
    if found["marked"]:
        before += f"MARKED = {listed(list(found['marked']))}  # numbers with marks such as 1.234 or EUR\n"
        arguments.append("dtype=dict.fromkeys(MARKED, str)")
    return before + _call("table = pd.read_csv", [repr(found["path"]), *arguments])


def new_code(facts: Facts) -> str:
    """Give code that reads a new file of the same kind as ``table``; the model knows what its texts mean."""
    found = facts["source"].get("reading")
    if found is None:
        return "table = pd.read_csv('new.csv')"
    if found["kind"] == "parquet":
        return "table = pd.read_parquet('new.parquet')"
    arguments = [*_layout(found), "dtype=str"]
    if not found["header"] and found["names"] is not None:
        names = [name for name in found["names"] if name != facts["source"]["target"]]
        arguments.append(f"header=None, names={listed(names)}")
    return _call("table = pd.read_csv", ["'new.csv'", *arguments])


def _layout(found: ReadingFacts) -> list[str]:
    """How a text file is laid out, where that is not as pandas takes it to be."""
    every = [
        ("sep", found["separator"], ","),
        ("encoding", found["encoding"], "utf-8"),
        ("skiprows", found["skipped"], 0),
    ]
    arguments = [f"{name}={value!r}" for name, value, usual in every if value != usual]
    if found["separator"] != "\t":
        arguments.append("skipinitialspace=True")
    if found["backslash"]:
        arguments.append(r'doublequote=False, escapechar="\\"')
    return arguments


def _call(name: str, arguments: Sequence[str]) -> str:
    """A call on one line, or over several where it is long."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return f"{name}(\n{''.join(f'    {one},' + chr(10) for one in arguments)})"


def marked_code(facts: Facts) -> str:
    """Give code that makes numbers of the columns of ``table`` that have marks, where there are such."""
    found = facts["source"].get("reading")
    if found is None:
        return ""
    parts = []
    for mark in (".", ","):
        names = [name for name, decimal in found["marked"].items() if decimal == mark]
        if names:
            parts.append(
                f"for name in {listed(names)}:\n"
                f"    values = table[name].astype('string'){_swapped(mark)}\n"
                f"    values = values.str.replace({_NO_NUMBER}, '', regex=True)\n"
                "    table[name] = pd.to_numeric(values, errors='coerce').astype(float)"
            )
    return "\n".join(parts)


def dates_code(facts: Facts) -> str:
    """Give code that makes dates of the columns of ``table`` that have them as text, where there are such."""
    found = facts["source"].get("reading")
    if found is None or found["kind"] == "parquet":
        return ""
    parts = []
    for day_first in (False, True):
        dates = [c for c in facts["data"]["columns"] if c["kind"] == "date"]
        names = _names([c for c in dates if bool(c["day_first"]) is day_first])
        how = ", dayfirst=True" if day_first else ""
        if names:
            parts.append(
                f"for name in {listed(names)}:\n"
                f"    table[name] = pd.to_datetime(table[name], errors='coerce'{how})"
            )
    return "\n".join(parts)


def beside_code(facts: Facts) -> str:
    """Say in a comment what else ``fit`` was given, that no file holds."""
    words = {"sample_weight": "weights of the rows", "groups": "groups of rows", "X_val": "a validation set"}
    given = [f"{words[name]} ({name})" for name in facts["made"]["given"] if name in words]
    weight = facts["recipe"]["class_weight"]
    if weight is not None and class_weight.parsed(weight) is None:
        given.append("weights of the classes (class_weight)")
    if not given:
        return ""
    return f"# The search was given {' and '.join(given)} too, which are not in here: pass them as well."


def reading(facts: Facts, target: str, held_out: int) -> str:
    """Give code that makes ``features``, ``target``, ``train`` and ``held_out`` of a CSV.

    Parameters
    ----------
    facts : Facts
    target : str
        The target column's name.
    held_out : int
        Per cent of the rows that early stopping looks at; 0 for none.
    """
    columns = facts["data"]["columns"]
    # Where the file's reading is known, its marks are gone by now.
    known = facts["source"].get("reading") is not None
    plain = [c for c in columns if c["kind"] == "number" and (known or c["decimal"] is None)]
    texts = [c for c in columns if c["kind"] == "number" and not known and c["decimal"] is not None]
    # Two values that may be words: as a category they read themselves.
    categories = [c for c in columns if c["kind"] in ("category", "boolean")]
    dates = [c for c in columns if c["kind"] == "date"]
    parts = [
        _split(facts, target, held_out),
        "columns = []",
        _NUMBER if plain or texts or dates else "",
        f"for name in {listed(_names(plain))}:\n    number(pd.to_numeric(table[name], errors='coerce'))"
        if plain
        else "",
        *(_texts(texts, mark) for mark in (".", ",")),
        *(_dates(dates, day_first) for day_first in (False, True)),
        _CATEGORY.replace("NAMES", listed(_names(categories))) if categories else "",
        "if not columns:  # nothing to learn from\n    columns.append(np.zeros(len(table)))"
        if not (plain or texts or dates or categories)
        else "",
        "features = np.column_stack(columns).astype(np.float32)",
        _classes(facts) if facts["task"] == "classification" else _AMOUNT,
    ]
    return "\n\n".join(part for part in parts if part)


def listed(names: Sequence[str]) -> str:
    """Write names as a Python list, over as many lines as it needs; none of them is broken.

    >>> listed(["age", "income"])
    "['age', 'income']"
    """
    if len(repr(list(names))) <= _WIDTH - 20:
        return repr(list(names))
    lines = [""]
    for name in map(repr, names):
        if lines[-1] and len(lines[-1]) + len(name) + 2 > _WIDTH:
            lines.append("")
        lines[-1] += f"{name}, "
    return "[\n" + "".join(f"    {line.rstrip()}\n" for line in lines) + "]"


def _names(columns: Sequence[ColumnFacts]) -> list[str]:
    return [column["name"] for column in columns]


def _split(facts: Facts, target: str, held_out: int) -> str:
    lines = [
        *(part for part in (beside_code(facts), table_code(facts), marked_code(facts)) if part),
        f"TARGET = {target!r}",
        "table = table[table[TARGET].notna()].reset_index(drop=True)",
    ]
    if held_out:
        lines += [
            "order = np.random.default_rng(SEED).permutation(len(table))",
            f"n_held_out = max(1, len(table) * {held_out} // 100)  # early stopping looks at these",
            "held_out, train = order[:n_held_out], order[n_held_out:]",
        ]
    else:
        lines.append("train = np.arange(len(table))")
    return "\n".join([*lines, "WARM_UP = min(100, 5 * -(-len(train) // BATCH))"])


_NUMBER = """\
def number(values):
    \"\"\"Robust scaling with a smooth clip at 3, and a flag where values are missing.\"\"\"
    v = np.asarray(values, dtype=float)
    missing = ~np.isfinite(v)
    known = v[train][~missing[train]]
    if len(known) == 0:
        return
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = high - low if high > low else (known.max() - known.min()) / 2
    u = np.where(missing, 0.0, v - middle) / (spread or 1.0)
    columns.append(u / np.sqrt(1 + (u / 3) ** 2))
    if 8 <= missing[train].sum() <= len(train) - 8:
        columns.append(missing)"""

_CATEGORY = """\
for name in NAMES:
    # A column for each value that is not rare; the rare ones are 0 in all of them.
    values = table[name].astype("string").fillna("(missing)")
    counts = values.iloc[train].value_counts()
    for value in counts[counts >= 8].index[:64]:
        columns.append((values == value).to_numpy(dtype=float))"""

_AMOUNT = """\
target = table[TARGET].to_numpy(dtype=float)
middle, unit = target[train].mean(), target[train].std() or 1.0
target = (target - middle) / unit"""


_NO_NUMBER = 'r"[^0-9eE+.-]"'


def _swapped(mark: str) -> str:
    """Code that makes a decimal point of a decimal comma."""
    return ".str.replace('.', '').str.replace(',', '.')" if mark == "," else ""


def _texts(columns: Sequence[ColumnFacts], mark: str) -> str:
    """Numbers that were read from text, with this decimal mark; pandas may have read them already."""
    names = [column["name"] for column in columns if column["decimal"] == mark]
    if not names:
        return ""
    return (
        f"for name in {listed(names)}:\n"
        "    values = table[name]\n"
        "    if not pd.api.types.is_numeric_dtype(values):  # with marks such as 1,234 or EUR\n"
        f'        values = values.astype("string"){_swapped(mark)}\n'
        f"        values = values.str.replace({_NO_NUMBER}, '', regex=True)\n"
        "    number(pd.to_numeric(values, errors='coerce').astype(float))"
    )


def _dates(columns: Sequence[ColumnFacts], day_first: bool) -> str:
    names = [column["name"] for column in columns if bool(column["day_first"]) is day_first]
    if not names:
        return ""
    how = ", dayfirst=True" if day_first else ""
    return (
        f"for name in {listed(names)}:  # the day, and the place in the year, the week and the day\n"
        f"    when = pd.to_datetime(table[name], errors='coerce'{how})\n"
        "    days = (when - pd.Timestamp('1970-01-01')) / pd.Timedelta(days=1)\n"
        "    number(days)\n"
        "    for turn in (when.dt.day_of_year / 366, days // 1 % 7 / 7, days % 1):\n"
        "        number(np.sin(2 * np.pi * turn))\n"
        "        number(np.cos(2 * np.pi * turn))"
    )


def _classes(facts: Facts) -> str:
    weight = class_weight.parsed(facts["recipe"]["class_weight"])
    text = "classes, target = np.unique(table[TARGET].to_numpy(), return_inverse=True)"
    if weight is None:
        return text
    if weight == "balanced":
        counted = "np.bincount(target[train], minlength=len(classes))"
        return f"{text}\nclass_weight = len(train) / (len(classes) * np.maximum(1, {counted}))"
    each = "given.get(one, 1.0) for one in classes.tolist()"
    return f"{text}\ngiven = {weight!r}\nclass_weight = np.array([{each}])"
