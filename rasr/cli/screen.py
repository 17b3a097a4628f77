"""What moves on a terminal: the partial text in its place, and a progress bar below it.

Owns the terminal while a recording runs. On a pipe nothing moves: finals are lines on standard
output, remarks are lines on standard error. Never decides what to say.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text


class Screen:
    """Text as it comes."""

    def __init__(self, *, total_s: float | None = None, echo_partials: bool = False) -> None:
        """
        Args:
            total_s: length of the recording, for a progress bar; None for none.
            echo_partials: where nothing can move, give each partial a line of its own.
        """
        self._echo_partials = echo_partials
        self._partial = Text(style="dim")
        self._total_s = total_s
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        self._task = self._progress.add_task("", total=total_s, visible=total_s is not None)
        self._done_s = 0.0
        self._live = _live(self._partial, self._progress)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.partial("")
        if self._live is not None:
            self._live.stop()

    def partial(self, text: str) -> None:
        """What is known of the sentence being spoken; the next partial or final takes its place."""
        self._partial.plain = text
        if self._live is None and self._echo_partials and text:
            click.echo(f"… {text}")

    def final(self, line: str) -> None:
        """A line that stays."""
        self.partial("")
        click.echo(line)

    def remark(self, line: str) -> None:
        """A line that stays and is not part of the text."""
        click.echo(line, err=True)

    def progress(self, done_s: float) -> None:
        """So much of the recording is done; it never goes back."""
        if self._total_s is not None and done_s > self._done_s:
            self._done_s = min(done_s, self._total_s)
            self._progress.update(self._task, completed=self._done_s)


def _live(partial: Text, progress: Progress) -> Live | None:
    """The moving part, on whichever of the two outputs is a terminal."""
    console = next((one for one in (Console(), Console(stderr=True)) if one.is_terminal), None)
    if console is None:
        return None
    return Live(
        Group(partial, progress),
        console=console,
        transient=True,
        # What goes to a terminal is to appear above the moving part; what goes to a file is not
        # to be caught on its way.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=sys.stderr.isatty(),
    )
