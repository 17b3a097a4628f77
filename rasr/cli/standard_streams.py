"""Standard input, output and error of the process, where whoever started it has closed them."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click


def keep_them_open() -> None:
    """Open the descriptors 0, 1 and 2 where they are closed.

    The next file or socket would get such a number, and libraries write to these, or refuse to
    close them.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def tell(text: str, to: TextIO | None = None) -> None:
    """Print text for a person. A server goes on when nobody reads it.

    Args:
        to: a standard stream; None for standard output.
    """
    stream = to or sys.stdout
    try:
        click.echo(text, file=stream)
    except OSError:
        give_up_output(stream)


def give_up_output(stream: TextIO | None = None) -> None:
    """Let what could not be written go: Python would try again when the process ends, and fail.

    Args:
        stream: a standard stream; None for standard output.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (stream or sys.stdout).fileno())
    os.close(nowhere)
