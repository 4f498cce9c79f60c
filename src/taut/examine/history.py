"""A verdict from learning curves alone: losses by epoch that someone has already, whatever trained them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taut.errors import DataError, ParameterError
from taut.evidence.curve_noise import FEWEST_EPOCHS, CurveNoise, measure
from taut.examine.plain import plain_values
from taut.parameters import MOST_EPOCHS
from taut.wording import counted, number, percent

#: What curves can say.
HistoryVerdict: TypeAlias = Literal[
    "overfits", "underfits", "level", "unstable", "noisy", "diverged", "too short"
]

# A rise, or what is still to fall, has to be this part of the way that the loss fell.
_MATTERS = 0.02
# Noise that hides more than this part of the way that the loss fell leaves no verdict.
_HIDDEN = 0.5
# A training loss that ends this many times as far above its lowest as it had begun has exploded.
_EXPLODED = 10.0
_MOSTLY_BELOW = 0.9

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True)
class HistoryDiagnosis:
    """What two learning curves say, and what they cannot.

    Print it, or read its parts. Losses are in the units of the curves; epochs count from 1.

    Attributes
    ----------
    verdict : str
        It "overfits" where the validation loss has turned and risen beyond its noise, and the training loss
        has not; it "underfits" where the validation loss was still falling at the end; it is "level" where
        neither is so, "unstable" where both losses rise, "noisy" where the noise would hide it, "diverged"
        where a loss is no longer a finite number or the training loss has exploded, and "too short" with
        fewer than 8 epochs.
    since : int or None
        Where it overfits, the epoch of the lowest validation loss; where it diverged or is unstable, the
        first epoch of that. Else None.
    between : tuple of int, or None
        Where it overfits: the first and the last epoch at which the validation loss may have turned as well,
        within its noise.
    rise, rise_at_least : float
        By how much the validation loss rose from its lowest place to its end, between means of several
        epochs, and the lower bound of that (99 %, with the search for the lowest place paid for). NaN where
        there are too few epochs.
    noise : float
        Standard deviation of the validation loss of one epoch around its neighbours; NaN as above.
    lowest_loss, last_loss : float
        Of the validation curve, as it is.
    lowest_epoch : int
        Of the validation curve.
    gap : float
        Validation less training loss in the last epoch.
    validation_below : bool
        Whether the validation loss lies below the training loss: then the two were not measured alike, or the
        split is not what it seems.
    n_epochs : int
    sentences : tuple of str
        What was found; the verdict first.
    limits : tuple of str
        What these curves cannot tell.
    """

    verdict: HistoryVerdict
    since: int | None
    between: tuple[int, int] | None
    rise: float
    rise_at_least: float
    noise: float
    lowest_loss: float
    lowest_epoch: int
    last_loss: float
    gap: float
    validation_below: bool
    n_epochs: int
    sentences: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return self.sentences[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``json``; NaN is None."""
        found = {one.name: plain_values(getattr(self, one.name)) for one in fields(self)}
        return {**found, "sentence": self.sentence}

    def __str__(self) -> str:
        limits = [f"- {one}" for one in self.limits]
        return "\n".join([*self.sentences, "", "What these curves cannot tell:", *limits])

    def __repr__(self) -> str:
        return f"<HistoryDiagnosis: {self.sentence}>"


def diagnose_history(train: ArrayLike, valid: ArrayLike) -> HistoryDiagnosis:
    """Tell from learning curves alone whether a network overfits.

    Nothing is trained, and PyTorch is not needed. A rise or a fall counts where it is more than the noise of
    the curve allows: flat curves of the same length, put through the same search for a lowest point, show
    less in 99 of 100 cases (:func:`taut.evidence.curve_noise.measure`).

    Parameters
    ----------
    train, valid : array-like, shape (n_epochs,)
        Training and validation loss after each epoch, lower is better, in the same units. From the epoch
        at which training diverged, NaN and infinities may stand.

    Returns
    -------
    HistoryDiagnosis

    Raises
    ------
    DataError
        If the curves differ in length, are empty, or have NaN in an epoch after which finite losses follow.
    ParameterError
        If a curve is not a row of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> epoch = np.arange(1, 61)
    >>> noise = np.random.default_rng(0).normal(0, 0.01, 60)
    >>> train = np.exp(-epoch / 10)
    >>> valid = 0.5 + 0.5 * np.exp(-epoch / 6) + 0.005 * epoch + noise
    >>> found = diagnose_history(train, valid)
    >>> found.verdict
    'overfits'
    >>> found.between[0] <= found.since <= found.between[1]
    True
    """
    curves = _curve("train", train), _curve("valid", valid)
    n_train, n_valid = map(len, curves)
    if n_train != n_valid:
        raise DataError(
            f"train has {counted(n_train, 'epoch')} and valid {counted(n_valid, 'epoch')}: give both losses "
            "of the same epochs."
        )
    last = min(_finite_until("train", curves[0]), _finite_until("valid", curves[1]))
    return _Reading(*curves, last).diagnosis()


def _curve(name: str, given: ArrayLike) -> Vector:
    """One curve, shape (n_epochs,)."""
    try:
        values = np.asarray(given)
        if values.dtype.kind not in "iufO" or (
            values.dtype.kind == "O" and any(one is None or isinstance(one, str) for one in values.flat)
        ):
            raise TypeError
        curve = values.astype(np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be losses by epoch, a row of numbers, and it is not.") from None
    if curve.ndim != 1:
        raise ParameterError(
            f"{name} must be one loss an epoch, and its shape is {curve.shape}: of several runs, give one."
        )
    if not len(curve):
        raise DataError(f"{name} is empty: there has to be the loss of an epoch.")
    if len(curve) > MOST_EPOCHS:
        raise DataError(
            f"{name} has {len(curve):,} losses, and {MOST_EPOCHS:,} are the most: give one an epoch, not a "
            "step."
        )
    return curve


def _finite_until(name: str, curve: Vector) -> int:
    """How many epochs there are until the loss is not finite any more."""
    finite = np.isfinite(curve)
    if finite.all():
        return len(curve)
    if name == "valid" and np.isnan(curve).all():
        raise DataError("valid has no loss at all, only NaN: was there a validation set?")
    first = int(np.argmin(finite))
    if np.isnan(curve[first]) and finite[first:].any():
        raise DataError(
            f"{name} has no loss in epoch {first + 1}, and later ones have: leave out the epochs without a "
            "loss from both curves."
        )
    return first


@final
class _Reading:
    """Two curves, and the epochs in which both are finite."""

    def __init__(self, train: Vector, valid: Vector, last: int) -> None:
        self.n_epochs = len(train)
        self.train, self.valid = train[:last], valid[:last]
        self.last = last
        self.long_enough = last >= FEWEST_EPOCHS
        self.lowest = int(np.argmin(self.valid)) if last else 0
        if self.long_enough:
            self.on_train, self.on_valid = measure(self.train), measure(self.valid)

    def diagnosis(self) -> HistoryDiagnosis:
        verdict, since, sentences = self._verdict()
        below = self._validation_below()
        if below:
            sentences.append(
                "The validation loss lies below the training loss. Most often the training loss was measured "
                "with dropout, augmentation or a penalty, or averaged over the epoch while the weights still "
                "improved: measure it again in evaluation mode. If it stays above, look at the split: the "
                "validation rows may be easier, or copies of training rows."
            )
        measured = self.on_valid if self.long_enough else None
        seen = self.last > 0
        return HistoryDiagnosis(
            verdict=verdict,
            since=since,
            between=self._between() if verdict == "overfits" else None,
            rise=measured.rise.size if measured else math.nan,
            rise_at_least=measured.rise.least if measured else math.nan,
            noise=measured.noise if measured else math.nan,
            lowest_loss=float(self.valid[self.lowest]) if seen else math.nan,
            lowest_epoch=self.lowest + 1,
            last_loss=float(self.valid[-1]) if seen else math.nan,
            gap=float(self.valid[-1] - self.train[-1]) if seen else math.nan,
            validation_below=below,
            n_epochs=self.n_epochs,
            sentences=tuple(sentences),
            limits=_limits(self.last),
        )

    def _verdict(self) -> tuple[HistoryVerdict, int | None, list[str]]:
        if self.last < self.n_epochs:
            return "diverged", self.last + 1, self._not_finite()
        if not self.long_enough:
            return "too short", None, [
                f"{counted(self.n_epochs, 'epoch')} are too few for a verdict: from {FEWEST_EPOCHS} on the "
                "noise of a curve can be told from its trend.",
                self._lowest(),
            ]  # fmt: skip
        train, valid = self.on_train, self.on_valid
        if _exploded(self.train, train):
            since = int(np.argmin(self.train)) + 1
            return "diverged", since, [
                f"The training loss has exploded: it was lowest in epoch {since}, "
                f"{number(self.train.min())}, and ended at {number(self.train[-1])}. Lower the learning "
                "rate, or clip the gradients.",
            ]  # fmt: skip
        if _matters(valid.rise.size, valid.rise.is_real, valid):
            if _matters(train.rise.size, train.rise.is_real, train):
                since = int(np.argmin(self.train)) + 1
                return "unstable", since, [
                    f"Both losses rise: the training loss was lowest in epoch {since}, and rose by "
                    f"{number(train.rise.size)} since. That is no overfitting but unstable training: lower "
                    "the learning rate.",
                    self._lowest(),
                ]  # fmt: skip
            return "overfits", self.lowest + 1, self._overfits()
        if _matters(valid.falling.size, valid.falling.is_real, valid):
            return "underfits", None, [
                "It has not been trained long enough: the validation loss was still falling at the last "
                f"epoch, {self.n_epochs}, by {number(valid.falling.size)} over the last few "
                f"({percent(self._left())} of the way so far). Train longer; whether it overfits cannot be "
                "told before the loss has turned.",
                self._lowest(),
            ]  # fmt: skip
        if not valid.fall.is_real and not np.ptp(self.valid) > 0:
            return "level", None, [
                "The validation loss never moves: see whether the weights are being trained, and whether it "
                "is computed anew each epoch."
            ]  # fmt: skip
        if not valid.fall.is_real or valid.detectable > _HIDDEN * valid.fall.size:
            return "noisy", None, self._noisy()
        return "level", None, [
            "The validation loss is level at the end: it neither rose nor fell beyond its noise, so that "
            "these curves show neither overfitting nor a gain from training longer.",
            self._lowest(),
            f"A rise of less than {number(valid.detectable)} would not have been seen.",
        ]  # fmt: skip

    def _not_finite(self) -> list[str]:
        epoch = self.last + 1
        said = [
            f"Training diverged: in epoch {epoch} of {self.n_epochs} a loss is no finite number. Lower the "
            "learning rate, clip the gradients, and look for extreme or missing values among the inputs."
        ]
        return [*said, self._lowest()] if self.last else said

    def _overfits(self) -> list[str]:
        valid = self.on_valid
        low, high = self._between()
        where = f"epoch {low}" if low == high else f"any epoch from {low} to {high}"
        times = valid.rise.size / valid.noise if valid.noise > 0 else math.inf
        noise = f", {times:,.0f} times its noise ({number(valid.noise)} an epoch)" if times < 1e6 else ""
        return [
            f"It overfits since epoch {self.lowest + 1} of {self.n_epochs}: the validation loss has turned, "
            "and the training loss has not.",
            f"It rose by {number(valid.rise.size)} from its lowest place to its end{noise}; by "
            f"{number(valid.rise.least)} at least (99 %).",
            f"Within the noise it may have turned in {where}.",
            f"Stop at the turn and keep that epoch's weights, or regularize. {self._lowest()}",
        ]

    def _noisy(self) -> list[str]:
        valid = self.on_valid
        fell = (
            f"it fell by {number(valid.fall.size)} in all" if valid.fall.is_real else "it did not surely fall"
        )
        return [
            "The validation loss is too noisy for a verdict: a rise of less than "
            f"{number(valid.detectable)} would not be seen, and {fell}.",
            f"From epoch to epoch it varies by {number(valid.noise)} (standard deviation). More validation "
            "rows, or the mean of several folds or seeds, would make it clearer.",
        ]

    def _between(self) -> tuple[int, int]:
        low, high = self.on_valid.lowest
        return min(low, self.lowest + 1), max(high, self.lowest + 1)

    def _lowest(self) -> str:
        return (
            f"The lowest validation loss was {number(self.valid[self.lowest])}, in epoch {self.lowest + 1}; "
            f"the last one is {number(self.valid[-1])}, and the training loss then {number(self.train[-1])}."
        )

    def _left(self) -> float:
        return self.on_valid.falling.size / max(self.on_valid.fall.size, self.on_valid.falling.size)

    def _validation_below(self) -> bool:
        """Whether it lies below, in nearly all epochs of the second half, by more than the noise."""
        if not self.long_enough:
            return False
        start = self.last // 2
        # A mean over the epoch lags behind by half an epoch: the next one's has to be above as well.
        train = np.minimum(self.train[start:-1], self.train[start + 1 :])
        gap = train - self.valid[start:-1]
        noise = math.hypot(self.on_train.noise, self.on_valid.noise)
        return bool(np.mean(gap > 0) >= _MOSTLY_BELOW and np.median(gap) > noise)


def _matters(size: float, is_real: bool, curve: CurveNoise) -> bool:
    """Whether a move is more than noise, and more than a trifle."""
    return is_real and size > _MATTERS * max(curve.fall.size, 0.0)


def _exploded(curve: Vector, found: CurveNoise) -> bool:
    lowest = float(curve.min())
    begun = max(float(curve[0]) - lowest, abs(lowest), found.noise)
    return found.rise.is_real and float(curve[-1]) - lowest > _EXPLODED * begun


def _limits(n_epochs: int) -> tuple[str, ...]:
    """What no pair of curves can tell."""
    return (
        "How good the network is on unseen rows. The lowest validation loss is the best of "
        f"{counted(max(n_epochs, 1), 'epoch')} on the very rows that it was picked on, so that it is "
        "optimistic; rows that had no part in it would show how much.",
        "How much it has memorized, unless the training loss was measured as the validation loss is: in "
        "evaluation mode, after the epoch, without penalty. With dropout, augmentation, a penalty in the "
        "loss, or averaged over the epoch, it is not comparable, and the gap is not the gap.",
        "What another seed or another split would show: this is one run.",
        "Whether a larger or a regularized network would do better: that takes training it.",
    )
