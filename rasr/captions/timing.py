"""When cues come and go, so that they can be read.

A cue stays at least a second, and longer where its text takes longer to be read and nobody speaks
on. Where the next one comes too soon, both stand together if they fit into two lines, else the next
one waits. Pure; the order of cues is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from rasr.captions.cue import Cue
from rasr.captions.layout import LINES_PER_CUE, cues_of
from rasr.captions.measure import reading_ms
from rasr.wire.sis.messages import Segment

LEAST_MS = 1000


def subtitles(segments: Iterable[Segment]) -> list[Cue]:
    """The cues of a whole recording, its segments in the order of speech."""
    return readable(cue for segment in segments for cue in cues_of(segment))


def readable(cues: Iterable[Cue]) -> list[Cue]:
    """`cues` with the times at which they are shown: none before the one before it has gone."""
    shown: list[Cue] = []
    for cue in cues:
        if shown and cue.start_ms < shown[-1].start_ms + LEAST_MS:
            before = shown[-1]
            if len(before.lines) + len(cue.lines) <= LINES_PER_CUE:
                end_ms = max(before.end_ms, cue.end_ms)
                shown[-1] = replace(before, end_ms=end_ms, lines=before.lines + cue.lines)
                continue
            cue = replace(cue, start_ms=before.start_ms + LEAST_MS)
        shown.append(cue)
    lasting = [held(cue, until_ms=after.start_ms) for cue, after in pairwise(shown)]
    return lasting + [held(cue) for cue in shown[-1:]]


def held(cue: Cue, until_ms: int | None = None) -> Cue:
    """`cue` shown until it can be read.

    Args:
        until_ms: when the next one comes; None where nobody knows of one.
    """
    end_ms = max(cue.end_ms, cue.start_ms + reading_ms(cue.text))
    if until_ms is not None:
        end_ms = min(end_ms, until_ms)
    return replace(cue, end_ms=max(end_ms, cue.start_ms + LEAST_MS))
