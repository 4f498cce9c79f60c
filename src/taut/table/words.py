"""Words with a special meaning in a text file: missing values, yes and no."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taut.table.frame import Floats

# In lower case, without spaces around. The list is short on purpose: a word on it cannot be a category.
MISSING_WORDS = frozenset(
    ["", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?", "-", "--", ".", r"\n"]
)
_LONGEST = max(map(len, MISSING_WORDS))

# (no, yes), in lower case. 0 and 1 are not among them: they stay numbers.
BOOLEAN_WORDS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))

_AS_BOOLEAN = {word: float(value) for pair in BOOLEAN_WORDS for value, word in enumerate(pair)}


def is_missing(text: str) -> bool:
    """Whether a text stands for "no value" (see ``MISSING_WORDS``)."""
    text = text.strip()
    return len(text) <= _LONGEST and text.lower() in MISSING_WORDS


def boolean_words(levels: Sequence[str]) -> tuple[str, str] | None:
    """Find the pair of yes and no words that all the levels belong to.

    Parameters
    ----------
    levels : sequence of str
        The different texts of a column, the most frequent first, none of them missing.

    Returns
    -------
    (no, yes) as they are spelled in the column, or None if a level is of no pair or of another one.
    """
    folded = {level.strip().lower() for level in reversed(levels)}
    for pair in BOOLEAN_WORDS:
        if folded and folded <= set(pair):
            spelled = {level.strip().lower(): level.strip() for level in reversed(levels)}
            return spelled.get(pair[0], pair[0]), spelled.get(pair[1], pair[1])
    return None


def parse_booleans(levels: Sequence[str]) -> Floats:
    """Read texts as 0 and 1, with NaN for those that are neither yes nor no, (n_levels,)."""
    return np.array([_AS_BOOLEAN.get(level.strip().lower(), np.nan) for level in levels], dtype=np.float64)
