"""Save and load: a folder of JSON and safetensors with a SHA-256 of each file; never pickle.

::

    model/
      model.json           what it is: format, estimator, parameters, recipe, scores, schema, versions
      weights.safetensors  the networks' numbers, ``0.layers.0.weight`` and so on
      checksums.json       SHA-256 of these two
      report.json          what a report says of it, with a SHA-256 of its own; a model needs none

safetensors does not notice a flipped bit, hence the checksums.  Everything in the folder is data: loading
runs no code from it, and opens no other file than these four.  report.json is not among the checksums: it may
be missing, and may be written anew (``taut report``) without the model being touched; taut 0.1 refuses
checksums of files that it does not know.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from taut.errors import DataWarning, StoreError
from taut.estimators.base import TautEstimator
from taut.store.folder import check_folder, read_folder, write_folder, write_report
from taut.store.report_file import REPORT, fingerprint, read_report, schema_of
from taut.version import __version__

_MOST_SHOWN = 300  # characters of what is wrong

__all__ = ["REPORT", "check_folder", "fingerprint", "load", "save", "schema_of", "write_report"]


def save(estimator: TautEstimator, folder: str | os.PathLike[str], *, report: str | None = None) -> None:
    """Save a fitted estimator.

    The folder is written beside its place and moved there when it is complete; an older model of the same
    name is replaced then, and stays whole if writing fails.

    Parameters
    ----------
    estimator : TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV
    folder : path
        Made if it does not exist.  An existing one is replaced only if it holds a saved model; other files in
        it stay.
    report : str, optional
        For ``report.json``: what a report says of it (``taut.report.facts.to_text``).  Without one, there is
        none, also where the model that is replaced had one. A ``report.json`` that is not taut's stays.

    Raises
    ------
    NotFittedError
        scikit-learn's, if the estimator is not fitted.
    StoreError
        If the folder holds something other than a model, or cannot be written.

    Warns
    -----
    DataWarning
        If a ``report.json`` that is not taut's stays.
    """
    from sklearn.utils.validation import check_is_fitted

    from taut.store.describe import describe, pack_weights

    check_is_fitted(estimator, "model_")
    check_folder(folder)
    write_folder(folder, describe(estimator), pack_weights(estimator.model_.networks), report)


def load(folder: str | os.PathLike[str]) -> Any:
    """Load a saved estimator, ready to predict.

    Parameters
    ----------
    folder : path
        As given to ``save``.

    Returns
    -------
    TautClassifier, TautRegressor, TautClassifierCV or TautRegressorCV

    Raises
    ------
    StoreError
        If a file is missing, damaged, unsafe, or of a format that this version does not know.

    Warns
    -----
    DataWarning
        If it was saved with other releases of taut, NumPy or scikit-learn, the last number aside.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from taut import TautClassifier, load
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = TautClassifier(hidden=(8,), max_epochs=20, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(folder + "/model")
    ...     bool((load(folder + "/model").predict(X) == clf.predict(X)).all())
    True
    """
    from taut.store.migrate import migrate
    from taut.store.rebuild import rebuild

    description, weights = read_folder(folder)
    try:
        estimator = rebuild(migrate(description), weights)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)
        raise StoreError(f"{folder}: the model does not fit together ({_shown(what)}).") from error
    _warn_of_versions(folder, description)
    report = read_report(folder)
    if report is not None:
        estimator._saved_report = report
    return estimator


def _warn_of_versions(folder: str | os.PathLike[str], description: dict[str, Any]) -> None:
    """Once, where the release that saved it may compute differently; the last number is of fixed bugs."""
    from importlib.metadata import version

    then = {"taut": description["taut"], **description["versions"]}
    now = {"taut": __version__} | {name: version(name) for name in ("numpy", "scikit-learn")}
    others = [name for name in now if name in then and _release(then[name]) != _release(now[name])]
    if others:
        before, today = (" and ".join(f"{name} {of[name]}" for name in others) for of in (then, now))
        warnings.warn(
            f"{folder}: was saved with {_shown(before)}, and this is {today}: what it predicts may differ; "
            "use those versions, or fit it anew.",
            DataWarning,
            stacklevel=3,
        )


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


def _shown(text: str) -> str:
    """On one line, not too long, and without anything that a terminal would obey: it may be foreign text."""
    line = " ".join(text.split())
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]} ..."
