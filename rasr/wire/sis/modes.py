"""The modes of real-time recognition: their paths, their limits, what each of them does.

Source: SIS API reference, «real-time ASR» and «one-sentence recognition over websocket».
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a connection is for; given by its path, not by a message."""

    SHORT = "short"
    """Streaming one-sentence: no endpoints, one final after END."""
    SENTENCE = "sentence"
    """Single sentence: the first endpoint ends it."""
    CONTINUE = "continue"
    """Sentence after sentence, each with its final."""
    ONE_SENTENCE = "one-sentence"
    """One-sentence recognition over a websocket: on the wire a short stream at another path."""


@dataclass(frozen=True, slots=True)
class ModeTraits:
    """What is particular to a mode."""

    path: str
    """Below `/v1/{project_id}/`."""
    aliases: tuple[str, ...]
    max_audio_s: int
    """Most audio that one recognition takes."""
    endpoints: bool
    """True if vad_head, vad_tail and max_seconds act and each utterance is a sentence."""
    voice_events: bool
    """True if VOICE_START, VOICE_END and EXCEEDED_SILENCE are sent, and one sentence is all."""


MODE_TRAITS: dict[Mode, ModeTraits] = {
    # The aliases without the leading r stand in the Java samples of the 2021 documentation.
    Mode.SHORT: ModeTraits("rasr/short-stream", ("asr/short-stream",), 60, False, False),
    Mode.SENTENCE: ModeTraits("rasr/sentence-stream", ("asr/sentence-stream",), 60, True, True),
    Mode.CONTINUE: ModeTraits(
        "rasr/continue-stream", ("asr/continue-stream",), 5 * 3600, True, False
    ),
    Mode.ONE_SENTENCE: ModeTraits("asr/short-audio", (), 60, False, False),
}
