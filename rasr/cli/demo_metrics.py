"""What a streamed recording shows about the server, when it is known what was said and when.

The module is pure: messages and times come in, numbers come out. Words are compared as they are
said, so that marks, capitals, digits, hyphens and "Mr." for "mister" are no mistakes. All latencies
count from when a word was spoken, as the recording's own times say, not from when its chunk
happened to be sent nor from the times that the server tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from statistics import median
from typing import Any, Self

from rasr.captions import TimedWord
from rasr.cli.word_error_rate import edit_distance
from rasr.wire.sis.messages import Result, Segment

Spoken = Callable[[str], Sequence[str]]
"""A written text → its words as they are said, such as `rasr.text.spoken.Speller.spoken`."""

_EARLY_MS = 500
"""An utterance that ends earlier than this before the end of its sentence is a piece of it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What was said in a recording."""

    sentences: tuple[tuple[TimedWord, ...], ...]
    """In order, the words of each as they are said, at least one; times from the start of the
    recording. A pause ends a sentence."""

    @property
    def words(self) -> list[TimedWord]:
        """The words of all sentences."""
        return [word for sentence in self.sentences for word in sentence]

    @classmethod
    def parse(cls, document: str, spoken: Spoken) -> Self:
        """Read the JSON that lies beside a bundled recording."""
        body: dict[str, Any] = json.loads(document)
        return cls(
            tuple(
                tuple(
                    TimedWord(said, word["start_ms"], word["end_ms"])
                    for word in sentence["words"]
                    for said in spoken(word["text"])
                )
                for sentence in body["sentences"]
            )
        )


@dataclass(slots=True)
class DemoMetrics:
    """Latencies and words of one recording, counted while it is streamed."""

    reference: Reference
    spoken: Spoken
    finals: list[Segment] = field(default_factory=list)
    word_ms: list[float] = field(default_factory=list)
    """From the end of a word to the first message that has it, of each word that a final has."""
    _utterances_ms: list[float | None] = field(default_factory=list)
    """Of each utterance, from its end to its last final; None where it ends within a sentence."""
    _in_finals: bool = False
    """The newest message was a final: one more belongs to the same utterance."""
    _heard: int = 0
    """So many words of the reference are surely behind."""
    _appeared_ms: dict[int, float] = field(default_factory=dict)
    """Number of a word that no final has yet → when a message first had it."""

    def take(self, result: Result, at_ms: float) -> None:
        """Count one message.

        Args:
            at_ms: when it came, in ms from the start of the recording.
        """
        for segment in result.segments:
            if not segment.text:
                continue
            found = self._found(segment.text, at_ms)
            for number in found:
                self._appeared_ms.setdefault(number, at_ms)
            if segment.is_final:
                self._final(segment, found, at_ms)
            else:
                self._in_finals = False

    @property
    def final_ms(self) -> list[float]:
        """From the end of a sentence to its final.

        Where an utterance has several finals, they come when it ends: the last one counts.
        """
        return [one for one in self._utterances_ms if one is not None]

    @property
    def total(self) -> int:
        """The words of the reference."""
        return len(self.reference.words)

    @property
    def wrong(self) -> int:
        """Words that are wrong, missing or too many in the finals."""
        heard = self.spoken(" ".join(segment.text for segment in self.finals))
        return edit_distance([word.text for word in self.reference.words], heard)

    def _found(self, text: str, at_ms: float) -> list[int]:
        """The numbers of the reference's words that a text has, of those said since the last final.

        A word cannot be seen before it is begun: that keeps a word that is said twice from being
        found too early.
        """
        said = self.reference.words
        begun = [n for n in range(self._heard, len(said)) if said[n].start_ms < at_ms]
        match = SequenceMatcher(None, [said[n].text for n in begun], self.spoken(text), False)
        return [
            begun[block.a + offset]
            for block in match.get_matching_blocks()
            for offset in range(block.size)
        ]

    def _final(self, segment: Segment, found: Sequence[int], at_ms: float) -> None:
        words = self.reference.words
        for number in found:
            self.word_ms.append(self._appeared_ms[number] - words[number].end_ms)
        if found:
            self._heard = found[-1] + 1
        self._appeared_ms = {n: ms for n, ms in self._appeared_ms.items() if n >= self._heard}
        self.finals.append(segment)
        if self._in_finals:
            self._utterances_ms.pop()
        end_ms = self._end_ms(segment)
        self._utterances_ms.append(None if end_ms is None else at_ms - end_ms)
        self._in_finals = True

    def _end_ms(self, segment: Segment) -> int | None:
        """When the sentence ended that a final ends; None where it ends within one.

        A final may end later than its last word: many engines only guess when that was said.
        """
        begun = [one for one in self.reference.sentences if one[0].start_ms < segment.end_time]
        if not begun or segment.end_time < begun[-1][-1].end_ms - _EARLY_MS:
            return None
        return begun[-1][-1].end_ms


def in_seconds(latencies_ms: Sequence[float]) -> str:
    """The median of latencies for a person to read, or "unknown" where there are none."""
    return f"{median(latencies_ms) / 1000:.2f} s" if latencies_ms else "unknown"
