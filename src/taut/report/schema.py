"""The format of the facts: plain values, as JSON holds them; None where a number is not there.

What was saved is checked by these types and bounds (:mod:`taut.report.written`), which are far above
what taut writes, and no more than a page can hold.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat

from taut.network import Activation
from taut.recipe import Recipe

if sys.version_info >= (3, 12):
    from typing import NotRequired, TypedDict
else:  # what checks saved facts (report/written.py) needs its kind of dictionary
    from typing import NotRequired

    from typing_extensions import TypedDict

#: Of the facts' shape. It grows when a name goes or changes its meaning; new names leave it.
SCHEMA = 1

Number: TypeAlias = float | None
Count: TypeAlias = NonNegativeInt
Rate: TypeAlias = PositiveFloat
Task: TypeAlias = Literal["classification", "regression"]
CurveName: TypeAlias = Literal["none", "early_stopping", "chosen", "single"]


def _not_tiny(value: Number) -> Number:
    """0, or with a part that has a logarithm."""
    if value and abs(value) < 1e-300:
        raise ValueError(f"{value} is too small")
    return value


def _known(interval: IntervalFacts) -> IntervalFacts:
    if interval["value"] is None and not interval["low"] is interval["high"] is None:
        raise ValueError("an interval without a value does not fit together")
    return interval


def _is_recipe(techniques: dict[str, Any]) -> dict[str, Any]:
    Recipe.from_json(techniques)
    return techniques


Size: TypeAlias = Annotated[Number, AfterValidator(_not_tiny)]
Strength: TypeAlias = Annotated[float, Field(ge=0), AfterValidator(_not_tiny)]
Curve: TypeAlias = Annotated[list[Size], Field(max_length=5_000)]
Pair: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Side: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=1_000)]


class IntervalFacts(TypedDict):
    """A figure with its 95 % interval."""

    value: Number
    low: Number
    high: Number


Interval: TypeAlias = Annotated[IntervalFacts, AfterValidator(_known)]


class ReadingFacts(TypedDict):
    """How ``taut fit`` read the file; see :class:`taut.table.frame.Reading`.

    ``path`` is the file's as it was given. ``names`` are the columns' where the file's own do not serve, else
    None; ``dropped`` those that were left out by hand. ``separator``, ``encoding`` and the like say nothing
    of a Parquet file.
    """

    path: str
    kind: Literal["text", "parquet"]
    packed: bool
    encoding: str
    separator: str
    decimal: Literal[".", ","]
    backslash: bool
    skipped: int
    header: bool
    names: list[str] | None
    marked: dict[str, Literal[".", ","]]
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
    """What was gained against a baseline; see :class:`taut.report.comparison.Change`.

    ``low`` and ``high`` are the ends of the share's 95 % interval; facts of before have none.
    """

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
    n_candidates: int
    n_resamples: int
    gains: NotRequired[dict[str, IntervalFacts]]


class SimpleFacts(LineFacts):
    """What anybody would try first; see :class:`taut.evidence.simple_baselines.SimpleBaseline`."""

    kind: Literal["constant", "linear"]
    gain: IntervalFacts
    score_gain: IntervalFacts


class ComparisonFacts(TypedDict):
    """What regularization brought; a single network has none.

    ``simple`` came after the first models were saved, which do without; ``doubts`` names those of them that
    the chosen recipe does not surely beat.
    """

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


class CurveFacts(TypedDict):
    """A network's losses by epoch: one list a fold."""

    name: CurveName
    label: str
    stop: Count | None
    folds: Annotated[list[FoldFacts], Field(min_length=1)]


class CandidateFacts(TypedDict):
    """One candidate of the search, in the order in which they were tried.

    ``strengths`` has the techniques that are on, by name. ``seconds`` are of training, all threads together.
    """

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
    """The search; a single network has none. ``chosen`` is a place in ``candidates``."""

    candidates: Annotated[list[CandidateFacts], Field(min_length=1)]
    chosen: Count
    n_dropped: int
    n_failed: int
    selection: str
    scoring: str | None
    interrupted: bool


class ExplorerPoint(TypedDict):
    """Networks with one strength of one technique, one a fold.

    ``epochs`` are those of which losses are there, some of many: ``train`` and ``validation`` are means over
    the folds, ``folds`` has a few of these. ``epoch`` is the one that is kept, and ``zero_share`` of its
    weights. ``within_chance`` tells whether its loss differs from that of off by no more than one standard
    error. ``counts`` has the weights of all folds at the end of training in each bin of the technique's
    ``edges``, and is empty where they are not known; exact zeros are in none, ``n_zero`` counts them.
    ``note`` is empty, or says what else is to be known, such as that it was cut early. ``surface`` has what
    the networks say on the explorer's grid, a row for each value of the second column: the probability of the
    second class of two, the likeliest class's number, or the value.
    """

    strength: float
    label: str
    note: str
    within_chance: bool | None
    epochs: Annotated[list[int], Field(max_length=5_000)]
    train: Curve
    validation: Curve
    folds: Annotated[list[FoldFacts], Field(max_length=64)]
    epoch: int
    train_loss: Size
    loss: Size
    standard_error: Size
    metric: Number
    zero_share: Number
    n_zero: Count
    counts: list[Count]
    surface: list[list[float]] | None


class ExplorerTechnique(TypedDict):
    """One technique at several strengths, off first (of early stopping, last), all else being equal.

    ``beside`` names the techniques that are in every network beside it. ``best`` and ``off`` are places in
    ``points``, None where training without it diverged; ``left_out`` says in sentences what is not there.
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
    points: Annotated[list[ExplorerPoint], Field(min_length=1, max_length=64)]
    best: Count
    off: Count | None
    edges: Annotated[list[float], Field(min_length=2, max_length=1_001)]
    left_out: list[str]
    interrupted: bool


class GridFacts(TypedDict):
    """Where a problem with two columns of numbers is looked at, and some of its rows."""

    names: Annotated[list[str], Field(min_length=2, max_length=2)]
    x: Side
    y: Side
    rows: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]
    targets: list[float]


class ExplorerFacts(TypedDict):
    """Techniques at strengths that were really trained, to play with."""

    techniques: Annotated[list[ExplorerTechnique], Field(min_length=1, max_length=64)]
    grid: GridFacts | None


class ColumnPathFacts(TypedDict):
    """How L1 takes columns away: ``norms`` has a list a column, a number a strength.

    The columns that hold out longest come first; ``n_more`` others are left out.
    """

    strengths: Annotated[list[Strength], Field(max_length=1_000)]
    names: Annotated[list[str], Field(max_length=1_000)]
    norms: list[list[Number]]
    n_more: Count


class ImportanceLine(TypedDict):
    """One column: by how much the loss on rows held out rises where its values are shuffled."""

    name: str
    loss: Interval


class ImportanceFacts(TypedDict):
    """Which columns the networks use; see :class:`taut.evidence.importance.Importance`.

    The most important column comes first; ``n_left_out`` others, of little weight, were not looked at.
    """

    lines: list[ImportanceLine]
    base_loss: Number
    n_rows: int
    n_shuffles: int
    n_left_out: int


class ColumnFacts(TypedDict):
    """What one column of the table became. ``parts`` are its columns of numbers, such as "days".

    ``decimal`` is the mark of text that holds numbers, else None.
    """

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


class RecipeFacts(TypedDict):
    """The recipe and what it was trained with: enough to train it elsewhere.

    ``architecture`` names in words what is no network of a table, which has no ``hidden`` and the like.
    """

    techniques: Annotated[dict[str, Any], AfterValidator(_is_recipe)]
    label: str
    code: str
    architecture: NotRequired[str]
    hidden: list[int] | None
    activation: Activation | None
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
    """How it was done. ``call`` is the estimator as Python; ``repeats`` whether it gives the same again.

    ``given`` names what ``fit`` was given beside the table, such as "sample_weight".
    """

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
    versions: dict[str, str]


class EffectShown(TypedDict):
    """What a page shows of one technique's effect."""

    label: str
    loss: Interval


class PairShown(TypedDict):
    """What a page shows of what two techniques do together."""

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
    """What a page shows of a sign of a diagnosis."""

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
    """All that a report renders.

    ``signs`` are those of trouble in the data that ``fit`` warned of, None where nobody noted them.
    ``fingerprint`` tells one model's networks from another's.
    """

    schema: int
    task: Task
    loss: str
    metric: str
    fingerprint: str
    source: SourceFacts
    comparison: ComparisonFacts | None
    curves: list[CurveFacts]
    search: SearchFacts | None
    effects: EffectsShown | None
    effects_words: list[str]
    diagnosis: DiagnosisShown | None
    explorer: ExplorerFacts | None
    importance: ImportanceFacts | None
    signs: list[str] | None
    column_path: ColumnPathFacts | None
    data: DataFacts
    recipe: RecipeFacts
    made: MadeFacts
