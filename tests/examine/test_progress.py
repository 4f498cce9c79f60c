"""How far the trainings are."""

from __future__ import annotations

import math
import threading

import pytest

from taut.examine import progress
from taut.examine.progress import ExamineNews, ExamineProgress, print_progress


def test_networks_are_counted_and_the_total_may_grow() -> None:
    seen: list[ExamineProgress] = []
    news = ExamineNews(seen.append)
    news.expect(3)
    news.on_done()
    news.expect(3)  # nothing new
    news.expect(4)
    news.on_done()
    assert [(one.done, one.total) for one in seen] == [(0, 3), (1, 3), (1, 4), (2, 4)]


def test_the_time_left_is_guessed_by_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    seen: list[ExamineProgress] = []
    news = ExamineNews(seen.append)
    news.expect(4)
    now = 106.0
    news.on_done()
    now = 108.0
    news.on_done()
    assert [one.seconds for one in seen] == [0.0, 6.0, 8.0]
    assert [one.seconds_left for one in seen] == [None, 18.0, 8.0]
    for _ in range(3):
        news.on_done()
    assert seen[-1].seconds_left == 0.0  # more than were expected


@pytest.mark.fault(94)
def test_work_that_is_no_network_counts_in_the_time_and_a_limit_cuts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    seen: list[ExamineProgress] = []
    news = ExamineNews(seen.append, limit=30.0)
    news.expect(4, math.nan)
    now = 1.0
    news.on_done()
    assert seen[-1].seconds_left is None  # how much there is beyond the networks is not known yet
    news.expect(4, 4.0)
    news.worked(2.0)
    now = 5.0
    news.on_done()
    assert seen[-1].seconds_left == 5.0  # 4 of 8 are done, in 5 s
    news.expect(100, 4.0)
    assert seen[-1].seconds_left == 25.0  # the limit ends it before


def test_one_call_at_a_time_whatever_the_threads() -> None:
    at_once, most, done = 0, 0, []

    def listen(one: ExamineProgress) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        done.append(one.done)
        at_once -= 1

    news = ExamineNews(listen)
    threads = [
        threading.Thread(target=lambda: [news.on_done() for _ in range(50)] and None) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert done == list(range(1, 201))


def test_without_a_callback_nothing_happens() -> None:
    news = ExamineNews(None)
    news.expect(1)
    news.on_done()


def test_lines_are_printed_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    tell = print_progress()
    tell(ExamineProgress(0, 9, 0.0, None))
    tell(ExamineProgress(1, 9, 1.0, 8.0))  # too soon
    now = 5.0
    tell(ExamineProgress(2, 9, 5.0, 17.6))
    tell(ExamineProgress(9, 9, 5.0, 0.0))  # all is done
    assert capsys.readouterr().err.splitlines() == [
        "taut: trained 0 of 9 networks",
        "taut: trained 2 of 9 networks, 18 s left",
        "taut: trained 9 of 9 networks, 0 s left",
    ]
