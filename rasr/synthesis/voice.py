"""A voice: who speaks, in which languages, and what is known of how."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LIVE_COST = 0.5
"""Processor time of a second of sound past which a voice may not speak to somebody who listens
meanwhile: a busy machine would make gaps."""


class Gender(StrEnum):
    """Of the speaker, as he sounds."""

    FEMALE = "female"
    MALE = "male"


class Age(StrEnum):
    """Of the speaker, as he sounds."""

    ADULT = "adult"
    CHILD = "child"


class EngineName(StrEnum):
    """The engines, each a module of `rasr.synthesis.engines`."""

    ESPEAK = "espeak-ng"
    SHERPA = "sherpa-onnx-tts"
    KOKORO = "kokoro"


class WordTimes(StrEnum):
    """Where the times of words come from."""

    ENGINE = "engine"
    """The engine says when it begins a word."""
    ESTIMATED = "estimated"
    """The time of a phrase is shared out by the length of its sounds."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice that is on this machine. It pickles: workers load what it names."""

    name: str
    languages: tuple[str, ...]
    """By their English names in small letters, the one it speaks best first."""
    gender: Gender
    age: Age
    engine: EngineName
    variant: str
    """What the engine calls it; of sherpa-onnx, the number of the speaker."""
    rate: int
    """Sample rate of its sound, Hz."""
    word_times: WordTimes
    model: str = ""
    """Name of the model in the catalogue; empty where none is needed."""
    folder: str = ""
    """Folder of that model."""
    steps: int = 0
    """In which its sound is made, where it is made in steps; 0 for as many as are usual."""
    tried: bool = field(default=False, compare=False)
    """A process has loaded its files before: whoever loads them needs no trial."""


def live_fault(voice: Voice, cost: float) -> str | None:
    """Why a voice may not speak to somebody who listens meanwhile; None where it may.

    Args:
        cost: processor time of a second of its sound on this machine.
    """
    if cost <= LIVE_COST:
        return None
    return (
        f"the voice {voice.name} takes {cost:.1f} s of processor time for a second of sound on "
        f"this machine, and {LIVE_COST} is the most for real-time synthesis; take another voice, "
        "or have the text as a whole"
    )
