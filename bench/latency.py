"""What clients of a load were told, and how late: pure reckoning, the same for every server.

Three clocks, never mixed. All begin when sound is *due*, that is when its chunk is to be sent,
whether or not the client or the server kept up.

* **Partial latency**, one value for each decoding step that has a word: from the moment at which
  the chunk is due that makes the step's sound complete, to the arrival of the first message that
  tells a word of the step. The words say which step they are of (`bench.clock`). So a server that
  skips a message, merges two or tells the same text again gains nothing: each step waits for its
  own first telling. Steps that are first told by a final are left out: they belong to the endpoint,
  which is another clock. So are, for want of words, steps in silence.
* **Final latency**, one value for each stream that ends in the window: from the moment at which its
  last sound is due (END goes out right behind it) to the message that says that all is told.
* **Fairness**: the 95th percentile of the partial latency of the worst client over that of the
  median client.

A load is **held** if no stream failed, every stream that ended got its end, and the 95th percentile
of the partial latency keeps to the bar, over the whole window and over its last third: a backlog
that grows shows there first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench import clock
from bench.percentiles import percentile

_EARLY_MS = -5.0
"""Nothing can be told before its sound is sent; times on the wire are rounded to milliseconds."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message with text, or the one that ends the stream."""

    at_s: float
    begins_at: int
    """Where the decoding of this text began, in samples since the start of the stream."""
    frames: tuple[int, ...]
    is_final: bool = False
    is_over: bool = False


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


def final_wait(client: int, messages: Iterable[Told], schedule: Schedule) -> Wait | None:
    """From the end of sound to the end of text; None if it never came."""
    over = next((one.at_s for one in messages if one.is_over), None)
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
    def last_third(self) -> Window:
        return Window(self.end_s - (self.end_s - self.start_s) / 3, self.end_s)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One load on one server."""

    clients: int
    partials: tuple[Wait, ...]
    finals: tuple[Wait, ...]
    window: Window
    errors: tuple[str, ...] = ()
    late_sends_ms: float = 0.0
    """99th percentile of how late chunks went out: how good the measurement is."""
    client_cpu: float = 0.0
    """Cores that the load client took."""
    server_cpu: float = 0.0
    """Cores that the server took."""

    def partial_ms(self, percent: float) -> float:
        return percentile([one.ms for one in self.partials], percent)

    def final_ms(self, percent: float) -> float:
        return percentile([one.ms for one in self.finals], percent)

    @property
    def late_partial_p95_ms(self) -> float:
        """Of the last third of the window."""
        return percentile([one.ms for one in self.window.last_third.of(self.partials)], 95)

    @property
    def steps_per_second(self) -> float:
        """Steps told by partials, for each client and second."""
        return len(self.partials) / (self.window.end_s - self.window.start_s) / self.clients

    @property
    def unfairness(self) -> float:
        """Worst client's 95th percentile over the median client's."""
        each = client_p95_ms(self.partials)
        return max(each) / percentile(each, 50) if each else float("nan")

    def holds(self, bar_ms: float) -> bool:
        # Comparisons with NaN are false: who was told nothing holds nothing.
        return (
            not self.errors and self.partial_ms(95) <= bar_ms and self.late_partial_p95_ms <= bar_ms
        )


def client_p95_ms(waits: Sequence[Wait]) -> list[float]:
    ordered = sorted(waits, key=lambda one: one.client)
    groups = groupby(ordered, key=lambda one: one.client)
    return [percentile([one.ms for one in group], 95) for _, group in groups]
