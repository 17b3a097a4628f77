"""A server to talk to: the one at `--url`, or one started for as long as the command runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rasr import logs
from rasr.cli.config_options import configuration
from rasr.cli.screen import console
from rasr.client import ClientError
from rasr.settings import Settings
from rasr.wire.sis.properties import Property

if TYPE_CHECKING:
    from rasr.server.service import Service

_STREAMS_PER_WORKER = 2
"""One segment is finished while the next one begins. More take seconds to load, for nothing."""

Command = TypeVar("Command", bound=Callable[..., Any])


def url_option(command: Command) -> Command:
    """Give a command the option `--url URL`, handed on as `url`."""
    return click.option(
        "--url",
        metavar="URL",
        help="Server to use, such as ws://127.0.0.1:8765. Without it one is started for as long "
        "as the command runs.",
    )(command)


def captions_address(url: str, channel: str) -> str:
    """The address of the page that shows the captions of `channel`, on the server at `url`."""
    scheme, _, rest = url.partition("://")
    host = rest.split("/")[0]
    return f"{'https' if scheme in ('wss', 'https') else 'http'}://{host}/captions/{channel}"


@asynccontextmanager
async def server_at(url: str | None, config: Path | None, *wanted: Property) -> AsyncIterator[str]:
    """The URL of a server that recognises: `url`, or that of a server started here.

    Args:
        wanted: what it will be asked for: a server started here loads nothing else.

    Raises:
        click.ClickException: the settings are wrong, or it does not start.
    """
    if url is None:
        async with own_server(configuration(config).settings, *wanted) as service:
            yield service.url
        return
    if config is not None:
        raise click.UsageError("--config is for a server of our own: leave it out, or --url")
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


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end.

    Raises:
        click.ClickException: the server or the audio failed; with one sentence.
    """
    from rasr.audio import AudioFileError

    try:
        asyncio.run(command)
    except (ClientError, AudioFileError) as error:
        raise click.ClickException(str(error)) from error
