"""Words, and how many of them a recogniser got wrong.

The command line counts with this module, so that it needs no further package; measurements use
jiwer, which tells the kinds of mistakes apart and aligns the texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from decoder.joining import is_unspaced


def words_of(text: str) -> list[str]:
    """Split a text into words in lower case; scripts that write no spaces give characters."""
    spaced = (f" {one} " if is_unspaced(one) else one for one in text.lower())
    return "".join(spaced).split()


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Count the fewest words to substitute, delete or insert that make one text the other."""
    row = list(range(len(hypothesis) + 1))
    for number, word in enumerate(reference, start=1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(hypothesis, start=1):
            substituted = diagonal + (word != other)
            diagonal = row[column]
            row[column] = min(substituted, row[column] + 1, row[column - 1] + 1)
    return row[-1]
