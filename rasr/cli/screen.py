"""What a terminal shows: rows in columns, and what moves: the partial text in its place, and a
progress bar below it.

`Screen` owns the terminal while a recording runs. On a pipe nothing moves: finals are lines on
standard output, remarks are lines on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeElapsedColumn
from rich.text import Text


def console(*, stderr: bool = False) -> Console:
    """Standard output or error. Nothing moves on a pipe, even if FORCE_COLOR is set."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, force_terminal=stream.isatty())


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with their columns below each other; the last one is as long as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  ".join([*cells, row[-1]])


class Screen:
    """Shows text as it comes. A context, at whose end nothing that moves is left."""

    def __init__(self, *, total_s: float | None = None, echo_partials: bool = False) -> None:
        """
        Args:
            total_s: length of the recording, for a progress bar; None for none.
            echo_partials: where nothing can move, give each partial a line of its own.
        """
        self._echo_partials = echo_partials
        self._total_s = total_s
        self._done_s = 0.0
        self._partial = Text(style="dim")
        self._progress = Progress(BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._task = self._progress.add_task("", total=total_s)
        moving = Group(self._partial, *([self._progress] if total_s is not None else []))
        self._out, self._err = console(), console(stderr=True)
        self._live: Live | None = None
        terminal = next((one for one in (self._out, self._err) if one.is_terminal), None)
        if terminal is not None:
            self._live = Live(
                moving,
                console=terminal,
                transient=True,
                # All that is written goes through this object.
                redirect_stdout=False,
                redirect_stderr=False,
            )

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
        self._stay(line, self._out)

    def remark(self, line: str) -> None:
        """A line that stays and is not part of the text."""
        self._stay(line, self._err)

    def progress(self, done_s: float) -> None:
        """So much of the recording is done; it never goes back."""
        if self._total_s is not None and done_s > self._done_s:
            self._done_s = min(done_s, self._total_s)
            self._progress.update(self._task, completed=self._done_s)

    def _stay(self, line: str, output: Console) -> None:
        if self._live is not None and output.is_terminal:
            # Above what moves, whichever of the two outputs that is on: the terminal is one.
            self._live.console.print(Text(line), soft_wrap=True)
        else:
            click.echo(line, err=output.stderr)
