"""A voice: who speaks, in which languages, and what is known of how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    PIPER = "piper"
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
    """What the engine calls it."""
    rate: int
    """Sample rate of its sound, Hz."""
    word_times: WordTimes
    model: str = ""
    """Name of the model in the catalogue; empty where none is needed."""
    folder: str = ""
    """Folder of that model."""
