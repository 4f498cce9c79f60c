"""Descriptions of older formats -> today's."""

from __future__ import annotations

from typing import Any

from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION

#: Of ``model.json``.  2: candidates have a learning rate, widths and a batch; curves are named.
FORMAT = 2


def migrate(description: dict[str, Any]) -> dict[str, Any]:
    """The description in today's format; it states its own format.

    Raises
    ------
    KeyError, TypeError
        If it is not a description.
    """
    return _from_1(description) if description["format"] == 1 else description


def _from_1(description: dict[str, Any]) -> dict[str, Any]:
    """Format 1: a candidate was a recipe, all with one learning rate and one network."""
    training = description["training"]
    if "candidates" not in training:
        return {**description, "format": FORMAT}
    usual = {
        "learning_rate": float(training["learning_rate_"]),
        "hidden": description["parameters"]["hidden"],
    }
    candidates = [_candidate_from_1(one, usual) for one in training["candidates"]]
    chosen = training["candidates"][training["best_index_"]]["recipe"]
    history = {}
    for one in training["history"]:
        recipe = Recipe.from_json(one["recipe"])
        if recipe == EARLY_STOPPING_ALONE:
            history["early_stopping"] = one["folds"]
        if recipe == NO_REGULARIZATION:
            history["none"] = one["folds"]
        if one["recipe"] == chosen:
            history["chosen"] = one["folds"]
    return {
        **description,
        "format": FORMAT,
        "parameters": {**description["parameters"], "cv": description["parameters"].get("cv", 5)},
        "training": {**training, "candidates": candidates, "history": history},
    }


def _candidate_from_1(one: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    recipe = Recipe.from_json(one["recipe"])
    kept = {name: value for name, value in one.items() if name not in ("recipe", "complete")}
    losses = one["validation_loss"]
    scored = not one["failed"]
    return {
        **kept,
        "candidate": {"recipe": one["recipe"], **usual},
        "batch": -1 if recipe in (EARLY_STOPPING_ALONE, NO_REGULARIZATION) else 0,
        "state": ("complete" if one["complete"] else "cut off") if scored else "failed",
        "loss": sum(losses) / len(losses) if scored else None,
        "scoring": None,
        "n_repeats": 1,
        "epochs_trained": one["epochs_trained"] * len(losses),
    }
