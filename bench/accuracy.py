"""Verbs `accuracy` and `passes`: word error rates, of streams and of whole recordings.

`accuracy` compares the text of streamed audio with that of the engine given each recording whole;
`passes` compares settings of PocketSphinx.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import click
import jiwer
import numpy as np
import uvloop

from bench.latency import percentile
from bench.noisy_speech import SPEECH_LEVEL, Half, NoiseKind, as_samples, make_noise, rms, voices
from bench.recordings import human_recordings, load, names
from bench.report import progress, report, seconds
from bench.servers import running_server
from bench.workload import CHUNK_MS
from decoder.registry import EngineSpec
from decoder.registry import load as load_engine
from rasr.audio import FORMATS, SAMPLE_RATE, Samples
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
from rasr.settings import live_engine

_CHUNKS_MS = (CHUNK_MS, 20, 1000, 60_000)
"""Noise is streamed in the first alone."""
_DEFAULT_MODEL = "tiny-zh-en"
_ENGINES = ("pocketsphinx", "sherpa-onnx")
_CODES = {"english": "en", "chinese": "zh"}
_MARGIN = SAMPLE_RATE
"""Of noise alone before and after the speech: a microphone is open before somebody speaks."""
_AT_ONCE = 4
"""Streams, so that no core waits."""
_PASSES = ((True, True), (False, True), (False, False))
"""fwdflat, bestpath."""
_MAXHMMPF = (30_000, 5000, 3000)


@dataclass(frozen=True, slots=True)
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


@click.command()
@click.option("--engine", "engines", type=click.Choice(_ENGINES), multiple=True)
@click.option(
    "--model", "models", multiple=True, help="an installed model, or the folder of one: its path"
)
@click.option(
    "--noise",
    type=click.Choice([*map(str, NoiseKind)]),
    default=NoiseKind.PINK.value,
    show_default=True,
)
@click.option("--snr", "snrs", type=float, multiple=True, help="speech over noise, dB")
@click.option("--seed", default=1, show_default=True, help="of the noise")
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its recordings are used too",
)
def accuracy(
    engines: tuple[str, ...],
    models: tuple[str, ...],
    noise: str,
    snrs: tuple[float, ...],
    seed: int,
    speech: Path | None,
) -> None:
    """Error rates, streamed in chunks of several sizes and by the engine on the whole recording.

    Of words in English and of characters in Chinese; clean, then with noise mixed in. Without
    --engine and --model: PocketSphinx for English and the small model of the package for Chinese.
    Wanted, clean: the same text for every size of chunk, and at most 2 points more than the engine.
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    work = [
        (subject, name, said)
        for subject in subjects(engines, models)
        for name, said in _recordings(_CODES[subject.language]).items()
        if said
    ]
    levels = (None, *(snrs or (20.0, 10.0, 5.0)))
    rows, figures = [], {}
    with progress() as tracker:
        for subject, name, said in work:
            tracker.step(f"{subject.name}, {subject.language}, {name}", len(levels))
            with running_server(subject.config) as server:
                for done, snr in enumerate(levels):
                    tracker.at(done)
                    heard = said if snr is None else in_noise(said, NoiseKind(noise), snr, seed)
                    chunks_ms = _CHUNKS_MS if snr is None else _CHUNKS_MS[:1]
                    texts = [
                        uvloop.run(_streamed(server.url, subject, heard, one)) for one in chunks_ms
                    ]
                    whole = error_rate(subject.language, said, _whole(subject.spec, heard))
                    streamed = error_rate(subject.language, said, texts[0])
                    same = all(text == texts[0] for text in texts)
                    label = "clean" if snr is None else f"{noise} {snr:g} dB"
                    rows.append(
                        (
                            subject.name,
                            "CER" if subject.language == "chinese" else "WER",
                            f"{name}, {len(said)}",
                            label,
                            f"{whole:.1%}",
                            f"{streamed:.1%}",
                            str(same) if len(texts) > 1 else "",
                        )
                    )
                    figures[f"{subject.name} {subject.language} {name} {label}"] = {
                        "whole": whole,
                        "streamed": streamed,
                        "same": same,
                    }
    report(
        "accuracy",
        ("engine", "rate", "recordings", "noise", "whole", "streamed", "same text in every cut"),
        rows,
        notes=(
            f"cuts of {', '.join(map(str, sorted(_CHUNKS_MS)))} ms; noise in cuts of {CHUNK_MS} ms",
        ),
        figures=figures,
    )


def error_rate(language: str, said: Sequence[Said], written: Sequence[str]) -> float:
    """Return the word error rate; in Chinese, where nobody says what a word is, the character error
    rate without spaces."""
    wanted = [one.text.lower() for one in said]
    got = [text.lower() for text in written]
    if language == "chinese":
        rate = jiwer.cer([_closed(one) for one in wanted], [_closed(one) for one in got])
    else:
        rate = jiwer.wer(wanted, got)
    return float(rate)


def _closed(text: str) -> str:
    return "".join(text.split())


def subjects(engines: Sequence[str], models: Sequence[str]) -> list[Subject]:
    """Return what is measured for these options: without any, PocketSphinx and the small model.

    Raises:
        click.ClickException: a model is not there; the text names it.
    """
    return [*_engine_subjects(engines, models), *_model_subjects(engines, models)]


def _engine_subjects(engines: Sequence[str], models: Sequence[str]) -> list[Subject]:
    if "pocketsphinx" not in engines and (engines or models):
        return []
    spec = EngineSpec("pocketsphinx", {"decoders": 1})
    return [Subject("pocketsphinx", "english", "", spec)]


def _model_subjects(engines: Sequence[str], models: Sequence[str]) -> list[Subject]:
    """Each model with each of its languages; the small one of the package with Chinese alone."""
    named = list(models)
    if not named:
        if engines and "sherpa-onnx" not in engines:
            return []
        named = [f"chinese={_DEFAULT_MODEL}"]
    chosen = []
    for request in named:
        settings = configuration(None, models=[request]).settings
        for language, served in settings.properties.items():
            engine = live_engine(served)
            if language not in _CODES:
                continue
            found = settings.engines[engine]
            # A name or a folder serves under `properties` as it does after `--model`.
            reference = request.partition("=")[2] or request
            config = f'[properties]\n{language} = "{_reference(reference)}"\n'
            spec = EngineSpec(found.kind, found.options)
            chosen.append(Subject(engine, language, config, spec))
    return chosen


def _reference(reference: str) -> str:
    folder = Path(reference).expanduser()
    return str(folder.absolute()) if folder.is_dir() else reference


def _recordings(code: str) -> dict[str, list[Said]]:
    bundled = (load(name, code) for name in names(code))
    human = (one for one in human_recordings() if one.language == code)
    return {
        "bundled": [Said(one.text, one.samples) for one in bundled],
        "human": [Said(one.text, one.samples) for one in human],
    }


def in_noise(said: Sequence[Said], kind: NoiseKind, snr_db: float, seed: int) -> list[Said]:
    """Mix noise into each, at the level of speech; it begins before it and ends after it."""
    talk = voices(Half.TUNE) if kind is NoiseKind.BABBLE else ()
    mixed = []
    for number, one in enumerate(said):
        padded = np.pad(one.samples.astype(np.float64), _MARGIN)
        noise = make_noise(kind, len(padded), seed * 1000 + number, talk)
        loud = padded * (SPEECH_LEVEL / rms(one.samples))
        level = SPEECH_LEVEL / 10 ** (snr_db / 20)
        mixed.append(Said(one.text, as_samples(loud + level * noise)))
    return mixed


def _whole(spec: EngineSpec, recordings: Sequence[Said]) -> list[str]:
    """What the engine makes of each recording as one utterance."""
    engine = load_engine(spec)
    texts = []
    for one in recordings:
        stream = engine.open()
        stream.accept(one.samples)
        stream.finish()
        engine.decode([stream])
        texts.append(stream.hypothesis().text)
        stream.close()
    return texts


async def _streamed(
    url: str, subject: Subject, recordings: Sequence[Said], chunk_ms: int
) -> list[str]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def heard(one: Said) -> str:
        async with turns:
            return await _text(url, subject.language, one.samples, chunk_ms)

    return list(await asyncio.gather(*map(heard, recordings)))


async def _text(url: str, language: str, samples: Samples, chunk_ms: int) -> str:
    texts: list[str] = []

    def on_message(message: ServerMessage) -> None:
        if isinstance(message, Result):
            texts.extend(one.text for one in message.segments if one.is_final)

    options = Options.of(f"{language}_16k_common", digit_norm=False, interim_results=False)
    chunks = chunks_of([samples], FORMATS["pcm16k16bit"], chunk_ms)
    async with connect(url, options) as session:
        await stream_recording(session, chunks, on_message, pace=Pace.FAST)
    return " ".join(texts)


@click.command()
def passes() -> None:
    """Word error rate, real-time factor and final latency for each combination of passes.

    Final latency is from the last sample to the result. RASR_SPEECH_DIR adds the English
    recordings of a folder with transcripts.tsv to the bundled ones.
    """
    recordings = _recordings("en")
    rows, figures = [], {}
    for (fwdflat, bestpath), maxhmmpf in product(_PASSES, _MAXHMMPF):
        options = {"decoders": 1, "fwdflat": fwdflat, "bestpath": bestpath, "maxhmmpf": maxhmmpf}
        rates, rtf, final_ms = _measure(EngineSpec("pocketsphinx", options), recordings)
        final_p50, final_max = (percentile(final_ms, percent) for percent in (50, 100))
        rows.append(
            (
                *("yes" if one else "no" for one in (fwdflat, bestpath)),
                str(maxhmmpf),
                *(f"{rates[name]:.1%}" if name in rates else "–" for name in recordings),
                f"{rtf:.3f}",
                seconds(final_p50),
                seconds(final_max),
            )
        )
        figures[f"fwdflat {fwdflat}, bestpath {bestpath}, maxhmmpf {maxhmmpf}"] = {
            **{f"{name}_wer": rate for name, rate in rates.items()},
            "rtf": rtf,
            "final_p50_ms": final_p50,
            "final_max_ms": final_max,
        }
    report(
        "passes",
        (
            *("fwdflat", "bestpath", "maxhmmpf", "WER bundled", "WER human"),
            *("RTF", "final p50", "final max"),
        ),
        rows,
        figures=figures,
    )


def _measure(
    spec: EngineSpec, recordings: dict[str, list[Said]]
) -> tuple[dict[str, float], float, list[float]]:
    """The word error rate of each set, the real-time factor, and each final's latency in ms."""
    engine = load_engine(spec)
    final_ms: list[float] = []
    busy_s = audio_s = 0.0
    rates = {}
    for name, said in recordings.items():
        texts = []
        for one in said:
            stream = engine.open()
            began = time.perf_counter()
            stream.accept(one.samples)
            engine.decode([stream])
            last_sample = time.perf_counter()
            stream.finish()
            engine.decode([stream])
            ended = time.perf_counter()
            texts.append(stream.hypothesis().text)
            stream.close()
            final_ms.append((ended - last_sample) * 1000)
            busy_s += ended - began
            audio_s += len(one.samples) / SAMPLE_RATE
        if said:
            rates[name] = error_rate("english", said, texts)
    return rates, busy_s / audio_s, final_ms
