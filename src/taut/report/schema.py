"""The format of the facts: plain values, as JSON holds them; None where a number is not there.

What was saved is checked by these types, bounds and rules: above what taut writes, and what a page can hold.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import AfterValidator, Field

from taut.network import Activation
from taut.recipe import Recipe
from taut.store.shape import CalibrationShape, Count, IntervalShape, Rate, Share, Weight

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic needs its kind of dictionary
    from typing_extensions import TypedDict

#: Of the facts' shape. It grows when a name goes or changes its meaning; new names leave it.
SCHEMA = 1

Number: TypeAlias = float | None
Task: TypeAlias = Literal["classification", "regression"]
CurveName: TypeAlias = Literal["none", "early_stopping", "chosen", "single"]
IntervalFacts: TypeAlias = IntervalShape


def _rule(holds: Callable[[Any], object], fault: str = "it does not fit together") -> AfterValidator:
    """What has to hold beside types and bounds."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise ValueError(fault)
        return value

    return AfterValidator(check)


def _rises(values: Sequence[float]) -> bool:
    return all(low < high for low, high in pairwise(values))


def _is_known(found: IntervalFacts) -> bool:
    return found["value"] is not None or found["low"] is found["high"] is None


_NOT_TINY = _rule(lambda value: not value or abs(value) >= 1e-300, "it has no logarithm")
Size: TypeAlias = Annotated[Number, _NOT_TINY]
Strength: TypeAlias = Annotated[float, Field(ge=0), _NOT_TINY]
Curve: TypeAlias = Annotated[list[Size], Field(max_length=5_000)]
Pair: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Side: TypeAlias = Annotated[
    list[float], Field(min_length=2, max_length=1_000), _rule(lambda x: x == sorted(x))
]
Interval: TypeAlias = Annotated[
    IntervalFacts, _rule(_is_known, "an interval without a value does not fit together")
]


class ReadingFacts(TypedDict):
    """What the code to take away has to know of :class:`taut.table.frame.Reading`, and who was left out."""

    path: str
    kind: Literal["text", "parquet"]
    header: bool
    dropped: list[str]


class SourceFacts(TypedDict):
    """Where the table came from and where the model lies, as far as anybody said; else None."""

    file: str | None
    target: str | None
    folder: str | None
    command: str | None
    reading: ReadingFacts | None


class LineFacts(TypedDict):
    """One line of the comparison; numbers are means over the folds, without penalties."""

    label: str
    recipe: dict[str, Any] | None
    state: str
    train_loss: Number
    validation_loss: Number
    standard_error: Number
    gap: Number
    metric: Number
    epochs: int
    zero_share: Number
    scoring: Number


class ChangeFacts(TypedDict):
    """See :class:`taut.report.comparison.Change`, with the ends of its share; facts of before have none."""

    against: str
    share: float
    low: NotRequired[Number]
    high: NotRequired[Number]
    difference: float
    standard_error: Number
    within_chance: bool | None


class EstimateFacts(TypedDict):
    """What to expect on unseen rows; see :class:`taut.evidence.estimate.Estimate`."""

    loss: IntervalFacts
    score: IntervalFacts
    score_name: str
    naive_loss: Number
    naive_score: Number
    bag_loss: Number
    bag_score: Number
    n_bagged: int
    price: NotRequired[Number]
    score_price: NotRequired[Number]
    n_averaged: NotRequired[int]
    n_candidates: int
    n_resamples: int
    gains: NotRequired[dict[str, IntervalFacts]]
    n_rows: NotRequired[int]


class SimpleFacts(LineFacts):
    """What anybody would try first; see :class:`taut.evidence.simple_baselines.SimpleBaseline`."""

    kind: Literal["constant", "linear"]
    gain: IntervalFacts
    score_gain: IntervalFacts


class ComparisonFacts(TypedDict):
    """What regularization brought; ``doubts`` names the simple ones that it does not surely beat."""

    sentences: list[str]
    simple: NotRequired[list[SimpleFacts]]
    doubts: NotRequired[list[str]]
    lines: Annotated[list[LineFacts], Field(min_length=2)]
    changes: list[ChangeFacts]
    chosen_is: str | None
    has_lowest_loss: bool
    estimate: EstimateFacts | None


class FoldFacts(TypedDict):
    """One fold's losses by epoch, from epoch 1."""

    train_loss: list[Number]
    validation_loss: list[Number]


Fold: TypeAlias = Annotated[
    FoldFacts, _rule(lambda fold: len(fold["train_loss"]) == len(fold["validation_loss"]))
]


class CurveFacts(TypedDict):
    """A network's losses by epoch: one list a fold."""

    name: CurveName
    label: str
    stop: Count | None
    folds: Annotated[list[Fold], Field(min_length=1)]


class CandidateFacts(TypedDict):
    """One candidate: ``strengths`` of the techniques that are on, ``seconds`` of training by all threads."""

    label: str
    strengths: dict[str, float]
    learning_rate: Rate
    hidden: list[int]
    batch: int
    state: str
    failed: str
    loss: Number
    standard_error: Number
    train_loss: Number
    metric: Number
    epoch: int
    n_folds: int
    seconds: float


class SearchFacts(TypedDict):
    """The search, as it tried them; ``chosen`` is a place in ``candidates``."""

    candidates: Annotated[list[CandidateFacts], Field(min_length=1)]
    chosen: Count
    n_dropped: int
    n_failed: int
    selection: str
    scoring: str | None
    interrupted: bool


class ExplorerPoint(TypedDict):
    """Networks with one strength of one technique, one a fold.

    ``train`` and ``validation`` are means over the folds at some ``epochs``; ``epoch`` is kept, and
    ``zero_share`` of its weights. ``counts`` has the weights of all folds in each bin of the technique's
    ``edges``, empty where they are not known; ``n_zero`` counts exact zeros. ``surface`` has a row for each
    value of the grid's second column: the second class's probability, the likeliest class, or the value.
    """

    strength: float
    label: str
    note: str
    within_chance: bool | None
    epochs: Annotated[list[int], Field(max_length=5_000), _rule(lambda epochs: _rises([0, *epochs]))]
    train: Curve
    validation: Curve
    folds: Annotated[list[Fold], Field(max_length=64)]
    epoch: int
    train_loss: Size
    loss: Size
    standard_error: Size
    metric: Number
    zero_share: Number
    n_zero: Count
    counts: list[Count]
    surface: list[list[float]] | None


def _is_point(point: ExplorerPoint) -> bool:
    curves = [point["train"], point["validation"], *(fold["train_loss"] for fold in point["folds"])]
    return all(len(losses) == len(point["epochs"]) for losses in curves)


class ExplorerTechnique(TypedDict):
    """One technique at several strengths, off first (of early stopping, last), all else being equal.

    ``beside`` names the techniques in every network; ``off`` is None where training without it diverged.
    """

    name: str
    title: str
    raising: str
    axis: Literal["strength", "epoch", "switch"]
    log: bool
    source: Literal["search", "path"]
    beside: str
    hidden: list[int]
    learning_rate: float
    n_folds: int
    points: Annotated[list[Annotated[ExplorerPoint, _rule(_is_point)]], Field(min_length=1, max_length=64)]
    best: Count
    off: Count | None
    edges: Annotated[list[float], Field(min_length=2, max_length=1_001), _rule(_rises)]
    left_out: list[str]
    interrupted: bool


def _is_technique(one: ExplorerTechnique) -> bool:
    binned = all(len(point["counts"]) in (0, len(one["edges"]) - 1) for point in one["points"])
    return binned and max(one["best"], one["off"] or 0) < len(one["points"])


class GridFacts(TypedDict):
    """Where a problem with two columns of numbers is looked at, and some of its rows."""

    names: Annotated[list[str], Field(min_length=2, max_length=2)]
    x: Side
    y: Side
    rows: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]
    targets: list[float]


class ExplorerFacts(TypedDict):
    """Techniques at strengths that were really trained, to play with."""

    techniques: Annotated[
        list[Annotated[ExplorerTechnique, _rule(_is_technique)]], Field(min_length=1, max_length=64)
    ]
    grid: Annotated[GridFacts, _rule(lambda grid: len(grid["rows"]) == len(grid["targets"]))] | None


def _is_explorer(found: ExplorerFacts) -> bool:
    grid, names = found["grid"], {one["name"] for one in found["techniques"]}
    surfaces = [point["surface"] for one in found["techniques"] for point in one["points"]]
    size = None if grid is None else [len(grid["x"])] * len(grid["y"])
    on_grid = all(surface is None or [*map(len, surface)] == size for surface in surfaces)
    return on_grid and len(names) == len(found["techniques"])


class ColumnPathFacts(TypedDict):
    """How L1 takes columns away, those that hold out longest first: a list a column, a number a strength."""

    strengths: Annotated[list[Strength], Field(max_length=1_000)]
    names: Annotated[list[str], Field(max_length=1_000)]
    norms: list[list[Number]]
    n_more: Count


def _is_column_path(path: ColumnPathFacts) -> bool:
    return [len(path["strengths"])] * len(path["names"]) == [*map(len, path["norms"])]


class ImportanceLine(TypedDict):
    """One column: by how much the loss on rows held out rises where its values are shuffled."""

    name: str
    loss: Interval


class ImportanceFacts(TypedDict):
    """The columns, the most important first; see :class:`taut.evidence.importance.Importance`."""

    lines: list[ImportanceLine]
    base_loss: Number
    n_rows: int
    n_shuffles: int
    n_left_out: int


class ConfusionFacts(TypedDict):
    """Out-of-fold rows by true class, a list each, and by predicted class; of the ``classes`` named here."""

    classes: list[str]
    rows: list[list[Weight]]
    accuracy: Share
    n_left_out: Count


def _is_square(found: ConfusionFacts) -> bool:
    return [len(found["classes"])] * len(found["classes"]) == [*map(len, found["rows"])]


class ThresholdFacts(TypedDict):
    """The threshold that is best by a metric; see ``taut.evidence.probabilities.thresholds``."""

    threshold: Share
    metric: str
    value: Interval
    usual: Number
    gain: Interval
    counts: Annotated[
        list[Annotated[list[Weight], Field(min_length=2, max_length=2)]], Field(min_length=2, max_length=2)
    ]


class CalibratedFacts(TypedDict):
    """What out-of-fold probabilities tell; ``thresholds`` of two classes, ``positive`` is the second."""

    calibration: CalibrationShape | None
    confusion: Annotated[ConfusionFacts, _rule(_is_square)] | None
    thresholds: list[ThresholdFacts]
    positive: str | None


class ColumnFacts(TypedDict):
    """What one column became: its ``parts``, such as "days", and the ``decimal`` mark of text."""

    name: str
    kind: str
    why: str
    parts: list[str]
    n_levels: int
    decimal: str | None
    day_first: bool | None


class DataFacts(TypedDict):
    """The rows. ``n_rows`` is None where nobody noted it, and what belongs to a table without one."""

    n_rows: int | None
    n_identical: int | None
    n_features: int | None
    columns: list[ColumnFacts] | None
    classes: list[str] | None
    notes: list[str]


class BinsTried(TypedDict):
    """So many pieces of each number, and the loss by which they were chosen, or not."""

    n_bins: int
    loss: float


class RecipeFacts(TypedDict):
    """Enough to train it elsewhere. ``architecture`` names what is no network of a table, without widths."""

    techniques: Annotated[dict[str, Any], _rule(lambda found: isinstance(Recipe.from_json(found), Recipe))]
    label: str
    code: str
    architecture: NotRequired[str]
    hidden: list[int] | None
    activation: Activation | None
    n_bins: NotRequired[int]
    n_bins_tried: NotRequired[list[BinsTried]]
    learning_rate: Rate
    batch_size: int
    max_epochs: int
    best_epoch: int | None
    n_networks: int
    n_inputs: int | None
    n_outputs: int | None
    n_parameters: int
    zero_share: float
    class_weight: str | None


class MadeFacts(TypedDict):
    """How it was done: the estimator as Python, what ``fit`` was ``given``, whether it ``repeats``."""

    estimator: str
    call: str
    seed: str | None
    repeats: bool
    n_folds: int | None
    n_repeats: int
    n_candidates: int | None
    seconds: float | None
    interrupted: bool
    given: list[str]
    versions: Annotated[dict[str, str], _rule(lambda versions: "taut" in versions)]


class EffectShown(TypedDict):
    """One technique's effect."""

    label: str
    loss: Interval


class PairShown(TypedDict):
    """What two techniques do together."""

    labels: list[str]
    loss: Interval


class EffectsShown(TypedDict):
    """What a page shows of :class:`taut.examine.Effects`; the rest is left as it is."""

    loss_name: str
    start_loss: Number
    loss: Interval
    lines: list[EffectShown]
    interactions: list[PairShown]
    n_folds: int
    n_seeds: int


class SignShown(TypedDict):
    """A sign of a diagnosis."""

    severity: str
    text: str


class PointShown(TypedDict):
    """A point of the learning curve over rows."""

    n_rows: int
    loss: Interval
    train_loss: Number


class RowsShown(TypedDict):
    """The learning curve over rows."""

    points: list[PointShown]


class DiagnosisShown(TypedDict):
    """What a page shows of :class:`taut.examine.Diagnosis`."""

    sentence: str
    signs: list[SignShown]
    learning_curve: RowsShown


class Facts(TypedDict):
    """All that a report renders; ``fingerprint`` tells one model's networks from another's.

    ``signs`` are those of trouble in the data that ``fit`` warned of, None where nobody noted them.
    """

    schema: int
    task: Task
    loss: str
    metric: str
    fingerprint: str
    source: SourceFacts
    comparison: ComparisonFacts | None
    curves: list[CurveFacts]
    search: Annotated[SearchFacts, _rule(lambda one: one["chosen"] < len(one["candidates"]))] | None
    effects: EffectsShown | None
    effects_words: list[str]
    diagnosis: DiagnosisShown | None
    explorer: Annotated[ExplorerFacts, _rule(_is_explorer)] | None
    importance: ImportanceFacts | None
    calibrated: NotRequired[CalibratedFacts | None]
    signs: list[str] | None
    column_path: Annotated[ColumnPathFacts, _rule(_is_column_path)] | None
    data: DataFacts
    recipe: RecipeFacts
    made: MadeFacts
