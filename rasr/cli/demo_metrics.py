"""What a streamed recording shows about the server, when it is known what was said and when.

The module is pure: times come in, numbers come out. All latencies count from when a word was
spoken, not from when its chunk happened to be sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self

from rasr.captions import TimedText
from rasr.cli.word_error_rate import edit_distance, words_of
from rasr.wire.sis.messages import Result, Segment

_SAME_END_MS = 500
"""A final that ends further than this from every sentence belongs to none of them."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What was said in a recording."""

    text: str
    sentences: tuple[TimedText, ...]
    """In order; times from the start of the recording."""

    @property
    def words(self) -> list[str]:
        """The words that are counted, as `words_of` splits them."""
        return words_of(self.text)

    @classmethod
    def parse(cls, document: str) -> Self:
        """Read the JSON that lies beside a bundled recording."""
        body: dict[str, Any] = json.loads(document)
        return cls(
            body["text"],
            tuple(
                TimedText(one["text"], one["words"][0]["start_ms"], one["words"][-1]["end_ms"])
                for one in body["sentences"]
            ),
        )


@dataclass(slots=True)
class DemoMetrics:
    """Latencies and words of one recording, counted while it is streamed."""

    reference: Reference
    finals: list[Segment] = field(default_factory=list)
    partial_ms: list[float] = field(default_factory=list)
    """From the end of a partial's last word to its arrival, of each partial with new text."""
    first_partial_ms: list[float] = field(default_factory=list)
    """From the start of a sentence to its first partial."""
    final_ms: list[float] = field(default_factory=list)
    """From the end of a sentence to its final."""
    _partial: str = ""

    def take(self, result: Result, at_ms: float) -> None:
        """Count one message.

        Args:
            at_ms: when it came, in ms from the start of the recording.
        """
        for segment in result.segments:
            if segment.is_final:
                self._final(segment, at_ms)
            elif segment.text and segment.text != self._partial:
                if not self._partial:
                    self._first_partial(at_ms)
                self.partial_ms.append(at_ms - segment.end_time)
                self._partial = segment.text

    def right_words(self) -> int:
        """Count the words of the reference less the mistakes of the finals.

        A mistake is a word that is wrong, missing or too many.
        """
        reference = self.reference.words
        hypothesis = words_of(" ".join(segment.text for segment in self.finals))
        return max(0, len(reference) - edit_distance(reference, hypothesis))

    def _first_partial(self, at_ms: float) -> None:
        begun = [one.start_ms for one in self.reference.sentences if one.start_ms < at_ms]
        if begun:
            self.first_partial_ms.append(at_ms - begun[-1])

    def _final(self, segment: Segment, at_ms: float) -> None:
        self.finals.append(segment)
        self._partial = ""
        nearest = min(self.reference.sentences, key=lambda one: abs(one.end_ms - segment.end_time))
        if abs(nearest.end_ms - segment.end_time) <= _SAME_END_MS:
            self.final_ms.append(at_ms - nearest.end_ms)


def in_seconds(latencies_ms: Sequence[float]) -> str:
    """The median of latencies for a person to read, or "unknown" where there are none."""
    return f"{median(latencies_ms) / 1000:.2f} s" if latencies_ms else "unknown"
