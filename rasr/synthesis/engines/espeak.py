"""espeak-ng as an engine: English, Mandarin, Cantonese and all of them mixed, with times of words.

It is intelligible, robotic, and fast: 0.006 of real time, whatever the machine. Nothing is fetched.

Mandarin is given to it as pinyin, because its own dictionary knows fewer polyphones than
`rasr.synthesis.reading.pinyin` does; words of letters between are said by its English voice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rasr.synthesis.engines.espeak_library import EspeakLibrary, Event, EventKind
from rasr.synthesis.speech import Phone, Piece, SaidWord, Sound, Word, shared_by_weight
from rasr.synthesis.voice import Age, EngineName, Gender, Voice, WordTimes

_RATE = 22050
_CODES = {"english": "en-us", "chinese": "cmn", "cantonese": "yue"}
"""espeak-ng's own names of the languages."""
_LANGUAGES = ("english", "chinese", "cantonese")
_VARIANTS = (
    ("espeak-female", "f2", Gender.FEMALE, Age.ADULT),
    ("espeak-male", "m3", Gender.MALE, Age.ADULT),
    ("espeak-female-2", "f5", Gender.FEMALE, Age.ADULT),
    ("espeak-male-2", "Alex", Gender.MALE, Age.ADULT),
    ("espeak-child", "Annie", Gender.FEMALE, Age.CHILD),
)

_WORDS_PER_MINUTE = (80, 100, 140, 175, 200, 260, 350, 450, 500)
_TEMPOS = {
    "english": (0.485, 0.573, 0.806, 1.0, 1.130, 1.453, 1.846, 2.392, 2.663),
    "chinese": (0.400, 0.479, 0.682, 0.867, 1.0, 1.361, 1.856, 2.149, 2.394),
}
"""How fast a sentence is at those, measured; 1 is 175 words a minute in English, and in Mandarin
200, at which it has about 250 characters a minute."""
_PITCHES = (0, 10, 25, 40, 50, 60, 75, 90, 99)
_HEIGHTS = (0.670, 0.731, 0.810, 0.914, 1.0, 1.101, 1.285, 1.515, 1.675)
"""How high a voice is at those, of its own fundamental frequency, measured."""


def espeak_voices() -> tuple[Voice, ...]:
    """The voices of espeak-ng, the preferred ones first."""
    return tuple(
        Voice(
            name=name,
            languages=_LANGUAGES,
            gender=gender,
            age=age,
            engine=EngineName.ESPEAK,
            variant=variant,
            rate=_RATE,
            word_times=WordTimes.ENGINE,
        )
        for name, variant, gender, age in _VARIANTS
    )


class EspeakEngine:
    """espeak-ng behind `rasr.synthesis.engine.Engine`."""

    def __init__(self, library: EspeakLibrary) -> None:
        self._library = library

    def say(self, piece: Piece) -> Sound:
        """As `Engine.say`; the times of words are espeak-ng's own."""
        text, spans = _laid_out(piece.words, piece.language)
        tempos = _TEMPOS["english" if piece.language == "english" else "chinese"]
        samples, events = self._library.say(
            text,
            f"{_CODES[piece.language]}+{piece.voice.variant}",
            round(float(np.interp(piece.manner.tempo, tempos, _WORDS_PER_MINUTE))),
            round(float(np.interp(piece.manner.pitch, _HEIGHTS, _PITCHES))),
        )
        rate = self._library.rate
        return Sound(samples, rate, _timed(piece.words, spans, events, len(samples), rate))


def _laid_out(words: Sequence[Word], language: str) -> tuple[str, list[int]]:
    """The text that espeak-ng is given, and where in it each word ends."""
    text, ends = "", []
    for word in words:
        parts = word.said
        if language == "chinese":
            pairs = zip(parts, word.syllables, strict=True)
            parts = tuple(syllable or part for part, syllable in pairs)
        joined = " ".join(parts)
        text += (" " if text else "") + joined + word.mark
        ends.append(len(text))
    return text, ends


def _timed(
    words: Sequence[Word], ends: Sequence[int], events: Sequence[Event], size: int, rate: int
) -> tuple[SaidWord, ...]:
    """When each word is said: from its first event to its last sound."""
    phones: list[list[Phone]] = [[] for _ in words]
    starts: list[int | None] = [None] * len(words)
    number = 0
    for event, until in _with_ends(events, size):
        if event.kind is EventKind.WORD:
            while number < len(words) - 1 and event.position >= ends[number]:
                number += 1
            if starts[number] is None:
                starts[number] = event.sample
        elif event.kind is EventKind.PHONEME and _is_sound(event.phoneme):
            name = event.phoneme.strip("ˈˌ")
            phones[number].append(Phone(name, event.sample / rate, until / rate))
    return tuple(_filled(words, starts, phones, size, rate))


def _with_ends(events: Sequence[Event], size: int) -> Iterator[tuple[Event, int]]:
    """Each event, and the sample at which the next one of any kind but a word begins."""
    ends = [size] * len(events)
    following = size
    for index in range(len(events) - 1, -1, -1):
        ends[index] = following
        if events[index].kind is not EventKind.WORD:
            following = events[index].sample
    return zip(events, ends, strict=True)


def _filled(
    words: Sequence[Word],
    starts: Sequence[int | None],
    phones: Sequence[Sequence[Phone]],
    size: int,
    rate: int,
) -> Iterator[SaidWord]:
    """The words; those that espeak-ng says in one ("of the") share the time by their letters."""
    heads = [index for index, start in enumerate(starts) if start is not None or index == 0]
    for head, behind in zip(heads, [*heads[1:], len(words)], strict=True):
        begin = (starts[head] or 0) / rate
        following = size / rate
        if behind < len(words):
            following = (starts[behind] or 0) / rate
        sounds = tuple(phones[head])
        end = min(max(sounds[-1].end_s, begin), following) if sounds else following
        if behind == head + 1:
            yield SaidWord(words[head].text, begin, end, sounds, words[head].mark)
            continue
        group = words[head:behind]
        for said in shared_by_weight(group, [len(one.text) for one in group], begin, end):
            inside = tuple(one for one in sounds if said.start_s <= one.start_s < said.end_s)
            yield replace(said, phones=inside)


def _is_sound(phoneme: str) -> bool:
    """False for a pause, and for the change to another language: "(en)"."""
    return bool(phoneme) and not phoneme.startswith("(") and phoneme != "_:"
