from __future__ import annotations

import math
import threading
import time

import pytest

from taut.learning import progress
from taut.learning.progress import Reporter, TrainingProgress, print_progress


def test_networks_are_counted_and_the_total_may_grow() -> None:
    seen: list[TrainingProgress] = []
    reporter = Reporter(seen.append)
    reporter.expect(3)
    reporter.on_done()
    reporter.expect(3)  # nothing new
    reporter.expect(4)
    reporter.on_done()
    assert [(one.done, one.total) for one in seen] == [(0, 3), (1, 3), (1, 4), (2, 4)]


def test_the_time_left_is_guessed_by_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    seen: list[TrainingProgress] = []
    reporter = Reporter(seen.append)
    reporter.expect(4)
    now = 106.0
    reporter.on_done()
    now = 108.0
    reporter.on_done()
    assert [one.seconds for one in seen] == [0.0, 6.0, 8.0]
    assert [one.seconds_left for one in seen] == [None, 18.0, 8.0]
    for _ in range(3):
        reporter.on_done()
    assert seen[-1].seconds_left == 0.0  # more than were expected


@pytest.mark.fault(94)
def test_work_that_is_no_network_counts_in_the_time_and_a_limit_cuts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    seen: list[TrainingProgress] = []
    reporter = Reporter(seen.append, limit=30.0)
    reporter.expect(4, math.nan)
    now = 1.0
    reporter.on_done()
    assert seen[-1].seconds_left is None  # how much there is beyond the networks is not known yet
    reporter.expect(4, 4.0)
    reporter.worked(2.0)
    now = 5.0
    reporter.on_done()
    assert seen[-1].seconds_left == 5.0  # 4 of 8 are done, in 5 s
    reporter.expect(100, 4.0)
    assert seen[-1].seconds_left == 25.0  # the limit ends it before


def test_one_call_at_a_time_whatever_the_threads() -> None:
    at_once, most, done = 0, 0, []

    def listen(one: TrainingProgress) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        done.append(one.done)
        at_once -= 1

    reporter = Reporter(listen)
    threads = [
        threading.Thread(target=lambda: [reporter.on_done() for _ in range(50)] and None) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert done == list(range(1, 201))


def test_without_a_callback_nothing_happens() -> None:
    reporter = Reporter(None)
    reporter.expect(1)
    reporter.on_done()


def test_lines_are_printed_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    tell = print_progress()
    tell(TrainingProgress(0, 9, 0.0, None))
    tell(TrainingProgress(1, 9, 1.0, 8.0))  # too soon
    now = 5.0
    tell(TrainingProgress(2, 9, 5.0, 17.6))
    tell(TrainingProgress(9, 9, 5.0, 0.0))  # all is done
    assert capsys.readouterr().err.splitlines() == [
        "taut: training 0 of 9 networks",
        "taut: training 2 of 9 networks, 18 s left",
        "taut: training 9 of 9 networks, 0 s left",
    ]


def test_each_step_is_counted_and_its_time_left_is_estimated() -> None:
    seen: list[TrainingProgress] = []
    reporter = Reporter(seen.append, time.monotonic() - 100)
    reporter.begin("looking for the top")
    reporter.begin("training", 4)
    for _ in range(4):
        time.sleep(0.01)
        reporter.on_done()
    assert [(one.doing, one.done, one.total) for one in seen] == [
        ("looking for the top", 0, 0), ("training", 0, 4), ("training", 1, 4), ("training", 2, 4),
        ("training", 3, 4), ("training", 4, 4),
    ]  # fmt: skip
    assert [one.seconds_left is None for one in seen] == [True, True, False, False, False, False]
    assert seen[-1].seconds_left == 0
    assert seen[2].seconds_left is not None
    assert 0 < seen[2].seconds_left < 50  # by the training alone, and not by what was before
    assert seen[-1].seconds >= 100


def test_a_step_without_a_callback() -> None:
    reporter = Reporter(None)
    reporter.begin("training", 2)
    reporter.on_done()


def test_the_noun_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    tell = print_progress("epochs")
    for done in range(5):
        tell(TrainingProgress(done, 4, 1.0, None if done == 0 else 4.0 - done))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["taut: training 0 of 4 epochs", "taut: training 4 of 4 epochs, 0 s left"]
