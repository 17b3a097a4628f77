"""What does the jobs of a server, while it does them: begun with the first one, looked after, and
begun anew where its database was taken away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.jobs.needs import Needs
from rasr.server.jobs.told import JobNumbers
from rasr.tasks import awaited, ended, happens, watched

if TYPE_CHECKING:
    # What does jobs is imported once there is one.
    from rasr.server.jobs.watch import Watch
    from rasr.server.jobs.works import Works
    from rasr.store.store import Store

_log = structlog.get_logger("rasr.jobs")

_STOP_S = 1.0
"""For what is asked of the store to be answered."""
_BEGIN_S = 30.0
"""For what does jobs to begin, and to end where it has to begin anew: it takes a second or two."""


class RunningJobs:
    """The jobs that are done here. Whatever does them is started with the first one."""

    def __init__(self, needs: Needs, environ: Mapping[str, str], beat_s: float) -> None:
        """
        Args:
            beat_s: see `rasr.server.jobs.desk.BEAT_S`.
        """
        self._needs = needs
        self._environ = environ
        self._beat_s = beat_s
        self._works: Works | None = None
        self._closing = AsyncExitStack()
        self._beginning: asyncio.Future[Works] | None = None
        self._over = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        self.when_begun: Callable[[], None] = lambda: None
        """Called when what does jobs has been loaded."""
        self.numbers: JobNumbers | None = None
        """None before there was a job."""

    def start(self) -> None:
        """Look from now on whether there are jobs."""
        if self._needs.store is not None:
            self._looking = watched(self._look_after_all(), name="jobs")

    async def stop(self) -> None:
        """Do no more. What is open goes on elsewhere, or later."""
        if self._looking is not None:
            await ended(self._looking, self._over, _STOP_S)
        if self._beginning is not None:
            # Others can begin in this process only when this is over.
            await ended(self._beginning, self._over, _BEGIN_S)
        await self._end()

    @property
    def speed(self) -> float | None:
        """Seconds of audio in a second of time, of one job, as measured lately."""
        return None if self._works is None else self._works.work.hearing.speed

    async def begun(self) -> Works:
        """What works, started if it is not.

        Raises:
            ProtocolError: there is no store.
            DirectoryUnavailable: it cannot be started now.
        """
        store = await self._needs.kept().kept()
        if self._beginning is None or self._beginning.done():
            self._beginning = awaited(self._begin(store), name="begin-jobs")
            self._beginning.add_done_callback(lambda one: one.cancelled() or one.exception())
        # It goes on without those who wait for it no longer: it must not begin twice.
        beginning = self._beginning
        over, _ = await asyncio.wait({beginning}, timeout=_BEGIN_S)
        if not over:
            raise DirectoryUnavailable(
                f"what does jobs did not begin within {_BEGIN_S:g} s; another process may hold its "
                "database"
            )
        return beginning.result()

    async def _begin(self, store: Store) -> Works:
        if self._works is not None:
            await self._see_to_workflows(self._works)
        if self._works is None:
            # It takes seconds to import, and others speak meanwhile.
            await asyncio.to_thread(import_module, "rasr.server.jobs.watch")
            from rasr.server.jobs.watch import Watch
            from rasr.server.jobs.works import start_works

            async with store.reading() as work:
                await self._needs.clock.follow(work)
            async with AsyncExitStack() as stack:
                works = await start_works(self._needs, store, self._environ, stack)
                self._watch = Watch(self._needs, works)
                await self._watch.again(store)
                self._works, self._closing = works, stack.pop_all()
            self.when_begun()
        return self._works

    async def _see_to_workflows(self, works: Works) -> None:
        """Begin anew where somebody has taken the file of the workflows away, or put another one in
        its place: what is open is known to the store."""
        database = works.database
        if database is None or await asyncio.to_thread(database.is_there):
            return
        _log.warning("workflows_lost", file=str(database.path))
        if not await works.workflows.stop(_BEGIN_S):
            raise DirectoryUnavailable(
                f"{database.path} was taken away; jobs go on when the server is restarted"
            )
        await self._end()

    async def _end(self) -> None:
        self._works = None
        if self._cleaning is not None:
            await ended(self._cleaning, asyncio.Event(), _STOP_S)
        await self._closing.aclose()

    # Each other

    async def _look_after_all(self) -> None:
        while not self._over.is_set():
            await self._guarded(self._beat())
            await happens(self._over, self._beat_s)

    async def _beat(self) -> None:
        if not await self._is_needed():
            return
        await self.begun()
        watch = self._watch
        assert watch is not None, "it has begun"
        store = await self._needs.kept().kept()
        self.numbers, silent = await watch.beat(store)
        # Beside it: a server whose cleaning up takes long lives all the same.
        if self._cleaning is None or self._cleaning.done():
            cleaning = self._guarded(watch.look_after(store, silent))
            self._cleaning = watched(cleaning, name="jobs-cleaning")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except DirectoryUnavailable as error:
            _log.warning("jobs_wait_for_store", reason=str(error))
        except Exception:
            # Such as a database of workflows that is damaged: it may be mended meanwhile.
            _log.exception("jobs_not_looked_after")

    async def _is_needed(self) -> bool:
        if self._works is not None:
            return True
        store = await self._needs.kept().asked()
        if store is None:
            return False
        async with store.reading() as work:
            return await work.jobs.any_to_do()
