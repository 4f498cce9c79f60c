from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.evidence.advice_rules import order_of
from taut.evidence.profile import Profile
from taut.techniques import L1, L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Place, Technique


def profile(**changes: Any) -> Profile:
    usual: dict[str, Any] = {
        "n_rows": 300, "n_columns": 10, "n_features": 12, "categorical_share": 0.1, "n_classes": 2,
        "rarest_share": 0.4, "noise": 0.6, "n_parameters": 18_000, "n_hidden": 256, "batch_size": 64,
    }  # fmt: skip
    return Profile(**usual | changes)


AMOUNT: dict[str, Any] = {"n_classes": None, "rarest_share": None}
#: Those that were not there when the rules were made.
NEW = [kind for kind in TECHNIQUES if kind not in {L1, L2, Dropout, BatchNorm, EarlyStopping}]
SMALL: dict[str, Any] = {"n_hidden": 16, "n_parameters": 400}


def can_act(kind: type[Technique], *, n_classes: int | None = 2, n_hidden: int = 256, **_: Any) -> bool:
    needs_units = kind.acts_on in (Place.HIDDEN, Place.UNITS)
    return (n_hidden > 0 or not needs_units) and (n_classes is not None or not kind.needs_classes)


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({}, (L1, L2, Dropout, BatchNorm)),
        (AMOUNT, (L1, L2, Dropout, BatchNorm)),
        ({"n_classes": 4}, (L1, L2, Dropout, BatchNorm)),
        ({"n_classes": 5}, (BatchNorm, Dropout, L1, L2)),
        ({"n_classes": 5, "batch_size": 8}, (BatchNorm, Dropout, L1, L2)),
        ({"n_classes": 5, "batch_size": 4}, (L1, L2, Dropout, BatchNorm)),
        (SMALL, (L1, L2, Dropout, BatchNorm)),
        (SMALL | {"n_classes": 26}, (BatchNorm, L1, L2, Dropout)),
        (SMALL | {"n_classes": 26, "batch_size": 2}, (L1, L2, Dropout, BatchNorm)),
        ({"n_classes": 26, "n_hidden": 16}, (BatchNorm, Dropout, L1, L2)),
        ({"n_classes": 26, "n_parameters": 400}, (BatchNorm, Dropout, L1, L2)),
        ({"n_hidden": 0, "n_parameters": 13}, (L1, L2)),
    ],
)
def test_the_order(changes: dict[str, Any], order: tuple[type, ...]) -> None:
    assert order_of(profile(**changes)) == (*order, *(kind for kind in NEW if can_act(kind, **changes)))


@given(
    n_classes=st.none() | st.integers(2, 100),
    n_hidden=st.integers(1, 4096),
    n_parameters=st.integers(1, 10**7),
    n_rows=st.integers(2, 10**6),
    batch_size=st.integers(1, 4096),
)
def test_each_technique_stands_in_it_once(**changes: Any) -> None:
    expected = {L1, L2, Dropout, BatchNorm, *(kind for kind in NEW if can_act(kind, **changes))}
    assert sorted(kind.name for kind in order_of(profile(**changes))) == sorted(k.name for k in expected)
