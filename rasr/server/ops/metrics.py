"""`/metrics`: the server's numbers, as Prometheus collects them.

Nothing is counted for it where audio is handled: each number is read from whoever keeps it anyway,
when somebody asks (`rasr.server.ops.readings`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

import rasr
from rasr.server.ops.health import occupancy
from rasr.server.ops.interfaces import InterfaceCount
from rasr.server.ops.readings import (
    CAPACITY,
    ENGINE,
    INTERFACE,
    LAST_MINUTE,
    OCCUPANCY,
    SERVER,
    Reading,
    SourceT,
)
from rasr.server.state import ServerState


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
        yield _jobs(state)
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


def _jobs(state: ServerState) -> Metric:
    text = "Jobs on recordings that are kept, by their state; all servers together."
    family = GaugeMetricFamily("rasr_jobs", text, labels=["state"])
    numbers = state.jobs.numbers
    for name, count in ({} if numbers is None else numbers.by_state).items():
        family.add_metric([name], count)
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
