"""The five calls on vocabularies, the tables of hot words of a project.

Source: SIS API reference, «Hot Word Management». What is in a vocabulary is the business of its
project alone: neither log nor audit has a word of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.identity.directory import DEFAULT_DOMAIN
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.server.vocabularies import project_of
from rasr.store.errors import AlreadyThere, TooMany, Unknown
from rasr.store.on_demand import StoreOnDemand
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import invalid, shown
from rasr.wire.sis.vocabularies import (
    MOST_VOCABULARIES,
    VocabularyContent,
    VocabularyQuery,
    vocabulary_body,
)

if TYPE_CHECKING:
    from rasr.store.records import Vocabulary
    from rasr.store.store import Work

_ALL = "/v1/{project_id}/asr/vocabularies"
_ONE = f"{_ALL}/{{id}}"
_PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
_PROJECT_ID_ALLOWED = "1 to 32 characters of A-Z, a-z, 0-9, _ and -"
_HEADERS = {"cache-control": "no-store"}


def add_vocabularies(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve the calls."""
    calls = _Calls(state)
    handlers: dict[tuple[str, str], Callable[[SisRequest], Awaitable[Response]]] = {
        ("POST", _ALL): calls.create,
        ("GET", _ALL): calls.list,
        ("GET", _ONE): calls.show,
        ("PUT", _ONE): calls.replace,
        ("DELETE", _ONE): calls.delete,
    }
    for (method, path), handler in handlers.items():
        add_interface(app, state, origins, Interface(method, path), handler)


class _Calls:
    def __init__(self, state: ServerState) -> None:
        self._clock = state.authenticator.clock
        self._languages = state.properties.languages
        self._store = state.store

    async def create(self, request: SisRequest) -> Response:
        store = self._store_for(request)
        content = VocabularyContent.read(request.document(), self._languages)
        async with self._changing(store, request, makes_project=True) as (work, project_id):
            made = await work.vocabularies.create(
                project_id,
                content.name,
                content.language,
                content.description,
                content.words,
                self._clock(),
                most=MOST_VOCABULARIES,
            )
            await self._note(work, request, project_id, "create", made)
        return _answer({"vocabulary_id": made})

    async def replace(self, request: SisRequest) -> Response:
        store = self._store_for(request)
        content = VocabularyContent.read(request.document(), self._languages)
        vocabulary_id = request.path["id"]
        async with self._changing(store, request) as (work, project_id):
            await work.vocabularies.replace(
                project_id,
                vocabulary_id,
                content.name,
                content.language,
                content.description,
                content.words,
                self._clock(),
            )
            await self._note(work, request, project_id, "update", vocabulary_id)
        return _answer({"vocabulary_id": vocabulary_id})

    async def delete(self, request: SisRequest) -> Response:
        async with self._changing(self._store_for(request), request) as (work, project_id):
            await work.vocabularies.remove(project_id, request.path["id"])
            await self._note(work, request, project_id, "delete", request.path["id"])
        # Clients of SIS are known to fail on any body here.
        return Response(headers=_HEADERS)

    async def show(self, request: SisRequest) -> Response:
        async with _reading(self._store_for(request), request) as (work, project_id):
            found = await work.vocabularies.get(project_id, request.path["id"])
        return _answer(_told(found) | {"contents": found.words})

    async def list(self, request: SisRequest) -> Response:
        store = self._store_for(request)
        document = request.document() if request.body else {}
        query = VocabularyQuery.read(request.query, document)
        try:
            async with _reading(store, request) as (work, project_id):
                count, page = await work.vocabularies.page(
                    project_id, limit=query.limit, skipped=query.skipped, name=query.name
                )
        except _NoProject:
            count, page = 0, []
        return _answer({"count": count, "result": [_told(one) for one in page]})

    @asynccontextmanager
    async def _changing(
        self, there: StoreOnDemand, request: SisRequest, *, makes_project: bool = False
    ) -> AsyncIterator[tuple[Work, str]]:
        """As `_reading`, for changes.

        Args:
            makes_project: where there is none yet. Not everybody who may call has one in the store:
                some are asked nothing, others come from an identity provider.
        """
        store = await there.kept() if makes_project else await there.asked()
        if store is None:
            raise _NoProject(request)
        with _in_words_of_sis(request):
            async with store.writing() as work:
                project_id = await project_of(work, request.project_id, request.principal)
                if makes_project:
                    project_id = project_id or request.project_id
                    await self._keep_project(work, project_id)
                if project_id is None:
                    raise _NoProject(request)
                yield work, project_id

    async def _keep_project(self, work: Work, project_id: str) -> None:
        try:
            await work.projects.keep(project_id, DEFAULT_DOMAIN, self._clock())
        except AlreadyThere as error:
            raise ProtocolError(ErrorCode.INVALID, f"'project_id' is invalid: {error}") from error

    def _store_for(self, request: SisRequest) -> StoreOnDemand:
        """Where the vocabularies of the project are.

        Raises:
            ProtocolError: nowhere, or no project can have such an id.
        """
        if self._store is None:
            raise ProtocolError(
                ErrorCode.UNSUPPORTED,
                "vocabularies are not served: this server was started without a store for them",
            )
        if not _PROJECT_ID.fullmatch(request.project_id):
            raise invalid("project_id", request.project_id, _PROJECT_ID_ALLOWED)
        return self._store

    async def _note(
        self, work: Work, request: SisRequest, project_id: str, what: str, vocabulary_id: str
    ) -> None:
        action = f"sis:vocabulary:{what}"
        await work.audit.write(
            request.audit_entry(self._clock(), action, vocabulary_id, project_id)
        )


@asynccontextmanager
async def _reading(there: StoreOnDemand, request: SisRequest) -> AsyncIterator[tuple[Work, str]]:
    """A transaction, and the id of the project.

    Raises:
        _NoProject: there is no such project.
        ProtocolError: as `_in_words_of_sis`.
    """
    store = await there.asked()
    if store is None:
        raise _NoProject(request)
    with _in_words_of_sis(request):
        async with store.reading() as work:
            project_id = await project_of(work, request.project_id, request.principal)
            if project_id is None:
                raise _NoProject(request)
            yield work, project_id


class _NoProject(ProtocolError):
    """Of a project that there is not nobody can have a vocabulary either."""

    def __init__(self, request: SisRequest) -> None:
        super().__init__(ErrorCode.NO_VOCABULARY, _no_vocabulary(request))


@contextmanager
def _in_words_of_sis(request: SisRequest) -> Iterator[None]:
    """What the store refuses is refused in the words of SIS.

    Raises:
        ProtocolError: there is no such vocabulary, its name is taken, or there are too many.
    """
    try:
        yield
    except Unknown as error:
        raise ProtocolError(ErrorCode.NO_VOCABULARY, _no_vocabulary(request)) from error
    except AlreadyThere as error:
        raise ProtocolError(ErrorCode.NAME_TAKEN, f"'name' is invalid: {error}") from error
    except TooMany as error:
        raise ProtocolError(ErrorCode.VOCABULARIES_FULL, str(error)) from error


def _no_vocabulary(request: SisRequest) -> str:
    return f"this project has no vocabulary {shown(request.path.get('id', ''))}"


def _told(one: Vocabulary) -> dict[str, Any]:
    return vocabulary_body(one.id, one.name, one.language, one.description)


def _answer(told: dict[str, Any]) -> Response:
    return JSONResponse(told, headers=_HEADERS)
