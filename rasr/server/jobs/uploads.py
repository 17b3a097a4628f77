"""Keeping recordings that are sent to the server, until the jobs on them are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasr.server.jobs.needs import Needs
from rasr.server.jobs.sent import MOST_AT_ONCE, check_name
from rasr.store.errors import TooMany, Unknown
from rasr.wire.sis.errors import ErrorCode, ProtocolError

if TYPE_CHECKING:
    from rasr.store.store import Store


class Uploads:
    """The recordings that are sent to a server."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs

    async def begin(self, project_id: str) -> str:
        """A place for a recording that is sent here. Returns its id.

        Raises:
            ProtocolError: there is none.
            DirectoryUnavailable: nothing can be kept now.
        """
        check_name("project_id", project_id)
        store = await self._needs.kept().kept()
        async with store.writing() as work:
            try:
                return await work.uploads.begin(project_id, self._needs.clock(), MOST_AT_ONCE)
            except TooMany as error:
                raise ProtocolError(ErrorCode.JOBS_FULL, f"{error}; try again later") from None

    async def put(self, project_id: str, upload_id: str, part: int, content: bytes) -> None:
        """Keep a part of a recording that is sent here.

        Raises:
            ProtocolError: it cannot be taken.
            DirectoryUnavailable: nothing can be kept now.
        """
        try:
            async with (await self._asked()).writing() as work:
                most = self._needs.settings.recordings.max_bytes
                await work.uploads.put(project_id, upload_id, part, content, most)
        except Unknown as error:
            raise ProtocolError(ErrorCode.NO_JOB, str(error)) from None
        except TooMany as error:
            raise ProtocolError(ErrorCode.FILE_TOO_LARGE, str(error)) from None

    async def forget(self, project_id: str, upload_id: str) -> None:
        """Forget a recording that was sent here, and that no job is to hear.

        Raises:
            ProtocolError: there is none, or a job needs it.
            DirectoryUnavailable: nothing can be forgotten now.
        """
        try:
            store = await self._asked()
            async with store.writing() as work:
                if await work.uploads.is_needed(project_id, upload_id):
                    raise ProtocolError(
                        ErrorCode.INVALID,
                        "a job that waits or runs needs the upload; take the job back, and both go",
                    )
                is_left = await work.uploads.drop_parts(upload_id)
        except Unknown as error:
            raise ProtocolError(ErrorCode.NO_JOB, str(error)) from None
        while is_left:
            async with store.writing() as work:
                is_left = await work.uploads.drop_parts(upload_id)
        await store.scrub()

    async def _asked(self) -> Store:
        store = await self._needs.kept().asked()
        if store is None:
            raise Unknown("there is no such upload of this project, or none any more")
        return store
