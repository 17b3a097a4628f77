"""What is not a word: marks, which are few here, and what nobody says, which is left out."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

STOPS: Final = ".?!"
"""They end a sentence."""
INNER: Final = ",;:"
"""They end a part of one."""

_SQUARED: Final = {"km²": "平方公里", "cm²": "平方厘米", "mm²": "平方毫米", "m²": "平方米"}
_CUBED: Final = {"cm³": "立方厘米", "m³": "立方米"}
_UNITS: Final = re.compile("|".join([*_SQUARED, *_CUBED]))
_LIKE: Final = str.maketrans(
    {
        # With a space: "100，200" is no number, and a Chinese stop ends any sentence.
        "。": ". ",
        "｡": ". ",
        "，": ", ",
        "、": ", ",
        "·": " ",
        "；": ";",
        "：": ":",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "ʼ": "'",
        "「": '"',
        "」": '"',
        "『": '"',
        "』": '"',
        "《": '"',
        "》": '"',
        "【": "(",
        "】": ")",
        "–": "-",
        "\u2212": "-",
        "〜": "~",
        "～": "~",
        "\u2044": "/",
    }
)
_DASHES: Final = re.compile(r"—+|-{2,}|…+|\.{3,}")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINES: Final = re.compile(r"(?<![.?!,;:\n])\s*\n\s*\n\s*")
_SILENT: Final = frozenset({"So", "Sk", "Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me"})
"""Categories of Unicode: pictures, controls, what joins them, and marks that stand above nothing
once a text is composed."""


def plain(text: str, *, chinese: bool) -> str:
    """The text with one form of each letter and mark, without what nobody says.

    Args:
        chinese: it has Chinese characters; units that Unicode writes as one are said in Chinese.
    """
    if chinese:
        text = _UNITS.sub(lambda found: (_SQUARED | _CUBED)[found[0]], text)
    text = unicodedata.normalize("NFKC", text.translate(_LIKE)).translate(_LIKE)
    text = _DASHES.sub(", ", text)
    # An empty line ends what stands before it: a heading has no stop.
    text = _LINES.sub(". ", text)
    kept = "".join(" " if one.isspace() else one for one in text if one.isspace() or _is_said(one))
    return _SPACES.sub(" ", kept).strip()


def mark_of(marks: str) -> str:
    """The one mark that counts of those behind a word; "" where none does."""
    for strong in "?!.":
        if strong in marks:
            return strong
    return next((one for one in ";:," if one in marks), "")


def _is_said(character: str) -> bool:
    return unicodedata.category(character) not in _SILENT or character in "°"
