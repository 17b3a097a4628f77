"""What moves and what stays, on terminals and on pipes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

import pytest

from rasr.cli.screen import Screen


class Output(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


Outputs = Callable[[], tuple[Output, Output]]


@pytest.fixture(params=[(True, True), (True, False), (False, True), (False, False)])
def outputs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Standard output and error, each a terminal or a file.

    They are put in place when called: before that pytest puts its own there.
    """

    def put() -> tuple[Output, Output]:
        out, err = (Output(terminal=terminal) for terminal in request.param)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setenv("TERM", "xterm")
        return out, err

    return put


def files(monkeypatch: pytest.MonkeyPatch) -> Output:
    out = Output(terminal=False)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", Output(terminal=False))
    return out


def lines(output: Output) -> list[str]:
    """What is left to see: of a line that was written over, only its last state."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Zac-z]", "", output.getvalue())
    return [line.rsplit("\r", 1)[-1] for line in plain.split("\n")]


def test_finals_are_lines_of_their_own_wherever_the_outputs_go(outputs: Outputs) -> None:
    out, err = outputs()
    with Screen(total_s=60) as screen:
        screen.partial("go")
        screen.partial("good mor")
        screen.final("good morning")
        screen.progress(5)
        screen.partial("and")
        screen.final("and good night")
    shown = lines(out) + (lines(err) if not out.isatty() else [])
    assert shown.count("good morning") == 1
    assert shown.count("and good night") == 1


def test_a_file_holds_the_finals_and_nothing_else(outputs: Outputs) -> None:
    out, err = outputs()
    with Screen(total_s=60) as screen:
        screen.partial("good mor")
        screen.remark("Warning: the sound is clipped")
        screen.progress(30)
        screen.final("good morning")
    if not out.isatty():
        assert out.getvalue() == "good morning\n"
    if not err.isatty():
        assert err.getvalue() == "Warning: the sound is clipped\n"


def test_a_long_final_is_not_cut(outputs: Outputs) -> None:
    out, _ = outputs()
    long = "word " * 100 + "end"
    with Screen() as screen:
        screen.final(long)
    assert long in lines(out)


def test_text_is_not_taken_for_markup(outputs: Outputs) -> None:
    out, _ = outputs()
    with Screen() as screen:
        screen.partial("[bold]")
        screen.final("[bold]loud[/bold] :smile:")
    assert "[bold]loud[/bold] :smile:" in lines(out)


def test_without_a_terminal_partials_are_lines_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = files(monkeypatch)
    with Screen(echo_partials=True) as screen:
        screen.partial("good mor")
        screen.final("good morning")
    with Screen() as screen:
        screen.partial("quiet")
    assert out.getvalue() == "… good mor\ngood morning\n"


def test_forced_colours_do_not_make_a_pipe_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = files(monkeypatch)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Screen(total_s=60) as screen:
        screen.partial("good mor")
        screen.final("good morning")
    assert out.getvalue() == "good morning\n"
