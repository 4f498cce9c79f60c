"""The part of the code to take away that reads the table: as taut reads it, with ``taut.read``.

Any other reader has other rules for separators, letters, decimal marks, dates and what is missing, and what a
network learned from one table it does not find in another.
"""

from __future__ import annotations

from collections.abc import Sequence

from taut.report import class_weight
from taut.report.schema import Facts

_WIDTH = 96


def read_code(facts: Facts) -> str:
    """Give code that reads the file that was learned from as ``X`` and ``y``; else a plain CSV."""
    found = facts["source"].get("reading")
    path = facts["source"]["file"] or "table.csv" if found is None else found["path"]
    lines = [_beside(facts)] if _beside(facts) else []
    lines.append(f"X, y = taut.read({path!r}, target={_target(facts)!r}{_headless(facts)})")
    if found is not None and found["dropped"]:
        lines.append(f"X = X.without(set({listed(found['dropped'])}) & set(X.names))")
    return "\n".join(lines)


def new_code(facts: Facts) -> str:
    """Give code that reads a new file as ``X``; the model finds its columns by their names."""
    found = facts["source"].get("reading")
    name = "new.parquet" if found is not None and found["kind"] == "parquet" else "new.csv"
    return f"X = taut.read({name!r}{_headless(facts)})"


def features_code(facts: Facts, held_out: int) -> str:
    """Give code that makes ``features``, ``target``, ``train`` and ``held_out`` of ``X`` and ``y``.

    Parameters
    ----------
    facts : Facts
    held_out : int
        Per cent of the rows that early stopping looks at; 0 for none.
    """
    if held_out:
        split = (
            "order = np.random.default_rng(SEED).permutation(len(y))\n"
            f"n_held_out = max(1, len(y) * {held_out} // 100)  # early stopping looks at these\n"
            "held_out, train = order[:n_held_out], order[n_held_out:]\n"
        )
    else:
        split = "train = np.arange(len(y))\n"
    nothing = all(column["kind"] == "dropped" for column in facts["data"]["columns"] or ())
    return "\n\n".join(
        [
            f"{read_code(facts)}\n{split}WARM_UP = min(100, 5 * -(-len(train) // BATCH))",
            "features = np.zeros((len(y), 1), dtype=np.float32)  # nothing to learn from"
            if nothing
            else _FEATURES,
            _classes(facts) if facts["task"] == "classification" else _AMOUNT,
        ]
    )


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


def _beside(facts: Facts) -> str:
    """Say in a comment what else ``fit`` was given, that no file holds."""
    words = {"sample_weight": "weights of the rows", "groups": "groups of rows", "X_val": "a validation set"}
    given = [f"{words[name]} ({name})" for name in facts["made"]["given"] if name in words]
    weight = facts["recipe"]["class_weight"]
    if weight is not None and class_weight.parsed(weight) is None:
        given.append("weights of the classes (class_weight)")
    if not given:
        return ""
    return f"# The search was given {' and '.join(given)} too, which are not in here: pass them as well."


def _headless(facts: Facts) -> str:
    found = facts["source"].get("reading")
    return "" if found is None or found["header"] else ", header=False"


def _target(facts: Facts) -> str:
    return facts["source"]["target"] or "target"


# taut's own features: robust scaling with a smooth clip, flags where values are missing, one-hot categories.
_FEATURES = """\
# The features that taut makes. New rows: matrix(schema, taut.read("new.csv"), strict=False)
schema = describe(X)
table = matrix(schema, X, strict=True)
encoder = Encoder.fit(table, train)
features = encoder.transform(table.values, np.arange(len(y)))"""

_AMOUNT = """\
target = y.astype(float)
middle, unit = target[train].mean(), target[train].std() or 1.0
target = (target - middle) / unit"""


def _classes(facts: Facts) -> str:
    weight = class_weight.parsed(facts["recipe"]["class_weight"])
    text = "classes, target = np.unique(y, return_inverse=True)"
    if weight is None:
        return text
    if weight == "balanced":
        counted = "np.bincount(target[train], minlength=len(classes))"
        return f"{text}\nclass_weight = len(train) / (len(classes) * np.maximum(1, {counted}))"
    each = "given.get(one, 1.0) for one in classes.tolist()"
    return f"{text}\ngiven = {weight!r}\nclass_weight = np.array([{each}])"
