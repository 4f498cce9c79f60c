from __future__ import annotations

import io
import math
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from taut.cli import progress
from taut.cli.progress import SearchProgress, duration, text_of
from taut.cli.voice import Voice
from taut.selection.progress import Progress


def at(
    done: int, total: int | None = 40, left: float | None = 12.0, *, folds: int = 31, **more: bool
) -> Progress:
    return Progress(done, total, folds, 0.05, 0.075, None, 3.0, left, **more)


def before(left: float | None, done: int = 0, total: int | None = 40) -> Progress:
    """Nothing has a loss yet."""
    return Progress(done, total, 0, math.nan, math.nan, None, 0.5, left)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0 s"), (0, "0 s"), (0.2, "1 s"), (59.1, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_the_text_says_how_far_and_how_good() -> None:
    assert text_of(at(12)) == "12 of 40 candidates, 31 folds, best loss 0.05 (early stopping alone 0.075)"
    assert text_of(at(1, None)).startswith("1 candidate, 31 folds, ")
    assert text_of(at(2, None, folds=1)).startswith("2 candidates, 1 fold, ")
    assert text_of(at(1)).startswith("1 of 40 candidates, ")
    assert text_of(at(40, finishing=True)).endswith("; making the chosen networks")
    assert text_of(before(None)) == "0 of 40 candidates, 0 folds"


def test_without_a_terminal_there_is_a_plain_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with SearchProgress(Voice()) as shown:
        shown.update(before(9.0))  # nothing to say yet
        for second, done in enumerate(range(2, 10)):
            clock[0] = 100.0 + second
            shown.update(at(done))
        shown.update(at(40, left=0.0, finishing=True))
    assert capsys.readouterr().err == (
        "2 of 40 candidates, 31 folds, best loss 0.05 (early stopping alone 0.075), 12 s left\n"
        "7 of 40 candidates, 31 folds, best loss 0.05 (early stopping alone 0.075), 12 s left\n"
        "40 of 40 candidates, 31 folds, best loss 0.05 (early stopping alone 0.075); making the chosen "
        "networks\n"
    )


@pytest.mark.parametrize(
    ("left", "said"), [(59.0, ""), (None, ""), (math.inf, ""), (61.0, "1 min 1 s"), (7500.0, "2 h 5 min")]
)
@pytest.mark.parametrize("live", [False, True])
def test_of_a_long_search_an_estimate_is_given_once_before_it_begins(
    left: float | None, said: str, live: bool
) -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=live, width=120, highlight=False)
    with SearchProgress(voice) as shown:
        shown.update(before(left))
        shown.update(before(left))
        shown.update(at(1, left=left))
    expected = f"about {said}, estimated from the first epoch\n"
    assert out.getvalue().count("estimated from the first epoch") == bool(said)
    assert (expected in out.getvalue()) == bool(said)


def test_an_estimate_comes_before_anything_is_done_or_not_at_all() -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, width=120, highlight=False)
    with SearchProgress(voice) as shown:
        shown.update(before(None))
        shown.update(at(2, left=500.0))
    assert "estimated" not in out.getvalue()


@pytest.mark.parametrize("total", [40, None])
def test_on_a_terminal_one_line_is_drawn_again_and_taken_away(total: int | None) -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=True, width=120, highlight=False)
    with SearchProgress(voice) as shown:
        shown.update(at(12, total))
        voice.warning("something")
        print("taut: compiling", file=sys.stderr)  # the engine does so; it must not tear the line
        shown.update(at(12, total, finishing=True))
        shown.update(before(None, 14, total))
    text = out.getvalue()
    assert "12 of 40 candidates" in text if total else "12 candidates" in text
    assert "warning: something\n" in text
    assert "taut: compiling\n" in text
    assert text.endswith("\x1b[2K")  # the line is gone


def test_a_terminal_that_cannot_draw_again_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("LINES", raising=False)  # with a height of its own a console keeps its width
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=True, width=120, highlight=False)
    with SearchProgress(voice) as shown:
        shown.update(at(12))
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().startswith("12 of 40, loss 0.05, ")  # 80 columns, whatever was asked for


@pytest.mark.fault(94)
@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_line_is_never_two(width: int) -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=True, width=width, highlight=False)
    with SearchProgress(voice) as shown:
        for done, left in ((2, 7199.0), (1203, 3599.0), (1999, None)):
            shown.update(replace(at(done, 2000, left=left), folds=12345, best=1234567.8, baseline=2345678.9))
            shown._live.refresh()
        shown.update(at(2000, 2000, finishing=True))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert max(map(len, re.split(r"[\r\n]+", text))) <= width
    # What wrapped would be gone back over each time, and not only when the line is taken away.
    assert out.getvalue().count("\x1b[1A") == 1
    assert "early stopping alone" in text


@pytest.mark.fault(94)
def test_at_80_columns_all_of_it_is_there() -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=True, width=80, highlight=False)
    with SearchProgress(voice) as shown:
        shown.update(at(12, 66, left=3590.0))
        shown._live.refresh()
    assert "12 of 66, loss 0.05, early stopping alone 0.075" in out.getvalue()
    assert "59 min 50 s left" in out.getvalue()
