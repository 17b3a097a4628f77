"""Jobs as durable workflows: DBOS remembers which steps of which job are over.

A step that is over is never done again. One that is not is done from its beginning, by whoever
takes the job over. All that is kept here are ids and positions: what was said is in the store.

The steps themselves run on the server's event loop. DBOS has a loop and threads of its own, and
nothing of it is imported before there is a job.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.jobs.bounded_calls import BoundedCalls

_log = structlog.get_logger("rasr.jobs")

_RECORDINGS = "recordings"
_CALLBACKS = "callbacks"
_VERSION = "1"
"""Of the steps below. Servers take jobs of their own version alone: whoever changes the order or
the names of steps changes it, and lets the jobs of the former one end first."""
_POLL_S = 0.25
_STOP_S = 3.0
_ANSWER_S = 10.0
"""For DBOS to do what takes it milliseconds."""
_QUEUES = "queue_thread"
"""In the name of the thread that takes jobs out of their queues."""
_THREADS = 8
_ROWS = 500
_REMEMBERED = 1000
_STOPPED = "Asyncio task cancelled"
"""What DBOS says of what is under way when it is stopped."""
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Told = dict[str, Any]
"""What a step leaves behind: small, and no text of a recording."""


class Steps(Protocol):
    """What is done in a job. A step that fails says so itself, and that the job is over."""

    async def fetch(self, job_id: str) -> Told:
        """Bring the recording."""

    async def probe(self, job_id: str) -> Told:
        """See how long it is, and which of its channels are to be heard."""

    async def minute(self, job_id: str, before: Told) -> Told:
        """Hear the next minute.

        Args:
            before: what the minute before has left behind; at the beginning what `probe` has.
        """

    async def analyse(self, job_id: str, heard: Told) -> Told:
        """Find out what is asked for besides the words."""

    async def store(self, job_id: str, heard: Told) -> Told:
        """The answer is whole."""

    async def deliver(self, job_id: str) -> Told:
        """Send the answer to the callback URL; `pause_s` until it is tried again, if it is."""


class Workflows:
    """The workflows of a server. There can be one in a process."""

    def __init__(self, database_url: str, server_id: str, at_once: int, steps: Steps) -> None:
        """
        Args:
            server_id: of this process; nobody else has it while it lives.
            at_once: jobs that are done at the same time.
        """
        self._database_url = database_url
        self._server_id = server_id
        self._at_once = at_once
        self._steps = steps
        self._loop = asyncio.get_running_loop()
        self._dbos: Any = None
        self._calls = BoundedCalls()
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)
        """Jobs that were to be done no more: what DBOS then warns of is as it should be."""

    async def start(self) -> None:
        """Begin, and go on with what a process that had this id before has left."""
        # It takes a second to import, and others speak meanwhile.
        await asyncio.to_thread(import_module, "dbos")
        await self._calls.make(self._start, None)

    async def stop(self, within_s: float = _STOP_S) -> bool:
        """Do no more. What is open stays so, for whoever comes next. False: it is not over within
        this time, and no others can begin in this process."""
        if self._dbos is None:
            return True
        dbos, self._dbos = self._dbos, None
        try:
            await self._calls.make(partial(_end, dbos), within_s)
        except TimeoutError:
            # It may wait for a database that is gone; its threads do not keep the process.
            _log.warning("workflows_not_stopped")
            return False
        return True

    async def submit(self, job_id: str, turn: int) -> None:
        """Do a job when its turn comes; again is as once."""
        options = {
            "workflow_name": "transcribe",
            "queue_name": _RECORDINGS,
            "workflow_id": job_id,
            "app_version": _VERSION,
            "priority": turn,
        }
        await self._ask("enqueue_workflow_with_options", options, job_id)

    async def begin_anew(self, job_ids: Sequence[str], untold: Sequence[str]) -> None:
        """Forget of these jobs what is over here, and is not over in the store: that is older than
        what is known here, as one is that was put back from a backup, or something has failed.

        Args:
            job_ids: of those that are open.
            untold: of those whose answer is still to be sent.
        """
        all_of_them = [*job_ids, *map(_callback_of, untold)]
        for begin in range(0, len(all_of_them), _ROWS):
            found = await self._ask(
                "list_workflows",
                workflow_ids=all_of_them[begin : begin + _ROWS],
                status=_OVER,
                load_input=False,
                load_output=False,
            )
            if found:
                await self.forget([one.workflow_id for one in found])

    async def call_back(self, job_id: str) -> None:
        """Send the answer of a job to its callback URL; again is as once."""
        await self._ask("enqueue_workflow_with_options", _to_call_back(job_id), job_id)

    async def cancel(self, job_id: str) -> None:
        """Do a job no more; the step at which it is ends by itself."""
        self._ended.append(job_id)
        await self._ask("cancel_workflow", job_id)

    async def take_over(self, server_id: str) -> int:
        """Go on with what a server that is gone has left. Returns how many jobs it were."""
        recover = import_module("dbos._recovery").recover_pending_workflows
        instance = import_module("dbos._dbos")._get_dbos_instance
        found = await self._calls.make(lambda: recover(instance(), [server_id]), None)
        return len(found)

    async def forget(self, job_ids: Sequence[str]) -> None:
        """What is known of these jobs goes."""
        self._ended.extend(job_ids)
        both = [one for job_id in job_ids for one in (job_id, _callback_of(job_id))]
        for begin in range(0, len(both), _ROWS):
            await self._ask("delete_workflows", both[begin : begin + _ROWS])

    async def _ask(self, call: str, *args: Any, **options: Any) -> Any:
        """Have DBOS do something.

        Raises:
            DirectoryUnavailable: it cannot be done now.
        """
        if self._dbos is None:
            raise DirectoryUnavailable("jobs are begun anew just now")
        asked = partial(getattr(self._dbos, call), *args, **options)
        try:
            return await self._calls.make(asked, _ANSWER_S)
        except TimeoutError:
            # DBOS tries for ever. What was asked for is done once it can be.
            raise DirectoryUnavailable(
                f"the workflows of jobs did not answer within {_ANSWER_S:g} s; another process may "
                "hold their database"
            ) from None
        except SQLAlchemyError as error:
            why = getattr(error, "orig", None) or type(error).__name__
            raise DirectoryUnavailable(f"the workflows of jobs cannot be used: {why}") from error

    def _start(self) -> None:
        """In a thread without an event loop: else DBOS would run on that of the server."""
        dbos = import_module("dbos")
        _log_as_we_do(self._ended)
        dbos.DBOS(
            config=dbos.DBOSConfig(
                name="rasr",
                system_database_url=self._database_url,
                executor_id=self._server_id,
                application_version=_VERSION,
                # Text that anybody can read, and no pickles, which are programs.
                serializer=dbos.DBOSPortableJSONSerializer(),
                use_listen_notify=False,
                notification_listener_polling_interval_sec=1.0,
                max_executor_threads=_THREADS,
                log_level="WARNING",
            )
        )
        self._dbos = dbos.DBOS
        self._register()
        self._dbos.listen_queues([_RECORDINGS, _CALLBACKS] if self._at_once else [_CALLBACKS])
        self._dbos.launch()
        self._dbos.register_queue(
            _RECORDINGS,
            # Of this one of all servers: whichever began last says it for all.
            worker_concurrency=max(1, self._at_once),
            polling_interval_sec=_POLL_S,
            on_conflict="always_update" if self._at_once else "never_update",
        )
        self._dbos.register_queue(
            _CALLBACKS, polling_interval_sec=_POLL_S, on_conflict="always_update"
        )

    def _register(self) -> None:
        steps = self._steps
        fetch, probe = self._on_loop(steps.fetch), self._on_loop(steps.probe)
        minute, analyse = self._on_loop(steps.minute), self._on_loop(steps.analyse)
        store, deliver = self._on_loop(steps.store), self._on_loop(steps.deliver)

        async def run(name: str, step: Callable[..., Awaitable[Told]], *args: Any) -> Told:
            told: Told = await self._dbos.run_step_async({"name": name}, step, *args)
            return told

        async def transcribe(job_id: str) -> None:
            told = await through(job_id)
            if told.get("calls_back"):
                options = _to_call_back(job_id)
                await self._dbos.enqueue_workflow_with_options_async(options, job_id)

        async def through(job_id: str) -> Told:
            heard: Told = {}
            for name, step in (("fetch", fetch), ("probe", probe)):
                heard = await run(name, step, job_id)
                if heard.get("over"):
                    return heard
            while not heard.get("last"):
                heard = await run("minute", minute, job_id, heard)
                if heard.get("over"):
                    return heard
            told = await run("analyse", analyse, job_id, heard)
            return told if told.get("over") else await run("store", store, job_id, heard)

        async def call_back(job_id: str) -> None:
            told: Told = {"pause_s": 0.0}
            while (pause_s := told.get("pause_s")) is not None:
                await self._dbos.sleep_async(pause_s)
                told = await run("deliver", deliver, job_id)

        self._dbos.workflow(name="transcribe", max_recovery_attempts=None)(transcribe)
        self._dbos.workflow(name="deliver", max_recovery_attempts=None)(call_back)

    def _on_loop(
        self, step: Callable[..., Coroutine[Any, Any, Told]]
    ) -> Callable[..., Awaitable[Told]]:
        """The step, awaited on the loop of DBOS and done on that of the server."""

        async def bridged(*args: Any) -> Told:
            return await asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(step(*args), self._loop)
            )

        return bridged


def make_database_file(path: os.PathLike[str]) -> None:
    """An empty file of mode 0600, unless there is one.

    Raises:
        OSError: it cannot be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _end(dbos: Any) -> None:
    instance = import_module("dbos._dbos")._get_dbos_instance()
    # First who begins jobs: one that began while the rest ends would find no loop to run on.
    for event in instance.background_thread_stop_events:
        event.set()
    for thread in instance._background_threads:
        if _QUEUES in thread.name:
            thread.join(_STOP_S)
    dbos.destroy(destroy_registry=True)


def _to_call_back(job_id: str) -> dict[str, str]:
    return {
        "workflow_name": "deliver",
        "queue_name": _CALLBACKS,
        "workflow_id": _callback_of(job_id),
        "app_version": _VERSION,
    }


def _callback_of(job_id: str) -> str:
    return f"{job_id}-callback"


class _AsWeDo(logging.Handler):
    """Lines of DBOS in our log. Their text may have statements and values in it: it is cut."""

    def __init__(self, ended: Collection[str]) -> None:
        """
        Args:
            ended: jobs that were to be done no more.
        """
        super().__init__()
        self._ended = ended

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage().partition("\n")[0][:200]
        error = record.exc_info[1] if record.exc_info else None
        if said.startswith(_STOPPED) or any(one in f"{said} {error}" for one in list(self._ended)):
            return
        _log.warning("workflows", level=record.levelname.lower(), said=said)


def _log_as_we_do(ended: Collection[str]) -> None:
    theirs = logging.getLogger("dbos")
    theirs.propagate = False
    # Where it finds a handler it adds none of its own.
    for former in [one for one in theirs.handlers if isinstance(one, _AsWeDo)]:
        theirs.removeHandler(former)
    theirs.addHandler(_AsWeDo(ended))
