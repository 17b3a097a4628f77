"""Marks of words: what stands around the letters, and where a sentence ends.

Marks are part of the word that they follow, an opening one of the word that it precedes. A point
may belong to the word itself ("Mr.", "a.m.", "3.5"); such a one ends no sentence.
"""

from __future__ import annotations

import re
from typing import Final

STOPS: Final = ".!?…。！？"
"""They end a sentence."""
CLOSING: Final = STOPS + ",;:，；：、\"'”’)]}）】》」』—–-~"
_OPENING = "\"'“‘([{（【《「『¿¡—–-~…."
_BEHIND_A_STOP = "\"'”’)]}）】》」』"
_DASHES = re.compile("[—–…]+|-{2,}|[.]{2,}")

TITLES: Final = {
    "mr": "mister",
    "mrs": "missus",
    "ms": "miss",
    "dr": "doctor",
    "prof": "professor",
    "jr": "junior",
    "sr": "senior",
}
"""English abbreviations before or behind a name that are written with a point, and said in full."""
_ABBREVIATIONS = frozenset({"st", "vs", "etc", "inc", "ltd", "co", "approx"})
_BEFORE_DIGITS = frozenset({"no", "vol", "fig", "p", "pp", "ch"})

INITIALS: Final = re.compile(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}\.?")
"""Letters with points between them: "a.m.", "U.S", "Ph.D."."""


def split_marks(text: str) -> tuple[str, str, str]:
    """A word as its opening marks, the word itself, and its closing marks.

    A sign that is said stays with the word ("-5", "20%"), and so does a point that belongs to it.
    A word of marks alone is all closing marks.
    """
    if text.isalnum():
        return "", text, ""
    core = text.rstrip(CLOSING)
    closing = text[len(core) :]
    inner = core.lstrip(_OPENING)
    if closing[:1] == "." and (INITIALS.fullmatch(inner + ".") or _bare(core) in TITLES):
        inner, core, closing = inner + ".", core + ".", closing[1:]
    opening = core[: len(core) - len(inner)]
    if opening[-1:] in ("-", ".", "'") and opening and inner[:1].isdigit():
        opening, inner = opening[:-1], opening[-1] + inner
    return opening, inner, closing


def without_inner_marks(core: str) -> list[str]:
    """The words of one written word that dashes or dots hold together: "well—no"."""
    return _DASHES.sub(" ", core).split()


def ends_sentence(text: str, following: str | None) -> bool:
    """True if a sentence ends with this word.

    Args:
        text: the word with its marks.
        following: the word behind it; None where there is none yet.
    """
    core = text.rstrip(_BEHIND_A_STOP)
    if core[-1:] not in STOPS or not core:
        return False
    if following is not None and following.lstrip(_OPENING)[:1].islower():
        return False
    if not core.endswith(".") or core.endswith(".."):
        return True
    bare = _bare(core)
    if bare in _BEFORE_DIGITS and following is not None:
        return not following[:1].isdigit()
    is_initial = len(bare) == 1 and bare.isascii() and bare.isalpha() and bare != "i"
    is_abbreviation = bare in TITLES or bare in _ABBREVIATIONS
    return not (is_initial or is_abbreviation or INITIALS.fullmatch(core.lstrip(_OPENING)))


def _bare(core: str) -> str:
    return core.strip(_OPENING).rstrip(".").lower()
