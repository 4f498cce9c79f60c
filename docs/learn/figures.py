"""Measure what the pages of this folder say, draw their figures, and fill the numbers in: ``make pictures``.

Every number is of a real run on a table that comes with scikit-learn. A change of the loss is measured with
the strength that is best on the *other* folds, for each fold, so that having picked it is no part of it;
intervals are over ten folds, made three times. With names, such as ``l1 dropout``, only these pages are
measured again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, train_test_split

from taut import (
    EarlyStopping,
    LabelSmoothing,
    MaxNorm,
    Recipe,
    TautClassifier,
    TautClassifierCV,
    diagnose,
    regularization_path,
)
from taut.paths import RegularizationPath, RegularizationPathDisplay
from taut.selection.score import PairedChange, paired_change, standard_error

sys.path.insert(0, str(Path(__file__).parent))
from quoted import filled, interval, lower, mean, plain, points, share, text

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.axes import Axes

FOLDER = Path(__file__).parent
MOST_BYTES = 60_000
FOLDS, REPEATS = 10, 3
ALONE = "with early stopping alone"
TRAINING, VALIDATION, OTHER = "0.55", "#2468a8", "#c8741f"
Facts = dict[str, dict[str, Any]]
Table = tuple[Any, Any]
Vector = NDArray[np.float64]


def diabetes() -> Table:
    """442 patients, ten columns, an amount."""
    return load_diabetes(return_X_y=True, as_frame=True, scaled=False)  # type: ignore[no-any-return]


def cancer() -> Table:
    """569 tumours, thirty columns, two classes."""
    return load_breast_cancer(return_X_y=True, as_frame=True)  # type: ignore[no-any-return]


def wine() -> Table:
    """178 wines, thirteen columns, three classes."""
    return load_wine(return_X_y=True, as_frame=True)  # type: ignore[no-any-return]


def digits(n: int = 400) -> Table:
    """The first n of 1,797 handwritten digits in random order, 64 columns, ten classes."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    rows = np.random.default_rng(0).permutation(len(y))[:n]
    return X.iloc[rows], y.iloc[rows]


def path_of(
    table: Table,
    technique: str,
    strengths: int | Sequence[float] = 12,
    hidden: tuple[int, ...] = (64, 64),
    **more: Any,
) -> RegularizationPath:
    X, y = table
    made = RepeatedKFold if y.nunique() > 20 else RepeatedStratifiedKFold
    folds = made(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    return regularization_path(X, y, technique, strengths, hidden=hidden, cv=folds, random_state=0, **more)


def without_picking(path: RegularizationPath) -> PairedChange:
    """Compare with off; each fold has the strength that is best on its repetition's other folds."""
    losses = np.array([point.validation_losses for point in path.points])
    by_repeat = losses.reshape(len(losses), REPEATS, FOLDS)
    others = (by_repeat.sum(axis=2, keepdims=True) - by_repeat) / (FOLDS - 1)
    picked = np.nanargmin(others, axis=0).ravel()  # (n_folds,)
    return change(losses[picked, np.arange(len(picked))], path.off.validation_losses)


def change(losses: Vector, others: Vector) -> PairedChange:
    return paired_change(losses, others, REPEATS)


def axes(n: int = 1, *, height: float = 2.7, sharex: bool = False) -> list[Axes]:
    """Panels one below the other, for a page that may be as narrow as a telephone."""
    made = pyplot.subplots(
        n, 1, figsize=(5.2, height * n), layout="constrained", sharex=sharex, squeeze=False
    )[1]
    return list(made[:, 0])


def save(name: str) -> None:
    path = FOLDER / f"{name}.svg"
    pyplot.savefig(path, metadata={"Date": None})
    pyplot.close("all")
    size = path.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{path} has {size:,} bytes: draw less.")
    print(path.name, f"{size:,} bytes", flush=True)


def draw(path: RegularizationPath, ax: Axes, title: str) -> None:
    """A path's losses over its strengths, as taut draws them."""
    RegularizationPathDisplay.from_path(path, ax=ax)
    ax.set_ylim(0, 2 * path.off.validation_loss)  # far too strong is far above
    ax.set_title(title, loc="left", fontsize="medium")


def curves(ax: Axes, train: Vector, validation: Vector, kept: int, title: str) -> None:
    epochs = np.arange(1, len(train) + 1)
    ax.plot(epochs, train, "--", color=TRAINING, label="training")
    ax.plot(epochs, validation, color=VALIDATION, label="validation")
    ax.plot(kept, validation[kept - 1], "o", color=VALIDATION, label=f"kept: epoch {kept}")
    ax.set_title(title, loc="left", fontsize="medium")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="small")


def l2() -> Facts:
    path = path_of(digits(), "l2")
    above, below = axes(2, sharex=True)
    draw(path, above, "L2 on 400 digits: loss")
    above.set_xlabel("")
    strengths = path.table["strength"][1:]
    below.plot(strengths, path.table["weight_norm"][1:], "o-", color=VALIDATION, markersize=4)
    below.axhline(path.off.weight_norm, color="0.45", linestyle="-.", label="early stopping alone")
    below.set_xlabel("strength of L2")
    below.set_ylabel("norm of all weights")
    below.legend(fontsize="small")
    save("l2")
    other = path_of(diabetes(), "l2")
    return {
        "digits": lower(without_picking(path), ALONE),
        "digits.best": plain(path.best.strength),
        "digits.off": mean(path.off.validation_losses, REPEATS),
        "digits.loss": mean(path.best.validation_losses, REPEATS),
        "digits.strongest": mean(path.points[-1].validation_losses, REPEATS),
        "norm.off": plain(path.off.weight_norm),
        "norm.best": plain(path.best.weight_norm),
        "diabetes": lower(without_picking(other)),
    }


def l1() -> Facts:
    path = path_of(cancer(), "l1")
    above, below = axes(2, sharex=True)
    draw(path, above, "L1 on 569 tumours: loss")
    above.set_xlabel("")
    strengths, zeros = path.table["strength"][1:], path.table["zero_share"][1:]
    below.plot(strengths, 100 * zeros, "o-", color=VALIDATION, markersize=4)
    below.set(xlabel="strength of L1", ylabel="weights that are zero (%)", ylim=(-4, 104))
    save("l1")
    used = np.count_nonzero(path.column_norms > 0, axis=1)
    return {
        "cancer": lower(without_picking(path), ALONE),
        "cancer.best": plain(path.best.strength),
        "cancer.off": mean(path.off.validation_losses, REPEATS),
        "cancer.loss": mean(path.best.validation_losses, REPEATS),
        "cancer.zeros": share(path.best.kept_zero_share),
        "cancer.zeros.end": share(path.best.zero_share),
        "cancer.columns": plain(used[path.best_index]),
        "strong": plain(path.points[-2].strength),
        "strong.columns": plain(used[-2]),
        "strong.loss": mean(path.points[-2].validation_losses, REPEATS),
        "digits": lower(without_picking(path_of(digits(), "l1"))),
        "diabetes": lower(without_picking(path_of(diabetes(), "l1"))),
    }


def max_norm() -> Facts:
    path = path_of(cancer(), "max_norm", learning_rate=0.02)
    above, below = axes(2)
    draw(path, above, "Max norm on 569 tumours, learning rate 0.02: loss")
    X, y = cancer()
    largest = {}
    for bound, color in ((None, OTHER), (0.5, VALIDATION)):
        recipe = Recipe() if bound is None else Recipe(MaxNorm(1 / bound))
        clf = TautClassifier((64, 64), recipe, learning_rate=0.02, max_epochs=100, random_state=0).fit(X, y)
        hidden = [w for _, w in clf.model_.networks[0].penalized_weights()][:-1]
        norms = np.concatenate([np.linalg.norm(w, axis=0) for w in hidden])
        largest[bound] = float(norms.max())
        label = "without" if bound is None else f"bound {bound:g} (strength {1 / bound:g})"
        below.hist(norms, bins=np.linspace(0, 4, 41), color=color, alpha=0.75, label=label)
    below.set_xlabel("norm of a hidden unit's incoming weights")
    below.set_ylabel("hidden units")
    below.legend(fontsize="small")
    save("max_norm")
    usual = path_of(cancer(), "max_norm")
    return {
        "fast": lower(without_picking(path), ALONE),
        "fast.off": mean(path.off.validation_losses, REPEATS),
        "fast.loss": mean(path.best.validation_losses, REPEATS),
        "fast.best": plain(path.best.strength),
        "usual": lower(without_picking(usual)),
        "usual.off": mean(usual.off.validation_losses, REPEATS),
        "diabetes": lower(without_picking(path_of(diabetes(), "max_norm"))),
        "largest": plain(largest[None]),
        "largest.bound": plain(largest[0.5]),
    }


def dropout() -> Facts:
    path = path_of(digits(), "dropout")
    (ax,) = axes()
    draw(path, ax, "Dropout on 400 digits: loss")
    save("dropout")
    return {
        "digits": lower(without_picking(path), ALONE),
        "digits.best": plain(path.best.strength),
        "digits.off": mean(path.off.validation_losses, REPEATS),
        "digits.loss": mean(path.best.validation_losses, REPEATS),
        "epochs.off": plain(path.off.epochs),
        "epochs.best": plain(path.best.epochs),
        "train.high": mean(path.points[-1].train_losses, REPEATS),
        "rate.high": plain(path.points[-1].strength),
        "cancer": lower(without_picking(path_of(cancer(), "dropout"))),
        "diabetes": lower(without_picking(path_of(diabetes(), "dropout"))),
    }


def batch_norm() -> Facts:
    found: Facts = {}
    (ax,) = axes(height=3.0)
    for n, depth in ((600, 2), (1000, 2), (1000, 4)):
        path = path_of(digits(n), "batch_norm", hidden=(64,) * depth)
        off, on = path.points
        name = f"digits{n}" if depth == 2 else f"digits{n}.deep"
        found[name] = lower(path.gain(on), ALONE if n == 600 else "")
        if (n, depth) != (600, 2):
            continue
        found |= {
            f"{name}.off": mean(off.validation_losses, REPEATS),
            f"{name}.on": mean(on.validation_losses, REPEATS),
        }
        found |= {f"{name}.epochs.off": plain(off.epochs), f"{name}.epochs.on": plain(on.epochs)}
        for point, color, label in ((off, OTHER, "without"), (on, VALIDATION, "with batch normalization")):
            length = min(len(curve) for curve in point.curves)
            validation = np.mean([curve.validation[:length] for curve in point.curves], axis=0)
            ax.plot(np.arange(1, length + 1), validation, color=color, label=label)
            if point is on:
                there = int(np.argmax(validation <= off.validation_loss)) + 1
                found[f"{name}.there"] = plain(there)
    ax.set(xscale="log", yscale="log", xlabel="epoch", ylabel="validation loss (cross-entropy)")
    ax.set_yticks([0.1, 0.2, 0.5, 1.0, 2.0], ["0.1", "0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    ax.set_title("600 digits, two layers of 64", loc="left", fontsize="medium")
    ax.legend(fontsize="small")
    save("batch_norm")
    return found


def input_noise() -> Facts:
    good, bad = path_of(digits(), "input_noise"), path_of(wine(), "input_noise")
    above, below = axes(2)
    draw(good, above, "Input noise on 400 digits: loss")
    above.set_xlabel("")
    draw(bad, below, "Input noise on 178 wines: loss")
    save("input_noise")
    return {
        "digits": lower(without_picking(good), ALONE),
        "digits.best": plain(good.best.strength),
        "digits.off": mean(good.off.validation_losses, REPEATS),
        "digits.loss": mean(good.best.validation_losses, REPEATS),
        "wine": lower(without_picking(bad)),
        "cancer": lower(without_picking(path_of(cancer(), "input_noise"))),
        "diabetes": lower(without_picking(path_of(diabetes(), "input_noise"))),
    }


RATES = (0.0, 0.05, 0.1, 0.2, 0.3)


def label_smoothing() -> Facts:
    """On tumours of which a fifth was given the wrong class for training; scored with the right ones."""
    X, y = cancer()
    right = y.to_numpy()
    wrong = np.random.default_rng(0).random(len(right)) < 0.2
    given = np.where(wrong, 1 - right, right)
    made = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    folds = list(made.split(X, right))

    def measured(rate: float, others: Recipe) -> Vector:
        """Loss, accuracy and mean confidence of each fold, shape (3, n_folds)."""
        recipe = others.with_(LabelSmoothing(rate)) if rate else others
        figures = []
        for train, test in folds:
            clf = TautClassifier((64, 64), recipe, max_epochs=100, random_state=0).fit(
                X.iloc[train], given[train]
            )
            p = clf.predict_proba(X.iloc[test])
            of_right = np.maximum(p[np.arange(len(test)), right[test]], 1e-12)
            figures.append(
                (-np.log(of_right).mean(), (p.argmax(axis=1) == right[test]).mean(), p.max(axis=1).mean())
            )
        return np.array(figures).T

    runs = {rate: measured(rate, Recipe()) for rate in RATES}
    stopped = {rate: measured(rate, Recipe(EarlyStopping(patience=20))) for rate in (0.0, 0.1)}
    (ax,) = axes(height=3.0)
    for row, color, mark, label in ((1, VALIDATION, "o-", "accuracy"), (2, OTHER, "s--", "mean confidence")):
        spread = [standard_error(runs[rate][row], REPEATS) for rate in RATES]
        heights = [runs[rate][row].mean() for rate in RATES]
        ax.errorbar(RATES, heights, spread, fmt=mark, capsize=2, color=color, label=label)
    ax.set(xlabel="rate of label smoothing", ylabel="share of held-out rows")
    ax.set_title("569 tumours, a fifth of the labels wrong, 100 epochs", loc="left", fontsize="medium")
    ax.legend(fontsize="small")
    save("label_smoothing")
    clean = path_of(digits(), "label_smoothing")
    return {
        "wrong": share(wrong.mean()),
        "confidence.off": mean(runs[0.0][2], REPEATS),
        "confidence.on": mean(runs[0.1][2], REPEATS),
        "accuracy.off": mean(runs[0.0][1], REPEATS),
        "accuracy": points(runs[0.1][1] - runs[0.0][1], REPEATS),
        "loss": lower(change(runs[0.1][0], runs[0.0][0])),
        "stopped.loss": lower(change(stopped[0.1][0], stopped[0.0][0])),
        "stopped.accuracy": mean(stopped[0.0][1], REPEATS),
        "stopping": lower(change(stopped[0.0][0], runs[0.0][0]), "after 100 epochs"),
        "digits": lower(without_picking(clean), ALONE),
        "digits.best": plain(clean.best.strength),
    }


def early_stopping() -> Facts:
    path = path_of(diabetes(), "early_stopping", 90)
    losses = np.array([[p.validation_loss, p.train_loss] for p in path.points])
    (ax,) = axes(height=3.0)
    ax.plot(path.table["strength"], losses[:, 1], "--", color=TRAINING, label="training loss")
    ax.errorbar(
        path.table["strength"], losses[:, 0], path.table["validation_loss_se"],
        color=VALIDATION, elinewidth=0.4, label="validation loss ± standard error",
    )  # fmt: skip
    ax.plot(
        path.best.strength,
        path.best.validation_loss,
        "o",
        color=OTHER,
        label=f"lowest: epoch {path.best.epochs}",
    )
    ax.set(xscale="log", xlabel="epoch", ylabel="squared error", ylim=(0, None))
    ax.set_title("442 patients, no other regularization", loc="left", fontsize="medium")
    ax.legend(fontsize="small")
    save("early_stopping")
    every = np.array([point.validation_losses for point in path.points])
    return {
        "diabetes": lower(without_picking(path), "at the last epoch"),
        "best": plain(path.best.epochs),
        "loss": mean(path.best.validation_losses, REPEATS),
        "last": mean(path.off.validation_losses, REPEATS),
        "last.train": mean(path.off.train_losses, REPEATS),
        "own": mean(every.min(axis=0), REPEATS),
        "digits": lower(without_picking(path_of(digits(), "early_stopping"))),
        "cancer": lower(without_picking(path_of(cancer(), "early_stopping"))),
    }


def practice() -> Facts:
    """The whole of it, on half of the tumours; the other half checks."""
    X, y = cancer()
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, train_size=285, random_state=0)
    found = diagnose(X_train, y_train, hidden=(64, 64), random_state=0)
    clf = TautClassifierCV(hidden=(64, 64), n_candidates=20, random_state=0).fit(X_train, y_train)
    p = clf.predict_proba(X_test)
    losses = -np.log(p[np.arange(len(y_test)), y_test.to_numpy()])
    above, below = axes(2)
    panels = ((above, "none", clf.baseline_["none"].epoch, "No regularization"),
              (below, "chosen", clf.best_epoch_, clf.recipe_.describe()))  # fmt: skip
    for ax, which, kept, title in panels:
        folds = clf.history_[which]
        n = min(len(fold["epoch"]) for fold in folds)
        train, validation = (
            np.mean([f[name][:n] for f in folds], axis=0) for name in ("train_loss", "validation_loss")
        )
        curves(ax, train, validation, min(kept, n), title[:1].upper() + title[1:])
        ax.set_ylabel("cross-entropy")
    below.set_xlabel("epoch")
    save("practice")
    return {
        "sentence": text(found.sentence),
        "train": interval(found.train_loss),
        "validation": interval(found.validation_loss),
        "turned": plain(found.turned or 0),
        "recipe": text(clf.recipe_.describe()),
        "rate": plain(clf.learning_rate_),
        "over_none": lower(clf.estimate_.gains["none"], "without regularization"),
        "over_stopping": lower(
            clf.estimate_.gains["early_stopping"], "with early stopping at the usual learning rate"
        ),
        "over_linear": lower(clf.simple_baselines_["linear"].gain),
        "estimate": interval(clf.estimate_.loss),
        "estimate.score": interval(clf.estimate_.score),
        "test": mean(losses, 1),
        "test.score": share(clf.score(X_test, y_test)),
        "epoch": plain(clf.best_epoch_),
    }


LESSONS: tuple[Callable[[], Facts], ...] = (
    practice, l2, l1, max_norm, dropout, batch_norm, input_noise, label_smoothing, early_stopping,
)  # fmt: skip


def main(names: Iterable[str]) -> None:
    matplotlib.rcParams.update({"svg.hashsalt": "taut", "svg.fonttype": "none", "font.size": 10})
    path, names = FOLDER / "measured.json", set(names)
    if strange := names - {lesson.__name__ for lesson in LESSONS}:
        sys.exit(f"There is no page {', '.join(sorted(strange))}.")
    facts: Facts = json.loads(path.read_text(encoding="utf-8")) if names else {}
    for lesson in LESSONS:
        if not names or lesson.__name__ in names:
            facts = {k: v for k, v in facts.items() if k.split(".")[0] != lesson.__name__}
            facts |= {f"{lesson.__name__}.{name}": fact for name, fact in lesson().items()}
    rounded = {name: {k: rounded_to(v) for k, v in fact.items()} for name, fact in sorted(facts.items())}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(fact)}" for name, fact in rounded.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    for page in sorted(FOLDER.glob("*.md")):
        page.write_text(filled(page.read_text(encoding="utf-8"), rounded), encoding="utf-8")


def rounded_to(value: Any) -> Any:
    """Six digits are more than any of it is good for."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main(sys.argv[1:])
