"""A server to talk to: the one at `--url`, or one started for as long as the command runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasr import logs
from rasr.cli.bring import offer_language, offered_configuration
from rasr.cli.screen import console
from rasr.client import ClientError
from rasr.settings import Settings
from rasr.wire.sis.properties import Property

if TYPE_CHECKING:
    from rasr.server.service import Service

_STREAMS_PER_WORKER = 2
"""One segment is finished while the next one begins. More take seconds to load, for nothing."""


@asynccontextmanager
async def server_at(
    url: str | None, config: Path | None, models: Sequence[str], wanted: Property
) -> AsyncIterator[str]:
    """The URL of a server that recognises: `url`, or that of a server started here.

    Args:
        models: what `--model` was given.
        wanted: what it will be asked for: a server started here loads nothing else.

    Raises:
        click.ClickException: the settings are wrong, or it does not start.
    """
    if url is None:
        configured = offered_configuration(config, models=models)
        configured = offer_language(configured, wanted.language, config, models)
        async with own_server(configured.settings, wanted) as service:
            yield service.url
        return
    for option, given in (("--config", config), ("--model", models)):
        if given:
            raise click.UsageError(
                f"{option} is for a server that is started for this command; the one at --url has "
                f"settings of its own: leave out {option}, or --url"
            )
    yield url


@asynccontextmanager
async def own_server(settings: Settings, *wanted: Property) -> AsyncIterator[Service]:
    """A server that is started here, for one command, and loads only what is `wanted`.

    Raises:
        click.ClickException: it does not start.
    """
    settings = private(settings, *wanted)
    from rasr.server.errors import StartError
    from rasr.server.service import Service

    logs.set_up(settings.server.log_level, sys.stderr, settings.server.log_format)
    async with AsyncExitStack() as stack:
        try:
            with console(stderr=True).status("Loading the speech model …"):
                service = await stack.enter_async_context(Service(settings))
        except StartError as error:
            raise click.ClickException(str(error)) from error
        yield service


def private(settings: Settings, *wanted: Property) -> Settings:
    """`settings` for a server that serves one command, and so one recognition at a time."""
    serving = {
        key: engine
        for key, engine in settings.properties.items()
        if any(f"{one.name}_".startswith(f"{key}_") for one in wanted)
    }
    server = settings.server.model_copy(
        update={"host": "127.0.0.1", "port": 0, "log_level": "error", "drain_s": 0.0}
    )
    # Nobody else comes, so nobody has to be refused.
    capacity = settings.capacity.model_copy(update={"max_load": 0.0})
    decoding = settings.decoding.model_copy(
        update={"streams_per_worker": settings.decoding.streams_per_worker or _STREAMS_PER_WORKER}
    )
    return settings.model_copy(
        update={
            "server": server,
            "decoding": decoding,
            "capacity": capacity,
            # With nothing that serves it, all of them: the refusal then says what is served.
            "properties": serving or settings.properties,
        }
    )


def run(command: Coroutine[Any, Any, None], explained: Callable[[ClientError], str] = str) -> None:
    """Run a command to its end.

    Args:
        explained: what a person is told of an error of the server.

    Raises:
        click.ClickException: the server or the audio failed; with one sentence.
    """
    from rasr.audio import AudioFileError

    try:
        asyncio.run(command)
    except ClientError as error:
        raise click.ClickException(explained(error)) from error
    except AudioFileError as error:
        raise click.ClickException(str(error)) from error
