"""The recipe to take away, and how it was found."""

from __future__ import annotations

import platform

from taut.recipe import Recipe
from taut.report.reported import Reported
from taut.report.schema import Facts, MadeFacts, RecipeFacts
from taut.report.words import share
from taut.version import __version__
from taut.wording import counted, number

_VERSIONS = ("numpy", "scipy", "numba", "scikit-learn")


def facts(result: Reported) -> RecipeFacts:
    """Give the recipe and what it was trained with; what belongs to a table's network is None without one."""
    network = None if result.table is None else result.table.network
    return {
        "techniques": result.recipe.to_json(),
        "label": result.label_of(result.recipe),
        "code": repr(result.recipe),
        "architecture": result.architecture,
        "hidden": None if network is None else list(network.hidden),
        "activation": None if network is None else network.activation,
        "n_bins": 0 if result.table is None else result.table.n_bins,
        "n_bins_tried": [{"n_bins": n, "loss": loss} for n, loss in _tried(result)],
        "learning_rate": result.learning_rate,
        "batch_size": result.batch_size,
        "max_epochs": result.max_epochs,
        "best_epoch": result.best_epoch,
        "n_networks": result.n_networks,
        "n_inputs": None if network is None else network.n_inputs,
        "n_outputs": None if network is None else network.n_outputs,
        "n_parameters": result.n_parameters,
        "zero_share": result.zero_share,
        "class_weight": result.class_weight,
    }


def made_facts(result: Reported) -> MadeFacts:
    """Give how it was done."""
    search = result.search
    return {
        "estimator": result.kind,
        "call": result.call,
        "seed": result.seed,
        "repeats": result.repeats,
        "n_folds": None if search is None else search.n_folds,
        "n_repeats": 1 if search is None else search.best.n_repeats,
        "n_candidates": None if search is None else len(search.candidates),
        "seconds": None if search is None else search.seconds,
        "interrupted": result.interrupted,
        "given": list(result.given),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    own = {"taut": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in _VERSIONS} | {"machine": platform.machine()}


def trained_with(facts: Facts) -> str:
    """Say what the networks are, and what they were trained with."""
    recipe = facts["recipe"]
    what = recipe.get("architecture") or "Networks"
    if recipe["hidden"] is not None:
        widths = ", ".join(map(str, recipe["hidden"])) or "none (a linear model)"
        pieces = f", numbers in {n} pieces" if (n := recipe.get("n_bins")) else ""
        what = f"Widths {widths}, {recipe['activation']}{pieces}"
    text = (
        f"{what}, learning rate {recipe['learning_rate']:.3g}, batches of {recipe['batch_size']} rows, at "
        f"most {counted(recipe['max_epochs'], 'epoch')}; {recipe['n_parameters']:,} parameters"
    )
    if recipe["zero_share"] >= 0.0005:
        text += f", of whose weights {share(recipe['zero_share'])} are exactly zero"
    if recipe["n_networks"] > 1:
        text += f". The saved model averages {recipe['n_networks']} such networks"
        text += "" if recipe["hidden"] is None else "; the code below trains one"
    return f"{text}.{_pieces_chosen(recipe)}"


def _tried(result: Reported) -> list[tuple[int, float]]:
    """Fewest pieces first."""
    return [] if result.table is None else sorted(result.table.n_bins_losses.items())


def _pieces_chosen(recipe: RecipeFacts) -> str:
    """By what losses it was decided whether numbers are seen in pieces."""
    losses = {one["n_bins"]: one["loss"] for one in recipe.get("n_bins_tried", ())}
    own = losses.pop(recipe.get("n_bins", 0), None)
    if own is None or not losses:
        return ""
    other, loss = next(iter(losses.items()))
    against = f"in {other} pieces" if other else "as they are"
    return (
        f" That numbers are seen {'in pieces' if recipe.get('n_bins') else 'as they are'} was decided before "
        f"all else: a loss of {number(own)}, and {number(loss)} {against}, in the first trainings."
    )


def as_code(facts: Facts) -> str:
    """The recipe as Python; made from what was parsed, and no text of the facts."""
    return repr(Recipe.from_json(facts["recipe"]["techniques"]))


def repeating(facts: Facts) -> str:
    """Say whether the same call gives the same numbers again."""
    made = facts["made"]
    seed = "none was given" if made["seed"] is None else made["seed"]
    if made["repeats"]:
        return f"{seed}: the same rows, seed and versions give the same numbers again"
    if made["interrupted"]:
        return f"{seed}; it was interrupted, so that the same call goes further"
    return (
        f"{seed}; the same call need not give the same numbers: that takes a whole number as random_state, "
        "and no time limit"
    )
