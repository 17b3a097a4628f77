"""Recordings over the wire: what is said, who hears it, and what comes back.

A subject is an engine with one language, and a server that serves it. Each recording is a
recognition of its own in continuous mode, with partials, so that its final text and what was shown
as stable before it are of one and the same run.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.texts import Settled, settled
from bench.workload import CHUNK_MS
from decoder.registry import EngineSpec
from rasr.audio import FORMATS, SAMPLE_RATE, Resampler, Samples
from rasr.cli.config_options import configuration
from rasr.client import (
    Options,
    Pace,
    Result,
    ServerMessage,
    chunks_of,
    connect,
    stream_recording,
)
from rasr.models.store import open_store
from rasr.settings import live_engine

CODES = {"english": "en", "chinese": "zh"}
"""Languages that there are recordings in: as in properties, as in their index."""
_USUAL_MODELS = ("english=moonshine-tiny-en", "english=whisper-base", "chinese=tiny-zh-en")
"""Measured where they are installed."""
_AT_ONCE = 4
"""Streams, so that no core waits."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """An engine or model with one of its languages."""

    name: str
    language: str
    """As in the properties of the protocol."""
    config: str
    """Settings of a server that serves it."""
    spec: EngineSpec


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What somebody says, and its audio."""

    text: str
    samples: Samples
    """int16, 16 kHz."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back for one recording."""

    text: str
    """The finals, joined by spaces."""
    settled: Settled
    """Of all its utterances."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How recordings are sent, and what is asked for."""

    chunk_ms: int = CHUNK_MS
    pace: Pace = Pace.REAL
    audio_format: str = "pcm16k16bit"
    """As START names it."""
    vad_tail_ms: int = 500
    hot_words: tuple[str, ...] = ()


def subjects(configs: Sequence[Path], models: Sequence[str]) -> list[Subject]:
    """Return what is measured for these options.

    Args:
        configs: settings files; each English or Chinese property that one sets is a subject.
        models: what `--model` of `rasr serve` takes. Without files and models: PocketSphinx, and
            the usual models that are installed.

    Raises:
        click.ClickException: a model or an engine is not there; the text names it.
    """
    if configs or models:
        return [
            *(one for file in configs for one in _of_file(file)),
            *(one for request in models for one in _of_model(request)),
        ]
    return [
        Subject(
            "pocketsphinx",
            "english",
            '[properties]\nenglish = "pocketsphinx"\n',
            EngineSpec("pocketsphinx", {"decoders": 1}),
        ),
        *(one for request in _installed(_USUAL_MODELS) for one in _of_model(request)),
    ]


def _of_file(file: Path) -> list[Subject]:
    settings = configuration(file).settings
    text = file.read_text(encoding="utf-8")
    return [
        Subject(engine, language, text, EngineSpec(found.kind, found.options))
        for language, served in settings.properties.items()
        if language in CODES
        for engine in (live_engine(served),)
        for found in (settings.engines[engine],)
    ]


def _of_model(request: str) -> list[Subject]:
    """A model with each of its languages, or with that which the request names."""
    wanted, _, reference = request.rpartition("=")
    settings = configuration(None, models=[request]).settings
    chosen = []
    for language, served in settings.properties.items():
        if language not in CODES or wanted not in ("", language):
            continue
        engine = live_engine(served)
        found = settings.engines[engine]
        # A name or a folder serves under `properties` as it does after `--model`.
        folder = Path(reference).expanduser()
        named = str(folder.absolute()) if folder.is_dir() else reference
        config = f'[properties]\n{language} = "{named}"\n'
        chosen.append(Subject(engine, language, config, EngineSpec(found.kind, found.options)))
    return chosen


def _installed(requests: Sequence[str]) -> list[str]:
    store = open_store(configuration(None).settings.models.folder, os.environ)
    here = {model.name for model in store.installed()}
    return [one for one in requests if one.partition("=")[2] in here]


def streamed(url: str, language: str, recordings: Sequence[Said], manner: Manner) -> list[Heard]:
    """Stream recordings to a server, some of them at the same time; what came of each, in order."""

    async def all_of_them() -> list[Heard]:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(said: Said) -> Heard:
            async with turns:
                return await _heard(url, language, said.samples, manner)

        return list(await asyncio.gather(*map(one, recordings)))

    return uvloop.run(all_of_them())


async def _heard(url: str, language: str, samples: Samples, manner: Manner) -> Heard:
    texts: list[str] = []
    stable: list[str] = []
    taken_back = Settled()

    def on_message(message: ServerMessage) -> None:
        nonlocal taken_back
        if not isinstance(message, Result):
            return
        for one in message.segments:
            if one.is_final:
                texts.append(one.text)
                taken_back += settled(stable, one.text)
                stable.clear()
            elif one.stable:
                stable.append(one.text[: one.stable])

    audio_format = FORMATS[manner.audio_format]
    resampler = Resampler(SAMPLE_RATE, audio_format.sample_rate)
    options = Options.of(
        f"{language}_{audio_format.sample_rate // 1000}k_common",
        manner.audio_format,
        digit_norm=False,
        interim_results=True,
        vad_tail=manner.vad_tail_ms,
        user_words=manner.hot_words,
    )
    audio = [resampler.feed(samples), resampler.flush()]
    chunks = chunks_of(audio, audio_format, manner.chunk_ms)
    async with connect(url, options) as session:
        await stream_recording(session, chunks, on_message, pace=manner.pace)
    return Heard(" ".join(texts), taken_back)
