"""The calibration of a server: measured once, remembered while nothing changes, told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import structlog

from decoder.engine import Samples
from rasr.scheduling import Scheduler, StepCosts
from rasr.scheduling.costs import ONE_BY_ONE
from rasr.server.engines import make_scheduler, plan
from rasr.server.ops.capacity import Capacity, calibrated, carried, memory_folder
from rasr.server.service import Service
from rasr.settings import Settings
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient
from tests.server.test_life import get


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What a calibration finds: whether it is kept must not depend on who uses the machine."""
    found = {"disturbance": 1.1}

    async def calibrate(scheduler: Scheduler, speech: Samples, *, finals_only: bool) -> StepCosts:
        assert len(speech) > 5 * scheduler.capabilities.sample_rate
        return StepCosts(0.25, scheduler.slots, {1: 0.001, 2: 0.0015}, found["disturbance"])

    monkeypatch.setattr(Scheduler, "calibrate", calibrate)
    return found


def settings(**sections: dict[str, object]) -> Settings:
    return fake_settings(capacity={"max_load": 0.85}, **sections)


async def found(folder: Path, settings: Settings, *, fresh: bool = False) -> Capacity:
    (one,) = plan(settings).values()
    scheduler = make_scheduler(one, settings.decoding)
    await scheduler.start()
    try:
        return await calibrated(one, settings.decoding, scheduler, folder, fresh=fresh)
    finally:
        await scheduler.stop()


def spoil(folder: Path, text: str) -> None:
    (file,) = folder.iterdir()
    file.write_text(text)


async def test_a_calibration_is_remembered(tmp_path: Path) -> None:
    first = await found(tmp_path, settings())
    again = await found(tmp_path, settings())
    assert (first.remembered, again.remembered) == (False, True)
    assert first.costs == again.costs


async def test_a_disturbed_calibration_is_used_and_not_remembered(
    tmp_path: Path, measured: dict[str, float]
) -> None:
    measured["disturbance"] = 3.0
    with structlog.testing.capture_logs() as logs:
        first = await found(tmp_path, settings())
    assert first.costs.disturbance == 3.0
    assert "calibration_disturbed" in {line["event"] for line in logs}
    assert not (await found(tmp_path, settings())).remembered


async def test_it_is_measured_anew_when_told_so(tmp_path: Path) -> None:
    await found(tmp_path, settings())
    assert not (await found(tmp_path, settings(), fresh=True)).remembered


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
    await found(tmp_path, settings(decoding={"workers": 2}))
    before: dict[str, dict[str, object]] = {"decoding": {"workers": 2}}
    changed = settings(**(before | sections))
    assert not (await found(tmp_path, changed)).remembered


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": 1, "costs": 2}', "\x00"])
async def test_a_file_that_cannot_be_read_is_measured_anew(tmp_path: Path, text: str) -> None:
    await found(tmp_path, settings())
    spoil(tmp_path, text)
    assert not (await found(tmp_path, settings())).remembered
    assert (await found(tmp_path, settings())).remembered


async def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with structlog.testing.capture_logs() as logs:
        await found(blocked / "below", settings())
    assert "calibration_not_kept" in {line["event"] for line in logs}


async def test_one_line_at_start_tells_what_the_machine_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with structlog.testing.capture_logs() as logs:
        async with Service(settings()) as service:
            assert re.search(r"fake carries about \d+ people who speak at once", service.ready_line)
    (line,) = [line for line in logs if line["event"] == "capacity"]
    assert line["engine"] == "fake"
    assert line["rounds_100%_speech"] > 0
    assert memory_folder({"XDG_CACHE_HOME": str(tmp_path)}).is_dir()


def test_the_cache_is_where_the_standard_says() -> None:
    home = Path("/home/one/.cache/rasr/capacity")
    assert memory_folder({"HOME": "/home/one"}) == home
    assert memory_folder({"HOME": "/home/one", "XDG_CACHE_HOME": "relative"}) == home
    assert memory_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/rasr/capacity")


def test_fewer_of_those_who_speak_more_are_carried() -> None:
    costs = StepCosts(0.32, 2, {1: 0.016 / ONE_BY_ONE})
    capacity = Capacity("one", costs, cores=2, streams=100, remembered=False)
    # 50 ms of a slot for a second of speech, and 2 ms of a core for any recognition.
    assert capacity.recognitions(1.0) == int(2 / 0.052)
    assert capacity.recognitions(0.4) == int(2 / 0.022)


def test_a_second_pass_takes_its_part_of_the_cores_and_of_its_own_slots() -> None:
    costs = StepCosts(0.32, 2, {1: 0.016 / ONE_BY_ONE})
    live = Capacity("one", costs, cores=2, streams=100, remembered=False)
    # 50 ms of a slot of each engine for a second of speech, and 2 ms of a core.
    assert carried([live, live], 1.0) == int(2 / 0.102)
    slow = StepCosts(0.32, 1, {1: 0.064 / ONE_BY_ONE})
    final = Capacity("two", slow, cores=2, streams=1, remembered=False)
    # Its one slot is full before the cores are; its one stream bounds nothing.
    assert carried([live, final], 1.0) == 5


def test_no_more_speak_at_once_than_there_are_streams() -> None:
    costs = StepCosts(0.32, 2, {1: 0.001})
    capacity = Capacity("one", costs, cores=2, streams=12, remembered=False)
    assert (capacity.recognitions(1.0), capacity.recognitions(0.4)) == (12, 30)


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
            assert 0.8 <= float(str(body["load"])) <= 0.85
            await second.start()
            (error,) = second.messages
            assert error["error_code"] == "SIS.0312"
            assert "1 rounds are open, and one more would be a load of" in error["error_msg"]
            await first.end()
            assert (await get(service.url, "/readyz"))[0] == 200
