"""Which candidates to try next: proposed in batches, from the scores of those before."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, final

from taut.selection.candidate import Candidate
from taut.selection.space import Space
from taut.streams import Stream, seed_of

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from taut.selection.score import CandidateScore

#: Makes an Optuna sampler from a seed; Optuna's sampler classes are such.
SamplerMaker: TypeAlias = "Callable[..., BaseSampler]"

# A sampler that proposes what was already tried is asked again, at most this often.
_AGAIN = 8


class Proposer(ABC):
    """Proposes candidates, and learns their scores (ask and tell).

    A batch's candidates follow from the seed, the batch's number and the scores reported before, and the
    first of them are the same however many are asked for.
    """

    @property
    @abstractmethod
    def n_first(self) -> int:
        """The number of candidates that the first batch should have."""

    @abstractmethod
    def ask(self, batch: int, n: int) -> Sequence[Candidate]:
        """Up to ``n`` candidates to try next; none when there is nothing left to try."""

    @abstractmethod
    def tell(self, scores: Sequence[CandidateScore]) -> None:
        """Take in their scores."""


@final
class OptunaProposer(Proposer):
    """First each technique alone and mixtures that fill the space, then what an Optuna sampler makes of them.

    Parameters
    ----------
    space : Space
    seed : int
    sampler : callable, optional
        Called with ``seed=``, a new one for every batch, gives an Optuna sampler. Without it: TPE (Bergstra
        et al., 2011), every parameter by itself, and candidates asked for but not yet scored counted
        as bad ones, so that a batch spreads.
    n_first : int
        The number of candidates of the first batch.
    """

    def __init__(
        self, space: Space, seed: int, *, sampler: SamplerMaker | None = None, n_first: int = 24
    ) -> None:
        self._space, self._seed, self._sampler, self._n_first = space, seed, sampler, n_first
        self._scored: list[tuple[Candidate, float]] = []
        # Drawn now: SciPy swallows a Ctrl+C that comes while it sets its sequence up.
        self._first = list(islice(space.design(seed), n_first))

    @property
    def n_first(self) -> int:
        """The number of candidates of the first batch."""
        return self._n_first

    def ask(self, batch: int, n: int) -> Sequence[Candidate]:
        """The first batch is the design; the others come from the sampler."""
        known = {candidate for candidate, _ in self._scored}
        if batch == 0:
            enough = n + len(known) <= len(self._first)
            design = iter(self._first) if enough else self._space.design(self._seed)
            return list(islice((one for one in design if one not in known), n))
        study = self._study(batch)
        asked: list[Candidate] = []
        for _ in range(n):
            for _ in range(_AGAIN):
                candidate = self._one(study)
                if candidate not in known:
                    break
            known.add(candidate)
            asked.append(candidate)
        return asked

    def tell(self, scores: Sequence[CandidateScore]) -> None:
        """Note the losses, in the order of the candidates."""
        self._scored += [(score.candidate, math.nan if score.failed else score.loss) for score in scores]

    def _study(self, batch: int) -> Any:
        """A study in memory with all scores so far; its sampler's seed is the batch's own.

        Made anew for every batch, so that a resumed search asks for the same candidates.
        """
        import optuna

        seed = seed_of(self._seed, Stream.PROPOSER, batch) % 2**32
        with warnings.catch_warnings():  # options that Optuna calls experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if self._sampler is None:
                sampler: BaseSampler = optuna.samplers.TPESampler(
                    seed=seed, multivariate=False, constant_liar=True, n_startup_trials=0
                )
            else:
                sampler = self._sampler(seed=seed)
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # a new study is not worth a message
        study = optuna.create_study(sampler=sampler)
        optuna.logging.set_verbosity(verbosity)
        distributions = self._distributions()
        for candidate, loss in self._scored:
            point = self._space.point(candidate)
            finite = math.isfinite(loss)  # a loss that is not finite can become the best trial
            study.add_trial(
                optuna.trial.create_trial(
                    params=point,
                    distributions={name: distributions[name] for name in point},
                    value=loss if finite else None,
                    state=optuna.trial.TrialState.COMPLETE if finite else optuna.trial.TrialState.FAIL,
                )
            )
        return study

    def _distributions(self) -> dict[str, Any]:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        found: dict[str, Any] = {
            name: CategoricalDistribution((False, True)) for name in self._space.switches
        }
        for dimension in self._space.dimensions:
            if dimension.whole:
                found[dimension.name] = IntDistribution(int(dimension.low), int(dimension.high))
            else:
                found[dimension.name] = FloatDistribution(dimension.low, dimension.high, log=dimension.log)
        return found

    def _one(self, study: Any) -> Candidate:
        """Ask for the switches first, then for the numbers of those that are on."""
        trial = study.ask()
        point: dict[str, Any] = {}
        for name in self._space.switches:
            point[name] = trial.suggest_categorical(name, (False, True))
        for dimension in self._space.dimensions:
            if dimension.condition and not point[dimension.condition]:
                continue
            if dimension.whole:
                point[dimension.name] = trial.suggest_int(
                    dimension.name, int(dimension.low), int(dimension.high)
                )
            else:
                point[dimension.name] = trial.suggest_float(
                    dimension.name, dimension.low, dimension.high, log=dimension.log
                )
        return self._space.candidate(point)
