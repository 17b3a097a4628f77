"""A server in which something hangs: `python -m tests.server.faulty_server FAULT SETTINGS`.

The settings are JSON. What is an engine of kind `pocketsphinx` there is the fake one, in worker
processes. It writes READY and its address to standard output when it serves, HANGS when it hangs.
A fault may be one of its clients: then it waits for them no longer than others do.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

import click

from decoder.registry import EngineSpec
from rasr import logs
from rasr.scheduling import Scheduler, ThreadWorker, answer_questions, worker
from rasr.scheduling.engine_host import Batch, EngineHost, host_in_process
from rasr.server import serve, service
from rasr.server.errors import StartError
from rasr.server.ws import connections
from rasr.settings import Settings
from tests.processes import LONG_S

FAKE = EngineSpec("fake", {"streams": 4})


def decodes(connection: Connection, spec: EngineSpec) -> None:
    """The work of a process without a fault."""
    host_in_process(connection, FAKE)


def stops_while_loading(connection: Connection, spec: EngineSpec) -> None:
    """The work of a process that is stopped before it has loaded anything."""
    os.kill(os.getpid(), signal.SIGSTOP)


def stops_at_its_first_batch(connection: Connection, spec: EngineSpec) -> None:
    """The work of a process that is stopped when it is measured."""

    def load() -> tuple[Any, Callable[[Batch], Any]]:
        from decoder.registry import load

        engine = load(FAKE)
        host = EngineHost(engine)

        def answer(batch: Batch) -> Any:
            os.kill(os.getpid(), signal.SIGSTOP)
            return host.run(batch)

        return engine.capabilities, answer

    answer_questions(connection, load)


def hang(*_: object) -> Any:
    """What comes back never."""
    click.echo("HANGS")
    threading.Event().wait()


def fill_standard_error() -> None:
    """From now on whoever writes a line there waits for ever."""
    os.set_blocking(2, False)
    try:
        while True:
            os.write(2, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(2, True)


def _have_patience(fault: str) -> None:
    """Whatever comes to its end has the time of a slow machine for it; what hangs has little."""
    serve.FORCE_S = LONG_S
    if fault.startswith("loop"):
        serve.FORCE_S = 2.0
    elif fault.startswith("thread"):
        # All but the thread is to end before.
        serve.FORCE_S = 5.0
    if fault != "loop and standard error hang":
        serve._LAST_WORD_S = logs._LAST_S = LONG_S
    if fault != "clients do not read":
        connections._FAREWELL_S = LONG_S


def main(fault: str, config: str) -> None:
    """Serve, with a fault."""
    patch.object(worker, "host_in_process", decodes).start()
    _have_patience(fault)

    def ready(message: str) -> None:
        click.echo(f"READY {message.splitlines()[0]}")
        if fault == "loop and standard error hang":
            fill_standard_error()
        if fault.startswith("loop"):
            asyncio.get_running_loop().call_soon(hang)

    match fault:
        case "worker stops while loading":
            patch.object(worker, "host_in_process", stops_while_loading).start()
        case "worker stops while measured":
            patch.object(worker, "host_in_process", stops_at_its_first_batch).start()
        case "thread hangs while loading":
            patch.object(
                service,
                "make_scheduler",
                lambda plan, decoding: Scheduler(
                    [ThreadWorker(hang, 1)], decoding, streams_per_worker=1
                ),
            ).start()
    settings = Settings.model_validate(json.loads(config))
    logs.set_up("info", sys.stderr, "json")
    try:
        serve.serve(settings, ready)
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
