"""Tables as plain text: one way to align columns, for terminals, files and pipes."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def text_table(
    rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,), rules: Collection[int] = (1,)
) -> str:
    """Align the columns, two spaces apart.

    Parameters
    ----------
    rows : sequence of sequence of str
        All of one length; the first is the heading.
    left : collection of int
        Columns that are aligned to the left, the others to the right.
    rules : collection of int
        Rows that have a line above them; below 0 they count from the end.

    Returns
    -------
    str
        Lines without spaces at their ends.

    >>> print(text_table([["", "loss"], ["off", "0.25"], ["on", "0.125"]]))
          loss
    ----------
    off   0.25
    on   0.125
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "-" * max(map(len, lines))
    for index in sorted((index % len(rows) for index in rules), reverse=True):
        lines.insert(index, rule)
    return "\n".join(lines)
