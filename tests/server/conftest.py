"""Servers on loopback, on a port of their own, around the engine that needs no model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from rasr.runtime.runner import RecognitionRunner
from rasr.scheduling import StepCosts
from rasr.server.admission import AdmissionRules
from rasr.server.service import Service
from rasr.settings import Settings
from tests.processes import LONG_S

FAKE = {
    # Sessions end by themselves, however slow the machine is.
    "server": {"port": 0, "drain_s": LONG_S},
    "engines": {"fake": {"kind": "fake"}},
    "properties": {"english": "fake"},
    # What a test may do must not depend on how fast the machine is.
    "capacity": {"max_load": 0.0},
    "store": {"timeout_s": LONG_S},
    # Nor is a client silent that has its turn late.
    "session": {"idle_s": 10 * LONG_S},
    # Who goes last gets next to nothing where other tests run beside.
    "synthesis": {"niceness": 0},
}

Held = list[Callable[[], None]]
"""Ends of recognitions that wait to be called."""


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


_HURRIED = (
    "metering.ledger._CATCH_UP_S",
    "metering.ledger._FAREWELL_S",
    "ops.history._LAST_WORD_S",
    "channels.following._ANSWER_S",
    "channels.following._PING_S",
    "channels.shared._SEEK_S",
    "channels.shared._BRING_S",
    "channels.shared._END_S",
    "ws.passing._ANSWER_S",
)
"""So long a server waits for its disk, or for another server that does answer here."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers wait as long as a slow machine takes. Tests of what does not answer have bounds of
    their own."""
    for name in _HURRIED:
        monkeypatch.setattr(f"rasr.server.{name}", LONG_S)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Recognitions end when what is in here is called, and not before."""
    ends: Held = []
    finish = RecognitionRunner.finish
    monkeypatch.setattr(
        RecognitionRunner, "finish", lambda runner: ends.append(partial(finish, runner))
    )
    return ends


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service(fake_settings()) as running:
        yield running
