"""Chinese numbers: which characters are one beyond doubt, and which digits they may become.

Owns the expressions that find cardinals, digits said one by one, decimals, percentages and
fractions, and the single digits of dates and times of day. One numeral alone is far more often
part of a word (一起, 一定, 十分) than a number, and stays. So do the approximations 七八个, 四五十
and the doubled 三三两两. Units (年月日, 块, 分钟) are no part of a phrase: 二零二四年五月三号
becomes 2024年5月3号, not the 2024/05/03 that nobody said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rasr.text.digits import Phrase, Rewrite

_DIGIT = "零〇一二三四五六七八九"
_NUMERAL = f"[{_DIGIT}幺两十百千万亿]"
_SINGLE = {"〇": "0", "两": "2", "十": "10"} | {
    numeral: str(value) for value, numeral in enumerate("零一二三四五六七八九")
}
_ONE = f"[{''.join(_SINGLE)}]"

_PHRASE = re.compile(
    rf"百分之{_NUMERAL}+(?:点[{_DIGIT}]+)?"
    rf"|{_NUMERAL}+分之{_NUMERAL}+"
    # An hour is told from a decimal by what follows the minutes.
    rf"|{_NUMERAL}{{1,3}}(?=点(?:半|钟|整|{_NUMERAL}{{1,3}}分))"
    rf"|(?<=点){_NUMERAL}{{1,3}}(?=分)"
    rf"|{_NUMERAL}+点[{_DIGIT}]+"
    rf"|(?<!{_NUMERAL}){_ONE}(?=月(?:{_NUMERAL}{{1,3}}[日号])?|[日号])(?!日子)"
    rf"|{_NUMERAL}{{2,}}"
)
_WRITTEN = re.compile(r"\d+(?:\.\d+)?[万亿]?%?|\d+/\d+")
_SPELLED = re.compile(f"[{_DIGIT}幺两]+")


def spell_single(rewrite: Rewrite) -> Rewrite:
    """`rewrite`, with numerals of one character written too: wetext leaves them alone."""
    return lambda spoken: _SINGLE.get(spoken) or rewrite(spoken)


class ChineseNumbers:
    """What Chinese knows about its numbers."""

    def phrases(self, text: str) -> Iterator[Phrase]:
        """The numbers of a text that are such beyond doubt, in order and disjoint."""
        for found in _PHRASE.finditer(text):
            yield Phrase(found.start(), found.end(), found[0])

    def written(self, phrase: Phrase, rewritten: str) -> str | None:
        """`rewritten` in its final form, or None if `phrase` could not mean it."""
        # 两 counts things; nobody spells a number with it.
        if "两" in phrase.spoken[1:] and _SPELLED.fullmatch(phrase.spoken):
            return None
        return rewritten if _WRITTEN.fullmatch(rewritten) else None
