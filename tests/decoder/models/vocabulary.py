"""The tokens of the models, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HAN = tuple("零一二三四五六七八九十百千你好我他天气今明北京上海中国人大小")
PIECES = ("▁the", "▁cat", "▁do", "g", "s", "▁open", "▁run", "n", "ing", "▁hel", "lo", "▁wor", "ld")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
MIXED = ("<blk>", *HAN, *PIECES, *(f"▁{letter}" for letter in LETTERS), *LETTERS[:6])
"""Blank first, as icefall has it."""
CONTINUED = ("<blank>", "<s>", "</s>", *HAN, "he@@", "llo", "world", *(f"{x}@@" for x in LETTERS))
"""FunASR's: pieces that do not end a word end in @@."""
SPACED = (*(chr(code) for code in range(0x430, 0x450)), " ", "<blk>")
"""T-one's: Russian letters and a space, blank last."""


def write_tokens(folder: Path, tokens: Sequence[str]) -> None:
    lines = (f"{token} {number}\n" for number, token in enumerate(tokens))
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")
