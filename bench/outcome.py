"""What came of one load on one server: its values by clock, what was lost, and whether it was held.

Pure. `bench.latency` says what the clocks are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from math import nan

from bench.latency import Wait, Window
from bench.percentiles import percentile


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
