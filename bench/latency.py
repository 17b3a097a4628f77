"""How late results reach their clients: arithmetic on the answers of a stream, for any server.

There are three clocks, never mixed. All begin at a moment of the audio, whether or not the client
or the server kept up.

* **Chunk compute**, one value for each decoding step that has a word: from the moment at which
  the chunk is due that makes the step's audio complete, to the arrival of the first message with a
  word of the step. Only the measured model knows: its words say which step they are of
  (`bench.word_clock`). So a server that skips a message, merges two or sends the same text again
  gains nothing: each step waits for its own first message. Steps that come first in a final are
  left out: they belong to the endpoint, which is another clock. So are, for want of words, steps in
  silence.
* **Words**, two values for each word that is in the final text: from the end of the word to the
  first message that has it, and to the message from which on all have it. Words of the text are
  found by alignment with what was said, so a word that is recognised wrongly has no latency; how
  many have one is counted too. A word cannot be seen before it is begun: that keeps a word that is
  said twice from being found too early.
* **Final**: from the true end of speech to the final of its sentence, where a pause follows that
  surely ends it; and from the end of a stream's audio (END goes out right behind it) to the
  message that ends the stream. A final belongs to the speech that it shares time with, where the
  server sends times, and else to the speech whose words it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench import word_clock
from bench.recordings import SpeechSpan, SpokenWord
from bench.texts import aligned, tokens
from bench.wire_clients import Answer
from rasr.audio import SAMPLE_RATE

_EARLY_MS = -5.0
"""Nothing can come before its audio is sent; times on the wire are rounded to milliseconds."""
_PAUSE_MS = 1000
"""A shorter pause may not end a sentence."""
_SLACK_MS = 300
"""Times of words are those of the model, not of the audio; a pause is longer by far."""
_LEAST_MS = 1000
"""What is left of a sentence that is cut by the start or the end of a stream may be no word."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed, interpolated; NaN of none."""
    return float(np.percentile(values, percent)) if values else float("nan")


def ratio(value: float, to: float) -> float:
    """Return how many times `to` a value is; NaN where there is nothing to compare with."""
    return value / to if to else float("nan")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one result took to reach its client."""

    client: int
    due_s: float
    """When it began to count, of `time.monotonic`."""
    ms: float


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a load that counts: warm-up is before it."""

    start_s: float
    end_s: float

    def of(self, latencies: Iterable[Latency]) -> list[Latency]:
        """Return those that began to count within the window."""
        return [one for one in latencies if self.start_s <= one.due_s < self.end_s]

    @property
    def halves(self) -> tuple[Window, Window]:
        """Its first and its second half."""
        middle_s = (self.start_s + self.end_s) / 2
        return Window(self.start_s, middle_s), Window(middle_s, self.end_s)

    @property
    def last_third(self) -> Window:
        """Its last third, where a backlog shows first."""
        return Window(self.end_s - (self.end_s - self.start_s) / 3, self.end_s)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the audio of one stream is due."""

    start_s: float
    chunk_samples: int
    chunks: int

    @property
    def end_s(self) -> float:
        """When its last sample has been spoken."""
        return self.start_s + self.chunks * self.chunk_samples / SAMPLE_RATE

    def due_s(self, samples: int) -> float:
        """Return when so many samples are to be on the wire, or all there are."""
        chunks = min(-(-samples // self.chunk_samples), self.chunks)
        return self.start_s + chunks * self.chunk_samples / SAMPLE_RATE


# Chunk compute


@dataclass(frozen=True, slots=True)
class StepMessage:
    """One message with words of the measured model."""

    at_s: float
    begins_at: int
    """Where the decoding of this text began, in samples since the start of the stream."""
    frames: tuple[int, ...]
    is_final: bool = False


def step_message(answer: Answer) -> StepMessage | None:
    """Read the words of the measured model in an answer; None if it has no words.

    A segment begins with its first word, and that word tells its frame: so its time says where
    decoding began.

    Raises:
        ValueError: its words are not of the measured model.
    """
    frames = word_clock.frames(answer.text)
    if not frames:
        return None
    begins_at = 0
    if answer.times_ms is not None:
        first_sample = answer.times_ms[0] * SAMPLE_RATE // 1000
        begins_at = first_sample - frames[0] * word_clock.FRAME_SAMPLES
    return StepMessage(answer.at_s, begins_at, frames, answer.is_final)


def step_latencies(
    client: int, messages: Iterable[StepMessage], schedule: Schedule
) -> list[Latency]:
    """Return the latency of each step that came first in a partial.

    Raises:
        ValueError: a step came before its audio was sent, so its times are wrong.
    """
    latencies = []
    seen: dict[int, set[int]] = {}
    for message in messages:
        known = seen.setdefault(message.begins_at, set())
        new = {word_clock.step_of(frame) for frame in message.frames} - known
        known |= new
        if message.is_final:
            continue
        for step in sorted(new):
            due_s = schedule.due_s(message.begins_at + word_clock.samples_needed(step))
            ms = (message.at_s - due_s) * 1000
            if ms < _EARLY_MS:
                raise ValueError(
                    f"step {step} of the text that began at sample {message.begins_at} came "
                    f"{-ms:.0f} ms before its audio was sent: the server's word times are off"
                )
            latencies.append(Latency(client, due_s, ms))
    return latencies


# Words


@dataclass(frozen=True, slots=True)
class WordLatencies:
    """The words of one stream."""

    first: tuple[Latency, ...]
    """From the end of a word to the first message that has it."""
    stable: tuple[Latency, ...]
    """From the end of a word to the message from which on all have it."""
    said: int
    heard: frozenset[int]
    """The numbers of those words that the finals have."""


def word_latencies(
    client: int, answers: Sequence[Answer], speech: Sequence[SpeechSpan], start_s: float
) -> WordLatencies:
    """Compare the answers with the words that were said.

    Args:
        client: whose stream it is.
        answers: all of the stream, in their order.
        speech: what was said, from the start of the stream.
        start_s: when the stream's first sample was spoken.
    """
    said = [word for one in speech for word in one.words]
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
            first.append(Latency(client, end_s, (appeared[number] - end_s) * 1000))
            stable.append(Latency(client, end_s, (since[number] - end_s) * 1000))
    return WordLatencies(tuple(first), tuple(stable), len(said), frozenset(pairs.values()))


def token_of(word: SpokenWord) -> str:
    """Return a word that was said as it would be among `tokens`."""
    return "".join(tokens(word.text)) or word.text


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


# Finals


@dataclass(frozen=True, slots=True)
class FinalLatencies:
    """The finals of one stream that ended."""

    latencies: tuple[Latency, ...]
    sentences: int
    lost: int
    """Sentences without a final."""
    doubled: int
    """Finals of a stretch of audio that has one already."""


def end_latency(client: int, answers: Iterable[Answer], schedule: Schedule) -> Latency | None:
    """Return the time from the end of audio to the end of text; None if that never came."""
    over = next((one.at_s for one in answers if one.is_over), None)
    if over is None:
        return None
    return Latency(client, schedule.end_s, (over - schedule.end_s) * 1000)


def final_latencies(
    client: int, answers: Sequence[Answer], speech: Sequence[SpeechSpan], start_s: float
) -> FinalLatencies:
    """Find out which final is whose, how late it is, and whether one is missing or too many.

    Latency is counted only of the final that is the last one of its speech.

    Args:
        client: whose stream it is.
        answers: all of the stream, in their order.
        speech: what was said, from the start of the stream.
        start_s: when the stream's first sample was spoken.
    """
    finals = [one for one in answers if one.is_final and one.text]
    timed = all(one.times_ms is not None for one in finals)
    owned = [_by_time(one, finals) for one in speech] if timed else _by_words(speech, finals)
    latencies = []
    # The last one is ended by END, not by its pause.
    for (span, following), own in zip(pairwise(speech), owned[:-1], strict=True):
        end_s = start_s + span.end_ms / 1000
        pause_ms = following.start_ms - span.end_ms
        if pause_ms >= _PAUSE_MS and own and own[-1].at_s >= end_s:
            latencies.append(Latency(client, end_s, (own[-1].at_s - end_s) * 1000))
    whole = [
        own
        for one, own in zip(speech, owned, strict=True)
        if one.end_ms - one.start_ms >= _LEAST_MS and (timed or one.words)
    ]
    return FinalLatencies(
        latencies=tuple(latencies),
        sentences=len(whole),
        lost=sum(not own for own in whole),
        doubled=_doubled([one.times_ms for one in finals if one.times_ms is not None]),
    )


def _by_time(span: SpeechSpan, finals: Sequence[Answer]) -> list[Answer]:
    return [
        one
        for one in finals
        if one.times_ms is not None
        and one.times_ms[0] < span.end_ms + _SLACK_MS
        and one.times_ms[1] > span.start_ms - _SLACK_MS
    ]


def _by_words(speech: Sequence[SpeechSpan], finals: Sequence[Answer]) -> list[list[Answer]]:
    owner_of_word = [number for number, one in enumerate(speech) for _ in one.words]
    said = [token_of(word) for one in speech for word in one.words]
    heard = [(token, one) for one in finals for token in tokens(one.text)]
    owned: list[list[Answer]] = [[] for _ in speech]
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
