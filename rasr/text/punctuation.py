"""`add_punc`: from bare words to sentences.

Owns the interface of punctuation and what can be known without a model: where the speaker paused,
and where an utterance ended. It cannot tell a question from a statement. A model that can takes the
place of `PausePunctuator` behind `Punctuator`.

Marks are part of the word before them, so that a text is still its words joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from decoder import Word
from rasr.audio import SAMPLE_RATE
from rasr.text.letter_case import cased


class Punctuator(Protocol):
    """Marks and letter case for the words of one utterance."""

    def __call__(self, words: Sequence[Word], final: bool) -> tuple[Word, ...]:
        """As many words, at the same times. Without `final` the last word gets no mark."""


@dataclass(frozen=True, slots=True)
class PausePunctuator:
    """English: sentence case, "I", names of days and months; marks where the speaker paused."""

    comma_pause_ms: int = 300
    """Silence inside an articulated phrase (the closure of a stop, a hesitation) is mostly shorter
    than 250 ms; phonetics takes what is longer for a pause."""

    stop_pause_ms: int = 800
    """Inside an utterance there is such a pause only where `vad_tail` is longer than its default
    of 500 ms, and then the speaker has finished a thought."""

    def __call__(self, words: Sequence[Word], final: bool) -> tuple[Word, ...]:
        """As many words, at the same times, with their marks and letter case."""
        out = []
        begins = True
        for word, mark in zip(words, [*self._marks(words), "." if final else ""], strict=False):
            text = cased(word.text, begins)
            out.append(replace(word, text=text if _is_closed(text) else text + mark))
            begins = mark == "."
        return tuple(out)

    def _marks(self, words: Sequence[Word]) -> list[str]:
        marks = []
        for a, b in pairwise(words):
            pause_ms = (b.start_sample - a.end_sample) * 1000 // SAMPLE_RATE
            stop, comma = pause_ms >= self.stop_pause_ms, pause_ms >= self.comma_pause_ms
            marks.append("." if stop else "," if comma else "")
        return marks


@dataclass(frozen=True, slots=True)
class StopPunctuator:
    """A full stop at the end of a final, and no more: Chinese, until a model does better."""

    stop: str = "。"

    def __call__(self, words: Sequence[Word], final: bool) -> tuple[Word, ...]:
        """The words, the last one with its stop."""
        if not words or not final or _is_closed(words[-1].text):
            return tuple(words)
        return (*words[:-1], replace(words[-1], text=words[-1].text + self.stop))


def _is_closed(text: str) -> bool:
    return not text or text[-1] in ".,!?。，！？"
