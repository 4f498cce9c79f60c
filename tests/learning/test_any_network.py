"""Another network than taut's, on pictures, by an engine of a few lines: all above the engine serves it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from taut.evidence.diagnosis_plan import diagnosis_plan
from taut.evidence.importance import Owners
from taut.evidence.of_search import estimate_of, gained_by, importance_of_search
from taut.evidence.simple_baselines import simple_baselines
from taut.examine.diagnosing import affordable_folds, diagnosis_of
from taut.examine.explaining import effects_of
from taut.learning.problem import Fold, Problem
from taut.learning.progress import Reporter
from taut.learning.training import Control
from taut.paths.plan import EpochPlan, StrengthPlan
from taut.paths.traced import traced
from taut.paths.training import PathWork
from taut.paths.words import in_words
from taut.recipe import Recipe
from taut.report.facts import facts_of
from taut.report.page import write_page
from taut.report.reported import Reported
from taut.report.reported import Search as SearchPart
from taut.report.text import in_words as in_sentences
from taut.report.text import plain_table
from taut.report.written import from_text, to_text
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION, Candidate
from taut.selection.folds import cross_validation_splits, make_folds
from taut.selection.proposer import OptunaProposer
from taut.selection.race import Race
from taut.selection.result import SearchResult
from taut.selection.search import Search
from taut.selection.space import Space
from taut.selection.stages import make_stages
from taut.selection.trainer import Settings, Trainer
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.learning.toy import Logistic, ToyEngine, pictures

NETWORK = Logistic()


def folds_of(problem: Problem, cv: int = 3) -> list[Fold]:
    groups = problem.examples.duplicate_groups()
    codes = problem.target.astype(np.int64)
    splits = cross_validation_splits(cv, codes, None, problem.objective.stratify, 0, groups)
    return make_folds(splits, problem, 0)


@dataclass
class Toy:
    """One search on pictures, with all that it needs."""

    trainer: Trainer
    folds: list[Fold]
    search: Search
    result: SearchResult


def toy_search(engine: ToyEngine, **changes: Any) -> Toy:
    problem = pictures()
    trainer = Trainer(engine, problem, Settings(batch_size=16, max_epochs=30, seed=0))
    folds = folds_of(problem)
    space = Space(0.05, NETWORK, problem.objective)
    search = Search(
        trainer=trainer,
        stages=make_stages(folds, problem, 0),
        baselines=space.baselines(),
        proposer=OptunaProposer(space, 0, n_first=6),
        n_candidates=12,
        **changes,
    )
    return Toy(trainer, folds, search, search.run())


@pytest.fixture(scope="module")
def toy() -> Toy:
    return toy_search(ToyEngine())


def test_a_search_finds_what_regularizes_it(toy: Toy) -> None:
    tried = {type(one) for score in toy.result.candidates for one in score.recipe.active}
    assert {L1, L2} <= tried
    assert not {Dropout, BatchNorm} & tried
    assert toy.result.best.loss <= min(toy.result.candidates[0].loss, toy.result.candidates[1].loss)
    assert (
        toy.result.candidates[0].loss < toy.result.candidates[1].loss
    )  # without it, wrong labels are learned
    assert [score.recipe for score in toy.result.candidates[:2]] == [EARLY_STOPPING_ALONE, NO_REGULARIZATION]
    assert len(toy.result.networks) == 3
    assert toy.result.are_of_folds


def test_why_a_technique_is_not_searched_is_a_sentence() -> None:
    sentence = NETWORK.supports(Dropout, pictures().objective)
    assert sentence == "Dropout acts on hidden units, which this engine does not train."


def test_its_estimate_is_corrected_and_compared_with_a_constant(toy: Toy) -> None:
    estimate, bag = estimate_of(toy.search, toy.result, None, Control())
    assert estimate.loss.low < estimate.loss.value < estimate.loss.high
    assert estimate.loss.value >= estimate.naive_loss
    assert bag is not None
    assert estimate.bag_loss < estimate.loss.value
    classes = np.array(["below", "above"])
    simple = simple_baselines(toy.trainer, toy.folds, NETWORK.linear(), classes, Control())
    assert [one.kind for one in simple] == ["constant"]  # it is linear itself
    (constant,) = gained_by(toy.trainer.problem, toy.result, estimate, simple, None)
    assert constant.validation_loss == pytest.approx(np.full(3, np.log(2)), abs=1e-3)
    assert constant.gain.low > 0.0  # there is something to learn in these pictures
    owners = Owners((), ())
    assert importance_of_search(toy.search, toy.result, bag, toy.result.networks, owners, Control()) is None


def test_the_same_seed_finds_the_same(toy: Toy) -> None:
    again = toy_search(ToyEngine())
    for one, other in zip(again.result.candidates, toy.result.candidates, strict=True):
        np.testing.assert_equal(one.to_json(), other.to_json())


def test_an_engine_that_does_not_replay_is_never_asked_to() -> None:
    engine = ToyEngine(replays_exactly=False)
    found = toy_search(engine)
    n_networks = sum(np.count_nonzero(score.folds) for score in found.result.candidates)
    # No regularization is early stopping's training continued; nothing else is trained, and nothing twice.
    assert engine.n_begun == n_networks - len(found.folds)
    networks = found.result.networks
    rows = found.result.row_losses[found.result.chosen]
    for fold, network, epoch in zip(found.folds, networks, found.result.best.fold_epochs, strict=True):
        own = found.trainer.row_results(network, fold.validation).losses
        if epoch == found.result.best.epoch:  # scored at the epoch that is handed over: the same network
            np.testing.assert_allclose(own, rows[fold.validation], rtol=1e-5)


def test_its_path_has_a_point_for_every_strength(toy: Toy) -> None:
    work = PathWork(toy.trainer, toy.folds, NETWORK, 0.05)
    plan = StrengthPlan(L2, None, (0.1, 1.0, 10.0))
    base = Recipe(EarlyStopping())
    path = traced(work, L2, base, plan, Control(), Reporter(None), classes=np.array(["below", "above"]))
    assert [point.strength for point in path.points] == [0.0, 0.1, 1.0, 10.0]
    assert path.points[3].weight_norm < path.points[1].weight_norm < path.points[0].weight_norm
    assert path.column_names == ()
    assert path.column_norms.shape == (4, 0)
    assert path.points[0].validation_losses.tolist() == toy.result.candidates[0].validation_loss.tolist()
    assert (path.task, path.loss_name, path.hidden) == ("classification", "cross-entropy", ())
    assert "L2" in "\n".join(in_words(path))


def test_its_early_stopping_path_goes_through_the_epochs(toy: Toy) -> None:
    work = PathWork(toy.trainer, toy.folds, NETWORK, 0.05)
    path = traced(work, EarlyStopping, Recipe(), EpochPlan(None, (1, 5, 30)), Control(), Reporter(None))
    assert [point.strength for point in path.points] == [1.0, 5.0, 30.0]
    assert path.off.strength == 30.0


def test_its_diagnosis_sees_that_it_overfits(toy: Toy) -> None:
    candidate = Candidate(Recipe(), 0.05, NETWORK)
    folds = affordable_folds(toy.trainer, tuple(toy.folds))
    found = diagnosis_of(toy.trainer, folds, candidate, diagnosis_plan("standard"), Control(), Reporter(None))
    assert found.verdict == "overfits"
    names = [one.name for one in found.alternatives]
    assert "stopped at its best epoch" in names
    assert not any("dropout" in name or "wide" in name or "batch norm" in name for name in names)
    assert found.signs == ()
    assert found.before == ()
    text = str(found)
    assert "overfits" in text
    assert json.dumps(found.to_dict())


def test_its_effects_add_up(toy: Toy) -> None:
    candidate = Candidate(Recipe(L2(1.0), L1(0.1), EarlyStopping()), 0.05, NETWORK)
    found = effects_of(toy.trainer, tuple(toy.folds), candidate, 0.05, Control(), Reporter(None), n_seeds=2)
    assert [line.name for line in found.lines] == ["early_stopping", "learning_rate", "l2", "l1"]
    assert sum(line.loss.value for line in found.lines) == pytest.approx(found.loss.value)
    assert found.n_rows == len(toy.trainer.problem)
    assert "L2 1" in str(found)


def test_it_is_reported_on_a_page_in_text_and_as_json(toy: Toy) -> None:
    trainer, result = toy.trainer, toy.result
    objective, scores = trainer.problem.objective, result.candidates
    estimate, _ = estimate_of(toy.search, result, None, Control())
    classes = np.array(["below", "above"])
    simple = simple_baselines(trainer, toy.folds, NETWORK.linear(), classes, Control())
    member = trainer.member(result.best.candidate, toy.folds[0], 0)
    path = traced(
        PathWork(trainer, toy.folds, NETWORK, 0.05),
        L2,
        Recipe(EarlyStopping()),
        StrengthPlan(L2, None, (0.1, 1.0)),
        Control(),
        Reporter(None),
    )
    facts = facts_of(
        Reported(
            task=objective.task,
            loss=objective.loss_name,
            metric=objective.score_title,
            recipe=result.best.recipe,
            histories={
                name: [{"train_loss": curve.train, "validation_loss": curve.validation} for curve in curves]
                for name, curves in result.curves.items()
            },
            learning_rate=result.best.candidate.learning_rate,
            batch_size=trainer.settings.batch_size,
            max_epochs=trainer.settings.max_epochs,
            best_epoch=result.best.epoch,
            architecture=NETWORK.label,
            n_parameters=trainer.engine.n_parameters(trainer.problem, member),
            zero_share=float(np.mean([network.zero_share for network in result.networks])),
            fingerprint="0" * 64,
            n_rows=len(trainer.problem),
            kind="toy_search",
            call="toy_search()",
            search=SearchPart(
                candidates=scores,
                chosen=result.chosen,
                baselines={"early_stopping": scores[0], "none": scores[1]},
                n_folds=len(toy.folds),
                estimate=estimate,
                simple=gained_by(trainer.problem, result, estimate, simple, None),
                seconds=result.seconds,
                runs={i: (runs.curves, runs.weights) for i, runs in result.plain.items()},
            ),
        ),
        paths=[path],
    )
    page = write_page(facts)
    assert NETWORK.label in page
    assert "160 rows were learned from" in page
    assert "early stopping" in plain_table(facts)
    assert any("loss" in sentence for sentence in in_sentences(facts))
    back = from_text(to_text(facts))
    assert back is not None
    assert back["comparison"] == json.loads(json.dumps(facts["comparison"]))  # also where a number is NaN
    assert NETWORK.label in write_page(back)


def test_the_best_of_a_batch_that_time_cut_off_gets_all_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_after_one_fold(race: Any, trials: Any, *_: Any, **__: Any) -> None:
        runs = race._runner.first([trial.job(0) for trial in trials], Control())
        for trial, run in zip(trials, runs, strict=True):
            trial.runs[0], trial.ended = run, "cut off"

    monkeypatch.setattr(Race, "run", cut_after_one_fold)
    toy = toy_search(ToyEngine())
    others = toy.result.candidates[2:]
    assert others  # without it, there would be the two baselines alone
    assert all(score.state == "complete" for score in others)
    assert all(score.folds.all() for score in others)
    assert len({score.batch for score in others}) == len(others)  # one of each batch
