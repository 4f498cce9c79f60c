"""The part of the PyTorch and Keras code that reads the table: the features that taut makes, in short."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report.schema import ColumnFacts, Facts

_WIDTH = 96


def reading(facts: Facts, file: str, target: str, held_out: int) -> str:
    """Give code that makes ``features``, ``target``, ``train`` and ``held_out`` of a CSV.

    Parameters
    ----------
    facts : Facts
    file, target : str
        The CSV's name and its target column's.
    held_out : int
        Per cent of the rows that early stopping looks at; 0 for none.
    """
    columns = facts["data"]["columns"]
    plain = [c for c in columns if c["kind"] == "number" and c["decimal"] is None]
    texts = [c for c in columns if c["kind"] == "number" and c["decimal"] is not None]
    # Two values that may be words: as a category they read themselves.
    categories = [c for c in columns if c["kind"] in ("category", "boolean")]
    dates = [c for c in columns if c["kind"] == "date"]
    parts = [
        _split(file, target, held_out),
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
        _classes(facts["recipe"]["class_weight"]) if facts["task"] == "classification" else _AMOUNT,
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


def _split(file: str, target: str, held_out: int) -> str:
    lines = [
        f"table = pd.read_csv({file!r})",
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


def _texts(columns: Sequence[ColumnFacts], mark: str) -> str:
    """Numbers that were read from text, with this decimal mark; pandas may have read them already."""
    names = [column["name"] for column in columns if column["decimal"] == mark]
    if not names:
        return ""
    swap = '.str.replace(".", "").str.replace(",", ".")' if mark == "," else ""
    return (
        f"for name in {listed(names)}:\n"
        "    values = table[name]\n"
        "    if not pd.api.types.is_numeric_dtype(values):  # with marks such as 1,234 or EUR\n"
        f'        values = values.astype("string"){swap}\n'
        '        values = values.str.replace(r"[^0-9eE+.-]", "", regex=True)\n'
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


def _classes(weight: str | None) -> str:
    text = "classes, target = np.unique(table[TARGET].to_numpy(), return_inverse=True)"
    if weight is None:
        return text
    if weight == repr("balanced"):
        counted = "np.bincount(target[train], minlength=len(classes))"
        return f"{text}\nclass_weight = len(train) / (len(classes) * np.maximum(1, {counted}))"
    each = "given.get(one, 1.0) for one in classes.tolist()"
    return f"{text}\ngiven = {weight}\nclass_weight = np.array([{each}])"
