"""Sentences to be said: patterns with their slots filled, numbers and dates, rows of words.

The words and the patterns are in `words.toml`. Sentences are drawn only from the generator that is
given: the same seed gives the same sentences. A digest of its text says whether a sentence is one
of training or held out.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

_TABLES = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

WORDS: dict[str, tuple[str, ...]] = {
    name: tuple(words.split()) for name, words in _TABLES["words"].items()
}
PATTERNS: dict[str, tuple[str, ...]] = {
    kind: tuple(patterns) for kind, patterns in _TABLES["patterns"].items()
}
_LATIN = re.compile(r"(?<![{a-z])[a-z]+(?![a-z}])")
"""English words of a pattern, which are no slots."""
NUMERALS = "零一二三四五六七八九十百千万两半点分年月日号块元幺星期礼拜"
"""What numbers, dates and times are made of."""
HELD_OUT_SHARE = 10
"""One sentence in so many is held out, by a digest of its text: never trained on."""

DIGITS = "零一二三四五六七八九"
_ROW = (
    *("city", "place", "device", "food", "topic", "person", "name", "phrase"),
    *("thing", "thing", "action", "action", "quality", "other"),
)
"""Lists that rows of words are drawn from; the longest ones count twice."""
_SLOT = re.compile(r"\{(\w+)\}")


class Kind(StrEnum):
    """What a sentence is made of."""

    MANDARIN = "mandarin"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it is given to the voice: commas are pauses, everything else is said."""

    spoken: str
    kind: Kind

    @property
    def written(self) -> str:
        """As a recogniser is to write it: no commas, spaces around English words alone."""
        return tidy(self.spoken)

    @property
    def held_out(self) -> bool:
        digest = hashlib.sha256(self.written.encode()).digest()
        return digest[0] * 256 + digest[1] < 65536 // HELD_OUT_SHARE


def tidy(text: str) -> str:
    """Take commas out, and the spaces that touch a Chinese character on both sides or an edge."""
    return " ".join(_units(text, joined=True))


def units(text: str) -> list[str]:
    """Chinese characters and English words, in order: what error rates count by."""
    return list(_units(text, joined=False))


def _units(text: str, *, joined: bool) -> Iterator[str]:
    pattern = r"[a-z']+|[一-鿿]+" if joined else r"[a-z']+|[一-鿿]"
    for match in re.finditer(pattern, text.lower().replace("，", "" if joined else " ")):
        yield match[0]


def draw(random: Random) -> Sentence:
    """One sentence of any kind."""
    kind = random.choices((Kind.MANDARIN, Kind.MIXED), weights=(70, 30))[0]
    row = random.random() < 0.3
    match kind:
        case Kind.MANDARIN:
            spoken = _row(random, 1) if row else _filled(random, PATTERNS["mandarin"])
        case Kind.MIXED:
            spoken = _mixed_row(random) if row else _filled(random, PATTERNS["mixed"])
    return Sentence(spoken, kind)


def draw_many(random: Random, count: int, *, held_out: bool) -> list[Sentence]:
    """So many different sentences from one side of the line between training and test."""
    found: dict[str, Sentence] = {}
    while len(found) < count:
        text = draw(random)
        if text.held_out is held_out:
            found.setdefault(text.written, text)
    return list(found.values())


def cardinal(value: int) -> str:
    """A number from 0 to 99,999,999 as it is said: 10305 is 一万零三百零五.

    Raises:
        ValueError: `value` is outside that range.
    """
    if not 0 <= value < 100_000_000:
        raise ValueError(f"{value} is not in 0 to 99,999,999")
    if value == 0:
        return "零"
    high, low = divmod(value, 10_000)
    if not high:
        said = _below_ten_thousand(low)
    else:
        gap = "零" if 0 < low < 1000 else ""
        said = f"{_below_ten_thousand(high)}万{gap}{_below_ten_thousand(low)}"
    return said[1:] if said.startswith("一十") else said


def _below_ten_thousand(value: int) -> str:
    said = ""
    gap = False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + name
        gap = not digit
    return said


def digits(value: str) -> str:
    return "".join(DIGITS[int(digit)] for digit in value)


def _filled(random: Random, patterns: tuple[str, ...]) -> str:
    return _SLOT.sub(lambda slot: _fill(random, slot[1]), random.choice(patterns))


def _fill(random: Random, slot: str) -> str:
    match slot:
        case "number":
            return cardinal(random.randrange(10 ** random.randint(1, 7)))
        case "small":
            return cardinal(random.randint(2, 99))
        case "money":
            return cardinal(random.randrange(3, 10 ** random.randint(1, 5))) + random.choice("块元")
        case "code":
            return "".join(random.choice(DIGITS) for _ in range(random.randint(3, 6)))
        case "phone":
            # 一 is said 幺 in telephone numbers.
            rest = "".join(random.choice(DIGITS[:1] + "幺" + DIGITS[2:]) for _ in range(9))
            return "幺" + random.choice("三五七八九") + rest
        case "weekday":
            return random.choice(("星期", "礼拜")) + random.choice("一二三四五六")
        case "date":
            return _date(random)
        case "time":
            return _time(random)
        case "name":
            rare = random.random() < 0.05
            return random.choice(WORDS["rarename" if rare else "name"])
        case _:
            return random.choice(WORDS[slot])


def _date(random: Random) -> str:
    month = cardinal(random.randint(1, 12))
    day = f"{month}月{cardinal(random.randint(1, 31))}{random.choice('日号')}"
    if random.random() < 0.5:
        return day
    return f"{digits(str(random.randint(1950, 2035)))}年{day}"


def _time(random: Random) -> str:
    part = random.choice(("上午", "下午", "晚上", "早上", ""))
    hour = random.randint(1, 12)
    said = part + ("两" if hour == 2 else cardinal(hour)) + "点"
    minute = random.choice((0, 5, 15, 30, random.randrange(60)))
    if minute == 0:
        return said
    if minute == 30 and random.random() < 0.5:
        return said + "半"
    return said + ("零" if minute < 10 else "") + cardinal(minute) + "分"


def _row(random: Random, least: int) -> str:
    """Words side by side, no sentence: each is heard next to every other one."""
    lists = [WORDS[name] for name in _ROW]
    row = [random.choice(random.choice(lists)) for _ in range(random.randint(least, 6))]
    if len(row) > 4 and random.random() < 0.5:
        row[3] += "，"
    return "".join(row)


def _mixed_row(random: Random) -> str:
    parts = [_row(random, 1)] if random.random() < 0.8 else []
    parts.append(random.choice(WORDS["mixed"] + WORDS["englishname"]))
    if random.random() < 0.7:
        parts.append(random.choice(WORDS["thing"] + WORDS["action"] + WORDS["quality"]))
    return " ".join(parts)


def characters() -> tuple[str, ...]:
    """Every Chinese character that a sentence can hold, sorted."""
    lists = (*WORDS.values(), *PATTERNS.values(), (NUMERALS,))
    found = {letter for some in lists for word in some for letter in word}
    return tuple(sorted(letter for letter in found if "一" <= letter <= "鿿"))


def mandarin() -> tuple[str, ...]:
    """Every Chinese word of the lists, sorted."""
    found = {word for some in WORDS.values() for word in some if not word.isascii()}
    return tuple(sorted(found))


def english() -> tuple[str, ...]:
    """Every English word, sorted."""
    lists = (*WORDS.values(), *(_LATIN.findall(pattern) for pattern in PATTERNS["mixed"]))
    return tuple(sorted({word for some in lists for word in some if word.isascii()}))
