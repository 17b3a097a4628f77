"""English numbers: which words are one beyond doubt, and which digits they may become.

Owns the expressions for both. The first finds cardinals, decimals, years, ordinals of two words,
sums of money, percentages, dates and times of day. It leaves alone what is a number only by its
letters: "just a second", "the third man", "one of them", "march on", "seven eleven". Units are no
part of a phrase, so that "sixty minutes" stays in minutes. The others refuse any written form that
is not digits in the shape of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rasr.text.digits import Phrase

_UNIT = "one|two|three|four|five|six|seven|eight|nine"
_TEEN = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SCALE = "hundred|thousand|million|billion|trillion"
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_ORDINAL_UNIT = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_ORDINAL = (
    f"{_ORDINAL_UNIT}|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth"
    "|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
)

_WORD = f"(?:zero|{_UNIT}|{_TEEN}|{_TENS})"
# "a hundred" is a number of its own only when more of it follows.
_HEAD = (
    rf"(?:{_WORD}|a(?= (?:{_SCALE}) (?:and {_WORD}|{_WORD}|{_SCALE}|dollars|percent|per cent)\b))"
)
# "and" joins only below a scale: in "two and three" it is a word. "oh" is a zero only inside.
_AND = r"(?:(?<=hundred )|(?<=thousand )|(?<=million )|(?<=billion ))and "
_MORE = rf"(?: (?:{_AND})?{_WORD}| (?:{_SCALE})| (?:oh|point)(?= {_WORD}\b))"
_CARDINAL = rf"{_HEAD}(?:{_MORE})*"
_COMPOUND_ORDINAL = (
    rf"(?:{_TENS}) (?:{_ORDINAL_UNIT})"
    rf"|{_HEAD}(?:{_MORE})* (?:hundred|thousand) (?:and )?(?:(?:{_TENS}) )?(?:{_ORDINAL})"
)
_MONEY = rf"{_CARDINAL} dollars?(?: and (?:{_WORD})(?: {_WORD})? cents?)?"
_DAY = rf"(?:(?:twenty|thirty) )?(?:{_ORDINAL})"
_DATE = rf"(?:{_MONTH}) {_DAY}(?: {_CARDINAL})?|(?:the )?{_DAY} of (?:{_MONTH})(?: {_CARDINAL})?"
_HOUR = f"(?:{_UNIT}|ten|eleven|twelve)"
_MINUTE = rf"(?:(?:{_TENS})(?: (?:{_UNIT}))?|oh (?:{_UNIT})|{_TEEN})"
_CLOCK = (
    rf"{_HOUR}(?: {_MINUTE})? [ap]\.? ?m\b\.?|{_HOUR} o'clock"
    rf"|(?:half|quarter) past {_HOUR}|quarter to {_HOUR}|(?<=\bat ){_HOUR} {_MINUTE}"
)

_DECADE = (
    r"(?:eighteen|nineteen|twenty) "
    r"(?:tens|twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties)"
)

_PHRASE = re.compile(
    rf"(?<![\w'-])(?:(?P<date>{_DATE})|(?P<clock>{_CLOCK})|(?P<ordinal>{_COMPOUND_ORDINAL})"
    rf"|(?P<decade>{_DECADE})|(?P<number>{_MONEY}|{_CARDINAL}(?: percent| per cent)?))(?![\w'-])",
    re.IGNORECASE,
)
# One of these is in every phrase: a look at the words is 30 times cheaper than the expression.
_TELLING = frozenset(f"zero|{_UNIT}|{_TEEN}|{_TENS}|{_SCALE}|{_ORDINAL}".split("|"))
_LONE = re.compile(f"{_UNIT}|zero|ten|eleven|twelve")

_WRITTEN = {
    "date": re.compile(rf"(?:{_MONTH})(?: \d+){{1,2}}|\d+ (?:{_MONTH})(?: \d+)?"),
    "clock": re.compile(r"\d{1,2}:\d\d(?: [ap]\.m\.)?"),
    "ordinal": re.compile(r"\d+(?:st|nd|rd|th)"),
    "decade": re.compile(r"\d{4}s"),
    # A large one keeps its scale as a word: 5 million.
    "number": re.compile(rf"\$?\d+(?:\.\d+)?%?(?: (?:{_SCALE}))?"),
}


class EnglishNumbers:
    """What English knows about its numbers."""

    def phrases(self, text: str) -> Iterator[Phrase]:
        """The numbers of a text that are such beyond doubt, in order and disjoint."""
        if _TELLING.isdisjoint(text.lower().split()):
            return
        for found in _PHRASE.finditer(text):
            spoken = found[0].lower()
            kind = found.lastgroup
            # wetext leaves these as words, and "one" is in every other sentence.
            if kind is None or _LONE.fullmatch(spoken):
                continue
            if spoken.startswith("a "):
                spoken = "one" + spoken[1:]
            if kind == "clock":
                spoken = re.sub(r" ([ap])\.? ?m\.?$", r" \1 m", spoken)
            yield Phrase(found.start(), found.end(), spoken, kind)

    def written(self, phrase: Phrase, rewritten: str) -> str | None:
        """`rewritten` in its final form, or None if `phrase` could not mean it."""
        # People write 20% and 7:30 where wetext writes "20 %" and "07:30".
        tidy = re.sub(r"^0(?=\d:)", "", rewritten.replace(" %", "%"))
        return tidy if _WRITTEN[phrase.kind].fullmatch(tidy) else None
