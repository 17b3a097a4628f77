"""Chinese, and words of letters in it, as they are said: digits by wetext, and by what they are.

Owns where a number begins and ends and what it is: a telephone number is said digit by digit, with
幺 for 1; an amount by its places; a date and a time of day as such. What it is decides what wetext
is given; a number goes there with the characters behind it, because "2" before 个 is 两.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from decoder.joining import is_unspaced
from rasr.synthesis.reading.marks import mark_of
from rasr.synthesis.speech import Word
from rasr.text.spoken import Speller

_TELEPHONE: Final = re.compile(
    r"(?:\+?86[- ]?)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?!\d)"
    r"|0\d{2,3}-\d{7,8}(?!\d)"
    r"|[48]00-\d{3}-\d{4}(?!\d)|[48]00-\d{4}-\d{3}(?!\d)"
)
_AMOUNT = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_NUMBER: Final = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"
    r"|\d{4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?"
    r"|\d{1,2}月\d{1,2}[日号]"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?!\d)"
    r"|\d+:\d+"
    rf"|[$€£¥]\s?{_AMOUNT}[万亿]?"
    r"|\d+(?:\.\d+)?[-~]\d+(?:\.\d+)?%?"
    rf"|-?{_AMOUNT}(?:%|‰|°[CF]|km/h|m/s|kg|km|cm|mm|mg|ml|mL|m(?![A-Za-z])|g(?![A-Za-z])"
    r"|L(?![A-Za-z]))"
    r"|\d+/\d+(?![\d/])"
    rf"|(?<![\w.-])-{_AMOUNT}"
    rf"|{_AMOUNT}"
)
_MONEY: Final = re.compile(r"([$€£¥])\s?(\d[\d,]*)(?:\.(\d+))?([万亿]?)")
_CURRENCIES: Final = {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元"}
_RANGE: Final = re.compile(r"(\d+(?:\.\d+)?)[-~](\d+(?:\.\d+)?%?)")
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:['.&+-][^\W\d_]+)*")
_BEHIND: Final = 2
"""Characters behind a number that may change how it is said."""
_LONGEST: Final = 8
"""Digits; more of them, or a zero before others, are said one by one."""
_DIGITS: Final = "零一二三四五六七八九"
_TELEPHONE_DIGITS: Final = "零幺二三四五六七八九"
_NUMERALS: Final = dict(zip("〇〡〢〣〤〥〦〧〨〩〸", "零一二三四五六七八九十", strict=True))
"""The zero of 二〇二四年, and numerals of merchants: to Python they are no letters."""
_SIGNS: Final = {"&": "和", "@": "at", "%": "百分号", "+": "加", "=": "等于", "#": "井号"}


class ChineseReader:
    """Texts with Chinese characters to words as they are said."""

    def __init__(self, speller: Speller, letters: Callable[[str], tuple[str, ...]]) -> None:
        """
        Args:
            speller: of Chinese.
            letters: how a word of letters is said.
        """
        self._speller = speller
        self._letters = letters

    def words(self, text: str) -> Iterator[Word]:
        """The words of a plain text; a character is one, unless it is part of a number."""
        pending: Word | None = None
        marks = ""
        for word, mark in self._scanned(text):
            if word is None:
                marks += mark
                continue
            if pending is not None:
                yield _marked(pending, marks)
            pending, marks = word, ""
        if pending is not None:
            yield _marked(pending, marks)

    def digits(self, text: str) -> tuple[str, ...]:
        """Each digit by its name; what is none is left out."""
        return tuple(_DIGITS[int(one)] for one in text if one.isdecimal())

    def telephone(self, text: str) -> tuple[str, ...]:
        """Each digit by its name on the telephone."""
        return tuple(_TELEPHONE_DIGITS[int(one)] for one in text if one.isdecimal())

    def number(self, text: str) -> tuple[str, ...]:
        """A number, date, time or amount, as it is said."""
        if money := _MONEY.fullmatch(text):
            sign, whole, cents, scale = money.groups()
            amount = whole.replace(",", "") + (f".{cents}" if cents and set(cents) - {"0"} else "")
            return self._spoken(amount) + tuple(scale + _CURRENCIES[sign])
        if span := _RANGE.fullmatch(text):
            return (*self._spoken(span[1]), "到", *self._spoken(span[2]))
        bare = text.replace(",", "")
        if bare.isdecimal() and (len(bare) > _LONGEST or (bare[0] == "0" and len(bare) > 1)):
            return self.digits(bare)
        return self._spoken(bare)

    def _scanned(self, text: str) -> Iterator[tuple[Word | None, str]]:
        """Words, and between them marks."""
        at = 0
        while at < len(text):
            here = text[at]
            if found := _TELEPHONE.match(text, at):
                yield Word(found[0], self.telephone(found[0].removeprefix("+"))), ""
                at = found.end()
            elif (found := _NUMBER.match(text, at)) and any(map(str.isdecimal, found[0])):
                behind = text[found.end() : found.end() + _BEHIND]
                orders = text[at - 1 : at] == "第"
                yield self._counted(found[0], "" if orders else behind), ""
                at = found.end()
            elif is_unspaced(here) and here.isalpha():
                yield Word(here, (here,)), ""
                at += 1
            elif here in _NUMERALS:
                yield Word(here, (_NUMERALS[here],)), ""
                at += 1
            elif not is_unspaced(here) and (found := _LETTERS.match(text, at)):
                # A character ends a word of letters.
                end = next((i for i in range(at, found.end()) if is_unspaced(text[i])), found.end())
                said = self._letters(text[at:end])
                if said:
                    yield Word(text[at:end], said), ""
                at = end
            elif here in _SIGNS:
                yield Word(here, tuple(_SIGNS[here]) if here != "@" else ("at",)), ""
                at += 1
            else:
                yield None, here
                at += 1

    def _counted(self, text: str, behind: str) -> Word:
        """A number before characters that may change how it is said."""
        tail = ""
        for one in behind:
            if not (is_unspaced(one) and one.isalpha()):
                break
            tail += one
        if tail and text.replace(",", "").isdecimal() and len(text.replace(",", "")) <= _LONGEST:
            said = self._spoken(text.replace(",", "") + tail)
            if said[-len(tail) :] == tuple(tail) and len(said) > len(tail):
                return Word(text, said[: -len(tail)])
        return Word(text, self.number(text))

    def _spoken(self, text: str) -> tuple[str, ...]:
        return self._speller.spoken(text)


def _marked(word: Word, marks: str) -> Word:
    mark = mark_of(marks)
    return Word(word.text, word.said, mark=mark) if mark else word
