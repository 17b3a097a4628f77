"""Sentences by voice: a stretch of speech without a pause may be of several speakers.

Who speaks when is found out elsewhere; here words go to speakers by their times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from decoder.joining import join_words
from rasr.wire.sis.messages import Segment, WordInfo

_LEAST_MS = 300
"""Shorter stretches of another voice within a sentence are an error of whoever told them apart."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which somebody speaks."""

    speaker: int
    start_ms: int
    end_ms: int


def by_voice(
    segments: Sequence[Segment], turns: Sequence[Turn]
) -> list[tuple[Segment, int | None]]:
    """The segments, cut where the speaker changes, each with its speaker.

    Speakers are counted from 0 in the order in which they are first heard. A segment is of nobody
    where there are no turns. One whose text is not that of its words is not cut, and is of whoever
    speaks most of it.
    """
    numbers: dict[int, int] = {}
    found: list[tuple[Segment, int | None]] = []
    for segment in segments:
        for piece, speaker in _pieces(segment, turns):
            number = None if speaker is None else numbers.setdefault(speaker, len(numbers))
            found.append((piece, number))
    return found


def _pieces(segment: Segment, turns: Sequence[Turn]) -> list[tuple[Segment, int | None]]:
    words = segment.word_info
    if not turns:
        return [(segment, None)]
    if not words or join_words(one.word for one in words) != segment.text:
        return [(segment, _speaker(segment.start_time, segment.end_time, turns))]
    runs: list[tuple[int, list[WordInfo]]] = []
    spoken = ((_speaker(one.start_time, one.end_time, turns), one) for one in words)
    for speaker, run in groupby(spoken, key=itemgetter(0)):
        here = [one for _, one in run]
        if runs and (_is_short(here) or runs[-1][0] == speaker):
            runs[-1][1].extend(here)
        elif runs and _is_short(runs[-1][1]) and len(runs) == 1:
            # The first one, before which there is none that it could go to.
            runs[0] = (speaker, runs[0][1] + here)
        else:
            runs.append((speaker, here))
    if len(runs) == 1:
        return [(segment, runs[0][0])]
    return [(_part(segment, run), speaker) for speaker, run in runs]


def _is_short(words: Sequence[WordInfo]) -> bool:
    return words[-1].end_time - words[0].start_time < _LEAST_MS


def _part(segment: Segment, words: Sequence[WordInfo]) -> Segment:
    return dataclasses.replace(
        segment,
        text=join_words(one.word for one in words),
        start_time=words[0].start_time,
        end_time=words[-1].end_time,
        word_info=tuple(words),
    )


def _speaker(start_ms: int, end_ms: int, turns: Sequence[Turn]) -> int:
    """Who speaks most of a stretch; where nobody does, who is nearest."""
    spoken: dict[int, int] = {}
    for turn in turns:
        shared = min(end_ms, turn.end_ms) - max(start_ms, turn.start_ms)
        if shared > 0:
            spoken[turn.speaker] = spoken.get(turn.speaker, 0) + shared
    if spoken:
        return max(spoken, key=spoken.__getitem__)
    middle = (start_ms + end_ms) // 2
    nearest = min(turns, key=lambda turn: max(turn.start_ms - middle, middle - turn.end_ms))
    return nearest.speaker
