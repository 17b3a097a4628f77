"""Clients that speak at the speed of speech, many at a time, against one server.

Open loop: a chunk is sent when its last sample would have been spoken, at a random phase for each
client, whatever the server does; latency counts from the sound's own clock.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rasr.audio import FORMATS, Samples
from rasr.cli.reckoning import Reckoning, Reference, Sentence
from rasr.client import (
    ClientError,
    LoopClock,
    Options,
    Pace,
    Result,
    ServerMessage,
    StartConfig,
    chunks_of,
    connect,
    stream_recording,
)
from rasr.protocol.properties import Property
from tests.speech.library import SAMPLE_RATE, Recording

VAD_TAIL_MS = 500
FORMAT = FORMATS["pcm16k16bit"]


@dataclass(slots=True)
class Heard:
    """What all clients of a run were told."""

    reckonings: list[Reckoning] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def final_ms(self) -> list[float]:
        """From the true end of each sentence to its final, beyond `vad_tail`."""
        return [ms - VAD_TAIL_MS for one in self.reckonings for ms in one.final_ms]

    def first_partial_ms(self) -> list[float]:
        return [ms for one in self.reckonings for ms in one.first_partial_ms]

    def partial_ms(self) -> list[float]:
        return [ms for one in self.reckonings for ms in one.partial_ms]

    @property
    def sentences(self) -> int:
        return sum(len(one.reference.sentences) for one in self.reckonings)

    @property
    def finals(self) -> int:
        return sum(len(one.finals) for one in self.reckonings)

    @property
    def words_right(self) -> float:
        said = sum(len(one.reference.text.split()) for one in self.reckonings)
        return sum(one.right_words() for one in self.reckonings) / max(said, 1)


def start_config(*, interim: bool = True, vad_tail: int = VAD_TAIL_MS) -> StartConfig:
    english = Property.parse("english_16k_common")
    assert english is not None
    return StartConfig(
        FORMAT,
        english,
        digit_norm=False,
        interim_results=interim,
        vad_tail=vad_tail,
    )


def rotated(recording: Recording, turn: int) -> tuple[Samples, Reference]:
    """The recording begun at another of its sentences, so that clients do not speak in chorus."""
    sentences = recording.sentences
    first = turn % len(sentences)
    # The middle of the pause before the sentence, where nothing is cut.
    end_before = sentences[first - 1].end_ms if first else 0
    cut_ms = (end_before + sentences[first].start_ms) // 2 if first else 0
    cut = cut_ms * SAMPLE_RATE // 1000
    samples = np.concatenate([recording.samples[cut:], recording.samples[:cut]])
    length_ms = len(samples) * 1000 // SAMPLE_RATE
    moved = sorted(
        (
            Sentence(
                one.text,
                (one.start_ms - cut_ms) % length_ms,
                (one.start_ms - cut_ms) % length_ms + one.end_ms - one.start_ms,
            )
            for one in sentences
        ),
        key=lambda one: one.start_ms,
    )
    return samples, Reference(" ".join(one.text for one in moved), tuple(moved))


async def speak(
    url: str,
    samples: Samples,
    reference: Reference,
    config: StartConfig,
    heard: Heard,
    delay_s: float,
) -> None:
    """One client: one round of one recording in continuous mode."""
    await asyncio.sleep(delay_s)
    reckoning = Reckoning(reference)
    clock = LoopClock()
    began = 0.0

    def on_message(message: ServerMessage) -> None:
        if isinstance(message, Result):
            reckoning.take(message, (clock.now() - began) * 1000)

    try:
        async with connect(url, Options(config)) as session:
            began = clock.now()
            chunks = chunks_of([samples], FORMAT)
            await stream_recording(session, chunks, on_message, pace=Pace.REAL)
    except ClientError as error:
        heard.errors.append(str(error))
        return
    heard.reckonings.append(reckoning)


async def speak_together(
    url: str, recording: Recording, clients: int, *, seed: int = 1, interim: bool = True
) -> Heard:
    """`clients` at the same time, each from another sentence of the recording on."""
    random_phase = random.Random(seed)
    heard = Heard()
    parts: Sequence[tuple[Samples, Reference]] = [
        rotated(recording, turn) for turn in range(clients)
    ]
    config = start_config(interim=interim)
    async with asyncio.TaskGroup() as group:
        for samples, reference in parts:
            delay_s = random_phase.uniform(0, 2)
            group.create_task(speak(url, samples, reference, config, heard, delay_s))
    return heard
