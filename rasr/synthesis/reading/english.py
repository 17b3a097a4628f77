"""English as it is said: what `rasr.text.spoken` knows, and what is read aloud otherwise.

Recognition compares single words; here somebody listens: "May 3" is "May third", a telephone number
has its pauses, and letters in capitals are said one by one where they are no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from rasr.synthesis.reading.marks import mark_of
from rasr.synthesis.speech import Word
from rasr.text.marks import split_marks
from rasr.text.spoken import Speller

_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORT_MONTHS: Final = {
    one: month
    for month in _MONTHS
    for one in (month[:3], f"{month[:3]}.", "sept." if month == "september" else f"{month[:3]}.")
    if month != "may"
}
_DAY: Final = re.compile(r"([12]?\d|3[01]|0\d)(?:st|nd|rd|th)?")
_YEAR: Final = re.compile(r"1[1-9]\d\d|20\d\d")
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TELEPHONE: Final = re.compile(
    r"(?:\+?1[- .])?\(?\d{3}\)?[- .]\d{3}[- .]\d{4}|\d{3}-\d{4}|\+\d{1,3}(?:[- ]\d{2,4}){2,5}"
)
_CLOCK: Final = re.compile(r"(\d{1,2})(:\d\d)?([ap])\.?m\.?", re.IGNORECASE)
_CODE: Final = re.compile(r"([A-Za-z]+)(\d+)([A-Za-z]*)")
_RANGE: Final = re.compile(r"([$£€]?\d+(?:\.\d+)?)[-~](\d+(?:\.\d+)?%?)")
ABBREVIATIONS: Final = {
    "st.": "street", "ave.": "avenue", "vs.": "versus", "etc.": "et cetera", "approx.": "about",
    "dept.": "department", "e.g.": "for example", "i.e.": "that is", "no.": "number",
    "w/": "with", "&": "and", "@": "at", "+": "plus", "=": "equals", "#": "number",
}  # fmt: skip
"""What is not read as it stands; how, may be for the word behind it to say."""
_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FRONT: Final = "\"'([{"
_BEHIND: Final = "\"')]}.,;:!?"
_FEET: Final = re.compile(r"(\d+)'(?:(\d+)\")?")


class EnglishReader:
    """Texts in letters to words as they are said."""

    def __init__(self, speller: Speller) -> None:
        self._speller = speller

    def words(self, text: str) -> Iterator[Word]:
        """The words of a plain text."""
        texts = _with_whole_numbers(text)
        pending: Word | None = None
        for first, last in self._groups(texts):
            following = texts[last] if last < len(texts) else ""
            core, marks = _bare(" ".join(texts[first:last]), following)
            said = self.said(core, following)
            if said:
                if pending is not None:
                    yield pending
                pending = Word(core, said, mark=mark_of(marks))
            elif pending is not None and not pending.mark:
                pending = replace(pending, mark=mark_of(marks))
        if pending is not None:
            yield pending

    def said(self, core: str, following: str = "") -> tuple[str, ...]:
        """One written word, number or group of them, without marks around it."""
        lower = core.lower()
        if lower == "st." and following[:1].isupper():
            return ("saint",)
        if lower in ABBREVIATIONS and not (lower == "no." and not following[:1].isdigit()):
            return tuple(ABBREVIATIONS[lower].split())
        if date := self._date(core):
            return date
        if _TELEPHONE.fullmatch(core):
            return self.telephone(core)
        if clock := _CLOCK.fullmatch(core):
            hour = clock[1] + (clock[2] or "")
            said = self._speller.spoken(hour.removesuffix(":00"))
            return (*said, f"{clock[3].upper()}", "M")
        if feet := _FEET.fullmatch(core):
            inches = (*self._speller.spoken(feet[2]), "inches") if feet[2] else ()
            return (*self._speller.spoken(feet[1]), "feet", *inches)
        if span := _RANGE.fullmatch(core):
            return (*self._speller.spoken(span[1]), "to", *self._speller.spoken(span[2]))
        if code := _CODE.fullmatch(core):
            letters = code[1] if not code[1].isupper() else " ".join(code[1])
            behind = self._speller.spoken(code[2])
            return (*letters.split(), *behind, *code[3].split())
        if "&" in core and core.replace("&", "").isalpha():
            return tuple(" and ".join(core.split("&")).split())
        if core.replace("'", "").isalpha():
            # In its own case: engines know "US" from "us".
            return (core,)
        return self._speller.spoken(core)

    def digits(self, text: str) -> tuple[str, ...]:
        """Each digit by its name; what is none is left out."""
        return tuple(_DIGITS[int(one)] for one in text if one.isdecimal())

    def telephone(self, text: str) -> tuple[str, ...]:
        """Each digit by its name."""
        return self.digits(text)

    def number(self, text: str) -> tuple[str, ...]:
        """A number, time or amount, as it is said."""
        return self._speller.spoken(text)

    def _groups(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """What is said together: dates in words, and what the speller says so."""
        first = 0
        spans = list(self._speller.together(texts))
        for begin, end in spans:
            if begin < first:
                continue
            date_end = _date_end(texts, begin)
            yield begin, max(date_end, end)
            first = max(date_end, end)

    def _date(self, core: str) -> tuple[str, ...]:
        if iso := _ISO.fullmatch(core):
            year, month, day = iso.groups()
            if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
                return (
                    _MONTHS[int(month) - 1].capitalize(),
                    *self._ordinal(day),
                    *self._speller.spoken(year),
                )
            return ()
        parts = core.replace(",", " ").split()
        if len(parts) < 2:
            return ()
        day_first = _DAY.fullmatch(parts[0]) is not None
        month = _month(parts[1 if day_first else 0])
        day = _DAY.fullmatch(parts[0 if day_first else 1])
        if month is None or day is None:
            return ()
        year_said = self._speller.spoken(parts[2]) if len(parts) > 2 else ()
        if day_first:
            return ("the", *self._ordinal(day[1]), "of", month.capitalize(), *year_said)
        return (month.capitalize(), *self._ordinal(day[1]), *year_said)

    def _ordinal(self, day: str) -> tuple[str, ...]:
        return self._speller.spoken(f"{int(day)}{ordinal_ending(day)}")


def ordinal_ending(digits: str) -> str:
    """What makes an ordinal of a number: "st" of 21."""
    # The last two say it; of thousands of digits Python makes no number.
    number = int(digits[-2:])
    if 10 < number < 14:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _date_end(texts: Sequence[str], first: int) -> int:
    """Where a date in words ends that begins at `first`; `first` where none does."""
    if first + 1 >= len(texts):
        return first
    one, two = texts[first], texts[first + 1]
    has_year = first + 2 < len(texts) and _YEAR.fullmatch(texts[first + 2].rstrip(_BEHIND))
    if _month(one) and _DAY.fullmatch(two.rstrip(_BEHIND)):
        behind = two[len(two.rstrip(_BEHIND)) :]
        return first + (3 if has_year and behind in ("", ",") else 2)
    if _DAY.fullmatch(one) and _month(two.rstrip(",;:!?")):
        return first + (3 if has_year and two[-1:].isalpha() else 2)
    return first


def _month(text: str) -> str | None:
    """The month that a word names. In small letters it would be a verb: "may 5", "march 3"."""
    lower = text.lower()
    if not text[:1].isupper():
        return None
    return lower if lower in _MONTHS else _SHORT_MONTHS.get(lower)


def _with_whole_numbers(text: str) -> list[str]:
    """The words of a text; a telephone number with spaces in it is one."""
    kept: list[str] = []
    at = 0
    for found in _TELEPHONE.finditer(text):
        if text[found.start() - 1 : found.start()].isalnum() or text[found.end() :][:1].isalnum():
            continue
        kept += text[at : found.start()].split()
        kept.append(found[0])
        at = found.end()
    return kept + text[at:].split()


def _bare(written: str, following: str) -> tuple[str, str]:
    """A group without the marks around it, and those behind it."""
    bare = written.lstrip(_FRONT)
    if bare.lower() in ABBREVIATIONS:
        # A point may be the abbreviation's and the sentence's.
        ends = bare.endswith("c.") and not following[:1].islower()
        return bare, "." if ends else ""
    bare = written.rstrip(",;:!?" if written.lower().endswith("m.") else ".,;:!?")
    if any(one.fullmatch(bare) for one in (_TELEPHONE, _FEET, _CLOCK)):
        return bare, written[len(bare) :]
    _, core, marks = split_marks(written)
    return (core, marks) if core else ("", marks)
