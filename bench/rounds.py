"""Rounds that are played one by one: how they are started, and what is said in them.

Loads of many clients are in `bench.speaking`.
"""

from __future__ import annotations

import numpy as np

from bench.recordings import Recording
from rasr.audio import FORMATS, SAMPLE_RATE, Samples
from rasr.cli.demo_metrics import Reference, Sentence
from rasr.client import (
    StartConfig,
)
from rasr.wire.sis.properties import Property

VAD_TAIL_MS = 500
FORMAT = FORMATS["pcm16k16bit"]


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
