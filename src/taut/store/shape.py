"""The shape that a description must have, so that nothing breaks on it later: on predicting, or on a page.

A checksum proves that a file is as it was written, not that taut wrote it. The parts that other classes read
(recipe, networks, encoders, columns) are checked by these; here is what is left: plain values.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, FiniteFloat

from taut.errors import StoreError
from taut.selection.score import TrialState

if sys.version_info >= (3, 12):
    from typing import NotRequired, TypedDict
else:
    from typing import NotRequired

    from typing_extensions import TypedDict

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**53)]
OneOrMore: TypeAlias = Annotated[int, Field(ge=1, lt=2**53)]
Number: TypeAlias = FiniteFloat | None  # None stands for NaN
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Rate: TypeAlias = Annotated[FiniteFloat, Field(gt=0)]
Seconds: TypeAlias = Annotated[FiniteFloat, Field(ge=0)]
Weight: TypeAlias = Annotated[FiniteFloat, Field(ge=0, lt=1e300)]
Widths: TypeAlias = list[OneOrMore]


class TargetShape(TypedDict):
    """What is predicted."""

    classes: list[bool | int | FiniteFloat | str] | None
    dtype: str | None
    origin: FiniteFloat
    unit: Rate
    constant: bool


class ParametersShape(TypedDict):
    """Those whose values are used after fitting; the others are plain values (:func:`_odd_parameter`)."""

    hidden: Widths | Literal["auto"]
    learning_rate: Rate | Literal["auto"]
    batch_size: OneOrMore | Annotated[FiniteFloat, Field(ge=1)] | Literal["auto"]
    max_epochs: OneOrMore | Annotated[FiniteFloat, Field(ge=1)]
    n_jobs: int | None
    time_limit: NotRequired[Seconds | None]
    verbose: int | float
    not_saved: NotRequired[dict[str, str]]


class IntervalShape(TypedDict):
    """A figure with its interval."""

    value: Number
    low: Number
    high: Number


class ColumnShape(TypedDict):
    """A column's importance."""

    name: str
    loss: IntervalShape


class ImportanceShape(TypedDict):
    """Which columns the networks use."""

    lines: list[ColumnShape]
    base_loss: Number
    n_rows: Count
    n_shuffles: Count
    n_left_out: Count


class EstimateShape(TypedDict):
    """What to expect on unseen rows."""

    loss: IntervalShape
    score: IntervalShape
    score_name: str
    naive_loss: Number
    naive_score: Number
    bag_loss: NotRequired[Number]
    bag_score: NotRequired[Number]
    n_bagged: NotRequired[Count]
    price: NotRequired[Number]
    score_price: NotRequired[Number]
    n_averaged: NotRequired[OneOrMore]
    n_candidates: NotRequired[OneOrMore]
    n_resamples: NotRequired[OneOrMore]
    gains: NotRequired[dict[str, IntervalShape]]
    n_rows: NotRequired[Count]


class BinShape(TypedDict):
    """A bin of a reliability diagram."""

    predicted: Share
    observed: Share
    low: Share
    high: Share
    n_rows: Count


class CalibrationShape(TypedDict):
    """How right probabilities are, and the temperature that acts."""

    temperature: Rate
    fitted_temperature: Rate
    log_loss: FiniteFloat
    log_loss_after: FiniteFloat
    gain: IntervalShape
    error: IntervalShape
    error_after: IntervalShape
    bins: list[BinShape]
    bins_after: list[BinShape]
    n_rows: Count
    n_averaged: OneOrMore


class ConfusionShape(TypedDict):
    """Out-of-fold rows by true and predicted class."""

    classes: list[Count]
    rows: list[list[Weight]]
    accuracy: Share


class ThresholdsShape(TypedDict):
    """Out-of-fold rows by class and by probability of the second class."""

    cuts: Annotated[list[Share], Field(min_length=1)]
    rows: Annotated[list[list[Count]], Field(min_length=2, max_length=2)]
    weights: Annotated[list[list[Weight]], Field(min_length=2, max_length=2)]


class HistoryShape(TypedDict):
    """Losses by epoch."""

    epoch: list[Count]
    train_loss: list[Number]
    validation_loss: list[Number]
    validation_accuracy: NotRequired[list[Number]]


class CandidateShape(TypedDict):
    """What cross-validation says of one candidate."""

    batch: Annotated[int, Field(ge=-1, lt=2**53)]
    state: TrialState
    loss: Number
    epoch: Count
    fold_epochs: list[Count]
    train_loss: list[Number]
    validation_loss: list[Number]
    score: list[Number]
    scoring: list[Number] | None
    zero_share: Share | None
    epochs_trained: Count
    failed: str
    seconds: Seconds
    n_repeats: OneOrMore


class TrainingShape(TypedDict):
    """What every model knows of its training."""

    learning_rate_: Rate
    batch_size_: OneOrMore
    best_epoch_: Count
    interrupted_: bool
    n_iter_: NotRequired[Count]
    n_identical_rows_: NotRequired[Count]
    n_rows_: NotRequired[Count]
    given: NotRequired[list[str]]
    notes: NotRequired[list[str]]
    importance: NotRequired[ImportanceShape]


class SingleShape(TrainingShape):
    """Of one network."""

    history: HistoryShape


class SearchShape(TrainingShape):
    """Of a search."""

    best_index_: Count
    n_splits_: OneOrMore
    zero_share_: Share | None
    search_seconds_: Seconds
    candidates: list[CandidateShape]
    estimate: NotRequired[EstimateShape]
    calibration: NotRequired[CalibrationShape]
    confusion: NotRequired[ConfusionShape]
    thresholds: NotRequired[ThresholdsShape]
    history: dict[str, list[HistoryShape]]


class Shape(TypedDict):
    """Of every description."""

    taut: str
    versions: dict[str, str]
    as_code: str
    n_features: OneOrMore
    feature_names: list[str] | None
    target: TargetShape
    parameters: ParametersShape


def check_shape(description: dict[str, Any]) -> None:
    """Refuse what does not have the shape of a description, or cannot be true.

    Raises
    ------
    StoreError
        It names the place.
    """
    search = "candidates" in description["training"]
    _check(Shape, description, "")
    _check(SearchShape if search else SingleShape, description["training"], "training.")
    if search is not description["estimator"].endswith("CV"):
        raise StoreError(f"the training is not one of a {description['estimator']}")
    for why in _odd(description, search=search):
        raise StoreError(f"{why} does not fit together")


def _check(shape: Any, value: object, where: str) -> None:
    fault = fault_of(shape, value)
    if fault:
        raise StoreError(f"{where}{fault}")


def fault_of(shape: Any, value: object) -> str:
    """Say where plain values do not have a shape (a typed dictionary, strictly), or "" where they have it."""
    from pydantic import ValidationError

    try:
        _adapter(shape).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'all'}: {first['msg']}"
    return ""


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def _odd(description: dict[str, Any], *, search: bool) -> Iterator[str]:
    """Name what has the right types and cannot be true."""
    training, columns = description["training"], description["schema"]["columns"]
    for name, value in description["parameters"].items():
        if not _is_plain_parameter(name, value):
            yield f"parameters.{name}"
    if description["parameters"]["n_jobs"] == 0:
        yield "parameters.n_jobs"
    if description["n_features"] != len(columns):
        yield "n_features"
    if description["feature_names"] not in (None, [column["name"] for column in columns]):
        yield "feature_names"
    if not search:
        yield from _odd_history("training.history", training["history"])
        return
    candidates, n_folds = training["candidates"], training["n_splits_"]
    if training["best_index_"] >= len(candidates):
        yield "training.best_index_"
    elif candidates[training["best_index_"]]["loss"] is None:
        yield "training.best_index_"
    for i, one in enumerate(candidates):
        for name in ("fold_epochs", "train_loss", "validation_loss", "score", "scoring"):
            if one[name] is not None and len(one[name]) != n_folds:
                yield f"training.candidates.{i}.{name}"
    yield from _odd_calibrated(training, len(description["target"]["classes"] or ()))
    for name, folds in training["history"].items():
        for fold in folds:
            yield from _odd_history(f"training.history.{name}", fold)


def _odd_calibrated(training: dict[str, Any], n_classes: int) -> Iterator[str]:
    confusion, thresholds = training.get("confusion"), training.get("thresholds")
    if confusion is not None:
        classes = confusion["classes"]
        fits = classes == sorted(set(classes)) and (not classes or classes[-1] < n_classes)
        if not fits or [*map(len, confusion["rows"])] != [len(classes)] * len(classes):
            yield "training.confusion"
    if thresholds is not None:
        cuts, rows = thresholds["cuts"], thresholds["rows"]
        lengths = {len(cuts), *map(len, rows), *map(len, thresholds["weights"])}
        rising = cuts == sorted(set(cuts)) and cuts[0] == 0.0 and 0.5 in cuts
        weighed = all(sum(one) > 0 for one in thresholds["weights"])
        if n_classes != 2 or len(lengths) > 1 or not rising or not all(map(any, rows)) or not weighed:
            yield "training.thresholds"


def _odd_history(where: str, history: dict[str, list[Any]]) -> Iterator[str]:
    if len({len(values) for values in history.values()}) > 1:
        yield where


def _is_plain_parameter(name: str, value: object) -> bool:
    if name in ("hidden", "recipe", "not_saved"):  # checked elsewhere
        return True
    finite = not isinstance(value, float) or abs(value) < float("inf")
    return value is None or (isinstance(value, (bool, int, float, str)) and finite)
