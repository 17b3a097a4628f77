"""The words of the sentences and the patterns that they fill, from `words.toml`.

Owns reading that file and nothing else; `texts.py` makes sentences of it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

WORDS: dict[str, tuple[str, ...]] = {
    name: tuple(words.split()) for name, words in _TABLES["words"].items()
}
PATTERNS: dict[str, tuple[str, ...]] = {
    kind: tuple(patterns) for kind, patterns in _TABLES["patterns"].items()
}
_LATIN = re.compile(r"(?<![{a-z])[a-z]+(?![a-z}])")
"""English words of a pattern, which are no slots."""
NUMERALS = "零一二三四五六七八九十百千万两半点分年月日号块元幺星期礼拜"
"""What numbers, dates and times are made of."""


def characters() -> tuple[str, ...]:
    """Every Chinese character that a sentence can hold, sorted."""
    lists = (*WORDS.values(), *PATTERNS.values(), (NUMERALS,))
    found = {letter for some in lists for word in some for letter in word}
    return tuple(sorted(letter for letter in found if "一" <= letter <= "鿿"))


def mandarin() -> tuple[str, ...]:
    """Every Chinese word of the lists, sorted."""
    found = {word for some in WORDS.values() for word in some if not word.isascii()}
    return tuple(sorted(found))


def english() -> tuple[str, ...]:
    """Every English word, sorted."""
    lists = (*WORDS.values(), *(_LATIN.findall(pattern) for pattern in PATTERNS["mixed"]))
    return tuple(sorted({word for some in lists for word in some if word.isascii()}))
