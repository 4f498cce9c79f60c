"""What ``taut report --explore`` trains for a saved model's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from taut.cli.counting import CountingBar
from taut.cli.table import TrainingTable, read_training_table
from taut.cli.voice import Voice
from taut.errors import DataError, ParameterError, TrainingError

if TYPE_CHECKING:
    from taut.estimators.base import TautEstimator
    from taut.examine import Diagnosis, Effects
    from taut.path import RegularizationPath
    from taut.report.schema import SourceFacts

_T = TypeVar("_T")


@final
@dataclass
class Explored:
    """As far as it went.

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
    model: TautEstimator, data: Path, target: str | None, source: SourceFacts, voice: Voice
) -> TrainingTable:
    """Read the table that a model was trained on, as it was read then.

    Raises
    ------
    ParameterError
        Where nobody knows the target.
    DataError
        Where the table cannot be read, or has not the model's columns.
    """
    reading = source["reading"]
    target = target or source["target"]
    if target is None:
        raise ParameterError(
            "--explore needs --target NAME too: the saved model does not say what its target is called."
        )
    table = read_training_table(
        data, target, task=model._task, drop=(), header=True if reading is None else reading["header"]
    )
    known = [column.name for column in model.model_.schema.columns]
    names = table.features.names
    missing = [name for name in known if name not in names]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"{table.file!r} has no column {missing[0]!r}{more}, which the model was trained on: give the "
            "table that it was trained on."
        )
    n_rows = getattr(model, "n_rows_", None)
    if n_rows is not None and n_rows != table.features.n_rows:
        voice.say(
            f"note: {table.file!r} has {table.features.n_rows:,} rows with a target, and the model was "
            f"trained on {n_rows:,}: what is trained now is of other rows."
        )
    # What was left out by hand then, is now.
    rest = [name for name in names if name not in known]
    return replace(table, features=table.features.without(rest))


def train(model: TautEstimator, table: TrainingTable, voice: Voice) -> Explored:
    """Train each technique at several strengths, what each contributes, and what more rows would bring.

    After Ctrl+C what was finished is given back; a second one ends at once.

    Raises
    ------
    KeyboardInterrupt
        Where nothing was finished.
    """
    from taut.examine import diagnose, effects
    from taut.path.several import path_of, techniques_of

    X, y, network = table.features, table.y, model.network_
    found = Explored([])
    try:
        with CountingBar(voice, "networks") as bar:
            for kind in techniques_of(model):
                voice.say(f"training {kind.page.title} at several strengths; Ctrl+C shows what is finished")
                path = _or_none(partial(path_of, model, X, y, kind, on_progress=bar.update), voice)
                if path is not None:
                    found.paths.append(path)
                    if path.interrupted:
                        found.interrupted = True
                        return found
        voice.say("measuring what each technique of the recipe contributes")
        with CountingBar(voice, "networks") as bar:
            found.effects = _or_none(
                lambda: effects(
                    X, y, model, n_jobs=model.n_jobs, random_state=model.random_state, on_progress=bar.update
                ),
                voice,
            )
        voice.say("looking at whether more rows would help")
        with CountingBar(voice, "networks") as bar:
            found.diagnosis = _or_none(
                lambda: diagnose(
                    X,
                    y,
                    hidden=network.hidden,
                    activation=network.activation,
                    learning_rate=model.learning_rate,
                    batch_size=model.batch_size,
                    max_epochs=model.max_epochs,
                    task=model._task,
                    class_weight=getattr(model, "class_weight", None),
                    n_jobs=model.n_jobs,
                    random_state=model.random_state,
                    on_progress=bar.update,
                ),
                voice,
            )
    except KeyboardInterrupt:
        if not found.paths:
            raise
        found.interrupted = True
    return found


def _or_none(training: Callable[[], _T], voice: Voice) -> _T | None:
    """What was trained; where all of it diverged, a note and nothing: the rest is worth having."""
    try:
        return training()
    except TrainingError as error:
        voice.say(f"note: {error}")
        return None
