"""Quality review: words and phone numbers that a project looks for in what was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from decoder.joining import is_unspaced
from rasr.settings import WordListSettings
from rasr.wire.sis.analysis import Mark
from rasr.wire.sis.messages import Segment

_PHONE_NUMBER = re.compile(
    r"(?<![\d+])(?:"
    # China: mobile, with an area code, and numbers that cost the caller little or nothing.
    r"(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}"
    r"|0\d{2,3}[- ]?\d{7,8}"
    r"|[48]00(?:[- ]?\d{3}[- ]?\d{4}|[- ]?\d{4}[- ]?\d{3})"
    # Anywhere, as it is written with its country.
    r"|\+[1-9]\d{0,2}(?:[- ]?\d{2,4}){2,5}"
    # North America.
    r"|\(?[2-9]\d{2}\)?[- ]\d{3}[- ]\d{4}"
    r")(?!\d)"
)


@dataclass(frozen=True, slots=True)
class WordList:
    """What is looked for under one name."""

    name: str
    words: tuple[str, ...] = ()
    """Words and phrases; capital letters count for nothing."""
    phone_numbers: bool = False
    _patterns: tuple[re.Pattern[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Make the pattern of the words, the longest first: it is the one that is meant."""
        known = sorted({one.strip() for one in self.words} - {""}, key=len, reverse=True)
        patterns = [_PHONE_NUMBER] if self.phone_numbers else []
        if known:
            patterns.append(re.compile("|".join(map(_whole, known)), re.IGNORECASE))
        object.__setattr__(self, "_patterns", tuple(patterns))

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in a text something of it stands: first character, and the one behind the last."""
        for pattern in self._patterns:
            for one in pattern.finditer(text):
                yield one.span()


def word_lists_of(settings: Mapping[str, WordListSettings], project_id: str) -> list[WordList]:
    """The lists of the settings that are for a project."""
    return [
        WordList(name, one.words, one.phone_numbers)
        for name, one in settings.items()
        if not one.projects or project_id in one.projects
    ]


def marks_of(segment: Segment, lists: Iterable[WordList]) -> tuple[Mark, ...]:
    """What of some lists stands in a segment, in the order of the text."""
    text = segment.text
    places = sorted((*span, one.name) for one in lists for span in one.found(text))
    if not places:
        return ()
    words = _places(segment)
    return tuple(
        Mark(name, text[start:end], *_times(segment, words, start, end))
        for start, end, name in places
    )


def _whole(word: str) -> str:
    """The pattern of a word, which is no part of a longer one where its script has spaces."""
    before = "" if is_unspaced(word[0]) or not word[0].isalnum() else r"(?<![^\W_])"
    behind = "" if is_unspaced(word[-1]) or not word[-1].isalnum() else r"(?![^\W_])"
    return before + r"\s+".join(map(re.escape, word.split())) + behind


def _places(segment: Segment) -> list[tuple[int, int, int, int]]:
    """Of each word of a segment the place in its text, and its times."""
    found, at = [], 0
    for one in segment.word_info or ():
        start = segment.text.find(one.word, at)
        if start < 0:
            # Whatever has changed the text, times of other words would be wrong.
            return []
        at = start + len(one.word)
        found.append((start, at, one.start_time, one.end_time))
    return found


def _times(
    segment: Segment, words: Sequence[tuple[int, int, int, int]], start: int, end: int
) -> tuple[int, int]:
    touched = [one for one in words if one[0] < end and one[1] > start]
    if not touched:
        return segment.start_time, segment.end_time
    return touched[0][2], touched[-1][3]
