"""How wide text is, and how long it takes to be read.

Sources: the style guides of broadcasters and streaming services agree on 42 characters a line for
Latin scripts and on 16 to 20 for Chinese; on reading they say 17 to 20 characters a second for
adults, and 9 for Chinese. Mixed text is measured in a common unit, so that each character takes
its share of a line and of a second.
"""

from __future__ import annotations

import unicodedata

_LATIN_PER_LINE = 42
_WIDE_PER_LINE = 20
_LATIN_PER_S = 20
_WIDE_PER_S = 9

LINE_WIDTH = _LATIN_PER_LINE * _WIDE_PER_LINE
"""The width of a full line, in the unit of `width`."""

_LATIN_WIDTH = LINE_WIDTH // _LATIN_PER_LINE
_WIDE_WIDTH = LINE_WIDTH // _WIDE_PER_LINE


def is_wide(character: str) -> bool:
    """True for Chinese characters, full-width marks and what else is as wide as they are."""
    return unicodedata.east_asian_width(character) in "WF"


def width(text: str) -> int:
    """The width of `text`: a 42nd of a line for each Latin character, a 20th for a wide one.

    Spaces and marks count like letters.
    """
    return sum(_WIDE_WIDTH if is_wide(one) else _LATIN_WIDTH for one in text)


def reading_ms(text: str) -> int:
    """The least time in which `text` can be read, in ms, rounded up."""
    wide = sum(map(is_wide, text))
    units = (len(text) - wide) * _WIDE_PER_S + wide * _LATIN_PER_S
    return -(-units * 1000 // (_LATIN_PER_S * _WIDE_PER_S))
