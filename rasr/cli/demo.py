"""`rasr demo`: recordings through a server of its own, at the speed of speech, watched."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decoder.registry import Placement, describe
from rasr.audio.formats import FORMATS
from rasr.cli.config_options import advice, config_option, configuration
from rasr.cli.demo_metrics import DemoMetrics, Reference, Spoken, in_seconds
from rasr.cli.formats import clock
from rasr.cli.result_printer import ResultPrinter
from rasr.cli.screen import Screen, aligned
from rasr.cli.server import own_server, run
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
from rasr.models.store import open_store
from rasr.wire.sis.properties import Property

if TYPE_CHECKING:
    from rasr.server.service import Service


@dataclass(frozen=True, slots=True)
class Part:
    """A recording of the demo, and what is known about it."""

    title: str
    language: str
    """As SIS properties begin: "english", "chinese"."""
    recording: Traversable
    reference: Reference
    spoken: Spoken
    """How the language says what is written."""
    source: str = ""
    """Where a recording of a person comes from, and its licence."""

    @property
    def start(self) -> StartConfig:
        """START's `config` for it."""
        wanted = Property.parse(f"{self.language}_16k_common")
        assert wanted is not None
        return StartConfig(FORMATS["pcm16k16bit"], wanted, interim_results=True, add_punc=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a part."""

    part: Part
    metrics: DemoMetrics
    core_share: float
    """CPU time for each second of sound, streamed at the speed of speech."""
    audio_s: float
    fast_s: float
    """Time that the whole recording took, sent as fast as possible."""


_RECORDINGS = (
    ("English, read by a person", "english", "demo-human"),
    ("English, a synthetic voice", "english", "demo"),
    ("Mandarin, synthetic voices", "chinese", "demo-zh"),
)


@click.command()
@config_option
def demo(config: Path | None) -> None:
    """Watch a server recognise recordings.

    They come with rasr: a person and a synthetic voice in English, synthetic voices in Mandarin. A
    server starts on a free port, the recordings are streamed to it at the speed of speech, and the
    text appears while it is being spoken. At the end come the numbers: words wrong, latency, cost.

    English is recognised by the default model, or by PocketSphinx where that is not installed;
    Mandarin by an installed model, or else by the small one in the package, which knows synthetic
    voices only.
    """
    run(show(bundled_parts(), config))


def bundled_parts() -> list[Part]:
    """What the demo streams. Takes half a second."""
    # Here, because `--help` need not wait for it.
    from rasr.text.spoken import load_spellers

    spellers = load_spellers()
    data = files("rasr") / "data"
    parts = []
    for title, language, name in _RECORDINGS:
        spoken = spellers[language].spoken
        document = (data / f"{name}.json").read_text("utf-8")
        about = json.loads(document)
        source = f"{about['source']}; {about['licence']}" if "source" in about else ""
        reference = Reference.parse(document, spoken)
        parts.append(Part(title, language, data / f"{name}.flac", reference, spoken, source))
    return parts


async def show(parts: Sequence[Part], config: Path | None, pace: Pace = Pace.REAL) -> None:
    """Run the demo: start a server, stream each recording to it, print text and numbers.

    Raises:
        click.ClickException: nothing was recognised, or the server could not be used.
    """
    wanted = [part.start.property for part in parts]
    configured = configuration(config, bundled=[one.language for one in wanted])
    async with own_server(configured.settings, *wanted) as service:
        click.echo(f"A server is ready at {service.url}; recordings are streamed to it.")
        missing = advice(configured)
        if missing is not None:
            click.echo(f"{missing}.")
        outcomes = []
        for part in parts:
            click.echo(f"\n{part.title}, recognised by {_engine(service, part)}:")
            click.echo(f"({part.source})\n" if part.source else "")
            outcomes.append(await _play(service, part, pace))
        for line in _numbers(outcomes):
            click.echo(line)
    click.echo("\nNow your own voice: rasr mic --add-punc")
    click.echo("Or a recording:     rasr transcribe --add-punc FILE")


def _engine(service: Service, part: Part) -> str:
    """What recognises a part, for a person."""
    wanted = part.start.property
    engine = service.state.properties.choose(wanted.name, wanted.language, wanted.sample_rate)
    if engine is None:
        return "nothing"
    model = open_store(service.settings.models.folder, os.environ).catalogue.find(engine.name)
    if model is not None and model.bundled:
        return f"{engine}, the small model of the package (it knows synthetic voices only)"
    return str(engine)


async def _play(service: Service, part: Part, pace: Pace) -> Outcome:
    """Stream a recording twice: watched, then as fast as the server takes it."""
    with as_file(part.recording) as recording:
        before_s = _cpu_s(service)
        metrics = await _stream(service.url, part, recording, pace)
        cpu_s = _cpu_s(service) - before_s
        if not metrics.finals:
            raise click.ClickException("nothing was recognised: the engine heard no word")
        audio_s, fast_s = await _stream_fast(service.url, part, recording)
    return Outcome(part, metrics, cpu_s / audio_s, audio_s, fast_s)


def _cpu_s(service: Service) -> float:
    """CPU time of this process so far: server, engines and this client.

    Of engines in processes of their own, the time in which they were at work.
    """
    return time.process_time() + sum(
        scheduler.statistics.busy_s
        for name, scheduler in service.state.schedulers.items()
        if describe(service.settings.engines[name].kind).placement is Placement.PROCESS
    )


async def _stream(server: str, part: Part, recording: Path, pace: Pace) -> DemoMetrics:
    """Stream a recording, show its text, and measure."""
    loop = asyncio.get_running_loop()
    metrics = DemoMetrics(part.reference, part.spoken)
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
                chunks_of_file(recording, start.audio_format),
                on_message,
                pace=pace,
                on_sent=on_sent,
            )
    if printer.failure is not None:
        raise click.ClickException(printer.failure)
    return metrics


async def _stream_fast(server: str, part: Part, recording: Path) -> tuple[float, float]:
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
            chunks_of_file(recording, start.audio_format),
            lambda message: None,
            pace=Pace.FAST,
            on_sent=on_sent,
        )
        return audio_s, loop.time() - began_s


def _numbers(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A row for each part, and what the columns mean."""
    rows = [
        (
            one.part.title,
            f"{one.metrics.wrong} of {one.metrics.total}",
            f"{one.metrics.wrong / one.metrics.total:.1%}",
            in_seconds(one.metrics.word_ms),
            in_seconds(one.metrics.final_ms),
            f"{one.core_share:.0%}",
            f"{one.fast_s / one.audio_s:.2f}",
        )
        for one in outcomes
    ]
    heading = ("", "wrong words", "rate", "word", "final", "core", "RTF")
    tail_s = outcomes[0].part.start.vad_tail / 1000
    yield ""
    yield from aligned([heading, *rows])
    yield ""
    yield from aligned(
        [
            ("rate", "word error rate; in Chinese each character counts as a word"),
            ("word", "from the end of a word to the first text that has it, median"),
            (
                "final",
                "from the end of a sentence to its final, median; "
                f"{tail_s:.2f} s of it is the pause that ends a sentence (vad_tail)",
            ),
            ("core", "share of one core that a person takes who speaks, this screen included"),
            ("RTF", "time for a second of sound, sent as fast as possible"),
        ]
    )


def _line(segment: Segment) -> str:
    return f"[{clock(segment.start_time)} – {clock(segment.end_time)}] {segment.text}"
