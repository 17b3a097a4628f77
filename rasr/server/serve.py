"""The server as a process: it runs until a signal, then drains and ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable

import structlog
import uvloop

from rasr.server.service import Service
from rasr.settings import Settings

_log = structlog.get_logger("rasr.server")


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Run a server until SIGTERM or SIGINT. A second signal ends it at once.

    Args:
        on_ready: called once with a line for a person, when the server can recognise.

    Raises:
        StartError: it cannot start as the settings say.
    """
    uvloop.run(_serve(settings, on_ready))


async def _serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if told_to_stop.is_set():
            _log.warning("stopped_at_once", signal=number.name)
            # Worker processes notice that their parent is gone.
            os._exit(1)
        else:
            _log.info("stopping", signal=number.name)
            told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    async with Service(settings) as service:
        # What is loaded now stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        on_ready(service.ready_line)
        await told_to_stop.wait()
