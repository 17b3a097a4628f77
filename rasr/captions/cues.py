"""Cues: what stands on the screen together, and from when to when, so that it can be read.

`cues_of` puts the lines of a text into cues with the times of their words, and `RollingCues` those
of a text that still changes, so that nothing that was read jumps. `readable` gives the cues of a
whole recording the times at which they are shown: a cue stays at least a second, and longer where
its text takes longer to be read and nobody speaks on. Where the next one comes too soon, both stand
together if they fit into two lines, else the next one waits. The order of cues is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from rasr.captions.lines import NEW_CUE_PAUSE_MS, Line, lines_of
from rasr.captions.measure import reading_ms
from rasr.captions.timed_text import TimedText
from rasr.captions.tokens import Token, joined, tokens_of
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


@dataclass(frozen=True, slots=True)
class _SettledLine:
    """A line that people have read, all of whose words are unlikely to change."""

    letters: str
    """Of its words, without marks, spaces and capitals: those may still come."""
    begins_cue: bool


class RollingCues:
    """The cues of one text after another, while a segment is spoken and when it is final.

    What has settled is never laid out anew: a line whose words are all stable keeps them when marks
    come between them, when a sentence turns out to end in it, and when the times of its words move.
    """

    def __init__(self) -> None:
        self._settled: tuple[_SettledLine, ...] = ()

    def next(self, text: TimedText) -> tuple[Cue, ...]:
        """The cues of `text`, which says anew what was said since the last final."""
        tokens = tokens_of(text)
        cues, kept = self._keep(tokens)
        for first, last in _sentences(tokens, text):
            if last > kept:
                open_cue = cues.pop() if first < kept else []
                cues += _in_cues(open_cue, lines_of(tokens[max(first, kept) : last]))
        if text.is_final:
            # Where a segment has a final for each sentence, the others go on behind this one.
            whole = 0 < kept == len(tokens)
            self._settled = self._settled[sum(map(len, cues)) :] if whole else ()
        else:
            self._settled = _settled(cues)
        return tuple(map(_cue, cues))

    def _keep(self, tokens: Sequence[Token]) -> tuple[list[list[Line]], int]:
        """The settled lines that `tokens` begin with, in cues, and of how many tokens they are."""
        cues: list[list[Line]] = []
        at = 0
        for settled in self._settled:
            count = _count_of(settled.letters, tokens[at:])
            if count is None:
                break
            if settled.begins_cue:
                cues.append([])
            cues[-1].append(tuple(tokens[at : at + count]))
            at += count
        return cues, at


def cues_of(text: TimedText) -> tuple[Cue, ...]:
    """The cues of `text` in the order of speech, with the times of their words.

    A sentence begins a cue of its own, so that nothing but its last cue changes when another one
    follows.
    """
    return RollingCues().next(text)


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


def _sentences(tokens: Sequence[Token], text: TimedText) -> list[tuple[int, int]]:
    return sentence_spans([token.text for token in tokens], grows=not text.is_final)


def _in_cues(open_cue: list[Line], lines: Sequence[Line]) -> list[list[Line]]:
    """`lines` in cues, behind those that `open_cue` has already."""
    cues = [open_cue] if open_cue else []
    for line in lines:
        if (
            not cues
            or len(cues[-1]) == LINES_PER_CUE
            or line[0].start_ms - cues[-1][-1][-1].end_ms >= NEW_CUE_PAUSE_MS
        ):
            cues.append([line])
        else:
            cues[-1].append(line)
    return cues


def _settled(cues: Sequence[Sequence[Line]]) -> tuple[_SettledLine, ...]:
    """The lines at the beginning that will hardly change; the last one of all still grows."""
    lines = [(line, at == 0) for cue in cues for at, line in enumerate(cue)][:-1]
    stable = takewhile(lambda one: all(token.is_stable for token in one[0]), lines)
    return tuple(_SettledLine("".join(map(_letters, line)), begins) for line, begins in stable)


def _count_of(letters: str, tokens: Sequence[Token]) -> int | None:
    """How many tokens have these letters, and no others; None where they have not."""
    found = ""
    for count, token in enumerate(tokens, start=1):
        found += _letters(token)
        if not letters.startswith(found):
            return None
        if found == letters:
            return count
    return None


def _letters(token: Token) -> str:
    return "".join(filter(str.isalnum, token.text)).casefold()


def _cue(lines: Sequence[Line]) -> Cue:
    stable = "\n".join(
        joined(settled)
        for line in lines
        if (settled := [token for token in line if token.is_stable])
    )
    texts = tuple(joined(line) for line in lines)
    return Cue(lines[0][0].start_ms, lines[-1][-1].end_ms, texts, len(stable))
