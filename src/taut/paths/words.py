"""A path in plain words."""

from __future__ import annotations

from taut.evidence.certainty import change_text
from taut.evidence.simple_words import against_simple, constants, others
from taut.paths.columns import holding_out
from taut.paths.result import PathPoint, RegularizationPath
from taut.recipe import Recipe
from taut.techniques import EarlyStopping
from taut.wording import capital, number, percent, plus_minus

_MOST_COLUMNS = 3


def name_of(path: RegularizationPath) -> str:
    """Give the technique's short name: "L2", "dropout", "batch norm", "early stopping"."""
    kind = path.technique
    if path.axis == "strength":
        strongest = kind.at(max(point.strength for point in path.points) or 1.0)
        return strongest.label.rsplit(" ", 1)[0]
    return kind.at(kind.search_range.high).label


def off_name(path: RegularizationPath) -> str:
    """Give what the path is compared with: "early stopping alone", or what else every network has."""
    if path.axis == "epoch":
        return f"epoch {path.off.strength:.0f}, the last one"
    return "early stopping alone" if _is_alone(path.off.recipe) else path.off.recipe.describe()


def place_of(path: RegularizationPath, point: PathPoint) -> str:
    """Name a point: "L2 0.3", "epoch 12", "batch norm", or what off is called."""
    if path.axis == "epoch":
        return f"epoch {point.strength:.0f}"
    if point is path.off:
        return off_name(path)
    return name_of(path) if path.axis == "switch" else f"{name_of(path)} {point.strength:.3g}"


def title(path: RegularizationPath) -> str:
    """Give the figure's title: the path in one sentence."""
    name = path.technique.page.title.split(" (")[0]
    best, last = path.best, path.one_se
    if path.axis == "switch":
        on = next((point for point in path.points if point is not path.off), path.off)
        return (
            f"{name}: the validation loss is {number(on.validation_loss)} with it "
            f"and {number(path.off.validation_loss)} without"
        )
    if path.axis == "epoch":
        first = f"{name}: the validation loss is lowest in {place_of(path, best)}"
        if last is best:
            return first
        return f"{first}, and within one standard error of that as early as epoch {last.strength:.0f}"
    if best is path.off:
        first = f"{name}: no strength has a lower validation loss than {off_name(path)}"
    else:
        first = f"{name}: the validation loss is lowest at {best.strength:.3g}"
    if last is best:
        return first
    if best is path.off:
        return f"{first}, and up to {last.strength:.3g} it is within one standard error of that"
    return f"{first}, and within one standard error of that up to {last.strength:.3g}"


def in_words(path: RegularizationPath) -> list[str]:
    """Describe the path in a few honest sentences."""
    score, name = path.best.score, path.score_name
    sentences = against_simple(constants(path.simple), score, name)  # first, where nothing is learned
    sentences += [_verdict(path), *_chance(path), *_one_se(path), *_zeros(path)]
    sentences += against_simple(others(path.simple), score, name)
    if path.best is not path.off and len(path.points) > 2:
        sentences.append(
            "The lowest of many losses is a slightly optimistic estimate; rows that were set aside give an "
            "honest one."
        )
    return sentences


def _verdict(path: RegularizationPath) -> str:
    best, off = path.best, path.off
    loss = plus_minus(best.validation_loss, best.validation_loss_se)
    if best is off and path.axis == "switch":
        name = capital(name_of(path))
        return f"{name} does not help: {off_name(path)} has the lower validation loss ({loss})."
    if best is off:
        what = "No earlier epoch" if path.axis == "epoch" else f"No strength of {name_of(path)}"
        return f"{what} has a lower validation loss than {off_name(path)} ({loss})."
    first = f"The validation loss is lowest with {place_of(path, best)}: {loss}"
    if path.axis == "epoch":
        first = f"The validation loss is lowest in {place_of(path, best)}: {loss}"
    if off.failed:
        return f"{first}; {off_name(path)} has none ({off.failed})."
    against = number(off.validation_loss)
    change = change_text(path.gain().interval, than=f"{off_name(path)} ({against})")
    return f"{first}, {change}."


def _chance(path: RegularizationPath) -> list[str]:
    """Say so if nothing can tell the difference from off from chance."""
    if path.best is path.off or path.off.failed or path.gain().within_chance is not None:
        return []
    return ["With one split, there is no telling how much of this is chance."]


def _one_se(path: RegularizationPath) -> list[str]:
    best, last = path.best, path.one_se
    if last is best or path.axis == "switch":
        return []
    if path.axis == "epoch":
        return [f"As early as epoch {last.strength:.0f}, the loss is within one standard error of that."]
    return [f"Up to {place_of(path, last)}, the loss is within one standard error of that."]


def _zeros(path: RegularizationPath) -> list[str]:
    """What is left by a technique that makes zeros."""
    if not path.technique.makes_zeros or path.best is path.off:
        return []
    sentences = []
    if path.best.kept_zero_share > 0:
        sentences.append(
            f"Of the best one's weights that early stopping keeps, {percent(path.best.kept_zero_share)} are "
            f"zero; at the end of training, as in the table, {percent(path.best.zero_share)}."
        )
    names = [path.column_names[i] for i in holding_out(path)]
    if len(names) > _MOST_COLUMNS:
        shown = ", ".join(repr(name) for name in names[:_MOST_COLUMNS])
        sentences.append(f"The columns that last longest: {shown}.")
    return sentences


def _is_alone(recipe: Recipe) -> bool:
    return {type(technique) for technique in recipe.active} == {EarlyStopping}
