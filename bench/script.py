"""What one stream says: which chunks, and which stretches of them are speech, with their words.

Pure. Times are ms from the first sample of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.recordings import SpokenWord
from rasr.audio import Samples

if TYPE_CHECKING:
    from bench.sound import Talk

CHUNK_MS = 100


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech without a pause."""

    start_ms: int
    end_ms: int
    words: tuple[SpokenWord, ...] = ()
    """Empty where nobody knows them."""


@dataclass(frozen=True, slots=True)
class Script:
    chunks: tuple[int, ...]
    """Numbers of the chunks of a `Sound`."""
    spoken: tuple[Spoken, ...]

    @property
    def length_ms(self) -> int:
        return len(self.chunks) * CHUNK_MS

    @property
    def speech_share(self) -> float:
        spoken_ms = sum(one.end_ms - one.start_ms for one in self.spoken)
        return spoken_ms / max(self.length_ms, 1)

    def part(self, first: int, count: int) -> Script:
        """`count` chunks from chunk `first` on, as a stream of its own. A word that is cut is
        none."""
        shift, length = first * CHUNK_MS, count * CHUNK_MS
        spoken = []
        for one in self.spoken:
            start, end = max(one.start_ms - shift, 0), min(one.end_ms - shift, length)
            if start >= end:
                continue
            words = tuple(
                SpokenWord(word.text, word.start_ms - shift, word.end_ms - shift)
                for word in one.words
                if word.start_ms >= shift and word.end_ms - shift <= length
            )
            spoken.append(Spoken(start, end, words))
        return Script(self.chunks[first : first + count], tuple(spoken))


class Sound(Protocol):
    """Chunks that all clients share, and who says which of them."""

    @property
    def chunks(self) -> tuple[Samples, ...]:
        """Of `CHUNK_MS` each, int16 at 16 kHz."""

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        """So many chunks of one client's talk. The same seed gives the same."""
