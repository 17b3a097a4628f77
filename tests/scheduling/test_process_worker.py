"""Worker processes that are killed or stopped, whatever they are doing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import numpy as np
import pytest

from decoder import EngineUnavailable
from decoder.fake import MEMORY_SAMPLE
from decoder.registry import EngineSpec
from rasr.scheduling import ProcessWorker, Scheduler
from rasr.scheduling import worker as room
from rasr.scheduling.engine_host import host_in_process
from rasr.settings import DecodingSettings
from tests.processes import LONG_S, Process, until
from tests.scheduling.commanded import Heard

SPEC = EngineSpec("fake", {"streams": 4})
SPEECH = np.full(16000, 1000, np.int16)


def stop_oneself(connection: Connection, spec: EngineSpec) -> None:
    """The work of a process that is stopped before it has loaded anything."""
    os.kill(os.getpid(), signal.SIGSTOP)
    host_in_process(connection, spec)


def end_oneself(connection: Connection, spec: EngineSpec) -> None:
    """The work of a process that dies while it loads."""
    os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def started(
    worker: ProcessWorker, *, step_timeout_s: float = LONG_S
) -> AsyncIterator[Scheduler]:
    """A scheduler with one process, stopped in the end, which takes no time at all."""
    scheduler = Scheduler(
        [worker],
        DecodingSettings(step_timeout_s=step_timeout_s),
        streams_per_worker=4,
        restart_delay_s=0.0,
    )
    await scheduler.start()
    try:
        yield scheduler
    finally:
        async with asyncio.timeout(LONG_S):
            await scheduler.stop()


def said(scheduler: Scheduler) -> Heard:
    """Somebody says a second of speech."""
    heard = Heard()
    handle = scheduler.open(heard, owner=heard, partials=False)
    handle.accept(SPEECH, due=0.0)
    handle.finish(due=0.0)
    return heard


async def recognised(heard: Heard) -> None:
    await until(lambda: bool(heard.lines))
    kind, *words = heard.lines[0].split()
    assert (len(heard.lines), kind, len(words)) == (1, "final", 4)


async def test_a_process_decodes_and_is_gone_once_it_is_stopped() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        process = Process(worker.pid)
        await recognised(said(scheduler))
    await until(lambda: process.gone)
    assert worker.pid is None


async def test_a_process_killed_idle_is_replaced_before_there_is_work() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        killed = Process(worker.pid)
        killed.kill()
        await until(lambda: scheduler.statistics.restarts == 1 and scheduler.workers_up == 1)
        assert worker.pid != killed.pid
        await recognised(said(scheduler))
        assert scheduler.statistics.restarts == 1


async def test_a_process_killed_with_work_in_hand_is_replaced_and_the_work_is_replayed() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        process = Process(worker.pid)
        # Stopped, it has the work in hand for as long as the test needs.
        await process.stop()
        heard = said(scheduler)
        await until(lambda: scheduler.streams_in_use == 1 and not scheduler.oldest_ready_s())
        process.kill()
        await recognised(heard)
        assert (scheduler.statistics.restarts, scheduler.statistics.replays) == (1, 1)


async def test_a_process_killed_while_loading_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        monkeypatch.setattr(room, "host_in_process", end_oneself)
        first = Process(worker.pid)
        first.kill()
        await until(lambda: worker.pid not in (None, first.pid))
        second = worker.pid
        await until(lambda: worker.pid not in (None, second))
        monkeypatch.undo()
        await recognised(said(scheduler))
        assert scheduler.statistics.restarts == 1


async def test_a_process_that_dies_while_it_loads_for_the_first_time_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "host_in_process", end_oneself)
    with pytest.raises(EngineUnavailable, match="died while it loaded the engine"):
        async with started(ProcessWorker(SPEC)):
            pass


async def test_a_process_that_never_loads_at_the_start_is_given_up_within_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "host_in_process", stop_oneself)
    worker, whole = ProcessWorker(SPEC), ProcessWorker(SPEC)
    scheduler = Scheduler(
        [worker, whole], DecodingSettings(load_timeout_s=1.0), streams_per_worker=4
    )
    starting = asyncio.ensure_future(scheduler.start())
    await until(lambda: None not in (worker.pid, whole.pid))
    processes = Process(worker.pid), Process(whole.pid)
    with pytest.raises(EngineUnavailable, match=r"not loaded within 1 s; raise decoding\.load_tim"):
        await starting
    await until(lambda: all(process.gone for process in processes))


async def test_a_process_without_memory_is_replaced_and_what_it_had_is_given_up_at_last() -> None:
    worker = ProcessWorker(EngineSpec("fake", {"streams": 4, "test_samples": True}))
    async with started(worker) as scheduler:
        await recognised(said(scheduler))
        greedy = Heard()
        handle = scheduler.open(greedy, owner=greedy, partials=False)
        handle.accept(np.full(16000, MEMORY_SAMPLE, np.int16), due=0.0)
        handle.finish(due=0.0)
        await until(lambda: bool(greedy.lines))
        assert greedy.lines[0].startswith("failed: the recognition of this utterance failed 3 tim")
        await recognised(said(scheduler))
        assert scheduler.statistics.restarts == 3


@pytest.mark.skipif(not os.path.exists("/proc/self/oom_score_adj"), reason="Linux alone has it")
async def test_where_memory_ends_the_kernel_ends_a_worker_before_the_server() -> None:
    def badness(pid: int | str) -> int:
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
            return int(file.read())

    worker = ProcessWorker(SPEC)
    async with started(worker):
        assert worker.pid is not None
        assert badness(worker.pid) > badness("self")


async def test_an_engine_that_cannot_be_had_is_told_in_its_own_words() -> None:
    missing = EngineSpec("sherpa-onnx", {"model": ""})
    with pytest.raises(EngineUnavailable, match="model is empty"):
        async with started(ProcessWorker(missing)):
            pass


async def test_a_process_killed_while_stopping_ends_nothing_else() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        process = Process(worker.pid)
        process.kill()
    await until(lambda: process.gone)
    assert scheduler.workers_up == 0


async def test_a_process_that_is_told_to_end_with_its_server_goes_on_until_the_server_ends_it() -> (
    None
):
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        process = Process(worker.pid)
        process.terminate()
        await recognised(said(scheduler))
        assert scheduler.statistics.restarts == 0
    await until(lambda: process.gone)


async def test_a_stopped_process_does_not_keep_the_scheduler_from_stopping() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker):
        process = Process(worker.pid)
        await process.stop()
    await until(lambda: process.gone)


async def test_a_stopped_process_that_is_given_work_is_replaced() -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        process = Process(worker.pid)
        await process.stop()
        (supervised,) = scheduler._workers
        # The replacement has all the time that it takes on a busy machine.
        supervised._step_timeout_s = 0.1
        heard = said(scheduler)
        await until(lambda: scheduler.statistics.restarts == 1)
        supervised._step_timeout_s = LONG_S
        await recognised(heard)
        assert scheduler.statistics.restarts == 1
    await until(lambda: process.gone)


async def test_a_process_stopped_while_loading_does_not_keep_the_scheduler_from_stopping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = ProcessWorker(SPEC)
    async with started(worker) as scheduler:
        monkeypatch.setattr(room, "host_in_process", stop_oneself)
        first = Process(worker.pid)
        first.kill()
        await until(lambda: worker.pid not in (None, first.pid))
        replacement = Process(worker.pid)
        await until(lambda: replacement.stopped)
        assert scheduler.workers_up == 0
    await until(lambda: replacement.gone)


async def test_a_process_stopped_while_loading_is_killed_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = ProcessWorker(SPEC)
    # Four times what the first start took, at the least: so long the replacement may take.
    async with started(worker, step_timeout_s=1.0) as scheduler:
        monkeypatch.setattr(room, "host_in_process", stop_oneself)
        first = Process(worker.pid)
        first.kill()
        await until(lambda: worker.pid not in (None, first.pid))
        replacement = Process(worker.pid)
        monkeypatch.undo()
        # What it decodes then may take its time on a busy machine.
        (supervised,) = scheduler._workers
        supervised._step_timeout_s = LONG_S
        await until(lambda: replacement.gone and scheduler.workers_up == 1)
        await recognised(said(scheduler))


_SERVER = """
import asyncio
import sys
from decoder.registry import EngineSpec
from rasr.scheduling import ProcessWorker

async def main():
    worker = ProcessWorker(EngineSpec("fake"))
    await worker.start(lambda: None)
    print(worker.pid, flush=True)
    await asyncio.to_thread(sys.stdin.readline)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("how", ["killed", "of itself"])
async def test_a_process_ends_with_its_server_however_that_ends(how: str, stopped: bool) -> None:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SERVER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    process = Process(int(await server.stdout.readline()))
    if stopped:
        await process.stop()
    if how == "killed":
        server.kill()
    else:
        server.stdin.write(b"\n")
    async with asyncio.timeout(LONG_S):
        await server.wait()
    await until(lambda: process.gone)


async def test_no_process_is_left_behind_by_these_tests() -> None:
    await until(lambda: not multiprocessing.active_children())
