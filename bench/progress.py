"""How far a measurement has come: a bar on a terminal, a plain line now and then elsewhere.

All of it goes to standard error, so that standard output is the report alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_LINE_S = 15.0
"""Between two plain lines of one step."""


class Tracker(Protocol):
    def step(self, what: str, total: float) -> None:
        """A step begins; `total` is in any unit, such as seconds or recordings."""

    def at(self, done: float) -> None:
        """So much of the step is done."""

    def say(self, line: str) -> None:
        """A line that stays."""


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def step(self, what: str, total: float) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total)

    def at(self, done: float) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._what = ""
        self._total = 1.0
        self._said_s = 0.0

    def step(self, what: str, total: float) -> None:
        self._what, self._total, self._said_s = what, total, time.monotonic()
        self.say(what)

    def at(self, done: float) -> None:
        if time.monotonic() - self._said_s >= _LINE_S:
            self._said_s = time.monotonic()
            self.say(f"{self._what}: {min(done / self._total, 1.0):.0%}")

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Tracker]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
