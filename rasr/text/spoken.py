"""Written words to spoken ones: "$5" to "five dollars", "1961" to "nineteen sixty one".

Owns which words of a text are not written as they are said. Only those, with the neighbours that
they are said together with ("$5 million"), are handed to the grammar of wetext: 0.2 to 1.5 ms each.
A word of letters costs a few µs and never gets there. Where that grammar writes what nobody says
("1,500" without its "one", "1990s" as seconds), the text is made clearer before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, Protocol

from decoder.joining import is_unspaced
from rasr.text.marks import INITIALS, TITLES

Normalise = Callable[[str], str]
"""A written text → the same as it is said."""

_PLAIN = str.maketrans("’‘ʼ\u2044", "'''/")
_DIGITS_EN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS_ZH = "零一二三四五六七八九"
_LONGEST_NUMBER = 15
"""Digits; more of them, an account or a serial number, are said one by one."""

_MONEY = re.compile(r"([$£€])(\d+)\.(\d\d)")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_BARE_THOUSAND = re.compile(r"(?<![\d.,])1000(?![\d.,])")
_COUNTS = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|.*teen|.*ty|hundred"
)
_DECADE = re.compile(r"'?((?:\d\d)?\d0)'?s", re.IGNORECASE)
_TELEPHONE = re.compile(r"\+?\d{1,4}(?:-\d{2,5})*-\d{4,5}")
_HOUR = re.compile(r"(\d{1,2}):00")
SCALES: Final = frozenset({"hundred", "thousand", "million", "billion", "trillion"})
"""They belong to the number before them."""
_UNITS = frozenset(
    {"km", "m", "cm", "mm", "kg", "g", "mg", "lb", "lbs", "oz", "l", "ml", "mph", "ft", "%"}
)
_CENTS = {"$": "cents", "£": "pence", "€": "cents"}

_NUMBER_ZH = re.compile(r"[\d.,:%/$¥€£+-]+")
_UNITS_ZH = frozenset("年月日号点分秒时块元")


class Speller(Protocol):
    """How one language says what is written. Pure; it never raises."""

    def spoken(self, text: str) -> tuple[str, ...]:
        """The words of a text as they are said: small letters, no marks, no digits.

        Args:
            text: one or more written words, such as "$5", "Mr." or "rock-hearted".

        Returns:
            For Chinese a word is a character. Empty where nothing is said: a mark alone.
        """

    def together(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Written words that must be spoken as one, as ranges [first, last) of `texts`.

        The ranges are in order, cover all of `texts` and are mostly of one word.
        """


class EnglishSpeller:
    """English: numbers, money, times, titles, initials and compounds."""

    def __init__(self, normalise: Normalise) -> None:
        """
        Args:
            normalise: `wetext.Normalizer(lang="en", operator="tn").normalize`.
        """
        self._normalise = normalise

    def spoken(self, text: str) -> tuple[str, ...]:
        """As `Speller.spoken`."""
        texts = unicodedata.normalize("NFKC", text).translate(_PLAIN).split()
        return tuple(
            word
            for first, last in self.together(texts)
            for word in self._said(texts[first:last], texts[last] if last < len(texts) else "")
        )

    def together(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """A number, and the scale or unit behind it: "$5 million", "10 km"."""
        first = 0
        while first < len(texts):
            last = first + 1
            if any(map(str.isdigit, texts[first])):
                while last < len(texts) and _continues(texts[last - 1], texts[last]):
                    last += 1
            yield first, last
            first = last

    def _said(self, texts: Sequence[str], following: str) -> tuple[str, ...]:
        core = _without_marks(" ".join(texts))
        if core.replace("'", "").isalpha():
            word = core.lower()
            is_title = word in TITLES and texts[-1].rstrip(",;:!?\"')]").endswith(".")
            return (TITLES[word] if is_title else word,)
        # A point inside or behind letters: "a.m.", "U.S.", "e.g".
        if INITIALS.fullmatch(core):
            return tuple(core.replace(".", "").lower())
        if _is_compound(core):
            return _words(core.replace(".", " dot "))
        parts = core.split("-")
        if len(parts) > 1 and any(map(str.isalpha, parts)):
            return tuple(word for part in parts if part for word in self._said((part,), ""))
        has_half_of_day = following.lower().replace(".", "").strip(",;!?") in ("am", "pm")
        if has_half_of_day and (hour := _HOUR.fullmatch(core)):
            core = hour[1]
        if _TELEPHONE.fullmatch(core) or sum(map(str.isdigit, core)) > _LONGEST_NUMBER:
            return _one_by_one(core)
        return self._normalised(core)

    def _normalised(self, core: str) -> tuple[str, ...]:
        try:
            if decade := _DECADE.fullmatch(core):
                *before, tens = _words(self._normalise(decade[1]))
                return (*before, tens[:-1] + "ies" if tens.endswith("y") else tens + "s")
            clear = _MONEY.sub(_with_cents, core).replace("#", "number ")
            said = _counted(_words(self._normalise(_BARE_THOUSAND.sub("1,000", clear))))
        except (RuntimeError, ValueError, LookupError, AssertionError):
            return _one_by_one(core)
        return said if not any(map(str.isdigit, "".join(said))) else _one_by_one(core)


class ChineseSpeller:
    """Chinese: digits to characters; words of letters stay words."""

    def __init__(self, normalise: Normalise) -> None:
        """
        Args:
            normalise: `wetext.Normalizer(lang="zh", operator="tn").normalize`.
        """
        self._normalise = normalise

    def spoken(self, text: str) -> tuple[str, ...]:
        """As `Speller.spoken`."""
        clear = unicodedata.normalize("NFKC", text).translate(_PLAIN)
        if any(map(str.isdigit, clear)):
            try:
                said = str(self._normalise(_GROUPED.sub("", clear)))
            except (RuntimeError, ValueError, LookupError, AssertionError):
                said = clear
            clear = "".join(_digit(one, _DIGITS_ZH) if one.isdigit() else one for one in said)
        return _characters(clear)

    def together(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Neighbours of digits and their signs, and a unit that decides how they are said."""
        first = 0
        while first < len(texts):
            last = first + 1
            if _NUMBER_ZH.fullmatch(texts[first]):
                while last < len(texts) and _NUMBER_ZH.fullmatch(texts[last]):
                    last += 1
                if last < len(texts) and texts[last][:1] in _UNITS_ZH:
                    last += 1
            yield first, last
            first = last


class RememberingSpeller:
    """A speller that says what it has just said without asking the grammar again.

    What it has said is part of a transcript, so it belongs to one recognition and goes with it.
    """

    def __init__(self, speller: Speller, texts: int) -> None:
        """
        Args:
            texts: so many are remembered.
        """
        self.spoken = lru_cache(texts)(speller.spoken)
        self.together = speller.together


def _continues(before: str, after: str) -> bool:
    """True if a number and the word behind it are said as one."""
    if before[-1] in ",;.!?)":
        return False
    bare = after.lower().rstrip(".,;:!?)")
    return bare in SCALES or (bare in _UNITS and before[-1].isdigit())


def _without_marks(text: str) -> str:
    """The text without marks around it; signs that are said stay."""
    first, last = 0, len(text)
    while first < last and not (text[first].isalnum() or text[first] in "$£€¥#+-@&%'."):
        first += 1
    while last > first and not (text[last - 1].isalnum() or text[last - 1] in "$£€¥%°+@&#"):
        last -= 1
    core = text[first:last]
    if not core[1:2].isdigit():
        # A point before a digit begins a fraction: ".5".
        core = core.lstrip(".")
    if core[:1] in ("'", "-", "+") and not core[1:2].isdigit() and len(core) > 1:
        core = core[1:]
    return core


def _is_compound(core: str) -> bool:
    """True for words of letters that marks join: "rock-hearted", "and/or"."""
    return bool(core) and all(one.isalpha() or one in "-'–—/_." for one in core)


def _words(text: str) -> tuple[str, ...]:
    """The words of a text in small letters, without marks. Digits stay."""
    kept = "".join(one if one.isalnum() or one == "'" else " " for one in text.lower())
    return tuple(word for part in kept.split() if (word := part.strip("'")))


def _counted(said: tuple[str, ...]) -> tuple[str, ...]:
    """The words, with the "one" that the grammar leaves out before "thousand"."""
    out: list[str] = []
    for word in said:
        if word == "thousand" and not (out and _COUNTS.fullmatch(out[-1])):
            out.append("one")
        out.append(word)
    return tuple(out)


def _one_by_one(text: str) -> tuple[str, ...]:
    """Each digit by its name, letters together; what is neither is left out."""
    spaced = "".join(f" {_digit(one, _DIGITS_EN)} " if one.isdigit() else one for one in text)
    return _words(spaced)


def _digit(character: str, names: Sequence[str]) -> str:
    return names[unicodedata.digit(character)]


def _with_cents(found: re.Match[str]) -> str:
    sign, whole, cents = found.groups()
    return f"{sign}{whole}" if cents == "00" else f"{sign}{whole} and {int(cents)} {_CENTS[sign]}"


def _characters(text: str) -> tuple[str, ...]:
    """Chinese characters one by one, words of letters whole; marks are left out."""
    spaced = "".join(f" {one} " if is_unspaced(one) and one.isalpha() else one for one in text)
    return _words(spaced)


def load_spellers() -> dict[str, Speller]:
    """The spellers by the English names of their languages. Takes 0.3 s and 20 MB."""
    return {
        "english": EnglishSpeller(_wetext("en")),
        "chinese": ChineseSpeller(_wetext("zh")),
    }


def _wetext(language: str) -> Normalise:
    # Here, because importing wetext loads the grammars of all its languages.
    from wetext import Normalizer

    normalise = Normalizer(lang=language, operator="tn").normalize  # type: ignore[no-untyped-call]
    return lambda written: str(normalise(written))
