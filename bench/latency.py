"""What clients of a load were told, and how late: pure reckoning, the same for every server.

Three clocks, never mixed. All begin at a moment of the sound, whether or not the client or the
server kept up.

* **Chunk compute**, one value for each decoding step that has a word: from the moment at which
  the chunk is due that makes the step's sound complete, to the arrival of the first message that
  tells a word of the step. Only the measured model knows: its words say which step they are of
  (`bench.clock`). So a server that skips a message, merges two or tells the same text again gains
  nothing: each step waits for its own first telling. Steps that are first told by a final are left
  out: they belong to the endpoint, which is another clock. So are, for want of words, steps in
  silence.
* **User-perceived**, two values for each word that is in the final text (`bench.perceived`): from
  the end of the word to the first message that has it, and to the message from which on it stays.
* **Final**: from the true end of speech to the final of its sentence (`bench.sentences`), where a
  pause follows; and from the end of a stream's sound (END goes out right behind it) to the
  message that says that all is told.

**Fairness** is the 95th percentile of the worst client over that of the median client.

A load is **held** if no stream failed or was refused, no final was lost, and the 95th percentile
of one clock keeps to the bar, over the whole window and over its last third: a backlog that grows
shows there first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from math import nan

from bench import clock
from bench.percentiles import percentile
from bench.wires import Answer

_EARLY_MS = -5.0
"""Nothing can be told before its sound is sent; times on the wire are rounded to milliseconds."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message with words of the measured model."""

    at_s: float
    begins_at: int
    """Where the decoding of this text began, in samples since the start of the stream."""
    frames: tuple[int, ...]
    is_final: bool = False


def told(answer: Answer) -> Told | None:
    """What an answer tells, if it has words.

    A segment begins with its first word, and that word tells its frame: so its time says where
    decoding began.

    Raises:
        ValueError: its words are not of the measured model.
    """
    frames = clock.frames(answer.text)
    if not frames:
        return None
    begins_at = 0
    if answer.times_ms is not None:
        first_sample = answer.times_ms[0] * clock.SAMPLE_RATE // 1000
        begins_at = first_sample - frames[0] * clock.FRAME_SAMPLES
    return Told(answer.at_s, begins_at, frames, answer.is_final)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the sound of one stream is due."""

    start_s: float
    chunk_samples: int
    chunks: int

    @property
    def end_s(self) -> float:
        return self.start_s + self.chunks * self.chunk_samples / clock.SAMPLE_RATE

    def due_s(self, samples: int) -> float:
        """When so many samples are to be on the wire, or all there are."""
        chunks = min(-(-samples // self.chunk_samples), self.chunks)
        return self.start_s + chunks * self.chunk_samples / clock.SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one thing took to be told."""

    client: int
    due_s: float
    ms: float


def step_waits(client: int, messages: Iterable[Told], schedule: Schedule) -> list[Wait]:
    """The partial latency of each step that a partial told first.

    Raises:
        ValueError: a step was told before its sound was sent, so its times are wrong.
    """
    waits = []
    told: dict[int, set[int]] = {}
    for message in messages:
        known = told.setdefault(message.begins_at, set())
        new = {clock.step_of(frame) for frame in message.frames} - known
        known |= new
        if message.is_final:
            continue
        for step in sorted(new):
            due_s = schedule.due_s(message.begins_at + clock.samples_needed(step))
            ms = (message.at_s - due_s) * 1000
            if ms < _EARLY_MS:
                raise ValueError(
                    f"step {step} of the text that began at sample {message.begins_at} was told "
                    f"{-ms:.0f} ms before its sound was sent: the server's word times are off"
                )
            waits.append(Wait(client, due_s, ms))
    return waits


def end_wait(client: int, answers: Iterable[Answer], schedule: Schedule) -> Wait | None:
    """From the end of sound to the end of text; None if it never came."""
    over = next((one.at_s for one in answers if one.is_over), None)
    if over is None:
        return None
    return Wait(client, schedule.end_s, (over - schedule.end_s) * 1000)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a load that counts: warm-up is before it."""

    start_s: float
    end_s: float

    def of(self, waits: Iterable[Wait]) -> list[Wait]:
        return [one for one in waits if self.start_s <= one.due_s < self.end_s]

    @property
    def halves(self) -> tuple[Window, Window]:
        middle_s = (self.start_s + self.end_s) / 2
        return Window(self.start_s, middle_s), Window(middle_s, self.end_s)

    @property
    def last_third(self) -> Window:
        return Window(self.end_s - (self.end_s - self.start_s) / 3, self.end_s)


class Clock(StrEnum):
    STEP = "chunk compute"
    FIRST = "word end to its first message"
    STABLE = "word end to stable"
    FINAL = "speech end to final"
    END = "END to END"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One load on one server, or the share of it that one process put on."""

    clients: int
    window: Window
    waits: Mapping[Clock, tuple[Wait, ...]]
    """Those of the window."""
    streams: int = 0
    refused: tuple[str, ...] = ()
    """For want of capacity: what was said. Not errors."""
    errors: tuple[str, ...] = ()
    ended: int = 0
    """Streams that were told their end."""
    sentences: int = 0
    lost: int = 0
    """Sentences without a final."""
    doubled: int = 0
    """Finals that tell the same stretch of sound a second time."""
    words: int = 0
    """That were said by streams that ended, where the words are known."""
    heard: int = 0
    """Of these, those that the finals have."""
    received: int = 0
    """Messages that came in the window."""
    speech_share: float = nan
    """Of the sound of all streams."""
    late_sends_ms: float = nan
    """99th percentile of how late chunks went out: how good the measurement is."""
    client_cpu: float = 0.0
    """Cores that the load clients took."""
    server_cpu: float = nan
    """Cores that the server took."""
    server_bytes: float = nan
    """Memory of the server and its workers at the most, shared pages counted in each."""

    def ms(self, clock: Clock, percent: float) -> float:
        return percentile([one.ms for one in self.waits.get(clock, ())], percent)

    def late_ms(self, clock: Clock) -> float:
        """95th percentile of the last third of the window."""
        waits = self.window.last_third.of(self.waits.get(clock, ()))
        return percentile([one.ms for one in waits], 95)

    def halves_ms(self, clock: Clock) -> tuple[float, float]:
        """95th percentiles of the first and of the second half of the window."""
        waits = self.waits.get(clock, ())
        first, second = (
            percentile([one.ms for one in half.of(waits)], 95) for half in self.window.halves
        )
        return first, second

    def unfairness(self, clock: Clock) -> float:
        """Worst client's 95th percentile over the median client's."""
        each = client_p95_ms(self.waits.get(clock, ()))
        return max(each) / percentile(each, 50) if each else nan

    @property
    def clock(self) -> Clock:
        """The one that says most about the server: the first that there is."""
        return next((one for one in Clock if self.waits.get(one)), Clock.END)

    @property
    def steps_per_second(self) -> float:
        """Steps told by partials, for each client and second."""
        steps = len(self.waits.get(Clock.STEP, ()))
        return steps / (self.window.end_s - self.window.start_s) / self.clients

    def holds(self, bar_ms: float, clock: Clock = Clock.STEP) -> bool:
        # Comparisons with NaN are false: who was told nothing holds nothing.
        return (
            not (self.errors or self.refused or self.lost or self.doubled)
            and self.ms(clock, 95) <= bar_ms
            and self.late_ms(clock) <= bar_ms
        )


def merged(parts: Sequence[Outcome]) -> Outcome:
    """The whole of what several processes put on. CPU and memory of the server are not theirs."""
    shares = [(one.speech_share, one.streams) for one in parts if one.streams]
    return Outcome(
        clients=sum(one.clients for one in parts),
        window=parts[0].window,
        waits={
            clock: tuple(wait for one in parts for wait in one.waits.get(clock, ()))
            for clock in Clock
        },
        streams=sum(one.streams for one in parts),
        refused=tuple(said for one in parts for said in one.refused),
        errors=tuple(said for one in parts for said in one.errors),
        ended=sum(one.ended for one in parts),
        sentences=sum(one.sentences for one in parts),
        lost=sum(one.lost for one in parts),
        doubled=sum(one.doubled for one in parts),
        words=sum(one.words for one in parts),
        heard=sum(one.heard for one in parts),
        received=sum(one.received for one in parts),
        speech_share=sum(share * count for share, count in shares)
        / max(sum(count for _, count in shares), 1),
        # The worst process spoils as much as if all were like it.
        late_sends_ms=max(one.late_sends_ms for one in parts),
        client_cpu=sum(one.client_cpu for one in parts),
    )


def client_p95_ms(waits: Sequence[Wait]) -> list[float]:
    ordered = sorted(waits, key=lambda one: one.client)
    groups = groupby(ordered, key=lambda one: one.client)
    return [percentile([one.ms for one in group], 95) for _, group in groups]
