"""Where a plain text may be parted, so that its parts are read as the whole would be.

Owns what the readers look at around a word: English at the word behind an abbreviation, at scales
and units behind a number, at dates and telephone numbers with spaces; Chinese at two characters
behind a number. Where none of that is near, reading goes on behind the border as if nothing were
before it. Names of this kind are many in any text; a table of numbers may have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rasr.synthesis.reading.english import ABBREVIATIONS
from rasr.text.spoken import SCALES

_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_CHARACTER: Final = "\u3400-\u4dbf\u4e00-\u9fff"
_COUNTED: Final = "年月日号万亿"
"""Characters that a number may end with."""
_ENGLISH: Final = re.compile(
    rf"(?<!\S)[\"'(\[{{]*(?P<before>[{_LATIN}]+(?:'[{_LATIN}]+)*[.,;:?!]?)[\"')\]}}]* "
    rf"(?=(?P<after>[{_LATIN}]+))"
)
"""Two words of letters, with no mark but one behind the first."""
_CHINESE: Final = re.compile(
    rf"(?<=[^\W{_COUNTED}][^\W{_COUNTED}])(?<=[{_CHARACTER}][{_CHARACTER}])(?=[{_CHARACTER}])"
    rf"|(?<=[,;:] )(?=[0-9{_LATIN}{_CHARACTER}])"
    rf"|(?<=[{_LATIN}{_CHARACTER}] )(?=[{_LATIN}{_CHARACTER}])"
)
_JOINED: Final = re.compile(r"[\w.,:/~%+$€£¥°'&@#=-]")
"""What numbers, words of letters and addresses consist of; a Chinese character stands alone."""
_LOOK: Final = 64
"""Characters behind a border that are looked at: longer than any scale."""


@dataclass(frozen=True, slots=True)
class PartSize:
    """How long parts are, in characters."""

    usual: int = 150
    """A part ends at the first border behind so many."""
    most: int = 300
    """Where there is no such border, it ends between two words or numbers, which may be read
    otherwise then than together; and inside of one that is itself as long."""


def parted(text: str, size: PartSize, *, chinese: bool) -> Iterator[str]:
    """The parts of a plain text; joined they are the text.

    Args:
        chinese: it is read as Chinese.
    """
    at = 0
    while len(text) - at > size.usual:
        least, most = at + size.usual, min(at + size.most, len(text))
        end = _border(text, least, most, chinese=chinese)
        if end is None:
            if most == len(text):
                break
            end = _gap(text, least, most)
        yield text[at:end]
        at = end
    if at < len(text):
        yield text[at:]


def _border(text: str, least: int, most: int, *, chinese: bool) -> int | None:
    """The first place where nothing is read across."""
    pattern = _CHINESE if chinese else _ENGLISH
    for found in pattern.finditer(text, least, most + _LOOK):
        if found.end() > most:
            return None
        if chinese or (
            found["before"].lower() not in ABBREVIATIONS and found["after"].lower() not in SCALES
        ):
            return found.end()
    return None


def _gap(text: str, least: int, most: int) -> int:
    """The last place between two words or numbers; marks stay with the word before them."""
    between = [
        end
        for end in range(least + 1, most + 1)
        if not (_is_joined(text[end - 1]) and _is_joined(text[end]))
    ]
    words = [end for end in between if text[end - 1] == " " and text[end].isalnum()]
    return max(words or between, default=most)


def _is_joined(character: str) -> bool:
    return _JOINED.match(character) is not None and not "\u3400" <= character <= "\u9fff"
