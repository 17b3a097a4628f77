"""Servers on loopback, on a port of their own, around the engine that needs no model."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rasr.scheduling import StepCosts
from rasr.server.admission import AdmissionRules
from rasr.server.service import Service
from rasr.settings import Settings

FAKE = {
    "server": {"port": 0, "drain_s": 5.0},
    "engines": {"fake": {"kind": "fake"}},
    "properties": {"english": "fake"},
    # What a test may do must not depend on how fast the machine is.
    "capacity": {"max_load": 0.0},
}


def fake_settings(**sections: dict[str, object]) -> Settings:
    """Settings around the fake engine; each section is merged over the defaults above."""
    merged: dict[str, object] = dict(FAKE)
    for name, values in sections.items():
        known = merged.get(name, {})
        assert isinstance(known, dict)
        merged[name] = known | values
    return Settings.model_validate(merged)


def pretend_calibration(service: Service) -> None:
    """As if the fake engine had been measured on two cores, and rounds were admitted by load."""
    # A call needs 10 ms for half a second of one stream, and there are two of them.
    costs = StepCosts(step_s=0.5, slots=2, seconds={1: 0.01})
    state = service.state
    for scheduler in state.schedulers.values():
        scheduler.statistics.costs = costs
    state.admission.rules = AdmissionRules(max_load=0.85)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service(fake_settings()) as running:
        yield running
