"""A challenge begins unsolved, its answer solves it, and what only looks like an answer does not."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from taut.learning.training import Control
from taut.play.challenges import CHALLENGES, Challenge, on
from taut.play.run import Run
from taut.play.settings import Settings, read
from taut.play.words import Standing, standing
from tests.play.helpers import finished, quick, run_of

each = pytest.mark.parametrize("one", CHALLENGES, ids=lambda one: one.name)
BY_NAME = {one.name: one for one in CHALLENGES}


def begun(one: Challenge) -> Settings:
    return read(one.start, None)


@cache
def first_of(name: str) -> tuple[Run, Standing]:
    run = finished(begun(BY_NAME[name]))
    return run, standing(run)


def tried(name: str, **changes: Any) -> tuple[bool, str]:
    """Another network on the challenge's problem."""
    one = BY_NAME[name]
    return one.checked(finished(read(changes, None, begun(one))), first_of(name)[1])


def test_there_are_six_on_toys_and_two_on_real_tables() -> None:
    problems = [one.start["problem"] for one in CHALLENGES]
    assert len(problems) == 8
    assert sum(problem in ("breast_cancer", "diabetes") for problem in problems) == 2
    assert len({one.name for one in CHALLENGES}) == 8


@each
def test_it_is_told_in_sentences(one: Challenge) -> None:
    for text in (one.goal, one.hint, one.why):
        assert text.endswith((".", "?"))
        assert "  " not in text


@each
def test_it_begins_unsolved_and_its_answer_solves_it(one: Challenge) -> None:
    run, first = first_of(one.name)
    solved, sentence = one.checked(run, first)
    assert not solved
    assert sentence.endswith(".")
    solved, sentence = tried(one.name, **one.answer)
    assert solved, sentence


def test_another_problem_is_no_answer() -> None:
    gap = BY_NAME["gap"]
    solved, sentence = gap.checked(finished(quick(problem="circles")), first_of("gap")[1])
    assert (solved, sentence) == (False, "This is another problem: start the challenge again.")


def test_a_network_that_diverged_is_no_answer() -> None:
    assert tried("gap", techniques=on(l2={"strength": 1e7})) == (False, "Training diverged.")


def test_a_gap_that_is_closed_by_learning_nothing_is_no_answer() -> None:
    solved, sentence = tried("gap", techniques=on(l2={"strength": 1000.0}))
    assert not solved
    assert "But the same answer for every row has 0.69" in sentence


def test_all_columns_dropped_is_no_answer() -> None:
    solved, sentence = tried("irrelevant", techniques=on(l1={"strength": 100.0}), max_epochs=40)
    assert (solved, sentence) == (
        False, "It reads 0 of the two columns that matter, and 0 of the forty others.",
    )  # fmt: skip


def test_without_dropout_is_no_answer() -> None:
    dropout = BY_NAME["dropout"]
    run = finished(read({"techniques": {"dropout": {"on": False}}, "hidden": [8]}, None, begun(dropout)))
    found = dropout.checked(run, standing(run))
    assert found == (False, "Dropout has to stay on, at 0.5 or more.")


def test_early_stopping_with_help_is_no_answer() -> None:
    techniques = on(early_stopping={"patience": 20}, l2={"strength": 1.0})
    assert tried("in-time", techniques=techniques) == (
        False, "Early stopping alone, please: switch it on, and the others off.",
    )  # fmt: skip


def test_stopping_too_soon_is_no_answer() -> None:
    solved, sentence = tried("in-time", techniques=on(early_stopping={"patience": 1}), learning_rate=1e-5)
    assert not solved
    assert sentence.startswith("Epoch ")


def test_the_line_itself_does_not_beat_the_line() -> None:
    run = finished(read({"max_epochs": 5}, None, begun(BY_NAME["line"])))
    found = BY_NAME["line"].checked(run, standing(run))
    assert found == (False, "This is the linear model: give the network a hidden layer.")


@pytest.mark.parametrize(
    "cheat", [{"random_state": 5}, {"n_rows": 2000}, {"noise": 0.0}, {"held_out": 0.1}], ids=str
)
@pytest.mark.parametrize("name", ["gap", "smooth", "in-time"])
def test_other_rows_are_no_answer(name: str, cheat: dict[str, Any]) -> None:
    one = BY_NAME[name]
    run = finished(read(cheat | {"max_epochs": 5}, None, begun(one)))
    solved, sentence = one.checked(run, standing(run))
    assert (solved, sentence) == (False, "These are other rows than the challenge's: start it again.")


def test_dropout_for_the_last_epochs_alone_is_no_answer() -> None:
    one = BY_NAME["dropout"]
    begin = read({"techniques": {"dropout": {"on": False}}}, None, begun(one))
    run = run_of(begin)
    run.train(Control(), 38)
    run.change(begun(one))
    run.train(Control())
    assert one.checked(run, standing(run)).sentence.startswith("Settings were changed on the way")
