"""Verb `accuracy`: the text of streamed sound against the engine given each utterance whole."""

from __future__ import annotations

import os
from pathlib import Path

import click
import jiwer
import uvloop

from bench.machine import report
from bench.rounds import FORMAT, start_config
from bench.server import running_server
from decoder.registry import EngineSpec, load
from rasr.audio import Samples
from rasr.client import Options, Pace, Result, ServerMessage, chunks_of, connect, stream_recording
from tests.speech.library import human_recordings, names
from tests.speech.library import load as load_recording

_CHUNKS_MS = (20, 100, 1000, 60_000)


@click.command()
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its English recordings are used too",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="add a line of JSON")
def accuracy(speech: Path | None, json_file: Path | None) -> None:
    """Word error rate, streamed in chunks of several sizes and by the engine on the whole file.

    The bars: the same text for every size of chunk, and at most 2 points more than the engine.
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    sets = {
        "bundled": [(one.text, one.samples) for one in map(load_recording, names())],
        "human": [(one.text, one.samples) for one in human_recordings() if one.language == "en"],
    }
    rows, figures = [], {}
    with running_server() as server:
        for name, recordings in sets.items():
            if not recordings:
                continue
            said = [text for text, _ in recordings]
            whole = jiwer.wer(said, _whole([samples for _, samples in recordings]))
            texts = {
                chunk_ms: [
                    uvloop.run(_streamed(server.url, samples, chunk_ms))
                    for _, samples in recordings
                ]
                for chunk_ms in _CHUNKS_MS
            }
            same = all(text == texts[_CHUNKS_MS[0]] for text in texts.values())
            streamed = jiwer.wer(said, texts[_CHUNKS_MS[0]])
            rows.append((name, str(len(said)), f"{whole:.1%}", f"{streamed:.1%}", str(same)))
            figures[name] = {"whole": whole, "streamed": streamed, "same": same}
    report(
        "accuracy",
        ("recordings", "number", "WER whole", "WER streamed", "same text for every chunk size"),
        rows,
        notes=(f"chunks of {', '.join(map(str, _CHUNKS_MS))} ms",),
        json_file=json_file,
        figures=figures,
    )


def _whole(recordings: list[Samples]) -> list[str]:
    """What the engine makes of each recording as one utterance."""
    engine = load(EngineSpec("pocketsphinx", {"decoders": 1}))
    texts = []
    for samples in recordings:
        stream = engine.open()
        stream.accept(samples)
        stream.finish()
        engine.decode([stream])
        texts.append(stream.hypothesis().text)
        stream.close()
    return texts


async def _streamed(url: str, samples: Samples, chunk_ms: int) -> str:
    texts: list[str] = []

    def on_message(message: ServerMessage) -> None:
        if isinstance(message, Result):
            texts.extend(one.text for one in message.segments if one.is_final)

    config = start_config(interim=False)
    async with connect(url, Options(config)) as session:
        chunks = chunks_of([samples], FORMAT, chunk_ms)
        await stream_recording(session, chunks, on_message, pace=Pace.FAST)
    return " ".join(texts)
