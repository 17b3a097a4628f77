"""Servers that keep vocabularies, and the official client of the calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdksis.v1 import SisClient

from rasr.server.service import Service
from rasr.settings import Settings, StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from rasr.store.store import open_store
from tests.server.conftest import fake_settings
from tests.store import conftest as of_store

NOW = 1_767_323_045.25
template = of_store.template
postgres_settings = of_store.postgres_settings


@dataclass(frozen=True)
class Key:
    """A key, and the project that it is for."""

    user: str
    project: str
    access: str
    secret: str

    def client(self, service: Service) -> SisClient:
        """The official client, which signs with it."""
        config = HttpConfig.get_default_config()
        config.retry_times = 0
        return (
            SisClient.new_builder()
            .with_http_config(config)
            .with_credentials(BasicCredentials(self.access, self.secret, self.project))
            .with_endpoints([service.url.replace("ws:", "http:")])
            .build()
        )


def settings_with(**sections: dict[str, object]) -> Settings:
    """Settings with an engine whose words are the hot ones, where there are any."""
    engines: dict[str, object] = {"fake": {"kind": "fake", "options": {"hot_words": True}}}
    return fake_settings(**{"engines": engines, **sections})


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> StoreSettings:
    """A file that is not there yet."""
    return of_store.patient(f"sqlite:///{tmp_path}/store/store.db")


@pytest.fixture(params=["sqlite", "postgres"])
def store_settings(request: pytest.FixtureRequest) -> StoreSettings:
    """Both, one after the other."""
    found: StoreSettings = request.getfixturevalue(f"{request.param}_settings")
    return found


@asynccontextmanager
async def serving(
    store_settings: StoreSettings, **sections: dict[str, object]
) -> AsyncIterator[Service]:
    """A server with this store."""
    store = StoreOnDemand(store_settings, {})
    async with Service(settings_with(**sections), DirectoryOnDemand(store), store) as service:
        yield service


@pytest.fixture
async def keys(store_settings: StoreSettings) -> dict[str, Key]:
    """Two projects, and a user in each who may do everything there; in the first, one who reads."""
    made = {}
    async with await open_store(store_settings, {}, make=True) as store:
        async with store.writing() as work:
            a = await work.projects.create("default", "a", "", NOW)
            b = await work.projects.create("default", "b", "", NOW)
            for name, where, policy in (
                ("ann", a, "SIS FullAccess"),
                ("bob", b, "SIS FullAccess"),
                ("reader", a, "SIS ReadOnlyAccess"),
            ):
                user = await work.users.create("default", name, "", NOW)
                await work.policies.attach(await work.policies.get(policy), user, where, NOW)
                key, secret = await work.keys.create(user, where, "", NOW)
                made[name] = Key(user.id, where.id, key.id, secret)
    return made


def body(**changed: Any) -> dict[str, Any]:
    """Of a call that makes or changes a vocabulary."""
    return {"name": "team", "language": "chinese_mandarin", "contents": ["华为"]} | changed
