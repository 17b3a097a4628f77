"""Hot words in the units of a model: whether it can have them, and how each is spelled.

sherpa-onnx splits phrases into tokens itself, by a modeling unit: characters, BPE pieces, both, or
pieces of bytes. It writes a line to stderr about a word it cannot split and prefers half of it. So
each word is spelled here first, and what cannot be is given back to whoever asked for it.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from decoder.engine import HotWord
from decoder.errors import EngineUnavailable
from decoder.joining import is_unspaced
from decoder.sherpa.families import Family
from decoder.sherpa.model import Model
from decoder.sherpa.vocabulary import (
    MARK,
    Style,
    Vocabulary,
    byte_letters,
    is_special,
    read_pieces,
    write_pieces,
)

_SEPARATORS = re.compile(r"[\s\-‐-―_/·.,;:!?\"“”()\[\]、，。；：！？《》]+")
"""What stands between words and is not said. sherpa-onnx reads / : # and @ as signs of its own."""

_RAREST = -1e5


@dataclass(frozen=True, slots=True)
class HotWordPlan:
    """How a model takes hot words. Empty where they are off."""

    unit: str = ""
    """sherpa-onnx's modeling unit."""
    pieces: Mapping[str, float] = field(default_factory=dict)
    """BPE pieces and their scores, where the unit has them."""
    tokens: frozenset[str] = frozenset()
    """What may be said: the model's tokens."""

    @property
    def possible(self) -> bool:
        """True if the model takes hot words."""
        return bool(self.unit)

    @contextmanager
    def pieces_file(self) -> Iterator[str]:
        """A `bpe.vocab` for as long as sherpa-onnx reads it; empty where it needs none."""
        if not self.pieces:
            yield ""
            return
        with tempfile.TemporaryDirectory(prefix="bpe-") as folder:
            path = Path(folder, "bpe.vocab")
            # sherpa-onnx would rather leave a letter out that is no piece than take rare pieces
            # that hold it. As a piece that is rarer than all, it is taken only if it must be.
            letters = {letter for piece in self.pieces for letter in piece}
            write_pieces(dict.fromkeys(sorted(letters), _RAREST) | dict(self.pieces), path)
            yield str(path)


def plan_hot_words(model: Model, vocabulary: Vocabulary) -> HotWordPlan:
    """How the model takes hot words.

    Raises:
        EngineUnavailable: the model knows no hot words, or lacks a file for them, or has one that
            cannot be read.
    """
    if model.family is not Family.TRANSDUCER:
        raise EngineUnavailable(
            f"the {model.name} in {model.files.tokens.parent} knows no hot words; set the option "
            "hot_words to false, or choose a transducer"
        )
    return plan_spelling(model.files.tokens, model.files.pieces, vocabulary)


def plan_spelling(table: Path, pieces_file: Path | None, vocabulary: Vocabulary) -> HotWordPlan:
    """How a transducer takes hot words.

    Args:
        table: its `tokens.txt`, which `vocabulary` was read from.
        pieces_file: its `bpe.vocab` or `bpe.model`, where there is one.

    Raises:
        EngineUnavailable: it lacks a file for hot words, or has one that cannot be read.
    """
    tokens = frozenset(symbol for symbol in vocabulary.symbols.values() if not is_special(symbol))
    match vocabulary.style:
        case Style.WHOLE:
            return HotWordPlan("cjkchar", tokens=tokens)
        case Style.MARKED:
            characters = any(is_unspaced(token) for token in tokens if len(token) == 1)
            unit = "cjkchar+bpe" if characters else "bpe"
        case Style.BYTES:
            unit = "bbpe"
        case style:
            raise EngineUnavailable(
                f"hot words cannot be spelled in the {style} tokens of {table}; set "
                "the option hot_words to false, or choose another model"
            )
    if pieces_file is None:
        raise EngineUnavailable(
            f"{table.parent} has neither bpe.vocab nor bpe.model, which hot words need; they are "
            "beside the published model; put one there, or set the option hot_words to false"
        )
    pieces = {
        piece: score for piece, score in read_pieces(pieces_file).items() if not is_special(piece)
    }
    strange = sorted(piece for piece in pieces if piece not in tokens)
    if len(strange) > len(pieces) // 100:
        raise EngineUnavailable(
            f"{pieces_file} and {table} are of two models ({strange[0]!r} is in the first "
            "only); pull the model again"
        )
    # What the model cannot say must not be chosen when a word is split.
    return HotWordPlan(unit, pieces={p: s for p, s in pieces.items() if p in tokens}, tokens=tokens)


@dataclass(frozen=True, slots=True)
class Spelled:
    """Hot words as one recogniser wants them."""

    phrases: str
    """For `create_stream`; empty where no word could be spelled."""
    refused: tuple[HotWord, ...]
    """Those that the model has no tokens for."""


def spell(hot_words: Sequence[HotWord], plan: HotWordPlan, boost: float) -> Spelled:
    """Hot words in the tokens of the model, and those that cannot be written so.

    Args:
        boost: score of a token of a hot word of boost 1.
    """
    phrases: list[str] = []
    refused: list[HotWord] = []
    for hot_word in hot_words:
        phrase = _phrase(hot_word.text, plan)
        if phrase is None:
            refused.append(hot_word)
        else:
            phrases.append(f"{phrase} :{hot_word.boost * boost:.4f}")
    return Spelled("/".join(phrases), tuple(refused))


def _phrase(text: str, plan: HotWordPlan) -> str | None:
    """A phrase as sherpa-onnx splits it rightly, or None."""
    plain = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text)).strip()
    # The case that people write is rarely the one that a model knows.
    for cased in (plain, plain.lower(), plain.upper()):
        atoms = [spelled for atom in _atoms(cased) for spelled in (_spelled(atom, plan),)]
        if atoms and None not in atoms:
            return " ".join(atom for atom in atoms if atom is not None)
    return None


def _atoms(text: str) -> Iterator[str]:
    """Characters of scripts without spaces, and words of the others."""
    for word in text.split():
        run = ""
        for letter in word:
            if is_unspaced(letter):
                if run:
                    yield run
                yield letter
                run = ""
            else:
                run += letter
        if run:
            yield run


def _spelled(atom: str, plan: HotWordPlan) -> str | None:
    if plan.unit == "bbpe":
        letters = {byte: letter for letter, byte in byte_letters().items()}
        written = "".join(letters[byte] for byte in atom.encode())
        return atom if _covered(MARK + written, plan.pieces.__contains__) else None
    if is_unspaced(atom):
        return atom if atom in plan.tokens else None
    if plan.unit == "cjkchar":
        parts = _fewest(atom, plan.tokens)
        return " ".join(parts) if parts else None
    # sherpa-onnx passes to the pieces what begins with an ASCII letter, and nothing else.
    begins = atom[0].isascii() and atom[0].isalpha()
    if (begins or plan.unit == "bpe") and _covered(MARK + atom, plan.pieces.__contains__):
        return atom
    return None


def _covered(text: str, known: Callable[[str], bool]) -> bool:
    """True if pieces, one after the other, make the text."""
    reached = [True] + [False] * len(text)
    for end in range(1, len(text) + 1):
        reached[end] = any(reached[start] and known(text[start:end]) for start in range(end))
    return reached[-1]


def _fewest(text: str, tokens: frozenset[str]) -> list[str] | None:
    """The text in as few tokens as can be, or None."""
    best: list[list[str] | None] = [[]] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(end):
            before = best[start]
            if before is not None and text[start:end] in tokens:
                here = best[end]
                if here is None or len(before) + 1 < len(here):
                    best[end] = [*before, text[start:end]]
    return best[-1]
