"""Standard input, output and error of the process, where whoever started it has closed them."""

from __future__ import annotations

import os

import click
import structlog

_log = structlog.get_logger("rasr.cli")


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


def tell(line: str) -> None:
    """Print a line for a person. A server goes on when nobody reads it."""
    try:
        click.echo(line)
    except OSError as error:
        _log.warning("standard_output_closed", error=str(error))
        # Else Python would try to write the line once more when the process ends, and fail.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
