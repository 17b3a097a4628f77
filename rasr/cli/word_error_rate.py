"""Word errors and latencies of a recording of which it is known what was said and when.

Pure: results and times come in, numbers come out. All latencies count from the recording's own
clock (when a word was spoken), not from when its chunk happened to be sent.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from decoder.joining import is_unspaced
from rasr.captions import TimedText
from rasr.wire.sis.messages import Result, Segment

_SAME_END_MS = 500
"""A final that ends further from every sentence than this is the final of none."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What was said in a recording."""

    text: str
    sentences: tuple[TimedText, ...]
    """With their times on the recording's clock, in order."""

    @property
    def words(self) -> list[str]:
        """The words of the text; see `words_of`."""
        return words_of(self.text)

    @classmethod
    def parse(cls, document: str) -> Self:
        """The reference of a bundled recording, from the JSON beside it."""
        body: dict[str, Any] = json.loads(document)
        return cls(
            body["text"],
            tuple(
                TimedText(one["text"], one["words"][0]["start_ms"], one["words"][-1]["end_ms"])
                for one in body["sentences"]
            ),
        )


@dataclass(slots=True)
class Score:
    """What the results of a recording show, taken one by one while it runs."""

    reference: Reference
    finals: list[Segment] = field(default_factory=list)
    partial_ms: list[float] = field(default_factory=list)
    """For each partial with new text: from the end of its last word to its arrival."""
    first_partial_ms: list[float] = field(default_factory=list)
    """From the start of a sentence to its first partial."""
    final_ms: list[float] = field(default_factory=list)
    """From the end of a sentence to its final."""
    _partial: str = ""

    def take(self, result: Result, at_ms: float) -> None:
        """Count a result.

        Args:
            at_ms: when it came, on the recording's clock.
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
        """Words of the reference less the errors of the finals: wrong, missing or too many."""
        said = self.reference.words
        recognised = words_of(" ".join(segment.text for segment in self.finals))
        return max(0, len(said) - edit_distance(said, recognised))

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


def words_of(text: str) -> list[str]:
    """Words in lower case; of scripts that write no spaces, characters."""
    spaced = (f" {one} " if is_unspaced(one) else one for one in text.lower())
    return "".join(spaced).split()


def edit_distance(reference: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """The fewest items to change, drop or add to make `other` of `reference` (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, wanted in enumerate(reference, start=1):
        diagonal, row[0] = row[0], number
        for column, item in enumerate(other, start=1):
            changed = diagonal + (wanted != item)
            diagonal = row[column]
            row[column] = min(changed, row[column] + 1, row[column - 1] + 1)
    return row[-1]
