"""``effects``: what each technique of a recipe contributes."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control
from taut.errors import TrainingError, TrainingWarning
from taut.estimators.automatic import AUTO_LEARNING_RATE
from taut.estimators.base import TautEstimator
from taut.estimators.effort import Effort, budget_of
from taut.estimators.groups import group_codes
from taut.estimators.prepare import Task, prepare
from taut.estimators.problem import ClassWeight
from taut.evidence.contribution_lines import MOST_EXACT, Changes, Game, changes_of
from taut.evidence.contribution_training import Watch
from taut.evidence.contribution_units import Draws, Units
from taut.evidence.contributions import Contributions, ContributionWork, members_of, players_of
from taut.evidence.interval import Interval
from taut.evidence.shapley import pairs
from taut.examine.effects_asked import USUAL_EPOCHS, USUAL_WIDTHS, Asked
from taut.examine.effects_result import EffectLine, Effects, Interaction
from taut.examine.progress import ExamineNews, ExamineProgress, print_progress
from taut.network import Activation
from taut.parameters import real, whole
from taut.recipe import Recipe
from taut.selection.failures import what_to_lower
from taut.selection.interrupts import Interrupts
from taut.techniques import EarlyStopping

_NOTHING = Interval(0.0, 0.0, 0.0)
_MOST_NAMED = 5
_SEEDS = {"quick": 1, "standard": 3, "thorough": 5}
_MOST_SEEDS = 1000


def effects(
    X: Any,
    y: Any,
    recipe: Recipe | TautEstimator,
    *,
    learning_rate: float | Literal["auto"] = "auto",
    hidden: tuple[int, ...] = USUAL_WIDTHS,
    activation: Activation = "relu",
    batch_size: int | Literal["auto"] = "auto",
    max_epochs: int = USUAL_EPOCHS,
    cv: Any = 5,
    n_seeds: int | None = None,
    effort: Effort = "standard",
    time_limit: float | None = None,
    task: Task = "auto",
    sample_weight: Any = None,
    groups: Any = None,
    class_weight: ClassWeight = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    on_progress: Callable[[ExamineProgress], None] | None = None,
) -> Effects:
    """Tell what each technique of a recipe contributes, as lines that add up.

    From no regularization to the recipe there are these steps, all on the same folds and seeds:

    1. Early stopping: from no regularization at ``max_epochs`` to early stopping alone, the same networks
       looked at earlier, at the usual learning rate (0.001).
    2. Learning rate: from there to the best of the recipe's learning rate times 1/3, 1 and 3.
    3. The other techniques that are not off are players. All their combinations are trained, with early
       stopping in every one, each at the best of the three learning rates, because techniques shift the best
       rate. What a technique contributes is its Shapley value: what it adds when it joins, mean over all
       orders in which the techniques can join.

    Each fold takes the learning rate and the epoch that are best on the *other* folds: chosen on the rows
    that are scored, they would pass for skill. The first seed chooses the rate for all.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    recipe : Recipe or fitted estimator
        Of a fitted or loaded estimator, such as a ``TautClassifierCV``, its recipe, learning rate, widths,
        activation, batch size, epochs and class weights hold. Where early stopping is not in the recipe, it
        is in all combinations all the same, and a last line goes back from there to the recipe, at the last
        epoch.
    learning_rate : "auto" or float, default="auto"
        The recipe's, above 0. "auto" is 0.001.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    activation : {"relu", "silu", "gelu"}, default="relu"
    batch_size : "auto" or int, default="auto"
        Rows a step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        Where training ends that nothing stopped before.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    n_seeds : int or None, default=None
        How often everything is trained, from other weights and in another order of the rows. With one, the
        intervals do not know what chance does there. None goes by ``effort``.
    effort : {"quick", "standard", "thorough"}, default="standard"
        1, 3 or 5 seeds.
    time_limit : float or None, default=None
        Seconds for everything but the one-time compilation. All combinations are trained with the first seed;
        further seeds as far as the time goes, and the lines say of how many they are.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" takes text, yes or no, two different numbers, and at most 20 different integers of 10 rows each
        on average for classes, and other numbers for an amount; the result says which, and why.
    sample_weight : array, shape (n_rows,), optional
        Weights of the rows, in training and in validation.
    groups : array, shape (n_rows,), optional
        Rows of one group stay in one fold, and the bootstrap draws whole groups.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts rows whatever their class.
    n_jobs : int or None, default=None
        Threads. None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed gives the same figures, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with an :class:`ExamineProgress`, one call at a time, also from worker threads.

    Returns
    -------
    Effects
        ``print(effects(...))`` shows the lines; a technique at its off value has exactly 0.

    Raises
    ------
    ParameterError
        Where a parameter is out of its range, or another one than the estimator's.
    DataError, ValueError
        Where X, y or cv cannot be used as they are.
    TrainingError
        Where networks of every combination diverged, or the time was over before all combinations were
        trained.
    KeyboardInterrupt
        After Ctrl+C: lines that add up need all networks.

    Warns
    -----
    TrainingWarning
        Where some networks diverged: lines that need them are NaN.

    Notes
    -----
    Intervals are percentiles (95 %) of a bootstrap over rows, the same ones in all combinations, and seeds.
    They tell what other held-out rows and other seeds would give, not other training rows, nor what chance
    does in choosing the learning rates. Formulas and
    sources are in :mod:`taut.evidence.shapley`. Beyond five players, networks of six orders are trained in
    place of all combinations (``exact`` is False), and there are no interactions.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from taut import L2, EarlyStopping, Recipe
    >>> from taut import effects
    >>> X, y = load_iris(return_X_y=True)
    >>> recipe = Recipe(L2(0.1), EarlyStopping())
    >>> found = effects(X, y, recipe, hidden=(8,), max_epochs=20, cv=3, n_seeds=2, random_state=0)
    >>> [line.label for line in found.lines]
    ['early stopping', 'learning rate 0.001 -> 0.003', 'L2 0.1']
    """
    asked = Asked.of(
        recipe,
        learning_rate=learning_rate,
        hidden=hidden,
        activation=activation,
        batch_size=batch_size,
        max_epochs=max_epochs,
        task=task,
        class_weight=class_weight,
    )
    begun = time.monotonic()
    budget_of(effort)  # raises if it is not one
    n_seeds = _SEEDS[effort] if n_seeds is None else whole("n_seeds", n_seeds, high=_MOST_SEEDS)
    limit = math.inf if time_limit is None else real("time_limit", time_limit)
    given = prepare(
        X,
        y,
        task=asked.task,
        hidden=asked.hidden,
        activation=asked.activation,
        learning_rate=asked.learning_rate,
        batch_size=asked.batch_size,
        max_epochs=asked.max_epochs,
        cv=cv,
        sample_weight=sample_weight,
        groups=groups,
        class_weight=asked.class_weight,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    left = limit - (time.monotonic() - begun)
    given.engine.prepare()  # the one-time compilation does not count
    started = time.monotonic()
    seed, data = given.settings.seed, given.problem.data
    players = players_of(asked.recipe)
    game = Game.of(len(players), seed, MOST_EXACT)
    units = Units.of(data, given.folds, _codes(groups, len(data.target)), seed)
    news = ExamineNews(on_progress or (print_progress() if verbose else None), left)
    control = Control(deadline=started + left)
    with Interrupts(control.cancelled) as interrupts:
        work = ContributionWork(
            given.engine,
            data,
            given.folds,
            given.settings,
            given.hidden,
            units=units,
            n_seeds=n_seeds,
            control=control,
            watch=Watch(news.expect, news.on_done, news.worked),
        )
        try:
            found = work.train(asked.recipe, given.learning_rate, AUTO_LEARNING_RATE, game.coalitions)
        except KeyboardInterrupt:
            if interrupts.count or math.isinf(limit):
                raise
            raise TrainingError(
                f"time_limit is {limit:g} s, and it was over before all combinations were trained once: give "
                "more time, lower max_epochs or cv, or give a recipe with fewer techniques."
            ) from None
    if interrupts.count:
        raise KeyboardInterrupt
    failed = _failed(found, what_to_lower(asked.recipe, given.learning_rate))
    draws = Draws.of(units.n_units, found.n_seeds, seed)
    loss = changes_of(found, game, units, draws, seed, "loss").times(given.loss_unit)
    score = changes_of(found, game, units, draws, seed, "score")
    return Effects(
        task=data.task,
        why=given.why,
        recipe=asked.recipe,
        lines=_lines(asked.recipe, _rates_named(found.rates[0]), loss, score),
        loss=loss.total,
        score=score.total,
        start_loss=loss.start,
        end_loss=loss.end,
        start_score=score.start,
        end_score=score.end,
        interactions=_interactions(found, loss, score),
        rates={_label(found, c): tuple(rates.tolist()) for c, rates in found.rates.items()},
        exact=game.orders is None,
        n_orders=None if game.orders is None else len(game.orders),
        failed=failed,
        learning_rate=given.learning_rate,
        usual_learning_rate=AUTO_LEARNING_RATE,
        hidden=given.hidden,
        activation=given.settings.activation,
        batch_size=given.settings.batch_size,
        max_epochs=given.settings.max_epochs,
        n_rows=int(np.count_nonzero(units.times)),
        n_folds=len(given.folds),
        n_seeds=found.n_seeds,
        n_seeds_asked=n_seeds,
        n_networks=found.n_networks,
        seconds=time.monotonic() - started,
        class_weighted=data.accuracy_weight is not None,
    )


def _codes(groups: Any, n_rows: int) -> NDArray[np.intp] | None:
    """The groups as numbers; that they fit the rows was checked where the folds were made."""
    if groups is None:
        return None
    return group_codes(groups, n_rows)


def _rates_named(rates: NDArray[np.float64]) -> str:
    """The usual learning rate, and those that early stopping alone took."""
    low, high = np.min(rates), np.max(rates)
    if np.isnan(low):
        return "learning rate"
    taken = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return f"learning rate {AUTO_LEARNING_RATE:.3g} -> {taken}"


def _lines(recipe: Recipe, rates: str, loss: Changes, score: Changes) -> tuple[EffectLine, ...]:
    """The steps in order, the techniques in the recipe's order, those that are off among them."""
    lines = [
        EffectLine(
            "early_stopping", "early stopping", "early stopping", loss.early_stopping, score.early_stopping
        ),
        EffectLine(
            "learning_rate",
            rates,
            "learning rate",
            loss.learning_rate,
            score.learning_rate,
        ),
    ]
    places = {one.name: place for place, one in enumerate(players_of(recipe))}
    for one in recipe.techniques:
        if one.name in places:
            place = places[one.name]
            shares = loss.techniques[place], score.techniques[place]
            lines.append(EffectLine(one.name, one.label, "technique", *shares))
        elif one.is_off:
            lines.append(EffectLine(one.name, one.label, "off", _NOTHING, _NOTHING))
    if loss.without_early_stopping is not None and score.without_early_stopping is not None:
        changes = loss.without_early_stopping, score.without_early_stopping
        label = "without early stopping"
        lines.append(EffectLine("without_early_stopping", label, "without early stopping", *changes))
    return tuple(lines)


def _interactions(found: Contributions, loss: Changes, score: Changes) -> tuple[Interaction, ...]:
    return tuple(
        Interaction(
            (found.players[i].name, found.players[j].name),
            (found.players[i].label, found.players[j].label),
            of_loss,
            of_score,
        )
        for (i, j), of_loss, of_score in zip(
            pairs(len(found.players)) if loss.interactions else (),
            loss.interactions,
            score.interactions,
            strict=True,
        )
    )


def _label(found: Contributions, coalition: int) -> str:
    """A combination of players by name; early stopping is in every one."""
    return Recipe(*members_of(found.players, coalition), EarlyStopping()).describe()


def _failed(found: Contributions, lower: str) -> tuple[str, ...]:
    """The networks that diverged, by name; warns of them, and says what to lower.

    Raises
    ------
    TrainingError
        Where nothing is left to compare.
    """
    ends = {"no regularization": found.nothing, "early stopping at the usual learning rate": found.stopped}
    if found.unstopped is not None:
        ends["the recipe without early stopping"] = found.unstopped
    everything = ends | {_label(found, c): totals for c, totals in found.coalitions.items()}
    failed = tuple(name for name, totals in everything.items() if not totals.is_finite)
    if len(failed) == len(everything):
        raise TrainingError(
            f"Networks of every combination diverged (their loss or weights were no longer finite): {lower}."
        )
    if failed:
        named = "; ".join(failed[:_MOST_NAMED])
        more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
        warnings.warn(
            f"{len(failed)} of {len(everything)} combinations diverged on some fold, at every learning rate "
            f"that was tried: {named}{more}. Effects that need them have no figures: {lower}.",
            TrainingWarning,
            stacklevel=3,
        )
    return failed
