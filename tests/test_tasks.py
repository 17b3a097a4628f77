"""Tasks that end unasked: each is an event, whatever has ended it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from rasr.tasks import (
    EndedUnasked,
    awaited,
    ended,
    faults_noticed,
    given_up,
    happens,
    notice_faults,
    notice_faults_of_threads,
    watched,
)
from tests.processes import LONG_S


class Fault(Exception):
    """An error that nobody expects."""


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def raises() -> None:
    raise Fault


async def returns() -> None:
    pass


async def waits_for_what_is_cancelled() -> None:
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()
    await cancelled


@pytest.mark.parametrize(
    ("work", "forever", "error"),
    [
        (raises, False, Fault),
        (raises, True, Fault),
        (waits_for_what_is_cancelled, False, EndedUnasked),
        (returns, True, EndedUnasked),
        (returns, False, None),
        (asyncio.Event().wait, True, None),
    ],
)
async def test_an_unasked_end_is_logged_counted_and_told_and_no_other_is(
    work: Callable[[], object], forever: bool, error: type[Exception] | None
) -> None:
    counted: list[int] = []
    told: list[Exception] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))
    with capture_logs() as logs:
        watched(work(), name="work", forever=forever, failed=told.append)  # type: ignore[arg-type]
        await settle()
    expected = 0 if error is None else 1
    assert (len(counted), len(told), len(logs)) == (expected, expected, expected)
    if error is not None:
        assert (logs[0]["event"], logs[0]["task"]) == ("task_failed", "work")
        assert type(logs[0]["exc_info"]) is type(told[0]) is error


async def test_a_task_that_is_cancelled_by_its_owner_has_ended_as_asked() -> None:
    counted: list[int] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))
    task = watched(asyncio.sleep(3600), name="work", forever=True)
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()
    assert counted == []


async def test_an_error_of_one_round_is_noticed_and_the_task_goes_on() -> None:
    counted: list[int] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))

    async def work() -> None:
        with faults_noticed():
            await raises()
        with faults_noticed():
            await waits_for_what_is_cancelled()
        with faults_noticed():
            await asyncio.sleep(3600)

    with capture_logs() as logs:
        task = watched(work(), name="work")
        await settle()
        assert not task.done()
        await given_up(task)
    assert task.cancelled()
    assert [type(line["exc_info"]) for line in logs] == [Fault, EndedUnasked]
    assert {line["task"] for line in logs} == {"work"}
    assert len(counted) == 2


async def test_the_error_of_a_task_that_is_awaited_is_its_owners() -> None:
    counted: list[int] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))
    with pytest.raises(Fault):
        await awaited(raises(), name="work")
    assert counted == []


async def test_whoever_gives_work_up_sees_it_end_and_no_error_of_it_is_a_fault() -> None:
    counted: list[int] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))
    ended: list[str] = []

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await settle()
            ended.append("lasts")

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("fails")
            raise Fault from None

    works = [awaited(one(), name="work") for one in (lasts, fails, raises)]
    await settle()
    await given_up(*works)
    assert sorted(ended) == ["fails", "lasts"]
    del works
    gc.collect()
    assert counted == []


async def test_a_timer_that_raises_is_noticed_and_its_arguments_stay_out_of_the_log() -> None:
    def fail(secret: str) -> None:
        raise Fault

    loop = asyncio.get_running_loop()
    noticed = asyncio.Semaphore(0)
    notice_faults(loop, noticed.release)
    with capture_logs() as logs:
        loop.call_later(0, fail, "what somebody said")
        loop.call_soon(fail, "what somebody said")
        for _ in range(2):
            await noticed.acquire()
    assert [(line["event"], line["task"]) for line in logs] == [("task_failed", "callback")] * 2
    assert "somebody" not in str(logs)


def test_a_thread_that_raises_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    counted: list[int] = []

    def fail() -> None:
        raise Fault

    notice_faults_of_threads(lambda: counted.append(1))
    with capture_logs() as logs:
        thread = threading.Thread(target=fail, name="work")
        thread.start()
        thread.join()
    assert len(counted) == 1
    assert [(line["event"], line["thread"]) for line in logs] == [("thread_failed", "work")]


async def test_work_that_looks_at_an_event_ends_by_itself_or_is_given_up() -> None:
    over = asyncio.Event()
    turns: list[bool] = []

    async def beat() -> None:
        while not await happens(over, 0.001):
            turns.append(False)
        turns.append(True)

    beating = awaited(beat(), name="beat")
    await asyncio.sleep(0.01)
    await ended(beating, over, LONG_S)
    assert turns[-1]
    assert not beating.cancelled()
    hanging = awaited(asyncio.Event().wait(), name="hang")
    await ended(hanging, over, 0.001)
    assert hanging.cancelled()
