"""`rasr serve`: the server."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasr.cli.config_options import advice, config_option, model_option
from rasr.cli.standard_streams import tell

if TYPE_CHECKING:
    from rasr.configuration import Configuration

# Nothing heavier is imported here: the first line is to appear at once.


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1.")
@click.option("--port", metavar="NUMBER", help="Port; 0 for any free one. Default: 8765.")
@model_option
@config_option
@click.option("--log-level", metavar="LEVEL", help="debug, info (default), warning or error.")
@click.option(
    "--tls-cert", metavar="FILE", help="Certificate (PEM): the server speaks https and wss alone."
)
@click.option("--tls-key", metavar="FILE", help="The certificate's private key (PEM).")
@click.option(
    "--log-format", metavar="FORMAT", help="people (default), or json for programs that read logs."
)
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
    tls_cert: str | None,
    tls_key: str | None,
    log_format: str | None,
    no_auth: bool,
) -> None:
    """Run the server.

    When it is ready to recognise, standard output tells the address to open in a browser, a page to
    speak into, and the address for clients. Logs go to standard error. Ctrl-C or SIGTERM stops the
    server: open sessions get their last results first.

    English is served by the default model that `make setup` fetches, or by PocketSphinx without it,
    and every other language by the best model that is installed, unless --model or the settings say
    otherwise. Whisper models serve only where they are named. `rasr config` shows what serves what,
    `rasr setup` brings more languages. A model that is not installed is fetched if you agree.

    \b
      rasr serve
      rasr serve --model chinese=x-asr-480ms --model moonshine-tiny-en
    """
    _end_by_sigterm_as_process_1()
    if _is_for_people(
        log_format or os.environ.get("RASR_SERVER__LOG_FORMAT"),
        log_level or os.environ.get("RASR_SERVER__LOG_LEVEL"),
    ):
        tell("Loading …", sys.stderr)
    from rasr.cli.bring import offered_configuration

    configured = offered_configuration(
        config,
        {
            "server.host": host,
            "server.port": port,
            "server.log_level": log_level,
            "server.tls_cert": tls_cert,
            "server.tls_key": tls_key,
            "server.log_format": log_format,
            "auth.kind": "none" if no_auth else None,
        },
        model,
    )
    server = configured.settings.server
    if _is_for_people(server.log_format, server.log_level):
        tell(_what_is_loaded(configured), sys.stderr)
    try:
        _serve(configured)
    except (MemoryError, RuntimeError) as error:
        # Python has no error of its own for a thread that finds no memory.
        if isinstance(error, RuntimeError) and str(error) != "can't start new thread":
            raise
        raise click.ClickException(
            "there is not enough memory to start; a smaller model takes less (`rasr models list`)"
        ) from error


def _end_by_sigterm_as_process_1() -> None:
    """The kernel keeps SIGTERM from process 1 of a container that has no handler for it; the server
    has one once it is imported."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


def _is_for_people(log_format: str | None, log_level: str | None) -> bool:
    """Whether lines on standard error that are no log are welcome there.

    Args:
        log_format: None where it is not known yet; so is the level.
    """
    return log_format != "json" and log_level not in ("warning", "error")


def _what_is_loaded(configured: Configuration) -> str:
    from rasr.settings import served_engines

    return f"Loading {', '.join(served_engines(configured.settings.properties))} …"


def _serve(configured: Configuration) -> None:
    import structlog

    from rasr import logs
    from rasr.server.errors import StartError
    from rasr.server.serve import serve as run_server
    from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand

    server = configured.settings.server
    logs.set_up(server.log_level, sys.stderr, server.log_format)

    def ready(message: str) -> None:
        tell(message)
        better = advice(configured)
        if better is not None:
            tell(f"{better}.")
        structlog.get_logger("rasr.cli").info("server_ready")

    try:
        store = StoreOnDemand(configured.settings.store, os.environ)
        run_server(configured.settings, ready, DirectoryOnDemand(store), store)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    finally:
        logs.flush()
