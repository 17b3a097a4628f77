"""Files that commands write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC

import click


@contextmanager
def writing(what: object) -> Iterator[None]:
    """What goes wrong with a file is one message, not a traceback. That the disk is full is told
    by the program itself, for whatever it writes.

    Raises:
        click.ClickException: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno == ENOSPC:
            raise
        raise click.ClickException(f"{what} cannot be written: {error.strerror}") from error
