"""The server as a process: it runs until a signal, then drains and ends.

Whatever state it is in and whatever hangs in it, it ends within a bound after a signal. Its exit
code says how: 0 as it was told, 1 by force or because it could not start.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType

import structlog
import uvloop

from rasr import logs
from rasr.identity.directory import Directory
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import notice_faults_of_threads

_log = structlog.get_logger("rasr.server")

FORCE_S = 4.0
"""So long after the time for sessions to end, the process is ended by force."""
_LAST_WORD_S = 0.5
"""For a line in the log or a traceback; writing them may hang, too. Then the kernel ends it, and
the exit code is that of SIGALRM."""
_FORCED = 1


def serve(
    settings: Settings,
    on_ready: Callable[[str], None],
    directory: Directory | None = None,
    store: StoreOnDemand | None = None,
) -> None:
    """Run a server until SIGTERM or SIGINT. A second signal ends the process at once.

    To be called in the main thread.

    Args:
        on_ready: called once with what a person is told when the server can recognise; the first
            line of it has the address.
        directory: the accounts, closed at the end; None: there are none.
        store: where hot words and usage are kept; None: nowhere.

    Raises:
        StartError: it cannot start as the settings say.
    """
    ending = _Ending(settings.replicas.finish_s + settings.server.drain_s)
    with ending.by_signals():
        uvloop.run(_serve(Service(settings, directory, store), on_ready, ending))


async def _serve(starting: Service, on_ready: Callable[[str], None], ending: _Ending) -> None:
    ending.starting()
    async with AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(starting)
        except asyncio.CancelledError:
            if ending.told_by is None:
                raise
        else:
            notice_faults_of_threads(service.state.statistics.count_fault)
            # What is loaded now stays for good: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            # So does what does jobs: a look at all of it would hold up whoever speaks for 0.2 s.
            service.state.jobs.when_begun(gc.freeze)
            if service.settings.server.tls_cert:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload_tls, service)
            ending.running()
            on_ready(service.ready_message)
            await ending.told()
    ending.log()


def _reload_tls(service: Service) -> None:
    try:
        service.reload_tls()
    except StartError as error:
        # Better one that has expired than none.
        _log.error("tls_not_reloaded", why=str(error))
    else:
        _log.info("tls_reloaded")


class _Ending:
    """Ends the process when a signal says so: in order within a bound, then by force."""

    def __init__(self, drain_s: float) -> None:
        """
        Args:
            drain_s: time for sessions to end.
        """
        self.told_by: str | None = None
        """The name of the first signal."""
        self._told_at = 0.0
        self._drain_s = drain_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[object] | None = None
        self._told: asyncio.Event | None = None

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """While it lasts signals are obeyed.

        Threads that it leaves behind must not keep the process for ever: one that loads or decodes
        cannot be ended, and Python waits for it.
        """
        before = set(threading.enumerate())
        # Not as handlers of the event loop: that may hang, too.
        handlers = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            left = set(threading.enumerate()) - before
            if self.told_by is None and any(not one.daemon for one in left):
                self._force_after(FORCE_S)

    # On the event loop

    def starting(self) -> None:
        """The running task starts the server. A signal cancels it."""
        self._loop = asyncio.get_running_loop()
        self._starting = asyncio.current_task()
        if self.told_by is not None:
            self._obey()

    def running(self) -> None:
        """The server runs. Whoever waits for `told` stops it."""
        self._starting = None
        self._told = asyncio.Event()

    async def told(self) -> None:
        """Wait for a signal."""
        assert self._told is not None, "the server runs first"
        await self._told.wait()

    def log(self) -> None:
        """The server has been stopped."""
        _log.info(
            "stopped", signal=self.told_by, after_s=round(time.monotonic() - self._told_at, 1)
        )

    def _obey(self) -> None:
        state = "starting" if self._starting is not None else "running"
        _log.info("stopping", signal=self.told_by, state=state)
        if self._starting is not None:
            self._starting.cancel()
        elif self._told is not None:
            self._told.set()

    # Signals

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.told_by is not None:
            self._end_at_once(name)
        self.told_by, self._told_at = name, time.monotonic()
        drain_s = self._drain_s if self._told is not None else 0.0
        self._force_after(drain_s + FORCE_S)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._obey)

    def _end_at_once(self, name: str) -> None:
        # What the signal has interrupted may hold a lock of the log, or the log may hang.
        signal.setitimer(signal.ITIMER_REAL, _LAST_WORD_S)
        _log.warning("stopped_at_once", signal=name)
        logs.flush()
        # Worker processes notice that their parent is gone.
        os._exit(_FORCED)

    # Force

    def _force_after(self, seconds: float) -> None:
        """End the process in so many seconds if it has not ended, and say what it does then.

        Neither way needs Python to be able to run, nor any lock, as it is called by a handler of
        signals. The second is for a standard error that hangs.
        """
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + _LAST_WORD_S)
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.stderr)
