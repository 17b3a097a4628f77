"""`rasr serve`: the server."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import structlog

from rasr import logs
from rasr.cli.config_options import advice, config_option, model_option
from rasr.cli.standard_streams import tell
from rasr.configuration.layers import Configuration
from rasr.settings import ServerSettings

_DEFAULTS = ServerSettings()
_log = structlog.get_logger("rasr.cli")


@click.command()
@click.option("--host", metavar="ADDRESS", help=f"Address to listen on. Default: {_DEFAULTS.host}.")
@click.option(
    "--port", metavar="NUMBER", help=f"Port; 0 for any free one. Default: {_DEFAULTS.port}."
)
@model_option
@config_option
@click.option("--log-level", metavar="LEVEL", help="debug, info (default), warning or error.")
@click.option(
    "--no-auth",
    is_flag=True,
    help="Let anybody who can reach the server use it, also from other machines: "
    'auth.kind = "none".',
)
def serve(
    host: str | None,
    port: str | None,
    model: tuple[str, ...],
    config: Path | None,
    log_level: str | None,
    no_auth: bool,
) -> None:
    """Run the server.

    One line with its address appears on standard output when it is ready to recognise; logs go to
    standard error. In a browser that address, with http in place of ws, is a page to speak into.
    Ctrl-C or SIGTERM stops the server: open sessions get their last results first.

    English is served by the default model that `make setup` fetches, or by PocketSphinx without it,
    and every other language by the best model that is installed, unless --model or the settings say
    otherwise. Whisper models serve only where they are named. `rasr config` shows what serves what,
    `rasr setup` brings more languages. A model that is not installed is fetched if you agree.

    \b
      rasr serve
      rasr serve --model chinese=x-asr-480ms --model moonshine-tiny-en
    """
    # Here, because it takes a while.
    from rasr.cli.bring import offered_configuration

    configured = offered_configuration(
        config,
        {
            "server.host": host,
            "server.port": port,
            "server.log_level": log_level,
            "auth.kind": "none" if no_auth else None,
        },
        model,
    )
    try:
        _serve(configured)
    except (MemoryError, RuntimeError) as error:
        # Python has no error of its own for a thread that finds no memory.
        if isinstance(error, RuntimeError) and str(error) != "can't start new thread":
            raise
        raise click.ClickException(
            "there is not enough memory to start; a smaller model takes less (`rasr models list`)"
        ) from error


def _ready(line: str) -> None:
    tell(line)
    _log.info("server_ready")


def _serve(configured: Configuration) -> None:
    settings = configured.settings
    from rasr.server.errors import StartError
    from rasr.server.serve import serve as run_server

    logs.set_up(settings.server.log_level, sys.stderr)
    missing = advice(configured)
    if missing is not None:
        _log.warning("default_model_missing", advice=missing)
    try:
        run_server(settings, on_ready=_ready)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    finally:
        logs.flush()
