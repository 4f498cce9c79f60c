"""Effects of any recipe, on any problem: networks of all combinations, and the lines that add up."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from taut.errors import TrainingError, TrainingWarning
from taut.evidence.contribution_lines import MOST_EXACT, Changes, Game, changes_of
from taut.evidence.contribution_training import Watch
from taut.evidence.contribution_units import Draws, Units
from taut.evidence.contributions import Contributions, ContributionWork, members_of, players_of
from taut.evidence.interval import Interval
from taut.evidence.shapley import pairs
from taut.examine.effects_result import EffectLine, Effects, Interaction
from taut.learning.problem import Fold
from taut.learning.progress import Reporter
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.failures import what_to_lower
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping

_NOTHING = Interval(0.0, 0.0, 0.0)
_MOST_NAMED = 5


def effects_of(
    trainer: Trainer,
    folds: tuple[Fold, ...],
    candidate: Candidate,
    usual_rate: float,
    control: Control,
    reporter: Reporter,
    *,
    n_seeds: int = 3,
    groups: NDArray[np.intp] | None = None,
    unit: float = 1.0,
    why: str = "",
) -> Effects:
    """Train all combinations of a recipe's techniques, and attribute the change to each.

    Parameters
    ----------
    trainer : Trainer
    folds : tuple of Fold
    candidate : Candidate
        The recipe, with its own learning rate.
    usual_rate : float
        The default learning rate.
    control : Control
    reporter : Reporter
        Counts the networks.
    n_seeds : int
        How often everything is trained, as time allows.
    groups : intp array, shape (n_rows,), or None
        The bootstrap draws whole groups.
    unit : float
        What a loss of the engine is multiplied by to be in the target's own units.
    why : str
        Why it is that objective.

    Raises
    ------
    TrainingError
        If networks of every combination diverged.
    KeyboardInterrupt
        If the control ended it before all combinations were trained once.

    Warns
    -----
    TrainingWarning
        If some networks diverged: lines that need them are NaN.
    """
    settings, problem = trainer.settings, trainer.problem
    seed, n_seeds_asked = settings.seed, n_seeds
    game = Game.of(len(players_of(candidate.recipe)), seed, MOST_EXACT)
    units = Units.of(problem, folds, groups, seed)
    watch = Watch(reporter.expect, reporter.on_done, reporter.worked)
    work = ContributionWork(
        trainer, folds, candidate.architecture, units=units, n_seeds=n_seeds, control=control, watch=watch
    )
    found = work.train(candidate.recipe, candidate.learning_rate, usual_rate, game.coalitions)
    failed = _failed(found, what_to_lower(candidate.recipe, candidate.learning_rate))
    draws = Draws.of(units.n_units, found.n_seeds, seed)
    loss = changes_of(found, game, units, draws, seed, "loss").times(unit)
    score = changes_of(found, game, units, draws, seed, "score")
    return Effects(
        objective=problem.objective,
        why=why,
        recipe=candidate.recipe,
        lines=_lines(candidate.recipe, _rates_named(found.rates[0], usual_rate), loss, score),
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
        learning_rate=candidate.learning_rate,
        usual_learning_rate=usual_rate,
        architecture=candidate.architecture,
        batch_size=settings.batch_size,
        max_epochs=settings.max_epochs,
        n_rows=int(np.count_nonzero(units.times)),
        n_folds=len(folds),
        n_seeds=found.n_seeds,
        n_seeds_asked=n_seeds_asked,
        n_networks=found.n_networks,
        seconds=0.0,
    )


def _rates_named(rates: NDArray[np.float64], usual: float) -> str:
    """The usual learning rate, and those that early stopping alone took."""
    low, high = np.min(rates), np.max(rates)
    if np.isnan(low):
        return "learning rate"
    taken = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return f"learning rate {usual:.3g} -> {taken}"


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
    """The combinations that diverged, by name; warns of them, and says what to lower.

    Raises
    ------
    TrainingError
        If nothing is left to compare.
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
            stacklevel=4,
        )
    return failed
