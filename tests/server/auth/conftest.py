"""Servers with accounts in memory."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from rasr.identity.directory import AccessKey, Project, User
from rasr.identity.passwords import hash_password
from rasr.identity.policies import FULL_ACCESS, READ_ONLY, SYSTEM_POLICIES, PolicyGrant
from rasr.server.service import Service
from tests.identity.memory_directory import MemoryDirectory
from tests.identity.signing import AK, PROJECT, SK, signed_headers
from tests.processes import LONG_S
from tests.server.conftest import fake_settings

OTHER = "f" * 32
READER_AK, READER_SK = "AKREADER000000000000", "SKreader00000000000000000000000000000000"
PASSWORD = "correct horse battery"

HOME = Project(PROJECT, "cn-north-4", "acme")
ALICE = User("u-alice", "alice", "acme", hash_password(PASSWORD))
READER = User("u-reader", "reader", "acme", hash_password("reader's"))


def accounts() -> MemoryDirectory:
    """Alice, who may do everything in her project, and somebody who may only read there."""
    directory = MemoryDirectory()
    directory.add(HOME, Project(OTHER, "cn-east-3", "acme"), ALICE, READER)
    directory.add(AccessKey(AK, SK, ALICE, HOME), AccessKey(READER_AK, READER_SK, READER, HOME))
    directory.grant(ALICE, PolicyGrant(FULL_ACCESS, SYSTEM_POLICIES[FULL_ACCESS], PROJECT))
    directory.grant(READER, PolicyGrant(READ_ONLY, SYSTEM_POLICIES[READ_ONLY], PROJECT))
    return directory


@dataclass
class Signer:
    """Sends requests as the official client signs them."""

    web: httpx.AsyncClient
    access: str = AK
    secret: str = SK

    @property
    def host(self) -> str:
        return self.web.base_url.netloc.decode()

    def headers(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: list[tuple[str, str]] | None = None,
        now: float | None = None,
        **more: str,
    ) -> dict[str, str]:
        """Headers of a signed request; `_` in the names of more of them is a hyphen."""
        sent = {"Content-Type": "application/json"} if body else {}
        sent |= {name.replace("_", "-").title(): value for name, value in more.items()}
        return signed_headers(
            method,
            self.host,
            path,
            query,
            sent,
            body,
            now=time.time() if now is None else now,
            access=self.access,
            secret=self.secret,
        )

    async def send(
        self, method: str, path: str, body: bytes = b"", *, now: float | None = None
    ) -> httpx.Response:
        headers = self.headers(method, path, body, now=now)
        return await self.web.request(method, path, content=body, headers=headers)


@dataclass
class Place:
    """A server, its accounts and who asks it."""

    service: Service
    directory: MemoryDirectory
    web: httpx.AsyncClient
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.signer = Signer(self.web)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    directory = accounts()
    async with Service(fake_settings(), directory) as service:
        async with web_of(service) as web:
            yield Place(service, directory, web)


def web_of(service: Service) -> httpx.AsyncClient:
    """A client that knows no proxy."""
    return httpx.AsyncClient(
        base_url=service.url.replace("ws:", "http:"), trust_env=False, timeout=LONG_S
    )


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The sentence of a refusal, which has all that it must have."""
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code), answer.text
    assert re.fullmatch("[0-9a-f]{32}", told["request_id"])
    assert answer.headers["x-request-id"] == told["request_id"]
    sentence: str = told["error_msg"]
    return sentence
