"""`--config` and `--model`, which several commands share, and the configuration they make.

What is needed to make one is imported where it is made: the options alone cost no time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rasr.configuration import Configuration
    from rasr.models.catalogue import Model
    from rasr.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


class ModelsAreMissing(click.ClickException):
    """Nothing is wrong but that models which are to serve are not installed."""

    def __init__(self, message: str, models: Sequence[Model]) -> None:
        super().__init__(message)
        self.models = tuple(models)


def config_option(command: Command) -> Command:
    """Give a command the option `--config FILE`, handed on as `config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in TOML; `rasr config` shows them all. Default: what RASR_CONFIG names, "
        "else ~/.config/rasr/rasr.toml.",
    )(command)


def model_option(command: Command) -> Command:
    """Give a command the repeatable option `--model NAME`, handed on as `model`."""
    return click.option(
        "--model",
        multiple=True,
        metavar="[LANGUAGE=]NAME",
        help="Serve an installed model (`rasr models list`), or the one in the folder of this "
        "path, for its languages or for those named. Repeat for several; the first one wins.",
    )(command)


def configuration(
    config: Path | None,
    flags: Mapping[str, str | None] | None = None,
    models: Sequence[str] = (),
    bundled: Sequence[str] = (),
) -> Configuration:
    """The configuration of this process, with the models that serve in it.

    Args:
        flags: dotted key → what was typed; None where the flag was not given.
        models: what `--model` was given.
        bundled: languages that a bundled model serves where nothing else does.

    Raises:
        ModelsAreMissing: models have to be fetched first; nothing else is wrong.
        click.ClickException: with every mistake, one line each.
    """
    from rasr.models.serving import with_bundled, with_models
    from rasr.models.store import open_store

    with _mistakes_as_one_error():
        loaded = _load(config, flags)
        store = open_store(loaded.settings.models.folder, os.environ)
        served = with_models(loaded, models, store)
        for language in bundled:
            served = with_bundled(served, language, store)
        return served


def advice(configuration: Configuration) -> str | None:
    """One sentence on a model that would serve better than what does by default; None for none."""
    from rasr.models.serving import english_advice
    from rasr.models.store import open_store

    store = open_store(configuration.settings.models.folder, os.environ)
    return english_advice(configuration, store)


def settings_only(config: Path | None, flags: Mapping[str, str | None] | None = None) -> Settings:
    """The settings as the file, the environment and flags have them; installed models are ignored.

    For commands that are about to change the models.

    Raises:
        click.ClickException: with every mistake, one line each.
    """
    with _mistakes_as_one_error():
        return _load(config, flags).settings


def _load(config: Path | None, flags: Mapping[str, str | None] | None) -> Configuration:
    from rasr.configuration import load

    given = {key: value for key, value in (flags or {}).items() if value is not None}
    return load(config, os.environ, given)


@contextmanager
def _mistakes_as_one_error() -> Iterator[None]:
    from rasr.configuration import ConfigurationError
    from rasr.models.errors import ModelError
    from rasr.models.serving import ModelsMissing

    try:
        yield
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    except ConfigurationError as error:
        lines = "\n".join(f"  {mistake}" for mistake in error.mistakes)
        text = f"the settings cannot be used:\n{lines}"
        if isinstance(error, ModelsMissing):
            raise ModelsAreMissing(text, error.models) from error
        raise click.ClickException(text) from error
