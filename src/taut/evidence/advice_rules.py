"""The order in which techniques are worth a try, as measured; docs/advice.md has the figures."""

from __future__ import annotations

from taut.evidence.profile import Profile
from taut.techniques import L1, L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Place, Technique

#: From so many classes on batch norm comes first.
MANY_CLASSES = 5
#: Up to so many units, and ...
FEW_UNITS = 64
#: ... from so many rows a parameter on, dropout comes after L1 and L2.
MANY_ROWS = 0.1
#: Below so many rows a step batch norm comes last.
FEW_A_STEP = 8


def order_of(profile: Profile) -> tuple[type[Technique], ...]:
    """Give those that can act on the network and the target, the first to try first.

    With five classes or more batch norm comes first, then dropout (in a small network last), L1 and L2. Else,
    and with few rows a step, it is L1, L2, dropout and batch norm. A linear model has nothing to drop or to
    normalize. Those that were measured elsewhere come after these.
    """
    first = _ranked(profile)
    left = (kind for kind in TECHNIQUES if kind not in {*first, EarlyStopping} and _can_act(kind, profile))
    return *first, *left


def _can_act(kind: type[Technique], profile: Profile) -> bool:
    if kind.needs_classes and profile.n_classes is None:
        return False
    return profile.n_hidden > 0 or kind.acts_on not in (Place.HIDDEN, Place.UNITS)


def _ranked(profile: Profile) -> tuple[type[Technique], ...]:
    if profile.n_hidden == 0:
        return L1, L2
    if not has_many_classes(profile) or has_small_batches(profile):
        return L1, L2, Dropout, BatchNorm
    return (BatchNorm, L1, L2, Dropout) if is_small(profile) else (BatchNorm, Dropout, L1, L2)


def has_many_classes(profile: Profile) -> bool:
    """Whether classes are predicted, and many of them."""
    return profile.n_classes is not None and profile.n_classes >= MANY_CLASSES


def is_small(profile: Profile) -> bool:
    """Whether the network has few units, and few parameters for its rows."""
    return profile.n_hidden <= FEW_UNITS and profile.rows_per_parameter >= MANY_ROWS


def has_small_batches(profile: Profile) -> bool:
    """Whether a step has few rows."""
    return profile.batch_size < FEW_A_STEP
