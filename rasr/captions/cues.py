"""Cues: what stands on the screen together, and from when to when, so that it can be read.

`cues_of` puts the lines of a text into cues with the times of their words. `readable` gives the
cues of a whole recording the times at which they are shown: a cue stays at least a second, and
longer where its text takes longer to be read and nobody speaks on. Where the next one comes too
soon, both stand together if they fit into two lines, else the next one waits. The order of cues is
kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rasr.captions.lines import NEW_CUE_PAUSE_MS, Line, lines_of
from rasr.captions.measure import reading_ms
from rasr.captions.timed_text import TimedText
from rasr.captions.tokens import joined, tokens_of
from rasr.text import sentence_spans

LINES_PER_CUE = 2
LEAST_MS = 1000
"""A cue that is shown for less time cannot be read."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines of text with their time, in ms on the clock of whoever made it."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """None of them is empty, none has a line break in it. A cue that was withdrawn has none."""
    stable: int = 0
    """Where it may still change: so many characters at the start of its text are unlikely to."""

    @property
    def text(self) -> str:
        """The lines, with a line break between them."""
        return "\n".join(self.lines)


def cues_of(text: TimedText) -> tuple[Cue, ...]:
    """The cues of `text` in the order of speech, with the times of their words.

    A sentence begins a cue of its own, so that nothing but its last cue changes when another one
    follows.
    """
    tokens = tokens_of(text)
    spans = sentence_spans([token.text for token in tokens], grows=not text.is_final)
    return tuple(
        _cue(lines) for first, last in spans for lines in _in_cues(lines_of(tokens[first:last]))
    )


def subtitles(texts: Iterable[TimedText]) -> list[Cue]:
    """The cues of a whole recording, as they are shown; `texts` are in the order of speech."""
    return readable(cue for text in texts for cue in cues_of(text))


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
    """`cue`, shown until it can be read.

    Args:
        until_ms: when the next cue comes; None where nobody knows of one.
    """
    end_ms = max(cue.end_ms, cue.start_ms + reading_ms(cue.text))
    if until_ms is not None:
        end_ms = min(end_ms, until_ms)
    return replace(cue, end_ms=max(end_ms, cue.start_ms + LEAST_MS))


def _in_cues(lines: Sequence[Line]) -> list[list[Line]]:
    cues: list[list[Line]] = []
    for line in lines:
        open_cue = cues[-1] if cues else None
        if (
            open_cue is None
            or len(open_cue) == LINES_PER_CUE
            or line[0].start_ms - open_cue[-1][-1].end_ms >= NEW_CUE_PAUSE_MS
        ):
            cues.append([line])
        else:
            open_cue.append(line)
    return cues


def _cue(lines: Sequence[Line]) -> Cue:
    stable = "\n".join(
        joined(settled)
        for line in lines
        if (settled := [token for token in line if token.is_stable])
    )
    texts = tuple(joined(line) for line in lines)
    return Cue(lines[0][0].start_ms, lines[-1][-1].end_ms, texts, len(stable))
