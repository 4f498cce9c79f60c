"""What ``taut report --explore`` trains for a saved model's page."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from taut.cli.counting import CountingBar
from taut.cli.table import TrainingTable, read_training_table
from taut.cli.voice import Voice
from taut.errors import DataError, ParameterError, TautError, TrainingError

if TYPE_CHECKING:
    from taut.estimators.base import TautEstimator
    from taut.estimators.effort import Effort
    from taut.examine import Diagnosis, Effects
    from taut.paths import RegularizationPath
    from taut.report.schema import Facts

_T = TypeVar("_T")


@final
@dataclass
class Explored:
    """What was trained, as far as it went.

    Parameters
    ----------
    paths : list of RegularizationPath
    effects : Effects or None
    diagnosis : Diagnosis or None
    interrupted : bool
        Whether Ctrl+C ended it.
    """

    paths: list[RegularizationPath]
    effects: Effects | None = None
    diagnosis: Diagnosis | None = None
    interrupted: bool = False


def table_of(
    model: TautEstimator, data: Path, target: str | None, facts: Facts, voice: Voice
) -> TrainingTable:
    """Read the table that a model was trained on, as it was read then.

    Raises
    ------
    ParameterError
        If the target is unknown, or the model was fitted with something that is in no file.
    DataError
        If the table cannot be read, or lacks the model's columns.
    """
    given = facts["made"]["given"]
    if given:
        raise ParameterError(
            f"The model was fitted with {' and '.join(given)}, which is in no file, and what is trained "
            "without would be compared with what was trained with it: make the paths in Python with "
            "taut.regularization_path, and give them to model.report(paths=...)."
        )
    if re.search(r"\bcv=(?!\d)", facts["made"]["call"]):
        voice.say(
            "note: the model's folds were made by a splitter of your own; what is trained now has 5 others."
        )
    reading = facts["source"]["reading"]
    target = target or facts["source"]["target"]
    if target is None:
        raise ParameterError(
            "--explore needs --target NAME too: the saved model does not say what its target is called."
        )
    known = [column.name for column in model.model_.schema.columns]
    table = read_training_table(
        data,
        target,
        task=model._task,
        drop=(),
        header=True if reading is None else reading["header"],
        keep=known,
    )
    names = table.features.names
    missing = [name for name in known if name not in names]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"{table.file!r} has no column {missing[0]!r}{more}, which the model was trained on: give the "
            "table that it was trained on."
        )
    _check_classes(model, table)
    n_rows = getattr(model, "n_rows_", None)
    if n_rows is not None and n_rows != table.features.n_rows:
        raise DataError(
            f"{table.file!r} has {table.features.n_rows:,} rows with a target, and the model was trained on "
            f"{n_rows:,}: give the table that it was trained on, or fit anew."
        )
    # What was left out by hand then is left out now.
    rest = [name for name in names if name not in known]
    return replace(table, features=table.features.without(rest))


def _check_classes(model: TautEstimator, table: TrainingTable) -> None:
    """Refuse a target with other classes."""
    classes = model.model_.target.classes
    if classes is None:
        return
    here, there = sorted({_named(one) for one in table.y.tolist()}), sorted(map(_named, classes.tolist()))
    if here != there:
        new = next((name for name in here if name not in there), None)
        what = (
            f"holds {new!r}, which" if new else f"has no {next(n for n in there if n not in here)!r}, which"
        )
        raise DataError(
            f"the target {table.target!r} of {table.file!r} {what} {'is none of' if new else 'is one of'} "
            "the model's classes: give the table that it was trained on."
        )


def _named(value: object) -> str:
    """A class by name; 1, 1.0 and "1" are the same one."""
    try:
        return f"{float(str(value)):.17g}"
    except ValueError:
        return str(value)


def train(model: TautEstimator, table: TrainingTable, voice: Voice, effort: Effort = "standard") -> Explored:
    """Train each technique at several strengths, what each contributes, and what more rows would bring.

    After Ctrl+C what was finished is returned; a second one ends at once.

    Raises
    ------
    KeyboardInterrupt
        If nothing was finished.
    """
    from taut.examine import diagnose, effects
    from taut.paths.several import path_of, techniques_of

    X, y, network = table.features, table.y, model.network_
    found = Explored([])
    # One for all, where the model has none: else each technique would have its own folds.
    seed = model.random_state if model.random_state is not None else random.SystemRandom().randrange(2**31)
    try:
        with CountingBar(voice, "networks") as bar:
            for kind in techniques_of(model):
                voice.say(f"training {kind.page.title} at several strengths; Ctrl+C shows what is finished")
                training = partial(path_of, model, X, y, kind, random_state=seed, on_progress=bar.update)
                path = _or_note(training, voice, bool(found.paths))
                if path is not None:
                    found.paths.append(path)
                    if path.interrupted:
                        found.interrupted = True
                        return found
        voice.say("measuring what each technique of the recipe contributes")
        with CountingBar(voice, "networks") as bar:
            found.effects = _or_note(
                lambda: effects(
                    X, y, model, effort=effort, n_jobs=model.n_jobs, random_state=seed, on_progress=bar.update
                ),
                voice,
                bool(found.paths),
            )
        voice.say("looking at whether more rows would help")
        with CountingBar(voice, "networks") as bar:
            found.diagnosis = _or_note(
                lambda: diagnose(
                    X,
                    y,
                    hidden=network.hidden,
                    activation=network.activation,
                    n_bins=model.model_.n_bins,
                    learning_rate=model.learning_rate,
                    batch_size=model.batch_size,
                    max_epochs=model.max_epochs,
                    effort=effort,
                    task=model._task,
                    class_weight=getattr(model, "class_weight", None),
                    n_jobs=model.n_jobs,
                    random_state=seed,
                    on_progress=bar.update,
                ),
                voice,
                bool(found.paths),
            )
    except KeyboardInterrupt:
        if not found.paths:
            raise
        found.interrupted = True
    return found


def _or_note(training: Callable[[], _T], voice: Voice, anything: bool) -> _T | None:
    """What was trained; or a note and None, where ``anything`` worth having was finished.

    What diverged is noted in any case.
    """
    from taut.cli.train import sklearns_as_ours

    try:
        with sklearns_as_ours():
            return training()
    except TautError as error:
        if not anything and not isinstance(error, TrainingError):
            raise
        voice.say(f"note: {error}")
        return None
