"""The search: baselines, then batches of candidates that race, until the budget ends; then the networks."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

from taut.errors import TrainingError, TrainingWarning
from taut.learning.training import Control, Curve, Member, Status, Training
from taut.selection import baselines
from taut.selection.candidate import Candidate
from taut.selection.choice import Selection, choose, choosing_among, eligible
from taut.selection.failures import why_none_has_a_score
from taut.selection.final import Finish
from taut.selection.interrupts import Interrupts
from taut.selection.progress import Callbacks, Progress
from taut.selection.proposer import Proposer
from taut.selection.race import Race, Rule, Trial
from taut.selection.result import Contest, ScoredTrials, SearchResult
from taut.selection.runner import Job, Runner
from taut.selection.score import CandidateScore
from taut.selection.scored_epochs import EPOCHS_SCORED, FoldScorer, TimedScorer
from taut.selection.stages import Stages
from taut.selection.time_left import FIRST_TAKES, LATER_TAKE, TimeLeft, batch_sizes
from taut.selection.trainer import Trainer
from taut.selection.trial_scorer import TrialScorer
from taut.selection.trial_store import TrialStore

# The baselines may take this share of a time limit (making their networks again takes no longer); they end
# where they are by then.
_BASELINES_SHARE = 0.5
# No regularization trains on for long after early stopping has stopped: it may take this share more.
_NONE_SHARE = 0.1
# The user's scorer sees networks at epochs that other folds chose: they are trained again, once each.
_SCORED_BASELINES_SHARE = 0.3
# Scoring the epochs of one candidate may take this share of a time limit; else the loss chooses its epoch.
_SCORING_SHARE = 0.05
# A margin for making the chosen networks, on top of the estimate.
_SPARE = 1.25
# Later batches build on the first one, so that it has two folds before the race is first judged.
_FIRST_BATCH_FOLDS = 2
# Of the batches' time, what may be kept back for the best one that is cut off, to have all folds; more where
# a stage of few epochs has told cheaply which it is.
_RESCUED_SHARE, _RESCUED_AFTER_FEW_EPOCHS = 0.25, 0.5
# A batch is only begun if a time limit has room for about this part of what it takes without cuts; where a
# stage of few epochs comes first, that stage may take this share of what is left.
_RACED, _FEW_EPOCHS_SHARE = 0.4, 0.25


@final
@dataclass(eq=False)
class Search:
    """One search on given folds.

    Parameters
    ----------
    trainer : Trainer
    stages : Stages
    baselines : tuple of Candidate
        Early stopping alone, no regularization.
    proposer : Proposer
    n_candidates : int or None
        In all, including the baselines; None continues until the deadline.
    deadline : float
        On ``time.monotonic``'s clock.
    batch_size : int
        Candidates that are asked for at a time, after the first batch.
    rule : Rule
        Which trials are dropped in a race.
    selection : {"best", "1se"}
    scorer : callable, optional
        What candidates are chosen by instead of the loss.
    finish : Finish
    trial_store : TrialStore, optional
    callbacks : Callbacks
    begun : sequence of Training
        Of early stopping alone on some of the folds, which are continued instead of begun anew.
    """

    trainer: Trainer
    stages: Stages
    baselines: tuple[Candidate, Candidate]
    proposer: Proposer
    n_candidates: int | None = None
    deadline: float = math.inf
    batch_size: int = 8
    rule: Rule = field(default_factory=Rule)
    selection: Selection = "best"
    scorer: FoldScorer | None = None
    finish: Finish = field(default_factory=Finish)
    trial_store: TrialStore | None = None
    callbacks: Callbacks = field(default_factory=Callbacks)
    begun: Sequence[Training] = ()

    def __post_init__(self) -> None:
        self.runner = Runner(
            self.trainer,
            self.stages,
            self.trial_store,
            for_scorer=self.scorer is not None and not self._is_slow,
            keep_networks=self.finish.keep_networks,
        )
        self._race = Race(self.runner, self.rule)
        self._trial_scorer = TrialScorer(self.runner, self._race, self.scorer)
        self._scored = ScoredTrials(self.trainer.problem, self.stages)
        self._curves: dict[str, tuple[Curve, ...]] = {}
        self._stop = Control()
        self._started = 0.0
        self._earlier = self.trial_store.elapsed if self.trial_store else 0.0
        self._folds_done = 0
        self._asked = 0  # candidates, including the baselines
        self._cut_short = False
        self._expected = math.inf  # seconds that the whole search will take
        self._batches_began = self._remembered_before = 0.0
        self._time_left: TimeLeft | None = None

    @cached_property
    def _is_slow(self) -> bool:
        """Whether the scorer takes too long to score the epochs of each candidate, for the time limit."""
        if not isinstance(self.scorer, TimedScorer):
            return False
        seconds = self.scorer.seconds * EPOCHS_SCORED * len(self.stages.folds)
        return seconds > _SCORING_SHARE * (self.deadline - time.monotonic())

    def run(self) -> SearchResult:
        """Search; on Ctrl+C or at the deadline, finish with the best so far.  A second Ctrl+C ends at once.

        Raises
        ------
        TrainingError
            If no candidate has a score: all diverged, or the scorer gave no number for any.
        KeyboardInterrupt
            If Ctrl+C came before there was anything to finish with, or twice.
        StoreError
            If the trial store cannot be written.
        """
        with Interrupts(self._stop.cancelled) as interrupts:
            return self._run(interrupts)

    def _run(self, interrupts: Interrupts) -> SearchResult:
        self._started = time.monotonic()
        if self.scorer is not None and not self.runner.keeps_outputs:
            why = "There are too many held-out rows and epochs to keep all outputs"
            if isinstance(self.scorer, TimedScorer) and self._is_slow:
                why = f"scoring takes {self.scorer.seconds:.2g} s each time, too much for the time limit"
            warnings.warn(
                f"{why}: scoring chooses among the candidates, and the loss the epoch of each.",
                TrainingWarning,
                stacklevel=2,
            )
        self._run_baselines()
        self._batches_began, self._remembered_before = time.monotonic(), self.runner.remembered
        # Early stopping alone is a point of the space; no regularization is not.
        self.proposer.tell([score for score in self._scored.scores if score.candidate == self.baselines[0]])
        batch = 0
        # What the trial store has takes no time: it counts even when the time is over.
        while not self._over() or self._known(batch):
            candidates = self._ask(batch)
            if not candidates:
                break
            self._try(batch, candidates)
            if self._time_left:
                self._time_left.batch_is_over()
            batch += 1
        if interrupts.count > 1 or (not eligible(self._scored.scores) and self._stop.cancelled.is_set()):
            raise KeyboardInterrupt
        if not eligible(self._scored.scores):
            raise TrainingError(why_none_has_a_score(self._scored.scores, self._trial_scorer.scorer_errors))
        return self._result()

    # --- the baselines --------------------------------------------------------------------------------------

    def _run_baselines(self) -> None:
        """Early stopping alone and no regularization; at least one epoch of the former always finishes."""
        early, none = (Trial(i, candidate) for i, candidate in enumerate(self.baselines))
        self._asked = len(self.baselines)
        known = self._remembered(early)
        if known:
            self._take_baseline(early, self._within(1.0), ended=True)
        if known and self._remembered(none):
            self._take_baseline(none, self._within(1.0), ended=True)
            return
        members = [self._begun(self.runner.member(job)) for job in self._jobs(early)]
        unlimited = Control(cancelled=self._stop.cancelled)
        trainings = baselines.first_epoch(self.trainer, members, unlimited)
        if min(t.epoch for t in trainings) == 0 and not any(t.status is Status.DIVERGED for t in trainings):
            return  # interrupted
        if not known and time.monotonic() >= self.deadline:
            warnings.warn(
                "The time limit was over before one epoch of early stopping alone had been trained on every "
                "fold: the network of that epoch is what you get. Give more time.",
                TrainingWarning,
                stacklevel=2,
            )
        self._expected = self._guess(trainings)
        self._tell()
        share = _BASELINES_SHARE if self.scorer is None else _SCORED_BASELINES_SHARE
        limited = self._within(share, but=len(self.baselines) * self._trial_scorer.scoring_seconds)
        last = self.trainer.settings.max_epochs
        shared = (self.trainer, trainings, last)
        if not known:
            baselines.to_own_stop(*shared, limited)
            ended = not any(t.status is Status.RUNNING and t.epoch < last for t in trainings)
            self._keep(early, trainings, ended)
            self._take_baseline(early, limited, ended=ended)
            # If early stopping alone has no time to finish, no other candidate has.
            self._cut_short = not ended
        if not self._cut_short:
            now = time.monotonic()
            until = now + _NONE_SHARE * (self.deadline - self._started)
            limited = replace(limited, deadline=min(limited.deadline, until))
            baselines.to_the_end(*shared, limited)
        ended = all(t.epoch >= last or t.status is Status.DIVERGED for t in trainings)
        self._keep(none, trainings, ended)
        self._take_baseline(none, limited, ended=ended)

    def _begun(self, member: Member) -> Member | Training:
        """Its training, where it was begun before."""
        return next((one for one in self.begun if one.member.equals(member)), member)

    def _jobs(self, trial: Trial) -> list[Job]:
        return [trial.job(k) for k in range(len(self.stages.folds))]

    def _remembered(self, trial: Trial) -> bool:
        """Whether the trial store has all folds of a baseline; they are taken from there."""
        for job in self._jobs(trial):
            run = self.runner.recorded(job)
            if run is None:
                return False
            trial.runs[job.stage] = run
        return True

    def _keep(self, trial: Trial, trainings: Sequence[Training], ended: bool) -> None:
        for job, training in zip(self._jobs(trial), trainings, strict=True):
            trial.runs[job.stage] = self.runner.keep(job, training, ended=ended)

    def _take_baseline(self, trial: Trial, control: Control, *, ended: bool) -> None:
        """Score a baseline, as far as it was trained."""
        if any(run.status is Status.DIVERGED for run in trial.runs.values()):
            trial.ended = "failed"
        low_fidelity = trial.job(len(self.stages.folds))
        compared = low_fidelity.stage in self.stages.compared
        if ended and not trial.ended and trial.number == 0 and compared:
            # The others' low-fidelity stages are compared with this one's.
            (run,) = self.runner.first([low_fidelity], control)
            ended = run is not None
            if run is not None and run.status is not Status.DIVERGED:
                trial.runs[low_fidelity.stage] = run
        # Early stopping alone must have the user's score, whatever the time.
        scoring_ends = Control() if trial.number == 0 else self._within(1.0)
        if ended or trial.ended:
            score = self._trial_scorer.finish(trial, -1, control, scoring_ends)
        else:
            score = self._trial_scorer.scored(trial, -1, "cut off", control, scoring_ends)
        if score is None and self.scorer is not None:
            score = self._trial_scorer.unscored(trial, -1)
        self._curves["none" if trial.number else "early_stopping"] = self._scored.curves(trial)
        if score is not None:
            self._folds_done += len(self.stages.folds)
            if trial.number == 0:
                self._expect(trial)
            self._take(trial, score)

    def _within(self, share: float, but: float = 0.0) -> Control:
        """A control that ends at this share of the time limit, less ``but`` seconds."""
        deadline = self._started + (self.deadline - self._started - but) * share
        return Control(deadline=deadline, cancelled=self._stop.cancelled)

    # --- the batches ----------------------------------------------------------------------------------------

    @property
    def _n_first(self) -> int:
        """Folds of the first batch before it is judged: fewer where a stage of few epochs comes first."""
        return 1 if self.stages.few_epochs else _FIRST_BATCH_FOLDS

    @property
    def _keeps_singles(self) -> bool:
        """Whether each technique alone has all folds; not where epochs are dear."""
        return not self.stages.few_epochs

    def _over(self) -> bool:
        if self._cut_short or self._stop.cancelled.is_set():
            return True
        return time.monotonic() >= self._race_deadline()

    def _race_deadline(self) -> float:
        """The search's deadline less the time in which the best of a batch that is cut off gets all folds."""
        ends = self._search_deadline()
        if ends == math.inf or not self._scored.scores or not self._batches_began:
            return ends
        n, threads = len(self.stages.folds), self.trainer.engine.threads
        each = FIRST_TAKES * self._scored.scores[0].seconds / n
        short = self.stages.few_epochs  # and then it may have no fold yet
        needed = each * math.ceil((n if short else n - 1) / threads)
        share = _RESCUED_AFTER_FEW_EPOCHS if short else _RESCUED_SHARE
        return ends - min(needed, share * max(0.0, ends - self._batches_began))

    def _search_deadline(self) -> float:
        """The deadline less the time that making the best networks will take."""
        leader = self._scored.leader
        if leader is None or self.deadline == math.inf:
            return self.deadline
        epoch = self._scored.scores[leader].epoch
        seconds = self.finish.seconds(self.runner, self._scored.trials[leader], epoch)
        return self.deadline - _SPARE * seconds

    def _ask(self, batch: int) -> Sequence[Candidate]:
        """The batch's candidates, from the trial store if it has them."""
        known = self._known(batch)
        if known is not None:
            return known
        n = self.proposer.n_first if batch == 0 else self.batch_size
        if self.n_candidates is not None:
            n = min(n, self.n_candidates - self._asked)
        n = min(n, self._affordable())
        candidates = self.proposer.ask(batch, n) if n > 0 else []
        if self.trial_store and candidates:
            self.trial_store.propose(batch, candidates)
        return candidates

    def _known(self, batch: int) -> Sequence[Candidate] | None:
        """The batch's candidates, if the trial store has them."""
        return self.trial_store.proposed(batch, self.baselines[0].architecture) if self.trial_store else None

    def _affordable(self) -> int:
        """How many candidates a time limit has room for, by what early stopping alone took; at least one."""
        if self.deadline == math.inf or not self._scored.scores:
            return 2**31
        early, threads = self._scored.scores[0], self.trainer.engine.threads
        each = _RACED * (early.seconds / threads + self._trial_scorer.scoring_seconds)
        if self.stages.low_fidelity_epochs is not None:
            epochs = self.stages.low_fidelity_epochs / max(1, early.epochs_trained)
            each = early.seconds / threads * epochs / _FEW_EPOCHS_SHARE
        each = max(1e-3, each)
        return max(1, int(min(2.0**31, (self._search_deadline() - time.monotonic()) / each)))

    def _try(self, batch: int, candidates: Sequence[Candidate]) -> None:
        """Race a batch and take in its scores."""
        trials = [Trial(self._asked + i, one) for i, one in enumerate(candidates)]
        self._asked += len(trials)
        leader = self._scored.opponent()
        cut = Control(deadline=self._race_deadline(), cancelled=self._stop.cancelled)
        control = Control(deadline=self._search_deadline(), cancelled=self._stop.cancelled)
        n_first = self._n_first if batch == 0 else 1
        self._race.run(
            trials,
            leader,
            cut,
            self._on_done,
            begin=batch,
            n_first=n_first,
            keep_singles=batch == 0 and self._keeps_singles,
        )
        if leader is not None:
            self._rescue(trials, leader, control)
        scores = []
        for trial in trials:
            score = self._trial_scorer.finish(trial, batch, control)
            if score is not None:
                self._take(trial, score)
                scores.append(score)
        self.proposer.tell(scores)
        if scores:
            self.callbacks.batch(scores)
        trials, leads = self._scored.trials, self._scored.leader
        best = None if leads is None else trials[leads].number
        self.runner.forget([trial.number for trial in trials if trial.number not in (0, 1, best)])
        if self.trial_store:
            self.trial_store.spend(time.monotonic() - self._started)

    def _rescue(self, trials: Sequence[Trial], leader: Trial, control: Control) -> None:
        """Give the best trial that was cut off all folds, if it was ahead: else what was found is lost."""
        n = len(self.stages.folds)

        def lead(trial: Trial) -> float:
            """By how much it is better than the leader on the folds that both have."""
            both = [stage for stage in trial.runs if stage < n and stage in leader.runs]
            return self._race.loss(leader, both) - self._race.loss(trial, both) if both else -math.inf

        going = [trial for trial in trials if trial.ended == "cut off"]
        best = max(going, key=lead, default=None)
        if best is None:
            return
        short = [trial for trial in going if n in trial.runs]
        if self.stages.few_epochs and lead(best) == -math.inf and short:
            # Nobody has a fold. After few epochs the leader is no measure, as in the race.
            best = min(short, key=lambda trial: (self._race.promise(trial), trial.number))
        elif not lead(best) > 0.0:
            return
        jobs = [best.job(k) for k in range(n) if k not in best.runs]
        runs = self.runner.first(jobs, control, self._on_done)
        if any(run is None for run in runs):
            return
        best.runs.update((job.stage, run) for job, run in zip(jobs, runs, strict=True) if run is not None)
        failed = any(run is not None and run.status is Status.DIVERGED for run in runs)
        best.ended = "failed" if failed else ""

    def _take(self, trial: Trial, score: CandidateScore) -> None:
        """Note a trial and its score."""
        may_lead = self._scored.add(trial, score)
        if may_lead and self._trial_scorer.anchor is None and self._scored.is_comparable(trial):
            self._trial_scorer.anchor = (trial, score.loss)
        self.callbacks.candidate(score)
        self._tell()

    # --- the result -----------------------------------------------------------------------------------------

    def _result(self) -> SearchResult:
        scored = self._scored
        rows = {i: scored.row_losses(i) for i in range(len(scored.scores))}
        numbers = eligible(scored.scores)
        correct = {i: scored.row_correct(i) for i in numbers if self.trainer.problem.objective.n_classes}
        rule = choosing_among(
            numbers,
            scored.scores,
            len(self.baselines),
            self.selection,
            rows,
            self.trainer.problem.score_weight,
        )
        chosen = choose(numbers, scored.scores, rule)
        trial, score = scored.trials[chosen], scored.scores[chosen]
        interrupted = self._stop.cancelled.is_set()  # later it has no effect
        self._tell(finishing=True)
        control = Control(deadline=self.deadline)
        networks, are_of_folds = self.finish.networks(self.runner, trial, score.epoch, control)
        self._curves["chosen"] = self._scored.curves(trial)
        if self.trial_store:
            self.trial_store.spend(time.monotonic() - self._started)
        return SearchResult(
            candidates=tuple(scored.scores),
            chosen=chosen,
            number=trial.number,
            networks=tuple(networks),
            are_of_folds=are_of_folds,
            curves=self._curves,
            row_losses=rows,
            row_correct=correct,
            contest=Contest(tuple(numbers), rule),
            plain=scored.plain(),
            interrupted=interrupted,
            seconds=self._seconds(),
        )

    # --- progress -------------------------------------------------------------------------------------------

    def _seconds(self) -> float:
        return self._earlier + time.monotonic() - self._started

    def _on_done(self, job: Job) -> None:
        self._folds_done += 1
        if self._time_left:
            self._time_left.done(self.stages.size(job.stage))
        if self.trial_store:
            self.trial_store.spend(time.monotonic() - self._started)
        self._tell()

    def _tell(self, *, finishing: bool = False) -> None:
        if self.callbacks.on_progress:
            self.callbacks.progress(self._progress(finishing))

    def _guess(self, trainings: Sequence[Training]) -> float:
        """Seconds that the search will take, from the first epoch; until known, 60 epochs a network."""
        epoch = sum(t.seconds / max(1, t.epoch) for t in trainings) / self.trainer.engine.threads
        if self.n_candidates is None:
            return math.inf
        return epoch * (self.trainer.settings.max_epochs + 60 * _RACED * (self.n_candidates - 2))

    def _expect(self, early: Trial) -> None:
        """Estimate the batches' trainings, once early stopping alone shows what one takes."""
        if self.n_candidates is None:
            return
        sizes = batch_sizes(self.n_candidates - len(self.baselines), self.proposer.n_first, self.batch_size)
        batches = [
            self._race.expected(
                n, begin=i, n_first=1 if i else self._n_first, keep_singles=not i and self._keeps_singles
            )
            * (LATER_TAKE if i else FIRST_TAKES)
            for i, n in enumerate(sizes)
        ]
        seconds = sum(run.seconds for run in early.runs.values()) / self.trainer.engine.threads
        self._time_left = TimeLeft(batches, seconds / sum(map(self.stages.size, early.runs)))

    def _progress(self, finishing: bool) -> Progress:
        now = time.monotonic()
        left: float | None = None
        if self._time_left:
            spent = (self.runner.remembered - self._remembered_before) / self.trainer.engine.threads
            left = self._time_left.seconds(spent + now - self._batches_began if self._batches_began else 0.0)
        elif math.isfinite(self._expected):
            left = max(0.0, self._expected - (now - self._started))
        if self.deadline < math.inf:
            until = max(0.0, self.deadline - now)
            left = until if left is None else min(left, until)
        scores, leader = self._scored.scores, self._scored.leader
        best = None if leader is None else scores[leader]
        return Progress(
            done=len(scores),
            total=self.n_candidates,
            folds=self._folds_done,
            best=best.loss if best else math.nan,
            baseline=scores[0].loss if scores else math.nan,
            best_recipe=best.recipe if best else None,
            seconds=self._seconds(),
            seconds_left=left,
            finishing=finishing,
        )
