"""What a model is told before it reads: hot words, and what was said just before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decoder.engine import HotWord

Encode = Callable[[str], Sequence[int]]
"""Text → numbers of its tokens."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens that stand before a reading."""

    tokens: tuple[int, ...]
    refused: tuple[HotWord, ...]
    """Hot words that found no room."""


def make_prompt(hot_words: Sequence[HotWord], context: str, encode: Encode, room: int) -> Prompt:
    """A prompt within its room: first hot words, the most wanted ones first, then the context.

    Whisper takes it for what was said before, and prefers its spelling and its words. Hot words get
    three quarters of the room at most where there is a context, of which the end is kept.

    Args:
        hot_words: those with a greater boost get room first, of equal ones the first.
        context: what was said just before, or "".
        encode: the model's tokeniser.
        room: most tokens in all.
    """
    stop = encode(".")
    for_words = (room * 3 // 4 if context else room) - len(stop)
    tokens: list[int] = []
    placed: set[int] = set()
    for index in sorted(range(len(hot_words)), key=lambda index: -hot_words[index].boost):
        # A word that is too long for what is left leaves it to shorter ones.
        text = hot_words[index].text.strip()
        more = encode(f", {text}" if tokens else f" {text}") if text else ()
        if more and len(tokens) + len(more) <= for_words:
            tokens += more
            placed.add(index)
    # Behind an open list the reading would go on in small letters.
    tokens += stop if tokens else ()
    refused = tuple(word for index, word in enumerate(hot_words) if index not in placed)
    before = encode(f" {context.strip()}") if context.strip() else ()
    left = room - len(tokens)
    return Prompt((*tokens, *before[max(0, len(before) - left) :]), refused)
