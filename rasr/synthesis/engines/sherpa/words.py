"""Words in the form that a model of sherpa-onnx is given them in: text, letters of the IPA, tokens.

Lexicons are read here and not by the library where the model takes tokens: of words that a lexicon
lacks it says nothing, and we have espeak-ng's letters of the IPA for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.phonetics import Phonetics, as_kokoro_was_taught
from rasr.synthesis.engines.sherpa.families import Family, FrontEnd
from rasr.synthesis.engines.sherpa.voice_model import VoiceModel
from rasr.synthesis.speech import Word

_MANDARIN = "cmn"
_MARKS = frozenset(",;:.?!")
_AS_LEXICONS_HAVE_THEM = {";": ",", ":": ","}


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is given in one go: one of the three."""

    text: str = ""
    phones: tuple[str, ...] = ()
    """Letters of the IPA, one character each."""
    tokens: tuple[str, ...] = ()


class Words(Protocol):
    """Makes what a model is given."""

    def told(self, words: Sequence[Word]) -> Iterator[Told]:
        """The words of a piece, in as few parts as the model takes."""


def words_for(model: VoiceModel, library: EspeakLibrary) -> Words:
    """What makes the words of a model."""
    match model.front_end:
        case FrontEnd.LIBRARY:
            return _AsText()
        case FrontEnd.PHONES:
            return _AsPhones(model, library)
        case FrontEnd.LEXICON:
            return _AsTokens(model, library)


class _AsText:
    """The library has a front end of its own for these."""

    def told(self, words: Sequence[Word]) -> Iterator[Told]:
        text, before = "", False
        for word in words:
            for part, syllable in zip(word.said, word.syllables, strict=True):
                letters = not syllable and part.isascii()
                text += f" {part}" if letters and before else part
                before = letters
            text += _AS_LEXICONS_HAVE_THEM.get(word.mark, word.mark)
            before = before or bool(word.mark)
        yield Told(text=text)


class _AsPhones:
    def __init__(self, model: VoiceModel, library: EspeakLibrary) -> None:
        mandarin = _MANDARIN if "chinese" in model.languages else None
        self._phonetics = Phonetics(library, model.accent, mandarin)
        self._model = model

    def told(self, words: Sequence[Word]) -> Iterator[Told]:
        ipa = _taught(self._phonetics.ipa(words), self._model)
        known = tuple(one for one in ipa if one in self._model.symbols)
        for part in _parts(known, self._model):
            yield Told(phones=part)


class _AsTokens:
    def __init__(self, model: VoiceModel, library: EspeakLibrary) -> None:
        self._model = model
        self._library = library
        self._lexicon: dict[str, str] = {}
        for file in model.lexicons:
            _read_lexicon(file, self._lexicon)
        self._longest = max(map(len, self._lexicon), default=1)

    def told(self, words: Sequence[Word]) -> Iterator[Told]:
        parts = [
            part
            for word in words
            for part in (*zip(word.said, word.syllables, strict=True), (word.mark, ""))
            if part[0]
        ]
        tokens: list[str] = []
        for mandarin, run in groupby(parts, lambda part: bool(part[1])):
            tokens += (self._mandarin if mandarin else self._others)(list(run))
        known = tuple(one for one in tokens if one in self._model.symbols)
        for some in _parts(known, self._model):
            yield Told(tokens=some)

    def _mandarin(self, run: Sequence[tuple[str, str]]) -> Iterator[str]:
        """By the longest words of the lexicon; else by syllables, or single characters."""
        at, symbols = 0, self._model.symbols
        while at < len(run):
            for end in range(min(len(run), at + self._longest), at + 1, -1):
                found = self._lexicon.get("".join(part for part, _ in run[at:end]))
                if found is not None:
                    yield from found.split()
                    at = end
                    break
            else:
                part, syllable = run[at]
                yield from [syllable] if syllable in symbols else self._letters(part)
                at += 1

    def _others(self, run: Sequence[tuple[str, str]]) -> Iterator[str]:
        """Words of letters with spaces between, and marks."""
        for number, (part, _) in enumerate(run):
            if part in _MARKS:
                yield part
                continue
            if number:
                yield " "
            yield from self._letters(part)

    def _letters(self, part: str) -> Iterator[str]:
        """A word of letters, by the lexicon or as espeak-ng says it."""
        found = self._lexicon.get(part.lower())
        if found is not None:
            yield from found.split()
        elif part.isascii():
            yield from _taught(self._library.phonemes(part, self._model.accent), self._model)


def _parts(known: tuple[str, ...], model: VoiceModel) -> Iterator[tuple[str, ...]]:
    """As few as the model takes at a time."""
    most = model.most_tokens or len(known)
    for at in range(0, len(known), max(most, 1)):
        yield known[at : at + most]


def _taught(ipa: str, model: VoiceModel) -> str:
    return as_kokoro_was_taught(ipa) if model.family is Family.KOKORO else ipa


def _read_lexicon(file: Path, lexicon: dict[str, str]) -> None:
    """A word and its tokens in a line, or a word, two bars and its letters of the IPA."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            word, bars, phones = line.rstrip("\n").partition("||")
            if bars:
                lexicon.setdefault(word.strip().lower(), " ".join(phones.strip()))
                continue
            word, _, tokens = line.strip().partition(" ")
            lexicon.setdefault(word.lower(), tokens)
