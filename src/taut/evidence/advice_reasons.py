"""Why a technique stands where it stands, with the table's own figures and the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from taut.evidence.advice_rules import FEW_A_STEP, has_many_classes, has_small_batches, is_small
from taut.evidence.profile import Profile
from taut.techniques import L1, L2, BatchNorm, Dropout
from taut.techniques.base import Technique

_Gains = dict[type[Technique], float]


@final
@dataclass(frozen=True)
class _Measured:
    """By how many per cent the held-out loss was lower than early stopping alone's, mean of the tables.

    From benchmarks/evidence_advice.py; docs/advice.md has the intervals.
    """

    n_tables: int
    where: str
    gains: _Gains


# 256 units and 64 or 128 rows a step, unless stated otherwise.
_AMOUNTS = _Measured(8, "tables of amounts", {L1: 1.5, L2: -0.3, Dropout: -3.1, BatchNorm: -10.2})
_FEW = _Measured(10, "tables of 2 to 4 classes", {L1: 1.6, L2: 1.3, Dropout: 0.3, BatchNorm: -0.4})
_MANY = _Measured(5, "tables of 6 to 32 classes", {L1: 10.0, L2: 5.7, Dropout: 18.0, BatchNorm: 21.6})
_SMALL_AMOUNTS = _Measured(
    4,
    "tables of amounts, with layers of 16 units,",
    {L1: -1.4, L2: -1.4, Dropout: -4.4, BatchNorm: -2.3},
)
_SMALL_FEW = _Measured(
    4, "tables of 2 to 4 classes, with layers of 16 units,", {L1: 0.8, L2: 0.5, Dropout: 0.2, BatchNorm: -0.9}
)
_SMALL_MANY = _Measured(
    4,
    "tables of 6 to 26 classes, with layers of 16 units,",
    {L1: -1.0, L2: -4.0, Dropout: -8.5, BatchNorm: 11.5},
)
_FOUR_A_STEP = _Measured(
    4,
    "tables of 6 to 26 classes, with 4 rows a step,",
    {L1: 6.8, L2: 3.7, Dropout: 3.0, BatchNorm: -5.6},
)

# Below this noise an amount counts as one that simple models predict well; it changes words, no places.
_LITTLE_NOISE = 0.35
# From this noise on the words for classes are of noise.
_MUCH_NOISE = 0.5
# Above these shares the words are of categories and of rare classes.
_CATEGORIES, _RARE = 0.25, 0.1

# Their titles stand in docs/advice.md.
_LASSO = "Tibshirani (1996, J. R. Stat. Soc. B 58)"
_NG = "Ng (2004, ICML)"
_TREES = "Grinsztajn et al. (2022, NeurIPS)"
_DECAY = "Krogh and Hertz (1992, NeurIPS)"
_ADAMW = "Loshchilov and Hutter (2019, ICLR)"
_DROPOUT = "Srivastava et al. (2014, JMLR 15)"
_DISHARMONY = "Li et al. (2019, CVPR)"
_NORM = "Ioffe and Szegedy (2015, ICML)"
_SMOOTH = "Santurkar et al. (2018, NeurIPS)"
_GROUP = "Wu and He (2018, ECCV)"


def reason_for(kind: type[Technique], profile: Profile) -> tuple[str, str]:
    """Give the reason, and its source."""
    by_kind = {L1: _l1, L2: _l2, Dropout: _dropout, BatchNorm: _batch_norm}
    if kind not in by_kind:  # measured on other tables
        source = kind.page.source[0]
        return f"{kind.page.helps} {kind.why_not_searched}".strip(), f"{source.authors} ({source.year})"
    reason, *sources = by_kind[kind](profile)
    found = _measured(profile)
    if found is not None:
        gain = found.gains[kind]
        did = f"{'lowered' if gain > 0 else 'raised'} the loss by {abs(gain):.1f} % on average."
        reason = f"{reason} On {found.n_tables} {found.where} it {did}"
        sources.append(f"measured by taut on {found.n_tables} tables: docs/advice.md")
    return reason, "; ".join(sources)


def _measured(profile: Profile) -> _Measured | None:
    """What was measured at profile like these; None where nothing was."""
    many = has_many_classes(profile)
    if has_small_batches(profile):
        return _FOUR_A_STEP if many and not is_small(profile) else None
    if profile.n_hidden == 0:
        return None
    if is_small(profile):
        return _SMALL_AMOUNTS if profile.n_classes is None else _SMALL_MANY if many else _SMALL_FEW
    return _AMOUNTS if profile.n_classes is None else _MANY if many else _FEW


def _l1(profile: Profile) -> tuple[str, ...]:
    features = f"{profile.n_features:,} features for {profile.n_rows:,} rows"
    if profile.categorical_share > _CATEGORIES and profile.n_features > profile.n_columns:
        reason = (
            f"Categories are {_percent(profile.categorical_share)} of the columns and make {features}: L1 "
            "can set the weights of values that do not matter to exactly zero."
        )
    else:
        reason = (
            f"There are {features}, and not all of them will matter: L1 can set weights to exactly zero, and "
            "what it costs grows only slowly with the features that do not."
        )
    return reason, _LASSO, _NG, _TREES


def _l2(profile: Profile) -> tuple[str, ...]:
    reason = (
        f"The network has {profile.n_parameters:,} parameters for {profile.n_rows:,} rows: L2 keeps those "
        "small that the rows do not pin down."
    )
    return reason, _DECAY, _ADAMW


def _dropout(profile: Profile) -> tuple[str, ...]:
    if is_small(profile):
        reason = (
            f"The network has {profile.n_parameters:,} parameters for {profile.n_rows:,} rows, and no units "
            "to spare: dropout would rather make it underfit."
        )
        return reason, _DROPOUT
    if profile.n_classes is None:
        reason = (
            f"An amount is predicted, and dropout's noise lands in the number itself{_how_noisy(profile)}."
        )
    else:
        reason = (
            f"With {profile.rows_per_parameter:.2g} rows a parameter the network can learn its rows by heart"
            f"{_much_noise(profile)}; dropout averages many thinned ones.{_rare(profile)}"
        )
    if has_many_classes(profile):
        reason += (
            " Beside batch norm it shifts the statistics that batch norm measures: try each alone first."
        )
        return reason, _DROPOUT, _DISHARMONY
    return reason, _DROPOUT


def _batch_norm(profile: Profile) -> tuple[str, ...]:
    if has_small_batches(profile):
        reason = (
            f"A step has {profile.batch_size:,} rows: means and variances of so few are mostly chance. With "
            f"a batch_size of {FEW_A_STEP} or more it may be worth a try."
        )
        return reason, _GROUP
    if has_many_classes(profile):
        reason = (
            f"{profile.n_classes:,} classes take large and uneven weights to tell apart; batch norm keeps "
            f"each layer's scale even, over {profile.batch_size:,} rows a step."
        )
        return reason, _NORM, _SMOOTH
    if profile.n_classes is None:
        reason = (
            "An amount is predicted, and with batch norm each row's prediction shakes with the other "
            f"{profile.batch_size - 1:,} rows of its step{_how_noisy(profile)}."
        )
    else:
        reason = (
            f"It speeds training up rather than restraining it, and {profile.n_classes:,} classes from "
            f"{profile.n_rows:,} rows are soon learnt.{_rare(profile)}"
        )
    return reason, _NORM


def _how_noisy(profile: Profile) -> str:
    if profile.noise >= _LITTLE_NOISE:
        return ""
    return f", where simple models leave only {_percent(profile.noise)} of the variation unexplained"


def _much_noise(profile: Profile) -> str:
    if profile.noise < _MUCH_NOISE:
        return ""
    return f", and with them the noise (simple models leave {_percent(profile.noise)} unexplained)"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _rare(profile: Profile) -> str:
    if profile.rarest_share is None or profile.rarest_share >= _RARE:
        return ""
    return f" The rarest class has {round(profile.rarest_share * profile.n_rows):,} rows."
