"""The network as code: the same one with taut, bit for bit, and its recipe with PyTorch and Keras.

As everywhere in code to take away, what is not ours is a literal made by ``repr``.
"""

from __future__ import annotations

from typing import Any

from taut.play.data import REAL
from taut.play.run import Run
from taut.play.settings import OWN
from taut.report.code import code_or_why_not, keras_code, torch_code
from taut.report.facts import NO_SOURCE, facts_of
from taut.report.schema import SourceFacts

_ACROSS = """\
model = {kind}(
    hidden={hidden!r},
    recipe={recipe!r},
    activation={activation!r},
    n_bins={n_bins!r},
    learning_rate={learning_rate!r},
    batch_size={batch_size!r},
    max_epochs={max_epochs!r},
    random_state={random_state!r},
).fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
loss = model.history_["validation_loss"][model.best_epoch_ - 1]
print(f"epoch {{model.best_epoch_}}, validation loss {{loss:.4g}}")
"""


def code_of(run: Run) -> list[dict[str, str]]:
    """Code by framework, each with its name and title; of a network with one epoch or more."""
    codes = [("taut", "taut", taut_code(run))]
    if run.training.epoch and not run.diverged:
        made: SourceFacts = {**NO_SOURCE, "file": f"{run.settings.problem}.csv", "target": run.data.target}
        source = run.data.source or made
        facts = facts_of(run.fitted(), source=source)
        facts["made"]["given"] = []  # that rows were held out is in the code itself
        written = "" if run.data.source else _as_file(run)
        for name, title, write in (("torch", "PyTorch", torch_code), ("keras", "Keras", keras_code)):
            codes.append((name, title, written + code_or_why_not(write, facts)))
    return [{"name": name, "title": title, "code": code} for name, title, code in codes]


def taut_code(run: Run) -> str:
    """Python that trains this very network with taut.

    A network whose settings were changed on the way is not told: the code trains the last settings anew.
    """
    settings, data = run.settings, run.data
    kind = type(settings.estimator(data)).__name__
    techniques = sorted({type(one).__name__ for one in settings.recipe.techniques})
    imports = [
        "import numpy as np",
        "from sklearn.model_selection import train_test_split",
        f"from taut import {', '.join(sorted([kind, 'Recipe', *techniques]))}",
    ]
    names = ("hidden", "activation", "n_bins", "learning_rate", "batch_size", "max_epochs", "random_state")
    given: dict[str, Any] = {name: getattr(settings, name) for name in names}
    split = f"test_size={settings.held_out!r}, random_state={settings.random_state!r}"
    if data.stratifies(settings.held_out):
        split += ", stratify=y"
    lines = [f"train, held_out = train_test_split(np.arange(len(y)), {split})"]
    if data.groups is not None:
        lines.insert(0, "# taut play keeps identical rows on one side; this does not, and trains other rows.")
    if run.changes:
        lines.insert(0, "# Settings were changed on the way; this trains the last ones from the start.")
    body = _ACROSS.format(kind=kind, recipe=settings.recipe, **given)
    return "\n".join([*imports, *_table(run), "", *lines, body])


def _table(run: Run) -> list[str]:
    """Where the table comes from: an import, and what makes X and y."""
    settings, source = run.settings, run.data.source
    if settings.problem == OWN and source is not None:
        reading = source["reading"]
        path = repr(reading["path"] if reading else source["file"])
        header = "" if reading is None or reading["header"] else ", header=False"
        lines = ["from taut import read", "", f"X, y = read({path}, target={source['target']!r}{header})"]
        dropped = [] if reading is None else reading["dropped"]
        return [*lines, *([f"X = X.without({dropped!r})"] if dropped else [])]
    if settings.problem in REAL:
        loader = f"load_{settings.problem}"
        lines = [f"from sklearn.datasets import {loader}", "", f"table = {loader}(as_frame=True)"]
        codes = "table.target.to_numpy()"
        y = f"table.target_names[{codes}]" if run.data.task == "classification" else codes
        return [*lines, f"X, y = table.data.to_numpy(), {y}"]
    made = f"{settings.problem!r}, n_rows={settings.n_rows!r}, noise={settings.noise!r}"
    return [
        "from taut.play.toys import toy",
        "",
        f"X, y = toy({made}, random_state={settings.random_state!r})",
    ]


def _as_file(run: Run) -> str:
    """Python that writes a made table to the file that the code below it reads."""
    name, target = f"{run.settings.problem}.csv", run.data.target
    lines = ["# The table, as a file that the code below reads.", "import csv", *_table(run), ""]
    return "\n".join(
        [
            *lines,
            f"with open({name!r}, 'w', newline='') as file:",
            "    rows = csv.writer(file)",
            f"    rows.writerow([*(f'x{{i}}' for i in range(X.shape[1])), {target!r}])",
            "    rows.writerows([*x, label] for x, label in zip(X.tolist(), y.tolist(), strict=True))",
            "",
            "",
        ]
    )
