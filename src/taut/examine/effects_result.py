"""What each technique contributes: the lines that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from taut.evidence.interval import Interval
from taut.examine.plain import without_nan
from taut.network import Activation
from taut.recipe import Recipe
from taut.selection.score import loss_name

#: "off": a technique of the recipe at its off value, which contributes exactly nothing.
Kind: TypeAlias = Literal["early stopping", "learning rate", "technique", "off", "without early stopping"]


@final
@dataclass(frozen=True)
class EffectLine:
    """What one step from no regularization to the recipe changes.

    Parameters
    ----------
    name : str
        ``early_stopping``, ``learning_rate``, a technique's name such as ``dropout``, or
        ``without_early_stopping``.
    label : str
        For people, with the strength: ``dropout 0.3``.
    kind : {"early stopping", "learning rate", "technique", "off", "without early stopping"}
    loss, score : Interval
        The change with its 95 % interval. A minus lowers the loss, a plus raises the score. NaN where
        networks that it needs diverged.
    """

    name: str
    label: str
    kind: Kind
    loss: Interval
    score: Interval


@final
@dataclass(frozen=True)
class Interaction:
    """What two techniques do together beyond what they do apart.

    Parameters
    ----------
    names, labels : tuple of two str
    loss, score : Interval
        The Shapley interaction index with its 95 % interval. Above 0 in the loss: they lower it less
        together than one by one, and so replace each other. Below 0: they help each other.
    """

    names: tuple[str, str]
    labels: tuple[str, str]
    loss: Interval
    score: Interval


@final
@dataclass(frozen=True)
class Effects:
    """What each technique contributes on this data; see :func:`taut.effects`.

    Parameters
    ----------
    task : {"classification", "regression"}
    recipe : Recipe
    lines : tuple of EffectLine
        They add up to ``loss`` and ``score``, whatever the intervals.
    loss, score : Interval
        The whole change, from no regularization to the recipe.
    start_loss, end_loss : float
        Mean loss of held-out rows, every row counted once: cross-entropy in nats, or squared error in the
        target's own units. ``start``: no regularization at ``max_epochs``; ``end``: the recipe.
    start_score, end_score : float
        Accuracy, or R squared of all held-out rows together.
    interactions : tuple of Interaction
        Of all pairs of players; empty where ``exact`` is False.
    rates : dict of str to tuple of float
        The learning rate that each fold took, by combination of players; NaN where they all diverged.
    exact : bool
        Whether all combinations of the players were trained; else their shares are means over
        ``n_orders`` orders drawn at random.
    n_orders : int or None
    failed : tuple of str
        The combinations of which networks diverged.
    learning_rate, usual_learning_rate : float
        The recipe's, and the one that nobody has tuned.
    hidden, activation, batch_size, max_epochs
        What all networks have in common.
    n_rows, n_folds, n_seeds, n_networks : int
        Seeds: those that there was time for, of ``n_seeds_asked``.
    seconds : float
        That it took, without the one-time compilation.
    why : str
        Why it is that task.
    class_weighted : bool
        Whether ``class_weight`` was given: losses then weigh each row by its class, as in training; accuracy
        counts rows whatever their class.
    """

    task: Literal["classification", "regression"]
    recipe: Recipe
    lines: tuple[EffectLine, ...]
    loss: Interval
    score: Interval
    start_loss: float
    end_loss: float
    start_score: float
    end_score: float
    interactions: tuple[Interaction, ...]
    rates: dict[str, tuple[float, ...]]
    exact: bool
    n_orders: int | None
    failed: tuple[str, ...]
    learning_rate: float
    usual_learning_rate: float
    hidden: tuple[int, ...]
    activation: Activation
    batch_size: int
    max_epochs: int
    n_rows: int
    n_folds: int
    n_seeds: int
    n_networks: int
    seconds: float
    why: str = ""
    class_weighted: bool = False
    n_seeds_asked: int = 0

    @property
    def score_name(self) -> Literal["accuracy", "R²"]:
        """What the score is."""
        return "accuracy" if self.task == "classification" else "R²"

    @property
    def loss_name(self) -> str:
        """What the loss is."""
        return loss_name(self.task, self.class_weighted)

    def __getitem__(self, name: str) -> EffectLine:
        """Give the line of one name, such as ``"dropout"``."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(f"{name}; there are {', '.join(line.name for line in self.lines)}")

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values for JSON; None stands for NaN."""
        plain = {
            name: getattr(self, name)
            for name in (
                "task", "why", "start_loss", "end_loss", "start_score", "end_score", "exact", "n_orders",
                "learning_rate", "usual_learning_rate", "activation", "batch_size", "max_epochs", "n_rows",
                "n_folds", "n_seeds", "n_seeds_asked", "n_networks", "seconds", "class_weighted",
                "loss_name", "score_name",
            )
        }  # fmt: skip
        found: dict[str, Any] = plain | {
            "recipe": self.recipe.to_json(),
            "hidden": list(self.hidden),
            "loss": self.loss.to_dict(),
            "score": self.score.to_dict(),
            "lines": [
                {
                    "name": line.name,
                    "label": line.label,
                    "kind": line.kind,
                    "loss": line.loss.to_dict(),
                    "score": line.score.to_dict(),
                }
                for line in self.lines
            ],
            "interactions": [
                {
                    "names": list(one.names),
                    "labels": list(one.labels),
                    "loss": one.loss.to_dict(),
                    "score": one.score.to_dict(),
                }
                for one in self.interactions
            ],
            "rates": {label: list(rates) for label, rates in self.rates.items()},
            "failed": list(self.failed),
        }
        written: dict[str, Any] = without_nan(found)
        return written

    def __str__(self) -> str:
        from taut.examine.effects_text import plain_text

        return plain_text(self)

    def __repr__(self) -> str:
        change = f"{self.loss_name} {self.start_loss:.4g} to {self.end_loss:.4g}"
        return f"Effects({self.recipe.describe()}: {change}, {len(self.lines)} lines)"
