"""`/metrics`: what Prometheus is told."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus

from rasr.server.ops.metrics import ServerCollector
from rasr.server.ops.readings import (
    CAPACITY,
    ENGINE,
    INTERFACE,
    LAST_MINUTE,
    OCCUPANCY,
    SERVER,
    Reading,
)
from rasr.server.service import Service
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings, pretend_calibration
from tests.server.sdk import SdkClient

READINGS: tuple[Reading[Any], ...] = (*OCCUPANCY, *SERVER, *ENGINE, *CAPACITY, *INTERFACE)

Numbers = dict[tuple[str, str], float]


async def scrape(service: Service) -> Numbers:
    """Name and label (there is at most one) → value."""

    def fetch() -> str:
        with urllib.request.urlopen(service.url.replace("ws:", "http:") + "/metrics") as answer:
            assert answer.headers["content-type"].startswith("text/plain")
            text: str = answer.read().decode()
            return text

    families = text_string_to_metric_families(await asyncio.to_thread(fetch))
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


async def speak(client: SdkClient, seed: int = 1) -> None:
    await client.start(interim_results="yes")
    await client.audio(quiet(300) + voiced(1000, seed=seed) + quiet(700))


async def test_an_open_round_is_counted_while_it_lasts_and_its_sound_stays_counted(
    service: Service,
) -> None:
    async with SdkClient(service.url) as client:
        await speak(client)
        await client.until("RESULT")
        during = await scrape(service)
        await client.end()
    await service.state.connections.quiet()
    after = await scrape(service)
    assert (during["rasr_sessions", ""], during["rasr_rounds", ""]) == (1, 1)
    assert (after["rasr_sessions", ""], after["rasr_rounds", ""]) == (0, 0)
    assert during["rasr_rounds_total", ""] == after["rasr_rounds_total", ""] == 1
    assert 0 < during["rasr_speech_seconds_total", ""] < during["rasr_audio_seconds_total", ""]
    assert during["rasr_audio_seconds_total", ""] <= after["rasr_audio_seconds_total", ""] == 2.0
    assert 1.0 < after["rasr_speech_seconds_total", ""] < 2.0
    assert after["rasr_utterances_total", ""] == 1
    assert after["rasr_sessions_closed_total", "NORMAL"] == 1
    assert after["rasr_final_latency_seconds_count", ""] == 1
    assert after["rasr_first_partial_latency_seconds_count", ""] == 1


async def test_each_engine_tells_what_it_has_done(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await speak(client)
        await client.end()
    numbers = await scrape(service)
    assert numbers["rasr_engine_open_jobs", "fake"] == 0
    assert numbers["rasr_engine_steps_total", "fake"] >= 2
    assert numbers["rasr_engine_batches_total", "fake"] >= 2
    assert 1.0 < numbers["rasr_engine_decoded_seconds_total", "fake"] < 2.0
    assert numbers["rasr_engine_busy_seconds_total", "fake"] > 0


async def test_a_refused_round_is_counted_by_its_code() -> None:
    async with Service(fake_settings(decoding={"max_rounds": 1})) as service:
        async with SdkClient(service.url) as first, SdkClient(service.url) as second:
            await first.start()
            await second.start()
            numbers = await scrape(service)
            assert numbers["rasr_rounds_refused_total", "SIS.0312"] == 1
            assert numbers["rasr_ready", ""] == 0
            assert numbers["rasr_rounds_max", ""] == 1
        await service.state.connections.quiet()
        assert (await scrape(service))["rasr_rounds_refused_total", "SIS.0312"] == 1


async def test_a_refused_handshake_is_counted_by_its_code() -> None:
    async with Service(fake_settings(server={"port": 0, "max_connections": 1})) as service:
        async with SdkClient(service.url):
            with pytest.raises(InvalidStatus):
                async with SdkClient(service.url):
                    pass
        assert (await scrape(service))["rasr_sessions_refused_total", "SIS.0312"] == 1


async def test_the_load_is_told_where_it_is_what_rounds_are_admitted_by(service: Service) -> None:
    plain = await scrape(service)
    assert ("rasr_load", "") not in plain
    assert ("rasr_engine_carried_rounds", "fake") not in plain
    pretend_calibration(service)
    async with SdkClient(service.url) as client:
        await client.start()
        loaded = await scrape(service)
    assert 0 < loaded["rasr_load", ""] < 0.85
    assert loaded["rasr_load_max", ""] == 0.85
    assert ("rasr_rounds_max", "") not in loaded
    assert loaded["rasr_engine_carried_rounds", "fake"] >= 1
    assert loaded["rasr_engine_slowness", "fake"] >= 1
    assert loaded["rasr_engine_overload_level", "fake"] == 0


async def test_the_process_its_tasks_and_its_descriptors_are_told(service: Service) -> None:
    before = await scrape(service)
    async with SdkClient(service.url):
        during = await scrape(service)
    assert before["process_resident_memory_bytes", ""] > 1e6
    # The client is in this process too: two ends of one connection, and tasks for each.
    assert during["process_open_fds", ""] >= before["process_open_fds", ""] + 2
    assert during["rasr_tasks", ""] > before["rasr_tasks", ""]
    assert before["rasr_threads", ""] >= 1


async def test_two_servers_in_one_process_have_numbers_of_their_own(service: Service) -> None:
    async with Service(fake_settings()) as other:
        async with SdkClient(other.url) as client:
            await speak(client)
            await client.end()
        assert (await scrape(other))["rasr_rounds_total", ""] == 1
        assert (await scrape(service))["rasr_rounds_total", ""] == 0


async def test_the_document_has_every_number_and_no_other(service: Service) -> None:
    document = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    named = set(re.findall(r"^\| .*?(?= \| )", document, re.MULTILINE))
    own_names = "|".join(one.name for one in LAST_MINUTE)
    pattern = rf"`(rasr_\w+|{own_names})"
    named = {name for cell in named for name in re.findall(pattern, cell)}
    collector = ServerCollector(service.state)
    statistics = service.state.statistics
    families = [
        *collector.collect(),
        *statistics.finals.collect(),
        *statistics.first_partials.collect(),
        *statistics.first_sounds.collect(),
    ]
    told = {reading.name for reading in (*READINGS, *LAST_MINUTE)}
    told |= {
        one.name + {"counter": "_total", "info": "_info"}.get(one.type, "") for one in families
    }
    assert named == told


def test_every_name_says_whose_it_is_and_is_used_once() -> None:
    names = [reading.name for reading in READINGS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("rasr_") for name in names)
