"""Words to the letters of the IPA that neural voices were trained on, clause by clause.

English is espeak-ng's, with stress and marks kept. Mandarin is made of the syllables of pinyin by a
table: an initial, a final, and the tone as an arrow behind its vowel, as Kokoro's own front end
(misaki) writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.speech import SaidWord, Word, shared_by_weight

_ENGLISH: Final = "en-us"
_PAUSE_WEIGHT: Final = 4.0
"""A mark takes about as long as so many letters of the IPA."""

_SYLLABLE_WEIGHT: Final = 3.0

_INITIALS: Final = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l",
    "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ",
    "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s", "": "",
}  # fmt: skip
_FINALS: Final = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0",
    "en": "ə0n", "eng": "ə0ŋ", "er": "ɚ0", "i": "i0", "ia": "ja0", "ian": "jɛ0n",
    "iang": "ja0ŋ", "iao": "jau0", "ie": "je0", "in": "i0n", "iu": "jou0", "ing": "i0ŋ",
    "iong": "jʊ0ŋ", "io": "jɔ0", "o": "wo0", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "ui": "wei0",
    "ua": "wa0", "uai": "wai0", "uan": "wa0n", "un": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ",
    "uo": "wo0", "v": "y0", "ve": "ɥe0", "van": "ɥɛ0n", "vn": "y0n", "ê": "ɛ0", "m": "m0",
    "n": "n0", "ng": "ŋ0",
}  # fmt: skip
"""By how pinyin writes them behind an initial; 0 is the place of the tone."""
_BUZZED: Final = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
"""Behind these "i" is no vowel of its own."""
_TONES: Final = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_ROUNDED: Final = frozenset({"j", "q", "x"})
"""Behind these "u" is "ü"."""
_SYLLABLE: Final = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([a-zvê]+)([1-5])")
_WITHOUT_INITIAL: Final = {
    "yi": "i", "ya": "ia", "yan": "ian", "yang": "iang", "yao": "iao", "ye": "ie", "yin": "in",
    "you": "iu", "ying": "ing", "yong": "iong", "yo": "io", "yu": "v", "yue": "ve", "yuan": "van",
    "yun": "vn", "wu": "u", "wa": "ua", "wai": "uai", "wan": "uan", "wang": "uang", "wei": "ui",
    "wen": "un", "weng": "ueng", "wo": "uo",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """Words up to a mark."""

    words: tuple[Word, ...]
    ipa: str
    """With the mark behind it."""
    weights: tuple[float, ...]
    """About how long each word takes; the last one with the pause behind it."""


class Phonetics:
    """The IPA of pieces. It shares espeak-ng's library with whoever else uses it."""

    def __init__(self, library: EspeakLibrary) -> None:
        self._library = library

    def clauses(self, words: Sequence[Word]) -> Iterator[Clause]:
        """The clauses of some words, in order; those of which nothing can be said are left out."""
        clause: list[Word] = []
        for index, word in enumerate(words):
            clause.append(word)
            if word.mark or index + 1 == len(words):
                ipa = self._ipa(clause)
                if ipa:
                    weights = [_weight(one) for one in clause]
                    weights[-1] += _PAUSE_WEIGHT if word.mark and index + 1 < len(words) else 0
                    yield Clause(tuple(clause), ipa + word.mark, tuple(weights))
                clause = []

    def _ipa(self, words: Sequence[Word]) -> str:
        parts = [
            (part, syllable)
            for word in words
            for part, syllable in zip(word.said, word.pinyin or ("",) * len(word.said), strict=True)
        ]
        found = []
        for mandarin, run in groupby(parts, lambda part: bool(part[1])):
            if mandarin:
                found += [ipa for _, syllable in run if (ipa := syllable_ipa(syllable))]
            else:
                text = " ".join(part for part, _ in run)
                found.append(self._library.phonemes(text, _ENGLISH))
        return " ".join(one for one in found if one)


def _weight(word: Word) -> float:
    """About how many letters of the IPA it has."""
    syllables = word.pinyin or ("",) * len(word.said)
    return sum(
        _SYLLABLE_WEIGHT if syllable else len(part)
        for part, syllable in zip(word.said, syllables, strict=True)
    )


def syllable_ipa(syllable: str) -> str:
    """The IPA of a syllable of pinyin with its tone; empty for what is none."""
    bare, tone = syllable[:-1], syllable[-1:]
    full = _WITHOUT_INITIAL.get(bare)
    if full is not None:
        return _FINALS[full].replace("0", _TONES.get(tone, ""))
    found = _SYLLABLE.fullmatch(syllable)
    if bare in _FINALS and tone in _TONES:
        initial, final = "", bare
    elif found is None:
        return ""
    else:
        initial, final = found[1], found[2]
    if initial in _ROUNDED and final[:1] == "u":
        final = "v" + final[1:]
    if final == "ue":
        final = "ve"
    if final not in _FINALS:
        return ""
    vowel = "ɨ0" if final == "i" and initial in _BUZZED else _FINALS[final]
    return _INITIALS[initial] + vowel.replace("0", _TONES[tone])


def estimated(clauses: Sequence[Clause], seconds: float) -> tuple[SaidWord, ...]:
    """When the words of clauses are said, by their length; the time is that without silence."""
    words = [word for clause in clauses for word in clause.words]
    weights = [weight for clause in clauses for weight in clause.weights]
    return shared_by_weight(words, weights, 0.0, seconds)
