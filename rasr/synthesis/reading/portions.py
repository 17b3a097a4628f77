"""From a text, plain or SSML, to portions of some hundred characters that are read one by one.

This is quick, whatever the text; to read is not: a thousand numbers take a second. So the first
sound of a long text comes as soon as that of a short one, and others get their turn between two
portions. What is wrong with a text is found here, before anything of it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rasr.synthesis.errors import TextRefused
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.borders import PartSize, parted
from rasr.synthesis.reading.languages import (
    has_characters,
    refuse_other_scripts,
    sentences,
    spoken_by,
)
from rasr.synthesis.reading.marks import plain
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.request import FindVoice, Request
from rasr.synthesis.reading.ssml import Span, is_ssml, spans
from rasr.synthesis.voice import Voice

_SILENT = " .?!,;:\"'"
"""A passage of these alone says nothing."""
_LONGEST_AS_ONE = 500
"""Characters that SSML may say in one go how to read."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A plain text of one span, or what the span says instead of it."""

    span: Span
    """Its text is the passage's."""
    voice: Voice
    manner: Manner
    chinese: bool
    """It is read as Chinese."""

    @property
    def part(self) -> tuple[str, Manner]:
        """Neighbours with the same one are said alike."""
        return self.span.voice, self.manner


@dataclass(frozen=True, slots=True)
class Portion:
    """What is read in one go. It pickles."""

    passages: tuple[Passage, ...]
    language: str
    """As of `Request`."""
    lengths: Lengths
    chinese: bool
    """There are Chinese characters somewhere in the text."""
    goes_on: bool
    """The next portion begins with words of the same part: by the same voice, in one manner."""


def portions(
    request: Request, find_voice: FindVoice, size: PartSize | None = None
) -> tuple[Portion, ...]:
    """The portions of a text, in order; at least one.

    Args:
        find_voice: for the voices that SSML names.

    Raises:
        TextRefused: the SSML is wrong.
        VoiceUnavailable: there is no such voice, or it does not speak the language of the text.
    """
    size = size or PartSize()
    found = spans(request.text) if is_ssml(request.text) else (Span(request.text),)
    whole = "".join(span.text for span in found)
    chinese = has_characters(whole)
    refuse_other_scripts(whole, request.voice)
    passages = list(_passages(found, request, find_voice, size, chinese=chinese))
    groups = list(_grouped(passages, size.usual))
    ends = [group[-1].part == after[0].part for group, after in pairwise(groups)]
    return tuple(
        Portion(tuple(group), request.language, request.lengths, chinese, goes_on)
        for group, goes_on in zip(groups, [*ends, False], strict=True)
    )


def refuse_silence(words: int) -> None:
    """
    Raises:
        TextRefused: a text was read to its end, and has no words.
    """
    if not words:
        raise TextRefused("there is nothing to say in this text: no word and no number")


def _passages(
    found: Sequence[Span], request: Request, find_voice: FindVoice, size: PartSize, *, chinese: bool
) -> Iterator[Passage]:
    for span in found:
        voice = find_voice(span.voice) if span.voice else request.voice
        prosody = span.prosody
        manner = request.manner.changed(prosody.tempo, prosody.pitch, prosody.gain)
        if span.is_read_as_one:
            _refuse_too_long(span)
            yield Passage(span, voice, manner, chinese)
            continue
        if chinese and has_characters(span.text):
            # Now, and not when something has been said.
            spoken_by(voice, request.language, characters=True, chinese=True)
        text = plain(span.text, chinese=chinese)
        parts = [
            Passage(replace(span, text=part), voice, manner, as_chinese)
            for sentence, as_chinese in (sentences(text) if chinese else [(text, False)])
            if sentence.strip(_SILENT)
            for part in parted(sentence, size, chinese=as_chinese)
        ]
        # A pause has no text.
        yield from parts or [Passage(replace(span, text=""), voice, manner, chinese)]


def _refuse_too_long(span: Span) -> None:
    """
    Raises:
        TextRefused: what is read as one would keep others waiting.
    """
    text = span.text if span.alias is None else span.alias
    # A number is said digit by digit, however long.
    if len(text) > _LONGEST_AS_ONE and not text.isdecimal():
        raise TextRefused(
            f"an SSML element that says how its text is read has {len(text)} characters; the most "
            f"are {_LONGEST_AS_ONE}"
        )


def _grouped(passages: Sequence[Passage], usual: int) -> Iterator[list[Passage]]:
    """Passages together, up to a portion's length and a passage more."""
    group: list[Passage] = []
    length = 0
    for passage in passages:
        group.append(passage)
        length += len(passage.span.text) + len(passage.span.alias or "")
        if length >= usual:
            yield group
            group, length = [], 0
    if group or not passages:
        yield group
