"""What jobs need of the server that does them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rasr.recordings.reading import RecordingReader
from rasr.runtime.recognizer import Recognizer
from rasr.server.access import Authoriser
from rasr.server.recordings import Recordings
from rasr.settings import Settings
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.meter import Meter
from rasr.wire.sis.errors import ErrorCode, ProtocolError

if TYPE_CHECKING:
    from rasr.store.store import Work


class StoreClock:
    """Seconds since 1970, as the database has them once it has been asked: a server whose own clock
    is wrong would end the jobs of all others."""

    def __init__(self, own: Callable[[], float] = time.time) -> None:
        self._own = own
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self._own() - self._ahead_s

    async def follow(self, work: Work) -> None:
        """Ask the database."""
        told = await work.job_servers.now()
        if told is not None:
            self._ahead_s = self._own() - told


@dataclass(frozen=True, slots=True)
class Needs:
    """What jobs need of a server."""

    settings: Settings
    store: StoreOnDemand | None
    authoriser: Authoriser
    recognizer: Recognizer
    recordings: Recordings | None
    """None where they have no folder to lie in."""
    reader: RecordingReader
    meter: Meter
    clock: StoreClock = field(default_factory=StoreClock)

    def kept(self) -> StoreOnDemand:
        """Where jobs are kept.

        Raises:
            ProtocolError: nowhere.
        """
        if self.store is None:
            raise ProtocolError(
                ErrorCode.UNSUPPORTED, "jobs on recordings need a store, and this server has none"
            )
        return self.store
