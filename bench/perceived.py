"""What a reader of the text sees of each word that was said: when it first appears, and when it
stays.

Pure. Words of the text are told apart by alignment with what was said (jiwer), so a word that is
recognised wrongly has no latency; how many have one is told too. A word cannot be seen before it
is begun: that keeps a word that is said twice from being found too early.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jiwer

from bench.latency import Wait
from bench.recordings import SpokenWord
from bench.script import Script
from bench.wires import Answer
from rasr.cli.word_error_rate import words_of

_MARKS = re.compile(r"[^\w\s']")


@dataclass(frozen=True, slots=True)
class Seen:
    """The words of one stream."""

    first: tuple[Wait, ...]
    """From the end of a word to the first message that has it."""
    stable: tuple[Wait, ...]
    """... to the message from which on all have it."""
    said: int
    heard: frozenset[int]
    """Which of those that were said the finals have."""


def seen(client: int, answers: Sequence[Answer], script: Script, start_s: float) -> Seen:
    """
    Args:
        start_s: when the stream's first sample was spoken.
    """
    said = [word for one in script.spoken for word in one.words]
    texts = [token_of(word) for word in said]
    utterances = list(_utterances(answers))
    finals = [tokens(utterance[-1].text) for utterance in utterances]
    pairs = {
        heard: number
        for number, heard in aligned(texts, [token for one in finals for token in one])
    }
    first, stable, place = [], [], 0
    for utterance, final in zip(utterances, finals, strict=True):
        numbers = [pairs[at] for at in range(place, place + len(final)) if at in pairs]
        place += len(final)
        if not numbers:
            continue
        since: dict[int, float] = {}
        appeared: dict[int, float] = {}
        for answer in utterance:
            begun = [
                number
                for number in range(numbers[0], numbers[-1] + 1)
                if start_s + said[number].start_ms / 1000 < answer.at_s
            ]
            if answer is utterance[-1]:
                there = set(numbers)
            else:
                matched = aligned([texts[number] for number in begun], tokens(answer.text))
                there = {begun[at] for at, _ in matched}
            since = {number: since.get(number, answer.at_s) for number in there}
            for number in there:
                appeared.setdefault(number, answer.at_s)
        for number in numbers:
            end_s = start_s + said[number].end_ms / 1000
            first.append(Wait(client, end_s, (appeared[number] - end_s) * 1000))
            stable.append(Wait(client, end_s, (since[number] - end_s) * 1000))
    return Seen(tuple(first), tuple(stable), len(said), frozenset(pairs.values()))


def tokens(text: str) -> list[str]:
    """What is compared: lower case, without punctuation; of Chinese, characters."""
    return words_of(_MARKS.sub(" ", text))


def token_of(word: SpokenWord) -> str:
    """A word that was said as it would be among `tokens`."""
    return "".join(tokens(word.text)) or word.text


def aligned(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Which words are the same, by number, in the alignment with the fewest mistakes."""
    if not said or not heard:
        return []
    (alignment,) = jiwer.process_words(" ".join(said), " ".join(heard)).alignments
    return [
        (chunk.ref_start_idx + offset, chunk.hyp_start_idx + offset)
        for chunk in alignment
        if chunk.type == "equal"
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


def _utterances(answers: Sequence[Answer]) -> Iterable[list[Answer]]:
    """Partials and the final that ends them; what no final ends is left out."""
    current: list[Answer] = []
    for answer in answers:
        if not answer.text:
            continue
        current.append(answer)
        if answer.is_final:
            yield current
            current = []
