"""`rasr demo`: recordings through a server of its own, at the speed of speech, watched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import click

from rasr.audio.formats import FORMATS
from rasr.cli.config_options import config_option
from rasr.cli.demo_metrics import DemoMetrics, Reference, in_seconds
from rasr.cli.formats import clock
from rasr.cli.result_printer import ResultPrinter
from rasr.cli.screen import Screen
from rasr.cli.server import run, server_at
from rasr.client import (
    Mode,
    Options,
    Pace,
    Result,
    Segment,
    ServerMessage,
    StartConfig,
    chunks_of_file,
    connect,
    stream_recording,
)
from rasr.wire.sis.properties import Property


@dataclass(frozen=True, slots=True)
class Part:
    """A recording of the demo, and what is known about it."""

    language: str
    """As SIS properties begin: "english", "chinese"."""
    recording: Path
    reference: Reference

    @property
    def start(self) -> StartConfig:
        """START's `config` for it."""
        wanted = Property.parse(f"{self.language}_16k_common")
        assert wanted is not None
        return StartConfig(
            FORMATS["pcm16k16bit"],
            wanted,
            interim_results=True,
            need_word_info=True,
            # The words are counted as they are said.
            digit_norm=False,
        )


_RECORDINGS = {"english": "demo", "chinese": "demo-zh"}


@click.command()
@config_option
def demo(config: Path | None) -> None:
    """Watch a server recognise two recordings that come with it: English, then Mandarin.

    A server starts on a free port, the recordings are streamed to it at the speed of speech, and
    the text appears while it is being spoken. After each come its numbers; then the server stops.
    Mandarin is heard by the model that serves it, or else by the small one in the package, which
    knows synthetic voices only.
    """
    with ExitStack() as files_in_use:
        run(show([_part(language, files_in_use) for language in _RECORDINGS], config))


def _part(language: str, files_in_use: ExitStack) -> Part:
    data = files("rasr") / "data"
    name = _RECORDINGS[language]
    recording = files_in_use.enter_context(as_file(data / f"{name}.flac"))
    return Part(language, recording, Reference.parse((data / f"{name}.json").read_text("utf-8")))


async def show(parts: Sequence[Part], config: Path | None, pace: Pace = Pace.REAL) -> None:
    """Run the demo: start a server, stream each recording to it, print text and numbers.

    Raises:
        click.ClickException: nothing was recognised, or the server could not be used.
    """
    wanted = [part.start.property for part in parts]
    async with server_at(None, config, *wanted, bundled=True) as server:
        click.echo(f"A server is ready at {server}; the recordings are streamed to it.")
        for part in parts:
            click.echo(f"\n{part.language.capitalize()}:\n")
            metrics = await _stream(server, part, pace)
            if not metrics.finals:
                raise click.ClickException("nothing was recognised: the engine heard no word")
            audio_s, wall_s = await _stream_fast(server, part)
            for line in _numbers(metrics, part.start, audio_s, wall_s):
                click.echo(line)
    click.echo("\nNow your own voice: rasr mic\nOr a recording:     rasr transcribe FILE")


async def _stream(server: str, part: Part, pace: Pace) -> DemoMetrics:
    """Stream a recording, show its text, and measure."""
    loop = asyncio.get_running_loop()
    metrics = DemoMetrics(part.reference)
    start = part.start
    began_s = float("inf")

    def on_sent(sent_s: float) -> None:
        # The chunk that was delayed least tells when the recording began.
        nonlocal began_s
        began_s = min(began_s, loop.time() - sent_s)

    with Screen(echo_partials=True) as screen:
        printer = ResultPrinter(screen, Mode.CONTINUE, start, _line)

        def on_message(message: ServerMessage) -> None:
            if isinstance(message, Result):
                metrics.take(message, (loop.time() - began_s) * 1000)
            printer.show(message)

        async with connect(server, Options(start)) as session:
            await stream_recording(
                session,
                chunks_of_file(part.recording, start.audio_format),
                on_message,
                pace=pace,
                on_sent=on_sent,
            )
    if printer.failure is not None:
        raise click.ClickException(printer.failure)
    return metrics


async def _stream_fast(server: str, part: Part) -> tuple[float, float]:
    """Stream as fast as the server takes it: seconds of audio, seconds that it took."""
    loop = asyncio.get_running_loop()
    start = part.start
    audio_s = 0.0

    def on_sent(sent_s: float) -> None:
        nonlocal audio_s
        audio_s = sent_s

    async with connect(server, Options(start)) as session:
        began_s = loop.time()
        await stream_recording(
            session,
            chunks_of_file(part.recording, start.audio_format),
            lambda message: None,
            pace=Pace.FAST,
            on_sent=on_sent,
        )
        return audio_s, loop.time() - began_s


def _numbers(metrics: DemoMetrics, start: StartConfig, audio_s: float, wall_s: float) -> list[str]:
    total = len(metrics.reference.words)
    right = metrics.right_words()
    rows = (
        ("partial latency", in_seconds(metrics.partial_ms), "from a word spoken to its text"),
        ("first partial", in_seconds(metrics.first_partial_ms), "from the start of a sentence"),
        (
            "final latency",
            in_seconds(metrics.final_ms),
            f"from the end of a sentence; vad_tail is {start.vad_tail / 1000:.2f} s of it",
        ),
        ("words right", f"{right / total:.0%}", f"{right} of {total}, each Chinese character one"),
        (
            "RTF",
            f"{wall_s / audio_s:.2f}",
            f"{audio_s:.1f} s of sound took {wall_s:.1f} s, sent as fast as possible",
        ),
    )
    return [
        "",
        *(f"  {name:<16} {value:>7}  {meaning}" for name, value, meaning in rows),
    ]


def _line(segment: Segment) -> str:
    return f"[{clock(segment.start_time)} – {clock(segment.end_time)}] {segment.text}"
