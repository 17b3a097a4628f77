"""What commands that fetch models share: a fetch with its progress, plain errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from rasr.cli.ending import ended_by_sigterm
from rasr.cli.screen import console
from rasr.models.catalogue import Mirrors, Model
from rasr.models.errors import ModelError
from rasr.models.store import Store


def in_megabytes(size: int | None) -> str:
    """Bytes for a person."""
    return "unknown" if size is None else f"{size / 1e6:.0f} MB"


@contextmanager
def plain_errors() -> Iterator[None]:
    """What goes wrong with a model is one message, not a traceback."""
    try:
        yield
    except ModelError as error:
        raise click.ClickException(str(error)) from error


def fetch(store: Store, model: Model, mirrors: Mirrors, by_hand: Sequence[Path] = ()) -> None:
    """Install a model, and say how far it is and where it is then.

    Args:
        by_hand: as of `rasr.models.install.install`.

    Raises:
        ModelError: it cannot be fetched.
    """
    from rasr.models.install import install

    with ended_by_sigterm(), _ProgressBar() as bar:
        folder = install(store, model, bar, mirrors=mirrors, by_hand=by_hand)
    click.echo(f"{model.name} is installed in {folder}")


class _ProgressBar:
    """A progress bar on standard error; on a pipe, a line for each stage."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> _ProgressBar:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        # One that was not started would say so with an empty line.
        if self._console.is_terminal:
            self._progress.stop()

    def stage(self, name: str) -> None:
        """A stage begins."""
        if not self._console.is_terminal:
            click.echo(f"{name} …", err=True)
        elif self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=None)

    def progress(self, done: int, total: int | None) -> None:
        """So many bytes of the stage are done."""
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total)
