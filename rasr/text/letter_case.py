"""Capital letters of English: where a sentence begins, and in names.

Owns which words are capital wherever they stand, as far as that is known without a model.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from decoder import Word
from rasr.text.marks import ends_sentence, split_marks

# "march" and "may" are verbs too.
_NAMES = frozenset(
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    | {"january", "february", "april", "june", "july", "august", "september"}
    | {"october", "november", "december"}
)


def cased(text: str, begins: bool) -> str:
    """A word in the case that it has in a sentence, where it `begins` one or not."""
    if begins or text in _NAMES or text == "i" or text.startswith("i'"):
        return text[:1].upper() + text[1:]
    return text


def beginnings(texts: Sequence[str]) -> list[bool]:
    """Of each word, with its marks, whether a sentence begins with it."""
    ends = [
        ends_sentence(text, following)
        for text, following in zip(texts, [*texts[1:], None], strict=False)
    ]
    return [True, *ends[:-1]] if texts else []


def in_sentence_case(words: Sequence[Word], final: bool) -> tuple[Word, ...]:
    """The words, whose marks are there, with the capital letters of their sentences."""
    # In capitals, because a small letter behind a stop says nothing where nobody writes case.
    begins = beginnings([word.text.upper() for word in words])
    out = []
    for word, is_first in zip(words, begins, strict=True):
        opening, core, closing = split_marks(word.text)
        out.append(replace(word, text=opening + cased(core, is_first) + closing))
    return tuple(out)


def names_among(texts: Sequence[str]) -> frozenset[str]:
    """Words with a capital letter that begin no sentence: names, and what counts as one."""
    begins = beginnings(texts)
    cores = [split_marks(text)[1] for text in texts]
    return frozenset(
        core
        for core, is_first in zip(cores, begins, strict=True)
        if not is_first and core[:1].isupper()
    )


def without_beginning(core: str, names: Collection[str]) -> str:
    """The first word of a sentence as it is written elsewhere.

    "I", a word of capitals or with one inside ("NASA", "McDonald"), a day, a month, and whatever
    is among `names` keep their capital; whether another word is a name cannot be known.
    """
    lower = core.lower()
    if core in names or lower in _NAMES or lower == "i" or lower.startswith(("i'", "i’")):
        return core
    if any(map(str.isupper, core[1:])):
        return core
    return core[:1].lower() + core[1:]
