"""The recipe as code to take away: taut, PyTorch, Keras. Each reads the table, trains one network, predicts.

Somebody pastes it and runs it, and the facts may come from a file that somebody else wrote. So what stands in
the code is ours (the templates, and ``Markup``), or a literal that is made here: the ``repr`` of a text or a
number, or of what was parsed (the recipe, the classes' weights, the seed). No text of the facts is code.

The table is read by ``taut.read``: any other reader has other rules for separators, letters, decimal marks,
dates and what is missing, and what a network learned from one table it does not find in another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from taut.errors import ParameterError
from taut.estimators.automatic import AVERAGE
from taut.recipe import Recipe
from taut.report import class_weight
from taut.report.schema import Facts
from taut.report.templates import environment
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping, InputNoise, LabelSmoothing, MaxNorm
from taut.techniques.base import Technique

#: The techniques that the code for PyTorch and Keras has.
_WRITTEN = frozenset({L1, L2, MaxNorm, Dropout, BatchNorm, InputNoise, LabelSmoothing, EarlyStopping})
_HELD_OUT = 15  # per cent, as TautClassifier has it
_MOST_DIGITS = 20  # of a seed
_TORCH = {"relu": Markup("nn.ReLU"), "silu": Markup("nn.SiLU"), "gelu": Markup("nn.GELU")}
_WIDTH = 96
_GIVEN = {"sample_weight": "weights of the rows", "groups": "groups of rows", "X_val": "a validation set"}


def taut_code(facts: Facts) -> str:
    """Give Python that trains one network of the recipe with taut."""
    return filled("taut.py.jinja", facts)


def loading_code(facts: Facts) -> str:
    """Give Python that loads the saved model and predicts."""
    return filled("loading.py.jinja", facts)


def torch_code(facts: Facts) -> str:
    """Give Python that trains one network with PyTorch; refused where a technique has no form in it."""
    more = _elsewhere(facts, "PyTorch")
    return filled("torch.py.jinja", facts, **more, layer=_TORCH[facts["recipe"]["activation"] or "relu"])


def keras_code(facts: Facts) -> str:
    """Give Python that trains one network with Keras 3; refused where a technique has no form in it."""
    return filled("keras.py.jinja", facts, **_elsewhere(facts, "Keras"))


def code_or_why_not(write: Callable[[Facts], str], facts: Facts) -> str:
    """Give the code that ``write`` writes, or as a comment why there is none."""
    try:
        return write(facts)
    except ParameterError as why:
        return f"# {why}\n"


def listed(names: Sequence[str]) -> Markup:
    """Write names as a Python list, over as many lines as it needs; none of them is broken.

    >>> print(listed(["age", "income"]))
    ['age', 'income']
    """
    if len(repr(list(names))) <= _WIDTH - 20:
        return Markup(repr(list(names)))
    lines = [""]
    for name in map(repr, names):
        if lines[-1] and len(lines[-1]) + len(name) + 2 > _WIDTH:
            lines.append("")
        lines[-1] += f"{name}, "
    return Markup("[\n" + "".join(f"    {line.rstrip()}\n" for line in lines) + "]")


@cache
def _environment() -> Environment:
    made = environment(finalize=lambda one: one if isinstance(one, Markup) else repr(one))
    made.globals["listed"] = listed
    return made


def filled(template: str, facts: Facts, **more: Any) -> str:
    """Fill in a template, where all but ``Markup`` becomes a literal."""
    source, recipe, made = facts["source"], facts["recipe"], facts["made"]
    reading, seed = source.get("reading"), made["seed"] or ""
    techniques = Recipe.from_json(recipe["techniques"])
    names = [type(technique).__name__ for technique in techniques.techniques]
    classes = _has_classes(facts)
    kind = "TautClassifier" if classes else "TautRegressor"
    weight = class_weight.parsed(recipe["class_weight"])
    given = [f"{_GIVEN[name]} ({name})" for name in made["given"] if name in _GIVEN]
    if recipe["class_weight"] is not None and weight is None:
        given.append("weights of the classes (class_weight)")
    # A whole number of numpy's; 0 stands for all else that a seed may be.
    whole = seed.isascii() and seed.isdecimal() and len(seed) < _MOST_DIGITS
    context = {
        "names": Markup(", ".join(sorted({kind, "Recipe", *names}))),
        "kind": Markup(kind),
        "classes": classes,
        "n_outputs": Markup("len(classes)") if classes else 1,
        "recipe": techniques,
        "hidden": tuple(recipe["hidden"] or ()),
        **{name: recipe[name] for name in ("activation", "learning_rate", "batch_size", "max_epochs")},
        "n_bins": recipe.get("n_bins", 0),
        "weight": weight if classes else None,
        "weighted": classes and weight is not None,
        "seed": int(seed) if whole else 0,
        "path": reading["path"] if reading else source["file"] or "table.csv",
        "target": source["target"] or "target",
        "headless": reading is not None and not reading["header"],
        "parquet": reading is not None and reading["kind"] == "parquet",
        "dropped": reading["dropped"] if reading else [],
        "beside": Markup(" and ".join(given)),
        "nothing": all(column["kind"] == "dropped" for column in facts["data"]["columns"] or ()),
        "folder": source["folder"] or "model",
    }
    return _environment().get_template(template).render(context | more)


def _elsewhere(facts: Facts, framework: str) -> dict[str, Any]:
    """The recipe as constants of a script; those that are off are not in it."""
    found = Recipe.from_json(facts["recipe"]["techniques"])
    on = {type(technique): technique for technique in found.active}
    for kind in on:
        if kind not in _WRITTEN:
            raise ParameterError(
                f"There is no {framework} code for this recipe: {kind.page.title} has no form in it that "
                "taut can write, and the same network without it would be another one."
            )

    def strength(kind: type[Technique]) -> float:
        return on[kind].strength if kind in on else 0.0

    hooks, recipe = found.hooks(), facts["recipe"]
    constants = {
        "SEED": 0,
        "LEARNING_RATE": recipe["learning_rate"],
        "BATCH": recipe["batch_size"],
        "EPOCHS": recipe["max_epochs"],
        "AVERAGE": AVERAGE,
        "L1": strength(L1),
        "L2": strength(L2),
        "MAX_NORM": strength(MaxNorm),
        "DROPOUT": hooks.drop if Dropout in on else 0.0,
        "INPUT_NOISE": hooks.input_noise,
        "INPUT_DROPOUT": hooks.input_drop if Dropout in on else 0.0,
        "PATIENCE": hooks.patience or 0,
        "MIN_DELTA": hooks.min_delta,
        "LABEL_SMOOTHING": hooks.smoothing if _has_classes(facts) else 0.0,
    }
    return {
        **constants,
        "constants": [(Markup(name), value) for name, value in constants.items()],
        "normalize": BatchNorm in on,
        "held_out": _HELD_OUT if EarlyStopping in on else 0,
    }


def _has_classes(facts: Facts) -> bool:
    return facts["task"] == "classification"
