"""Tokens → lines → cues, from left to right, so that what is laid out stays where it is.

A line is broken when the next token does not fit, at the best end of a phrase within it; nothing
behind that token is looked at. So a text that grows keeps every line but its last: the rolling
partials of a sentence, and its final, break the same words at the same places. That is worth more
than lines of even length, which can only be had when the sentence is over.
"""

from __future__ import annotations

from collections.abc import Sequence

from rasr.captions.cue import Cue
from rasr.captions.measure import LINE_WIDTH, width
from rasr.captions.phrases import badness
from rasr.captions.tokens import Token, joined, tokens_of
from rasr.wire.sis.messages import Segment

LINES_PER_CUE = 2

_LEAST_FILLED = 0.4
"""Of a line: a break before that leaves a stub that reads worse than a broken phrase."""
_EMPTY_COSTS = 6.0
"""What an empty line would be worse than a full one, in degrees of `badness`."""

NEW_CUE_PAUSE_MS = 1500
"""Silence inside a sentence after which nothing is added to what stands there."""

Line = tuple[Token, ...]


def cues_of(segment: Segment) -> tuple[Cue, ...]:
    """The cues of a segment in the order of speech, with the times of their words."""
    return tuple(_cue(lines) for lines in _in_cues(lines_of(tokens_of(segment))))


def lines_of(tokens: Sequence[Token]) -> list[Line]:
    """`tokens` in lines of at most 42 Latin or 20 Chinese characters."""
    lines: list[Line] = []
    line: list[Token] = []
    for token in tokens:
        if line and token.start_ms - line[-1].end_ms >= NEW_CUE_PAUSE_MS:
            lines.append(tuple(line))
            line = []
        line.append(token)
        while width(joined(line)) > LINE_WIDTH:
            end = _best_break(line)
            lines.append(tuple(line[:end]))
            line = line[end:]
    if line:
        lines.append(tuple(line))
    return lines


def _best_break(line: Sequence[Token]) -> int:
    """How many tokens stay, of a line whose last token is too much for it."""
    best, least = len(line) - 1, float("inf")
    for end in range(1, len(line)):
        filled = width(joined(line[:end])) / LINE_WIDTH
        if filled < _LEAST_FILLED and end < len(line) - 1:
            continue
        cost = badness(line[end - 1], line[end]) + _EMPTY_COSTS * (1 - filled) ** 2
        if cost <= least:
            best, least = end, cost
    return best


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
    return Cue(lines[0][0].start_ms, lines[-1][-1].end_ms, tuple(joined(line) for line in lines))
