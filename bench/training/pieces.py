"""What the model writes: Chinese characters one by one, English in pieces.

Owns `tokens.txt` and `bpe.vocab`. The pieces are a unigram vocabulary by sentencepiece, because
that is how sherpa-onnx cuts hot words with a `bpe.vocab` (the best path by the sum of the scores):
training cuts its texts in the same way, by the same file.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import sentencepiece

from bench.training import words
from bench.training.espeak import Unit

PIECES = 170
BLANK = "<blk>"
UNKNOWN = "<unk>"


class Pieces:
    """The tokens of one model and how a text is cut into them."""

    def __init__(self, model: bytes, characters: Sequence[str]) -> None:
        self._model = model
        self._cutter = sentencepiece.SentencePieceProcessor(model_proto=model)
        size = self._cutter.get_piece_size()
        pieces = [self._cutter.id_to_piece(index) for index in range(size)]
        self.pieces = [
            (piece, self._cutter.get_score(index))
            for index, piece in enumerate(pieces)
            if not self._cutter.is_control(index)
        ]
        english = [piece for piece, _ in self.pieces if piece != UNKNOWN]
        self.tokens = (BLANK, UNKNOWN, *english, *characters)
        self._ids = {token: index for index, token in enumerate(self.tokens)}

    @classmethod
    def learned(cls) -> Pieces:
        """From the words of the sentences: always the same ones, nothing is drawn."""
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(words.english()),
            model_writer=model,
            model_type="unigram",
            vocab_size=PIECES,
            bos_id=-1,
            eos_id=-1,
            split_by_number=True,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
        )
        return cls(model.getvalue(), words.characters())

    def cut(self, units: Iterable[Unit]) -> tuple[list[int], list[float]]:
        """Token numbers, and the second at which each has been said."""
        ids: list[int] = []
        ends: list[float] = []
        for unit in units:
            cut = self._cutter.encode(unit.text, out_type=str) if unit.text.isascii() else unit.text
            ids += [self._ids[token] for token in cut]
            edges = np.linspace(unit.start_s, unit.end_s, len(cut) + 1).tolist()
            ends += [right for _, right in pairwise(edges)]
        return ids, ends

    def write(self, folder: Path) -> None:
        """`tokens.txt` and `bpe.vocab`, as sherpa-onnx reads them."""
        table = "".join(f"{token} {index}\n" for index, token in enumerate(self.tokens))
        (folder / "tokens.txt").write_text(table, encoding="utf-8")
        scores = "".join(f"{piece}\t{score:g}\n" for piece, score in self.pieces)
        (folder / "bpe.vocab").write_text(scores, encoding="utf-8")
