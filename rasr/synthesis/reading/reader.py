"""From the portions of a text to the pieces that engines say.

A piece may begin in one portion and end in the next: what was read of it is held, and handed in
with the next portion. So any reader can read any portion, and the pieces are those of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from decoder.joining import is_unspaced
from rasr.synthesis.reading.chinese import ChineseReader
from rasr.synthesis.reading.english import EnglishReader, ordinal_ending
from rasr.synthesis.reading.languages import sentences, spoken_by
from rasr.synthesis.reading.marks import mark_of, plain
from rasr.synthesis.reading.pieces import cut, divided, pause_behind
from rasr.synthesis.reading.pinyin import Pinyin
from rasr.synthesis.reading.portions import Passage, Portion, portions, refuse_silence
from rasr.synthesis.reading.request import FindVoice, Request
from rasr.synthesis.speech import Piece, Word
from rasr.text.spoken import load_spellers


@dataclass(frozen=True, slots=True)
class Held:
    """What a text is read to: the words of a piece whose end has not been read. It pickles."""

    words: tuple[Word, ...] = ()
    begins: bool = True
    """There was no piece yet."""


class Reader:
    """Reads texts. Loading it takes 0.4 s, and another second with the first Chinese text."""

    def __init__(self) -> None:
        spellers = load_spellers()
        self._english = EnglishReader(spellers["english"])
        self._chinese = ChineseReader(spellers["chinese"], self._english.said)
        self._pinyin: Pinyin | None = None

    def pieces(self, request: Request, find_voice: FindVoice) -> tuple[Piece, ...]:
        """All that is said, in order; at least one piece.

        Args:
            find_voice: for the voices that SSML names.

        Raises:
            TextRefused: there is nothing to say, or the SSML is wrong.
            VoiceUnavailable: a voice does not speak the language of the text.
        """
        found: list[Piece] = []
        held = Held()
        for portion in portions(request, find_voice):
            pieces, held = self.read(portion, held)
            found += pieces
        refuse_silence(sum(len(piece.words) for piece in found))
        return tuple(found)

    def read(self, portion: Portion, held: Held) -> tuple[tuple[Piece, ...], Held]:
        """The pieces that end in a portion, and what is held of the one that does not.

        Args:
            held: of the portion before it.

        Raises:
            VoiceUnavailable: a voice does not speak the language of a piece.
        """
        pieces: list[Piece] = []
        words = list(held.words)
        groups = [list(group) for _, group in groupby(portion.passages, lambda one: one.part)]
        for number, group in enumerate(groups, 1):
            for passage in group:
                span = passage.span
                words += [part for word in self._words(passage) for part in divided(word)]
                if (span.ends_sentence or span.pause_s) and words and not words[-1].mark:
                    words[-1] = replace(words[-1], mark="." if span.ends_sentence else ",")
                if span.pause_s:
                    begins = held.begins and not pieces
                    pieces += self._whole(words, passage, portion, begins=begins)
                    words = []
            begins = held.begins and not pieces
            if number == len(groups) and portion.goes_on:
                # The last one may be whole, and still get a pause of SSML behind it.
                ranges = [
                    (first, last)
                    for first, last in cut(words, portion.lengths, begins=begins)
                    if last < len(words)
                ]
                pieces += self._cut(words, ranges, group[-1], portion)
                words = words[ranges[-1][1] :] if ranges else words
            elif words:
                pieces += self._whole(words, group[-1], portion, begins=begins)
                words = []
        return tuple(pieces), Held(tuple(words), held.begins and not pieces)

    def _words(self, passage: Passage) -> list[Word]:
        span, chinese = passage.span, passage.chinese
        if span.pinyin:
            syllables = zip(span.text, span.pinyin, strict=True)
            return [Word(one, (one,), (syllable,)) for one, syllable in syllables]
        if not span.is_read_as_one:
            reader = self._chinese if chinese else self._english
            return list(reader.words(span.text))
        text = plain(span.text, chinese=chinese)
        if span.alias is not None:
            said = self._read(plain(span.alias, chinese=chinese), chinese)
            parts = tuple(part for word in said for part in word.said)
            return [Word(text, parts)] if parts else []
        parts = self._said_as(text, span.say_as, chinese)
        return [Word(text, parts, mark=mark_of(text[-1:]))] if parts else []

    def _read(self, text: str, chinese: bool) -> list[Word]:
        """The words of a text that is read as one; its sentences without characters are English."""
        if not chinese:
            return list(self._english.words(text))
        words: list[Word] = []
        for sentence, is_chinese in sentences(text):
            words += (self._chinese if is_chinese else self._english).words(sentence)
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
                return self._english.said(text + (ordinal_ending(text) if text.isdecimal() else ""))
            case "date" | "time" | "currency":
                return tuple(part for word in self._read(text, chinese) for part in word.said)
        return reader.number(text)

    def _whole(
        self, words: Sequence[Word], passage: Passage, portion: Portion, *, begins: bool
    ) -> list[Piece]:
        """The pieces of a part, or of its rest, with the pause that its last passage says."""
        pause_s = passage.span.pause_s
        if not words:
            voice = passage.voice
            return [Piece((), voice.languages[0], voice, passage.manner, pause_s)]
        ranges = list(cut(words, portion.lengths, begins=begins))
        end = ranges[-1][1] if ranges else 0
        if end < len(words):
            ranges.append((end, len(words)))
        pieces = list(self._cut(words, ranges, passage, portion))
        if pause_s:
            pieces[-1] = replace(pieces[-1], pause_s=max(pieces[-1].pause_s, pause_s))
        return pieces

    def _cut(
        self,
        words: Sequence[Word],
        ranges: Sequence[tuple[int, int]],
        passage: Passage,
        portion: Portion,
    ) -> Iterator[Piece]:
        voice, manner = passage.voice, passage.manner
        for first, last in ranges:
            some = tuple(words[first:last])
            characters = any(is_unspaced(part[0]) for word in some for part in word.said)
            language = spoken_by(
                voice, portion.language, characters=characters, chinese=portion.chinese
            )
            if language == "chinese":
                some = self._with_pinyin(some)
            yield Piece(some, language, voice, manner, pause_behind(some[-1], manner.tempo))

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
        readings = [list(word.syllables) for word in words]
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
