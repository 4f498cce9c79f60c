"""The base of all techniques, and the fixed hooks through which they act on training.

A technique acts at one :class:`Place` and nowhere else. An engine reads :class:`Hooks`, the weight steps and
the unit steps; it knows no technique by name. Techniques are plain mathematics, so that an engine in NumPy
can do the same as one that compiles them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Self, final

from taut.techniques.pages import Page, Range


@final
class Place(Enum):
    """Where in the training of a network a technique acts; the value names it in sentences."""

    INPUT = "the inputs"
    BATCH = "the rows of a batch"
    TARGET = "the target"
    HIDDEN = "hidden units"
    WEIGHTS = "single weights"
    UNITS = "the incoming weights of hidden units"
    STOPPING = "stopping"


@final
@dataclass(frozen=True, kw_only=True)
class Hooks:
    """All that the engine needs to know about a recipe.

    Parameters
    ----------
    weight_amounts : tuple of float
        On the weights after a step: the strength of each technique of ``WEIGHT_TECHNIQUES``, in that order;
        0.0 if the recipe does not have it. The engine multiplies it by the learning rate.
    unit_amounts : tuple of float
        On the incoming weights of each hidden unit, after that: the strength of each of ``UNIT_TECHNIQUES``,
        which receives it and the learning rate separately.
    mix : float
        On the batch: rows are paired at random, and each takes on a share of its partner's inputs and target,
        drawn uniformly from 0 to this, for each row and step. 0.5 is mixup with alpha 1 (Zhang et al., 2018).
    input_noise : float
        On the input: the standard deviation of the normal noise that is added to every encoded feature.
    input_drop : float
        On the input, after that: the probability that a feature is dropped.
    smoothing : float
        On the target: the share of it that is spread evenly over all classes. Amounts are left alone.
    drop : float
        On an activation: the probability that a hidden unit is dropped.
    normalize : bool
        On an activation: batch normalization before each activation.
    patience : int or None
        On stopping: epochs without improvement before training ends; None trains to the last epoch
        and keeps its weights.
    min_delta : float
        On stopping: how much lower the validation loss has to be to count as an improvement.
    """

    weight_amounts: tuple[float, ...]
    unit_amounts: tuple[float, ...]
    mix: float = 0.0
    input_noise: float = 0.0
    input_drop: float = 0.0
    smoothing: float = 0.0
    drop: float = 0.0
    normalize: bool = False
    patience: int | None = None
    min_delta: float = 0.0


class Technique(ABC):
    """One way to regularize, at one strength: a frozen value.

    Attributes
    ----------
    name : str
        Its name on the command line and in JSON.
    page : Page
        What it is, when it helps and when it hurts.
    search_range : Range
        The strengths that random candidates are drawn from.
    path_range : Range or None
        The strengths of a regularization path: a wider range than the one searched, from hardly any effect to
        far too much. None: the range searched.
    acts_on : Place
        Where in training it acts; an architecture without such a place does not support it.
    needs_classes : bool
        Whether it makes sense for classification only.
    why_not_searched : str
        Why a search does not try it, in a sentence that says what was measured; empty if it does.
    makes_zeros : bool
        Whether weights become exactly zero, and all of them if the strength is high enough: then the top
        of its path is found from the data, as many decades above the low end as in ``path_range``.
    strength : float
        The technique's one number.
    """

    name: ClassVar[str]
    page: ClassVar[Page]
    search_range: ClassVar[Range]
    path_range: ClassVar[Range | None] = None
    acts_on: ClassVar[Place]
    needs_classes: ClassVar[bool] = False
    why_not_searched: ClassVar[str] = ""
    makes_zeros: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def at(cls, strength: float) -> Self:
        """Give the technique at one strength, whatever its parameter is called.

        Raises
        ------
        ParameterError
            Where the strength is out of range.
        """

    if TYPE_CHECKING:
        # At run time a dataclass would treat an inherited property as the default of its field `strength`.
        @property
        @abstractmethod
        def strength(self) -> float:
            """The technique's one number."""

    @property
    @abstractmethod
    def is_off(self) -> bool:
        """Whether it does nothing: training without it is the same, bit for bit."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A short label for tables, such as ``"dropout 0.3"``."""

    @abstractmethod
    def apply(self, hooks: Hooks) -> Hooks:
        """Set its hooks. Never called while it is off."""


class WeightTechnique(Technique):
    """A technique on the weights after each step of the optimizer, decoupled from the gradient.

    Biases and the scale and shift of batch normalization are exempt.
    """

    acts_on: ClassVar[Place] = Place.WEIGHTS

    @staticmethod
    @abstractmethod
    def weight_step(w: float, amount: float) -> float:
        """Move one weight.

        A plain function of two numbers that any engine can call. The compiled one compiles it and applies it
        to every weight, so it has to be arithmetic and comparisons on scalars. It keeps float32 (no literal
        with a decimal point), lets a NaN through (divergence must be seen), and with amount 0 it returns
        ``w``, bit for bit.

        Parameters
        ----------
        w : float
            The weight after the optimizer's step.
        amount : float
            Learning rate times strength, 0 or more.
        """

    @staticmethod
    @abstractmethod
    def penalty(w: float, amount: float) -> float:
        """Give the penalty on one weight that :meth:`weight_step` lowers; only for tests and figures."""

    @final
    def apply(self, hooks: Hooks) -> Hooks:
        """Do nothing: ``taut.techniques.compose`` sets the strength, since it knows the position."""
        return hooks


class UnitTechnique(Technique):
    """A technique on the incoming weights of each hidden unit as a whole, after each step of the optimizer.

    It follows those on single weights. Biases, the outputs' weights and the scale and shift of batch
    normalization are exempt.
    """

    acts_on: ClassVar[Place] = Place.UNITS

    @staticmethod
    @abstractmethod
    def unit_step(norm: float, strength: float, learning_rate: float) -> float:
        """Give the factor by which the incoming weights of one unit are multiplied.

        A plain function of three numbers that any engine can call. The compiled one compiles it, so it has
        to be arithmetic, min, max and comparisons on scalars. It divides by nothing that can be 0, lets a NaN
        through, and at strength 0 it gives exactly 1.

        Parameters
        ----------
        norm : float
            Their Euclidean norm, 0 or more. Weights with an infinite norm have diverged.
        strength : float
            0 or more.
        learning_rate : float
            Of this step: a move per step is multiplied by it, a bound is not.
        """

    @final
    def apply(self, hooks: Hooks) -> Hooks:
        """Do nothing: ``taut.techniques.compose`` sets the strength, since it knows the position."""
        return hooks


def markdown(technique: type[Technique]) -> str:
    """Render a technique's page as Markdown, for the documentation and the command line.

    Parameters
    ----------
    technique : type of Technique
        Such as ``taut.L2``.

    Returns
    -------
    str
        Lines of Markdown; the last one ends with a line break.
    """
    page = technique.page
    sources = "\n".join(f"- {source}" for source in page.source)
    searched = f"**Range searched.** {technique.search_range}"
    if technique.why_not_searched:
        searched = f"**Not searched.** {technique.why_not_searched} Worth a try: {technique.search_range}."
    return (
        f"# {page.title}\n\n"
        f"`taut.{technique.__name__}`, called `{technique.name}` on the command line\n\n"
        f"{page.what}\n\n"
        f"**Raising it.** {page.raising}\n\n"
        f"**When it helps.** {page.helps}\n\n"
        f"**When it hurts.** {page.hurts}\n\n"
        f"**Formula**\n\n```text\n{page.formula}\n```\n\n"
        f"{searched}\n\n"
        f"**Source**\n\n{sources}\n"
    )
