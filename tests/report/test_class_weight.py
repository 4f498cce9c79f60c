from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.report.class_weight import parsed, written


@pytest.mark.parametrize(
    "value", ["balanced", {"a": 1.0, "it's": 2}, {0: 1, -1: 0.5}, {True: 1.0, False: 2.0}, {0.5: 3.0}, {}]
)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert parsed(written(value)) == value


def test_numpys_classes_and_numbers_are_plain() -> None:
    value = {np.int64(0): np.float64(1.5), np.str_("a"): np.int32(2), np.bool_(True): 1}
    assert written(value) == "{0: 1.5, 'a': 2, True: 1}"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "__import__('os').system('true')",
        "{__import__('os'): 1}",
        "{'a': print()}",
        "balanced",
        "'balanced' if 1 else 2",
        "['a']",
        "{'a': '1'}",
        "{'a': True}",
        "{'a': 1e999}",
        "{'a': 1" + "0" * 400 + "}",
        "{1e999: 1}",
        "{(1, 2): 1}",
        "{None: 1}",
        "{'a': 1j}",
        "{'a': 1}\nimport os",
        "{[]: 1}",
        "(" * 5000,
        "9" * 6000,
        "{'\\d': 1, 2 is 3: 1}",
        "{Timestamp('2020-01-01'): 1}",
        "'" + "a" * (1 << 21) + "'",
    ],
)
def test_all_else_is_nothing(text: str | None) -> None:
    assert parsed(text) is None
