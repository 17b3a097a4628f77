"""The flags that several commands share, and the configuration that comes of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from rasr.configuration import Configuration, ConfigurationError, load

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """`--config FILE`, handed on as `config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in TOML; `rasr config` shows them all. Default: what RASR_CONFIG names.",
    )(command)


def configuration(
    config: Path | None, flags: Mapping[str, str | bool | None] | None = None
) -> Configuration:
    """The configuration of this process.

    Args:
        flags: dotted key → what was typed; None where the flag was not given.

    Raises:
        click.ClickException: with every mistake, one line each.
    """
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    try:
        return load(config, os.environ, given)
    except ConfigurationError as error:
        lines = "\n".join(f"  {mistake}" for mistake in error.mistakes)
        raise click.ClickException(f"the settings cannot be used:\n{lines}") from error
