from __future__ import annotations

import io

import pytest
from rich.console import Console

from taut.cli import counting
from taut.cli.counting import CountingBar, text_of
from taut.cli.voice import Voice
from taut.learning.progress import TrainingProgress


def at(done: int, total: int = 255, left: float | None = 12.0, doing: str = "training") -> TrainingProgress:
    return TrainingProgress(done, total, 3.0, left, doing)  # type: ignore[arg-type]


def test_the_text_says_how_far() -> None:
    assert text_of(at(12), "networks") == "12 of 255 networks, 12 s left"
    assert text_of(at(0, left=None), "networks") == "0 of 255 networks"
    assert text_of(at(300, 300, 0.0), "epochs") == "300 of 300 epochs"
    assert text_of(at(0, 0, None, "looking for the top"), "networks") == "looking for the top"


def test_without_a_terminal_there_is_a_plain_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: clock[0])
    with CountingBar(Voice(), "networks") as bar:
        bar.update(at(0, 0, None, "looking for the top"))
        for second, done in enumerate(range(1, 10)):
            clock[0] = 100.0 + second
            bar.update(at(done))
        bar.update(at(255, left=0.0))
    assert capsys.readouterr().err == (
        "3 of 255 networks, 12 s left\n8 of 255 networks, 12 s left\n255 of 255 networks\n"
    )


def test_on_a_terminal_one_line_is_drawn_again_and_taken_away() -> None:
    voice, out = Voice(), io.StringIO()
    voice.console = Console(file=out, force_terminal=True, width=120, highlight=False)
    with CountingBar(voice, "networks") as bar:
        bar.update(at(0, 0, None, "looking for the top"))
        bar.update(at(12))
        assert bar._live is not None
        bar._live.refresh()
        assert bar._live.tasks[0].total == 255
        assert bar._live.tasks[0].completed == 12
    assert "12 of 255 networks, 12 s left" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")
