"""Words to the letters of the IPA that neural voices were trained on, clause by clause.

English is espeak-ng's, with stress and marks kept. Mandarin is made of the syllables of pinyin by a
table: an initial, a final, and the tone as an arrow behind its vowel, as Kokoro's own front end
(misaki) writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.speech import SaidWord, Word, shared_by_weight

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

_AS_KOKORO_WAS_TAUGHT: Final = (
    (re.compile("ʲ"), "j"),
    (re.compile("r"), "ɹ"),
    (re.compile("ɬ"), "l"),
    (re.compile(r"(?<=[a-zɹː])(?=hˈʌndɹɪd)"), " "),
    (re.compile(r"(?<=nˈaɪn)ti(?!ː)"), "di"),
)


class Phonetics:
    """The IPA of pieces. It shares espeak-ng's library with whoever else uses it."""

    def __init__(
        self, library: EspeakLibrary, english: str = "en-us", mandarin: str | None = None
    ) -> None:
        """
        Args:
            english: whose English, as espeak-ng names it.
            mandarin: whose Mandarin, for voices that were taught by espeak-ng; None for Kokoro's.
        """
        self._library = library
        self._english = english
        self._mandarin = mandarin

    def ipa(self, words: Sequence[Word]) -> str:
        """The IPA of some words, with their marks; clauses of which nothing can be said are left
        out."""
        clauses, clause = [], list[Word]()
        for index, word in enumerate(words):
            clause.append(word)
            if word.mark or index + 1 == len(words):
                ipa = self._of_clause(clause)
                if ipa:
                    clauses.append(ipa + word.mark)
                clause = []
        return " ".join(clauses)

    def _of_clause(self, words: Sequence[Word]) -> str:
        parts = [
            (part, syllable)
            for word in words
            for part, syllable in zip(word.said, word.syllables, strict=True)
        ]
        found = []
        for mandarin, run in groupby(parts, lambda part: bool(part[1])):
            if mandarin and self._mandarin:
                text = " ".join(syllable for _, syllable in run)
                found.append(self._library.phonemes(text, self._mandarin))
            elif mandarin:
                found += [ipa for _, syllable in run if (ipa := syllable_ipa(syllable))]
            else:
                text = " ".join(part for part, _ in run)
                found.append(self._library.phonemes(text, self._english))
        return " ".join(one for one in found if one)


def _weight(word: Word) -> float:
    """About how many letters of the IPA it has."""
    return sum(
        _SYLLABLE_WEIGHT if syllable else len(part)
        for part, syllable in zip(word.said, word.syllables, strict=True)
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


def as_kokoro_was_taught(ipa: str) -> str:
    """Where espeak-ng writes English otherwise than Kokoro was taught, after kokoro-js."""
    for pattern, instead in _AS_KOKORO_WAS_TAUGHT:
        ipa = pattern.sub(instead, ipa)
    return ipa


def estimated(words: Sequence[Word], seconds: float) -> tuple[SaidWord, ...]:
    """When words are said, by their length and their marks; the time is that without silence."""
    weights = [_weight(word) + (_PAUSE_WEIGHT if word.mark else 0) for word in words]
    if words and words[-1].mark:
        weights[-1] -= _PAUSE_WEIGHT
    return shared_by_weight(words, weights, 0.0, seconds)
