"""Times of words that take the place of others."""

from __future__ import annotations

from collections.abc import Sequence

from decoder import Word


def shared_by_letters(pieces: Sequence[str], written: Sequence[Word]) -> list[Word]:
    """`pieces` over the time of `written`, each with the share that its letters are of all.

    The confidence of each is that of the least certain of `written`, of which there is one at
    least.
    """
    start, end = written[0].start_sample, written[-1].end_sample
    confidence = min(word.confidence for word in written)
    total = sum(map(len, pieces))
    out = []
    past = 0
    for piece in pieces:
        begins = start + (end - start) * past // total
        past += len(piece)
        out.append(Word(piece, begins, start + (end - start) * past // total, confidence))
    return out
