"""`rasr mic`: what is said into a microphone, as text."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from rasr.audio import CompressedFormat
from rasr.cli.addresses import captions_address, url_option
from rasr.cli.config_options import config_option, model_option
from rasr.cli.credentials import Credentials, credential_options
from rasr.cli.line_remarks import line_remarks
from rasr.cli.microphone import Microphone, MicrophoneError, list_devices
from rasr.cli.result_printer import ResultPrinter
from rasr.cli.screen import Screen
from rasr.cli.server import run, server_at
from rasr.cli.start_options import MODES, start_config, start_options
from rasr.client import Mode, Options, Pace, StartConfig, connect, stream_recording


@click.command()
@url_option
@credential_options
@model_option
@config_option
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in MODES]),
    default=Mode.CONTINUE.value,
    help="continue (default): until Ctrl-C. sentence: one sentence. short: up to 60 s as one text.",
)
@click.option("--device", metavar="DEVICE", help="Number or part of the name of a device.")
@click.option("--list-devices", "listing", is_flag=True, help="Show the devices and stop.")
@start_options
def mic(
    url: str | None,
    credentials: Credentials,
    model: tuple[str, ...],
    config: Path | None,
    mode: str,
    device: str | None,
    listing: bool,
    **start: Any,
) -> None:
    """Turn what you say into text while you say it.

    Speak English, or name another language with --property; `rasr setup` shows which there are and
    fetches what they need. Ctrl-C stops; what was said until then is still recognised.

    \b
      rasr mic --add-punc
      rasr mic --property chinese_16k_common
    """
    try:
        if listing:
            click.echo(list_devices())
            return
        start_message = start_config(Mode(mode), start)
        if start["interim_results"] is None:
            start_message = replace(start_message, interim_results=True)
        command = _mic(Mode(mode), start_message, device, url, credentials, model, config)
        run(command, credentials.explained)
    except MicrophoneError as error:
        raise click.ClickException(str(error)) from error


async def _mic(
    mode: Mode,
    start: StartConfig,
    device: str | None,
    url: str | None,
    credentials: Credentials,
    models: Sequence[str],
    config: Path | None,
) -> None:
    audio_format = start.audio_format
    if isinstance(audio_format, CompressedFormat):
        raise click.UsageError(
            f"--audio-format {audio_format.name} is for files: a microphone gives raw sound"
        )
    # Before the server: its model takes seconds to load, and for nothing if this fails.
    with closing(Microphone(device, audio_format)) as microphone:
        options, screen = Options(start, mode, **credentials.options), Screen()
        async with (
            server_at(url, config, models, start.property) as server,
            connect(server, options, on_line=line_remarks(screen)) as session,
        ):
            with screen, _at_interrupt(microphone.stop):
                screen.remark("Speak. Ctrl-C stops.")
                if start.caption_channel is not None:
                    screen.remark(f"Captions: {captions_address(server, start.caption_channel)}")
                printer = ResultPrinter(screen, mode, start, lambda segment: segment.text)
                await stream_recording(session, microphone.chunks(), printer.show, pace=Pace.FAST)
        if microphone.lost_s:
            click.echo(
                f"Warning: the server was too slow, {microphone.lost_s:.1f} s were left out",
                err=True,
            )
    if printer.failure is not None:
        raise click.ClickException(printer.failure)


@contextmanager
def _at_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C call `stop`; a second one interrupts as usual."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop()

    loop.add_signal_handler(signal.SIGINT, first)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
