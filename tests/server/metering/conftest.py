"""A store with a project, and servers and meters over it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from rasr.identity.policies import FULL_ACCESS
from rasr.identity.principals import CredentialKind, Principal
from rasr.server.metering.meter import StoreMeter
from rasr.server.service import Service
from rasr.settings import Settings, StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from rasr.store.records import UsageSum
from rasr.usage.meter import Charge
from rasr.usage.services import Service as Metered
from tests.processes import LONG_S
from tests.server.auth.conftest import Signer, web_of
from tests.server.conftest import fake_settings
from tests.store.conftest import postgres_settings, settings, sqlite_settings, template

__all__ = ["postgres_settings", "settings", "sqlite_settings", "template"]


@dataclass
class Clock:
    """Both clocks of a meter; they go when they are told to."""

    now: float = 1_793_500_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ledger:
    """A store with one project and one key."""

    settings: StoreSettings
    clock: Clock = field(default_factory=Clock)
    project_id: str = ""
    user_id: str = ""
    access_id: str = ""
    secret: str = ""
    opened: list[StoreOnDemand] = field(default_factory=list)
    numbers: int = 0

    def open(self) -> StoreOnDemand:
        """The store, as a process of its own would open it."""
        self.opened.append(StoreOnDemand(self.settings, {}))
        return self.opened[-1]

    @property
    def folder(self) -> Path:
        """Of the journals."""
        return self.opened[0].usage_folder()

    def meter(self) -> StoreMeter:
        """As that of a process of its own."""
        return StoreMeter(self.open(), self.clock, self.clock)

    @property
    def principal(self) -> Principal:
        return Principal(
            self.user_id, "ann", "default", self.project_id, CredentialKind.KEY, self.access_id
        )

    def charge(
        self, seconds: float = 1.0, service: Metered = Metered.REAL_TIME, identifier: str = ""
    ) -> Charge:
        """A round that has just ended."""
        self.numbers += 1
        name = identifier or f"round-{self.numbers}"
        return Charge(name, self.principal, service, self.clock(), seconds)

    async def quota(self, per_month: int | None, service: Metered = Metered.REAL_TIME) -> None:
        store = await self.opened[0].kept()
        async with store.writing() as work:
            await work.usage.set_quota(self.project_id, service, per_month)

    async def freeze(self, at: float | None) -> None:
        store = await self.opened[0].kept()
        async with store.writing() as work:
            await work.projects.freeze(self.project_id, at)

    async def sums(self) -> list[UsageSum]:
        """What the store has."""
        store = await self.opened[0].kept()
        async with store.reading() as work:
            return await work.usage.sums(self.project_id, 0.0, 1 << 33)

    async def used(self) -> dict[str, int]:
        """Service → amount."""
        found: dict[str, int] = {}
        for one in await self.sums():
            found[one.service] = found.get(one.service, 0) + one.amount
        return found


async def make_ledger(settings: StoreSettings) -> Ledger:
    made = Ledger(settings)
    store = await made.open().kept()
    async with store.writing() as work:
        user = await work.users.create("default", "ann", "", made.clock.now)
        project = await work.projects.create("default", "a", "", made.clock.now)
        policy = await work.policies.get(FULL_ACCESS)
        await work.policies.attach(policy, user, None, made.clock.now)
        key, made.secret = await work.keys.create(user, project, "", made.clock.now)
    made.user_id, made.project_id, made.access_id = user.id, project.id, key.id
    return made


@pytest.fixture
async def ledger(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Ledger]:
    """On both databases."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = await make_ledger(settings)
    made.settings = settings.model_copy(update={"timeout_s": LONG_S})
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
async def file_ledger(sqlite_settings: StoreSettings) -> AsyncIterator[Ledger]:
    """In a file."""
    made = await make_ledger(sqlite_settings)
    made.settings = sqlite_settings.model_copy(update={"timeout_s": LONG_S})
    yield made
    for one in made.opened:
        await one.close()


@dataclass
class Place:
    """A server over a ledger, and who asks it."""

    service: Service
    ledger: Ledger
    web: httpx.AsyncClient
    signer: Signer

    @property
    def project_id(self) -> str:
        return self.ledger.project_id

    async def used(self) -> dict[str, int]:
        """What is in the store once all that was charged is."""
        await self.service.state.connections.quiet()
        await self.service.state.meter.caught_up()
        assert self.service.state.meter.waiting == 0
        return await self.ledger.used()


def settings_of(ledger: Ledger, **sections: dict[str, object]) -> Settings:
    """Of a server."""
    return fake_settings(store=ledger.settings.model_dump(), **sections)


@pytest.fixture
async def place(sqlite_settings: StoreSettings) -> AsyncIterator[Place]:
    made = await make_ledger(sqlite_settings)
    made.clock.now = time.time()
    store = made.open()
    async with Service(settings_of(made), DirectoryOnDemand(store), store) as service:
        async with web_of(service) as web:
            yield Place(service, made, web, Signer(web, made.access_id, made.secret))
    for one in made.opened:
        await one.close()
