"""What dashboard and alerts ask for is what the server exports, and what the documents say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest

from rasr.server.ops import readings
from rasr.server.service import Service
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings, pretend_calibration
from tests.server.sdk import SdkClient
from tools.vendor import ROOT

DASHBOARD = ROOT / "deploy/grafana/dashboards/rasr.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
_OF_SIS = "|".join(one.name for one in readings.LAST_MINUTE)
_NAME = re.compile(rf"\b(?:(?:rasr|process)_\w+|{_OF_SIS})")


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def alert_expressions() -> list[str]:
    return re.findall(r"^ *expr: (.+)$", ALERTS.read_text("utf-8"), re.M)


async def exported() -> set[str]:
    """The names that a server exports, whether a count bounds what it takes or the load does."""
    names: set[str] = set()
    async with Service(fake_settings()) as service, SdkClient(service.url) as client:
        interfaces = service.state.interfaces
        interfaces.clock = lambda: 60.0
        await client.start(interim_results="yes")
        await client.audio(quiet(300) + voiced(800) + quiet(900))
        await client.end()
        # The last whole minute has a delay only where something succeeded in it.
        interfaces.clock = lambda: 120.0
        url = service.url.replace("ws://", "http://")
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG_S) as web:
            for bounded_by_load in (False, True):
                if bounded_by_load:
                    pretend_calibration(service)
                text = (await web.get("/metrics")).text
                # A family of labels that nothing has been counted for has a type all the same.
                names |= set(re.findall(rf"^(?:# TYPE )?({_NAME.pattern})", text, re.M))
    return names


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
async def test_every_number_that_is_asked_for_is_exported(
    expressions: Callable[[], list[str]],
) -> None:
    asked = {name for one in expressions() for name in _NAME.findall(one)}
    assert len(asked) > 5
    assert asked - await exported() == set()


def test_the_alerts_are_those_of_the_document() -> None:
    document = (ROOT / "docs/operations.md").read_text("utf-8")
    block = document.split("Worth an alert:")[1].split("```promql\n")[1].split("```")[0]
    expressions = [line for line in block.splitlines() if line and not line.startswith("#")]
    assert alert_expressions() == expressions


def test_the_dashboard_shows_every_kind_of_number() -> None:
    shown = {name for one in dashboard_expressions() for name in _NAME.findall(one)}
    kept = {one.name for one in readings.OCCUPANCY} | {one.name for one in readings.ENGINE}
    kept |= {one.name for one in readings.INTERFACE} | {one.name for one in readings.LAST_MINUTE}
    assert kept - shown == {
        "rasr_engine_streams",
        "rasr_engine_open_jobs",
        "rasr_engine_waiting_jobs",
        "rasr_engine_batches_total",
        "rasr_engine_decoded_seconds_total",
        "rasr_engine_replays_total",
    }
