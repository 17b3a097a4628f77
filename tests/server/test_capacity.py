"""The calibration of a server: measured, remembered while nothing changes, ever better, told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from decoder import EngineUnavailable
from decoder.engine import Samples
from rasr.scheduling import IdleMoments, Scheduler, StepCosts
from rasr.scheduling.calibration import BatchRunner, Plan
from rasr.scheduling.costs import ONE_BY_ONE
from rasr.server.engines import make_scheduler, plan
from rasr.server.errors import StartError
from rasr.server.ops.capacity import Calibration, Capacity, carried, memory_folder, summary
from rasr.server.service import Service
from rasr.settings import Settings
from tests.processes import LONG_S
from tests.scheduling.commanded import settle
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient
from tests.server.test_life import get


@dataclass
class Machine:
    """What a calibration finds here."""

    seconds: float = 0.001
    disturbance: float = 1.1
    whole: list[bool] = field(default_factory=list)
    """Of each calibration at once: whether it was a whole one."""

    def costs(self, slots: int) -> StepCosts:
        """One that nobody disturbed counts as agreeing."""
        each = {1: self.seconds, 2: self.seconds * 1.5}
        found = StepCosts(0.25, slots, each, self.disturbance)
        return found if found.is_disturbed else replace(found, agreeing=1)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """What is found must not depend on who uses the machine of the test."""
    machine = Machine()

    async def calibrate(scheduler: Scheduler, speech: Samples, *, short: bool) -> StepCosts:
        assert len(speech) > 5 * scheduler.capabilities.sample_rate
        machine.whole.append(not short)
        found = machine.costs(scheduler.slots)
        scheduler.statistics.calibrated(found)
        return found

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    return machine


def settings(**sections: dict[str, object]) -> Settings:
    return fake_settings(capacity={"max_load": 0.85}, **sections)


@dataclass
class Start:
    """What came of one start."""

    remembered: bool
    costs: StepCosts


def nothing(scheduler: Scheduler) -> None:
    """Nobody speaks while it runs."""


async def started(
    folder: Path,
    settings: Settings,
    *,
    fresh: bool = False,
    meanwhile: Callable[[Scheduler], None] = nothing,
) -> Start:
    """Start an engine, do something, and stop it again."""
    (one,) = plan(settings).values()
    scheduler = make_scheduler(one, settings.decoding)
    await scheduler.start()
    try:
        calibration = Calibration(one, settings.decoding, scheduler, folder)
        remembered = await calibration.begin(fresh=fresh)
        costs = scheduler.statistics.costs
        assert costs is not None
        meanwhile(scheduler)
        await calibration.remember()
        return Start(remembered, costs)
    finally:
        await scheduler.stop()


def spoil(folder: Path, text: str) -> None:
    (file,) = folder.iterdir()
    file.write_text(text)


def change(folder: Path, field: str, value: object) -> None:
    """Another number in the costs that are remembered."""
    (file,) = folder.iterdir()
    known = json.loads(file.read_text())
    assert field in known["costs"]
    known["costs"][field] = value
    file.write_text(json.dumps(known))


async def test_a_calibration_is_remembered(tmp_path: Path) -> None:
    first = await started(tmp_path, settings())
    again = await started(tmp_path, settings())
    assert (first.remembered, again.remembered) == (False, True)
    assert first.costs == again.costs


async def test_a_disturbed_calibration_is_used_and_not_remembered(
    tmp_path: Path, machine: Machine
) -> None:
    machine.disturbance = 3.0
    first = await started(tmp_path, settings())
    assert first.costs.disturbance == 3.0
    assert not (await started(tmp_path, settings())).remembered


async def test_it_is_measured_anew_and_in_full_when_told_so(
    tmp_path: Path, machine: Machine
) -> None:
    await started(tmp_path, settings())
    assert not (await started(tmp_path, settings(), fresh=True)).remembered
    assert machine.whole == [False, True]


async def test_of_several_starts_the_best_is_remembered(tmp_path: Path, machine: Machine) -> None:
    await started(tmp_path, settings())
    machine.seconds = 0.004
    assert (await started(tmp_path, settings(), fresh=True)).costs.seconds[1] == 0.004
    assert (await started(tmp_path, settings())).costs.seconds[1] == 0.001
    machine.seconds = 0.0005
    await started(tmp_path, settings(), fresh=True)
    assert (await started(tmp_path, settings())).costs.seconds[1] == 0.0005


async def test_calibrations_of_several_starts_make_sure(tmp_path: Path) -> None:
    assert not (await started(tmp_path, settings())).costs.is_sure

    def repeat(scheduler: Scheduler) -> None:
        scheduler.statistics.calibrated(Machine().costs(scheduler.slots))

    # What the file holds already is not counted a second time.
    assert not (await started(tmp_path, settings())).costs.is_sure
    await started(tmp_path, settings(), meanwhile=repeat)
    assert (await started(tmp_path, settings())).costs.is_sure


async def test_what_was_learnt_from_live_steps_is_remembered(tmp_path: Path) -> None:
    def learn(scheduler: Scheduler) -> None:
        costs = scheduler.statistics.costs
        assert costs is not None
        scheduler.statistics.costs = costs.lowered({1: 0.0002})

    await started(tmp_path, settings(), meanwhile=learn)
    assert (await started(tmp_path, settings())).costs.seconds[1] == 0.0002


async def test_a_worker_that_dies_of_its_calibration_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calibrate(scheduler: Scheduler, speech: Samples, *, short: bool) -> StepCosts:
        raise EngineUnavailable("a worker died while its speed was measured")

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    with pytest.raises(StartError, match=r"engines\.fake: a worker died while its speed"):
        await started(tmp_path, settings())


@pytest.mark.parametrize(
    "sections",
    [
        {"decoding": {"workers": 1}},
        {"decoding": {"step_ms": 500}},
        {"engines": {"fake": {"kind": "fake", "options": {"test_samples": True}}}},
    ],
)
async def test_other_settings_are_measured_anew(
    tmp_path: Path, sections: dict[str, dict[str, object]]
) -> None:
    await started(tmp_path, settings(decoding={"workers": 2}))
    before: dict[str, dict[str, object]] = {"decoding": {"workers": 2}}
    changed = settings(**(before | sections))
    assert not (await started(tmp_path, changed)).remembered


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"key": 1, "costs": 2}', "\x00", "[" * 50_000, " " * 1_000_000 + "{}"],
)
async def test_a_file_that_cannot_be_read_is_measured_anew(tmp_path: Path, text: str) -> None:
    await started(tmp_path, settings())
    spoil(tmp_path, text)
    assert not (await started(tmp_path, settings())).remembered
    assert (await started(tmp_path, settings())).remembered


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("step_s", -0.25),
        ("step_s", "NaN"),
        ("slots", 0),
        ("slots", 1e999),
        ("slots", 7),
        ("seconds", {}),
        ("seconds", {"1": 0}),
        ("seconds", {"1": -0.001}),
        ("seconds", {"1": 1e-12}),
        ("seconds", {"1": 1e999}),
        ("seconds", {"1": float("nan")}),
        ("seconds", {"-1": 0.001}),
        ("disturbance", 0),
        ("by_length", {"0": 0.1}),
        ("spared", {"2": -1}),
        ("agreeing", 1e999),
    ],
)
async def test_remembered_numbers_that_nobody_can_have_measured_are_measured_anew(
    tmp_path: Path, field: str, value: object
) -> None:
    await started(tmp_path, settings(decoding={"workers": 2}))
    change(tmp_path, field, value)
    with structlog.testing.capture_logs() as logs:
        start = await started(tmp_path, settings(decoding={"workers": 2}))
    assert not start.remembered
    assert start.costs.seconds[1] == 0.001
    assert "calibration_unreadable" in {line["event"] for line in logs}
    assert (await started(tmp_path, settings(decoding={"workers": 2}))).remembered


async def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with structlog.testing.capture_logs() as logs:
        await started(blocked / "below", settings())
    assert "calibration_not_kept" in {line["event"] for line in logs}


async def test_what_the_machine_carries_is_told_once_it_is_known_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = plan(settings()).values()
    scheduler = make_scheduler(one, settings().decoding)
    await scheduler.start()
    told: list[Callable[[StepCosts], Awaitable[None]]] = []
    monkeypatch.setattr(scheduler, "keep_calibrated", lambda _, tell, __: told.append(tell))

    def people(logs: list[MutableMapping[str, Any]]) -> list[tuple[int, int]]:
        return [
            (line["people_in_conversation"], line["people_without_pauses"])
            for line in logs
            if line["event"] == "capacity" and line["engine"] == "fake"
        ]

    try:
        calibration = Calibration(one, settings().decoding, scheduler, tmp_path)
        with structlog.testing.capture_logs() as logs:
            await calibration.begin()
        assert people(logs) == [], "a short calibration says it only roughly"
        calibration.keep_up(IdleMoments([scheduler.statistics]))
        for seconds in (0.002, 0.002, 0.0002):
            costs = StepCosts(0.25, scheduler.slots, {1: seconds, 2: seconds * 1.5})
            scheduler.statistics.costs = costs
            with structlog.testing.capture_logs() as more:
                await told[0](costs)
            logs += more
    finally:
        await scheduler.stop()
    first, second = people(logs)
    assert first[0] > first[1] > 0
    assert second > first
    with structlog.testing.capture_logs() as logs:
        await started(tmp_path, settings())
    assert people(logs) == [second], "what is remembered is known at once"


async def test_a_server_remembers_when_it_stops_what_it_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with Service(settings()) as service:
        statistics = service.state.schedulers["fake"].statistics
        assert statistics.costs is not None
        before = service.state.capacities["fake"].recognitions(1.0)
        statistics.costs = statistics.costs.lowered({1: 0.0002, 2: 0.0003})
        # Whatever tells the capacity tells it by what is known now.
        assert service.state.capacities["fake"].recognitions(1.0) > before
    async with Service(settings()) as service:
        costs = service.state.schedulers["fake"].statistics.costs
        assert costs is not None
        assert costs.seconds[1] == 0.0002


async def test_a_server_to_which_nobody_speaks_calibrates_again(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[StepCosts] = []
    twice = asyncio.Event()

    async def calibrate(workers: Sequence[BatchRunner], plan: Plan) -> StepCosts:
        assert plan.goes_on()
        found.append(machine.costs(sum(worker.slots for worker in workers)))
        if len(found) == 2:
            twice.set()
        return found[-1]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("rasr.scheduling.calibrator.calibrate", calibrate)
    monkeypatch.setattr("rasr.scheduling.idle_calibration._LOOK_S", 0.0)
    monkeypatch.setattr("rasr.scheduling.idle_calibration.FIRST_S", 0.0)
    machine.seconds, machine.disturbance = 0.015, 15.0
    async with Service(settings()) as service, asyncio.timeout(LONG_S):
        machine.seconds, machine.disturbance = 0.001, 1.0
        statistics = service.state.schedulers["fake"].statistics
        await twice.wait()
        await settle()
        assert statistics.costs is not None
        assert statistics.costs.is_sure
        assert statistics.costs.seconds[1] == 0.001
    assert len(found) == 2
    assert (await started(memory_folder({"XDG_CACHE_HOME": str(tmp_path)}), settings())).remembered


def test_the_cache_is_where_the_standard_says() -> None:
    home = Path("/home/one/.cache/rasr/capacity")
    assert memory_folder({"HOME": "/home/one"}) == home
    assert memory_folder({"HOME": "/home/one", "XDG_CACHE_HOME": "relative"}) == home
    assert memory_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/rasr/capacity")


async def test_a_server_that_starts_for_the_first_time_is_calibrated_shortly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with Service(settings()) as service:
        # Nobody is admitted by costs that nobody knows.
        assert service.state.schedulers["fake"].statistics.costs is not None
    assert machine.whole == [False]


def test_fewer_of_those_who_speak_more_are_carried() -> None:
    costs = StepCosts(0.32, 2, {1: 0.016 / ONE_BY_ONE})
    capacity = Capacity("one", costs, cores=2, streams=100)
    # 50 ms of a slot for a second of speech, and 2 ms of a core for any recognition.
    assert capacity.recognitions(1.0) == int(2 / 0.052)
    assert capacity.recognitions(0.4) == int(2 / 0.022)


def test_a_second_pass_takes_its_part_of_the_cores_and_of_its_own_slots() -> None:
    costs = StepCosts(0.32, 2, {1: 0.016 / ONE_BY_ONE})
    live = Capacity("one", costs, cores=2, streams=100)
    # 50 ms of a slot of each engine for a second of speech, and 2 ms of a core.
    assert carried([live, live], 1.0) == int(2 / 0.102)
    slow = StepCosts(0.32, 1, {1: 0.064 / ONE_BY_ONE})
    final = Capacity("two", slow, cores=2, streams=1)
    # Its one slot is full before the cores are; its one stream bounds nothing.
    assert carried([live, final], 1.0) == 5


def test_no_more_speak_at_once_than_there_are_streams() -> None:
    costs = StepCosts(0.32, 2, {1: 0.001})
    capacity = Capacity("one", costs, cores=2, streams=12)
    assert (capacity.recognitions(1.0), capacity.recognitions(0.4)) == (12, 30)


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (
            0.016,
            "one carries about 70 people in conversation, or about 29 people speaking without "
            "pauses, at once on this machine",
        ),
        # The first one is admitted whatever the load would be.
        (
            0.25,
            "one carries about 4 people in conversation, or about 1 person speaking without "
            "pauses, at once on this machine",
        ),
        (
            0.7,
            "one carries about 1 person in conversation on this machine; the text of somebody who "
            "speaks without pauses comes late",
        ),
        (3.0, "one is too slow for this machine: even for 1 person the text comes late"),
    ],
)
def test_one_sentence_says_how_many_people_may_speak(seconds: float, sentence: str) -> None:
    capacity = Capacity("one", StepCosts(0.32, 2, {1: seconds}), cores=2, streams=100)
    assert summary("one", [capacity], 0.85) == sentence


def test_it_says_so_if_the_machine_was_busy_while_it_was_measured() -> None:
    costs = StepCosts(0.32, 2, {1: 0.016}, disturbance=15.0)
    sentence = summary("one", [Capacity("one", costs, cores=2, streams=100)], 0.85)
    assert sentence.endswith(" (others used it during the measurement, so it may be more)")


async def test_a_round_past_the_bound_is_refused_and_readiness_turns_false(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with Service(settings()) as service:
        # As slow an engine as carries one stream: what a calibration found is not the point here.
        service.state.schedulers["fake"].statistics.costs = StepCosts(
            0.2, 1, {1: 0.16 / ONE_BY_ONE}
        )
        async with SdkClient(service.url) as first, SdkClient(service.url) as second:
            await first.start()
            status, body = await get(service.url, "/readyz")
            assert (status, body["status"], body["max_load"]) == (503, "full", 0.85)
            assert body["bound"] == "load"
            assert 0.8 <= float(str(body["load"])) <= 0.85
            await second.start()
            (error,) = second.messages
            assert error["error_code"] == "SIS.0312"
            assert "1 rounds are open, and one more would be a load of" in error["error_msg"]
            await first.end()
            status, body = await get(service.url, "/readyz")
            assert (status, body["bound"]) == (200, None)
