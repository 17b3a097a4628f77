"""What a model writes of its own: told from the symbols that it has."""

from __future__ import annotations

import string

from decoder.engine import Writing
from decoder.sherpa.vocabulary import Style, Vocabulary, is_latin, is_special

_PUNCTUATIONS = (frozenset(",."), frozenset("，。"))
"""A script's comma and full stop: a model that writes sentences has both."""
_MOST_LETTERS = 20
"""Of the 26 Latin ones: a small vocabulary may lack a rare one."""


def writing_of(vocabulary: Vocabulary) -> Writing:
    """How a model of these symbols can write. Of bytes nothing is known: all of them can."""
    if vocabulary.style is Style.BYTES:
        return Writing()
    symbols = [symbol for symbol in vocabulary.symbols.values() if not is_special(symbol)]
    letters = {letter for symbol in symbols for letter in symbol}
    latin = {letter for letter in letters if is_latin(letter)}
    capitals = sum(letter.isupper() for letter in latin)
    return Writing(
        punctuation=any(marks <= letters for marks in _PUNCTUATIONS),
        case=min(capitals, len(latin) - capitals) >= _MOST_LETTERS,
        digits=set(string.digits) <= letters,
    )
