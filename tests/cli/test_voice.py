from __future__ import annotations

import io
import warnings

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from taut.cli.voice import Voice, in_sentences, one_line
from taut.errors import DataError, DataWarning


def test_an_error_is_a_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    @in_sentences
    def command() -> None:
        raise DataError("'a.csv' has\n  no rows.")

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 2
    assert capsys.readouterr() == ("", "error: 'a.csv' has no rows.\n")


def test_ctrl_c_is_a_word_and_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    @in_sentences
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted.\n"


def test_what_is_unexpected_stays_unexpected() -> None:
    @in_sentences
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    assert one_line(text).isprintable()
    if text.isprintable():
        assert one_line(text).split() == text.split()


def test_control_codes_are_shown_as_what_they_are() -> None:
    assert one_line("a\x1b[31mb\x07\nc\u202ed") == r"a\x1b[31mb\x07 c\u202ed"


def test_warnings_are_lines_and_each_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice()
    with voice.speaking():
        warnings.warn("column 'a': odd.", DataWarning, stacklevel=1)
        warnings.warn("column 'a': odd.", DataWarning, stacklevel=1)
        warnings.warn("from another library", UserWarning, stacklevel=1)
        voice.notes(["column 'a': odd.", "column 'b': a note."])
    assert capsys.readouterr().err == (
        "warning: column 'a': odd.\nwarning: from another library\nnote: column 'b': a note.\n"
    )
    assert voice.record == ["column 'a': odd.", "from another library", "column 'b': a note."]


def test_warnings_are_errors_again_afterwards() -> None:
    with Voice().speaking():
        pass
    with pytest.raises(DataWarning):
        warnings.warn("odd", DataWarning, stacklevel=1)


def test_very_many_notes_are_counted_and_all_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice()
    voice.notes([f"column 'c{i}': a note." for i in range(1500)])
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 13
    assert said[-1] == "note: and 1,488 more like these; a saved model has them all."
    assert len(voice.record) == 1500


def test_on_a_terminal_a_long_line_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    voice, out = Voice(), io.StringIO()
    monkeypatch.setattr(voice, "console", Console(file=out, width=20, force_terminal=True))
    voice.say("the same command continues from here")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "the same command",
        "continues from here",
    ]


def test_markup_and_long_lines_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    text = "column '[bold]x[/bold] :smile:': " + "word " * 60 + "end."
    Voice().warning(text)
    assert capsys.readouterr().err == f"warning: {text}\n"
