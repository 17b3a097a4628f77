"""What connections leave behind when they are over, and the latencies of all of them.

Connections that are open are not in it: who wants a total adds them (`rasr.server.ops.metrics`), so
that nothing has to be counted twice while they live. It holds numbers and codes, never who it was.
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import Histogram

from rasr.runtime.statistics import SessionStatistics

_FINAL_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_FIRST_SOUND_BUCKETS_S = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
_FIRST_PARTIAL_BUCKETS_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


class ServerStatistics:
    """One server's."""

    def __init__(self) -> None:
        self.recognitions = 0
        self.segments = 0
        self.audio_s = 0.0
        self.speech_s = 0.0
        self.partials_replaced = 0
        self.stalled = 0
        self.faults = 0
        """Tasks, callbacks and threads of the server itself that ended unasked."""
        self.second_passes: Counter[str] = Counter()
        self.sessions: Counter[str] = Counter()
        """Connections that are over, by why their last recognition ended."""
        self.turned_away: Counter[str] = Counter()
        """Codes with which a handshake was refused."""
        self.requests_refused: Counter[str] = Counter()
        """Connections and requests that reached no path, by why."""
        self.refused: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        # Without a registry they are nobody's, until a registry of one server takes them.
        self.finals = Histogram(
            "rasr_final_latency_seconds",
            "From the endpoint of an utterance to its final.",
            buckets=_FINAL_BUCKETS_S,
            registry=None,
        )
        self.first_partials = Histogram(
            "rasr_first_partial_latency_seconds",
            "From the noticed start of speech to the first words of the utterance.",
            buckets=_FIRST_PARTIAL_BUCKETS_S,
            registry=None,
        )
        self.first_sounds = Histogram(
            "rasr_first_sound_latency_seconds",
            "From a text in real time to its first sound.",
            buckets=_FIRST_SOUND_BUCKETS_S,
            registry=None,
        )

    def count_fault(self) -> None:
        """A task, a callback or a thread of the server itself has ended unasked."""
        self.faults += 1

    def first_partial(self, seconds: float) -> None:
        """From the start of a segment to the first words of it."""
        self.first_partials.observe(seconds)

    def final(self, seconds: float) -> None:
        """From the endpoint of a segment to its final."""
        self.finals.observe(seconds)

    def close(self, session: SessionStatistics) -> None:
        """A connection is over."""
        self.recognitions += session.recognitions
        self.segments += session.segments
        self.audio_s += session.audio_s
        self.speech_s += session.speech_s
        self.partials_replaced += session.partials_replaced
        self.stalled += session.stalled
        self.second_passes += session.second_passes
        self.sessions[session.reason] += 1
        self.refused += session.refused
        self.failed += session.failed
