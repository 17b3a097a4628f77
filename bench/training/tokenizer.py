"""The tokens that the model writes: Chinese characters one by one, English words whole.

It writes `tokens.txt` and `bpe.vocab`. Each English word of the sentences is one token; letters are
tokens as well, so that sherpa-onnx can cut any hot word with the `bpe.vocab` (the best path by the
sum of the scores), but no sentence is spelled by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase

from bench.training import sentences
from bench.training.espeak import Unit

BLANK = "<blk>"
UNKNOWN = "<unk>"
MARK = "▁"
"""Begins a word."""
_WORD_SCORE = -1
_LETTER_SCORE = -10


class Tokenizer:
    """The tokens of the model and how a text is cut into them: nothing is drawn or learned."""

    def __init__(self) -> None:
        self.words = tuple(MARK + word for word in sentences.english())
        self.letters = (MARK, *ascii_lowercase)
        self.tokens = (BLANK, UNKNOWN, *self.words, *self.letters, *sentences.characters())
        self._ids = {token: index for index, token in enumerate(self.tokens)}

    def encode(self, units: Iterable[Unit]) -> tuple[list[int], list[float]]:
        """Return token numbers, and the second at which each has been said."""
        ids: list[int] = []
        ends: list[float] = []
        for unit in units:
            whole = MARK + unit.text if unit.text.isascii() else unit.text
            ids.append(self._ids[whole])
            ends.append(unit.end_s)
        return ids, ends

    def write(self, folder: Path) -> None:
        """Write `tokens.txt` and `bpe.vocab`, as sherpa-onnx reads them."""
        table = "".join(f"{token} {index}\n" for index, token in enumerate(self.tokens))
        (folder / "tokens.txt").write_text(table, encoding="utf-8")
        scores = [(UNKNOWN, 0), *((word, _WORD_SCORE) for word in self.words)]
        scores += [(letter, _LETTER_SCORE) for letter in self.letters]
        lines = "".join(f"{piece}\t{score}\n" for piece, score in scores)
        (folder / "bpe.vocab").write_text(lines, encoding="utf-8")
