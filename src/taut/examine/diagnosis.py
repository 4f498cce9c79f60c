"""What a diagnosis says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

from numpy.typing import NDArray

from taut.evidence.advice import Advice
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve
from taut.evidence.signs import Sign
from taut.evidence.simple_baselines import SimpleBaseline
from taut.evidence.verdict import Degree, Fit, Verdict
from taut.examine.plain import without_nan
from taut.recipe import Recipe

#: In ``missing``: the learning curve.
MORE_ROWS = "whether more rows would help"


@final
@dataclass(frozen=True)
class Alternative:
    """The network trained in another way, on the same folds.

    Attributes
    ----------
    name : str
        Such as "stopped at its best epoch", "dropout 0.5", "twice as wide".
    side : str
        "weaker" (regularized, or stopped earlier), "other" (regularized in ways that have no part in the
        verdict) or "stronger" (wider, or trained longer).
    recipe : Recipe
    train_loss, validation_loss : float
        NaN where it diverged.
    lowered : Interval
        By which share its validation loss is lower than that of the network as it is, paired over the rows;
        NaN where either diverged.
    """

    name: str
    side: str
    recipe: Recipe
    train_loss: float
    validation_loss: float
    lowered: Interval = NONE


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Whether a network overfits on a table, and what to do.

    Print it, or read its parts.

    Attributes
    ----------
    verdict : {"underfits", "fits", "overfits"}
    degree : {"", "perhaps", "slightly", "clearly", "badly"}
        How badly it does, by the share of the loss that could be saved: up to 10 %, up to 50 %, more.
        "perhaps" where the share's interval holds zero.
    gains : Verdict
        What the verdict rests on.
    train_loss, validation_loss : Interval
        Of the network as it is; 95 %. The training loss's is over the folds, the validation loss's over the
        rows.
    score : float
        Accuracy or R squared, mean over the folds.
    turned : int or None
        The epoch (from 1) at which the validation loss was lowest, where it rose again afterwards; None where
        it was still falling, or level, at the end.
    epochs : int
        Trained.
    recovered : Interval
        Which share of the gap between validation and training loss the best of the regularized alternatives
        takes away; corrected for having picked it. NaN where there is no gap.
    best : str
        That alternative's name.
    alternatives : tuple of Alternative
    learning_curve : LearningCurve
        Loss by the number of rows, with early stopping.
    signs : tuple of Sign
        Of trouble in the data.
    advice : tuple of Advice
        What to add to early stopping, by what was measured; the first first.
    before : tuple of Advice
        The same as it was guessed before any training.
    curves : tuple of dict
        By fold ``epoch``, ``train_loss``, ``validation_loss`` of the network as it is.
    task : {"classification", "regression"}
    recipe : Recipe
        The network's own.
    hidden : tuple of int
    learning_rate : float
    batch_size, n_rows, n_columns, n_folds : int
    n_used : int
        Rows that took part; fewer than ``n_rows`` where there are very many.
    seconds : float
    missing : tuple of str
        What there was no time for: names of alternatives, "whether more rows would help".
    why : str
        Why it is that task.
    class_weighted : bool
        Whether ``class_weight`` was given: losses then weigh each row by its class, as in training.
    simple : tuple of SimpleBaseline
        Always the same answer, and a linear model, with what the network as it is gains over each.
    """

    verdict: Fit
    degree: Degree
    gains: Verdict
    train_loss: Interval
    validation_loss: Interval
    score: float
    turned: int | None
    epochs: int
    recovered: Interval
    best: str
    alternatives: tuple[Alternative, ...]
    learning_curve: LearningCurve
    signs: tuple[Sign, ...]
    advice: tuple[Advice, ...]
    before: tuple[Advice, ...]
    curves: tuple[dict[str, NDArray[Any]], ...]
    task: Literal["classification", "regression"]
    recipe: Recipe
    hidden: tuple[int, ...]
    learning_rate: float
    batch_size: int
    n_rows: int
    n_columns: int
    n_folds: int
    n_used: int
    seconds: float
    why: str = ""
    class_weighted: bool = False
    simple: tuple[SimpleBaseline, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        from taut.examine.diagnosis_text import verdict_of

        return verdict_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``json``; NaN is None."""
        found = {
            "verdict": self.verdict,
            "degree": self.degree,
            "sentence": self.sentence,
            "weaker": {"best": self.gains.weaker.best, "share": self.gains.weaker.share.to_dict()},
            "stronger": {"best": self.gains.stronger.best, "share": self.gains.stronger.share.to_dict()},
            "train_loss": self.train_loss.to_dict(),
            "validation_loss": self.validation_loss.to_dict(),
            "score": self.score,
            "turned": self.turned,
            "epochs": self.epochs,
            "recovered": self.recovered.to_dict(),
            "best": self.best,
            "simple": [one.to_dict() for one in self.simple],
            "alternatives": [
                {
                    "name": one.name,
                    "side": one.side,
                    "recipe": one.recipe.to_json(),
                    "train_loss": one.train_loss,
                    "validation_loss": one.validation_loss,
                    "lowered": one.lowered.to_dict(),
                }
                for one in self.alternatives
            ],
            "learning_curve": {
                "points": [
                    {"n_rows": p.n_rows, "loss": p.loss.to_dict(), "train_loss": p.train_loss}
                    for p in self.learning_curve.points
                ],
                "doubling": self.learning_curve.doubling.to_dict(),
                "next_doubling": self.learning_curve.next_doubling,
            },
            "signs": [sign.to_dict() for sign in self.signs],
            "advice": [advice.to_dict() for advice in self.advice],
            "advice_before": [advice.to_dict() for advice in self.before],
            "curves": [{name: values.tolist() for name, values in one.items()} for one in self.curves],
            "task": self.task,
            "why": self.why,
            "recipe": self.recipe.to_json(),
            "hidden": list(self.hidden),
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
            "n_rows": self.n_rows,
            "n_columns": self.n_columns,
            "n_folds": self.n_folds,
            "n_used": self.n_used,
            "seconds": self.seconds,
            "missing": list(self.missing),
            "class_weighted": self.class_weighted,
        }
        plain: dict[str, Any] = without_nan(found)
        return plain

    def __str__(self) -> str:
        from taut.examine.diagnosis_text import plain_text

        return plain_text(self)

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.sentence}>"
