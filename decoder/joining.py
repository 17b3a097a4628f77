"""Words to text: a space between words of scripts that write one, none between Chinese characters,
one between such a character and a word of letters.

Owns the one rule by which a text follows from its words, so that `Hypothesis.text` can always be
made again from `Hypothesis.words`: by an engine, and by whoever rewrites the words after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

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
        if text and word and _spaced(text[-1], word[0]):
            text += " "
        text += word
    return text


# Asked for every word of every partial; a language has few pairs of letters.
@lru_cache(maxsize=1 << 14)
def _spaced(before: str, after: str) -> bool:
    unspaced = (is_unspaced(before), is_unspaced(after))
    if all(unspaced) or not any(unspaced):
        return not any(unspaced)
    character, other = (before, after) if unspaced[0] else (after, before)
    # A word of letters stands apart in Chinese too; numbers do not, nor does anything from a mark.
    return character.isalpha() and other.isalpha()
