"""Marks by a model: its text is laid beside the words, so that they keep their times.

The model is a function from bare text to text with marks; where it changes anything but marks and
case, `NotAligned` says so, and the rules stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from decoder import Word
from decoder.joining import join_words
from rasr.text.letter_case import in_sentence_case

_MARKS: Final = ",.?!;:，。？！、；："
_LATIN: Final = str.maketrans("，。？！、；：", ",.?!,;:")


class NotAligned(ValueError):
    """The model has written other words than it was given."""


@dataclass(frozen=True, slots=True)
class ModelPunctuator:
    """A punctuation model for one language, behind `rasr.text.punctuation.Punctuator`."""

    punctuated: Callable[[str], str]
    """Words without marks → the same with marks. Slow: it must run off the event loop."""
    case: bool
    """It writes capital letters too; else the rules for English do."""
    latin: bool
    """The language writes "," and "." and capital letters."""

    def __call__(self, words: Sequence[Word], final: bool) -> tuple[Word, ...]:
        """As many words, at the same times. Without `final` the last word gets no mark.

        Raises:
            NotAligned: the model has written other words.
        """
        if not words:
            return ()
        texts = [word.text for word in words]
        marked = _laid_beside(texts, self.punctuated(join_words(texts)))
        if self.latin:
            marked = [text.translate(_LATIN) for text in marked]
        if not final:
            marked[-1] = marked[-1].rstrip(_MARKS) or texts[-1]
        out = tuple(replace(word, text=text) for word, text in zip(words, marked, strict=True))
        return in_sentence_case(out, final) if self.latin and not self.case else out


def _laid_beside(texts: Sequence[str], written: str) -> list[str]:
    """Each word as it stands in `written`, with the marks behind it."""
    out: list[str] = []
    at = 0
    for text in texts:
        word = ""
        for letter in text:
            while at < len(written) and written[at].isspace():
                at += 1
            here = written[at : at + 1]
            if here.lower() != letter.lower():
                raise NotAligned("the punctuation model has changed a word")
            word += here
            at += 1
        while at < len(written) and (written[at].isspace() or written[at] in _MARKS):
            word += written[at].strip()
            at += 1
        out.append(word)
    if at < len(written):
        raise NotAligned("the punctuation model has written more words")
    return out
