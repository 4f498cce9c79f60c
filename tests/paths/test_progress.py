from __future__ import annotations

import time

import pytest

from taut.paths.progress import News, PathProgress, print_progress


def test_what_is_done_is_counted_and_the_time_left_is_guessed() -> None:
    told: list[PathProgress] = []
    news = News(time.monotonic() - 100, told.append)
    news.begin("looking for the top")
    news.begin("training", 4)
    for _ in range(4):
        time.sleep(0.01)
        news.on_done()
    assert [(one.doing, one.done, one.total) for one in told] == [
        ("looking for the top", 0, 0), ("training", 0, 4), ("training", 1, 4), ("training", 2, 4),
        ("training", 3, 4), ("training", 4, 4),
    ]  # fmt: skip
    assert [one.seconds_left is None for one in told] == [True, True, False, False, False, False]
    assert told[-1].seconds_left == 0
    assert told[2].seconds_left is not None
    assert 0 < told[2].seconds_left < 50  # by the training alone, and not by what was before
    assert told[-1].seconds >= 100


def test_nobody_need_listen() -> None:
    news = News(time.monotonic(), None)
    news.begin("training", 2)
    news.on_done()


def test_a_line_now_and_then_and_one_when_all_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    tell = print_progress()
    for done in range(5):
        tell(PathProgress("training", done, 4, 1.0, None if done == 0 else 4.0 - done))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["taut: training 0 of 4", "taut: training 4 of 4, 0 s left"]
