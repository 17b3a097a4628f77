"""From a text, plain or SSML, to the pieces that engines say.

Owns which language a sentence is read in: Chinese characters make it Chinese (Cantonese where that
is asked for), and a sentence without any is English, unless it has nothing but digits and the text
around it is Chinese.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from decoder.joining import is_unspaced
from rasr.synthesis.errors import TextRefused, VoiceUnavailable
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.chinese import ChineseReader
from rasr.synthesis.reading.english import EnglishReader
from rasr.synthesis.reading.marks import mark_of, plain
from rasr.synthesis.reading.pieces import Lengths, cut, divided, pause_behind
from rasr.synthesis.reading.pinyin import Pinyin
from rasr.synthesis.reading.ssml import Span, is_ssml, spans
from rasr.synthesis.speech import Piece, Word
from rasr.synthesis.voice import Voice
from rasr.text.spoken import load_spellers

FindVoice = Callable[[str], Voice]
"""The voice of a name. Raises `VoiceUnavailable`."""

_CHINESE = ("chinese", "cantonese")


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to hear. It pickles."""

    text: str
    voice: Voice
    manner: Manner
    language: str = ""
    """The language of the voice that Chinese characters are read in; "" for its first such one."""
    lengths: Lengths = field(default_factory=Lengths)


@dataclass(frozen=True, slots=True)
class _Part:
    """Words that are said in one manner by one voice."""

    words: tuple[Word, ...]
    voice: Voice
    manner: Manner
    pause_s: float = 0.0


class Reader:
    """Reads texts. Loading it takes 0.4 s, and another second with the first Chinese text."""

    def __init__(self) -> None:
        spellers = load_spellers()
        self._english = EnglishReader(spellers["english"])
        self._chinese = ChineseReader(spellers["chinese"], self._english.said)
        self._pinyin: Pinyin | None = None

    def pieces(self, request: Request, find_voice: FindVoice) -> tuple[Piece, ...]:
        """What is said, in order; at least one piece.

        Args:
            find_voice: for the voices that SSML names.

        Raises:
            TextRefused: there is nothing to say, or the SSML is wrong.
            VoiceUnavailable: a voice does not speak the language of the text.
        """
        document = is_ssml(request.text)
        found = spans(request.text) if document else (Span(request.text),)
        whole = "".join(span.text for span in found)
        chinese = _has_characters(whole)
        _refuse_other_scripts(whole, request.voice)
        pieces: list[Piece] = []
        for part in self._parts(found, request, find_voice, chinese):
            pieces += self._cut(part, request, chinese, begins=not pieces)
        if not any(piece.words for piece in pieces):
            raise TextRefused("there is nothing to say in this text: no word and no number")
        return tuple(pieces)

    def _parts(
        self, found: Sequence[Span], request: Request, find_voice: FindVoice, chinese: bool
    ) -> Iterator[_Part]:
        """The words of neighbours that are said alike, together."""

        def manner(span: Span) -> tuple[str, Manner]:
            one = span.prosody
            return span.voice, request.manner.changed(one.tempo, one.pitch, one.gain)

        for (name, how), group in groupby(found, manner):
            voice = find_voice(name) if name else request.voice
            words: list[Word] = []
            for span in group:
                words += [part for word in self._words(span, chinese) for part in divided(word)]
                if (span.ends_sentence or span.pause_s) and words and not words[-1].mark:
                    words[-1] = replace(words[-1], mark="." if span.ends_sentence else ",")
                if span.pause_s:
                    yield _Part(tuple(words), voice, how, span.pause_s)
                    words = []
            if words:
                yield _Part(tuple(words), voice, how)

    def _words(self, span: Span, chinese: bool) -> list[Word]:
        text = plain(span.text, chinese=chinese)
        if span.pinyin:
            syllables = zip(span.text, span.pinyin, strict=True)
            return [Word(one, (one,), (syllable,)) for one, syllable in syllables]
        if span.alias is not None:
            said = self._read(plain(span.alias, chinese=chinese), chinese)
            parts = tuple(part for word in said for part in word.said)
            return [Word(text, parts)] if parts else []
        if span.say_as:
            parts = self._said_as(text, span.say_as, chinese)
            return [Word(text, parts, mark=mark_of(text[-1:]))] if parts else []
        return self._read(text, chinese)

    def _read(self, text: str, chinese: bool) -> list[Word]:
        """The words of a text; its sentences without characters are English."""
        if not chinese:
            return list(self._english.words(text))
        words: list[Word] = []
        for sentence in _sentences(text):
            letters = any(one.isalpha() for one in sentence)
            reader = self._english if letters and not _has_characters(sentence) else self._chinese
            words += reader.words(sentence)
        return words

    def _said_as(self, text: str, kind: str, chinese: bool) -> tuple[str, ...]:
        reader = self._chinese if chinese else self._english
        match kind:
            case "characters" | "spell-out":
                return tuple(
                    part
                    for one in text
                    if one.isalnum()
                    for part in (reader.digits(one) if one.isdecimal() else (one.upper(),))
                )
            case "digits":
                return reader.digits(text)
            case "telephone":
                return reader.telephone(text)
            case "ordinal" if chinese:
                return ("第", *reader.number(text))
            case "ordinal":
                return self._english.said(text + _ordinal_ending(text))
            case "date" | "time" | "currency":
                return tuple(part for word in self._read(text, chinese) for part in word.said)
        return reader.number(text)

    def _cut(
        self, part: _Part, request: Request, chinese: bool, *, begins: bool
    ) -> Iterator[Piece]:
        if not part.words:
            yield Piece((), part.voice.languages[0], part.voice, part.manner, part.pause_s)
            return
        ranges = list(cut(part.words, request.lengths, begins=begins))
        for first, last in ranges:
            words = part.words[first:last]
            language = _language(words, part.voice, request.language, chinese)
            if language == "chinese":
                words = self._with_pinyin(words)
            pause = pause_behind(words[-1], part.manner.tempo)
            if last == len(part.words):
                pause = max(pause, part.pause_s) if part.pause_s else pause
            yield Piece(words, language, part.voice, part.manner, pause)

    def _with_pinyin(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words with the syllables of their characters, read as one text between marks."""
        characters = [
            (index, place)
            for index, word in enumerate(words)
            for place, part in enumerate(word.said)
            if len(part) == 1 and is_unspaced(part)
        ]
        if self._pinyin is None:
            self._pinyin = Pinyin()
        readings = [list(word.pinyin) or [""] * len(word.said) for word in words]
        for run in _runs(characters, words):
            text = "".join(words[index].said[place] for index, place in run)
            for (index, place), syllable in zip(run, self._pinyin.syllables(text), strict=True):
                if not words[index].pinyin:
                    readings[index][place] = syllable
        return tuple(
            replace(word, pinyin=tuple(reading))
            for word, reading in zip(words, readings, strict=True)
        )


def _runs(
    characters: Sequence[tuple[int, int]], words: Sequence[Word]
) -> Iterator[list[tuple[int, int]]]:
    """Characters that stand together, with no mark and no word of letters between them."""
    run: list[tuple[int, int]] = []
    for index, place in characters:
        if run:
            before_index, before_place = run[-1]
            follows = (index, place) == (before_index, before_place + 1) or (
                (index, place) == (before_index + 1, 0)
                and before_place == len(words[before_index].said) - 1
                and not words[before_index].mark
            )
            if not follows:
                yield run
                run = []
        run.append((index, place))
    if run:
        yield run


def _language(words: Sequence[Word], voice: Voice, asked: str, chinese: bool) -> str:
    """The language of a piece.

    Raises:
        VoiceUnavailable: the voice does not speak it.
    """
    parts = [part for word in words for part in word.said]
    if any(is_unspaced(part[0]) for part in parts):
        wanted = [asked] if asked in _CHINESE else list(_CHINESE)
    elif "english" in voice.languages or not chinese:
        wanted = ["english"]
    else:
        wanted = list(_CHINESE)
    for one in wanted:
        if one in voice.languages:
            return one
    raise VoiceUnavailable(
        f"the voice {voice.name} speaks {' and '.join(voice.languages)}, and the text is "
        f"{wanted[0]}; `rasr voices` shows which voice speaks what"
    )


def _refuse_other_scripts(text: str, voice: Voice) -> None:
    """
    Raises:
        VoiceUnavailable: most letters are of a script that no voice reads.
    """
    foreign: list[str] = []
    known = 0
    for one in text:
        if not one.isalpha():
            continue
        name = unicodedata.name(one, "")
        if name.startswith(("LATIN", "CJK", "FULLWIDTH LATIN", "IDEOGRAPHIC")):
            known += 1
        else:
            foreign.append(name.split(" ")[0].lower())
    if foreign and len(foreign) > known:
        raise VoiceUnavailable(
            f"the text is in {foreign[0]} letters; the voice {voice.name} speaks "
            f"{' and '.join(voice.languages)}, and none here reads those"
        )


def _has_characters(text: str) -> bool:
    return any(is_unspaced(one) and one.isalpha() and "CJK" in unicodedata.name(one, "")
               for one in text)  # fmt: skip


def _sentences(text: str) -> Iterator[str]:
    """A text cut behind its stops, for the choice of its language alone."""
    begin = 0
    for index, one in enumerate(text):
        is_stop = one in "?!" or (one == "." and text[index + 1 : index + 2] in ("", " ", '"'))
        if is_stop or (one == "." and _has_characters(text[index + 1 : index + 2])):
            yield text[begin : index + 1]
            begin = index + 1
    if begin < len(text):
        yield text[begin:]


def _ordinal_ending(text: str) -> str:
    if not text.isdecimal():
        return ""
    number = int(text)
    if 10 < number % 100 < 14:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
