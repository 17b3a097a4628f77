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

from collections.abc import Iterable
from dataclasses import dataclass

from bench import clock
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
