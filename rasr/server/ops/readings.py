"""The numbers of a server, one by one: their names, what they say, and where they are kept.

A new one is a line in one of these tables. None has a label that a client could choose, so that
their count has a bound; what single sessions do is `/sessions`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from rasr import logs
from rasr.audio import SAMPLE_RATE
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import Scheduler
from rasr.server.ops.capacity import Capacity
from rasr.server.ops.health import Occupancy
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
    Reading("rasr_rounds_total", "Rounds that were opened.", _total(lambda s: s.recognitions)),
    Reading(
        "rasr_rounds_resumed_total",
        "Times that a client came back to a round whose connection was lost.",
        lambda s: s.connections.rounds.resumed,
    ),
    Reading(
        "rasr_rounds_held", "Rounds without a connection.", lambda s: s.connections.rounds.held
    ),
    Reading(
        "rasr_rounds_lost_total",
        "Rounds to which no client came back in time.",
        lambda s: s.connections.rounds.lost,
    ),
    Reading("rasr_utterances_total", "Utterances that have begun.", _total(lambda s: s.segments)),
    Reading("rasr_audio_seconds_total", "Audio received.", _total(lambda s: s.audio_s)),
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
    Reading(
        "rasr_caption_copies",
        "Channels of captions of other servers that are copied here.",
        lambda s: s.captions.copies,
    ),
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
        "rasr_jobs_oldest_waiting_seconds",
        "How long the job on a recording that waits longest has waited; all servers together.",
        lambda s: None if s.jobs.numbers is None else s.jobs.numbers.oldest_waiting_s,
    ),
    Reading(
        "rasr_jobs_speed",
        "Seconds of audio that one job of this server gets on in a second, of late.",
        lambda s: None if s.jobs.numbers is None else s.jobs.numbers.speed,
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
