"""What is asked of one recognition, in no dialect's words."""

from __future__ import annotations

from dataclasses import dataclass, field

from decoder import HotWord
from decoder.engine import Writing
from rasr.audio import AudioFormat, CompressedFormat


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine that decodes."""

    name: str
    hot_words: bool = False
    """True if it can prefer hot words."""
    word_times: bool = True
    """False if the times of its words are guessed from the segment's."""
    lookahead_samples: int = 0
    """Audio after a word without which the engine cannot recognise it."""
    writing: Writing = field(default_factory=Writing)
    """Marks, capital letters and digits that it writes by itself."""
    detects_language: bool = False
    """It finds out which language is spoken."""
    final: EngineChoice | None = None
    """The engine that reads each segment once more when it is over, for its final (the second
    pass); None: none does."""

    @property
    def of_finals(self) -> EngineChoice:
        """The engine whose words are the finals, as long as it is in time."""
        return self.final or self

    @property
    def names(self) -> tuple[str, ...]:
        """The engines that get the audio: the live one, then that of the second pass, if any."""
        return (self.name,) if self.final is None else (self.name, self.final.name)

    def __str__(self) -> str:
        """For a person: the name, and who makes the finals."""
        return self.name if self.final is None else f"{self.name} with finals by {self.final.name}"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How audio is divided into segments; each is decoded on its own."""

    head_ms: int = 0
    """Silence at the start of a segment after which `HeadSilence` is reported; 0: never."""
    tail_ms: int | None = 500
    """Silence that ends a segment; None: silence ends nothing."""
    max_ms: int = 30_000
    """Longest segment; speech that goes on is cut at a quiet place and goes on in the next one."""
    single: bool = False
    """The first segment is the only one: later audio is ignored. Head silence ends it too."""
    joined: bool = False
    """Segments are told as one: partials hold the text so far, and one final comes at the end, at
    a flush, or at the limit, also when nothing was said."""
    sentences: bool = False
    """With `TextOptions.punctuation`, a segment of several sentences has a final for each."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What is done to the text of an engine."""

    language: str
    """Its English name in small letters: "english", "chinese", …"""
    detected: bool = field(default=False, kw_only=True)
    """It is the one that the engine finds; `language` counts where it finds none."""
    digits: bool = True
    """Numbers as digits; else as words, whatever the engine writes."""
    punctuation: bool = False
    """Punctuation marks and sentence case; else neither, whatever the engine writes."""


@dataclass(frozen=True, slots=True)
class RecognitionConfig:
    """All that one recognition must know."""

    audio_format: AudioFormat | CompressedFormat
    engine: EngineChoice
    text: TextOptions
    segmentation: Segmentation = Segmentation()
    partials: bool = False
    """Report partial results while speech goes on."""
    word_times: bool = False
    """The times of single words are wanted in finals: where an engine guesses them, they are worth
    an alignment."""
    hot_words: tuple[HotWord, ...] = ()
    max_audio_s: int | None = None
    """Audio beyond it is ignored, and `LimitReached` reported; None: no limit."""
    limit_is_failure: bool = False
    """At the limit the recognition ends with a `Failure`, and `LimitReached` is not reported."""
    warnings: bool = True
    """Report `Warning` when the audio is very likely wrong or hot words have no effect."""
    slot_pause_s: float | None = None
    """None: the caller holds an admission slot from start to end. Else the recognition asks for
    one with its first audio, and gives it back after so long without audio between segments."""
