"""Warn at the person's own line, and of each thing once a line, also where scikit-learn calls in between.

Python has that by default; but ``cross_val_score`` and its like enter ``warnings.catch_warnings`` for every
fold, and after that Python has forgotten what it had shown.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType

# Whose lines are nobody's to mend: taut's own, and of those who call it for a person.
_BETWEEN = ("taut", "sklearn", "joblib", "threading", "concurrent", "contextlib", "functools")
_ONCE = ("default", "module", "once")
_shown: set[tuple[str, str, int]] = set()


def warn(text: str, category: type[Warning]) -> None:
    """Warn of something; what the person's filters say of it holds, "always" and "error" among them."""
    frame = _callers_frame()
    module = str(frame.f_globals.get("__name__", "<unknown>"))
    key = (text, frame.f_code.co_filename, frame.f_lineno)
    if _action(text, category, module, frame.f_lineno) in _ONCE:
        if key in _shown:
            return
        _shown.add(key)
    warnings.warn_explicit(text, category, frame.f_code.co_filename, frame.f_lineno, module, registry={})


def _callers_frame() -> FrameType:
    """The innermost frame of the person's; where there is none, as in a thread, the outermost of all."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_between(frame):
        frame = frame.f_back
    return frame


def _is_between(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] in _BETWEEN


def _action(text: str, category: type[Warning], module: str, line: int) -> str:
    """What the filters say, by Python's own rules."""
    for action, message, kind, where, number in warnings.filters:
        if (
            (message is None or message.match(text))
            and issubclass(category, kind)
            and (where is None or where.match(module))
            and number in (0, line)
        ):
            return action
    return "default"
