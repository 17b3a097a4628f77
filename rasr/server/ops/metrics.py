"""`/metrics`: the server's numbers, as Prometheus collects them.

Nothing is counted for it where audio is handled: each number is read from whoever keeps it anyway,
when somebody asks. A new one is a line in one of the tables below. No number has a label that a
client could choose, so that their count has a bound; what single sessions do is `/sessions`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

import rasr
from rasr import logs
from rasr.audio import SAMPLE_RATE
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import Scheduler
from rasr.server.ops.capacity import Capacity
from rasr.server.ops.health import Occupancy, occupancy
from rasr.server.ops.interfaces import InterfaceCount
from rasr.server.ops.statistics import ServerStatistics
from rasr.server.state import ServerState

SourceT = TypeVar("SourceT")
Family = CounterMetricFamily | GaugeMetricFamily


@dataclass(frozen=True, slots=True)
class Reading(Generic[SourceT]):
    """One number of a source. A name that ends with `_total` is of one that only grows."""

    name: str
    text: str
    read: Callable[[SourceT], float | None]
    """None leaves it out."""

    def family(self, label: str | None = None) -> Family:
        """An empty metric family of this name, with one label or none."""
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        return kind(self.name, self.text, labels=[label] if label else [])


def _total(
    read: Callable[[ServerStatistics | SessionStatistics], float],
) -> Callable[[ServerState], float]:
    """Of the connections that are over and those that are open."""
    return lambda state: read(state.statistics) + sum(map(read, state.connections.statistics))


OCCUPANCY: tuple[Reading[Occupancy], ...] = (
    Reading("rasr_ready", "1 while new rounds are welcome, as /readyz.", lambda o: o.ready),
    Reading("rasr_rounds", "Rounds that are open.", lambda o: o.rounds),
    Reading("rasr_rounds_max", "Rounds that may be open.", lambda o: o.max_rounds),
    Reading(
        "rasr_load",
        "Predicted load of the open rounds; 1.0 is all that the machine can do.",
        lambda o: o.load,
    ),
    Reading("rasr_load_max", "Load past which a round is refused.", lambda o: o.max_load),
)

SERVER: tuple[Reading[ServerState], ...] = (
    Reading("rasr_sessions", "Connections that are open.", lambda s: s.connections.count),
    Reading(
        "rasr_sessions_max",
        "Connections that may be open.",
        lambda s: s.settings.server.max_connections,
    ),
    Reading(
        "rasr_rounds_total",
        "Rounds that were opened.",
        _total(lambda s: s.recognitions),
    ),
    Reading(
        "rasr_utterances_total",
        "Utterances that have begun.",
        _total(lambda s: s.segments),
    ),
    Reading(
        "rasr_audio_seconds_total",
        "Audio received.",
        _total(lambda s: s.audio_s),
    ),
    Reading(
        "rasr_speech_seconds_total",
        "Audio given to engines: speech and its margins.",
        _total(lambda s: s.speech_s),
    ),
    Reading(
        "rasr_partials_replaced_total",
        "Partials that a newer result replaced before the client took them.",
        _total(lambda s: s.partials_replaced),
    ),
    Reading(
        "rasr_recognitions_stalled_total",
        "Recognitions given up because nothing came of them after END: a fault of the server.",
        _total(lambda s: s.stalled),
    ),
    Reading(
        "rasr_backlog_seconds",
        "Audio of all connections that is not decoded yet.",
        lambda s: sum(one.backlog_s for one in s.connections.statistics),
    ),
    Reading("rasr_caption_channels", "Channels of captions.", lambda s: s.captions.channels),
    Reading("rasr_caption_viewers", "Viewers of captions.", lambda s: s.captions.viewers),
    Reading(
        "rasr_aligner_restarts_total",
        "Processes that align words and died or hung, and were replaced.",
        lambda s: None if s.aligners is None else s.aligners.statistics.restarts,
    ),
    Reading(
        "rasr_aligner_faults_total",
        "Errors of the server itself that alignment survived; the log has each.",
        lambda s: None if s.aligners is None else s.aligners.statistics.faults,
    ),
    Reading(
        "rasr_log_lines_lost_total",
        "Log lines that could not be written because nobody took them.",
        lambda s: logs.lost(),
    ),
    Reading(
        "rasr_faults_total",
        "Tasks, callbacks and threads of the server itself that ended unasked; the log has each.",
        lambda s: s.statistics.faults,
    ),
    Reading(
        "rasr_usage_waiting",
        "Calls and rounds that are to be billed and are not in the ledger yet.",
        lambda s: s.meter.waiting,
    ),
    Reading(
        "rasr_usage_lost_total",
        "Calls and rounds that could be written down nowhere.",
        lambda s: s.meter.lost,
    ),
    Reading("rasr_texts", "Texts that are being spoken.", lambda s: s.speech.open_texts),
    Reading("rasr_texts_total", "Texts that were spoken to their end.", lambda s: s.speech.texts),
    Reading("rasr_sound_seconds_total", "Sound made of texts.", lambda s: s.speech.seconds),
    Reading("rasr_tasks", "Tasks of the event loop.", lambda s: len(asyncio.all_tasks())),
    Reading("rasr_threads", "Threads that Python knows.", lambda s: threading.active_count()),
)

ENGINE: tuple[Reading[Scheduler], ...] = (
    Reading("rasr_engine_calls", "Batches that can be decoded at once.", lambda s: s.slots),
    Reading(
        "rasr_engine_overload_level",
        "How much the engine is spared: 0 while steps begin in time.",
        lambda s: s.overload_level,
    ),
    Reading(
        "rasr_engine_slowness",
        "Time that steps take against what they took when calibrated.",
        lambda s: None if s.statistics.costs is None else s.statistics.slowness,
    ),
    Reading("rasr_engine_streams", "Utterances that can be decoded at once.", lambda s: s.streams),
    Reading(
        "rasr_engine_open_jobs", "Utterances without a final.", lambda s: s.statistics.open_tasks
    ),
    Reading(
        "rasr_engine_waiting_jobs",
        "Utterances with work and without a stream.",
        lambda s: s.statistics.waiting_tasks,
    ),
    Reading(
        "rasr_engine_oldest_ready_seconds",
        "How long the live step that waits longest has waited.",
        lambda s: s.oldest_ready_s(),
    ),
    Reading("rasr_engine_batches_total", "Batches decoded.", lambda s: s.statistics.batches),
    Reading("rasr_engine_steps_total", "Steps of these batches.", lambda s: s.statistics.steps),
    Reading(
        "rasr_engine_decoded_seconds_total",
        "Audio decoded.",
        lambda s: s.statistics.decoded_samples / SAMPLE_RATE,
    ),
    Reading(
        "rasr_engine_busy_seconds_total",
        "Time in which slots decoded; its rate over rasr_engine_calls is the share in use.",
        lambda s: s.statistics.busy_s,
    ),
    Reading(
        "rasr_engine_queued_seconds_total",
        "Time that steps waited for a slot; over rasr_engine_steps_total it is the mean wait.",
        lambda s: s.statistics.queued_s,
    ),
    Reading(
        "rasr_engine_restarts_total",
        "Workers that died or hung and were replaced.",
        lambda s: s.statistics.restarts,
    ),
    Reading(
        "rasr_engine_replays_total",
        "Utterances decoded anew after that.",
        lambda s: s.statistics.replays,
    ),
    Reading(
        "rasr_engine_faults_total",
        "Errors of the server itself that decoding survived; the log has each.",
        lambda s: s.statistics.faults,
    ),
    Reading("rasr_engine_workers", "Workers of the engine.", lambda s: len(s.workers)),
    Reading("rasr_engine_workers_up", "Those of them that decode now.", lambda s: s.workers_up),
)


CAPACITY: tuple[Reading[Capacity], ...] = (
    Reading(
        "rasr_engine_carried_rounds",
        "Rounds of unbroken speech that the machine carries with this engine alone, calibrated.",
        lambda c: c.recognitions(1.0),
    ),
)


INTERFACE: tuple[Reading[InterfaceCount], ...] = (
    Reading(
        "rasr_interface_delay_seconds_total",
        "Delay of the successful calls together; over their number it is the mean.",
        lambda c: c.delay_s,
    ),
)

LAST_MINUTE: tuple[Reading[InterfaceCount], ...] = (
    Reading(
        "successful_calls_of_service",
        "Successful calls in the last whole minute.",
        lambda c: c.successful,
    ),
    Reading(
        "api_calls_with_4xx_response",
        "Calls in the last whole minute that failed by the caller's fault.",
        lambda c: c.failed_4xx,
    ),
    Reading(
        "api_calls_with_5xx_response",
        "Calls in the last whole minute that failed by the server's fault.",
        lambda c: c.failed_5xx,
    ),
    Reading(
        "average_delay",
        "Mean delay of the successful calls in the last whole minute, ms.",
        lambda c: c.average_delay_ms,
    ),
)
"""By the names that they have at SIS."""


class ServerCollector(Collector):
    """Reads all numbers of a server. For use on its event loop."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Read all metrics now; Prometheus calls it at each scrape."""
        state = self._state
        yield InfoMetricFamily("rasr", "What serves.", value={"version": rasr.__version__})
        now = occupancy(state)
        for full in OCCUPANCY:
            yield from _family(full, None, [("", now)])
        for reading in SERVER:
            yield from _family(reading, None, [("", state)])
        for engine in ENGINE:
            yield from _family(engine, "engine", state.schedulers.items())
        for capacity in CAPACITY:
            yield from _family(capacity, "engine", state.capacities.items())
        interfaces = state.interfaces
        yield _calls(interfaces.counts)
        for one in INTERFACE:
            yield from _family(one, "interface", sorted(interfaces.counts.items()))
        last = sorted(interfaces.last_minute().items())
        for one in LAST_MINUTE:
            yield from _family(one, "interface", last)
        closed, open_now = state.statistics, state.connections.statistics
        yield _by_code(
            "rasr_sessions_closed_total",
            "Connections that are over, by why their last round ended.",
            "reason",
            [closed.sessions],
        )
        yield _by_code(
            "rasr_sessions_refused_total",
            "Handshakes that were refused, by the code of the answer.",
            "code",
            [closed.turned_away],
        )
        yield _by_code(
            "rasr_requests_refused_total",
            "Connections and requests that reached no path, by why.",
            "reason",
            [closed.requests_refused],
        )
        yield _by_code(
            "rasr_second_passes_total",
            "Second passes over utterances that are over, by how they ended.",
            "outcome",
            [closed.second_passes, *(one.second_passes for one in open_now)],
        )
        yield _by_code(
            "rasr_alignments_total",
            "Finals whose words were to be aligned with their audio, by what came of it.",
            "outcome",
            [_alignments(state)],
        )
        yield _by_code(
            "rasr_rounds_refused_total",
            "Errors that answered a START, or what else came out of a round, by their code.",
            "code",
            [closed.refused, *(one.refused for one in open_now)],
        )
        yield _by_code(
            "rasr_rounds_failed_total",
            "Errors that ended a round or its connection, by their code.",
            "code",
            [closed.failed, *(one.failed for one in open_now)],
        )


def _family(
    reading: Reading[SourceT], label: str | None, sources: Iterable[tuple[str, SourceT]]
) -> Iterator[Metric]:
    family = reading.family(label)
    for name, source in sources:
        value = reading.read(source)
        if value is not None:
            family.add_metric([name] if label else [], value)
    # Of what has labels the name is told before there is any.
    if family.samples or label:
        yield family


def _calls(counts: Mapping[str, InterfaceCount]) -> Metric:
    family = CounterMetricFamily(
        "rasr_interface_calls_total",
        "Calls of an interface that are over, rounds of websockets among them, by how they ended.",
        labels=["interface", "outcome"],
    )
    for interface, count in sorted(counts.items()):
        family.add_metric([interface, "successful"], count.successful)
        family.add_metric([interface, "4xx"], count.failed_4xx)
        family.add_metric([interface, "5xx"], count.failed_5xx)
    return family


def _alignments(state: ServerState) -> Counter[str]:
    """What came of alignments, without what did not happen."""
    if state.aligners is None:
        return Counter()
    known = state.aligners.statistics
    return +Counter(aligned=known.aligned, unfit=known.unfit, late=known.late, lost=known.lost)


def _by_code(name: str, text: str, label: str, counters: Iterable[Counter[str]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for code, count in sorted(sum(counters, Counter[str]()).items()):
        family.add_metric([code], count)
    return family


class Exposition:
    """All numbers of a server as Prometheus reads them."""

    def __init__(self, state: ServerState) -> None:
        self._registry = registry = CollectorRegistry()
        registry.register(ServerCollector(state))
        registry.register(state.statistics.finals)
        registry.register(state.statistics.first_partials)
        registry.register(state.statistics.first_sounds)
        ProcessCollector(registry=registry)

    def answer(self) -> Response:
        """The answer to `/metrics`."""
        return Response(
            generate_latest(self._registry),
            headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"},
        )


def add_metrics(app: FastAPI, state: ServerState) -> None:
    """`/metrics`."""
    exposition = Exposition(state)

    @app.get("/metrics")
    async def metrics() -> Response:
        """All numbers, for Prometheus."""
        return exposition.answer()
