"""Words to text: a space between words of scripts that write one, none in Chinese.

Owns the one rule by which a text follows from its words, so that `Hypothesis.text` can always be
made again from `Hypothesis.words`: by an engine, and by whoever rewrites the words after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# CJK punctuation, kana, ideographs with extension A and the compatibility block, full-width
# forms, and the ideographs beyond the basic plane. Hangul is left out: Korean writes spaces.
_UNSPACED = re.compile(
    "[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def is_unspaced(character: str) -> bool:
    """True for a character of a script that writes no spaces: each is a word of its own."""
    return _UNSPACED.match(character) is not None


def join_words(words: Iterable[str]) -> str:
    """The text of words in order. Empty words leave no trace."""
    text = ""
    for word in words:
        if text and word and not (is_unspaced(text[-1]) or is_unspaced(word)):
            text += " "
        text += word
    return text
