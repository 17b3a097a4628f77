"""`add_punc: no` for engines that write marks and capital letters of their own.

Owns the rule of what goes. Marks go, with the words that are nothing else; points inside of an
abbreviation stay ("a.m.", "U.S."), and titles are written in full ("Mr." is "mister"), as engines
without marks write them. The capital letter of a sentence's first word goes, unless the word is
known to be a name; words elsewhere stay as the engine wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from decoder import Word
from rasr.text.letter_case import beginnings, names_among, without_beginning
from rasr.text.marks import TITLES, split_marks, without_inner_marks
from rasr.text.timing import shared_by_letters


def without_marks(words: Sequence[Word], final: bool) -> tuple[Word, ...]:
    """The words bare, at their times; one that a dash holds together becomes several."""
    texts = [word.text for word in words]
    names = names_among(texts)
    out: list[Word] = []
    for word, begins in zip(words, beginnings(texts), strict=True):
        core = split_marks(word.text)[1]
        if core.endswith(".") and (title := TITLES.get(core[:-1].lower())):
            core = title
        elif begins:
            core = without_beginning(core, names)
        pieces = without_inner_marks(core)
        if pieces == [word.text]:
            out.append(word)
        elif len(pieces) == 1:
            out.append(replace(word, text=pieces[0]))
        else:
            out += shared_by_letters(pieces, [word])
    return tuple(out)
