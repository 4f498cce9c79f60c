"""What a page sets: the problem, the recipe, the network and its training; read from JSON and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, TypeVar, final, get_args

from taut.errors import ParameterError, TautError
from taut.estimators import TautClassifier, TautRegressor
from taut.network import Activation
from taut.parameters import MOST_BINS, real, whole
from taut.play.data import REAL, Data, Task, real_table
from taut.play.toys import FEWEST_ROWS, MOST_ROWS, NAMED, TOYS, noise_of, toy
from taut.recipe import Recipe
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique
from taut.techniques.pages import Range

T = TypeVar("T")

#: What the page offers at most, so that a slip of the hand does not fill the memory.
MOST_WIDTH, MOST_LAYERS, MOST_EPOCHS, MOST_BATCH = 1024, 6, 5_000, 65_536
_ACTIVATIONS = get_args(Activation)
_LEAST_HELD, _MOST_HELD = 0.05, 0.9
_MOST_SEED = 2**31 - 1
#: What the person's table is called among the problems.
OWN = "own"


class SettingsError(TautError):
    """Settings that cannot be: a sentence for each control that is wrong.

    Parameters
    ----------
    sentences : dict of str to str
        By the control's name, such as ``"hidden"`` or ``"techniques.dropout.rate"``.
    """

    def __init__(self, sentences: dict[str, str]) -> None:
        super().__init__(" ".join(sentences.values()))
        self.sentences = sentences


@final
@dataclass(frozen=True)
class Switch:
    """One technique as the page has it: its strength is kept while it is off.

    Parameters
    ----------
    on : bool
    values : dict of str to float or int
        The technique's parameters by name.
    """

    on: bool
    values: dict[str, float]


@final
@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides which network is trained, on which rows.

    Parameters
    ----------
    problem : str
        A toy problem's name, or "own" for the person's table.
    n_rows : int
        Of a toy problem.
    noise : float
        Of a toy problem, from 0 to 1.
    held_out : float
        Share of the rows that do not train.
    techniques : dict of str to Switch
        All of them, by name.
    hidden : tuple of int
    activation : {"relu", "silu", "gelu"}
    n_bins : int
    learning_rate : float
    batch_size : int
    max_epochs : int
    random_state : int
        Of a toy problem's rows, of the split and of the network.
    """

    problem: str = "moons"
    n_rows: int = 300
    noise: float = 0.3
    held_out: float = 0.5
    techniques: dict[str, Switch] = field(default_factory=lambda: switches(Recipe()))
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    n_bins: int = 0
    learning_rate: float = 0.002
    batch_size: int = 16
    max_epochs: int = 300
    random_state: int = 0

    @property
    def recipe(self) -> Recipe:
        """The techniques that are on."""
        return Recipe(
            *(made(kind, one.values) for kind in TECHNIQUES if (one := self.techniques[kind.name]).on)
        )

    def data(self, own: Data | None) -> Data:
        """The table that is played with."""
        if self.problem == OWN:
            assert own is not None
            return own
        if self.problem in REAL:
            return real_table(self.problem)
        X, y = toy(self.problem, self.n_rows, self.noise, self.random_state)
        return Data(X, y, NAMED[self.problem].task, NAMED[self.problem].title)

    def task(self, own: Data | None) -> Task:
        """What is predicted: classes or amounts."""
        if self.problem == OWN:
            assert own is not None
            return own.task
        if self.problem in REAL:
            return REAL[self.problem][1]
        return NAMED[self.problem].task

    def estimator(self, data: Data) -> TautClassifier | TautRegressor:
        """The estimator that trains the same network in a script."""
        kind = TautClassifier if data.task == "classification" else TautRegressor
        activation: Any = self.activation
        return kind(
            self.hidden,
            self.recipe,
            activation=activation,
            n_bins=self.n_bins,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            random_state=self.random_state,
            n_jobs=1,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; :func:`read` takes them."""
        return {**asdict(self), "hidden": list(self.hidden)}


def switches(recipe: Recipe) -> dict[str, Switch]:
    """All techniques by name: those of a recipe on, the others off at the strength to begin with."""
    on = {type(one): one for one in recipe.techniques}
    found = {}
    for kind in TECHNIQUES:
        values = usual(kind) | (parameters_of(on[kind]) if kind in on else {})
        found[kind.name] = Switch(kind in on and not on[kind].is_off, values)
    return found


def range_of(kind: type[Technique]) -> Range:
    """From where to where a technique's slider goes."""
    span = kind.path_range or kind.search_range
    if span.low < span.high:
        return span
    return Range(max(1.0, span.low / 10), 10 * span.low, "log")  # one that a search leaves as it is


def usual(kind: type[Technique]) -> dict[str, float]:
    """A technique's parameters to begin with: the middle of what is searched, and the usual others."""
    searched = kind.search_range
    first, *others = _fields(kind)
    middle = (
        first.default if searched.low == searched.high or searched.scale == "switch" else searched.grid(3)[1]
    )
    strength = float(f"{middle:.1g}") if isinstance(middle, float) else middle
    found: dict[str, Any] = {first.name: strength} | {one.name: one.default for one in others}
    return found


def parameters_of(technique: Technique) -> dict[str, float]:
    """A technique's parameters by name."""
    return {one.name: getattr(technique, one.name) for one in _fields(type(technique))}


def made(kind: type[Technique], values: Mapping[str, float]) -> Technique:
    """A technique with these parameters.

    Raises
    ------
    ParameterError
        Where one is out of range.
    """
    return kind(**values)


def _fields(kind: type[Technique]) -> tuple[Field[Any], ...]:
    """A technique's parameters, its strength first: every technique is a dataclass."""
    return fields(kind)  # type: ignore[arg-type]


def read(found: object, own: Data | None, least: Settings | None = None) -> Settings:
    """Check settings that came from a page, a file or a link; what is not there is as in ``least``.

    Raises
    ------
    SettingsError
        With a sentence for each control that is wrong.
    """
    base = least or Settings()
    if not isinstance(found, Mapping):
        raise SettingsError({"": "These are no settings of taut play."})
    wrong: dict[str, str] = {}

    def take(name: str, check: Callable[[Any], T]) -> T:
        if name not in found:
            kept: T = getattr(base, name)
            return kept
        try:
            return check(found[name])
        except ParameterError as error:
            wrong[name] = str(error)
            kept = getattr(base, name)
            return kept

    known = {one.name for one in fields(Settings)}
    for name in found:
        if name not in known:
            wrong[str(name)] = f"taut play knows no setting {str(name)[:40]!r}."
    settings = Settings(
        problem=take("problem", lambda given: _problem(given, own)),
        n_rows=take("n_rows", lambda given: whole("Rows", given, low=FEWEST_ROWS, high=MOST_ROWS)),
        noise=take("noise", noise_of),
        held_out=take("held_out", _held_out),
        techniques=_techniques(found.get("techniques", {}), base, wrong),
        hidden=take("hidden", _hidden),
        activation=take("activation", _activation),
        n_bins=take("n_bins", lambda given: whole("Pieces", given, low=0, high=MOST_BINS)),
        learning_rate=take("learning_rate", _learning_rate),
        batch_size=take("batch_size", lambda given: whole("The batch size", given, high=MOST_BATCH)),
        max_epochs=take("max_epochs", lambda given: whole("Epochs", given, high=MOST_EPOCHS)),
        random_state=take("random_state", lambda given: whole("The seed", given, low=0, high=_MOST_SEED)),
    )
    task = settings.task(own) if not wrong else None
    for kind in TECHNIQUES:
        if kind.needs_classes and task == "regression" and settings.techniques[kind.name].on:
            wrong[f"techniques.{kind.name}"] = (
                f"{kind.page.title} is for classes, and here an amount is predicted: switch it off."
            )
    if wrong:
        raise SettingsError(wrong)
    return settings


def _techniques(found: object, base: Settings, wrong: dict[str, str]) -> dict[str, Switch]:
    """All techniques; those that are not there stay as they are."""
    if not isinstance(found, Mapping):
        wrong["techniques"] = "The techniques are an object, each by its name."
        return base.techniques
    kinds = {kind.name: kind for kind in TECHNIQUES}
    for name in found:
        if name not in kinds:
            wrong["techniques"] = f"taut knows no technique {str(name)[:40]!r}; it knows {', '.join(kinds)}."
    read = {}
    for name, kind in kinds.items():
        before, given = base.techniques[name], found.get(name, {})
        values = dict(before.values)
        if not isinstance(given, Mapping) or not isinstance(given.get("values", {}), Mapping):
            wrong[f"techniques.{name}"] = f"{kind.page.title} has a switch and values."
            given = {}
        for parameter, value in given.get("values", {}).items():
            if parameter not in values:
                wrong[f"techniques.{name}"] = f"{kind.page.title} has no parameter {str(parameter)[:40]!r}."
                continue
            try:
                values = parameters_of(made(kind, {**values, parameter: value}))
            except ParameterError as error:
                wrong[f"techniques.{name}.{parameter}"] = str(error)
        on = given.get("on", before.on)
        if not isinstance(on, bool):
            wrong[f"techniques.{name}"] = f"{kind.page.title} is on or off, and this is {str(on)[:40]!r}."
        read[name] = Switch(on is True, values)
    return read


def _problem(given: object, own: Data | None) -> str:
    names = [*NAMED, *REAL, *([] if own is None else [OWN])]
    if given not in names:
        raise ParameterError(f"There is no problem {given!r} here; there are {', '.join(names)}.")
    return str(given)


def _held_out(given: object) -> float:
    share = real("The share held out", given)
    if not _LEAST_HELD <= share <= _MOST_HELD:
        raise ParameterError(
            f"The share held out must be from {_LEAST_HELD:g} to {_MOST_HELD:g}, and it is {share:g}."
        )
    return share


def _hidden(given: object) -> tuple[int, ...]:
    if not isinstance(given, (list, tuple)):
        raise ParameterError(f"The widths are a list of whole numbers, and they are {given!r}.")
    if len(given) > MOST_LAYERS:
        raise ParameterError(
            f"There are {MOST_LAYERS} hidden layers at most here, and these are {len(given)}."
        )
    return tuple(whole("A width", one, high=MOST_WIDTH) for one in given)


def _activation(given: object) -> str:
    if given not in _ACTIVATIONS:
        raise ParameterError(f"The activation is {', '.join(_ACTIVATIONS)}, and it is {given!r}.")
    return str(given)


def _learning_rate(given: object) -> float:
    rate = real("The learning rate", given, below=10.0)
    if rate == 0:
        raise ParameterError("The learning rate must be above 0, and it is 0.")
    return rate


def controls(own: Data | None) -> dict[str, Any]:
    """What the page has to draw: the problems, and each technique as its own page and range describe it."""
    problems: list[dict[str, Any]] = [
        {"name": one.name, "title": one.title, "noise": one.noise, "usual": one.usual, "toy": True}
        for one in TOYS
    ]
    problems += [{"name": name, "title": title, "toy": False} for name, (title, _, _) in REAL.items()]
    if own is not None:
        problems.insert(0, {"name": OWN, "title": own.title, "toy": False})
    return {
        "problems": problems,
        "activations": list(_ACTIVATIONS),
        "techniques": [_control(kind) for kind in TECHNIQUES],
    }


def _control(kind: type[Technique]) -> dict[str, Any]:
    span, first = range_of(kind), _fields(kind)[0]
    return {
        "name": kind.name,
        "title": kind.page.title,
        "what": kind.page.what,
        "raising": kind.page.raising,
        "scale": span.scale,
        "low": span.low,
        "high": span.high,
        "parameters": [
            {"name": one.name, "title": one.name.replace("_", " "), "whole": _is_whole(one)}
            for one in _fields(kind)
            if not (one is first and span.scale == "switch")
        ],
    }


def _is_whole(one: Field[Any]) -> bool:
    return one.default is not MISSING and isinstance(one.default, int)
