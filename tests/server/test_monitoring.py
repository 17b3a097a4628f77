"""The history of interfaces: in memory, in the store, and as it is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.http.monitoring import MOST_PERIODS
from rasr.server.ops.history import History
from rasr.server.ops.interfaces import HISTORY_MINUTES, InterfaceCount, InterfaceStatistics
from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.errors import StoreGone
from rasr.store.interface_minutes import InterfaceMinutes
from rasr.store.on_demand import StoreOnDemand
from rasr.store.records import InterfaceMinute
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import OTHER, READER_AK, READER_SK, Place, Signer, place, web_of
from tests.server.conftest import fake_settings
from tests.server.test_interfaces import Clock
from tests.store.conftest import (
    empty_database,
    postgres_settings,
    settings,
    sqlite_settings,
    template,
)

__all__ = [
    "empty_database",
    "place",
    "postgres_settings",
    "settings",
    "sqlite_settings",
    "template",
]

MINUTE_MS = 60_000
START = 1000 * 24 * 60
"""A minute at which a day begins."""
PATH = f"/v1/{PROJECT}/monitoring"


class Server:
    """A server's history, on a store that others use too."""

    def __init__(self, store: StoreOnDemand | None, clock: Clock, most_counts: int = 9999) -> None:
        self.statistics = InterfaceStatistics(clock)
        self.statistics.history._most_counts = most_counts
        self.history = History(self.statistics, store)
        self.store = store

    def call(self, interface: str = "a", status: int = 200, project: str = "p") -> None:
        self.statistics.count(interface, status, 0.5, project)

    async def save(self) -> None:
        await self.history.save(self.statistics.minute)

    async def told(
        self, since: int, until: int, period: int = 1, project: str | None = "p"
    ) -> dict[str, list[tuple[int, int]]]:
        """By interface the minutes, and the successful calls from each on."""
        found = await self.history.sums(project, START + since, START + until, period)
        return {
            interface: [(minute - START, count.successful) for minute, count in minutes.items()]
            for interface, minutes in found.items()
        }


@pytest.fixture
async def store(settings: StoreSettings) -> AsyncIterator[StoreOnDemand]:
    """A store that is there."""
    opened = StoreOnDemand(settings, {})
    await opened.kept()
    yield opened
    await opened.close()


async def rows(store: StoreOnDemand) -> list[InterfaceMinute]:
    """All of the store."""
    opened = await store.asked()
    assert opened is not None
    async with opened.reading() as work:
        found = await work.interface_minutes.sums(
            None, 0, 1 << 30, 1, without="nobody", complete_from=0
        )
    return sorted(found, key=lambda one: (one.minute, one.interface))


# In the store


async def test_minutes_that_are_over_are_kept_and_the_running_one_is_not(
    store: StoreOnDemand,
) -> None:
    clock = Clock(START)
    server = Server(store, clock)
    for status in (200, 200, 404, 503):
        server.call(status=status)
    await server.save()
    assert await rows(store) == []
    clock.now += 60
    server.call()
    await server.save()
    await server.save()
    assert await rows(store) == [InterfaceMinute("", START, "a", 2, 1, 1, 1.0)]
    assert server.statistics.history.unsaved == {START + 1}


async def test_the_rows_of_several_servers_add_up_and_nothing_counts_twice(
    store: StoreOnDemand,
) -> None:
    clock = Clock(START)
    one, other = Server(store, clock), Server(store, clock)
    for server in (one, one, other):
        server.call()
    other.call("b")
    clock.now += 60
    await asyncio.gather(one.save(), other.save())
    one.call()
    # What the other one has not kept yet only it knows.
    other.call()
    for server in (one, other):
        assert await server.told(0, 9) == {"a": [(0, 3), (1, 1)], "b": [(0, 1)]}
    assert await one.told(0, 9, project="q") == {}
    assert await one.told(1, 9) == {"a": [(1, 1)]}
    assert await one.told(0, 9, 5) == {"a": [(0, 4)], "b": [(0, 1)]}
    assert await one.told(0, 9, 5, None) == {"a": [(0, 4)], "b": [(0, 1)]}


async def test_a_server_that_starts_anew_goes_on_where_it_was(store: StoreOnDemand) -> None:
    clock = Clock(START)
    before = Server(store, clock)
    before.history.start()
    before.call()
    await before.history.stop()
    after = Server(store, clock)
    after.call()
    assert await after.told(0, 9) == {"a": [(0, 2)]}
    clock.now += 60
    await after.save()
    assert await Server(store, clock).told(0, 9) == {"a": [(0, 2)]}


async def test_what_memory_has_no_room_for_comes_from_the_store(store: StoreOnDemand) -> None:
    clock = Clock(START)
    server = Server(store, clock, most_counts=2)
    for _ in range(5):
        server.call()
        clock.now += 60
        await server.save()
    assert server.statistics.history.complete_from == START + 3
    assert await server.told(0, 9) == {"a": [(minute, 1) for minute in range(5)]}


async def test_old_rows_go(store: StoreOnDemand) -> None:
    clock = Clock(START)
    server = Server(store, clock)
    server.call()
    clock.now += 60
    await server.save()
    clock.now += 60 * HISTORY_MINUTES
    server.call("b")
    clock.now += 60
    await server.save()
    assert [one.interface for one in await rows(store)] == ["b"]


async def test_projects_that_no_row_can_have_are_left_out(store: StoreOnDemand) -> None:
    clock = Clock(START)
    server = Server(store, clock)
    for project in ("x" * 300, "with\0zero", "good", ""):
        server.call(project=project)
    clock.now += 60
    await server.save()
    assert [one.successful for one in await rows(store)] == [2]
    assert await Server(store, clock).told(0, 9, project="with\0zero") == {}
    assert await server.told(0, 9, project="x" * 300) == {"a": [(0, 1)]}


async def test_while_the_store_is_away_minutes_wait_for_it(
    store: StoreOnDemand, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(START)
    server = Server(store, clock)
    server.call()
    clock.now += 60

    async def away() -> None:
        raise DirectoryUnavailable("it is gone")

    with monkeypatch.context() as patch:
        patch.setattr(store, "asked", away)
        await server.save()
        with pytest.raises(DirectoryUnavailable):
            await server.told(0, 9)
        clock.now += 60
        await server.save()
    assert server.statistics.history.unsaved == {START}
    await server.save()
    assert [one.minute for one in await rows(store)] == [START]


async def test_where_there_is_no_store_none_is_made(sqlite_settings: StoreSettings) -> None:
    store = StoreOnDemand(sqlite_settings, {})
    clock = Clock(START)
    server = Server(store, clock)
    server.call()
    clock.now += 60
    await server.save()
    assert await store.asked() is None
    assert await server.told(0, 9) == {"a": [(0, 1)]}
    # It is kept once there is one.
    await store.kept()
    await server.save()
    assert [one.minute for one in await rows(store)] == [START]
    await store.close()


async def test_without_any_store_it_is_in_memory(sqlite_settings: StoreSettings) -> None:
    server = Server(None, Clock(START))
    server.history.start()
    server.call()
    await server.save()
    assert await server.told(0, 9) == {"a": [(0, 1)]}
    await server.history.stop()


# As it is asked for


def count(service: Service, interface: str, minute: int, **numbers: Any) -> None:
    project = numbers.pop("project", PROJECT)
    service.state.interfaces.history.count(START + minute, project, interface).add(
        InterfaceCount(**numbers)
    )


def asked(since: int, until: int, **more: object) -> dict[str, Any]:
    return {
        "from": (START + since) * MINUTE_MS,
        "to": (START + until) * MINUTE_MS,
        **more,
    }


async def get(place: Place, **query: object) -> httpx.Response:
    """As somebody who may only read."""
    reader = Signer(place.web, READER_AK, READER_SK)
    pairs = [(name, str(value)) for name, value in query.items()]
    headers = reader.headers("GET", PATH, query=pairs)
    return await place.web.get(PATH, params=dict(pairs), headers=headers)


def without_live(answer: httpx.Response) -> dict[str, Any]:
    """What is told of the past; `tests/server/test_live.py` has what is told of now."""
    told: dict[str, Any] = answer.json()
    assert told.pop("live")
    return told


async def test_the_four_metrics_come_by_interface_and_period(place: Place) -> None:
    count(place.service, "b", 0, successful=1, delay_s=0.25)
    count(place.service, "a", 2, successful=2, failed_4xx=1, delay_s=0.5)
    count(place.service, "a", 4, successful=2, failed_5xx=1, delay_s=1.5)
    count(place.service, "a", 7, failed_4xx=3)
    count(place.service, "a", 3, successful=99, project=OTHER)
    answer = await get(place, **asked(1, 8, period=300))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert without_live(answer) == {
        "period": 300,
        "interfaces": [
            {
                "interface": "a",
                "datapoints": [
                    {
                        "timestamp": START * MINUTE_MS,
                        "successful_calls_of_service": 4,
                        "api_calls_with_4xx_response": 1,
                        "api_calls_with_5xx_response": 1,
                        "average_delay": 500.0,
                    },
                    {
                        "timestamp": (START + 5) * MINUTE_MS,
                        "successful_calls_of_service": 0,
                        "api_calls_with_4xx_response": 3,
                        "api_calls_with_5xx_response": 0,
                        "average_delay": None,
                    },
                ],
            },
            {
                "interface": "b",
                "datapoints": [
                    {
                        "timestamp": START * MINUTE_MS,
                        "successful_calls_of_service": 1,
                        "api_calls_with_4xx_response": 0,
                        "api_calls_with_5xx_response": 0,
                        "average_delay": 250.0,
                    }
                ],
            },
        ],
    }


async def test_many_data_points_are_all_there(place: Place) -> None:
    for minute in range(MOST_PERIODS):
        count(place.service, "a", minute, successful=1)
    told = (await get(place, **asked(0, MOST_PERIODS))).json()
    (interface,) = told["interfaces"]
    assert told["period"] == 60
    assert [one["timestamp"] for one in interface["datapoints"]] == [
        (START + minute) * MINUTE_MS for minute in range(MOST_PERIODS)
    ]


async def test_where_nothing_was_called_there_is_nothing(place: Place) -> None:
    assert without_live(await get(place, **asked(0, 9))) == {"period": 60, "interfaces": []}


async def test_whoever_looks_at_the_numbers_is_not_in_them(place: Place) -> None:
    await get(place, **asked(0, 9))
    assert place.service.state.interfaces.counts == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"to": 1}, "from is missing"),
        ({"from": 1}, "to is missing"),
        ({"from": "yesterday", "to": 1}, "from is 'yesterday'; needed: milliseconds"),
        ({"from": 1, "to": "1e9"}, "to is '1e9'"),
        ({"from": -1, "to": 1}, "from is '-1'"),
        ({"from": "１", "to": 2}, "needed: milliseconds"),
        ({"from": "", "to": 2}, "from is ''"),
        ({"from": 1, "to": 1 << 53}, "needed: milliseconds since 1970"),
        ({"from": 1, "to": "9" * 5000}, "needed: milliseconds since 1970"),
        ({"from": 5, "to": 5}, "from must be before to"),
        ({"from": 0, "to": 9, "period": 61}, "period is '61'; allowed: 60, 300, 3600, 86400"),
        ({"from": 0, "to": 9, "period": ""}, "period is ''"),
        ({"from": 0, "to": 1 << 52, "period": 86400}, "periods; allowed: 1440"),
        (asked(0, MOST_PERIODS + 1), "1441 periods; allowed: 1440"),
    ],
)
async def test_bad_questions_get_a_sentence(
    place: Place, query: dict[str, object], words: str
) -> None:
    answer = await get(place, **query)
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (400, "SIS.0032")
    assert words in told["error_msg"]
    assert len(told["error_msg"]) < 300
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_it_is_for_the_project_and_the_right_alone(place: Place) -> None:
    query = asked(0, 9)
    pairs = [(name, str(value)) for name, value in query.items()]
    other = PATH.replace(PROJECT, OTHER)
    headers = place.signer.headers("GET", other, query=pairs)
    answer = await place.web.get(other, params=query, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "SIS.0101")
    assert (await place.web.get(PATH, params=query)).status_code == 401
    place.directory.grants.clear()
    assert (await get(place, **asked(0, 9))).json()["error_code"] == "APIG.0302"


async def test_an_open_server_tells_everything_under_any_project(service: Service) -> None:
    count(service, "a", 0, successful=1, project="")
    count(service, "a", 0, successful=2, project="p")
    async with web_of(service) as web:
        answer = await web.get("/v1/whatever/monitoring", params=asked(0, 9))
        (interface,) = answer.json()["interfaces"]
        assert interface["datapoints"][0]["successful_calls_of_service"] == 3
        foreign = {"origin": "https://elsewhere.example"}
        refused = await web.get("/v1/p/monitoring", params=asked(0, 9), headers=foreign)
        assert refused.status_code == 403


async def test_what_was_kept_before_the_store_went_away_is_not_written_again(
    store: StoreOnDemand, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(START)
    server = Server(store, clock)
    for _ in range(3):
        server.call()
        clock.now += 60
    written: list[int] = []
    write = InterfaceMinutes.write

    async def only_one(self: InterfaceMinutes, server_id: str, rows: Any) -> None:
        if written:
            raise StoreGone("the store is gone")
        written.extend(row.minute for row in rows)
        await write(self, server_id, rows)

    with monkeypatch.context() as failing:
        failing.setattr(InterfaceMinutes, "write", only_one)
        await server.save()
    assert written == [START]
    assert server.statistics.history.unsaved == {START + 1, START + 2}
    await server.save()
    assert [one.minute - START for one in await rows(store)] == [0, 1, 2]


async def test_a_store_that_cannot_be_asked_is_said(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise DirectoryUnavailable("/srv/store.db is locked")

    monkeypatch.setattr(History, "sums", away)
    async with web_of(service) as web:
        answer = await web.get("/v1/p/monitoring", params=asked(0, 9))
    assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0001")
    assert "locked" not in answer.text


async def test_the_server_keeps_its_history_until_it_stops(
    sqlite_settings: StoreSettings,
) -> None:
    store = StoreOnDemand(sqlite_settings, {})
    await store.kept()
    async with Service(fake_settings(), None, store) as service:
        service.state.interfaces.count("a", 200, 0.5, "p")
    kept = await rows(store)
    assert [(one.interface, one.successful) for one in kept] == [("a", 1)]
    assert kept[0].minute >= time.time() // 60 - 1
    await store.close()
