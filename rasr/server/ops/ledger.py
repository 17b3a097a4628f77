"""What sessions leave behind when they are over, and the waits of all of them, for observers.

Sessions that are open are not in it: who wants a total adds them (`rasr.server.ops.metrics`), so
that nothing has to be counted twice while they live. It holds numbers and codes, never who it was.
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import Histogram

from rasr.session.driver import Driver

_FINAL_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_FIRST_PARTIAL_BUCKETS_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


class Ledger:
    """One server's."""

    def __init__(self) -> None:
        self.rounds = 0
        self.utterances = 0
        self.audio_s = 0.0
        self.speech_s = 0.0
        self.partials_replaced = 0
        self.sessions: Counter[str] = Counter()
        """Sessions that are over, by why their last round ended."""
        self.turned_away: Counter[str] = Counter()
        """Codes with which a handshake was refused."""
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

    def first_partial(self, seconds: float) -> None:
        self.first_partials.observe(seconds)

    def final(self, seconds: float) -> None:
        self.finals.observe(seconds)

    def close(self, driver: Driver) -> None:
        """A session is over."""
        summary, vitals = driver.summary, driver.vitals
        self.rounds += summary.rounds
        self.utterances += summary.utterances
        self.audio_s += driver.audio_s
        self.speech_s += driver.speech_s
        self.partials_replaced += driver.partials_replaced
        self.sessions[summary.reason] += 1
        self.refused += vitals.refused
        self.failed += vitals.failed
