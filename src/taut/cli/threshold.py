"""``--threshold``: from which probability on the second of two classes is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taut.errors import ParameterError
from taut.wording import fixed, number

if TYPE_CHECKING:
    from taut.evidence.interval import Interval
    from taut.evidence.probabilities.thresholds import Counts, Threshold, Thresholds

_FORMS = (
    "a number from 0 to 1, a metric (f1, balanced_accuracy, matthews_corrcoef, accuracy), or "
    "cost:FALSE_POSITIVE:FALSE_NEGATIVE such as cost:1:5"
)


def threshold_of(asked: str, estimator: Any) -> tuple[float, str]:
    """The threshold that was asked for, and what to say of it.

    Raises
    ------
    ParameterError
        If it is none of the forms, or not for this model.
    """
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise ParameterError(
            "--threshold is for two classes, and the model predicts an amount: leave it out."
        )
    if len(classes) != 2:
        raise ParameterError(
            f"--threshold is for two classes, and the model has {len(classes)}: leave it out, and the "
            "likeliest is predicted."
        )
    second, thresholds = classes.tolist()[1], getattr(estimator, "thresholds_", None)
    share = _number(asked)
    if share is not None:
        if not 0.0 <= share <= 1.0:
            raise ParameterError(f"--threshold {asked}: a probability is from 0 to 1.")
        counted = ""
        if thresholds is not None:
            counted = f"; {_counted(thresholds.counts_at(share), thresholds, about='about ')}"
        return share, f"{second!r} is predicted from a probability of {share:g} on{counted}."
    if thresholds is None:
        raise ParameterError(
            f"--threshold {asked}: the model was saved without out-of-fold predictions to choose a threshold "
            "on; fit it again with taut fit, or give a number from 0 to 1."
        )
    found = _best(asked, thresholds)
    return found.threshold, f"{second!r} is predicted from a probability of {_expected(found, thresholds)}."


def _number(asked: str) -> float | None:
    try:
        return float(asked)
    except ValueError:
        return None


def _best(asked: str, thresholds: Thresholds) -> Threshold:
    from taut.evidence.probabilities.thresholds import METRICS

    kind, *costs = asked.split(":")
    if kind == "cost":
        numbers = [value for one in costs if (value := _number(one)) is not None]
        if len(numbers) != 2 or len(costs) != 2:
            raise ParameterError(
                f"--threshold {asked}: give what a false positive and what a false negative costs, such as "
                "cost:1:5."
            )
        return thresholds.best(cost=numbers)
    for metric in METRICS:
        if asked == metric:
            return thresholds.best(metric)
    raise ParameterError(f"--threshold {asked}: it has to be {_FORMS}.")


def _expected(found: Threshold, thresholds: Thresholds) -> str:
    """What to expect, and what 0.5 would give: no gain is claimed that may be chance."""
    what = "a mean cost" if found.metric == "cost" else f"{found.metric}"
    text = f"{found.threshold:g} on; on unseen rows expect {what} of {_told(found.value)}"
    if found.threshold == 0.5:
        return f"{text}, and no other threshold is better"
    surely = "surely better" if found.gain.low > 0.0 else "not surely better"
    return f"{text}, {surely} than at 0.5 ({_plain(found.usual)}); {_counted(found.counts, thresholds)}"


def _counted(counts: Counts, thresholds: Thresholds, about: str = "") -> str:
    """Rows that would have been wrong."""
    (_, positive), (negative, _) = counts
    of = number(sum(map(sum, thresholds.weights)))
    return (
        f"of {of} out-of-fold rows it makes {about}{number(positive)} false positives and "
        f"{number(negative)} false negatives"
    )


def _told(found: Interval) -> str:
    return f"{_plain(found.value)} (95 % interval {_plain(found.low)} to {_plain(found.high)})"


def _plain(value: float) -> str:
    return fixed(value, 3) if abs(value) < 100 else number(value)
