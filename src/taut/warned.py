"""Warn at the user's own line, once per line, even where scikit-learn calls in between.

Python has that by default; but ``cross_val_score`` and its like enter ``warnings.catch_warnings`` for every
fold, and after that Python has forgotten what it had shown.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType

# Lines that the user can't fix: taut's own, and those of libraries that call it for the user.
_BETWEEN = ("taut", "sklearn", "joblib", "threading", "concurrent", "contextlib", "functools")
_ONCE = ("default", "module", "once")
_shown: set[tuple[str, str, int]] = set()


def warn(text: str, category: type[Warning]) -> None:
    """Warn of something; the user's filters apply, "always" and "error" among them."""
    frame = _callers_frame()
    module = str(frame.f_globals.get("__name__", "<unknown>"))
    key = (text, frame.f_code.co_filename, frame.f_lineno)
    if _action(text, category, module, frame.f_lineno) in _ONCE:
        if key in _shown:
            return
        _shown.add(key)
    warnings.warn_explicit(text, category, frame.f_code.co_filename, frame.f_lineno, module, registry={})


def _callers_frame() -> FrameType:
    """The user's innermost frame; where there is none, as in a thread, the outermost of all."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_between(frame):
        frame = frame.f_back
    return frame


def _is_between(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] in _BETWEEN


def _action(text: str, category: type[Warning], module: str, line: int) -> str:
    """What the filters decide, by Python's own rules."""
    for action, message, kind, where, number in warnings.filters:
        if (
            (message is None or message.match(text))
            and issubclass(category, kind)
            and (where is None or where.match(module))
            and number in (0, line)
        ):
            return action
    return "default"
