"""Mandarin characters to syllables, in their context: words cut by jieba, read by pypinyin.

Owns the few characters whose reading follows from their place in the sentence and not from a word,
and the tones as they are said next to each other: 你好 is "ni2 hao3", 一个 "yi2 ge4".
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

_PRONOUNS: Final = frozenset("我你您他她它咱谁") | {"我们", "你们", "他们", "她们", "咱们", "大家"}
_GROWS: Final = frozenset("得大成出")
"""Before these 长 is "zhang3": it grows."""
_GAINED: Final = frozenset("了到过")
"""Before these 得 is "de2": somebody gains something."""
_OWED: Final = frozenset("钱书债账款")
"""What is given back: 还 before it is "huan2"."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "得去": ("dei3", "qu4"),
    "跑得快": ("pao3", "de5", "kuai4"),
    "头发": ("tou2", "fa5"),
    "着": ("zhe5",),
}
"""Words that pypinyin's phrases read otherwise than people do."""
_NUMERALS: Final = frozenset("零一二三四五六七八九十百千万亿点第年月日号幺")


class Pinyin:
    """The readings of characters. Loading takes a second and 100 MB."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # jieba's own source has escapes that Python warns of.
            warnings.simplefilter("ignore")
            import jieba
            import pypinyin
        self._pypinyin: Any = pypinyin
        self._cutter = jieba.Tokenizer()
        # As its `initialize` does, but for a cache in the folder of temporary files, which anybody
        # may have written.
        words = self._cutter.get_dict_file()
        self._cutter.FREQ, self._cutter.total = self._cutter.gen_pfdict(words)
        self._cutter.initialized = True

    def syllables(self, text: str) -> list[str]:
        """One syllable for each character of a text of nothing else: "ni3"; 5 is no tone.

        A character that nobody knows the reading of stays itself.
        """
        words: list[str] = list(self._cutter.cut(text, HMM=False))
        found: list[str] = []
        for index, word in enumerate(words):
            before = words[index - 1] if index else ""
            after = words[index + 1] if index + 1 < len(words) else ""
            found += _by_place(word, before, after) or self._looked_up(word)
        return _with_sandhi(found, text)

    def _looked_up(self, word: str) -> list[str]:
        style = self._pypinyin.Style.TONE3
        found: list[str] = self._pypinyin.lazy_pinyin(
            word, style=style, neutral_tone_with_five=True, errors=list
        )
        return found if len(found) == len(word) else list(word)


def _by_place(word: str, before: str, after: str) -> tuple[str, ...]:
    """The reading that the words around it decide; empty where they decide nothing."""
    match word:
        case "长":
            return ("zhang3",) if after[:1] in _GROWS and after else ("chang2",)
        case "还":
            gives = after in _PRONOUNS or after[:1] in _OWED
            return ("huan2",) if gives and after else ()
        case "得":
            if before in _PRONOUNS:
                return ("dei3",)
            return () if after[:1] in _GAINED and after else ("de5",)
        case "地":
            # Behind a word that says how; "地" of the ground stands behind 在, 土, 此 and the like.
            return ("de5",) if len(before) > 1 and after else ()
    return _WORDS.get(word, ())


def _with_sandhi(syllables: Sequence[str], text: str) -> list[str]:
    """The tones as they are said next to each other.

    Of third tones in a row all but the last become the second; 不 before a fourth tone is the
    second; 一 before a fourth tone is the second, before others the fourth, unless it is a digit.
    """
    said = list(syllables)
    for index in range(len(said) - 1):
        here, after = syllables[index], syllables[index + 1]
        if text[index] == "不" and after.endswith("4"):
            said[index] = "bu2"
        elif text[index] == "一" and _is_article(text, index):
            said[index] = "yi2" if after.endswith("4") or text[index + 1] == "个" else "yi4"
        elif here.endswith("3") and after.endswith("3"):
            said[index] = here[:-1] + "2"
    return said


def _is_article(text: str, index: int) -> bool:
    """False for 一 as a digit: beside other numerals, or before a unit of the calendar."""
    before = text[index - 1] if index else ""
    return before not in _NUMERALS and text[index + 1] not in _NUMERALS
