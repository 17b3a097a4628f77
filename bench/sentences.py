"""Which final is whose: from the true end of speech to it, and whether one is missing or too many.

Pure. A final belongs to the speech that it shares time with, where the server tells times, and
else to the speech whose words it has. Latency is counted only where a pause follows that surely
ends a sentence, and only of the final that is the last one of its speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.latency import Wait
from bench.perceived import aligned, token_of, tokens
from bench.script import Script, Spoken
from bench.wires import Answer

_PAUSE_MS = 1000
"""A shorter pause may not end a sentence."""
_SLACK_MS = 300
"""Times of words are those of the model, not of the sound; a pause is longer by far."""
_LEAST_MS = 1000
"""What is left of a sentence that is cut by the start or the end of a stream may be no word."""


@dataclass(frozen=True, slots=True)
class Finals:
    """Those of one stream that ended."""

    waits: tuple[Wait, ...]
    sentences: int
    lost: int
    doubled: int


def finals(client: int, answers: Sequence[Answer], script: Script, start_s: float) -> Finals:
    """
    Args:
        start_s: when the stream's first sample was spoken.
    """
    all_finals = [one for one in answers if one.is_final and one.text]
    timed = all(one.times_ms is not None for one in all_finals)
    owned = (
        [_by_time(one, all_finals) for one in script.spoken]
        if timed
        else _by_words(script.spoken, all_finals)
    )
    waits = []
    ends = [one.start_ms for one in script.spoken[1:]]
    for spoken, own, next_ms in zip(
        # The last one is ended by END, not by its pause.
        script.spoken[:-1],
        owned[:-1],
        ends,
        strict=True,
    ):
        end_s = start_s + spoken.end_ms / 1000
        if next_ms - spoken.end_ms >= _PAUSE_MS and own and own[-1].at_s >= end_s:
            waits.append(Wait(client, end_s, (own[-1].at_s - end_s) * 1000))
    whole = [
        own
        for one, own in zip(script.spoken, owned, strict=True)
        if one.end_ms - one.start_ms >= _LEAST_MS and (timed or one.words)
    ]
    return Finals(
        waits=tuple(waits),
        sentences=len(whole),
        lost=sum(not own for own in whole),
        doubled=_doubled([one.times_ms for one in all_finals if one.times_ms is not None]),
    )


def _by_time(spoken: Spoken, all_finals: Sequence[Answer]) -> list[Answer]:
    return [
        one
        for one in all_finals
        if one.times_ms is not None
        and one.times_ms[0] < spoken.end_ms + _SLACK_MS
        and one.times_ms[1] > spoken.start_ms - _SLACK_MS
    ]


def _by_words(spoken: Sequence[Spoken], all_finals: Sequence[Answer]) -> list[list[Answer]]:
    owner_of_word = [number for number, one in enumerate(spoken) for _ in one.words]
    said = [token_of(word) for one in spoken for word in one.words]
    heard = [(token, one) for one in all_finals for token in tokens(one.text)]
    owned: list[list[Answer]] = [[] for _ in spoken]
    for word, place in aligned(said, [token for token, _ in heard]):
        own, final = owned[owner_of_word[word]], heard[place][1]
        if not own or own[-1] is not final:
            own.append(final)
    return owned


def _doubled(times_ms: Sequence[tuple[int, int]]) -> int:
    """Finals that share more than half of their time with one before."""
    return sum(
        min(before[1], after[1]) - max(before[0], after[0])
        > min(before[1] - before[0], after[1] - after[0]) / 2
        for before, after in pairwise(sorted(times_ms))
    )
