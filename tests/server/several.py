"""Several servers in one process that share a store, each with an address of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.service import Service
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import given_up
from tests.server.broken_network import (
    NOBODY,
    Break,
    BrokenNetwork,
    broken_network,
    port_of,
)
from tests.server.conftest import fake_settings
from tests.server.resumed import until


class Several:
    """They know each other once each of them has heard of all others, `heard`."""

    def __init__(self, services: list[Service], networks: list[BrokenNetwork]) -> None:
        self.services = services
        self._silent: list[Service] = []
        self._networks = networks
        """In front of each, for the others."""

    async def heard(self) -> None:
        """Each says that it lives, and hears of the others."""
        for one in self.services:
            if one.background is not None and one not in self._silent:
                await one.background.replicas.beat()

    async def cut_off(self, number: int) -> None:
        """One can be reached by no other one any more, and is heard of no more."""
        service = self.services[number]
        self.silence(number)
        assert service.background is not None
        await service.background.replicas.stop()
        await self._gone(number)

    def silence(self, number: int) -> None:
        """One says nothing any more."""
        self._silent.append(self.services[number])

    async def put_in_place_of(self, number: int, service: Service) -> None:
        """One is gone, and at its address is another one."""
        self.silence(number)
        network = self._networks[number]
        network.target = port_of(service.url)
        before = network.connections
        await network.lose(Break.RESET)
        # Whoever was connected comes back.
        await until(lambda: network.connections > before)

    async def hang(self, number: int) -> None:
        """Nothing gets through to one, or back, on the connections that others have to it now."""
        await self._networks[number].lose(Break.HANG)

    async def stop(self, number: int) -> None:
        """One is stopped in order."""
        await self.services[number].stop()
        await self._gone(number)

    async def _gone(self, number: int) -> None:
        self._networks[number].close()
        await self._networks[number].lose(Break.RESET)


@asynccontextmanager
async def several(
    folder: Path, count: int, **sections: dict[str, object]
) -> AsyncIterator[Several]:
    """So many, which have heard of each other."""
    async with AsyncExitStack() as stack:
        services, networks = [], []
        replicas = sections.pop("replicas", {})
        for _ in range(count):
            # Others reach it through a network that has its address before the server has one.
            network = await stack.enter_async_context(broken_network(NOBODY))
            settings = fake_settings(
                store={"url": f"sqlite:///{folder}/store.db"},
                # As people write addresses.
                replicas={"address": f"{network.url}/"} | replicas,
                **sections,
            )
            store = StoreOnDemand(settings.store, {})
            service = await stack.enter_async_context(Service(settings, store=store))
            network.target = port_of(service.url)
            services.append(service)
            assert service.background is not None
            # They hear of each other when the test says so.
            beating = service.background.replicas._task
            assert beating is not None
            await given_up(beating)
            networks.append(network)
        made = Several(services, networks)
        # The last one has heard of all before it.
        await made.heard()
        yield made


@contextmanager
def without_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No server can ask the store."""

    async def gone(store: StoreOnDemand) -> None:
        raise DirectoryUnavailable("the store is gone")

    with monkeypatch.context() as patch:
        patch.setattr(StoreOnDemand, "kept", gone)
        yield
